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
           where import_id = ${importId} and position = ${position}::integer and state in ('open', 'dismissed', 'again')) told`

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
 * Whether one may begin within the other: on the way through it the balance may have been what the other opens with.
 * Within a day statements have their lines in any order, so that only what they move at most each way is certain.
 */
async function meet(trx: Trx, { openingUnits }: Given, other: Neighbour): Promise<boolean> {
  const { rows } = await sql<{ ups: bigint; downs: bigint }>`
    select coalesce(sum(signed) filter (where signed > 0), 0) as ups,
           coalesce(-sum(signed) filter (where signed < 0), 0) as downs from (${ownLines}) lines
    union all
    select coalesce(sum(signed) filter (where signed > 0), 0), coalesce(-sum(signed) filter (where signed < 0), 0)
      from (${linesOf(other)}) lines`.execute(trx)
  const [own, theirs] = rows
  const away = other.openingUnits - openingUnits
  return passes(own!, away) || passes(theirs!, -away)
}

/** Whether the balance may have moved by so much before the last line. */
function passes({ ups, downs }: { ups: bigint; downs: bigint }, units: bigint): boolean {
  if (units > ups || units < -downs) return false
  // What only rises, or only falls, is at its end no sooner than at the end.
  return (ups > 0n && downs > 0n) || units !== ups - downs
}

/** Whether a staged statement has, of each day, direction and amount, as many lines as those together. */
export async function holdsAllOf(
  trx: Trx,
  iban: string,
  others: readonly { importId: string; position: number }[],
): Promise<boolean> {
  const { rows } = await sql<{ holds: boolean }>`
    select not exists (
      select t.booked_on, t.direction, t.units from bank_transactions t
       where t.iban = ${iban} and t.id in (
             select transaction_id from statement_lines
               join unnest(${others.map(({ importId }) => importId)}::text[],
                           ${others.map(({ position }) => position)}::integer[]) o (import_id, position)
              using (import_id, position))
      except all select booked_on, direction, units from told_lines) as holds`.execute(trx)
  return rows[0]!.holds
}
