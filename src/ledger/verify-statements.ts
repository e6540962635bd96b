import { sql } from 'kysely'
import type { Trx } from '../db/database.ts'
import { formatAmount } from '../money/amount.ts'
import { assetOf } from '../money/asset.ts'
import { IS_INDEXED } from './book.ts'
import type { Problem } from './verify.ts'

const MOST_NAMED = 1_000

/**
 * Whether every line of every imported statement is a line of the books, or waits in doubt, and they come to what the
 * statement says; and whether each line of an import was told by it.
 */
export async function findStatementProblems(trx: Trx): Promise<Problem[]> {
  return [
    ...(await findIncomplete(trx)),
    ...(await findUntold(trx)),
    ...(await findUndecided(trx)),
    ...(await findUndivided(trx)),
    ...(await findOtherBalances(trx)),
  ]
}

/**
 * Whether accounts that only statements tell of hold by the books what their last complete statement closes with: all
 * that was booked by its last day, without what others told of that day since when it was made while the day ran. What
 * waits in doubt may be what is missing.
 */
async function findOtherBalances(trx: Trx): Promise<Problem[]> {
  const { rows } = await sql<{
    iban: string
    currency: string
    toOn: string
    closing: bigint
    books: bigint
    doubted: bigint
  }>`
    select a.iban, a.currency, last.to_on::text as to_on, last.closing_units as closing,
           (select coalesce(sum(units), 0) from postings
             where account = 'bank:' || a.iban and asset = a.currency and ${IS_INDEXED})
           - (select coalesce(sum(case t.direction when 'credit' then t.units else -t.units end), 0)
                from bank_transactions t
               where t.iban = a.iban and t.state <> 'divided'
                 and (t.booked_on > last.to_on or (t.booked_on = last.to_on and last.early and not exists (
                       select from statement_lines l join statements s using (import_id, position)
                        where l.iban = t.iban and l.transaction_id in (t.id, t.part_of) and s.complete)))) as books,
           (select coalesce(sum(case direction when 'credit' then units else -units end), 0)
              from (select distinct coalesce(d.same_as, d.id), d.direction, d.units
                      from bank_doubts d join statements s using (import_id, position)
                     where d.iban = a.iban and d.state in ('open', 'dismissed', 'again') and s.complete
                       and d.booked_on <= last.to_on) told) as doubted
      from bank_accounts a
     cross join lateral (
       select s.to_on, s.closing_units, s.to_on >= (i.created_at at time zone 'UTC')::date as early
         from statements s join statement_imports i on i.id = s.import_id
        where s.iban = a.iban and s.complete and s.to_on is not null and s.closing_units is not null
        order by s.to_on desc, i.created_at desc, s.position desc limit 1) last
     where a.orders_by = 'file' order by a.iban limit ${MOST_NAMED}`.execute(trx)
  return rows.flatMap(({ iban, currency, toOn, closing, books, doubted }) => {
    const missing = closing - books
    if (missing === 0n || missing === doubted) return []
    const text = (units: bigint): string => `${formatAmount(units, assetOf(currency))} ${currency}`
    const what = `closes on ${toOn} with ${text(closing)} by its last statement, but the books have ${text(books)}: a difference of ${text(missing)} ("bank close" names the cause)`
    return [{ where: `account ${iban}`, what }]
  })
}

async function findIncomplete(trx: Trx): Promise<Problem[]> {
  const { rows } = await sql<{
    importId: string
    position: number
    iban: string
    lines: number
    found: number
    expected: bigint | null
    moved: bigint
  }>`
    with told as (
      select s.import_id, s.position, t.direction, t.units
        from statement_lines s join bank_transactions t on t.iban = s.iban and t.id = s.transaction_id
      union all
      select import_id, position, direction, units from bank_doubts
       where import_id is not null and state in ('open', 'dismissed', 'again')
    ), sums as (
      select import_id, position, count(*) as found, sum(case direction when 'credit' then units else -units end) as moved
        from told group by import_id, position)
    select import_id, position, iban, lines, coalesce(found, 0) as found, closing_units - opening_units as expected,
           coalesce(moved, 0) as moved
      from statements left join sums using (import_id, position)
     where lines <> coalesce(found, 0) or coalesce(moved, 0) <> closing_units - opening_units
     order by import_id, position limit ${MOST_NAMED}`.execute(trx)
  return rows.map(({ importId, position, iban, lines, found, expected, moved }) => ({
    where: `statement ${importId}/${position} of ${iban}`,
    what:
      lines === found
        ? `moved ${expected} by its balances, but its lines in the books come to ${moved}`
        : `has ${lines} lines, but ${found} of them are known`,
  }))
}

async function findUntold(trx: Trx): Promise<Problem[]> {
  const { rows } = await sql<{ iban: string; bankRef: string; importId: string }>`
    select iban, bank_ref, import_id from bank_transactions t
     where import_id is not null
       and not exists (select from statement_lines s
                        where s.iban = t.iban and s.transaction_id = t.id and s.import_id = t.import_id)
       and not exists (select from bank_doubts d where d.iban = t.iban and d.id = t.id and d.state = 'new')
     order by iban, bank_ref limit ${MOST_NAMED}`.execute(trx)
  return rows.map(({ iban, bankRef, importId }) => ({
    where: `bank line ${bankRef} of ${iban}`,
    what: `says that import ${importId} told of it, which has no such line`,
  }))
}

/** Whether each divided sum is what its transfers come to. */
async function findUndivided(trx: Trx): Promise<Problem[]> {
  const { rows } = await sql<{ iban: string; id: string; units: bigint | null; parts: bigint }>`
    with parts as (
      select iban, part_of as id, sum(case direction when 'credit' then units else -units end) as units
        from bank_transactions where part_of is not null group by iban, part_of
    ), sums as (
      select iban, id, case direction when 'credit' then units else -units end as units
        from bank_transactions where state = 'divided')
    select iban, id, sums.units, coalesce(parts.units, 0) as parts
      from sums full join parts using (iban, id)
     where sums.units is distinct from parts.units order by iban, id limit ${MOST_NAMED}`.execute(trx)
  return rows.map(({ iban, id, units, parts }) => ({
    where: `bank line ${id} of ${iban}`,
    what:
      units === null
        ? `is not divided, but lines of ${parts} are told to be parts of it`
        : `was divided and is of ${units}, but its parts come to ${parts}`,
  }))
}

async function findUndecided(trx: Trx): Promise<Problem[]> {
  const { rows } = await sql<{ iban: string; id: string; state: string }>`
    select iban, id, state from bank_doubts d
     where state in ('same', 'new')
       and not exists (select from bank_transactions t
                        where t.iban = d.iban and t.id = d.transaction_id and t.direction = d.direction and t.units = d.units)
     order by iban, id limit ${MOST_NAMED}`.execute(trx)
  return rows.map(({ iban, id, state }) => ({
    where: `doubt ${id} of ${iban}`,
    what: `was decided (${state}), but there is no such line of that amount`,
  }))
}
