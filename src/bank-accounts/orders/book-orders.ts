import { sql } from 'kysely'
import type { Trx } from '../../db/database.ts'
import { isOwnDebit } from '../../effects/held-orders.ts'
import { lookAtEffects } from './look-at-effects.ts'

/** Locked orders are booked: their effects are asked about at once. */
export async function bookOrders(trx: Trx, keys: readonly string[], now: Date): Promise<void> {
  await sql`
    update file_orders set state = 'booked', reason = null, reason_text = null, updated_at = ${now}
     where idempotency_key = any(${[...keys]}::text[])`.execute(trx)
  await lookAtEffects(trx, keys, now)
}

/** Books the orders whose debit was read, of all files, or of one. Answers how many. */
export async function bookReadOrders(trx: Trx, now: Date, fileId: string | null = null): Promise<number> {
  const { rows } = await sql<{ idempotencyKey: string }>`
    select o.idempotency_key from file_orders o
     where o.state in ('accepted', 'rejected') and o.file_id is not null
       and (${fileId}::text is null or o.file_id = ${fileId})
       and exists (select from bank_transactions t
                    where t.iban = o.iban and t.transfer_ref = o.idempotency_key and ${isOwnDebit})
     order by o.idempotency_key for update`.execute(trx)
  const keys = rows.map(({ idempotencyKey }) => idempotencyKey)
  if (keys.length > 0) await bookOrders(trx, keys, now)
  return keys.length
}
