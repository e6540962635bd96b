import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import type { ApiAnswer } from '../../test/support/app.ts'
import {
  addCustomer,
  checkBooks,
  getPayment,
  type PaymentWorld,
  setSettings,
  startPaymentWorld,
  WALLET,
} from '../../test/support/payments.ts'
import { DEFAULT_SETTINGS } from '../common/integration.ts'
import { isConcept } from './concept.ts'

let t: PaymentWorld
let customer: number

before(async () => {
  t = await startPaymentWorld()
})
beforeEach(async () => {
  await setSettings(t, ({ brand }) => ({ ...DEFAULT_SETTINGS, brand }))
  customer = await addCustomer(t.app)
})
after(async () => {
  await checkBooks(t.app)
  await t.stop()
})

type Fields = Record<string, unknown>

const order = (changes: Fields = {}): Fields => ({
  user_id: customer,
  fiat_symbol: 'EUR',
  fiat_amount: '150.50',
  coin_symbol: 'USDC',
  coin_chain: 'polygon',
  wallet: WALLET,
  ...changes,
})

const post = (changes: Fields = {}, headers: Record<string, string> = {}): Promise<ApiAnswer> =>
  t.api('POST', '/api/createPayment', { body: order(changes), headers })

async function created(changes: Fields = {}): Promise<Record<string, string>> {
  const { body } = await post(changes)
  assert.equal(body.message, 'payment_created', JSON.stringify(body))
  return body.data
}

const count = async (table: 'payments' | 'paymentSessions' | 'paymentGateways' | 'paymentConcepts') =>
  Number(
    (
      await t.app.db
        .selectFrom(table)
        .select(({ fn }) => fn.countAll().as('n'))
        .executeTakeFirstOrThrow()
    ).n,
  )

const life = ({ expires_at, created_at }: Record<string, string>): number =>
  Date.parse(expires_at!) - Date.parse(created_at!)

const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000

describe('transfer, the default', () => {
  test('answers where to pay, as the documentation has it, oddity included', async () => {
    const { status, body } = await post({ fiat_amount: 240, external_id: 'order-1' })
    assert.equal(status, 200)
    const { payment_id: id, iban, bic, concept, destination_name: name, gateway_url: gateway } = body.data
    assert.deepEqual([body.status, body.message], ['sucess', 'payment_created'])
    assert.match(id, /^[A-Za-z0-9]{25}$/)
    assert.match(iban, /^ES\d{22}$/)
    assert.equal(typeof bic, 'string')
    assert.equal(name, 'Sandbox Remittances')
    assert.ok(Number.isInteger(concept) && isConcept(concept), `${concept} has its check digits`)
    assert.ok(gateway.startsWith(`${t.app.config.publicUrl}/gateway/transfer?token=`))
    const payment = await getPayment(t, id)
    assert.deepEqual(payment.bank_transfer, { iban, bic, concept, destination_name: name, amount: '240.00' })
    assert.deepEqual(
      [payment.status, payment.payment_type, payment.wallet, payment.price_fixed_at, payment.gateway_url],
      ['started', 'transfer', WALLET, null, null],
    )
    assert.equal(life(payment), 72 * HOUR_MS)
  })

  test('no two have the same concept', async () => {
    const all = await Promise.all(Array.from({ length: 10 }, () => created({ fiat_amount: '20' })))
    assert.equal(new Set(all.map(({ concept }) => concept)).size, 10)
  })

  test('a form is as good as JSON', async () => {
    const body = new URLSearchParams(order({ payment_type: 'TRANSFER' }) as Record<string, string>).toString()
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const answer = await t.api('POST', '/api/createPayment', { body, headers })
    assert.equal(answer.body.status, 'sucess')
  })
})

describe('card, psd2', () => {
  for (const [type, page] of [
    ['card', '/simulators/card/'],
    ['PSD2', '/simulators/bank/'],
  ] as const) {
    test(`${type}: answers the address that leads to the provider`, async () => {
      const { body } = await post({ payment_type: type })
      assert.deepEqual([body.status, body.message], ['success', 'payment_created'])
      assert.deepEqual(Object.keys(body.data), ['url_payment', 'payment_id'])
      const { url_payment: url, payment_id: id } = body.data
      const uuid = '[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}'
      assert.match(url, new RegExp(`/gateway/${type.toLowerCase()}\\?token=${uuid}$`))
      const payment = await getPayment(t, id)
      assert.equal(life(payment), 30 * MINUTE_MS)
      assert.equal(payment.price_expires_at, payment.expires_at)
      assert.equal(payment.bank_transfer, null)
      const session = await t.app.db
        .selectFrom('paymentSessions')
        .select(['state', 'url'])
        .where('paymentId', '=', id)
        .executeTakeFirstOrThrow()
      assert.equal(session.state, 'open')
      assert.ok(session.url?.includes(page))
    })
  }

  test('the token is stored as a hash and sealed, never as it is', async () => {
    const { url_payment: url, payment_id: id } = await created({ payment_type: 'card' })
    const token = new URL(url!).searchParams.get('token')!
    const row = await t.app.db
      .selectFrom('paymentGateways')
      .selectAll()
      .where('paymentId', '=', id!)
      .executeTakeFirstOrThrow()
    for (const value of Object.values(row)) assert.ok(!String(value).includes(token))
  })

  test('a quote gives its price, once', async () => {
    const { body } = await t.api('GET', '/api/quote?amount=150.50&symbol=USDC&payment_type=card')
    const { quote_id, tokens_exact } = body.data
    const { payment_id: id } = await created({ payment_type: 'card', quote_id })
    assert.equal((await getPayment(t, id!)).coin_amount_exact, tokens_exact)
    assert.equal((await post({ payment_type: 'card', quote_id })).body.error, 'quote_expired')
  })
})

describe('the same request again', () => {
  for (const payment_type of ['transfer', 'card']) {
    test(`${payment_type}: one external_id, equal body: byte for byte the same answer`, async () => {
      const fields = { payment_type, external_id: `again-${payment_type}` }
      const first = await post(fields)
      assert.deepEqual((await post(fields)).body, first.body)
      const other = await post({ ...fields, fiat_amount: '99' })
      assert.equal(other.body.error, 'external_id_already_used')
    })

    test(`${payment_type}: one external_id, the wallet written without its checksum`, async () => {
      const fields = { payment_type, external_id: `spelled-${payment_type}`, wallet: WALLET }
      const first = await post(fields)
      assert.deepEqual((await post({ ...fields, wallet: WALLET.toLowerCase() })).body, first.body)
      const other = '0x5B38Da6a701c568545dCfcB03FcB875f56beddC4'
      assert.equal((await post({ ...fields, wallet: other })).body.error, 'external_id_already_used')
    })

    test(`${payment_type}: an Idempotency-Key`, async () => {
      const headers = { 'idempotency-key': `key-${payment_type}` }
      const before = await count('payments')
      const first = await post({ payment_type }, headers)
      const again = await post({ payment_type }, headers)
      assert.deepEqual(again.body, first.body)
      assert.equal(again.headers.get('idempotent-replayed'), 'true')
      assert.equal(await count('payments'), before + 1)
    })

    test(`${payment_type}: ten at once are one payment`, async () => {
      const external_id = `at-once-${payment_type}`
      const answers = await Promise.all(
        Array.from({ length: 10 }, () => created({ payment_type, external_id })),
      )
      assert.equal(new Set(answers.map((answer) => JSON.stringify(answer))).size, 1)
    })
  }
})

describe('no account', () => {
  test('transfer: no account to pay to', async () => {
    await t.app.db.updateTable('bankAccounts').set({ status: 'closed' }).execute()
    assert.equal((await post()).body.error, 'error_payment_creation')
    await t.app.db.updateTable('bankAccounts').set({ status: 'active' }).execute()
    await created()
  })
})

describe('fields', () => {
  test('all missing ones are named at once; coin_chain but for the local methods', async () => {
    const { status, body } = await t.api('POST', '/api/createPayment', { body: {}, honest: true })
    assert.deepEqual([status, body.error], [422, 'fail_mandatory_field'])
    const all = ['coin_chain', 'coin_symbol', 'fiat_amount', 'fiat_symbol', 'user_id', 'wallet']
    assert.deepEqual(Object.keys(body.errors).sort(), all)
    const local = await t.api('POST', '/api/createPayment', { body: { payment_type: 'KHIPU' } })
    assert.deepEqual(
      Object.keys(local.body.errors).sort(),
      all.filter((field) => field !== 'coin_chain'),
    )
  })

  test('an amount has the decimals of its currency', async () => {
    for (const [fiat_symbol, fiat_amount, payment_type] of [
      ['EUR', '150.505', 'transfer'],
      ['CLP', '50000.5', 'KHIPU'],
      ['CLP', '50000.0', 'KHIPU'],
    ] as const) {
      const { body } = await post({ fiat_symbol, fiat_amount, payment_type })
      assert.deepEqual([body.error, Object.keys(body.errors)], ['invalid_field', ['fiat_amount']])
    }
  })
})
