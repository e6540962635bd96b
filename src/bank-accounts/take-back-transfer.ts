import type { Selectable } from 'kysely'
import type { App } from '../app.ts'
import type { BankTransactionsTable } from '../db/schema.ts'
import { customerFiat } from '../onramp/payment.ts'
import { beginChanges, bookFor, setFields, wakeAfter, writeChanges } from '../onramp/payment-changes.ts'
import { lockPayments } from '../onramp/payment-store.ts'
import { suspenseOf } from './record-lines.ts'

type Needs = Pick<App, 'db' | 'clock' | 'config' | 'secrets' | 'wake' | 'log' | 'pageNews'>

/**
 * A refund that the receiving bank sent back: the money is held for its payment again, the refund has failed, and an
 * operator sees it, who may refund to another account. What no transfer of ours is known for stays in suspense.
 */
export async function takeBackTransfer(app: Needs, line: Selectable<BankTransactionsTable>): Promise<void> {
  const changes = beginChanges(app)
  await app.db.transaction().execute(async (trx) => {
    const effect = await trx
      .selectFrom('effects')
      .select(['id', 'reference', 'purpose', 'units'])
      .where('kind', '=', 'bank_transfer')
      .where('providerRef', '=', line.transferRef)
      .where('state', '<>', 'cancelled')
      .forUpdate()
      .executeTakeFirst()
    const paymentId = effect?.reference.slice('payment:'.length) ?? ''
    const payment = (await lockPayments(trx, [paymentId])).get(paymentId)
    const ours = effect !== undefined && payment !== undefined && effect.units === line.units
    const open = await trx
      .updateTable('bankTransactions')
      .set({
        dueAt: null,
        leaseUntil: null,
        ...(ours ? { state: 'returned', matchedUnits: line.units } : {}),
      })
      .where('iban', '=', line.iban)
      .where('id', '=', line.id)
      .where('matchedUnits', '=', 0n)
      .executeTakeFirst()
    if (!ours || open.numUpdatedRows === 0n) return
    await trx
      .updateTable('effects')
      .set({ state: 'cancelled', reason: 'returned by the bank', dueAt: null, updatedAt: changes.now })
      .where('id', '=', effect.id)
      .execute()
    bookFor(changes, payment, {
      kind: 'refund_returned',
      purpose: `${effect.purpose}:returned`,
      postings: [
        { account: suspenseOf(line.iban), asset: line.currency, units: line.units },
        { account: customerFiat(payment.id), asset: line.currency, units: -line.units },
      ],
    })
    setFields(changes, payment, {
      refundedUnits: payment.refundedUnits - line.units,
      refund: payment.refund && { ...payment.refund, state: 'failed' },
    })
    await writeChanges(trx, changes)
  })
  wakeAfter(app, changes)
}
