import { type RawBuilder, sql } from 'kysely'
import type { Db, Trx } from '../../db/database.ts'
import { formatAmount } from '../../money/amount.ts'
import { assetOf } from '../../money/asset.ts'
import { isNamed } from '../batches/sum-names.ts'

/**
 * An order in no file that may not go into one: the bank took money that may be that of an earlier order in its place,
 * one of the same effect, or one of the same payment, sale or line that was given up.
 */
export interface HeldOrder {
  endToEndId: string
  iban: string
  units: bigint
  currency: string
  effect: string
  reference: string
  createdAt: Date
  /** The earlier order, and the file that it is in; null where it left by the bank's API. */
  earlier: string
  fileId: string | null
  /** The debit, or the doubt, which nobody has settled. */
  lineIban: string
  lineId: string
  lineUnits: bigint
  /**
   * How the debit is known: by the earlier order's id; by the name of its file; by its amount alone, as some formats
   * carry no ids; or it carries the id and is in doubt itself.
   */
  by: 'order' | 'file' | 'amount' | 'doubt'
}

/** How long a start of an order's id is, at least, that a format with short references kept of it. */
const LEAST_OF_ID = 12

/** A file's orders are one group for the bank, whose `PmtInfId` is the file's name with this behind it. */
export const ONLY_GROUP = '-1'

/** Whether the debit `t` carries the name of the file `f`. */
export const namesFile: RawBuilder<boolean> = sql<boolean>`
  (position(f.message_id in t.concept) > 0 or starts_with(t.end_to_end_id, f.message_id)
   or ${isNamed(sql`array['message:' || f.message_id, 'batch:' || f.message_id || ${sql.lit(ONLY_GROUP)}]`)})`

/** The row `t` took money and has no owner. */
export const isUnsettledDebit: RawBuilder<boolean> = sql<boolean>`
  (t.direction = 'debit' and t.state = 'unmatched' and t.matched_units = 0)`

const idOf = (id: RawBuilder<unknown>): RawBuilder<boolean> => sql<boolean>`
  (${id} = x.earlier or (length(${id}) >= ${sql.lit(LEAST_OF_ID)} and starts_with(x.earlier, ${id})))`

/** All of them, as rows of `HeldOrder` with the columns in snake case. `condition` is about the waiting order `o`. */
export const heldOrders = (
  condition: RawBuilder<unknown> = sql`true`,
): RawBuilder<HeldOrder> => sql<HeldOrder>`
  select distinct on (w.idempotency_key)
         w.idempotency_key as end_to_end_id, w.iban, w.units, w.currency, w.effect, w.reference, w.created_at,
         x.earlier, x.file_id, d.iban as line_iban, d.id as line_id, d.units as line_units, d.by
    from (select o.*, e.id as effect, e.reference
            from file_orders o join effects e on e.idempotency_key = o.idempotency_key
           where o.file_id is null and o.state = 'accepted' and e.state in ('prepared', 'sent', 'unknown')
             and ${condition}) w
    join lateral (
      select before.of, before.earlier, had.file_id
        from (select w.effect as of, a.before->>'order' as earlier from audit_log a
               where a.action = 'effect.retry' and a.target = 'effect:' || w.effect
              union
              select g.id, g.idempotency_key from effects g
               where g.reference = w.reference and g.kind = 'bank_transfer' and g.state = 'cancelled'
              union
              select g.id, a.before->>'order' from effects g
                join audit_log a on a.action = 'effect.retry' and a.target = 'effect:' || g.id
               where g.reference = w.reference and g.kind = 'bank_transfer' and g.state = 'cancelled') before
        left join file_orders had on had.idempotency_key = before.earlier
       where before.earlier <> w.idempotency_key) x on true
    join lateral (
      select t.iban, t.id, t.units, case
               when ${idOf(sql`t.end_to_end_id`)} or t.transfer_ref = x.earlier
                    or t.match_reasons->>0 = 'given_up:' || x.of then 'order'
               when f.id is null or t.transfer_ref is not null then null
               when ${namesFile} then 'file'
               when t.iban = w.iban and t.units = w.units and t.currency = w.currency
                    and t.match_reasons = '[]' and t.booked_on >= f.created_at::date - 1 then 'amount' end as by
        from bank_transactions t left join order_files f on f.id = x.file_id and f.iban = t.iban
       where ${isUnsettledDebit}
      union all
      select t.iban, t.id, t.units, 'doubt' from bank_doubts t
       where t.direction = 'debit' and t.state = 'open' and ${idOf(sql`t.end_to_end_id`)}) d on d.by is not null
   order by w.idempotency_key, array_position(array['order', 'file', 'doubt', 'amount'], d.by), d.id`

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
