import { sql } from 'kysely'
import type { Trx } from '../db/database.ts'
import type { Neighbour } from './statement-extent.ts'

/**
 * Whether lines of two statements of one kind may be the same, though one begins where the other ends. `surely`: no
 * balance of one is reached within the other, so that none is. `perhaps`: the balance came back to what it was, so that
 * one may tell again what the other told. `alike`: that, and nothing but their numbers or references sets them apart.
 * `no`: one is the other, told again.
 */
export type Relation = 'no' | 'alike' | 'perhaps' | 'surely'

/** The staged statement, as far as it says which it is. */
interface Given {
  statementRef: string | null
  firstOn: string
  lastOn: string
  openingUnits: bigint
  closingUnits: bigint
}

export async function relationTo(trx: Trx, given: Given, other: Neighbour): Promise<Relation> {
  const isNamedAlike = given.statementRef !== null && given.statementRef === other.statementRef
  const isDatedAlike = given.firstOn === other.fromOn && given.lastOn === other.toOn
  const isOpenedAlike = given.openingUnits === other.openingUnits
  const isClosedAlike = given.closingUnits === other.closingUnits
  if (isDatedAlike && isOpenedAlike && isClosedAlike) {
    const { words, refs } = await compareLines(trx, other)
    if (words) return isNamedAlike && refs ? 'no' : 'alike'
  }
  if (isOpenedAlike || (await meet(trx, given, other))) return 'perhaps'
  return 'surely'
}

const ownLines = sql`
  select number, direction, units, booked_on, ref, print, case direction when 'credit' then units else -units end as signed
    from told_lines`

/** Those that wait in doubt are told by it as well. */
const linesOf = ({ importId, position }: Neighbour) => sql`
  select number, direction, units, booked_on, ref, print, case direction when 'credit' then units else -units end as signed
    from (select s.number, t.direction, t.units, t.booked_on, s.ref, s.print
            from statement_lines s join bank_transactions t on t.iban = s.iban and t.id = s.transaction_id
           where s.import_id = ${importId} and s.position = ${position}::integer
          union all
          select number, direction, units, booked_on, bank_ref, print from bank_doubts
           where import_id = ${importId} and position = ${position}::integer and state in ('open', 'dismissed')) told`

/** Whether they tell the same lines in the same words; and by the same references, where both have any. */
async function compareLines(trx: Trx, other: Neighbour): Promise<{ words: boolean; refs: boolean }> {
  const { rows } = await sql<{ words: boolean; refs: boolean }>`
    with own as materialized (${ownLines}), theirs as materialized (${linesOf(other)})
    select not exists (select direction, units, booked_on, print from own
                       except all select direction, units, booked_on, print from theirs)
       and not exists (select direction, units, booked_on, print from theirs
                       except all select direction, units, booked_on, print from own) as words,
           not exists (select from own where ref is not null) or not exists (select from theirs where ref is not null)
            or not exists (select ref from own except all select ref from theirs) as refs`.execute(trx)
  return rows[0]!
}

/**
 * Whether one may begin within the other: a balance on the way through it, from its first line or from its last as banks
 * write either first, is what the other opens with.
 */
async function meet(trx: Trx, { openingUnits }: Given, other: Neighbour): Promise<boolean> {
  const { rows } = await sql<{ meet: boolean }>`
    with own as (select number, sum(signed) over (order by number) as moved, sum(signed) over () as total,
                        max(number) over () as last
                   from (${ownLines}) lines),
         theirs as (select number, sum(signed) over (order by number) as moved, sum(signed) over () as total,
                           max(number) over () as last
                      from (${linesOf(other)}) lines)
    select exists (select from own
                    where number < last and ${other.openingUnits - openingUnits}::numeric in (moved, total - moved))
        or exists (select from theirs
                    where number < last and ${openingUnits - other.openingUnits}::numeric in (moved, total - moved))
        as meet`.execute(trx)
  return rows[0]!.meet
}
