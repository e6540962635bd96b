import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import type { ApiAnswer } from '../../test/support/app.ts'
import {
  addCustomer,
  type PaymentWorld,
  rowOf,
  setSettings,
  startPaymentWorld,
  WALLET,
} from '../../test/support/payments.ts'
import { DEFAULT_SETTINGS } from '../common/integration.ts'

/** The limits that the sandbox is seeded with, over HTTP, by both ways to create a payment. */

let t: PaymentWorld
let customer: number

before(async () => {
  t = await startPaymentWorld()
  await setSettings(t, ({ brand }) => ({ ...DEFAULT_SETTINGS, brand }))
})
beforeEach(async () => {
  customer = await addCustomer(t.app)
})
after(() => t.stop())

const PATHS = ['/api/createPayment', '/api/createGuidedPayment'] as const
type Path = (typeof PATHS)[number]
type Fields = Record<string, unknown>

const post = (path: Path, changes: Fields): Promise<ApiAnswer> =>
  t.api('POST', path, {
    body: {
      user_id: customer,
      fiat_symbol: 'EUR',
      coin_symbol: 'USDC',
      coin_chain: 'polygon',
      wallet: WALLET,
      ...changes,
    },
  })

/** Creates a payment that counts from now on, whatever becomes of its deadline: its coins are delivered. */
async function bought(path: Path, changes: Fields): Promise<string> {
  const id = await created(path, changes)
  await t.app.db.updateTable('payments').set({ state: 'coins_sent' }).where('id', '=', id).execute()
  return id
}

async function created(path: Path, changes: Fields): Promise<string> {
  const { body } = await post(path, changes)
  assert.match(body.message, /^(guided_)?payment_created$/, JSON.stringify(body))
  return body.data.payment_id
}

/** Nothing was created, and the answer says how to go on: by the enhanced verification, where that would help. */
async function refused(path: Path, changes: Fields, code: string, liftable = false): Promise<string> {
  const count = async () =>
    (await t.app.db.selectFrom('payments').select('id').where('customerId', '=', customer).execute()).length
  const before = await count()
  const { status, body } = await post(path, changes)
  assert.deepEqual([status, body.status, body.error], [200, 'error', code], JSON.stringify(body))
  assert.equal(/\/onboarding\//.test(body.data?.onboarding_link ?? ''), liftable)
  assert.equal(await count(), before)
  return body.message
}

const card = (fiat_amount: string): Fields => ({ fiat_amount, payment_type: 'card' })
const transfer = (fiat_amount: string): Fields => ({ fiat_amount, payment_type: 'transfer' })

/** Moves the platform's clock to that moment. */
const moveTo = (at: Date): Promise<void> => t.advance(at.getTime() - t.app.clock.now().getTime())

for (const path of PATHS) {
  describe(path, () => {
    test('takes 20 to 5,000 EUR a payment, both included', async () => {
      assert.match(await refused(path, transfer('19.99'), 'min_purchase'), /20\.00 EUR/)
      await created(path, transfer('20'))
      await created(path, transfer('5000'))
      assert.match(await refused(path, transfer('5000.01'), 'max_purchase'), /5000\.00 EUR/)
    })

    test('1,000 EUR by card a quarter at level basic; reinforced would lift it; other methods go on', async () => {
      await created(path, card('980'))
      await refused(path, card('20.01'), 'limit_exceded', true)
      await created(path, card('20'))
      await refused(path, card('20'), 'limit_exceded', true)
      await created(path, transfer('5000'))
    })

    test('over the bound of a payment it is max_purchase, at it the card limit speaks', async () => {
      await refused(path, card('5000.01'), 'max_purchase')
      await refused(path, card('5000'), 'limit_exceded', true)
    })

    test('10,000 EUR by card a quarter at level reinforced, which nothing lifts', async () => {
      customer = await addCustomer(t.app, { kycLevel: 'reinforced' })
      await created(path, card('5000'))
      await created(path, card('4980'))
      await refused(path, card('20.01'), 'limit_exceded')
      await created(path, card('20'))
    })

    test('the quarter ends at midnight UTC', async () => {
      const now = t.app.clock.now()
      const next = new Date(
        Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - (now.getUTCMonth() % 3) + 3, 1),
      )
      await moveTo(new Date(next.getTime() - 60_000))
      await bought(path, card('1000'))
      await refused(path, card('20'), 'limit_exceded', true)
      await moveTo(next)
      await bought(path, card('1000'))
      await refused(path, card('20'), 'limit_exceded', true)
    })

    test('15,000 EUR in twelve months at level basic, by all methods; the day a year later it is free again', async () => {
      const first = new Date(t.app.clock.now())
      await bought(path, card('1000'))
      await t.advance(86_400_000)
      await bought(path, transfer('5000'))
      await bought(path, transfer('5000'))
      await bought(path, transfer('4000'))
      await refused(path, transfer('20'), 'kyc_reinforced_required', true)
      const later = new Date(first)
      later.setUTCFullYear(first.getUTCFullYear() + 1)
      await moveTo(new Date(later.getTime() - 60_000))
      await refused(path, transfer('20'), 'kyc_reinforced_required', true)
      await moveTo(new Date(later.getTime() + 60_000))
      await refused(path, transfer('1000.01'), 'kyc_reinforced_required', true)
      await bought(path, transfer('1000'))
      await refused(path, transfer('20'), 'kyc_reinforced_required', true)
    })

    test('100,000 EUR in twelve months at level reinforced, then max_purchase', async () => {
      customer = await addCustomer(t.app, { kycLevel: 'reinforced' })
      for (let n = 0; n < 19; n += 1) await bought(path, transfer('5000'))
      await bought(path, transfer('4990'))
      assert.match(await refused(path, transfer('20'), 'max_purchase'), /100000\.00 EUR in 12 months/)
    })

    test('what ended without coins does not count: cancelled, expired, refused, refunded', async () => {
      const cancelled = await created(path, card('1000'))
      await refused(path, card('20'), 'limit_exceded', true)
      const { body } = await t.api('POST', `/api/payment/${cancelled}/cancel`)
      assert.equal(body.status, 'ok', JSON.stringify(body))
      const expired = await created(path, card('1000'))
      await t.advance(31 * 60_000)
      await t.runLanes('payment-sessions', 'payment-expiry')
      assert.equal((await rowOf(t.app, expired)).state, 'expired')
      for (const state of ['payment_rejected', 'refunded'] as const) {
        const id = await created(path, card('1000'))
        await t.app.db.updateTable('payments').set({ state }).where('id', '=', id).execute()
      }
      const living = await created(path, card('1000'))
      for (const state of ['pending_bank', 'in_review', 'payment_received', 'coins_sent'] as const) {
        await t.app.db.updateTable('payments').set({ state }).where('id', '=', living).execute()
        await refused(path, card('20'), 'limit_exceded', true)
      }
    })
  })
}

test('many at once, by both ways, never go over a limit together', async () => {
  for (const [amounts, code] of [
    [card('400'), 'limit_exceded'],
    [transfer('5000'), 'kyc_reinforced_required'],
  ] as const) {
    customer = await addCustomer(t.app)
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, at) => post(PATHS[at % 2] as Path, amounts)),
    )
    const made = answers.filter(({ body }) => /payment_created$/.test(body.message))
    assert.equal(made.length, code === 'limit_exceded' ? 2 : 3)
    for (const { body } of answers) assert.equal(body.error ?? code, code, JSON.stringify(body))
  }
})

describe('another currency', () => {
  const price = async (fiat: string): Promise<number> => {
    const { body } = await t.api('GET', `/api/token-price?symbol=USDC&fiat=${fiat}`)
    return Number(body.data.price)
  }

  for (const [fiat, payment_type, minimum] of [
    ['CLP', 'KHIPU', 20_000],
    ['MXN', 'SPEI', 400],
    ['COP', 'PSE', 90_000],
    ['PEN', 'PAGOEFECTIVO', 80],
  ] as const) {
    test(`${fiat} counts in euros at the rate of the day`, async () => {
      const path = '/api/createPayment'
      const rate = (await price(fiat)) / (await price('EUR'))
      for (const amount of ['5000', '5000', '4950']) await bought(path, transfer(amount))
      // 50 EUR are left.
      const worth = (euros: number): Fields => ({
        fiat_symbol: fiat,
        fiat_amount: String(Math.floor(euros * rate)),
        coin_chain: undefined,
        coin_symbol: 'USDC',
        payment_type,
      })
      await refused(path, { ...worth(0), fiat_amount: String(minimum - 1) }, 'min_purchase')
      await refused(path, worth(51), 'kyc_reinforced_required', true)
      const id = await bought(path, worth(49))
      const { limitUnits } = await rowOf(t.app, id)
      assert.ok(limitUnits > 4_800n && limitUnits <= 4_910n, `${limitUnits} euro cents`)
      await refused(path, transfer('20'), 'kyc_reinforced_required', true)
    })
  }
})
