import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import {
  checkBooks,
  effectsOf,
  endCoins,
  eventsOf,
  getPayment,
  type PaymentWorld,
  reserveCoins,
  rowOf,
  settleRefunds,
  startPaymentWorld,
} from '../../test/support/payments.ts'
import { createOrder, ORDERS, type Order, orderFault, sessionOf } from '../../test/support/redirect.ts'
import { effectNeeds } from '../app-effects.ts'
import { cancelEffect } from '../effects/operate-effects.ts'
import { balanceOf } from '../ledger/book.ts'
import { payByCode } from '../providers/redirect/simulated/session.ts'
import { listReviews, refusePayment } from './review.ts'

/** PayPal and the local methods: disputes, news that are lost, late money, refunds. */

const WHO = { who: 'olga', why: 'asked PayPal' }
const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

let t: PaymentWorld
before(async () => {
  t = await startPaymentWorld({ TOKEN_LIFETIME: '400d' })
})
after(() => t.stop())
beforeEach(() => t.app.db.deleteFrom('providerFaults').execute())
afterEach(() => checkBooks(t.app))

const create = (type: Order, fields: Record<string, unknown> = {}) => createOrder(t, type, fields)
const pay = async (id: string, outcome = 'paid'): Promise<void> => {
  const { body } = await t.api('POST', `/api/sandbox/payments/${id}/pay`, { body: { outcome } })
  assert.equal(body.status, 'ok', JSON.stringify(body))
}
const paid = async (type: Order, outcome?: string): Promise<string> => {
  const { id } = await create(type)
  await pay(id, outcome)
  await t.settle()
  assert.equal((await rowOf(t.app, id)).state, 'payment_received')
  return id
}
const pass = async (ms: number): Promise<void> => {
  await t.advance(ms)
  await t.settle()
}
const stateOf = async (id: string) => (await rowOf(t.app, id)).state
const statesOf = async (id: string) => (await effectsOf(t.app, id)).map(({ kind, state }) => [kind, state])
const refund = (id: string) => t.api('POST', `/api/payment/${id}/refund`, { honest: true })
const lossOf = () => balanceOf(t.app.db, 'loss:chargeback', 'EUR')
const takenAt = (account: 'paypal' | 'local', fiat: string) =>
  balanceOf(t.app.db, `${account}:simulated`, fiat)
const kindOf = (type: Order) => (type === 'paypal' ? 'paypal' : 'local')

/** What the provider itself says it gave back of a payment. */
const givenBack = (id: string) =>
  t.app.db
    .selectFrom('simulated.redirectRefunds as refunds')
    .innerJoin('simulated.redirectSessions as sessions', 'sessions.id', 'refunds.sessionId')
    .select(['refunds.units', 'refunds.state'])
    .where('sessions.reference', '=', id)
    .execute()

describe('a dispute at PayPal', () => {
  const letItCome = () => pass(121_000)

  test('before dispatch: the transfer is given up, the conversion reversed, the payment rejected', async () => {
    const [loss, taken] = [await lossOf(), await takenAt('paypal', 'EUR')]
    const id = await paid('paypal', 'charged_back')
    await letItCome()
    const payment = await getPayment(t, id)
    assert.deepEqual(
      [payment.status, payment.chargeback.amount, payment.chargeback.reason],
      ['payment_rejected', '100.00', 'not_received'],
    )
    assert.deepEqual(await statesOf(id), [['coin_transfer', 'cancelled']])
    assert.deepEqual(await eventsOf(t.app, id), ['PAY_IN', 'PAYMENT_REJECTED'])
    assert.equal(await balanceOf(t.app.db, `customer:${id}:fiat`, 'EUR'), 0n)
    assert.deepEqual([await lossOf(), await takenAt('paypal', 'EUR')], [loss, taken])
  })

  test('after the coins: the state stays, the loss is booked, the integrator hears of it', async () => {
    const [loss, taken] = [await lossOf(), await takenAt('paypal', 'EUR')]
    const id = await paid('paypal', 'charged_back')
    await endCoins(t, id, 'confirmed')
    await letItCome()
    const payment = await getPayment(t, id)
    assert.deepEqual([payment.status, payment.chargeback.amount], ['coins_sent', '100.00'])
    assert.deepEqual(await eventsOf(t.app, id), ['PAY_IN', 'COINS_SENT', 'PAYMENT_CHARGED_BACK'])
    assert.deepEqual([await lossOf(), await takenAt('paypal', 'EUR')], [loss + 10_000n, taken])
  })

  test('while the coins are on their way, which then fail: rejected, and the loss made up for', async () => {
    const loss = await lossOf()
    const id = await paid('paypal', 'charged_back')
    await reserveCoins(t.app, id)
    await letItCome()
    assert.deepEqual([await stateOf(id), await lossOf()], ['payment_received', loss + 10_000n])
    await endCoins(t, id, 'failed')
    assert.deepEqual([await stateOf(id), await lossOf()], ['payment_rejected', loss])
  })

  test('while a refund is planned: the refund is given up, nothing goes back twice', async () => {
    const id = await paid('paypal', 'charged_back')
    await refund(id)
    await letItCome()
    assert.equal(await stateOf(id), 'payment_rejected')
    assert.deepEqual(await statesOf(id), [
      ['coin_transfer', 'cancelled'],
      ['card_refund', 'cancelled'],
    ])
    assert.deepEqual(await givenBack(id), [])
  })

  test('of money that was refunded already there is none', async () => {
    const id = await paid('paypal', 'charged_back')
    await refund(id)
    await settleRefunds(t)
    await letItCome()
    const payment = await getPayment(t, id)
    assert.deepEqual([payment.status, payment.chargeback], ['refunded', null])
  })

  test('what was disputed is refunded by nobody', async () => {
    const id = await paid('paypal', 'charged_back')
    await letItCome()
    assert.equal((await refund(id)).body.error, 'payment_not_refundable')
    const { providerRef } = await sessionOf(t, id)
    const order = { idempotencyKey: `again ${id}`, providerRef: providerRef!, units: 1n }
    await assert.rejects(t.app.providers.paypal!.refund(order), { code: 'not_refundable' })
  })

  test('told twice it is one', async () => {
    const id = await paid('paypal', 'charged_back')
    await endCoins(t, id, 'confirmed')
    await orderFault(t, 'paypal', 'twice')
    await letItCome()
    await t.app.db.updateTable('providerCallbacks').set({ dueAt: t.app.clock.now() }).execute()
    await t.settle()
    assert.equal((await getPayment(t, id)).chargeback.amount, '100.00')
    assert.equal((await eventsOf(t.app, id)).filter((type) => type === 'PAYMENT_CHARGED_BACK').length, 1)
  })

  test('told before the payment it takes back, or with that news lost: rejected all the same', async () => {
    const { id } = await create('paypal')
    await orderFault(t, 'paypal', 'lost')
    await pay(id, 'charged_back')
    await t.runLanes('simulated-callbacks')
    await t.advance(121_000)
    await t.runLanes('simulated-redirect', 'simulated-callbacks', 'provider-callbacks')
    assert.equal(await stateOf(id), 'payment_rejected')
    await t.settle()
    assert.equal((await rowOf(t.app, id)).receivedUnits, 10_000n)
  })

  test('not told at all: PayPal is asked, again and again', async () => {
    const id = await paid('paypal', 'charged_back')
    await endCoins(t, id, 'confirmed')
    await orderFault(t, 'paypal', 'lost')
    await letItCome()
    assert.equal((await getPayment(t, id)).chargeback, null)
    await pass(HOUR_MS)
    assert.equal((await getPayment(t, id)).chargeback.amount, '100.00')
    await pass(3 * HOUR_MS)
    assert.equal((await sessionOf(t, id)).dueAt, null, 'nothing more can follow')
  })

  test('on the page, by the account whose owner disputes', async () => {
    const { id } = await create('paypal')
    const { url } = await sessionOf(t, id)
    const path = `${new URL(url!).pathname}/api/pay`
    const headers = { 'x-page': '1' }
    const { body } = await t.api('POST', path, { token: null, headers, body: { account_id: 'disputed' } })
    assert.equal(body.data.state, 'paid')
    await t.settle()
    await letItCome()
    assert.equal(await stateOf(id), 'payment_rejected')
  })
})

describe('news that are lost, twice, late: every paid session is known, once', () => {
  for (const type of Object.keys(ORDERS) as Order[]) {
    for (const fault of ['lost', 'twice', 'late'] as const) {
      test(`${type}, ${fault}`, async () => {
        const { id } = await create(type)
        await orderFault(t, kindOf(type), fault)
        await pay(id)
        await t.settle()
        assert.equal(await stateOf(id), fault === 'twice' ? 'payment_received' : 'started')
        await pass(2 * MINUTE_MS)
        await pass(30_000)
        const row = await rowOf(t.app, id)
        assert.deepEqual([row.state, row.receivedUnits], ['payment_received', row.fiatUnits])
        assert.deepEqual(await eventsOf(t.app, id), ['PAY_IN'])
      })
    }
  }

  test('a provider that does not answer when asked is asked again, later each time', async () => {
    const { id } = await create('SPEI')
    await orderFault(t, 'local', 'lost')
    await pay(id)
    await t.settle()
    await orderFault(t, 'local', 'hang')
    await orderFault(t, 'local', 'fail')
    const pauses: number[] = []
    for (let asked = 0; asked < 3; asked += 1) {
      const { dueAt } = await sessionOf(t, id)
      pauses.push(dueAt!.getTime() - t.app.clock.now().getTime())
      assert.equal(await stateOf(id), 'started')
      await pass(pauses.at(-1)!)
    }
    assert.equal(await stateOf(id), 'payment_received')
    assert.ok(pauses[1]! < pauses[2]!, String(pauses))
  })

  test('paid in the last minute, the news lost, the provider failing: known before it may expire', async () => {
    const { id } = await create('PSE')
    await orderFault(t, 'local', 'lost')
    await pay(id)
    await t.runLanes('simulated-callbacks')
    await orderFault(t, 'local', 'fail', 3)
    await pass(DAY_MS)
    for (let waits = 0; waits < 5; waits += 1) await pass(HOUR_MS)
    assert.equal(await stateOf(id), 'payment_received')
  })

  for (const [what, end] of [
    ['expired', () => pass(DAY_MS + 1_000)],
    ['cancelled', (id: string) => t.api('POST', `/api/payment/${id}/cancel`)],
  ] as const) {
    test(`a code that is paid when its payment is ${what}, the news lost: found, looked at, refunded`, async () => {
      const { id } = await create('SPEI')
      const { providerRef } = await sessionOf(t, id)
      await end(id)
      assert.equal(await stateOf(id), what)
      await t.settle()
      await orderFault(t, 'local', 'lost')
      await payByCode(t.app.db, providerRef!, t.app.clock.now())
      await t.settle()
      assert.equal(await stateOf(id), what)
      await pass(2 * HOUR_MS)
      assert.equal(await stateOf(id), 'in_review')
      await pass(7 * DAY_MS)
      await settleRefunds(t)
      assert.equal(await stateOf(id), 'refunded')
      assert.deepEqual(await givenBack(id), [{ units: 250_000n, state: 'done' }])
    })
  }

  test('a code that is paid twice, the second news lost: what came twice goes back', async () => {
    const id = await paid('PAGOEFECTIVO')
    const { providerRef } = await sessionOf(t, id)
    await orderFault(t, 'local', 'lost')
    await payByCode(t.app.db, providerRef!, t.app.clock.now())
    await t.settle()
    assert.equal((await rowOf(t.app, id)).receivedUnits, 40_000n)
    await pass(2 * HOUR_MS)
    await settleRefunds(t)
    const { refund: back, fiat_amount_received: received } = await getPayment(t, id)
    assert.deepEqual([back.amount, back.reason, received], ['400.00', 'excess', '800.00'])
    assert.deepEqual(await givenBack(id), [{ units: 40_000n, state: 'done' }])
  })

  test('what is over is asked about less and less, and not for ever', async () => {
    const id = await paid('CVU')
    const asked: number[] = []
    for (let look = 0; look < 30; look += 1) {
      const { dueAt } = await sessionOf(t, id)
      if (dueAt === null) break
      asked.push(dueAt.getTime() - t.app.clock.now().getTime())
      await pass(Math.max(asked.at(-1)!, 0))
    }
    assert.equal((await sessionOf(t, id)).dueAt, null)
    assert.ok(asked.length > 5 && asked.length < 20, String(asked.length))
    assert.ok(asked.at(-1)! > 30 * DAY_MS)
  })
})

describe('a payment that ends ends its session first', () => {
  test('paypal, cancelled: its page takes nothing any more', async () => {
    const { id } = await create('paypal')
    assert.equal((await t.api('POST', `/api/payment/${id}/cancel`)).body.data.status, 'cancelled')
    const { url } = await sessionOf(t, id)
    const headers = { 'x-page': '1' }
    const path = `${new URL(url!).pathname}/api/pay`
    const { body } = await t.api('POST', path, { token: null, headers, body: { account_id: 'balance' } })
    assert.equal(body.error, 'action_not_allowed')
    await pass(DAY_MS)
    assert.deepEqual([await stateOf(id), (await rowOf(t.app, id)).receivedUnits], ['cancelled', 0n])
  })

  for (const type of ['paypal', 'KHIPU', 'CVU'] as const) {
    test(`${type}: paid at the same moment wins over cancel`, async () => {
      const { id } = await create(type)
      await pay(id)
      const { body } = await t.api('POST', `/api/payment/${id}/cancel`)
      assert.equal(body.error, 'payment_not_cancellable')
      assert.equal(await stateOf(id), 'payment_received')
      await t.settle()
      assert.deepEqual(await eventsOf(t.app, id), ['PAY_IN'])
    })

    test(`${type}: paid wins over the deadline, its news still under way`, async () => {
      const { id } = await create(type)
      await orderFault(t, kindOf(type), 'lost')
      await pay(id)
      await t.runLanes('simulated-callbacks')
      await t.advance(type === 'paypal' ? 31 * MINUTE_MS : DAY_MS + MINUTE_MS)
      await t.runLanes('payment-expiry')
      assert.equal(await stateOf(id), 'payment_received')
    })
  }

  test('a provider that does not answer keeps the payment open', async () => {
    const { id } = await create('paypal')
    await orderFault(t, 'paypal', 'fail')
    const { body } = await t.api('POST', `/api/payment/${id}/cancel`)
    assert.equal(body.error, 'payment_not_cancellable')
    assert.equal(await stateOf(id), 'started')
    assert.equal((await t.api('POST', `/api/payment/${id}/cancel`)).body.data.status, 'cancelled')
  })

  test('money for an ended payment whose external_id is taken goes back', async () => {
    const external_id = 'taken again'
    const { id } = await create('CVU', { external_id })
    const { providerRef } = await sessionOf(t, id)
    await t.api('POST', `/api/payment/${id}/cancel`)
    const next = await create('CVU', { external_id })
    assert.notEqual(next.id, id)
    await payByCode(t.app.db, providerRef!, t.app.clock.now())
    await t.settle()
    await settleRefunds(t)
    const old = await getPayment(t, id)
    assert.deepEqual([old.refund.state, old.refund.reason], ['confirmed', 'late'])
    assert.deepEqual(await givenBack(id), [{ units: 16_000_050n, state: 'done' }])
    assert.equal(await stateOf(next.id), 'started')
  })
})

describe('POST /api/payment/{id}/refund', () => {
  for (const type of ['paypal', 'SPEI', 'KHIPU'] as const) {
    for (const [fault, count] of [
      ['fail', 3],
      ['lost_answer', 1],
      ['twice', 1],
      ['lost', 1],
      ['late', 1],
      // A call that hangs is waited for ten seconds: one method stands for all.
      ...(type === 'SPEI' ? ([['hang', 1]] as const) : []),
    ] as const) {
      test(`${type}, ${fault}: everything goes back, once`, async () => {
        const before = await takenAt(kindOf(type), ORDERS[type][0])
        const id = await paid(type)
        await orderFault(t, kindOf(type), fault, count)
        assert.equal((await refund(id)).body.data.refund.state, 'planned')
        for (let rounds = 0; rounds < 6; rounds += 1) {
          await t.runLanes('payouts')
          await pass(5 * MINUTE_MS)
        }
        const payment = await getPayment(t, id)
        assert.deepEqual([payment.status, payment.refund.state], ['refunded', 'confirmed'])
        const { fiatUnits } = await rowOf(t.app, id)
        assert.deepEqual(await givenBack(id), [{ units: fiatUnits, state: 'done' }])
        assert.deepEqual(await statesOf(id), [
          ['coin_transfer', 'cancelled'],
          ['card_refund', 'confirmed'],
        ])
        assert.deepEqual(await eventsOf(t.app, id), ['PAY_IN', 'PAYMENT_REFUNDED'])
        assert.equal(await takenAt(kindOf(type), ORDERS[type][0]), before)
      })
    }
  }

  test('ten times at once it is one', async () => {
    const id = await paid('PSE')
    const answers = await Promise.all(Array.from({ length: 10 }, () => refund(id)))
    assert.equal(answers.filter(({ body }) => body.status === 'ok').length, 1)
    for (const { body } of answers)
      assert.ok(body.error === undefined || body.error === 'payment_not_refundable')
    await settleRefunds(t)
    assert.equal((await givenBack(id)).length, 1)
  })

  test('refused by the provider: seen as failed, and by the operator, who has it tried again', async () => {
    const id = await paid('PAGOEFECTIVO')
    await orderFault(t, 'local', 'reject')
    await refund(id)
    await settleRefunds(t)
    const payment = await getPayment(t, id)
    assert.deepEqual([payment.status, payment.refund.state], ['payment_received', 'failed'])
    assert.ok((await listReviews(t.app)).some((one) => one.id === id))
    const effect = await t.app.db
      .selectFrom('effects')
      .select('id')
      .where('reference', '=', `payment:${id}`)
      .where('kind', '=', 'card_refund')
      .executeTakeFirstOrThrow()
    await cancelEffect(effectNeeds(t.app), effect.id, { ...WHO, become: 'cancelled' })
    assert.equal(await balanceOf(t.app.db, `customer:${id}:fiat`, 'PEN'), -40_000n)
    await checkBooks(t.app)
    await refusePayment(t.app, id, WHO)
    await settleRefunds(t)
    assert.equal(await stateOf(id), 'refunded')
    assert.deepEqual(await givenBack(id), [{ units: 40_000n, state: 'done' }])
  })
})
