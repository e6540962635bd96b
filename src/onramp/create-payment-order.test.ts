import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import type { ApiAnswer } from '../../test/support/app.ts'
import {
  addCustomer,
  checkBooks,
  type PaymentWorld,
  setSettings,
  startPaymentWorld,
  WALLET,
} from '../../test/support/payments.ts'
import { DEFAULT_SETTINGS, type IntegrationSettings } from '../common/integration.ts'
import { addFaults } from '../providers/faults.ts'
import { SANDBOX_BLOCKED_WALLET } from '../providers/screening/block-list.ts'
import { createGuidedPayment } from './create-guided-payment.ts'
import { createPayment } from './create-payment.ts'

let t: PaymentWorld
let customer: number
let available: PaymentWorld['app']['pricing']['available']

before(async () => {
  t = await startPaymentWorld()
  available = t.app.pricing.available
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
type Post = (changes?: Fields, headers?: Record<string, string>) => Promise<ApiAnswer>

/** Both calls take these. */
const postTo =
  (path: string): Post =>
  (changes = {}, headers = {}) => {
    const body = {
      user_id: customer,
      payment_type: 'card',
      fiat_symbol: 'EUR',
      fiat_amount: '150.50',
      coin_symbol: 'USDC',
      coin_chain: 'polygon',
      wallet: WALLET,
      ...changes,
    }
    return t.api('POST', path, { body, headers })
  }

const countLiving = async () =>
  (await t.app.db.selectFrom('payments').select('id').where('state', '<>', 'cancelled').execute()).length

/** A request that goes wrong in one way alone, and what it is then called. */
interface Wrong {
  code: string
  /** Changes the world; answers the fields to send. */
  make(post: Post): Promise<Fields> | Fields
  headers?: (post: Post) => Promise<Record<string, string>>
  data?: RegExp
  message?: RegExp
  /** What can't be wrong together with it, and why. */
  excludes?: Record<string, string>
  /** Looked at by one of the two calls alone. */
  only?: string
}

async function giveQuote(): Promise<string> {
  const { body } = await t.api('GET', '/api/quote?amount=150.50&symbol=USDC&payment_type=card')
  return body.data.quote_id
}

async function expiredQuote(): Promise<string> {
  const quoteId = await giveQuote()
  await t.advance(61_000)
  return quoteId
}

const change = async (fields: (settings: IntegrationSettings) => Partial<IntegrationSettings>) => {
  await setSettings(t, (settings) => ({ ...settings, ...fields(settings) }))
  return {}
}

const limitTo = (basic: { cardQuarter: string; year: string }) =>
  change(({ limits }) => ({ limits: { ...limits, basic } }))

/** The order of the contract. */
const WRONGS: Wrong[] = [
  { code: 'authorization_incorrect', make: () => ({}), headers: async () => ({ auth: 'nobody' }) },
  { code: 'fail_mandatory_field', make: () => ({ coin_symbol: undefined }) },
  { code: 'invalid_field', make: () => ({ callback_url: 'no address' }) },
  { code: 'fiat_not_supported', make: () => ({ fiat_symbol: 'XXX' }), only: createPayment.path },
  { code: 'guided_payment_eur_only', make: () => ({ fiat_symbol: 'XXX' }), only: createGuidedPayment.path },
  {
    code: 'idempotency_key_reused',
    make: () => ({}),
    headers: async (post) => {
      await post({ fiat_amount: '77' }, { 'idempotency-key': 'used' })
      return { 'idempotency-key': 'used' }
    },
  },
  {
    code: 'external_id_already_used',
    async make(post) {
      await post({ external_id: 'used', fiat_amount: '77', user_id: await addCustomer(t.app) })
      return { external_id: 'used' }
    },
  },
  {
    code: 'user_not_found',
    make: () => ({ user_id: 999_999_999 }),
    excludes: { user_banned: 'nobody is banned who is not there', require_kyc: 'nor verified' },
  },
  {
    code: 'user_banned',
    make: async () => ({ user_id: await addCustomer(t.app, { banned: true, kycStatus: 'unused' }) }),
    excludes: { require_kyc: 'this customer is not verified either, so that the ban is told first' },
  },
  {
    code: 'require_kyc',
    make: async () => ({ user_id: await addCustomer(t.app, { kycStatus: 'unused' }) }),
    data: /"kyc_form_url":"[^"]+\/kyc\/[^"]+"/,
  },
  { code: 'coin_not_supported', make: () => ({ coin_symbol: 'DOGE' }) },
  // One that is blocked, and whose checksum is wrong as well.
  {
    code: 'invalid_wallet',
    make: () => ({ wallet: SANDBOX_BLOCKED_WALLET.replace('b10c', 'b10C') }),
    excludes: { wallet_blocked: 'this one is blocked as well, so that the checksum is told first' },
  },
  { code: 'wallet_blocked', make: () => ({ wallet: SANDBOX_BLOCKED_WALLET }) },
  { code: 'method_not_allowed', make: () => ({ payment_type: 'cheque' }) },
  { code: 'quote_expired', make: async () => ({ quote_id: await expiredQuote() }) },
  {
    code: 'price_unavailable',
    async make() {
      await addFaults(t.app, { provider: 'price', kind: 'fail', count: 1_000_000 })
      await t.advance(120_000)
      return {}
    },
  },
  {
    code: 'min_purchase',
    make: () => change(({ minimum }) => ({ minimum: { ...minimum, EUR: '300.00' } })),
    message: /300\.00 EUR/,
  },
  {
    code: 'max_purchase',
    make: () => change(({ maximum }) => ({ maximum: { ...maximum, EUR: '100.00' } })),
    message: /100\.00 EUR/,
  },
  {
    code: 'coin_unavailable',
    make: () => {
      t.app.pricing.available = () => false
      return {}
    },
  },
  {
    code: 'limit_exceded',
    make: () => limitTo({ cardQuarter: '100.00', year: '15000.00' }),
    excludes: { kyc_reinforced_required: 'one decision, on the same limits' },
  },
  {
    code: 'kyc_reinforced_required',
    make: () => limitTo({ cardQuarter: '1000.00', year: '100.00' }),
    data: /"onboarding_link":"[^"]+\/onboarding\/[^"]+"/,
  },
  {
    code: 'error_payment_creation',
    async make() {
      await addFaults(t.app, { provider: 'card', kind: 'reject', count: 1 })
      return {}
    },
    only: createPayment.path,
  },
]

for (const { path, errors } of [createPayment, createGuidedPayment]) {
  describe(`${path}: every refusal, and their order`, () => {
    const post = postTo(path)
    const wrongs = WRONGS.filter(({ only }) => only === undefined || only === path)

    /** The world as it was: prices, quotes, faults, names. */
    async function mend(): Promise<void> {
      t.app.pricing.available = available
      const { db } = t.app
      await db.deleteFrom('providerFaults').execute()
      await db.deleteFrom('idempotencyKeys').execute()
      await db.updateTable('payments').set({ liveExternalId: null }).execute()
      await t.app.pricing.prices.refresh()
      await setSettings(t, ({ brand }) => ({ ...DEFAULT_SETTINGS, brand }))
    }

    async function send(...together: Wrong[]): Promise<ApiAnswer['body']> {
      customer = await addCustomer(t.app)
      let fields: Fields = {}
      let headers: Record<string, string> = {}
      // The earlier one has the last word where both set a field; what needs a world in order is made before it.
      for (const wrong of together) headers = { ...(await wrong.headers?.(post)), ...headers }
      for (const wrong of together) fields = { ...(await wrong.make(post)), ...fields }
      const before = await countLiving()
      const { status, body } = await post(fields, headers)
      assert.equal(status, 200)
      assert.equal(await countLiving(), before, 'nothing was created')
      await mend()
      return body
    }

    test('every code that the call may answer is tried', () => {
      const tried = new Set(wrongs.map(({ code }) => code))
      assert.deepEqual(
        errors.filter((code) => !tried.has(code)),
        [],
      )
    })

    for (const [index, wrong] of wrongs.entries()) {
      test(wrong.code, async () => {
        const body = await send(wrong)
        assert.deepEqual([body.status, body.error], ['error', wrong.code], JSON.stringify(body))
        assert.ok(body.message.length > 0)
        if (wrong.data) assert.match(JSON.stringify(body.data), wrong.data)
        if (wrong.message) assert.match(body.message, wrong.message)
        assert.equal((await post()).body.status, 'success')
      })

      const next = wrongs.slice(index + 1).find(({ code }) => !(code in (wrong.excludes ?? {})))
      if (next) {
        test(`${wrong.code} is told before ${next.code}`, async () => {
          assert.equal((await send(wrong, next)).error, wrong.code)
        })
      }
    }

    test('the first of all that are wrong together', async () => {
      const all = wrongs.filter(
        ({ code }) => !['authorization_incorrect', 'price_unavailable'].includes(code),
      )
      assert.equal((await send(...all)).error, 'fail_mandatory_field')
    })

    test('a payment that exists already is answered before the customer and all else is looked at', async () => {
      const fields = { external_id: 'there', quote_id: await giveQuote() }
      const first = await post(fields)
      await t.app.db
        .updateTable('customers')
        .set({ bannedAt: t.app.clock.now(), kycStatus: 'fail' })
        .where('id', '=', customer)
        .execute()
      await t.advance(61_000)
      await change(({ minimum }) => ({ minimum: { ...minimum, EUR: '300.00' }, pairs: [], paymentTypes: [] }))
      assert.deepEqual((await post(fields)).body, first.body)
      await mend()
    })

    test('a quote that was used is told before limits, bounds and what can be delivered', async () => {
      for (const code of ['min_purchase', 'max_purchase', 'coin_unavailable', 'limit_exceded']) {
        customer = await addCustomer(t.app)
        const quote_id = await giveQuote()
        assert.equal((await post({ quote_id })).body.status, 'success')
        await wrongs.find((wrong) => wrong.code === code)!.make(post)
        assert.equal((await post({ quote_id })).body.error, 'quote_expired', code)
        assert.equal((await post()).body.error, code)
        await mend()
      }
    })
  })
}
