import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { makeFile, OPERATOR, readStatement, shareFileBankWorld } from '../../../test/support/file-bank.ts'
import { importLine, notifyLine } from '../../../test/support/file-refunds.ts'
import { getPayment, sendTransfer } from '../../../test/support/payments.ts'
import { startTransfer } from '../../../test/support/transfer-payments.ts'
import { effectNeeds } from '../../app-effects.ts'
import { cancelEffect, RefusedOperation } from '../../effects/operate-effects.ts'
import { settleOrder } from '../../effects/settle-order.ts'
import { balanceOf } from '../../ledger/book.ts'
import { refusePayment } from '../../onramp/review.ts'
import { claimLine, listOpenLines } from '../operate-accounts.ts'
import { settleReturn } from '../settle-return.ts'
import { listOrderFiles } from './list-orders.ts'
import { settleFileOrder } from './settle-file.ts'

const HOUR = 3_600_000
const bank = await shareFileBankWorld()
const { t, iban } = bank

const refundOf = async (id: string): Promise<string> => (await getPayment(t, id)).refund.state
const openReasons = async () => (await listOpenLines(t.app)).map(({ matchReasons }) => matchReasons[0])
const transit = () => balanceOf(t.app.db, `transit:out:${iban}`, 'EUR')
const claimAll = async () => {
  for (const { id } of await listOpenLines(t.app)) {
    await claimLine(t.app, { iban, id, owner: 'cost' }, OPERATOR)
  }
}

/** Payments whose refunds are ordered and in no file yet. */
async function refunding(count: number) {
  const ids: string[] = []
  for (let nth = 0; nth < count; nth += 1) {
    const { id, ...instructions } = await startTransfer(t)
    await sendTransfer(t.app, { ...instructions, amount: '100.00' })
    ids.push(id)
  }
  await readStatement(t, iban)
  for (const id of ids) await t.api('POST', `/api/payment/${id}/refund`)
  await t.runLanes('payouts')
  const effectOf = (id: string) =>
    t.app.db
      .selectFrom('effects')
      .select(['id', 'idempotencyKey'])
      .where('reference', '=', `payment:${id}`)
      .where('kind', '=', 'bank_transfer')
      .executeTakeFirstOrThrow()
  return Promise.all(ids.map(async (id) => ({ id, effect: await effectOf(id) })))
}

/** The same, in a file that the bank has. */
async function inAFile(count: number) {
  const refunds = await refunding(count)
  const made = await makeFile(t.app, iban)
  await t.advance(48 * HOUR)
  return { refunds, made }
}

const debit = (line: { units?: bigint; endToEndId?: string; concept?: string }) => ({
  direction: 'debit' as const,
  units: line.units ?? 10_000n,
  endToEndId: line.endToEndId ?? null,
  concept: line.concept ?? 'Refund',
})

describe('an order that the bank booked with its whole file', () => {
  test('and then by itself was taken twice: what comes back then is not the refund’s', async () => {
    const { refunds, made } = await inAFile(2)
    const [first] = refunds
    await notifyLine(bank, debit({ units: 20_000n, concept: `REMESA ${made.messageId}` }))
    for (const { id } of refunds) assert.equal(await refundOf(id), 'confirmed')
    await t.advance(5 * 24 * HOUR)
    await notifyLine(bank, debit({ endToEndId: first!.effect.idempotencyKey }))
    assert.deepEqual(await openReasons(), [`debit:again:${first!.effect.id}`])
    assert.equal(await transit(), 0n)
    await t.advance(2 * 24 * HOUR)
    const back = { units: 10_000n, endToEndId: first!.effect.idempotencyKey, returnCode: 'AC04' }
    await notifyLine(bank, back)
    assert.deepEqual((await openReasons()).sort(), [
      `debit:again:${first!.effect.id}`,
      `return:again:${first!.effect.id}`,
    ])
    assert.equal(await refundOf(first!.id), 'confirmed')
    await assert.rejects(settleReturn(t.app, first!.effect.id, OPERATOR), /more than once/)
    await claimAll()
  })
})

describe('an order whose debit was read and not looked at yet', () => {
  test('is no other line’s, nor part of what is open of its file', async () => {
    const { refunds, made } = await inAFile(2)
    const key = refunds[0]!.effect.idempotencyKey
    await importLine(
      bank,
      debit({ endToEndId: key }),
      debit({ concept: 'ORDEN' }),
      debit({ units: 20_000n, concept: `REMESA ${made.messageId}` }),
    )
    const open = async () => (await listOpenLines(t.app)).filter(({ direction }) => direction === 'debit')
    const nameless = (await open()).find(({ units }) => units === 10_000n)!
    await assert.rejects(
      settleFileOrder(t.app, { fileId: made.id, lineId: nameless.id, endToEndId: key }, OPERATOR),
      (error) => error instanceof RefusedOperation && /is booked already/.test(error.message),
    )
    await t.runLanes('bank-orders', 'payouts')
    assert.deepEqual([await refundOf(refunds[0]!.id), await refundOf(refunds[1]!.id)], ['confirmed', 'sent'])
    const endToEndId = refunds[1]!.effect.idempotencyKey
    await settleFileOrder(t.app, { fileId: made.id, lineId: nameless.id, endToEndId }, OPERATOR)
    await t.runLanes('bank-orders', 'payouts')
    assert.equal(await refundOf(refunds[1]!.id), 'confirmed')
    assert.equal(await transit(), 0n)
    assert.deepEqual(await openReasons(), [`debit:order_file:${made.id}`])
    await claimAll()
  })
})

describe('an order of which a person was told that the bank refused it', () => {
  test('is refused in its file as well: the sum of the others settles these', async () => {
    const { refunds, made } = await inAFile(2)
    const [refused, other] = refunds
    await settleOrder(effectNeeds(t.app), refused!.effect.id, { ...OPERATOR, says: 'rejected' })
    await notifyLine(bank, debit({ concept: `REMESA ${made.messageId}` }))
    assert.deepEqual([await refundOf(refused!.id), await refundOf(other!.id)], ['failed', 'confirmed'])
    const [file] = await listOrderFiles(t.app, iban)
    assert.deepEqual([file?.booked, file?.rejected], [1, 1])
    assert.deepEqual(await openReasons(), [])
  })
})

describe('an order that was given up and never answered', () => {
  test('and was carried out after all: nothing is refunded before that is settled', async () => {
    const [refund] = await refunding(1)
    const { id } = refund!.effect
    await cancelEffect(effectNeeds(t.app), id, { ...OPERATOR, become: 'cancelled' })
    // As one that was sent when the line to the bank broke: its reference there was never heard.
    await t.app.db.updateTable('effects').set({ providerRef: null }).where('id', '=', id).execute()
    await t.advance(48 * HOUR)
    await notifyLine(bank, debit({ endToEndId: refund!.effect.idempotencyKey }))
    assert.deepEqual(await openReasons(), [`given_up:${id}`])
    await assert.rejects(
      refusePayment(t.app, refund!.id, { ...OPERATOR, toIban: 'DE89370400440532013000' }),
      /was given up\. Settle that first/,
    )
    await claimAll()
  })
})
