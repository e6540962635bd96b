import { sql } from 'kysely'
import type { Trx } from '../../db/database.ts'
import type { BankLine } from '../../providers/bank/port.ts'
import { PORT_ZONE } from '../find-known-lines.ts'
import { mayBePart } from './sum-names.ts'

/**
 * Which new lines of the bank's port may be the sum of transfers that a statement told in one entry or that name a batch,
 * or a transfer of a sum that a statement told with its number of transfers: by day and amount, as the port names neither. Answers their
 * references, by account.
 */
export async function findPortBatches(trx: Trx, lines: readonly BankLine[]): Promise<Set<string>> {
  if (lines.length === 0) return new Set()
  const { rows } = await sql<{ iban: string; ref: string }>`
    with given as (
      select iban, ref, direction, units, named, (booked_at at time zone 'UTC')::date as day,
             (booked_at at time zone ${sql.lit(PORT_ZONE)})::date as other_day
        from unnest(${lines.map(({ iban }) => iban)}::text[], ${lines.map(({ ref }) => ref)}::text[],
                    ${lines.map(({ direction }) => direction)}::text[],
                    ${lines.map(({ units }) => units.toString())}::numeric[],
                    ${lines.map(({ counterpartyIban, endToEndId }) => counterpartyIban !== null || endToEndId !== null)}::boolean[],
                    ${lines.map(({ bookedAt }) => bookedAt)}::timestamptz[])
             given (iban, ref, direction, units, named, booked_at))
    select distinct given.iban, given.ref
      from given join statement_batches b
        on b.iban = given.iban and b.booked_on in (day, other_day) and b.direction = given.direction
       and case when cardinality(b.numbers) > 1 then b.units = given.units and not named
                when ${mayBePart('b')} then b.units < given.units and cardinality(b.refs) > 0 and not named
                else b.units > given.units and b.transfers > 1 end
      join statement_lines s on s.import_id = b.import_id and s.position = b.position and s.number = any(b.numbers)
      join bank_transactions t on t.iban = s.iban and t.id = s.transaction_id
     where t.part_of is null and t.state <> 'divided' and t.import_id is not null
       -- What the port told of in the same way it doesn't tell otherwise.
       and not exists (select from bank_line_refs r where r.iban = t.iban and r.transaction_id = t.id)
       and not exists (select from bank_transactions told where told.iban = given.iban and told.bank_ref = given.ref)`.execute(
    trx,
  )
  return new Set(rows.map(({ iban, ref }) => `${iban} ${ref}`))
}
