import { sql } from 'kysely'
import type { Trx } from '../db/database.ts'
import { takeBackOutflow } from '../effects/payout-store.ts'
import { isUnordered, withdrawOrders } from '../effects/withdraw-order.ts'
import { customerFiat, type Payment, paymentReference } from './payment.ts'
import { bookFor, type PaymentChanges, setFields } from './payment-changes.ts'
import { cardSourceKey } from './refund-sources.ts'

export interface PlannedRefund {
  id: string
  purpose: string
  door: string
  units: bigint
}

/** Refunds of a card session that nobody but us has yet, locked: before their payment, as everywhere. */
export const lockPlannedRefunds = (
  trx: Trx,
  { paymentId, sessionId }: { paymentId: string; sessionId: string },
): Promise<PlannedRefund[]> => lockPlanned(trx, paymentId, cardSourceKey(sessionId))

/** The same of any source, named by its key (`RefundSource`). */
export function lockPlanned(trx: Trx, paymentId: string, source: string): Promise<PlannedRefund[]> {
  return trx
    .selectFrom('effects')
    .select(['id', 'purpose', 'door', 'units'])
    .where('reference', '=', paymentReference(paymentId))
    .where('kind', 'in', ['card_refund', 'bank_transfer'])
    .where('purpose', 'like', `%:${source}`)
    .where(isUnordered)
    .orderBy('id')
    .forUpdate()
    .execute()
}

/** Takes locked refunds back: the money is held again. */
export async function cancelRefunds(
  trx: Trx,
  changes: PaymentChanges,
  payment: Payment,
  refunds: readonly PlannedRefund[],
): Promise<void> {
  if (refunds.length === 0) return
  const ids = refunds.map(({ id }) => id)
  await withdrawOrders(trx, ids, changes.now)
  for (const id of ids) await takeBackOutflow(trx, id)
  await trx
    .updateTable('effects')
    .set({ state: 'cancelled', dueAt: null, leaseUntil: null, updatedAt: changes.now })
    .where(sql<boolean>`id = any(${ids}::text[])`)
    .execute()
  for (const refund of refunds) holdAgain(changes, payment, refund)
}

/** Books a refund back that was decided and won't happen: the money is held again. */
export function holdAgain(
  changes: PaymentChanges,
  payment: Payment,
  { purpose, door, units }: Pick<PlannedRefund, 'purpose' | 'door' | 'units'>,
): void {
  const account = door.startsWith('bank:') ? `transit:out:${door.slice('bank:'.length)}` : door
  bookFor(changes, payment, {
    kind: 'refund_cancelled',
    purpose: `${purpose}:cancelled`,
    postings: [
      { account, asset: payment.fiat, units },
      { account: customerFiat(payment.id), asset: payment.fiat, units: -units },
    ],
  })
  setFields(changes, payment, { refundedUnits: payment.refundedUnits - units })
}
