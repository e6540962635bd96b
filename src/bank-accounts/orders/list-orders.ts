import { sql } from 'kysely'
import type { App } from '../../app.ts'
import { recordAudit } from '../../common/integration-store.ts'
import type { Trx } from '../../db/database.ts'
import { type Change, RefusedOperation } from '../../effects/operate-effects.ts'
import { bankOf } from '../record-lines.ts'
import { listHeldOrders, mendHeld, whyHeld } from './held-orders.ts'

/** An order that waits for a file, or is in one and not settled. */
export interface OpenOrder {
  /** The order's id in the file, and on the statement. */
  endToEndId: string
  iban: string
  units: bigint
  currency: string
  state: 'accepted' | 'rejected'
  fileId: string | null
  reason: string | null
  reference: string
  effect: string
  createdAt: Date
  /** Why no file takes it, and what to do about it; null where the next one does. */
  held: string | null
}

/** So many are shown. */
const MOST_SHOWN = 500

/** Orders that wait for a file; with `sent` those in a file that the bank has not booked. Oldest first. */
export async function listOrders(
  { db }: Pick<App, 'db'>,
  { iban = null, sent = false }: { iban?: string | null; sent?: boolean } = {},
): Promise<OpenOrder[]> {
  const { rows } = await sql<Omit<OpenOrder, 'held'>>`
    select o.idempotency_key as end_to_end_id, o.iban, o.units, o.currency, o.state, o.file_id, o.reason,
           e.reference, e.id as effect, o.created_at
      from file_orders o join effects e on e.idempotency_key = o.idempotency_key
     where (${iban}::text is null or o.iban = ${iban}) and o.state in ('accepted', 'rejected')
       and ${sent ? sql`o.file_id is not null` : sql`o.file_id is null and o.state = 'accepted'`}
     order by o.created_at, o.idempotency_key limit ${MOST_SHOWN}`.execute(db)
  const held = new Map(
    (sent ? [] : await listHeldOrders(db, { iban })).map((one) => [
      one.endToEndId,
      `${whyHeld(one)}. ${mendHeld(one)}`,
    ]),
  )
  return rows.map((order) => ({ ...order, held: held.get(order.endToEndId) ?? null }))
}

/** A file of orders, and how far its orders are. */
export interface OrderFileState {
  id: string
  iban: string
  format: string
  messageId: string
  orders: number
  units: bigint
  booked: number
  rejected: number
  returned: number
  answer: string | null
  batchLine: string | null
  madeBy: string
  createdAt: Date
}

/** Newest first. */
export async function listOrderFiles(
  { db }: Pick<App, 'db'>,
  iban: string | null = null,
): Promise<OrderFileState[]> {
  const { rows } = await sql<OrderFileState>`
    select f.id, f.iban, f.format, f.message_id, f.orders, f.units, f.answer, f.batch_line, f.made_by, f.created_at,
           count(*) filter (where o.state = 'booked')::int as booked,
           count(*) filter (where o.state = 'rejected')::int as rejected,
           count(*) filter (where o.state = 'returned')::int as returned
      from order_files f join file_orders o on o.file_id = f.id
     where ${iban}::text is null or f.iban = ${iban}
     group by f.id order by f.created_at desc, f.id limit ${MOST_SHOWN}`.execute(db)
  return rows
}

/** An order that may have left by the API must go into no file as well: its end is asked for there alone. */
async function refuseUnknown(trx: Trx, iban: string): Promise<void> {
  const unknown = await trx
    .selectFrom('effects')
    .select('id')
    .where('door', '=', bankOf(iban))
    .where('state', '=', 'unknown')
    .execute()
  if (unknown.length === 0) return
  throw new RefusedOperation(
    `Whether the bank has ${unknown.map(({ id }) => id).join(', ')} nobody knows. Wait for its answer, or ask it and tell: "effects settle <id> --bank-says …".`,
  )
}

/**
 * From now on this account goes by its bank's API, or by files: orders leave in files and lines are told by statements
 * alone. What was ordered before ends the way it was ordered.
 */
export async function setOrdersBy(
  { db, clock }: Pick<App, 'db' | 'clock'>,
  { iban, by }: { iban: string; by: 'api' | 'file' },
  { who, why }: Change,
): Promise<void> {
  await db.transaction().execute(async (trx) => {
    const account = await trx
      .selectFrom('bankAccounts')
      .select(['ordersBy', 'currency', 'status'])
      .where('iban', '=', iban)
      .forUpdate()
      .executeTakeFirst()
    if (!account) throw new RefusedOperation(`We have no account ${iban}. "accounts list" shows them.`)
    if (by === 'file' && account.currency !== 'EUR') {
      throw new RefusedOperation(`Files carry SEPA transfers, and ${iban} is in ${account.currency}.`)
    }
    if (by === 'file' && account.ordersBy === 'api') await refuseUnknown(trx, iban)
    const dueAt = by === 'file' || account.status !== 'active' ? null : clock.now()
    await trx.updateTable('bankAccounts').set({ ordersBy: by, dueAt }).where('iban', '=', iban).execute()
    await recordAudit(trx, clock.now(), {
      who,
      why,
      action: 'bank-account.orders-by',
      target: `bank-account:${iban}`,
      before: { ordersBy: account.ordersBy },
      after: { ordersBy: by },
    })
  })
}
