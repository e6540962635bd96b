import { sql } from 'kysely'
import type { Db, Trx } from '../db/database.ts'
import { quarterStart, type Usage, yearStart } from './limits.ts'

/**
 * What counts against a customer's limits now: one look into the index payments_by_customer. Call it under the customer's
 * row lock, or two payments at once would each see the other missing.
 */
export async function readUsage(
  db: Db | Trx,
  customer: { integrationId: number; customerId: number },
  now: Date,
  /** A payment that is judged anew, such as when another method is chosen on the page. */
  exceptPaymentId?: string,
): Promise<Usage> {
  const { rows } = await sql<{ card: bigint; year: bigint }>`
    select coalesce(sum(limit_units) filter (where payment_type = 'card' and created_at >= ${quarterStart(now)}), 0) as card,
           coalesce(sum(limit_units) filter (where created_at > ${yearStart(now)}), 0) as year
      from payments
     where integration_id = ${customer.integrationId} and customer_id = ${customer.customerId}
       and created_at > ${yearStart(now)}
       and state not in ('expired', 'cancelled', 'payment_rejected', 'refunded')
       ${exceptPaymentId === undefined ? sql`` : sql`and id <> ${exceptPaymentId}`}`.execute(db)
  const { card, year } = rows[0]!
  return { cardQuarterUnits: card, yearUnits: year }
}
