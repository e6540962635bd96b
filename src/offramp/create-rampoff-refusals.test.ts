import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { sql } from 'kysely'
import { type ApiAnswer, startTestApp } from '../../test/support/app.ts'
import { NO_CHAINS } from '../../test/support/hot-wallets.ts'
import { addCustomer, type PaymentWorld, setSettings, WALLET } from '../../test/support/payments.ts'
import { countSales, createRampoff, quoteSale, saleBody } from '../../test/support/rampoff.ts'
import { startSaleWorld } from '../../test/support/sales.ts'
import { DEFAULT_SETTINGS } from '../common/integration.ts'
import { addFaults } from '../providers/faults.ts'
import { SANDBOX_BLOCKED_WALLET } from '../providers/screening/block-list.ts'

let t: PaymentWorld
let customer: number

before(async () => {
  t = await startSaleWorld()
})
beforeEach(async () => {
  await setSettings(t, ({ brand }) => ({ ...DEFAULT_SETTINGS, brand }))
  customer = await addCustomer(t.app)
})
after(() => t.stop())

type Fields = Record<string, unknown>

const post = (changes: Fields = {}, headers: Record<string, string> = {}): Promise<ApiAnswer> =>
  t.api('POST', '/api/createRampoff', { body: saleBody(customer, changes), headers })

const created = (changes: Fields = {}) => createRampoff(t, customer, changes)

describe('fields', () => {
  test('all missing ones are named at once', async () => {
    const { status, body } = await t.api('POST', '/api/createRampoff', { body: {}, honest: true })
    assert.deepEqual([status, body.error], [422, 'fail_mandatory_field'])
    assert.deepEqual(Object.keys(body.errors).sort(), ['amount', 'blockchain', 'iban', 'symbol', 'user_id'])
    const chain = await post({ blockchain: undefined })
    assert.deepEqual(Object.keys(chain.body.errors), ['blockchain'])
    const euro = await post({ iban: undefined, fiat: 'EUR' })
    assert.deepEqual(Object.keys(euro.body.errors), ['iban'])
  })

  test('those too that only what is known of the customer tells', async () => {
    const missing = async (body: Fields) => {
      const answer = (await t.api('POST', '/api/createRampoff', { body })).body
      assert.equal(answer.error, 'fail_mandatory_field')
      const names = Object.keys(answer.errors).sort()
      for (const name of names) if (body[name] === undefined) assert.match(answer.message, new RegExp(name))
      return names
    }
    const all = ['amount', 'blockchain', 'iban', 'symbol']
    assert.deepEqual(await missing({ user_id: customer }), all)
    assert.deepEqual(await missing({ user_id: String(customer), amount: '-1', symbol: 'USDC' }), [
      'amount',
      'blockchain',
      'iban',
    ])
    assert.deepEqual(await missing({ user_id: customer, blockchain: 'polygon' }), [
      'amount',
      'iban',
      'symbol',
    ])
    // An iban that was sent and is wrong does not lack.
    assert.deepEqual(await missing({ user_id: customer, iban: 7, symbol: 'USDC' }), [
      'amount',
      'blockchain',
      'iban',
    ])
    const local = await addCustomer(t.app, { country: 'MX' })
    const known = await missing({ user_id: local })
    assert.ok(!known.includes('iban') && !known.includes('blockchain'), String(known))
    assert.deepEqual(await missing({ user_id: 99_999_999 }), ['amount', 'symbol'])
  })

  for (const amount of [
    '0',
    '-5',
    '1e3',
    'NaN',
    '',
    ' ',
    '1,5',
    '0.0000001',
    '1'.repeat(31),
    true,
    null,
    [],
    {},
  ]) {
    test(`invalid_field for the amount ${JSON.stringify(amount)}`, async () => {
      const before = await countSales(t)
      const { body } = await post({ amount })
      assert.deepEqual([body.error, Object.keys(body.errors)], ['invalid_field', ['amount']])
      assert.deepEqual(await countSales(t), before)
    })
  }

  test('an amount has the decimals of its coin on its chain', async () => {
    assert.equal((await post({ amount: '45.0000001', blockchain: 'bsc' })).body.status, 'ok')
    const { body } = await post({ amount: `45.${'0'.repeat(18)}1`, blockchain: 'bsc' })
    assert.deepEqual(body.errors, { amount: ['must have at most 18 decimals in USDC'] })
  })

  for (const [iban, why] of [
    ['ES9121000418450200051333', /check digits/],
    ['ES912100041845020005133', /characters/],
    ['BR1500000000000010932840814P2', /no country of SEPA/],
    ['XX9121000418450200051332', /no country of SEPA/],
    ['9121000418450200051332', /no IBAN/],
    ['ES91-2100-0418', /no IBAN/],
  ] as const) {
    test(`invalid_iban for ${iban}`, async () => {
      const before = await countSales(t)
      const { body } = await post({ iban })
      assert.equal(body.error, 'invalid_iban')
      assert.match(body.message, why)
      assert.match(body.errors.iban[0], why)
      assert.deepEqual(await countSales(t), before)
    })
  }

  test('invalid_iban for an account of ours', async () => {
    const { iban } = await t.app.db
      .selectFrom('bankAccounts')
      .select('iban')
      .limit(1)
      .executeTakeFirstOrThrow()
    const { body } = await post({ iban })
    assert.deepEqual([body.error, body.errors], ['invalid_iban', { iban: ['is an account of ours'] }])
  })

  for (const [refund_wallet, problem] of [
    [WALLET.replace('5aA', '5AA'), 'checksum'],
    ['0x0000000000000000000000000000000000000000', 'zero_address'],
    ['bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq', 'wrong_chain'],
    ['nobody', 'malformed'],
  ] as const) {
    test(`invalid_wallet for a refund wallet: ${problem}`, async () => {
      const { body } = await post({ refund_wallet })
      assert.deepEqual([body.error, body.errors], ['invalid_wallet', { refund_wallet: [problem] }])
    })
  }

  test('coin_not_supported where the chain was never seen', async () => {
    // Nodes that never answered since the beginning: what came there would not be seen.
    const away = await startTestApp({ lanes: false, env: NO_CHAINS })
    try {
      await away.app.pricing.prices.refresh()
      const someone = await addCustomer(away.app)
      const { body } = await away.api('POST', '/api/createRampoff', { body: saleBody(someone) })
      assert.equal(body.error, 'coin_not_supported')
      const { rows } = await sql`select id from sales union all select address from wallets`.execute(
        away.app.db,
      )
      assert.deepEqual(rows, [])
    } finally {
      await away.stop()
    }
  })

  test('method_not_allowed without an account of ours that pays in the currency', async () => {
    await t.app.db.updateTable('bankAccounts').set({ status: 'closed' }).execute()
    assert.equal((await post()).body.error, 'method_not_allowed')
    await t.app.db.updateTable('bankAccounts').set({ status: 'active' }).execute()
    await created()
  })
})

/** A request that goes wrong in one way alone, and what it is then called. In the order in which they are looked at. */
interface Wrong {
  code: string
  /** Changes the world; answers the fields to send. */
  make(): Promise<Fields> | Fields
  headers?: () => Promise<Record<string, string>>
  data?: RegExp
  message?: RegExp
  /** What can't be wrong together with it, because it takes the same field. */
  excludes?: string[]
}

async function expiredQuote(): Promise<string> {
  const { quote_id } = await quoteSale(t)
  await t.advance(61_000)
  return quote_id!
}

const WRONGS: Wrong[] = [
  { code: 'authorization_incorrect', make: () => ({}), headers: async () => ({ auth: 'nobody' }) },
  { code: 'fail_mandatory_field', make: () => ({ symbol: undefined }) },
  { code: 'invalid_field', make: () => ({ bank_name: ' ' }) },
  { code: 'fiat_not_supported', make: () => ({ fiat: 'XXX' }) },
  {
    code: 'idempotency_key_reused',
    make: () => ({}),
    headers: async () => {
      await post({ amount: '77' }, { 'idempotency-key': 'used' })
      return { 'idempotency-key': 'used' }
    },
  },
  {
    code: 'external_id_already_used',
    async make() {
      await createRampoff(t, await addCustomer(t.app), { external_id: 'used', amount: '77' })
      return { external_id: 'used' }
    },
  },
  {
    code: 'user_not_found',
    make: () => ({ user_id: 999_999_999 }),
    excludes: ['user_banned', 'require_kyc'],
  },
  {
    code: 'user_banned',
    // Neither verified.
    make: async () => ({ user_id: await addCustomer(t.app, { banned: true, kycStatus: 'unused' }) }),
    excludes: ['require_kyc'],
  },
  {
    code: 'require_kyc',
    make: async () => ({ user_id: await addCustomer(t.app, { kycStatus: 'unused' }) }),
    data: /"kyc_form_url":"[^"]+\/kyc\/[^"]+"/,
  },
  { code: 'coin_not_supported', make: () => ({ symbol: 'DOGE' }), excludes: ['quote_expired'] },
  { code: 'invalid_iban', make: () => ({ iban: 'ES0021000418450200051332' }) },
  { code: 'invalid_wallet', make: () => ({ refund_wallet: '0x12' }), excludes: ['wallet_blocked'] },
  { code: 'wallet_blocked', make: () => ({ refund_wallet: SANDBOX_BLOCKED_WALLET }) },
  {
    code: 'method_not_allowed',
    async make() {
      await setSettings(t, (settings) => ({ ...settings, sales: { ...settings.sales, fees: {} } }))
      return {}
    },
    excludes: ['quote_expired'],
  },
  { code: 'quote_expired', make: async () => ({ quote_id: await expiredQuote() }) },
  {
    code: 'price_unavailable',
    async make() {
      await addFaults(t.app, { provider: 'price', kind: 'fail', count: 1_000_000 })
      await t.advance(120_000)
      return {}
    },
  },
  { code: 'min_sale', make: () => ({ amount: '1' }), message: /20\.00 EUR/, excludes: ['max_sale'] },
  { code: 'max_sale', make: () => ({ amount: '100000' }), message: /10000\.00 EUR/ },
]

describe('every refusal, and their order', () => {
  /** The world as it was: prices, faults, names. */
  async function mend(): Promise<void> {
    const { db } = t.app
    await db.deleteFrom('providerFaults').execute()
    await db.deleteFrom('idempotencyKeys').execute()
    await db.updateTable('sales').set({ liveExternalId: null }).execute()
    await t.app.pricing.prices.refresh()
    await setSettings(t, ({ brand }) => ({ ...DEFAULT_SETTINGS, brand }))
  }

  async function send(...wrongs: Wrong[]): Promise<ApiAnswer['body']> {
    customer = await addCustomer(t.app)
    let fields: Fields = {}
    let headers: Record<string, string> = {}
    // The earlier one has the last word where both set a field.
    for (const wrong of wrongs) fields = { ...(await wrong.make()), ...fields }
    for (const wrong of wrongs) headers = { ...(await wrong.headers?.()), ...headers }
    const before = await countSales(t)
    const { status, body } = await post(fields, headers)
    assert.equal(status, 200)
    assert.deepEqual(await countSales(t), before, 'nothing was created')
    await mend()
    return body
  }

  for (const [index, wrong] of WRONGS.entries()) {
    test(wrong.code, async () => {
      const body = await send(wrong)
      assert.deepEqual([body.status, body.error], ['error', wrong.code], JSON.stringify(body))
      assert.ok(body.message.length > 0)
      if (wrong.data) assert.match(JSON.stringify(body.data), wrong.data)
      if (wrong.message) assert.match(body.message, wrong.message)
      await created()
    })

    const next = WRONGS.slice(index + 1).find(({ code }) => !wrong.excludes?.includes(code))
    if (next) {
      test(`${wrong.code} is told before ${next.code}`, async () => {
        assert.equal((await send(wrong, next)).error, wrong.code)
      })
    }
  }

  test('the first of all that are wrong together', async () => {
    const unlike = ['authorization_incorrect', 'price_unavailable', 'method_not_allowed']
    const all = WRONGS.filter(({ code }) => !unlike.includes(code))
    assert.equal((await send(...all)).error, 'fail_mandatory_field')
  })
})
