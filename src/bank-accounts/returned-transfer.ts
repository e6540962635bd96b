import { type Selectable, sql } from 'kysely'
import type { App } from '../app.ts'
import type { Trx } from '../db/database.ts'
import type { BankTransactionsTable, EffectsTable } from '../db/schema.ts'
import { isOwnDebit } from '../effects/held-orders.ts'
import { takeBackOutflow } from '../effects/payout-store.ts'
import { wakeAfterSales } from '../offramp/sale-changes.ts'
import { takeBackPayout } from '../offramp/take-back-payout.ts'
import { customerFiat } from '../onramp/payment.ts'
import { beginChanges, bookFor, setFields, wakeAfter, writeChanges } from '../onramp/payment-changes.ts'
import { lockPayments } from '../onramp/payment-store.ts'
import { suspenseOf, transitOutOf } from './record-lines.ts'
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
 * How often the bank took the money of an order, settled or not: by lines of its own, and by the one sum of the file of
 * orders that it was in. `names` are the bank's reference and our key: a statement may name it by the key before the
 * bank told its own name.
 */
export async function countDebits(
  trx: Trx,
  iban: string,
  names: readonly (string | null | undefined)[],
): Promise<number> {
  const known = names.filter((name) => typeof name === 'string')
  const { rows } = await sql`
    select from bank_transactions
     where iban = ${iban} and transfer_ref = any(${known}::text[]) and direction = 'debit'
    union all
    select from file_orders o join order_files f on f.id = o.file_id
     where o.idempotency_key = any(${known}::text[]) and o.state = 'booked' and f.batch_line is not null
       and not exists (select from bank_transactions t
                        where t.iban = ${iban} and t.transfer_ref = o.idempotency_key and ${isOwnDebit})`.execute(
    trx,
  )
  return rows.length
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
    await reopenRefundedLine(trx, effect, reason)
    return () => {}
  }
  if (reference.startsWith('sale:')) {
    const from = suspenseOf(iban)
    const changes = await takeBackPayout(app, trx, { reference, purpose, units, from, reason })
    return () => wakeAfterSales(app, changes)
  }
  return takeBackRefund(app, trx, effect, suspenseOf(iban))
}

/**
 * A refund that the bank refused, and whose debit never came though money came back: the payment holds again what was
 * about to leave. What came has no owner still: `return:again`, as is what comes or goes for this order from now on.
 */
export async function releaseRefused(
  app: ReturnNeeds,
  trx: Trx,
  effect: ReturnedEffect,
  { lines, reason }: { lines: readonly ReturnLine[]; reason: string },
): Promise<() => void> {
  const [{ iban }] = lines as [ReturnLine]
  await takeBackOutflow(trx, effect.id)
  await sql`
    update bank_transactions set match_reasons = jsonb_build_array('return:again:' || ${effect.id}::text)
     where iban = ${iban} and id = any(${lines.map(({ id }) => id)}::text[])`.execute(trx)
  await trx
    .updateTable('effects')
    .set({ state: 'cancelled', reason, dueAt: null, leaseUntil: null, updatedAt: app.clock.now() })
    .where('id', '=', effect.id)
    .execute()
  return takeBackRefund(app, trx, effect, transitOutOf(iban))
}

/** A refund: the payment holds the money again, and an operator may refund it to another account. */
async function takeBackRefund(
  app: ReturnNeeds,
  trx: Trx,
  { reference, purpose, asset, units }: ReturnedEffect,
  from: string,
): Promise<() => void> {
  const changes = beginChanges(app)
  const paymentId = reference.slice('payment:'.length)
  const payment = (await lockPayments(trx, [paymentId])).get(paymentId)
  if (!payment) throw new Error(`There is no payment of ${reference}.`)
  bookFor(changes, payment, {
    kind: 'refund_returned',
    purpose: `${purpose}:returned`,
    postings: [
      { account: from, asset, units },
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
