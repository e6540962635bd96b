import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { OPERATOR, shareFileBankWorld } from '../../test/support/file-bank.ts'
import { notifyLine, rejectFile, startFileRefund } from '../../test/support/file-refunds.ts'
import { checkBooks, getPayment } from '../../test/support/payments.ts'
import { RefusedOperation } from '../effects/operate-effects.ts'
import { listWaitingLines } from './describe-lines.ts'
import { claimLine, listOpenLines } from './operate-accounts.ts'
import { refundLine } from './refund-line.ts'
import { settleReturn } from './settle-return.ts'

const HOUR = 3_600_000
const bank = await shareFileBankWorld()
const { t, iban } = bank

const cameBack = (key: string) =>
  notifyLine(bank, {
    direction: 'credit',
    units: 10_000n,
    endToEndId: key,
    returnCode: 'AC04',
    concept: 'Devolucion',
  })
const lineOf = async (effect: string, found = 'early') =>
  (await listOpenLines(t.app)).find(({ matchReasons }) => matchReasons.includes(`return:${found}:${effect}`))
const waitAnHour = async () => {
  await t.advance(HOUR + 60_000)
  await t.runLanes('bank-lines')
}

describe('money that comes back before its debit', () => {
  test('of an order that the bank refuses: listed after an hour, settled, claimed', async () => {
    const { id, made, effect, key } = await startFileRefund(bank)
    await cameBack(key)
    const { matchReasons } = await t.app.db
      .selectFrom('bankTransactions')
      .select('matchReasons')
      .where('endToEndId', '=', key)
      .executeTakeFirstOrThrow()
    assert.deepEqual(matchReasons, [`return:early:${effect.id}`])
    await rejectFile(bank, made.messageId)
    await t.runLanes('payouts')
    assert.equal((await getPayment(t, id)).refund.state, 'failed')
    await waitAnHour()
    const line = (await lineOf(effect.id))!
    assert.deepEqual([line.direction, line.units], ['credit', 10_000n])
    assert.ok((await listWaitingLines(t.app)).some((one) => one.id === line.id))
    assert.equal((await settleReturn(t.app, effect.id, OPERATOR)).costUnits, 0n)
    const after = await getPayment(t, id)
    assert.deepEqual([after.refund.state, after.fiat_amount_refunded ?? '0.00'], ['failed', '0.00'])
    await checkBooks(t.app)
    assert.equal((await lineOf(effect.id, 'again'))?.id, line.id)
    await claimLine(t.app, { iban, id: line.id, owner: 'treasury' }, OPERATOR)
    assert.equal(await lineOf(effect.id, 'again'), undefined)
  })

  test('and whose debit comes after the hour is taken back by itself', async () => {
    const { id, effect, key } = await startFileRefund(bank)
    await cameBack(key)
    await waitAnHour()
    assert.ok(await lineOf(effect.id))
    await assert.rejects(
      settleReturn(t.app, effect.id, OPERATOR),
      (error) => error instanceof RefusedOperation && /No statement has the debit/.test(error.message),
    )
    await notifyLine(bank, { direction: 'debit', units: 10_000n, endToEndId: key })
    assert.equal(await lineOf(effect.id), undefined)
    const { refund } = await getPayment(t, id)
    assert.equal(refund.state, 'failed')
    const { state } = await t.app.db
      .selectFrom('effects')
      .select('state')
      .where('id', '=', effect.id)
      .executeTakeFirstOrThrow()
    assert.equal(state, 'cancelled')
  })

  test('can be paid back to where it came from by a person', async () => {
    const { effect, key } = await startFileRefund(bank)
    await cameBack(key)
    await waitAnHour()
    const line = (await lineOf(effect.id))!
    const to = { iban, id: line.id, toIban: 'DE89370400440532013000', name: 'A bank' }
    assert.equal((await refundLine(t.app, to, OPERATOR)).units, 10_000n)
    assert.equal(await lineOf(effect.id), undefined)
  })
})
