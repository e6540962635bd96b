import assert from 'node:assert/strict'
import { afterEach, describe, test } from 'node:test'
import { sql } from 'kysely'
import {
  checkBooks,
  effectsOf,
  findIban,
  rowOf,
  sendTransfer,
  settleRefunds,
} from '../../test/support/payments.ts'
import { sharePaymentWorld, startTransfer } from '../../test/support/transfer-payments.ts'
import { effectNeeds } from '../app-effects.ts'
import { cancelEffect, RefusedOperation } from '../effects/operate-effects.ts'
import { settleOrder } from '../effects/settle-order.ts'
import { balanceOf } from '../ledger/book.ts'
import { refusePayment } from '../onramp/review.ts'
import { matchByHand } from './match-by-hand.ts'
import { claimLine, listOpenLines } from './operate-accounts.ts'
import { refundLine } from './refund-line.ts'
import { undoMatch } from './undo-match.ts'
import { findGivenUpDebits } from './unexpected-debits.ts'

const DAY = 86_400_000
const WHO = { who: 'olga', why: 'the bank said so' }
/** Its bank takes the order and never says what became of it. */
const SILENT = 'DE71999999990000000009'
const t = await sharePaymentWorld()
const iban = await findIban(t.app)
afterEach(() => checkBooks(t.app))

const refused = (work: Promise<unknown>, message: RegExp) =>
  assert.rejects(work, (error) => error instanceof RefusedOperation && message.test(error.message))

interface Order {
  id: string
  providerRef: string | null
}

/** The order with this reference was refused by the bank's word, and is given up. */
async function giveUp(reference: string): Promise<Order> {
  await settleRefunds(t)
  const sent = await t.app.db
    .selectFrom('effects')
    .select(['id', 'state', 'providerRef'])
    .where('reference', '=', reference)
    .where('kind', '=', 'bank_transfer')
    .executeTakeFirstOrThrow()
  assert.equal(sent.state, 'sent')
  await settleOrder(effectNeeds(t.app), sent.id, { ...WHO, says: 'rejected' })
  // A line's refund is over with that word; a payment's is given up by a person.
  if (reference.startsWith('payment:'))
    await cancelEffect(effectNeeds(t.app), sent.id, { ...WHO, become: 'cancelled' })
  return sent
}

/** Its money leaves all the same. Answers the debit's line. */
async function bookAtLast({ id, providerRef }: Order): Promise<string> {
  await sql`update simulated.bank_transfers set due_at = ${t.app.clock.now()} where id = ${providerRef}`.execute(
    t.app.db,
  )
  await t.settle()
  const line = (await listOpenLines(t.app)).find(({ matchReasons }) =>
    matchReasons.includes(`given_up:${id}`),
  )
  assert.ok(line, 'its debit waits in suspense')
  return line.id
}

/** A payment in review, as somebody else paid it, whose refund left though it was given up. */
async function refundedForNothing(): Promise<{ id: string; debit: string }> {
  const { id, ...instructions } = await startTransfer(t)
  await sendTransfer(t.app, { ...instructions, amount: '100.00', name: 'Bruno Lima' })
  await t.settle()
  await refusePayment(t.app, id, { ...WHO, toIban: SILENT })
  return { id, debit: await bookAtLast(await giveUp(`payment:${id}`)) }
}

/** A line that belongs to nobody, whose refund was given up. */
async function strayGivenUp(): Promise<{ line: string; order: Order }> {
  const known = new Set((await listOpenLines(t.app)).map(({ id }) => id))
  await sendTransfer(t.app, { iban, amount: '100.00', concept: 'Miete', name: 'Ana Pérez García' })
  await t.settle()
  const line = (await listOpenLines(t.app)).find(({ id }) => !known.has(id))!.id
  await refundLine(t.app, { iban, id: line, toIban: SILENT }, WHO)
  return { line, order: await giveUp(`bank-line:${iban}:${line}`) }
}

/** And left all the same. */
async function straysForNothing(): Promise<{ line: string; debit: string }> {
  const { line, order } = await strayGivenUp()
  return { line, debit: await bookAtLast(order) }
}

const claim = (id: string) => claimLine(t.app, { iban, id, owner: 'cost' }, WHO)

describe('a payment whose refund left though it was given up', () => {
  test('is refunded again neither by its deadline nor for its integrator, until a person settles that', async () => {
    const { id, debit } = await refundedForNothing()
    const ask = () => t.api('POST', `/api/payment/${id}/refund`, { honest: true })
    const { status, body } = await ask()
    assert.deepEqual([status, body.error], [409, 'payment_not_refundable'])
    assert.match(body.message, /given up.*A person settles that/)
    await t.advance(8 * DAY)
    await t.runLanes('payment-expiry')
    const waiting = await rowOf(t.app, id)
    assert.deepEqual([waiting.state, waiting.reviewReason], ['in_review', 'refund_cancelled'])
    assert.ok(waiting.dueAt! > t.app.clock.now(), 'with a new deadline')
    assert.deepEqual(
      (await effectsOf(t.app, id)).map(({ state }) => state),
      ['cancelled'],
    )
    await refused(refusePayment(t.app, id, WHO), /Settle that first/)
    await claim(debit)
    assert.equal((await ask()).body.data?.refund.state, 'planned')
  })
})

test('a part of a payment’s money that went back before as a line’s goes back neither at its deadline nor when it is cancelled', async () => {
  const { line, order } = await strayGivenUp()
  const { id } = await startTransfer(t, { fiat_amount: '150.00' })
  await matchByHand(t.app, { iban, transactionId: line, paymentId: id, acceptDifference: true }, WHO)
  const before = await rowOf(t.app, id)
  assert.deepEqual([before.state, before.receivedUnits], ['started', 10_000n])
  const debit = await bookAtLast(order)
  for (const [how, error] of [
    ['cancel', 'payment_not_cancellable'],
    ['refund', 'payment_not_refundable'],
  ]) {
    const { status, body } = await t.api('POST', `/api/payment/${id}/${how}`, { honest: true })
    assert.deepEqual([status, body.error], [409, error])
  }
  await t.advance(20 * DAY)
  await t.runLanes('payment-expiry')
  const held = await rowOf(t.app, id)
  assert.deepEqual([held.state, held.reviewReason, held.refund], ['in_review', 'refund_cancelled', null])
  assert.match(held.reviewDetail!, new RegExp(`effect ${order.id}, which was given up`))
  assert.deepEqual(await effectsOf(t.app, id), [])
  await refused(refusePayment(t.app, id, WHO), /Settle that first/)
  await claim(debit)
  await refusePayment(t.app, id, WHO)
})

describe('a line whose refund left though it was given up', () => {
  const paymentFor = async () => (await startTransfer(t)).id
  const match = (line: string, paymentId: string) =>
    matchByHand(t.app, { iban, transactionId: line, paymentId, acceptDifference: false }, WHO)
  const reconcile = (line: string, paymentId: string) =>
    t.api('POST', '/api/banking/reconcile', {
      honest: true,
      body: { payment_id: paymentId, transaction_id: line },
    })

  test('is neither paid back again nor a payment’s; it bears the debit, when a person says so', async () => {
    const { line, debit } = await straysForNothing()
    const payment = await paymentFor()
    await refused(
      refundLine(t.app, { iban, id: line }, WHO),
      new RegExp(`which was given up.*accounts claim ${iban} ${debit}".*paid line ${line} back`),
    )
    await refused(match(line, payment), /Settle that first/)
    const { status, body } = await reconcile(line, payment)
    assert.deepEqual([status, body.error], [409, 'already_reconciled'])
    assert.match(body.message, /given up.*The operator settles that/)
    assert.deepEqual(await effectsOf(t.app, payment), [])
    const costs = await balanceOf(t.app.db, 'cost:bank', 'EUR')
    await claim(debit)
    await claim(line)
    assert.equal(await balanceOf(t.app.db, 'cost:bank', 'EUR'), costs)
    assert.deepEqual(await findGivenUpDebits(t.app.db), [])
  })

  test('is a payment’s once the debit was another matter', async () => {
    const { line, debit } = await straysForNothing()
    await claim(debit)
    assert.equal((await match(line, await paymentFor())).paymentState, 'payment_received')
  })

  test('the same of a line that was the payment’s then, whose match was undone', async () => {
    const { id, debit } = await refundedForNothing()
    const { rows } = await sql<{ line: string }>`
      select transaction_id as line from bank_matches where payment_id = ${id}`.execute(t.app.db)
    const { line } = rows[0]!
    await undoMatch(t.app, { iban, transactionId: line, paymentId: id }, WHO)
    await refused(refundLine(t.app, { iban, id: line }, WHO), /Settle that first/)
    await refused(match(line, await paymentFor()), /Settle that first/)
    await claim(debit)
    await refundLine(t.app, { iban, id: line }, WHO)
  })
})
