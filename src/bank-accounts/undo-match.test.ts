import assert from 'node:assert/strict'
import { beforeEach, describe, test } from 'node:test'
import { lineOf, tellLine } from '../../test/support/bank.ts'
import {
  checkBooks,
  effectsOf,
  endCoins,
  eventsOf,
  findIban,
  getPayment,
  reserveCoins,
  rowOf,
  settleRefunds,
} from '../../test/support/payments.ts'
import { resetSettings, sharePaymentWorld, startTransfer } from '../../test/support/transfer-payments.ts'
import { releasePayment } from '../onramp/review.ts'
import { undoMatch } from './undo-match.ts'

const DAY_MS = 86_400_000
const WHO = { who: 'maria', why: 'the wrong order' }

const t = await sharePaymentWorld({ DATABASE_POOL_SIZE: '20' })
const iban = await findIban(t.app)
beforeEach(() => resetSettings(t))

const newPayment = async (changes: Record<string, unknown> = {}) => (await startTransfer(t, changes)).id

const reconcile = async (paymentId: string, transactionId: string, more: object = {}) => {
  const body = { payment_id: paymentId, transaction_id: transactionId, accept_difference: true, ...more }
  const answer = await t.api('POST', '/api/banking/reconcile', { body })
  assert.equal(answer.body.status, 'ok', JSON.stringify(answer.body))
  return answer.body.data
}

const undo = (transactionId: string, paymentId?: string) =>
  undoMatch(t.app, { iban, transactionId, paymentId }, WHO)

/** A line of so much, booked for a payment. */
async function matched(paymentId: string, units = 10_000n, more: object = {}): Promise<string> {
  const id = await tellLine(t.app, { iban, units, ...more })
  await reconcile(paymentId, id)
  return id
}

describe('a match is taken back', () => {
  test('of a payment that was filled: it waits again, and can be filled by another line', async () => {
    const id = await newPayment()
    const before = await rowOf(t.app, id)
    const wrong = await matched(id, 10_000n, { counterpartyName: 'Ana Pérez García' })
    assert.equal((await rowOf(t.app, id)).state, 'payment_received')
    const undone = await undo(wrong)
    assert.deepEqual(undone, { paymentId: id, units: 10_000n, currency: 'EUR', paymentState: 'started' })
    const row = await rowOf(t.app, id)
    assert.deepEqual(
      [
        row.state,
        row.receivedUnits,
        row.convertedUnits,
        row.holderSealed,
        row.receivedAt,
        row.expiresAt,
        row.dueAt,
      ],
      ['started', 0n, 0n, null, null, before.expiresAt, before.dueAt],
    )
    const line = await lineOf(t.app, wrong)
    assert.deepEqual([line.state, line.matchedUnits, line.dueAt], ['unmatched', 0n, null])
    assert.deepEqual(
      (await effectsOf(t.app, id)).map(({ state }) => state),
      ['cancelled'],
    )
    await checkBooks(t.app)
    await t.settle()
    assert.equal((await rowOf(t.app, id)).state, 'started', 'nothing matches it by itself again')
    await reconcile(id, await tellLine(t.app, { iban }))
    assert.deepEqual(await eventsOf(t.app, id), ['PAY_IN', 'PAY_IN'])
    await endCoins(t, id, 'confirmed')
    assert.equal((await rowOf(t.app, id)).state, 'coins_sent')
    await checkBooks(t.app)
    const entry = await t.app.db
      .selectFrom('auditLog')
      .selectAll()
      .where('action', '=', 'bank-line.undo')
      .orderBy('id', 'desc')
      .executeTakeFirstOrThrow()
    assert.deepEqual(
      [entry.who, entry.why, entry.target],
      ['maria', 'the wrong order', `bank-line:${iban}:${wrong}`],
    )
  })

  test('and made again, with the same payment, as often as somebody likes', async () => {
    const id = await newPayment()
    const line = await matched(id)
    for (let round = 0; round < 3; round += 1) {
      await undo(line)
      assert.equal((await reconcile(id, line)).payment_status, 'payment_received')
      await checkBooks(t.app)
    }
    const match = await t.app.db
      .selectFrom('bankMatches')
      .selectAll()
      .where('transactionId', '=', line)
      .executeTakeFirstOrThrow()
    assert.deepEqual([match.round, match.units], [4, 10_000n])
  })

  test('of one that waited in pending_bank; and one whose deadline has passed expires', async () => {
    const id = await newPayment()
    await t.app.db.updateTable('payments').set({ state: 'pending_bank' }).where('id', '=', id).execute()
    const line = await matched(id)
    assert.equal((await undo(line)).paymentState, 'pending_bank')
    await reconcile(id, line)
    await t.advance(3 * DAY_MS + 1000)
    await undo(line)
    await t.settle()
    assert.equal((await rowOf(t.app, id)).state, 'expired')
    assert.deepEqual(await eventsOf(t.app, id), ['PAY_IN', 'PAY_IN', 'PAYMENT_EXPIRED'])
  })

  test('of the second part: the first stays, and the rest is waited for', async () => {
    const id = await newPayment()
    const [first, second] = [await matched(id, 6_000n), await matched(id, 4_000n)]
    await undo(second)
    assert.deepEqual(
      [(await rowOf(t.app, id)).state, (await rowOf(t.app, id)).receivedUnits],
      ['started', 6_000n],
    )
    await undo(first)
    assert.equal((await rowOf(t.app, id)).receivedUnits, 0n)
    await checkBooks(t.app)
  })

  test('of too much: what was to go back does not', async () => {
    const id = await newPayment()
    const line = await matched(id, 13_000n)
    assert.equal((await getPayment(t, id)).refund.amount, '30.00')
    await undo(line)
    const payment = await getPayment(t, id)
    assert.deepEqual(
      [payment.status, payment.refund, payment.fiat_amount_received],
      ['started', null, '0.00'],
    )
    assert.ok((await effectsOf(t.app, id)).every(({ state }) => state === 'cancelled'))
    await reconcile(id, line)
    await settleRefunds(t)
    assert.equal((await getPayment(t, id)).refund.state, 'confirmed')
    await assert.rejects(undo(line), /30\.00 EUR went back or is about to/)
    await checkBooks(t.app)
  })

  test('of what came twice: the payment keeps what it has', async () => {
    const id = await newPayment()
    const { concept } = await rowOf(t.app, id)
    await matched(id)
    const twice = await tellLine(t.app, { iban, concept: String(concept) })
    await t.runLanes('bank-lines')
    assert.equal((await getPayment(t, id)).refund.amount, '100.00')
    await undo(twice)
    const row = await rowOf(t.app, id)
    assert.deepEqual([row.state, row.receivedUnits, row.refundedUnits], ['payment_received', 10_000n, 0n])
    const other = await newPayment()
    assert.equal((await reconcile(other, twice)).payment_status, 'payment_received')
    await checkBooks(t.app)
  })

  test('of one before a person: it is what it was', async () => {
    const id = await newPayment()
    const stranger = await matched(id, 10_000n, { counterpartyName: 'Boris Petrov' })
    assert.equal((await rowOf(t.app, id)).state, 'in_review')
    assert.equal((await undo(stranger)).paymentState, 'started')
    const late = await newPayment()
    await t.advance(3 * DAY_MS + 1000)
    await t.settle()
    const line = await matched(late)
    assert.equal((await rowOf(t.app, late)).reviewReason, 'late')
    assert.equal((await undo(line)).paymentState, 'expired')
    assert.equal((await rowOf(t.app, late)).liveExternalId, null)
    assert.deepEqual(await eventsOf(t.app, late), ['PAYMENT_EXPIRED', 'PAYMENT_IN_REVIEW', 'PAYMENT_EXPIRED'])
    await reconcile(late, line)
    await releasePayment(t.app, late, WHO)
    assert.equal((await undo(line)).paymentState, 'expired')
    await checkBooks(t.app)
  })

  test('of a line of two payments: the one that is named', async () => {
    const [one, other] = [await newPayment(), await newPayment()]
    const line = await tellLine(t.app, { iban, units: 20_000n })
    await reconcile(one, line, { amount: '100.00' })
    await reconcile(other, line)
    await assert.rejects(
      undo(line),
      (error: Error) => error.message.includes(one) && error.message.includes(other),
    )
    await undo(line, one)
    assert.equal((await lineOf(t.app, line)).matchedUnits, 10_000n)
    assert.equal((await rowOf(t.app, other)).state, 'payment_received')
    await undo(line)
    assert.equal((await lineOf(t.app, line)).matchedUnits, 0n)
    await assert.rejects(undo(line), /matched to no payment/)
    await assert.rejects(undo(line, one), /is not matched to/)
    await assert.rejects(undo('nothing'), /matched to no payment/)
  })
})

describe('refused', () => {
  test('once coins are about to leave, and after', async () => {
    const id = await newPayment()
    const line = await matched(id)
    await reserveCoins(t.app, id)
    await assert.rejects(undo(line), /coins of payment .* were sent or are about to be/)
    await t.app.db
      .updateTable('effects')
      .set({ state: 'planned' })
      .where('purpose', '=', `payment:${id}:coins`)
      .execute()
    await endCoins(t, id, 'confirmed')
    await assert.rejects(undo(line), /were sent/)
    assert.equal((await rowOf(t.app, id)).state, 'coins_sent')
    assert.equal((await lineOf(t.app, line)).matchedUnits, 10_000n)
  })

  test('at once with the dispatch of its coins: one of the two', async () => {
    for (let round = 0; round < 8; round += 1) {
      const id = await newPayment()
      const line = await matched(id)
      const [undone] = await Promise.allSettled([undo(line), reserveCoins(t.app, id)])
      const { state } = await rowOf(t.app, id)
      assert.equal(state, undone.status === 'fulfilled' ? 'started' : 'payment_received')
      if (undone.status === 'rejected') await endCoins(t, id, 'confirmed')
    }
    await checkBooks(t.app)
  })

  test('at once with itself and with another reconcile: once', async () => {
    for (let round = 0; round < 8; round += 1) {
      const [id, other] = [await newPayment(), await newPayment()]
      const line = await matched(id)
      const again = { payment_id: other, transaction_id: line }
      const [first, second] = await Promise.allSettled([
        undo(line),
        undo(line),
        t.api('POST', '/api/banking/reconcile', { body: again }),
      ])
      assert.deepEqual([first.status, second.status].sort(), ['fulfilled', 'rejected'])
      const units = [await rowOf(t.app, id), await rowOf(t.app, other)].map(
        ({ receivedUnits }) => receivedUnits,
      )
      assert.equal(units[0]! + units[1]!, (await lineOf(t.app, line)).matchedUnits)
    }
    await checkBooks(t.app)
  })
})
