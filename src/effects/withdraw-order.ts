import { type RawBuilder, sql } from 'kysely'
import type { Trx } from '../db/database.ts'

/** An order to a bank without an API. */
export interface FiledOrder {
  /** That it is in for good; null while it is in none. */
  fileId: string | null
  /** It is in no file, and the next may take it. */
  waits: boolean
}

/** Locks the order of an effect, by the effect's key, before the effect itself, so that no file takes it meanwhile. */
export async function lockFiledOrder(trx: Trx, key: string): Promise<FiledOrder | undefined> {
  const order = await trx
    .selectFrom('fileOrders')
    .select(['fileId', 'state'])
    .where('idempotencyKey', '=', key)
    .forUpdate()
    .executeTakeFirst()
  return order && { fileId: order.fileId, waits: order.fileId === null && order.state === 'accepted' }
}

/** The row of `effects` is a transfer that nobody but us has: it is planned, or its order waits for a file. */
export const isUnordered: RawBuilder<boolean> = sql<boolean>`
  (effects.state = 'planned' or (effects.state in ('prepared', 'sent', 'unknown') and exists (
     select from file_orders o
      where o.idempotency_key = effects.idempotency_key and o.file_id is null and o.state = 'accepted')))`

/** Locks the orders that wait for a file, of all effects of these references: before the effects, as everywhere. */
export async function lockWaitingOrders(trx: Trx, references: readonly string[]): Promise<void> {
  await sql`
    select from file_orders o
     where o.file_id is null and o.state = 'accepted' and o.idempotency_key in (
             select idempotency_key from effects
              where reference = any(${[...references]}::text[]) and kind = 'bank_transfer')
     order by o.idempotency_key for update`.execute(trx)
}

/** What of these effects, given up by now, waited for a file goes into none any more. */
export async function withdrawOrders(trx: Trx, effects: readonly string[], now: Date): Promise<void> {
  await sql`
    update file_orders o
       set state = 'rejected', reason_text = 'given up before it was in a file', updated_at = ${now}
      from effects e
     where e.id = any(${[...effects]}::text[]) and o.idempotency_key = e.idempotency_key
       and o.file_id is null and o.state = 'accepted'`.execute(trx)
}

/** A locked order counts as refused, as a person was told so; its file comes to what is left. */
export async function refuseOrder(trx: Trx, key: string, reasonText: string, now: Date): Promise<void> {
  await trx
    .updateTable('fileOrders')
    .set({ state: 'rejected', reasonText, updatedAt: now })
    .where('idempotencyKey', '=', key)
    .where('state', '=', 'accepted')
    .execute()
}
