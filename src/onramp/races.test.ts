import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import {
  addCustomer,
  CARDS,
  checkBooks,
  createGuided,
  effectsOf,
  endCoins,
  type PaymentWorld,
  payCard,
  reserveCoins,
  rowOf,
  startPaymentWorld,
  useCard,
} from '../../test/support/payments.ts'
import { cancel } from './cancel-payment.ts'
import { applyChargeback } from './chargeback.ts'
import { refundEverything } from './refund-everything.ts'
import { applySessionNews, type SessionNews } from './session-news.ts'
import { startSession } from './start-session.ts'

let t: PaymentWorld

before(async () => {
  t = await startPaymentWorld({ DATABASE_POOL_SIZE: '20' })
})
after(async () => {
  await checkBooks(t.app)
  await t.stop()
})

const ROUNDS = 12

const newSession = async (): Promise<string> => {
  const id = await createGuided(t, await addCustomer(t.app), { fiat_amount: '100.00' })
  await startSession(t.app, id)
  return id
}

const paidNews = async (id: string): Promise<SessionNews> => {
  const session = await t.app.db
    .selectFrom('paymentSessions')
    .select(['provider', 'providerRef'])
    .where('paymentId', '=', id)
    .executeTakeFirstOrThrow()
  return {
    type: 'paid',
    provider: session.provider,
    providerRef: session.providerRef!,
    reference: id,
    units: 10_000n,
    currency: 'EUR',
    at: t.app.clock.now(),
    payer: null,
  }
}

const oneOf =
  (...states: string[]) =>
  async (id: string) => {
    const { state } = await rowOf(t.app, id)
    assert.ok(states.includes(state), `${state} is one of ${states}`)
    return state
  }

/** Whatever order the database lets them through in, the end is one of the right ones, and never two at once. */
const together = (...doings: Promise<unknown>[]): Promise<unknown> => Promise.allSettled(doings)

test('paid, cancelled and expired at once: paid wins, or nothing was paid', async () => {
  for (let round = 0; round < ROUNDS; round += 1) {
    const id = await newSession()
    await t.advance(30 * 60_000 - 5000)
    await useCard(t.app, id)
    await t.advance(6000)
    const news = await paidNews(id)
    await together(
      applySessionNews(t.app, [news]),
      cancel(t.app, id),
      t.runLanes('payment-expiry'),
      applySessionNews(t.app, [news]),
    )
    await t.settle()
    await oneOf('payment_received')(id)
    const row = await rowOf(t.app, id)
    assert.equal(row.receivedUnits, 10_000n, 'counted once')
    assert.equal((await effectsOf(t.app, id)).length, 1)
  }
})

test('cancelled and expired at once, nobody paid: one of them', async () => {
  for (let round = 0; round < ROUNDS; round += 1) {
    const id = await newSession()
    await t.advance(31 * 60_000)
    await together(cancel(t.app, id), t.runLanes('payment-expiry'), cancel(t.app, id))
    await oneOf('cancelled', 'expired')(id)
    const events = await t.app.db
      .selectFrom('events')
      .select('type')
      .where('stream', '=', `payment:${id}`)
      .execute()
    assert.equal(events.length, 1)
  }
})

test('the same notification ten times at once is one payment', async () => {
  const id = await newSession()
  const news = await paidNews(id)
  await together(...Array.from({ length: 10 }, () => applySessionNews(t.app, [news])))
  const row = await rowOf(t.app, id)
  assert.deepEqual([row.state, row.receivedUnits, row.convertedUnits], ['payment_received', 10_000n, 10_000n])
})

test('many payments in batches that overlap, in any order, do not wait for each other for ever', async () => {
  const ids: string[] = []
  for (let n = 0; n < 20; n += 1) ids.push(await newSession())
  const news = await Promise.all(ids.map(paidNews))
  const results = await Promise.allSettled([
    applySessionNews(t.app, news),
    applySessionNews(t.app, news.toReversed()),
    applySessionNews(t.app, news.slice(5, 15)),
    ...news.map((one) => applySessionNews(t.app, [one])),
  ])
  assert.deepEqual(
    results.filter(({ status }) => status === 'rejected'),
    [],
  )
  for (const id of ids) assert.equal((await rowOf(t.app, id)).receivedUnits, 10_000n)
})

test('a refund and the dispatch at once: the coins or the money, never both', async () => {
  const ends = new Set<string>()
  for (let round = 0; round < ROUNDS; round += 1) {
    const id = await createGuided(t, await addCustomer(t.app), { fiat_amount: '100.00' })
    await payCard(t, id)
    const doings = [() => reserveCoins(t.app, id), () => refundEverything(t.app, id, { reason: 'requested' })]
    if (round % 2) doings.reverse()
    await together(...doings.map((doing) => doing()))
    const effects = await effectsOf(t.app, id)
    const coins = effects.find(({ kind }) => kind === 'coin_transfer')!.state
    const refunds = effects.filter(({ kind }) => kind === 'card_refund').length
    assert.ok(
      (coins === 'reserved' && refunds === 0) || (coins === 'cancelled' && refunds === 1),
      `${coins} ${refunds}`,
    )
    ends.add(coins)
    if (coins === 'reserved') await endCoins(t, id, 'confirmed')
  }
})

test('a chargeback, a refund and the end of the coins at once', async () => {
  for (let round = 0; round < ROUNDS; round += 1) {
    const id = await createGuided(t, await addCustomer(t.app), { fiat_amount: '100.00' })
    await payCard(t, id, CARDS.chargedBack)
    if (round % 2) await reserveCoins(t.app, id)
    const { id: sessionId } = await t.app.db
      .selectFrom('paymentSessions')
      .select('id')
      .where('paymentId', '=', id)
      .executeTakeFirstOrThrow()
    const account = 'card:simulated'
    const chargeback = { paymentId: id, sessionId, account, units: 10_000n, reason: 'fraud' }
    await together(
      applyChargeback(t.app, chargeback),
      refundEverything(t.app, id, { reason: 'requested' }),
      applyChargeback(t.app, chargeback),
      ...(round % 2 ? [endCoins(t, id, round % 4 === 1 ? 'confirmed' : 'failed')] : []),
    )
    await oneOf('payment_rejected', 'coins_sent', 'in_review')(id)
    const row = await rowOf(t.app, id)
    assert.ok(row.chargeback !== null)
    const out = (await effectsOf(t.app, id)).filter(({ state }) => state !== 'cancelled')
    assert.ok(
      out.every(({ kind }) => kind === 'coin_transfer'),
      'no refund of money that was charged back',
    )
    await t.app.db.deleteFrom('simulated.callbacks').execute()
  }
})
