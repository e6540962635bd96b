import { sql } from 'kysely'
import type { Trx } from '../../db/database.ts'
import type { StagedStatement } from '../settle-statement.ts'
import type { StatementLine } from '../statements/statement.ts'

/** What one statement says of sums and their transfers, until it is known what is new; gone with the transaction. */
export async function createBatchStage(trx: Trx): Promise<void> {
  await sql`
    create temporary table told_marks (
      number integer primary key, entry text not null, refs text[] not null, transfers integer
    ) on commit drop`.execute(trx)
  await sql`
    create temporary table told_batches (
      entry integer primary key, booked_on date not null, direction text not null, units numeric(78,0) not null,
      transfers integer, refs text[] not null, numbers integer[] not null
    ) on commit drop`.execute(trx)
  await sql`
    create temporary table told_by_sum (id text primary key, sure boolean not null) on commit drop`.execute(
    trx,
  )
}

export async function emptyBatchStage(trx: Trx): Promise<void> {
  await sql`
    with marks as (delete from told_marks), parts as (delete from told_by_sum) delete from told_batches`.execute(
    trx,
  )
}

/** The marks of lines that have one. */
export async function stageMarks(
  trx: Trx,
  rows: readonly { line: StatementLine; number: number }[],
): Promise<void> {
  const marks = rows.flatMap(({ line: { batch }, number }) => (batch ? [{ number, ...batch }] : []))
  if (marks.length === 0) return
  await sql`
    insert into told_marks (number, entry, refs, transfers)
    select number, entry, array(select jsonb_array_elements_text(refs)), transfers
      from unnest(${marks.map(({ number }) => number)}::integer[], ${marks.map(({ entry }) => entry)}::text[],
                  ${marks.map(({ refs }) => JSON.stringify(refs))}::jsonb[],
                  ${marks.map(({ transfers }) => transfers)}::integer[]) given (number, entry, refs, transfers)`.execute(
    trx,
  )
}

/** Puts the lines of each entry together. What moves nothing in the end is no sum. */
export async function gatherBatches(trx: Trx): Promise<void> {
  await sql`
    insert into told_batches (entry, booked_on, direction, units, transfers, refs, numbers)
    select min(number), min(booked_on), case when sum(signed) > 0 then 'credit' else 'debit' end, abs(sum(signed)),
           max(transfers), refs, array_agg(number order by number)
      from (select number, entry, refs, transfers, booked_on,
                   case direction when 'credit' then units else -units end as signed
              from told_marks join told_lines using (number)) marked
     group by entry, refs having sum(signed) <> 0`.execute(trx)
}

/** Keeps what a statement said of sums, for what is told of them later. */
export async function insertBatches(
  trx: Trx,
  { importId, position, iban }: Pick<StagedStatement, 'importId' | 'position' | 'iban'>,
): Promise<void> {
  await sql`
    insert into statement_batches (import_id, position, entry, iban, booked_on, direction, units, transfers, refs, numbers)
    select ${importId}, ${position}::integer, entry, ${iban}, booked_on, direction, units, transfers, refs, numbers
      from told_batches`.execute(trx)
}
