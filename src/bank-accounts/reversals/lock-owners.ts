import { sql } from 'kysely'
import type { Trx } from '../../db/database.ts'
import { lockWaitingOrders } from '../../effects/withdraw-order.ts'
import { lockPayments } from '../../onramp/payment-store.ts'
import { lineReference } from '../refund-line.ts'

/** Locks whatever has money of these credits of an account: orders that wait, transfers of coins and money, then payments, then the lines. */
export async function lockOwners(trx: Trx, iban: string, credits: readonly string[]): Promise<void> {
  if (credits.length === 0) return
  const ids = sql`any(${[...credits]}::text[])`
  const { rows } = await sql<{ paymentId: string }>`
    select distinct payment_id from bank_matches
     where iban = ${iban} and transaction_id = ${ids} and units > 0 order by payment_id`.execute(trx)
  const payments = rows.map(({ paymentId }) => paymentId)
  const references = [
    ...payments.map((id) => `payment:${id}`),
    ...credits.map((id) => lineReference(iban, id)),
  ]
  await lockWaitingOrders(trx, references)
  await sql`
    select id from effects where reference = any(${references}::text[]) order by id for update`.execute(trx)
  if (payments.length > 0) await lockPayments(trx, payments)
  await sql`select id from bank_transactions where iban = ${iban} and id = ${ids} order by id for update`.execute(
    trx,
  )
}
