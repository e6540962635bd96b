import { sql } from 'kysely'
import type { Trx } from '../db/database.ts'
import type { StagedStatement } from './settle-statement.ts'
import { holdsAllOf, type Relation, relationTo } from './statement-relation.ts'

/** What days a statement is about, and what is proven of them. */
export interface StatementExtent {
  /** Null of a statement without days and lines. */
  firstOn: string | null
  lastOn: string | null
  /** The days whose every line it holds, proven; null when of none. */
  wholeFrom: string | null
  wholeTo: string | null
  /** Statements that its balances join: whether a line of theirs may be one of its own. */
  joined: { importId: string; position: number; apart: Relation }[]
}

export interface Neighbour {
  importId: string
  position: number
  statementRef: string | null
  toldBy: string
  fromOn: string
  toOn: string
  openingUnits: bigint
  closingUnits: bigint
  /** What its lines of its first and of its last day moved. */
  firstMoved: bigint
  lastMoved: bigint
}

/**
 * Days between the first and the last of a statement that holds every line are whole. Its first day is, when an earlier
 * statement closed on a day before with the balance that it opens with; its last day, when that was over before today.
 */
export async function findExtent(trx: Trx, statement: StagedStatement, now: Date): Promise<StatementExtent> {
  const { iban, toldBy, complete, fromOn, toOn, openingUnits, closingUnits } = statement
  const { rows } = await sql<{ firstOn: string | null; lastOn: string | null }>`
    select least(${fromOn}::date, min(booked_on)) as first_on, greatest(${toOn}::date, max(booked_on)) as last_on
      from told_lines`.execute(trx)
  const { firstOn, lastOn } = rows[0]!
  const none = { firstOn, lastOn, wholeFrom: null, wholeTo: null, joined: [] }
  if (!complete || firstOn === null || lastOn === null || openingUnits === null || closingUnits === null) {
    return none
  }
  const near = await findNeighbours(trx, iban, { firstOn, lastOn })
  const before = near.some((one) => one.toOn < firstOn && one.closingUnits === openingUnits)
  const wholeFrom = before ? firstOn : dayAfter(firstOn)
  const wholeTo = lastOn < now.toISOString().slice(0, 10) ? lastOn : dayBefore(lastOn)
  const whole = wholeFrom <= wholeTo ? { wholeFrom, wholeTo } : { wholeFrom: null, wholeTo: null }
  const given = { toldBy, firstOn, lastOn, openingUnits, closingUnits }
  const joined: StatementExtent['joined'] = []
  for (const other of findJoined(near, given)) {
    const { importId, position } = other
    const { statementRef } = statement
    joined.push({ importId, position, apart: await relationTo(trx, { ...given, statementRef }, other) })
  }
  // What seems whole and holds all that was told of parts of its days is the whole, told after its parts.
  const mayBeParts =
    before && joined.length > 0 && joined.every(({ apart }) => apart === 'perhaps' || apart === 'no')
  if (mayBeParts && (await holdsAllOf(trx, iban, joined))) for (const one of joined) one.apart = 'no'
  return { firstOn, lastOn, ...whole, joined }
}

/** Statements with balances that touch these days, or were the last before them. */
async function findNeighbours(
  trx: Trx,
  iban: string,
  { firstOn, lastOn }: { firstOn: string; lastOn: string },
): Promise<Neighbour[]> {
  const { rows } = await sql<Neighbour>`
    select import_id, position, statement_ref, coalesce(substring(format from '^camt\\.[0-9]+'), format) as told_by, from_on, to_on,
           opening_units, closing_units, moved.first as first_moved, moved.last as last_moved
      from statements cross join lateral (
             select coalesce(sum(signed) filter (where booked_on = from_on), 0) as first,
                    coalesce(sum(signed) filter (where booked_on = to_on), 0) as last
               from (select t.booked_on, case t.direction when 'credit' then t.units else -t.units end as signed
                       from statement_lines l join bank_transactions t on t.iban = l.iban and t.id = l.transaction_id
                      where l.import_id = statements.import_id and l.position = statements.position) told) moved
      join statement_imports on id = import_id
     where iban = ${iban} and complete and opening_units is not null and closing_units is not null
       and from_on <= ${lastOn}::date
       and to_on >= coalesce((select max(to_on) from statements
                               where iban = ${iban} and complete and to_on < ${firstOn}::date), ${firstOn}::date)`.execute(
    trx,
  )
  return rows
}

/**
 * Statements of the same kind that end, within one day, where this one begins, or begin where it ends, and those
 * joined to them alike. One that moved nothing on that day joins nothing: told again its balances are the same.
 */
function findJoined(
  near: readonly Neighbour[],
  given: { toldBy: string; firstOn: string; lastOn: string; openingUnits: bigint; closingUnits: bigint },
): Neighbour[] {
  if (given.openingUnits === given.closingUnits) return []
  const moved = near.filter(
    ({ toldBy, openingUnits, closingUnits }) => toldBy === given.toldBy && openingUnits !== closingUnits,
  )
  const found = new Set<Neighbour>()
  const walk = (next: (one: Neighbour) => boolean, on: (one: Neighbour) => void): void => {
    for (let one = moved.find((other) => !found.has(other) && next(other)); one; ) {
      found.add(one)
      on(one)
      one = moved.find((other) => !found.has(other) && next(other))
    }
  }
  let { openingUnits, firstOn: day } = given
  walk(
    (one) => one.toOn === day && one.lastMoved !== 0n && one.closingUnits === openingUnits,
    (one) => {
      openingUnits = one.openingUnits
      day = one.fromOn
    },
  )
  let { closingUnits, lastOn } = given
  walk(
    (one) => one.fromOn === lastOn && one.firstMoved !== 0n && one.openingUnits === closingUnits,
    (one) => {
      closingUnits = one.closingUnits
      lastOn = one.toOn
    },
  )
  return [...found]
}

/**
 * What a statement proves of those that came before it though they are later or earlier: the first day of one that opens
 * as this one closed, on a day after, is whole; and the last day of one that closed as this one opens.
 */
export async function proveNeighbours(
  trx: Trx,
  { iban, openingUnits, closingUnits }: StagedStatement,
  { firstOn, lastOn }: Pick<StatementExtent, 'firstOn' | 'lastOn'>,
): Promise<void> {
  if (firstOn === null || lastOn === null || openingUnits === null || closingUnits === null) return
  await sql`
    update statements s
       set whole_from = from_on, whole_to = coalesce(whole_to, case when to_on > from_on then to_on - 1 else to_on end)
     where iban = ${iban} and complete and closing_units is not null and opening_units = ${closingUnits}
       and from_on > ${lastOn}::date and (whole_from is null or whole_from > from_on)
       -- Of one day alone the end has to be proven too: it was, unless it was that day when it was imported.
       and (to_on > from_on or exists (
             select from statement_imports i where i.id = s.import_id and (i.created_at at time zone 'UTC')::date > s.to_on))
       and not exists (select from statements b
                        where b.iban = s.iban and b.complete and b.to_on > ${lastOn}::date and b.to_on < s.from_on)`.execute(
    trx,
  )
  await sql`
    update statements s set whole_to = to_on
     where iban = ${iban} and complete and opening_units is not null and closing_units = ${openingUnits}
       and to_on < ${firstOn}::date and whole_from is not null and whole_to < to_on
       and not exists (select from statements b
                        where b.iban = s.iban and b.complete and b.from_on > s.to_on and b.from_on < ${firstOn}::date)`.execute(
    trx,
  )
}

/** What the statement before it closed with, if that is not what this one opens with. */
export async function findGap(
  trx: Trx,
  { importId, position, iban, openingUnits }: StagedStatement,
  { firstOn }: Pick<StatementExtent, 'firstOn'>,
): Promise<{ closingUnits: string; closedOn: string; openingUnits: string } | null> {
  if (openingUnits === null || firstOn === null) return null
  const { rows } = await sql<{ toOn: string; closingUnits: bigint }>`
    select to_on, closing_units from statements
     where iban = ${iban} and complete and closing_units is not null and to_on <= ${firstOn}::date
       and (import_id, position) <> (${importId}, ${position}::integer)
       -- One of the same days is told anew, not continued.
       and (to_on < ${firstOn}::date or opening_units <> ${openingUnits})
     order by to_on desc, closing_units = ${openingUnits} desc limit 1`.execute(trx)
  const [last] = rows
  if (!last || last.closingUnits === openingUnits) return null
  return {
    closingUnits: last.closingUnits.toString(),
    closedOn: last.toOn,
    openingUnits: openingUnits.toString(),
  }
}

const DAY_MS = 86_400_000
const shift = (day: string, ms: number): string =>
  new Date(Date.parse(`${day}T00:00:00Z`) + ms).toISOString().slice(0, 10)
const dayAfter = (day: string): string => shift(day, DAY_MS)
const dayBefore = (day: string): string => shift(day, -DAY_MS)
