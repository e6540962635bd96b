import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { makeFile, OPERATOR, readStatement, shareFileBankWorld } from '../../../test/support/file-bank.ts'
import { notifyLine, rejectFile } from '../../../test/support/file-refunds.ts'
import { getPayment, sendTransfer } from '../../../test/support/payments.ts'
import { startTransfer } from '../../../test/support/transfer-payments.ts'
import { effectNeeds } from '../../app-effects.ts'
import { cancelEffect } from '../../effects/operate-effects.ts'
import { describeLine } from '../describe-lines.ts'
import { matchByHand } from '../match-by-hand.ts'
import { claimLine, listOpenLines } from '../operate-accounts.ts'
import { refundLine } from '../refund-line.ts'
import { undoMatch } from '../undo-match.ts'
import { exportOrders } from './export-orders.ts'
import { listHeldOrders } from './held-orders.ts'
import { settleHeldOrder } from './take-over.ts'

const bank = await shareFileBankWorld()
const { t, iban } = bank

const exported = () => exportOrders(t.app, { iban, format: 'pain.001.001.09' }, OPERATOR)
const run = () => t.runLanes('bank-lines', 'bank-orders', 'payouts', 'bank-lines')
const openLines = async () => (await listOpenLines(t.app)).filter((line) => line.iban === iban)
const openDebits = async () => (await openLines()).filter(({ direction }) => direction === 'debit')

/** A credit that belongs to nobody. */
async function stray(amount: string): Promise<string> {
  await sendTransfer(t.app, { iban, amount, concept: 'Miete', name: 'Ana Pérez García' })
  await readStatement(t, iban)
  const [line, ...more] = await openLines()
  assert.deepEqual([line?.concept, more], ['Miete', []])
  return line!.id
}

const match = (line: string, paymentId: string) =>
  matchByHand(
    t.app,
    { iban, transactionId: line, paymentId, amount: '100.00', acceptDifference: false },
    OPERATOR,
  )

/** What waits goes into a file, which the bank refuses. Answers the order's effect and its id. */
async function fileAndRefuse(reference: string): Promise<{ effect: string; key: string }> {
  await t.runLanes('payouts')
  const made = await makeFile(t.app, iban)
  await rejectFile(bank, made.messageId)
  await t.runLanes('payouts')
  const { id, idempotencyKey } = await t.app.db
    .selectFrom('effects')
    .select(['id', 'idempotencyKey'])
    .where('reference', '=', reference)
    .where('kind', '=', 'bank_transfer')
    .executeTakeFirstOrThrow()
  assert.ok(made.xml.includes(idempotencyKey))
  return { effect: id, key: idempotencyKey }
}

/** The bank carried the refused order out all the same, days later. */
async function takeAllTheSame(endToEndId: string, units = 10_000n): Promise<string> {
  await t.advance(48 * 3_600_000)
  await notifyLine(bank, { direction: 'debit', units, endToEndId, concept: 'Refund' })
  const [debit, ...more] = await openDebits()
  assert.match(debit!.matchReasons[0]!, /^given_up:/)
  assert.deepEqual(more, [])
  return debit!.id
}

const giveUp = (effect: string) =>
  cancelEffect(effectNeeds(t.app), effect, { ...OPERATOR, become: 'cancelled' })

/** The one order that waits is held by the earlier one's debit, and a person says that that paid it. */
async function settleHeld({ key, debit }: { key: string; debit: string }): Promise<void> {
  const [held, ...more] = await listHeldOrders(t.app.db, { iban })
  assert.deepEqual(
    [held?.earlier, held?.lineId, held?.by, held?.units, more.length],
    [key, debit, 'order', 10_000n, 0],
  )
  await assert.rejects(exported(), /held back/)
  await assert.rejects(claimLine(t.app, { iban, id: debit, owner: 'cost' }, OPERATOR), /is held back/)
  assert.equal(await settleHeldOrder(t.app, held!.effect, OPERATOR), true)
  await run()
  assert.deepEqual([await openDebits(), await listHeldOrders(t.app.db)], [[], []])
  await assert.rejects(exported(), /No orders/)
}

describe('the same money of a line, ordered back in another way', () => {
  test('as the line’s own refund, after that of the payment it was matched to was given up', async () => {
    const line = await stray('100.00')
    const { id } = await startTransfer(t)
    await match(line, id)
    await t.api('POST', `/api/payment/${id}/refund`)
    const { effect, key } = await fileAndRefuse(`payment:${id}`)
    await giveUp(effect)
    await undoMatch(t.app, { iban, transactionId: line, paymentId: id }, OPERATOR)
    await refundLine(t.app, { iban, id: line }, OPERATOR)
    await t.runLanes('payouts')
    await settleHeld({ key, debit: await takeAllTheSame(key) })
    assert.equal((await describeLine(t.app, iban, line))!.refunds[0]!.state, 'confirmed')
  })

  test('as the refund of the payment it was matched to, after the line’s own was refused', async () => {
    const line = await stray('100.00')
    await refundLine(t.app, { iban, id: line }, OPERATOR)
    const { key } = await fileAndRefuse(`bank-line:${iban}:${line}`)
    const { id } = await startTransfer(t)
    await match(line, id)
    await t.api('POST', `/api/payment/${id}/refund`)
    await t.runLanes('payouts')
    await settleHeld({ key, debit: await takeAllTheSame(key) })
    assert.equal((await getPayment(t, id)).refund.state, 'confirmed')
  })

  test('as the refund of another payment that it was matched to', async () => {
    const line = await stray('100.00')
    const [first, second] = [await startTransfer(t), await startTransfer(t)]
    await match(line, first.id)
    await t.api('POST', `/api/payment/${first.id}/refund`)
    const { effect, key } = await fileAndRefuse(`payment:${first.id}`)
    await giveUp(effect)
    await undoMatch(t.app, { iban, transactionId: line, paymentId: first.id }, OPERATOR)
    await match(line, second.id)
    await t.api('POST', `/api/payment/${second.id}/refund`)
    await t.runLanes('payouts')
    await settleHeld({ key, debit: await takeAllTheSame(key) })
    assert.equal((await getPayment(t, second.id)).refund.state, 'confirmed')
  })
})

describe('the rest of a line is other money than what its payment has of it', () => {
  test('its refund goes, though the payment’s was given up and left', async () => {
    const line = await stray('150.00')
    const { id } = await startTransfer(t)
    await match(line, id)
    await t.api('POST', `/api/payment/${id}/refund`)
    const { effect, key } = await fileAndRefuse(`payment:${id}`)
    await giveUp(effect)
    await refundLine(t.app, { iban, id: line }, OPERATOR)
    await t.runLanes('payouts')
    const debit = await takeAllTheSame(key)
    assert.deepEqual(await listHeldOrders(t.app.db), [])
    assert.match((await exported()).xml, />50\.00</)
    await claimLine(t.app, { iban, id: debit, owner: 'cost' }, OPERATOR)
  })

  test('the payment’s goes, though that of the rest was refused and left', async () => {
    const line = await stray('150.00')
    const { id } = await startTransfer(t)
    await match(line, id)
    await t.advance(60_000)
    await refundLine(t.app, { iban, id: line }, OPERATOR)
    const { key } = await fileAndRefuse(`bank-line:${iban}:${line}`)
    await t.api('POST', `/api/payment/${id}/refund`)
    await t.runLanes('payouts')
    const debit = await takeAllTheSame(key, 5_000n)
    assert.deepEqual(await listHeldOrders(t.app.db), [])
    assert.match((await exported()).xml, />100\.00</)
    await claimLine(t.app, { iban, id: debit, owner: 'cost' }, OPERATOR)
  })
})
