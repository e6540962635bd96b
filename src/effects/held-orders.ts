import { type RawBuilder, sql } from 'kysely'
import { isNamed } from '../bank-accounts/batches/sum-names.ts'
import { givenUpInPlaceOf } from './given-up-money.ts'

/**
 * An order in no file that may not go into one: the bank took money that may be that of an earlier order in its place,
 * one of the same effect, or one that was given up of the same payment, sale or line, or of the line's same money.
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
const ONLY_GROUP = '-1'

/** Whether the debit `t` carries the name of the file `f`. */
export const namesFile: RawBuilder<boolean> = sql<boolean>`
  (position(f.message_id in t.concept) > 0 or starts_with(t.end_to_end_id, f.message_id)
   or ${isNamed(sql`array['message:' || f.message_id, 'batch:' || f.message_id || ${sql.lit(ONLY_GROUP)}]`)})`

/** The row `t` took money and has no owner. */
export const isUnsettledDebit: RawBuilder<boolean> = sql<boolean>`
  (t.direction = 'debit' and t.state = 'unmatched' and t.matched_units = 0)`

/** The row `t` is the debit of the order that it names: not money taken again for it, nor for one that was given up. */
export const isOwnDebit: RawBuilder<boolean> = sql<boolean>`
  (t.direction = 'debit' and t.state = 'matched' and t.matched_units = 0)`

const idOf = (id: RawBuilder<unknown>): RawBuilder<boolean> => sql<boolean>`
  (${id} = x.earlier or (length(${id}) >= ${sql.lit(LEAST_OF_ID)} and starts_with(x.earlier, ${id})))`

/** All of them, as rows of `HeldOrder` with the columns in snake case. `condition` is about the waiting order `o`. */
export const heldOrders = (
  condition: RawBuilder<unknown> = sql`true`,
): RawBuilder<HeldOrder> => sql<HeldOrder>`
  select distinct on (w.idempotency_key)
         w.idempotency_key as end_to_end_id, w.iban, w.units, w.currency, w.effect, w.reference, w.created_at,
         x.earlier, x.file_id, d.iban as line_iban, d.id as line_id, d.units as line_units, d.by
    from (select o.*, e.id as effect, e.reference, e.purpose
            from file_orders o join effects e on e.idempotency_key = o.idempotency_key
           where o.file_id is null and o.state = 'accepted' and e.state in ('prepared', 'sent', 'unknown')
             and ${condition}) w
    join lateral (
      select before.of, before.earlier, had.file_id
        from (with given_up as (${givenUpInPlaceOf({ reference: sql`w.reference`, purpose: sql`w.purpose` })})
              select w.effect as of, a.before->>'order' as earlier from audit_log a
               where a.action = 'effect.retry' and a.target = 'effect:' || w.effect
              union
              select g.id, g.idempotency_key from given_up g
              union
              select g.id, a.before->>'order' from given_up g
                join audit_log a on a.action = 'effect.retry' and a.target = 'effect:' || g.id) before
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
