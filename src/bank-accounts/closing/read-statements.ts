import { type RawBuilder, sql } from 'kysely'
import type { Trx } from '../../db/database.ts'
import { nextSepaDay } from '../../providers/bank/files/sepa-days.ts'
import type { DayLine, StatementWord, UntoldLine } from './compare-day.ts'
import {
  type ChainLink,
  type ChainStatement,
  chooseChain,
  readChain,
  type StatedBalance,
  type StatementChain,
} from './statement-chain.ts'

/** So many lines of the books that no statement holds are named one by one. */
const MOST_NAMED = 200

/** The statements that tell what an account held at the end of a day; without any the chain has no links. */
export async function findChain(trx: Trx, iban: string, on: string): Promise<StatementChain> {
  const { rows } = await sql<ChainStatement>`
    select import_id, position, from_on, to_on, opening_units, closing_units, statements.lines,
           (created_at at time zone 'UTC')::date as imported_on
      from statements join statement_imports on id = import_id
     where iban = ${iban} and complete and opening_units is not null and closing_units is not null
       and from_on is not null and to_on is not null
     order by from_on, to_on, created_at, import_id, position`.execute(trx)
  return chooseChain(rows, on)
}

/** Whether the chain covers the day: else the bank itself is asked, where it can be. */
export const isCovered = ({ links, next }: StatementChain, on: string): boolean => {
  const last = links.at(-1)?.statement
  if (!last) return false
  return last.toOn >= on || (next !== null && next.openingUnits === last.closingUnits)
}

/** What the statements of an account say of the end of a day, beside the books; undefined without a statement. */
export async function readStatements(
  trx: Trx,
  { iban, on, ledgerUnits }: { iban: string; on: string; ledgerUnits: bigint },
  chain: StatementChain,
): Promise<{ word: StatementWord; coveredTo: string } | undefined> {
  const moves = new Map<ChainLink, bigint>()
  for (const link of chain.links) {
    if (link.movesFrom !== null) moves.set(link, await sumMoves(trx, iban, link.statement, link.movesFrom))
  }
  const stated = readChain(chain, on, (link) => moves.get(link)!)
  if (!stated) return undefined
  const scope = { iban, on, chain, stated }
  const { untold, untoldMore } = await findUntold(trx, scope)
  const word: StatementWord = {
    by: 'statement',
    units: stated.units,
    beforeUnits: stated.openingUnits - (ledgerUnits - (await sumLines(trx, iban, stated.firstOn, on))),
    firstOn: stated.firstOn,
    uncovered: await measureUncovered(trx, scope),
    early: stated.early,
    untold,
    untoldMore,
    ahead: await findAhead(trx, scope),
  }
  return { word, coveredTo: stated.coveredTo }
}

interface Scope {
  iban: string
  on: string
  chain: StatementChain
  stated: StatedBalance
}

const SIGNED = sql`case when t.direction = 'credit' then t.units else -t.units end`

/** Credits less debits of the account's lines in the books of these days. */
export async function sumLines(trx: Trx, iban: string, fromOn: string, toOn: string | null): Promise<bigint> {
  const { rows } = await sql<{ units: bigint }>`
    select coalesce(sum(${SIGNED}), 0) as units from bank_transactions t
     where iban = ${iban} and state <> 'divided' and booked_on >= ${fromOn}::date
       and (${toOn}::date is null or booked_on <= ${toOn}::date)`.execute(trx)
  return rows[0]!.units
}

/** What a statement moved from a day on: its lines in the books, and what of it is in doubt. */
async function sumMoves(
  trx: Trx,
  iban: string,
  { importId, position }: ChainStatement,
  fromOn: string,
): Promise<bigint> {
  const { rows } = await sql<{ units: bigint }>`
    select coalesce(sum(${SIGNED}), 0) as units from (
      select t.direction, t.units
        from statement_lines s join bank_transactions t on t.iban = s.iban and t.id = s.transaction_id
       where s.import_id = ${importId} and s.position = ${position}::integer and t.booked_on >= ${fromOn}::date
      union all
      select direction, units from bank_doubts
       where iban = ${iban} and import_id = ${importId} and position = ${position}::integer
         and state in ('open', 'dismissed', 'again') and booked_on >= ${fromOn}::date) t`.execute(trx)
  return rows[0]!.units
}

/** The statements of a chain as rows, each with the day from which on the next one counts; with `upTo` those that end by then. */
export function chainRows({ links }: Pick<StatementChain, 'links'>, upTo?: string): RawBuilder<unknown> {
  const kept = links.filter(({ statement }) => upTo === undefined || statement.toOn <= upTo)
  return sql`
    unnest(${kept.map(({ statement }) => statement.importId)}::text[],
           ${kept.map(({ statement }) => statement.position)}::integer[],
           ${kept.map(({ until }) => until)}::date[]) link (import_id, position, until)`
}

/** Of the row `t`: none of these statements holds it, nor the sum that it is part of. A divided sum is no line of the books. */
const isUntold = (chain: StatementChain): RawBuilder<unknown> => sql`
  t.state <> 'divided' and ${isUntoldAs(sql`t.id`, chain)} and ${isUntoldAs(sql`t.part_of`, chain)}`

/**
 * Of the row `t`: none of these statements holds the line of this id. Of most of them all days count, which a plain list answers for a
 * million lines in two seconds; those that the next one tells anew are few.
 */
function isUntoldAs(id: RawBuilder<unknown>, { links }: StatementChain): RawBuilder<unknown> {
  const whole = links.filter(({ until }) => until === null).map(({ statement }) => statement)
  const partly = links.filter(({ until }) => until !== null)
  const untoldByWhole = sql`
    not exists (select from statement_lines s
                 where s.iban = t.iban and s.transaction_id = ${id} and (s.import_id, s.position) in (
                       select * from unnest(${whole.map(({ importId }) => importId)}::text[],
                                            ${whole.map(({ position }) => position)}::integer[])))`
  if (partly.length === 0) return untoldByWhole
  return sql`
    ${untoldByWhole}
    and not exists (select from statement_lines s join ${chainRows({ links: partly })} using (import_id, position)
                     where s.iban = t.iban and s.transaction_id = ${id} and t.booked_on < link.until)`
}

async function findUntold(
  trx: Trx,
  { iban, on, chain, stated }: Scope,
): Promise<Pick<StatementWord, 'untold' | 'untoldMore'>> {
  const { uncovered, firstOn } = stated
  const { rows } = await sql<UntoldLine & { count: number; totalUnits: bigint }>`
    with untold as materialized (
      select t.iban, t.id, t.booked_on, ${SIGNED} as units from bank_transactions t
       where t.iban = ${iban} and t.booked_on between ${firstOn}::date and ${on}::date and ${isUntold(chain)}
         and not exists (
             select from unnest(${uncovered.map(({ fromOn }) => fromOn)}::date[],
                                ${uncovered.map(({ toOn }) => toOn)}::date[]) days (from_on, to_on)
              where t.booked_on between days.from_on and days.to_on))
    select id, booked_on as on, units, (select count(*)::int from untold) as count,
           (select sum(units) from untold) as total_units,
           exists (select from statement_lines s join statements using (import_id, position)
                    where s.iban = u.iban and s.transaction_id = u.id and complete and from_on > ${on}::date) as later
      from untold u order by booked_on, id limit ${MOST_NAMED}`.execute(trx)
  const namedUnits = rows.reduce((sum, { units }) => sum + units, 0n)
  const [first] = rows
  return {
    untold: rows.map(({ id, on: day, units, later }) => ({ id, on: day, units, later })),
    untoldMore: {
      count: (first?.count ?? 0) - rows.length,
      units: (first?.totalUnits ?? 0n) - namedUnits,
    },
  }
}

async function measureUncovered(
  trx: Trx,
  { iban, on, chain, stated }: Scope,
): Promise<StatementWord['uncovered']> {
  const { uncovered } = stated
  if (uncovered.length === 0) return []
  const { rows } = await sql<{ place: number; count: number; units: bigint }>`
    select place::integer as place, found.count, found.units
      from unnest(${uncovered.map(({ fromOn }) => fromOn)}::date[], ${uncovered.map(({ toOn }) => toOn)}::date[])
           with ordinality days (from_on, to_on, place)
     cross join lateral (
       select count(*)::int as count, coalesce(sum(${SIGNED}), 0) as units from bank_transactions t
        where t.iban = ${iban} and t.booked_on between days.from_on and least(days.to_on, ${on}::date)
          and ${isUntold(chain)}) found
     order by place`.execute(trx)
  return rows.map(({ place, count, units }) => {
    const days = uncovered[place - 1]!
    const working = nextSepaDay(days.fromOn) <= days.toOn
    return { ...days, bookedUnits: units, bookedLines: count, working }
  })
}

/** Lines of statements up to the day that the books have under a later one, as a list told it so. */
async function findAhead(trx: Trx, { iban, on, chain }: Scope): Promise<DayLine[]> {
  const { rows } = await sql<DayLine>`
    select distinct t.id, t.booked_on as on, ${SIGNED} as units
      from bank_transactions t join statement_lines s on s.iban = t.iban and s.transaction_id = t.id
      join ${chainRows(chain, on)} on link.import_id = s.import_id and link.position = s.position
     where t.iban = ${iban} and t.booked_on > ${on}::date and link.until is null
     order by 2, 1`.execute(trx)
  return rows
}
