import { type Selectable, sql } from 'kysely'
import type { App } from '../app.ts'
import type { Trx } from '../db/database.ts'
import type { BankTransactionsTable, EffectsTable } from '../db/schema.ts'
import { wakeAfterSales } from '../offramp/sale-changes.ts'
import { takeBackPayout } from '../offramp/take-back-payout.ts'
import { customerFiat } from '../onramp/payment.ts'
import { beginChanges, bookFor, setFields, wakeAfter, writeChanges } from '../onramp/payment-changes.ts'
import { lockPayments } from '../onramp/payment-store.ts'
import { suspenseOf } from './record-lines.ts'
import { reopenRefundedLine } from './refund-line.ts'

export type ReturnNeeds = Pick<App, 'db' | 'clock' | 'config' | 'secrets' | 'wake' | 'log' | 'pageNews'>
export type ReturnLine = Selectable<BankTransactionsTable>

/** A bank transfer of ours that came back, or some of it. */
export interface ReturnedEffect {
  id: string
  reference: string
  purpose: string
  door: string
  asset: string
  units: bigint
  state: EffectsTable['state']
  reason: string | null
  idempotencyKey: string
}

/** The lines that give a transfer back and have no owner yet, locked, in the order in which they came. */
export async function lockReturnLines(trx: Trx, iban: string, transferRef: string): Promise<ReturnLine[]> {
  const { rows } = await sql<ReturnLine>`
    select * from bank_transactions
     where iban = ${iban} and transfer_ref = ${transferRef} and direction = 'credit' and matched_units = 0
     order by booked_at, id for update`.execute(trx)
  return rows
}

/**
 * The money of a locked transfer is its payment's or sale's again, all of it, from suspense; the order is over for
 * good. Answers what to do after the commit.
 */
export async function takeBackFromSuspense(
  app: ReturnNeeds,
  trx: Trx,
  effect: ReturnedEffect,
  { lines, reason }: { lines: readonly ReturnLine[]; reason: string },
): Promise<() => void> {
  const [{ iban, transferRef }] = lines as [ReturnLine]
  await sql`
    update bank_transactions set state = 'returned', matched_units = units, due_at = null, lease_until = null
     where iban = ${iban} and id = any(${lines.map(({ id }) => id)}::text[])`.execute(trx)
  await trx
    .updateTable('effects')
    .set({
      state: 'cancelled',
      reason,
      providerRef: transferRef,
      dueAt: null,
      leaseUntil: null,
      updatedAt: app.clock.now(),
    })
    .where('id', '=', effect.id)
    .execute()
  await trx
    .updateTable('fileOrders')
    .set({ state: 'returned', updatedAt: app.clock.now() })
    .where('idempotencyKey', '=', effect.idempotencyKey)
    .execute()
  const { reference, purpose, units } = effect
  if (reference.startsWith('bank-line:')) {
    // Both lines are in one suspense account: what came back takes the place of what had left it.
    await reopenRefundedLine(trx, reference, reason)
    return () => {}
  }
  if (reference.startsWith('sale:')) {
    const from = suspenseOf(iban)
    const changes = await takeBackPayout(app, trx, { reference, purpose, units, from, reason })
    return () => wakeAfterSales(app, changes)
  }
  return takeBackRefund(app, trx, effect, iban)
}

/** A refund: the payment holds the money again, and an operator may refund it to another account. */
async function takeBackRefund(
  app: ReturnNeeds,
  trx: Trx,
  { reference, purpose, asset, units }: ReturnedEffect,
  iban: string,
): Promise<() => void> {
  const changes = beginChanges(app)
  const paymentId = reference.slice('payment:'.length)
  const payment = (await lockPayments(trx, [paymentId])).get(paymentId)
  if (!payment) throw new Error(`There is no payment of ${reference}.`)
  bookFor(changes, payment, {
    kind: 'refund_returned',
    purpose: `${purpose}:returned`,
    postings: [
      { account: suspenseOf(iban), asset, units },
      { account: customerFiat(payment.id), asset, units: -units },
    ],
  })
  setFields(changes, payment, {
    refundedUnits: payment.refundedUnits - units,
    refund: payment.refund && { ...payment.refund, state: 'failed' },
  })
  await writeChanges(trx, changes)
  return () => wakeAfter(app, changes)
}
