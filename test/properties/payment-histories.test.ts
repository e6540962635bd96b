import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import { balanceOf } from '../../src/ledger/book.ts'
import { cancel } from '../../src/onramp/cancel-payment.ts'
import { applyChargeback } from '../../src/onramp/chargeback.ts'
import { FINAL_STATES } from '../../src/onramp/payment-states.ts'
import { refundEverything } from '../../src/onramp/refund-everything.ts'
import { refusePayment, releasePayment } from '../../src/onramp/review.ts'
import { applySessionNews } from '../../src/onramp/session-news.ts'
import { startSession } from '../../src/onramp/start-session.ts'
import { addFaults } from '../../src/providers/faults.ts'
import {
  addCustomer,
  checkBooks,
  createGuided,
  effectsOf,
  endCoins,
  openAsOwner,
  type PaymentWorld,
  reserveCoins,
  rowOf,
  sendTransfer,
  settleRefunds,
  startPaymentWorld,
  useCard,
} from '../support/payments.ts'

/** More of them in the long runs. */
const RUNS = Number(process.env.HISTORY_RUNS ?? 25)

let t: PaymentWorld

before(async () => {
  t = await startPaymentWorld()
})
after(() => t.stop())

/** What may happen to a payment, in any order, as often as it likes; most of it is refused most of the time. */
type Step =
  | {
      do:
        | 'pay by card'
        | 'go to the provider'
        | 'paid after all'
        | 'cancel'
        | 'refund'
        | 'release'
        | 'refuse'
        | 'reserve coins'
        | 'charge back'
    }
  | { do: 'transfer'; amount: number; from: 'customer' | 'stranger' }
  | { do: 'time passes'; ms: number }
  | { do: 'coins end'; as: 'confirmed' | 'failed' | 'cancelled' }
  | { do: 'refunds go out'; failing: boolean }
  | { do: 'told twice' }

const MINUTE = 60_000
const DAY = 1440 * MINUTE

const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.constant<Step>({ do: 'pay by card' }) },
  { weight: 4, arbitrary: fc.constantFrom<Step>({ do: 'go to the provider' }, { do: 'paid after all' }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('transfer' as const),
      amount: fc.constantFrom(100, 99.5, 100.99, 60, 40, 250, 1),
      from: fc.constantFrom('customer' as const, 'customer' as const, 'stranger' as const),
    }),
  },
  { weight: 2, arbitrary: fc.constantFrom<Step>({ do: 'release' }, { do: 'refuse' }, { do: 'refund' }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom<Step>({ do: 'cancel' }, { do: 'charge back' }, { do: 'told twice' }),
  },
  { weight: 3, arbitrary: fc.constant<Step>({ do: 'reserve coins' }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('coins end' as const),
      as: fc.constantFrom('confirmed' as const, 'failed' as const, 'cancelled' as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('refunds go out' as const), failing: fc.boolean() }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('time passes' as const),
      ms: fc.constantFrom(MINUTE, MINUTE, 31 * MINUTE, DAY + MINUTE, 3 * DAY + MINUTE, 8 * DAY),
    }),
  },
)

/** Mostly somebody pays soon, or little would happen. */
const openings: fc.Arbitrary<Step[]> = fc.oneof(
  { weight: 3, arbitrary: fc.constant<Step[]>([{ do: 'pay by card' }]) },
  { weight: 2, arbitrary: fc.constant<Step[]>([{ do: 'transfer', amount: 100, from: 'customer' }]) },
  { weight: 1, arbitrary: fc.constant<Step[]>([{ do: 'transfer', amount: 100, from: 'stranger' }]) },
  { weight: 2, arbitrary: fc.constant<Step[]>([{ do: 'go to the provider' }]) },
  { weight: 1, arbitrary: fc.constant<Step[]>([]) },
)

interface History {
  id: string
  concept: string
  iban: string
}

test('whatever happens to a payment, in whatever order, the books are right and it comes to an end', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('card', 'card', 'transfer'),
      openings,
      fc.array(steps, { minLength: 1, maxLength: 10 }),
      async (method, opening, history) => {
        const payment = await begin(method)
        for (const step of [...opening, ...history]) {
          await take(payment, step)
          await checkPayment(payment.id)
        }
        await checkBooks(t.app)
        await comeToAnEnd(payment)
        await checkBooks(t.app)
      },
    ),
    { numRuns: RUNS, endOnFailure: true },
  )
})

async function begin(method: string): Promise<History> {
  const id = await createGuided(t, await addCustomer(t.app), {
    fiat_amount: '100.00',
    payment_type: 'transfer',
  })
  const page = await openAsOwner(t, id)
  const { concept, iban } = (await page.call('POST', '/pay')).body.data.view.bank_transfer
  if (method === 'card') await page.call('POST', '/method', { payment_type: 'card' })
  return { id, concept, iban }
}

async function take({ id, concept, iban }: History, step: Step): Promise<void> {
  const { app } = t
  const who = { who: 'a test', why: 'chance' }
  switch (step.do) {
    case 'pay by card':
      if ((await rowOf(app, id)).paymentType !== 'card') return
      await tried(startSession(app, id).then(() => useCard(app, id)))
      return t.settle()
    case 'go to the provider':
      if ((await rowOf(app, id)).paymentType === 'card') await tried(startSession(app, id))
      return
    case 'paid after all':
      return payEndedSession(id)
    case 'transfer': {
      const name = step.from === 'customer' ? 'Ana Pérez' : 'Bruno Lima'
      await sendTransfer(app, { iban, concept, amount: step.amount.toFixed(2), name })
      return t.settle()
    }
    case 'cancel':
      return tried(cancel(app, id))
    case 'refund':
      await refundEverything(app, id, { reason: 'requested' })
      return
    case 'release':
      return tried(releasePayment(app, id, who))
    case 'refuse':
      return tried(refusePayment(app, id, who))
    case 'reserve coins':
      return tried(reserveCoins(app, id))
    case 'coins end':
      return endIfOpen(id, step.as)
    case 'charge back': {
      const paid = await app.db
        .selectFrom('paymentSessions')
        .select(['id', 'provider', 'units'])
        .where('paymentId', '=', id)
        .where('state', '=', 'paid')
        .executeTakeFirst()
      if (paid) {
        const { id: sessionId, provider, units } = paid
        const account = `card:${provider}`
        await applyChargeback(app, { paymentId: id, sessionId, account, units, reason: 'fraud' })
      }
      return
    }
    case 'refunds go out':
      if (step.failing) await addFaults(app, { provider: 'card', kind: 'return', count: 1 })
      await settleRefunds(t)
      await app.db.deleteFrom('providerFaults').execute()
      return
    case 'time passes':
      await t.advance(step.ms)
      return t.settle()
    case 'told twice':
      await app.db
        .updateTable('providerCallbacks')
        .set({ processedAt: null, dueAt: app.clock.now() })
        .execute()
      await app.db.updateTable('bankAccounts').set({ statementRef: null, dueAt: app.clock.now() }).execute()
      await t.runLanes('bank-statements')
      return t.settle()
  }
}

/** The provider says that a session was paid which everybody thought was over. */
async function payEndedSession(id: string): Promise<void> {
  const { app } = t
  const session = await app.db
    .selectFrom('paymentSessions')
    .select(['provider', 'providerRef', 'units', 'currency'])
    .where('paymentId', '=', id)
    .where('paymentType', '=', 'card')
    .where('state', '<>', 'paid')
    .where('providerRef', 'is not', null)
    .executeTakeFirst()
  if (!session) return
  const providerRef = session.providerRef!
  await app.db
    .updateTable('simulated.cardSessions')
    .set({ state: 'paid', cardLast4: '4242', holderName: 'ANA' })
    .where('id', '=', providerRef)
    .execute()
  const { provider, units, currency } = session
  const at = app.clock.now()
  await applySessionNews(app, [
    { type: 'paid', provider, providerRef, reference: id, units, currency, at, payer: null },
  ])
}

/** Most steps are refused in most states; what matters is what is true afterwards. A mistake of ours is no refusal. */
async function tried(doing: Promise<unknown>): Promise<void> {
  await doing.catch((error: Error) => {
    const expected = ['Failure', 'RefusedOperation', 'AssertionError', 'NoResultError']
    if (!expected.includes(error.constructor.name)) throw error
  })
}

async function endIfOpen(id: string, as: 'confirmed' | 'failed' | 'cancelled'): Promise<void> {
  const coins = (await effectsOf(t.app, id)).find(({ kind }) => kind === 'coin_transfer')
  const open = as === 'confirmed' ? ['reserved'] : ['planned', 'reserved']
  if (coins && open.includes(coins.state)) await endCoins(t, id, as)
}

/** Each unit is converted, returned or held, once; coins and refunds never exceed what came. */
async function checkPayment(id: string): Promise<void> {
  const row = await rowOf(t.app, id)
  const { receivedUnits, convertedUnits, refundedUnits } = row
  assert.ok(convertedUnits + refundedUnits <= receivedUnits, 'nothing is counted twice')
  const effects = (await effectsOf(t.app, id)).filter(({ state }) => state !== 'cancelled')
  const back = effects
    .filter(({ kind }) => kind !== 'coin_transfer')
    .reduce((sum, { units }) => sum + units, 0n)
  const charged = row.chargeback ? BigInt(row.chargeback.units) - BigInt(row.chargeback.lossUnits) : 0n
  assert.equal(back + charged, refundedUnits, 'what goes back is what was decided')
  const coins = effects.find(({ kind }) => kind === 'coin_transfer')
  if (coins && coins.state !== 'failed')
    assert.ok(convertedUnits > 0n, 'coins go out for converted money alone')
  assert.equal(row.dueAt === null && row.refund === null, FINAL_STATES.has(row.state) && row.refund === null)
}

async function comeToAnEnd(payment: History): Promise<void> {
  const { id } = payment
  for (let rounds = 0; rounds < 12; rounds += 1) {
    await tried(reserveCoins(t.app, id))
    await endIfOpen(id, 'confirmed')
    await settleRefunds(t)
    const row = await rowOf(t.app, id)
    if (row.refund?.state === 'failed') {
      // Seen by the operator, who has it tried again.
      await t.app.db
        .updateTable('effects')
        .set({
          state: 'planned',
          idempotencyKey: `${id}-${rounds}`,
          providerRef: null,
          dueAt: t.app.clock.now(),
        })
        .where('reference', '=', `payment:${id}`)
        .where('state', '=', 'failed')
        .where('kind', '<>', 'coin_transfer')
        .execute()
      await tried(refusePayment(t.app, id, { who: 'a test', why: 'the end' }))
      continue
    }
    const refunding = row.refund !== null && row.refund.state !== 'confirmed'
    if (FINAL_STATES.has(row.state) && !refunding) break
    await t.advance(10 * DAY)
    await t.settle()
  }
  const row = await rowOf(t.app, id)
  assert.ok(FINAL_STATES.has(row.state), `${row.state} is an end`)
  assert.equal(row.receivedUnits, row.convertedUnits + row.refundedUnits, 'nothing is held any more')
  assert.equal(await balanceOf(t.app.db, `customer:${id}:fiat`, 'EUR'), 0n)
  assert.equal(await balanceOf(t.app.db, `customer:${id}:coin`, 'polygon:USDC'), 0n)
  if (row.state === 'coins_sent') assert.ok(row.convertedUnits > 0n)
  else assert.equal(row.convertedUnits, 0n, 'who got no coins paid nothing')
}
