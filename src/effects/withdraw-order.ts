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

/** A locked order that waits goes into no file any more. */
export async function withdrawOrder(trx: Trx, key: string, now: Date): Promise<void> {
  await trx
    .updateTable('fileOrders')
    .set({ state: 'rejected', reasonText: 'given up before it was in a file', updatedAt: now })
    .where('idempotencyKey', '=', key)
    .execute()
}
