import { sql } from 'kysely'
import type { Db, Trx } from '../../db/database.ts'
import { type HeldOrder, heldOrders } from '../../effects/held-orders.ts'
import { formatAmount } from '../../money/amount.ts'
import { assetOf } from '../../money/asset.ts'

/** Oldest first; of an account, or of an effect, where asked. */
export async function listHeldOrders(
  db: Db | Trx,
  { iban, effect, keys }: { iban?: string | null; effect?: string; keys?: readonly string[] } = {},
): Promise<HeldOrder[]> {
  const asked = sql.join(
    [
      ...(iban == null ? [] : [sql`o.iban = ${iban}`]),
      ...(effect === undefined ? [] : [sql`e.id = ${effect}`]),
      ...(keys === undefined ? [] : [sql`o.idempotency_key = any(${[...keys]}::text[])`]),
      sql`true`,
    ],
    sql` and `,
  )
  const { rows } = await sql<HeldOrder>`
    select * from (${heldOrders(asked)}) held order by created_at, end_to_end_id`.execute(db)
  return rows
}

const money = (units: bigint, currency: string): string =>
  `${formatAmount(units, assetOf(currency))} ${currency}`

/** Why it is held back, for people. */
export function whyHeld({ by, lineId, lineIban, earlier, fileId, ...order }: HeldOrder): string {
  const line = `line ${lineId} of ${lineIban}`
  const took = `took ${money(order.lineUnits, order.currency)}`
  switch (by) {
    case 'order':
      return `${line} ${took} for ${earlier}, an order in its place before`
    case 'file':
      return `${line} ${took} and names file ${fileId}, which has ${earlier}, an order in its place before`
    case 'amount':
      return `${line} ${took} without an id, and may be ${earlier}, an order in its place before`
    case 'doubt':
      return `doubt ${lineId} of ${lineIban} carries the id of ${earlier}, an order in its place before`
  }
}

/** How a person lets it go on, or ends it. */
export function mendHeld({ by, effect, lineId, lineIban, fileId, earlier }: HeldOrder): string {
  const otherwise = `otherwise "effects cancel ${effect}", and settle the line`
  switch (by) {
    case 'order':
      return `If that paid it: "effects settle ${effect} --bank-says booked"; ${otherwise}.`
    case 'file':
      return `If that is the sum of all its orders: "bank orders settle ${fileId} ${lineId}"; of one: "bank orders settle ${fileId} ${lineId} --order ${earlier}"; ${otherwise}.`
    case 'amount':
      return `If it is: "bank orders settle ${fileId} ${lineId} --order ${earlier}". If it is not: "accounts claim ${lineIban} ${lineId}" names what it is.`
    case 'doubt':
      return 'Decide the doubt ("bank doubts").'
  }
}

/** Orders that are held back, as `/readyz` says it. */
export async function findHeldOrders(db: Db): Promise<{ what: string; why: string; mend: string }[]> {
  const held = await listHeldOrders(db)
  return held.slice(0, 20).map((order) => ({
    what: `order ${order.endToEndId} of ${order.iban}`,
    why: `It is held back from files: ${whyHeld(order)}.`,
    mend: mendHeld(order),
  }))
}
