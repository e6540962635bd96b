import { sql } from 'kysely'
import type { Trx } from '../db/database.ts'
import type { StagedStatement } from './settle-statement.ts'
import type { StatementExtent } from './statement-extent.ts'

/**
 * Transfers of sums come again by messages of other kinds, in the same words or by the same references: what waits as a
 * part of a sum is the same doubt whoever tells it.
 */
async function findToldParts(
  trx: Trx,
  { iban, toldBy }: StagedStatement,
  by: 'ref' | 'print',
): Promise<void> {
  const [told, known] =
    by === 'ref' ? [sql`ref`, sql`bank_ref`] : [sql`encode(print, 'hex')`, sql`encode(print, 'hex')`]
  await sql`
    with told as (
      select number, key, direction, units, booked_on,
             row_number() over (partition by key, direction, units, booked_on order by number) as place
        from (select *, ${told} as key from told_lines
               where found = 'doubt' and reason = 'batch' and same_as is null) l where key is not null
    ), before as (
      select id, key, direction, units, booked_on,
             row_number() over (partition by key, direction, units, booked_on order by created_at, number, id) as place
        from (select *, ${known} as key from bank_doubts
               where iban = ${iban} and told_by <> ${toldBy} and reason = 'batch' and state in ('open', 'dismissed') and import_id is not null
                 and booked_on between (select min(booked_on) from told_lines) and (select max(booked_on) from told_lines)
                 and id not in (select same_as from told_lines where same_as is not null)) d where key is not null)
    update told_lines l set same_as = before.id
      from told join before using (key, direction, units, booked_on, place)
     where l.number = told.number`.execute(trx)
}

/**
 * Lines in doubt that a statement of the same kind told before, and that were in doubt then: they are the same doubt, by
 * their reference, or by all their words, the n-th for the n-th. Nobody is asked again. What a statement tells that this
 * one's balances join, as another part of the day, is another line.
 */
export async function findToldDoubts(
  trx: Trx,
  statement: StagedStatement,
  { joined }: Pick<StatementExtent, 'joined'>,
): Promise<void> {
  const { iban, toldBy } = statement
  const apart = joined.filter((one) => one.apart === 'surely' || one.apart === 'perhaps')
  await sql`
    with told as (
      select number, key, direction, units, booked_on,
             row_number() over (partition by key, direction, units, booked_on order by number) as place
        from (select *, coalesce('ref ' || ref, encode(print, 'hex')) as key from told_lines where found = 'doubt') l
    ), before as (
      select id, key, direction, units, booked_on,
             row_number() over (partition by key, direction, units, booked_on order by created_at, number, id) as place
        from (select *, coalesce('ref ' || bank_ref, encode(print, 'hex')) as key from bank_doubts
               where iban = ${iban} and told_by = ${toldBy} and state in ('open', 'dismissed')
                 and booked_on between (select min(booked_on) from told_lines) and (select max(booked_on) from told_lines)
                 and (import_id, position) not in (
                     select * from unnest(${apart.map(({ importId }) => importId)}::text[],
                                          ${apart.map(({ position }) => position)}::integer[]))) d)
    update told_lines l set same_as = before.id
      from told join before using (key, direction, units, booked_on, place)
     where l.number = told.number`.execute(trx)
  await findToldParts(trx, statement, 'ref')
  await findToldParts(trx, statement, 'print')
}
