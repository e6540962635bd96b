import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { orderPayout, payoutOf, settleBank, shareSaleWorld } from '../../test/support/sales.ts'
import { bytesOf, statementParts, writeCamt } from '../../test/support/statement-writers.ts'
import { effectNeeds } from '../app-effects.ts'
import { findMissingOrders } from '../bank-accounts/closing/read-beside.ts'
import { importStatement } from '../bank-accounts/import-statement.ts'
import { openStatement } from '../bank-accounts/statements/detect-format.ts'
import { findStuck } from '../ledger/find-stuck.ts'
import type { Sale } from '../offramp/sale.ts'
import { payerIban } from '../providers/bank/simulated/incoming.ts'
import { addFaults } from '../providers/faults.ts'
import { RefusedOperation, retryEffect } from './operate-effects.ts'
import { noteReadLines } from './payout-lines.ts'
import { settleOrder } from './settle-order.ts'

const WHO = { who: 'olga', why: 'test' }
const t = await shareSaleWorld()

const notOnStatement = async ({ id }: Sale) => {
  const now = new Date(t.app.clock.now().getTime() + 60 * 86_400_000)
  const asked = { now, after: t.app.config.stuckAfter }
  const found = await findStuck(t.app.db, asked, { only: 'payout_not_on_statement', limit: 1_000 })
  return found.filter(({ reference }) => reference === `sale:${id}`)
}

/** An order whose answer was lost; a notification told its debit by our key, and then the bank told its own reference. */
async function namedByKey(name: string) {
  const sale = await orderPayout(t, { kind: 'iban', iban: payerIban(name), name })
  await addFaults(t.app, { provider: 'bank', kind: 'lost_answer', count: 1 })
  await t.runLanes('payouts')
  const { state, door, units, idempotencyKey, providerRef } = await payoutOf(t.app, sale)
  assert.deepEqual([state, providerRef], ['unknown', null])
  const iban = door.slice('bank:'.length)
  const lines = [{ direction: 'debit' as const, units, endToEndId: idempotencyKey }]
  const on = t.app.clock.now().toISOString().slice(0, 10)
  await importStatement(t.app, {
    bytes: bytesOf(
      writeCamt(
        statementParts({ account: iban, on, balances: false, lines: () => lines }),
        'camt.054.001.08',
      ),
    ),
    fileName: 'notification.xml',
    open: openStatement,
    source: 'command',
    who: 'a test',
  })
  await t.runLanes('payouts')
  const sent = await payoutOf(t.app, sale)
  assert.equal(sent.state, 'sent')
  assert.ok(sent.providerRef !== null && sent.providerRef !== idempotencyKey)
  const line = await t.app.db
    .selectFrom('bankTransactions')
    .select('transferRef')
    .where('iban', '=', iban)
    .where('endToEndId', '=', idempotencyKey)
    .executeTakeFirstOrThrow()
  assert.equal(line.transferRef, idempotencyKey)
  return { sale, iban, effect: sent.id }
}

describe('an order whose debit a statement named by our key before the bank told its own reference', () => {
  test('is on a statement, and is missed by nobody once the bank says that it was booked', async () => {
    const { sale, iban, effect } = await namedByKey('Ana Undecided')
    assert.deepEqual(await notOnStatement(sale), [])
    await settleOrder(effectNeeds(t.app), effect, { ...WHO, says: 'booked' })
    assert.equal((await payoutOf(t.app, sale)).state, 'confirmed')
    assert.deepEqual(await notOnStatement(sale), [])
    const missing = await t.app.db.transaction().execute((trx) => findMissingOrders(trx, iban, '2999-01-01'))
    assert.deepEqual(missing, [])
    assert.equal(await noteReadLines(t.app.db), 1)
    assert.equal((await payoutOf(t.app, sale)).lineRead, true)
  })

  test('is not tried again though the bank refuses it, as its money is in the books', async () => {
    const { sale, effect } = await namedByKey('Ana Rejected')
    await settleBank(t)
    assert.equal((await payoutOf(t.app, sale)).state, 'failed')
    await assert.rejects(
      retryEffect(effectNeeds(t.app), effect, WHO),
      (error) => error instanceof RefusedOperation && /failed by the bank's word/.test(error.message),
    )
  })
})
