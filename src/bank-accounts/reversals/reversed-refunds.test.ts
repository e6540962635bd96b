import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { inspect } from 'node:util'
import { addSharedAccount } from '../../../test/support/bank.ts'
import { checkBooks, effectsOf, rowOf } from '../../../test/support/payments.ts'
import { reversalFiles } from '../../../test/support/reversal-files.ts'
import { sharePaymentWorld, startTransfer } from '../../../test/support/transfer-payments.ts'
import { balanceOf } from '../../ledger/book.ts'
import { closeDay } from '../close-day.ts'
import { exportOrders } from '../orders/export-orders.ts'
import { lineReference, refundLine } from '../refund-line.ts'
import { listLost, sawLost } from './list-lost.ts'

const WHO = { who: 'maria', why: 'test' }
const t = await sharePaymentWorld()
const { today, camt, take } = reversalFiles(t.app)

/** A credit of nobody that a person pays back; answers its line and what pays it. */
async function refunded() {
  const iban = await addSharedAccount(t.app)
  await t.app.db.updateTable('bankAccounts').set({ ordersBy: 'file' }).where('iban', '=', iban).execute()
  await take(camt(iban, [{ side: 'CRDT', concept: 'algo', ref: 'Q4', name: 'Luis Soto' }]))
  await t.runLanes('bank-lines')
  const credit = await t.app.db
    .selectFrom('bankTransactions')
    .select('id')
    .where('iban', '=', iban)
    .executeTakeFirstOrThrow()
  await refundLine(t.app, { iban, id: credit.id }, WHO)
  const effect = () =>
    t.app.db
      .selectFrom('effects')
      .select(['id', 'state'])
      .where('reference', '=', lineReference(iban, credit.id))
      .executeTakeFirstOrThrow()
  const reverse = () =>
    take(camt(iban, [{ side: 'DBIT', concept: 'algo', ref: 'Q4', name: 'Luis Soto', reversal: true }]))
  return { iban, credit: credit.id, effect, reverse }
}

describe('the bank takes a credit back that is being paid back', () => {
  test('and was not ordered yet: nothing leaves, nothing is lost', async () => {
    const { iban, credit, effect, reverse } = await refunded()
    await reverse()
    assert.equal((await effect()).state, 'cancelled')
    const line = await t.app.db
      .selectFrom('bankTransactions')
      .select(['state', 'matchedUnits'])
      .where('id', '=', credit)
      .executeTakeFirstOrThrow()
    assert.deepEqual(line, { state: 'returned', matchedUnits: 10_000n })
    await assert.rejects(refundLine(t.app, { iban, id: credit }, WHO), /was taken back by the bank/)
    assert.equal(await balanceOf(t.app.db, `suspense:${iban}`, 'EUR'), 0n)
    await checkBooks(t.app)
  })

  test('and waits for a file: it goes into none, and nothing is lost', async () => {
    const { iban, effect, reverse } = await refunded()
    await t.runLanes('payouts')
    assert.equal((await effect()).state, 'sent')
    await reverse()
    assert.equal((await effect()).state, 'cancelled')
    await t.runLanes('payouts')
    await assert.rejects(
      exportOrders(t.app, { iban, format: 'pain.001.001.09' }, WHO),
      /No orders of .* wait/,
    )
    assert.deepEqual(
      (await listLost(t.app.db)).filter((one) => one.iban === iban),
      [],
    )
    assert.equal(await balanceOf(t.app.db, `suspense:${iban}`, 'EUR'), 0n)
    assert.equal(await balanceOf(t.app.db, `transit:out:${iban}`, 'EUR'), 0n)
    await checkBooks(t.app)
  })

  test('and may have left: it is lost, and the transfer is named, by the day’s closing too', async () => {
    const { iban, effect, reverse } = await refunded()
    const { id } = await effect()
    await t.app.db.updateTable('effects').set({ state: 'sent', dueAt: null }).where('id', '=', id).execute()
    const day = today()
    await reverse()
    const [lost] = (await listLost(t.app.db)).filter((one) => one.iban === iban)
    assert.match(lost!.reason, new RegExp(`100.00 EUR had left: effect ${id}`))
    assert.equal(await balanceOf(t.app.db, `suspense:${iban}`, 'EUR'), 0n)
    await checkBooks(t.app)
    await t.advance(26 * 3_600_000)
    const named = async () => inspect(await closeDay(t.app, { iban, day }, WHO.who), { depth: 9 })
    assert.match(await named(), new RegExp(id))
    await sawLost(t.app, { iban, id: lost!.id }, WHO)
    assert.doesNotMatch(await named(), new RegExp(id))
  })
})

test('a refund that waits for a file goes into none when the bank takes the payment’s transfer back', async () => {
  const { id, iban, concept } = await startTransfer(t)
  await t.app.db.updateTable('bankAccounts').set({ ordersBy: 'file' }).where('iban', '=', iban).execute()
  const entry = { concept, ref: 'Q7' }
  await take(camt(iban, [{ ...entry, side: 'CRDT' }]))
  await t.runLanes('bank-lines')
  await t.api('POST', `/api/payment/${id}/refund`)
  await t.runLanes('payouts')
  const refund = async () => (await effectsOf(t.app, id)).find(({ kind }) => kind === 'bank_transfer')!
  assert.equal((await refund()).state, 'sent')
  await take(camt(iban, [{ ...entry, side: 'DBIT', reversal: true }]))
  assert.equal((await refund()).state, 'cancelled')
  assert.equal((await rowOf(t.app, id)).state, 'started')
  await t.runLanes('payouts')
  await assert.rejects(exportOrders(t.app, { iban, format: 'pain.001.001.09' }, WHO), /No orders of .* wait/)
  assert.equal(await balanceOf(t.app.db, `transit:out:${iban}`, 'EUR'), 0n)
  await checkBooks(t.app)
})
