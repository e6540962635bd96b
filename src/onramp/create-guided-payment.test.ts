import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import type { ApiAnswer } from '../../test/support/app.ts'
import {
  addCustomer,
  createGuided,
  getPayment,
  guidedBody,
  openAsOwner,
  type PaymentWorld,
  payCard,
  rowOf,
  setSettings,
  startPaymentWorld,
  WALLET,
} from '../../test/support/payments.ts'
import { DEFAULT_SETTINGS } from '../common/integration.ts'
import { addFaults } from '../providers/faults.ts'
import { SANDBOX_BLOCKED_WALLET } from '../providers/screening/block-list.ts'

let t: PaymentWorld
let customer: number

before(async () => {
  t = await startPaymentWorld()
})
beforeEach(async () => {
  await setSettings(t, ({ brand }) => ({ ...DEFAULT_SETTINGS, brand }))
  customer = await addCustomer(t.app)
})
after(() => t.stop())

const post = (
  changes: Record<string, unknown> = {},
  headers: Record<string, string> = {},
): Promise<ApiAnswer> =>
  t.api('POST', '/api/createGuidedPayment', { body: guidedBody(customer, changes), headers, honest: true })

async function refused(code: string, changes: Record<string, unknown>): Promise<ApiAnswer['body']> {
  const { body } = await post(changes)
  assert.equal(body.error, code, JSON.stringify(body))
  assert.equal(typeof body.message, 'string')
  return body
}

describe('200', () => {
  test('the answer and the payment it made', async () => {
    const { status, body } = await t.api('POST', '/api/createGuidedPayment', {
      body: guidedBody(customer, {
        external_id: 'order-abc-001',
        fiat_amount: 240,
        callback_url: 'https://shop.example.com/x',
      }),
    })
    assert.equal(status, 200)
    assert.deepEqual([body.status, body.message], ['success', 'guided_payment_created'])
    const { payment_id: id } = body.data
    assert.match(id, /^[A-Za-z0-9]{25}$/)
    assert.deepEqual(body.data, {
      payment_id: id,
      gateway_url: `${t.app.config.publicUrl}/payment/${id}`,
      external_id: 'order-abc-001',
    })
    const payment = await getPayment(t, id)
    assert.deepEqual(Object.keys(payment).sort(), [
      'bank_transfer',
      'chargeback',
      'coin_amount',
      'coin_amount_exact',
      'coin_chain',
      'coin_symbol',
      'created_at',
      'expires_at',
      'external_id',
      'fee',
      'fiat_amount',
      'fiat_amount_exact',
      'fiat_amount_received',
      'fiat_symbol',
      'gateway_url',
      'holder',
      'id',
      'network_fee',
      'payment_type',
      'price',
      'price_expires_at',
      'price_fixed_at',
      'refund',
      'status',
      'updated_at',
      'user_id',
      'wallet',
    ])
    assert.equal(payment.fiat_amount, 24_000)
    assert.equal(payment.payment_type, 'card')
    assert.equal(typeof payment.coin_amount, 'number')
    assert.equal(payment.coin_amount, Number(payment.coin_amount_exact))
    const ms = (a: string, b: string) => Date.parse(a) - Date.parse(b)
    assert.equal(ms(payment.expires_at, payment.created_at), 30 * 60_000)
    assert.equal(ms(payment.price_expires_at, payment.created_at), 10 * 60_000)
  })

  test('names in any case; a transfer has three days', async () => {
    const id = await createGuided(t, customer, {
      coin_symbol: 'usdc',
      coin_chain: 'POLYGON',
      payment_type: 'Transfer',
      fiat_symbol: 'eur',
    })
    const payment = await getPayment(t, id)
    assert.deepEqual(
      [payment.coin_symbol, payment.coin_chain, payment.payment_type],
      ['USDC', 'polygon', 'transfer'],
    )
    assert.equal(Date.parse(payment.expires_at) - Date.parse(payment.created_at), 3 * 86_400_000)
  })

  test('the wallet may be left out; the integration’s own goes before the customer’s', async () => {
    assert.equal((await getPayment(t, await createGuided(t, customer, { wallet: undefined }))).wallet, null)
    const own = '0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359'
    await setSettings(t, (settings) => ({ ...settings, wallets: { polygon: own } }))
    assert.equal((await getPayment(t, await createGuided(t, customer))).wallet, own)
  })

  test('the same external_id with the same body answers the same payment', async () => {
    const first = await post({ external_id: 'same', fiat_amount: 150.5 })
    const again = await post({ external_id: 'same', fiat_amount: 150.5 })
    assert.deepEqual(again.body, first.body)
  })

  test('ten at once with one external_id are one payment', async () => {
    const answers = await Promise.all(Array.from({ length: 10 }, () => post({ external_id: 'at-once' })))
    assert.equal(new Set(answers.map(({ body }) => body.data.payment_id)).size, 1)
  })

  test('an Idempotency-Key answers byte for byte what it answered', async () => {
    const first = await post({}, { 'idempotency-key': 'k1' })
    const again = await post({}, { 'idempotency-key': 'k1' })
    assert.deepEqual(again.body, first.body)
    assert.equal(again.headers.get('idempotent-replayed'), 'true')
    const other = await post({ fiat_amount: '99' }, { 'idempotency-key': 'k1' })
    assert.equal(other.body.error, 'idempotency_key_reused')
  })

  test('a quote gives its price and its fees, once', async () => {
    const { body } = await t.api('GET', '/api/quote?amount=150.50&symbol=USDC&payment_type=card')
    const { quote_id: quoteId, tokens_exact: tokens, price, fee } = body.data
    await setSettings(t, (settings) => ({
      ...settings,
      fees: { ...settings.fees, card: { percent: '9.00', fixed: '0' } },
    }))
    const id = await createGuided(t, customer, { quote_id: quoteId })
    const payment = await getPayment(t, id)
    assert.deepEqual([payment.coin_amount_exact, payment.price, payment.fee], [tokens, price, fee])
    await refused('quote_expired', { quote_id: quoteId })
    await payCard(t, id)
    const paid = await getPayment(t, id)
    assert.deepEqual([paid.coin_amount_exact, paid.fee], [tokens, fee])
  })

  test('a refused creation does not use its quote up', async () => {
    const { body } = await t.api('GET', '/api/quote?amount=150.50&symbol=USDC&payment_type=card')
    await refused('invalid_wallet', { quote_id: body.data.quote_id, wallet: `0x${'0'.repeat(40)}` })
    await createGuided(t, customer, { quote_id: body.data.quote_id })
  })
})

describe('fields', () => {
  test('all missing ones are named at once', async () => {
    const { status, body } = await t.api('POST', '/api/createGuidedPayment', { body: {}, honest: true })
    assert.deepEqual([status, body.error], [422, 'fail_mandatory_field'])
    assert.deepEqual(Object.keys(body.errors).sort(), ['coin_chain', 'coin_symbol', 'fiat_amount', 'user_id'])
  })

  test('amounts are judged on the digits as sent', async () => {
    for (const amount of ['150.505', '1e3', '-5', '0', '0.00', 'NaN', '', '1,5', true, null, [5]]) {
      const { body } = await post({ fiat_amount: amount })
      assert.equal(body.error, 'invalid_field', JSON.stringify(amount))
      assert.ok(body.errors.fiat_amount)
    }
    const raw = JSON.stringify(guidedBody(customer)).replace('"150.50"', '150.10000000000000001')
    const { body } = await t.api('POST', '/api/createGuidedPayment', {
      body: raw,
      headers: { 'content-type': 'application/json' },
    })
    assert.equal(body.error, 'invalid_field')
  })

  test('a callback_url on a host that the integration does not list', async () => {
    await setSettings(t, (settings) => ({ ...settings, callbackHosts: ['shop.example.com'] }))
    const body = await refused('invalid_field', { callback_url: 'https://evil.example.com/' })
    assert.ok(body.errors.callback_url)
    await createGuided(t, customer, { callback_url: 'https://shop.example.com/thanks' })
  })

  test('a quote of something else, or of nobody', async () => {
    const { body } = await t.api('GET', '/api/quote?amount=99.00&symbol=USDC&payment_type=card')
    assert.ok((await refused('invalid_field', { quote_id: body.data.quote_id })).errors.quote_id)
    assert.ok((await refused('invalid_field', { quote_id: 'made-up' })).errors.quote_id)
  })
})

describe('each refusal', () => {
  test('guided_payment_eur_only', () =>
    refused('guided_payment_eur_only', { fiat_symbol: 'CLP', fiat_amount: '50000' }))

  test('external_id_already_used, until that payment ended without coins', async () => {
    const id = await createGuided(t, customer, { external_id: 'used' })
    await refused('external_id_already_used', { external_id: 'used', fiat_amount: '99' })
    await t.api('POST', `/api/payment/${id}/cancel`)
    assert.notEqual(await createGuided(t, customer, { external_id: 'used', fiat_amount: '99' }), id)
  })

  test('user_not_found, of another integration too', async () => {
    await refused('user_not_found', { user_id: 999_999_999 })
    const foreign = await addCustomer(t.app, { integrationId: 2 })
    await refused('user_not_found', { user_id: foreign })
  })

  test('user_banned', async () => {
    await refused('user_banned', { user_id: await addCustomer(t.app, { banned: true }) })
  })

  test('require_kyc, with the address of the form', async () => {
    for (const kycStatus of ['unused', 'processing', 'fail'] as const) {
      const body = await refused('require_kyc', { user_id: await addCustomer(t.app, { kycStatus }) })
      assert.match(body.data.kyc_form_url, /\/kyc\/.+/)
    }
  })

  test('coin_not_supported', async () => {
    await refused('coin_not_supported', { coin_symbol: 'DOGE' })
    await setSettings(t, (settings) => ({ ...settings, pairs: ['bsc:USDC'] }))
    await refused('coin_not_supported', {})
  })

  test('invalid_wallet, wallet_blocked', async () => {
    const body = await refused('invalid_wallet', { wallet: WALLET.replace('5aA', '5AA') })
    assert.deepEqual(body.errors.wallet, ['checksum'])
    await refused('invalid_wallet', { wallet: '0x00000000000000000000000000000000000000a1' })
    await refused('wallet_blocked', { wallet: SANDBOX_BLOCKED_WALLET })
  })

  test('method_not_allowed', async () => {
    for (const method of ['paypal', 'khipu', 'cheque'])
      await refused('method_not_allowed', { payment_type: method })
    await setSettings(t, (settings) => ({ ...settings, paymentTypes: ['transfer'] }))
    await refused('method_not_allowed', {})
  })

  test('quote_expired', async () => {
    const { body } = await t.api('GET', '/api/quote?amount=150.50&symbol=USDC&payment_type=card')
    await t.advance(61_000)
    await refused('quote_expired', { quote_id: body.data.quote_id })
  })

  test('min_purchase and max_purchase, with the bound in the message', async () => {
    assert.match((await refused('min_purchase', { fiat_amount: '19.99' })).message, /20\.00 EUR/)
    assert.match((await refused('max_purchase', { fiat_amount: '5000.01' })).message, /5000\.00 EUR/)
  })

  test('coin_unavailable', async () => {
    await refused('coin_unavailable', { coin_symbol: 'ETH', fiat_amount: '100', ...(await emptied()) })
  })

  test('price_unavailable', async () => {
    await addFaults(t.app, { provider: 'price', kind: 'fail', count: 1_000_000 })
    await t.advance(120_000)
    await refused('price_unavailable', {})
    await t.app.db.deleteFrom('providerFaults').execute()
    await t.advance(1000)
    await createGuided(t, customer)
  })

  test('in the order of the contract: the customer before the coin, the coin before the wallet, the wallet before the method', async () => {
    const all = {
      user_id: 999_999_999,
      coin_symbol: 'DOGE',
      wallet: 'x',
      payment_type: 'cheque',
      fiat_amount: '1',
    }
    await refused('user_not_found', all)
    await refused('coin_not_supported', { ...all, user_id: customer })
    await refused('invalid_wallet', { ...all, user_id: customer, coin_symbol: 'USDC' })
    await refused('method_not_allowed', { ...all, user_id: customer, coin_symbol: 'USDC', wallet: WALLET })
    await refused('min_purchase', { fiat_amount: '1' })
  })
})

describe('limits', () => {
  test('1,000 EUR by card a quarter at level basic; ended payments do not count', async () => {
    const first = await createGuided(t, customer, { fiat_amount: '600' })
    await refused('limit_exceded', { fiat_amount: '400.01' })
    await createGuided(t, customer, { fiat_amount: '400' })
    await refused('limit_exceded', { fiat_amount: '20' })
    await createGuided(t, customer, { fiat_amount: '5000', payment_type: 'transfer' })
    await t.api('POST', `/api/payment/${first}/cancel`)
    await createGuided(t, customer, { fiat_amount: '600' })
  })

  test('15,000 in twelve months at level basic, 100,000 reinforced', async () => {
    for (let n = 0; n < 3; n += 1)
      await createGuided(t, customer, { fiat_amount: '5000', payment_type: 'transfer' })
    await refused('kyc_reinforced_required', { fiat_amount: '20', payment_type: 'transfer' })
    const level = (limits: Record<string, string>) =>
      setSettings(t, (settings) => ({
        ...settings,
        limits: { ...settings.limits, reinforced: { cardQuarter: '10000.00', year: '15000.00', ...limits } },
      }))
    await level({})
    await refused('max_purchase', { fiat_amount: '20', payment_type: 'transfer' })
  })

  test('two at once never go over it together', async () => {
    const answers = await Promise.all(Array.from({ length: 8 }, () => post({ fiat_amount: '400' })))
    const made = answers.filter(({ body }) => body.status === 'success')
    assert.equal(made.length, 2)
    assert.ok(answers.every(({ body }) => body.status === 'success' || body.error === 'limit_exceded'))
  })

  test('another method chosen on the page is counted anew', async () => {
    const id = await createGuided(t, customer, { fiat_amount: '900', payment_type: 'transfer' })
    await createGuided(t, customer, { fiat_amount: '200' })
    const page = await openAsOwner(t, id)
    const { body, status } = await page.call('POST', '/method', { payment_type: 'card' })
    assert.deepEqual([status, body.error], [422, 'limit_exceded'])
    assert.equal((await rowOf(t.app, id)).paymentType, 'transfer')
  })
})

/** Nothing is left to deliver: every coin is on its way out already. */
async function emptied(): Promise<Record<string, never>> {
  const door = 'wallet:polygon:0x00000000000000000000000000000000000000A1'
  const now = t.app.clock.now()
  await t.app.db
    .insertInto('effects')
    .values({
      id: 'drain',
      integrationId: 1,
      kind: 'coin_transfer',
      purpose: 'test:drain',
      reference: 'payment:none',
      door,
      asset: 'polygon:ETH',
      units: 10n ** 24n,
      account: 'customer:none:coin',
      destinationSealed: Buffer.alloc(0),
      state: 'planned',
      idempotencyKey: 'drain',
      createdAt: now,
      updatedAt: now,
    })
    .execute()
  await t.app.pricing.availability.refresh()
  return {}
}
