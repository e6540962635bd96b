import { sql } from 'kysely'
import type { Trx } from '../../db/database.ts'
import type { StagedStatement } from '../settle-statement.ts'

/**
 * A statement tells of a divided sum or of its transfers, never of both: what it doesn't tell of is left out of the known
 * lines (`apart`): `surely` where names say which it tells of; else `batch`, where a line that may yet be one of them waits.
 * Without names it counts how the same kind of message told of it before; then whether more lines are of its amount than
 * are known otherwise.
 */
export async function leaveOutTold(trx: Trx, { iban, toldBy }: StagedStatement): Promise<void> {
  await sql`
    update known_lines k set apart = case when told.sure then 'surely' else 'batch' end
      from told_by_sum told where told.id = k.id and k.apart = 'no'`.execute(trx)
  const { rows } = await sql`select from known_lines where divided limit 1`.execute(trx)
  if (rows.length === 0) return
  await sql`
    with judged as materialized (
      select k.id, k.part_of, k.divided, k.direction, k.units, k.day,
             exists (select from told_lines l
                      where l.known_id = k.id
                         or (not l.settled and l.ref is not null and l.direction = k.direction and l.units = k.units
                             and l.booked_on = k.day
                             and exists (select from jsonb_array_elements(k.names) named where named->>'ref' = l.ref)))
               as told,
             exists (select from statement_lines s join statement_imports i on i.id = s.import_id
                      where s.iban = ${iban} and s.transaction_id = k.id
                        and coalesce(substring(i.format from '^camt\\.[0-9]+'), i.format) = ${toldBy}::text) as by_same
        from known_lines k where k.divided or k.part_of is not null
    ), parts as (
      select part_of, bool_or(told) as told, bool_or(by_same) as by_same from judged where not divided group by part_of
    ), chosen as (
      select s.id, s.told or p.told as sure,
             case when s.told or p.told then s.told
                  when s.by_same or p.by_same then s.by_same
                  else (select count(*) from told_lines l
                         where l.direction = s.direction and l.units = s.units and l.booked_on = s.day)
                     > (select count(*) from known_lines o
                         where o.direction = s.direction and o.units = s.units and o.day = s.day and not o.divided)
             end as as_sum
        from judged s join parts p on p.part_of = s.id where s.divided
    )
    update known_lines o set apart = case when chosen.sure then 'surely' else 'batch' end
      from chosen
     where o.apart = 'no' and case when chosen.as_sum then o.part_of = chosen.id else o.id = chosen.id end`.execute(
    trx,
  )
}
