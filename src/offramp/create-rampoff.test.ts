import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import type { ApiAnswer } from '../../test/support/app.ts'
import { addCustomer, type PaymentWorld, setSettings, WALLET } from '../../test/support/payments.ts'
import {
  CUSTOMER_IBAN,
  countSales,
  createRampoff,
  getRampoff,
  quoteSale,
  saleBody,
} from '../../test/support/rampoff.ts'
import { startSaleWorld } from '../../test/support/sales.ts'
import { DEFAULT_SETTINGS } from '../common/integration.ts'
import { openAccount } from '../providers/bank/simulated/account.ts'
import { findSaleById } from './sale-store.ts'
import { openPayee } from './sale-wire.ts'

let t: PaymentWorld
let customer: number

before(async () => {
  t = await startSaleWorld()
  await openPesoAccount()
})
beforeEach(async () => {
  await setSettings(t, ({ brand }) => ({ ...DEFAULT_SETTINGS, brand }))
  customer = await addCustomer(t.app)
})
after(() => t.stop())

type Fields = Record<string, unknown>

/** An account of ours that pays in Mexican pesos, unless the sandbox has one. */
async function openPesoAccount(): Promise<void> {
  const { db, clock } = t.app
  const ours = await db.selectFrom('bankAccounts').select('iban').where('currency', '=', 'MXN').execute()
  if (ours.length > 0) return
  const account = await db
    .transaction()
    .execute((trx) => openAccount(trx, { holderName: 'Pesos', currency: 'MXN', at: clock.now() }))
  await db
    .insertInto('bankAccounts')
    .values({ ...account, integrationId: null, dueAt: null, createdAt: clock.now() })
    .execute()
}

const post = (changes: Fields = {}, headers: Record<string, string> = {}): Promise<ApiAnswer> =>
  t.api('POST', '/api/createRampoff', { body: saleBody(customer, changes), headers })

const created = (changes: Fields = {}) => createRampoff(t, customer, changes)

const payeeOf = async (id: string) => openPayee(t.app.secrets, (await findSaleById(t.app.db, id))!)

const quoted = (query: Record<string, string> = {}) => quoteSale(t, query)

describe('a sale', () => {
  test('answers an address of its own, as the documentation has it', async () => {
    const { status, body } = await post({ external_id: 'sale-1', refund_wallet: WALLET })
    assert.deepEqual([status, body.status, body.data.rampoff], [200, 'ok', 'payment created'])
    const { id, wallet, expires_at: expiresAt, amount_units: units } = body.data
    assert.match(id, /^[A-Za-z0-9]{25}$/)
    assert.match(wallet, /^0x[0-9a-fA-F]{40}$/)
    assert.equal(units, '100000000')
    const sale = await getRampoff(t, id)
    assert.deepEqual(
      [sale.status, sale.blockchain, sale.crypto, sale.amount, sale.decimals, sale.received_amount],
      ['started', 'polygon', 'USDC', '100000000', 6, '0'],
    )
    assert.deepEqual(
      [sale.external_id, sale.user_id, sale.wallet, sale.refund_wallet, sale.iban, sale.fiat_symbol],
      ['sale-1', String(customer), wallet, WALLET, CUSTOMER_IBAN, 'EUR'],
    )
    assert.deepEqual([sale.txid, sale.payout, sale.refund], [null, null, null])
    assert.equal(sale.expires_at, expiresAt)
    assert.equal(Date.parse(expiresAt) - Date.parse(sale.created_at), 24 * 3_600_000)
  })

  test('adds up: what the coins are worth, less the fee', async () => {
    const { id } = await created()
    const { price, fiat_amount: got, fee } = await getRampoff(t, id)
    const cents = (text: string) => BigInt(text.replace('.', ''))
    const worth = (100n * cents(price)) / 10_000n
    assert.equal(cents(got) + cents(fee), worth)
    const up = (units: bigint, percent: bigint) => (units * percent + 9_999n) / 10_000n
    assert.equal(cents(fee), up(worth, 80n) + 20n + up(worth, 50n))
  })

  test('its wallet is one of ours, at a key of its own', async () => {
    const sales = await Promise.all(Array.from({ length: 10 }, () => created()))
    const wallets = await t.app.db
      .selectFrom('wallets')
      .selectAll()
      .where('role', '=', 'deposit')
      .where(
        'address',
        'in',
        sales.map(({ wallet }) => wallet),
      )
      .execute()
    assert.equal(wallets.length, 10)
    assert.equal(new Set(wallets.map(({ keyRef }) => keyRef)).size, 10)
    for (const { keyRef, address, epoch, nextNonce } of wallets) {
      assert.match(keyRef, /^m\/44'\/60'\/1'\/\d+\/\d+$/)
      assert.equal(await t.app.providers.custody.address(keyRef), address)
      assert.deepEqual([epoch, nextNonce], [1, 0])
    }
  })

  test('in any case, with 18 decimals on BNB Smart Chain', async () => {
    const asked = { symbol: 'busd', blockchain: 'BSC', amount: '45.000000000000000001' }
    const { id, amount_units: units } = await created(asked)
    assert.equal(units, '45000000000000000001')
    const sale = await getRampoff(t, id)
    assert.deepEqual(
      [sale.blockchain, sale.crypto, sale.amount, sale.decimals],
      ['bsc', 'BUSD', '45000000000000000001', 18],
    )
    const first = await createRampoff(t, customer, {
      symbol: 'BUSD',
      blockchain: 'bsc',
      amount: 20_000 / 1000 + 10,
    })
    assert.equal(first.amount_units, '30000000000000000000')
  })

  test('a form is as good as JSON, and an IBAN is read as people write it', async () => {
    const fields = { ...saleBody(customer), iban: 'es91 2100 0418 4502 0005 1332' }
    const body = new URLSearchParams(Object.entries(fields).map(([key, value]) => [key, String(value)]))
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const answer = await t.api('POST', '/api/createRampoff', { body: body.toString(), headers })
    assert.equal((await getRampoff(t, answer.body.data.id)).iban, CUSTOMER_IBAN)
  })

  test('whom the money goes to stands nowhere as it is', async () => {
    const { id } = await created()
    assert.deepEqual(await payeeOf(id), { kind: 'iban', iban: CUSTOMER_IBAN, name: 'Ana Pérez García' })
    const row = await t.app.db.selectFrom('sales').selectAll().where('id', '=', id).executeTakeFirstOrThrow()
    const text = Object.values(row)
      .map((value) => (Buffer.isBuffer(value) ? value.toString('latin1') : String(value)))
      .join()
    assert.ok(!text.includes(CUSTOMER_IBAN) && !text.includes('Ana'))
  })

  test('its address is ours, and so no buyer’s and no refund’s', async () => {
    const { wallet } = await created()
    const bought = await t.api('POST', '/api/createGuidedPayment', {
      body: {
        user_id: customer,
        coin_symbol: 'USDC',
        coin_chain: 'polygon',
        fiat_amount: '50',
        wallet: wallet.toLowerCase(),
      },
    })
    assert.deepEqual([bought.body.error, bought.body.errors], ['invalid_wallet', { wallet: ['our_own'] }])
    const sold = await post({ refund_wallet: wallet })
    assert.deepEqual([sold.body.error, sold.body.errors], ['invalid_wallet', { refund_wallet: ['our_own'] }])
  })

  test('another integration doesn’t see it', async () => {
    const { id } = await created()
    const token = await t.authenticate('sandbox-key-2', 'sandbox-secret-2')
    const seen = await t.api('GET', `/api/getRampoff?id=${id}`, { token, honest: true })
    assert.deepEqual([seen.status, seen.body.error], [404, 'rampoff_not_found'])
    const nobodys = await t.api('GET', `/api/getRampoff?id=${'A'.repeat(25)}`, { honest: true })
    assert.deepEqual(nobodys.body, seen.body)
    const theirs = await t.api('POST', '/api/createRampoff', { token, body: saleBody(customer) })
    assert.equal(theirs.body.error, 'user_not_found')
  })
})

describe('its price', () => {
  test('without a quote an estimate, until the coins come', async () => {
    const { id } = await created()
    const sale = (await findSaleById(t.app.db, id))!
    assert.deepEqual([sale.priceFixedAt, sale.priceExpiresAt, sale.quoteId], [null, null, null])
    assert.deepEqual(sale.terms, { percent: '0.80000000', fixedUnits: '20', spread: '0.50000000' })
  })

  test('by a quote until it expires, once', async () => {
    const { quote_id, price, fee, fiat_amount, expires_at } = await quoted()
    const { id } = await created({ quote_id })
    const sale = (await findSaleById(t.app.db, id))!
    assert.equal(sale.priceExpiresAt?.getTime(), Date.parse(expires_at!))
    const wired = await getRampoff(t, id)
    assert.deepEqual([wired.price, wired.fee, wired.fiat_amount], [price, fee, fiat_amount])
    const again = await post({ quote_id })
    assert.deepEqual(
      [again.body.error, again.body.message],
      ['quote_expired', 'This quote was used. Ask for a new one.'],
    )
  })

  test('a refused creation does not use the quote up', async () => {
    const { quote_id } = await quoted()
    assert.equal((await post({ quote_id, iban: 'ES00' })).body.error, 'invalid_iban')
    await created({ quote_id })
  })

  test('the fees of the quote stay agreed when the settings change', async () => {
    const { quote_id, fee, fiat_amount } = await quoted()
    const dearer = { ...DEFAULT_SETTINGS.sales.fees, EUR: { percent: '9.00', fixed: '5.00' } }
    await setSettings(t, (settings) => ({ ...settings, sales: { ...settings.sales, fees: dearer } }))
    const { id } = await created({ quote_id })
    const wired = await getRampoff(t, id)
    assert.deepEqual([wired.fee, wired.fiat_amount], [fee, fiat_amount])
    const { terms } = (await findSaleById(t.app.db, id))!
    assert.deepEqual(terms, { percent: '0', fixedUnits: fee!.replace(/^0\.|\./, ''), spread: '0' })
  })

  for (const [what, query] of [
    ['another amount', { amount: '101' }],
    ['another coin', { symbol: 'USDT' }],
    ['another chain', { blockchain: 'bsc' }],
    ['another currency', { fiat: 'MXN' }],
  ] as const) {
    test(`invalid_field for a quote of ${what}`, async () => {
      const { quote_id } = await quoted(query)
      const { body } = await post({ quote_id })
      assert.deepEqual([body.error, Object.keys(body.errors)], ['invalid_field', ['quote_id']])
    })
  }

  test('invalid_field for a purchase’s quote, another integration’s, and what is none', async () => {
    const bought = await t.api('GET', '/api/quote?amount=100&symbol=USDC&payment_type=transfer')
    const token = await t.authenticate('sandbox-key-2', 'sandbox-secret-2')
    const others = await t.api('GET', '/api/rampoff/quote?amount=100&symbol=USDC', { token })
    for (const quote_id of [bought.body.data.quote_id, others.body.data.quote_id, 'quote', 'x.y']) {
      const { body } = await post({ quote_id })
      assert.deepEqual([body.error, Object.keys(body.errors)], ['invalid_field', ['quote_id']])
    }
  })

  test('a sale’s quote is none for a purchase', async () => {
    const { quote_id } = await quoted()
    const { body } = await t.api('POST', '/api/createGuidedPayment', {
      body: { user_id: customer, coin_symbol: 'USDC', coin_chain: 'polygon', fiat_amount: '50', quote_id },
    })
    assert.deepEqual([body.error, Object.keys(body.errors)], ['invalid_field', ['quote_id']])
  })
})

describe('Latin America', () => {
  /** Right by its check digits. */
  const CLABE = '032180000118359719'
  const inMexico = (fields: Parameters<typeof addCustomer>[1] = {}) =>
    addCustomer(t.app, { country: 'MX', bankAccount: CLABE, bankName: 'Banco Uno', ...fields })
  const local = (fields: Fields = {}) => ({ iban: undefined, blockchain: undefined, ...fields })

  test('neither IBAN nor chain: the account of the registration, in the currency of the country', async () => {
    customer = await inMexico()
    const { id } = await created(local())
    assert.deepEqual(await payeeOf(id), {
      kind: 'local',
      account: CLABE,
      bankName: 'Banco Uno',
      country: 'MX',
      name: 'Ana Pérez García',
    })
    const sale = await getRampoff(t, id)
    assert.deepEqual([sale.fiat_symbol, sale.blockchain, sale.iban], ['MXN', 'polygon', null])
  })

  test('the bank’s name of the call goes before that of the registration', async () => {
    customer = await inMexico()
    const { id } = await created(local({ bank_name: 'Banco Dos', fiat: 'mxn' }))
    const payee = await payeeOf(id)
    assert.equal(payee?.kind === 'local' && payee.bankName, 'Banco Dos')
  })

  test('says what is missing', async () => {
    customer = await addCustomer(t.app, { country: 'MX' })
    const both = await post(local())
    assert.deepEqual(
      [both.body.error, Object.keys(both.body.errors)],
      ['fail_mandatory_field', ['bank_account', 'bank_name']],
    )
    customer = await addCustomer(t.app, { country: 'MX', bankAccount: CLABE })
    const bank = await post(local())
    assert.deepEqual(Object.keys(bank.body.errors), ['bank_name'])
    await created(local({ bank_name: 'Banco Uno' }))
  })

  test('an account that can be none of the country’s is invalid_field', async () => {
    customer = await inMexico({ bankAccount: '032180000118359710' })
    const { body } = await post(local())
    assert.deepEqual([body.error, Object.keys(body.errors)], ['invalid_field', ['bank_account']])
  })

  test('another currency than the country’s is fiat_not_supported', async () => {
    customer = await inMexico()
    assert.equal((await post(local({ fiat: 'CLP' }))).body.error, 'fiat_not_supported')
    assert.equal((await post({ fiat: 'MXN' })).body.error, 'fiat_not_supported')
  })

  test('a customer there with an IBAN is paid to it, in EUR', async () => {
    customer = await inMexico()
    const { id } = await created()
    assert.equal((await getRampoff(t, id)).fiat_symbol, 'EUR')
  })

  test('a customer elsewhere needs an IBAN and a chain', async () => {
    const { body } = await post(local())
    assert.deepEqual([body.error, Object.keys(body.errors)], ['fail_mandatory_field', ['iban', 'blockchain']])
  })

  test('a quote in the currency fits', async () => {
    customer = await inMexico()
    const { quote_id, fiat_amount } = await quoted({ fiat: 'MXN' })
    const { id } = await created(local({ quote_id }))
    assert.equal((await getRampoff(t, id)).fiat_amount, fiat_amount)
  })
})

describe('the same request again', () => {
  test('one external_id, equal body: the sale that exists', async () => {
    const first = await post({ external_id: 'again' })
    assert.deepEqual((await post({ external_id: 'again' })).body, first.body)
    const written = { external_id: 'again', amount: '100.000000', symbol: 'usdc', blockchain: 'POLYGON' }
    assert.deepEqual((await post({ ...written, more: 1 })).body, first.body)
    const other = await post({ external_id: 'again', amount: '101' })
    assert.equal(other.body.error, 'external_id_already_used')
  })

  test('an Idempotency-Key', async () => {
    const headers = { 'idempotency-key': 'sale-key' }
    const [sales] = await countSales(t)
    const first = await post({}, headers)
    const again = await post({}, headers)
    assert.deepEqual(again.body, first.body)
    assert.equal(again.headers.get('idempotent-replayed'), 'true')
    assert.equal((await countSales(t))[0], sales! + 1)
  })

  test('ten at once are one sale', async () => {
    const before = await countSales(t)
    const answers = await Promise.all(Array.from({ length: 10 }, () => created({ external_id: 'at-once' })))
    assert.equal(new Set(answers.map((answer) => JSON.stringify(answer))).size, 1)
    assert.deepEqual(
      await countSales(t),
      before.map((count) => count + 1),
    )
  })

  test('the name is free again when the sale ended without money', async () => {
    const { id } = await created({ external_id: 'ended' })
    await t.advance(24 * 3_600_000 + 1_000)
    await t.runLanes('sale-deadlines')
    assert.equal((await getRampoff(t, id)).status, 'expired')
    const again = await created({ external_id: 'ended' })
    assert.notEqual(again.id, id)
  })
})
