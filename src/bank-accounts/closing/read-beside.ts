import { sql } from 'kysely'
import type { Trx } from '../../db/database.ts'
import { balanceOf } from '../../ledger/book.ts'
import { LINES_BY_DUE } from '../../ledger/stuck/bank-rules.ts'
import { suspenseOf, transitOutOf } from '../record-lines.ts'
import type { DayLine, DoubtfulLine, MissingOrder, UnexpectedDebit } from './compare-day.ts'
import { chainRows } from './read-statements.ts'
import type { StatementChain } from './statement-chain.ts'

const SIGNED = sql`case when t.direction = 'credit' then t.units else -t.units end`

/** What was told up to a day and is not in the books. Of what was decided to be no line only what a balance counts. */
export async function findDoubts(
  trx: Trx,
  { iban, on }: { iban: string; on: string },
  by: { chain: StatementChain } | 'bank',
): Promise<DoubtfulLine[]> {
  const counted =
    by === 'bank'
      ? sql<boolean>`t.told_by = 'port'`
      : sql<boolean>`exists (select from ${chainRows(by.chain)} join bank_doubts told using (import_id, position)
                             where told.iban = t.iban and (told.id = t.id or told.same_as = t.id)
                               and (link.until is null or t.booked_on < link.until))`
  const { rows } = await sql<DoubtfulLine>`
    select id, "on", units, told_by, reason, dismissed, counted from (
      select t.id, t.booked_on as on, ${SIGNED} as units, t.told_by, t.reason, t.state = 'dismissed' as dismissed,
             ${counted} as counted
        from bank_doubts t
       where t.iban = ${iban} and t.state in ('open', 'dismissed') and t.booked_on <= ${on}::date) told
     where counted or not dismissed order by "on", id`.execute(trx)
  return rows
}

/** Orders that the bank said it had booked before a day, of which no line was read. */
export async function findMissingOrders(trx: Trx, iban: string, before: string): Promise<MissingOrder[]> {
  const { rows } = await sql<MissingOrder>`
    select e.id as effect, e.reference, (e.confirmed_at at time zone 'UTC')::date as on, e.units
      from effects e
     where e.kind = 'bank_transfer' and e.state = 'confirmed' and not e.line_read and e.door = ${`bank:${iban}`}
       and (e.confirmed_at at time zone 'UTC')::date < ${before}::date
       and not exists (select from bank_transactions t
                        where t.iban = ${iban} and t.direction = 'debit'
                          and t.transfer_ref in (e.provider_ref, e.idempotency_key))
       and not exists (select from file_orders o where o.idempotency_key = e.idempotency_key and o.state = 'booked')
     order by e.confirmed_at, e.id`.execute(trx)
  return rows
}

/** Debits up to a day with the id of an order of ours that was given up, taken before or of another amount. */
export async function findUnexpected(trx: Trx, iban: string, on: string): Promise<UnexpectedDebit[]> {
  const { rows } = await sql<UnexpectedDebit>`
    select t.id, t.booked_on as on, -(t.units - t.matched_units) as units, t.match_reasons->>0 as why
      from bank_transactions t
     where t.iban = ${iban} and t.direction = 'debit' and t.state = 'unmatched' and t.matched_units < t.units
       and t.booked_on <= ${on}::date and t.match_reasons->>0 ~ '^(given_up|debit):'
    union all
    -- Nothing of it is open; whoever closes the day is to know of it until somebody has looked.
    select id, booked_on, -units, match_reasons->>0 from bank_transactions
     where iban = ${iban} and reversal = 'lost' and booked_on <= ${on}::date
     order by "on", id`.execute(trx)
  return rows
}

/** Lines that came into a day after it had been closed, and that no closing has shown since. */
export async function findLate(trx: Trx, iban: string, on: string): Promise<DayLine[]> {
  const { rows } = await sql<DayLine>`
    with last as (
      select day, closed_at from bank_closes where iban = ${iban} and agreed order by day desc, run desc limit 1)
    select t.id, t.booked_on as on, ${SIGNED} as units
      from last join bank_transactions t
        on t.iban = ${iban} and t.state <> 'divided' and t.created_at > last.closed_at
           and t.booked_on <= least(last.day, ${on}::date)
      left join bank_transactions sum on sum.iban = t.iban and sum.id = t.part_of
     -- The money of a divided sum came with the sum, or with its transfers where they came first.
     cross join lateral (select least(t.created_at, sum.created_at) as at) came
     where exists (select from bank_closes c
                    where c.iban = ${iban} and c.agreed and c.day >= t.booked_on and c.closed_at < came.at)
       and not exists (select from bank_closes c
                        where c.iban = ${iban} and c.day >= t.booked_on and c.closed_at >= came.at)
     order by t.booked_on, t.id`.execute(trx)
  return rows
}

/** Money of the account that is neither settled nor lost: what the two balances don't tell. Base units. */
export interface DayStanding {
  /** Ordered to go out, and not on the account's list yet. */
  leavingUnits: bigint
  leavingOrders: number
  /** What came and has no owner, less what the bank took without our order, by age in days. */
  suspense: { age: 'under 1 day' | '1 to 7 days' | 'over 7 days'; lines: number; units: bigint }[]
  /** The same as the books have it: the sum of these lines. */
  suspenseUnits: bigint
  /** Transfers of ours that came back and wait for a person. */
  returned: (DayLine & { why: string })[]
  /** Debits without an owner that may be one sum for a whole file of orders. */
  batches: (DayLine & { fileId: string })[]
}

/** What stands open of an account now, whichever day is closed. */
export async function readStanding(
  trx: Trx,
  { iban, currency, now }: { iban: string; currency: string; now: Date },
): Promise<DayStanding> {
  const { rows: orders } = await sql<{ count: number }>`
    select count(*)::int as count from effects
     where door = ${`bank:${iban}`} and kind = 'bank_transfer' and state in ('planned', 'prepared', 'sent', 'unknown')`.execute(
    trx,
  )
  const { rows: suspense } = await sql<DayStanding['suspense'][number]>`
    select case when age < interval '1 day' then 'under 1 day' when age <= interval '7 days' then '1 to 7 days'
                else 'over 7 days' end as age, count(*)::int as lines, sum(units) as units
      from (select ${now}::timestamptz - t.created_at as age,
                   case when t.direction = 'credit' then 1 else -1 end * (t.units - t.matched_units) as units
              from ${LINES_BY_DUE} t
             where t.iban = ${iban} and t.matched_units < t.units
               and (t.direction = 'credit' or t.transfer_ref is null)
            union all
            -- What was taken for an order that was given up or paid before; apart, so that each goes by its index.
            select ${now}::timestamptz - t.created_at, t.matched_units - t.units
              from bank_transactions t
             where t.iban = ${iban} and t.matched_units < t.units and t.direction = 'debit' and t.state = 'unmatched'
               and t.transfer_ref is not null) open
     group by 1 order by min(age)`.execute(trx)
  const { rows: returned } = await sql<DayStanding['returned'][number]>`
    select t.id, t.booked_on as on, t.units, coalesce(t.match_reasons->>0, t.return_code, '') as why
      from bank_transactions t
     where t.iban = ${iban} and t.direction = 'credit' and t.transfer_ref is not null and t.matched_units < t.units
     order by t.booked_on, t.id limit 200`.execute(trx)
  const { rows: batches } = await sql<DayStanding['batches'][number]>`
    select t.id, t.booked_on as on, -t.units as units, f.id as file_id
      from order_files f
      join lateral (select sum(o.units) as units from file_orders o
                     where o.file_id = f.id and o.iban = ${iban} and o.state in ('accepted', 'rejected')) open on true
      join bank_transactions t
        on t.iban = ${iban} and t.direction = 'debit' and t.transfer_ref is null and t.matched_units < t.units
           and t.units = open.units and t.booked_on >= f.created_at::date - 1
     where f.iban = ${iban} and f.batch_line is null order by t.booked_on, t.id limit 200`.execute(trx)
  return {
    leavingUnits: -(await balanceOf(trx, transitOutOf(iban), currency)),
    leavingOrders: orders[0]!.count,
    suspense,
    suspenseUnits: -(await balanceOf(trx, suspenseOf(iban), currency)),
    returned,
    batches,
  }
}
