import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { makeFile, OPERATOR, shareFileBankWorld } from '../../../test/support/file-bank.ts'
import { notifyLine, rejectFile, startFileRefund } from '../../../test/support/file-refunds.ts'
import { getPayment } from '../../../test/support/payments.ts'
import { effectNeeds } from '../../app-effects.ts'
import { retryEffect } from '../../effects/operate-effects.ts'
import { listWaitingLines } from '../describe-lines.ts'
import { claimLine, listOpenLines } from '../operate-accounts.ts'
import { findGivenUpDebits } from '../unexpected-debits.ts'

const HOUR = 3_600_000
const bank = await shareFileBankWorld()
const { t, iban } = bank

const debit = (endToEndId: string, units = 10_000n, concept = 'Refund') =>
  notifyLine(bank, { direction: 'debit', units, endToEndId, concept })
const reasonsOf = async () => {
  const open = await listOpenLines(t.app)
  const waiting = await listWaitingLines(t.app)
  assert.deepEqual(
    waiting.map(({ reasons }) => reasons),
    open.map(({ matchReasons }) => matchReasons),
  )
  return open.filter(({ direction }) => direction === 'debit').flatMap(({ matchReasons }) => matchReasons)
}
/** The lines of a test are claimed at its end. */
const claimAll = async () => {
  for (const { id } of await listOpenLines(t.app)) {
    await claimLine(t.app, { iban, id, owner: 'cost' }, OPERATOR)
  }
}

describe('a debit with the id of an order that is not that order', () => {
  test('of another amount is named so', async () => {
    const { effect, key } = await startFileRefund(bank)
    await debit(key, 9_500n)
    assert.deepEqual(await reasonsOf(), [`debit:amount_differs:${effect.id}`])
    await claimAll()
  })

  test('the second time is named so, and before everybody', async () => {
    const { id, effect, key } = await startFileRefund(bank)
    await debit(key)
    assert.equal((await getPayment(t, id)).refund.state, 'confirmed')
    assert.deepEqual(await reasonsOf(), [])
    await t.advance(5 * 24 * HOUR)
    await debit(key, 10_000n, 'Refund once more')
    assert.deepEqual(await reasonsOf(), [`debit:again:${effect.id}`])
    const [named] = await findGivenUpDebits(t.app.db)
    assert.match(named!.why, new RegExp(`100.00 EUR for effect ${effect.id}, which was taken before`))
    await claimAll()
    assert.deepEqual(await findGivenUpDebits(t.app.db), [])
  })

  test('of an order that was refused and left again under another id', async () => {
    const { made, effect, key } = await startFileRefund(bank)
    await rejectFile(bank, made.messageId)
    await t.runLanes('payouts')
    await retryEffect(effectNeeds(t.app), effect.id, OPERATOR)
    await t.runLanes('payouts')
    await makeFile(t.app, iban)
    await debit(key)
    assert.deepEqual(await reasonsOf(), [`debit:earlier_order:${effect.id}`])
    const [named] = await findGivenUpDebits(t.app.db)
    assert.match(named!.why, /refused in that order and tried again/)
    await claimAll()
  })
})
