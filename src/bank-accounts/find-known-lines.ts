import { type RawBuilder, sql } from 'kysely'
import type { App } from '../app.ts'
import type { Trx } from '../db/database.ts'
import { openCounterparty } from '../onramp/refund-sources.ts'
import { leaveOutTold } from './batches/leave-out-told.ts'
import { type LineWords, payersReference } from './compare-words.ts'
import { type Extent, type Finding, type KnownLine, pairLines, type ToldLine } from './pair-lines.ts'
import type { StagedStatement } from './settle-statement.ts'
import type { StatementExtent } from './statement-extent.ts'

/** Groups of lines of one day, direction and amount that are compared at a time. */
const GROUPS = 500
/** So many told lines are held at a time, but for a group that has more: round amounts come by the thousand. */
const MOST_LINES = 2_000
/** A reference may come again after some days; within these it is taken for the same line with another day. */
const REF_DAYS = 4

type Needs = Pick<App, 'secrets'>

/**
 * Finds which staged lines are in the books already. Those that are not stay `new`. Lines can only be the same when
 * account, direction, amount and day are; the bank's port tells times, of which the day may be the bank's or UTC's.
 */
export async function findKnownLines(
  app: Needs,
  trx: Trx,
  statement: StagedStatement,
  extent: StatementExtent,
): Promise<void> {
  const { firstOn, lastOn } = extent
  if (firstOn === null || lastOn === null) return
  if (await hasLinesNear(trx, statement, extent)) {
    await loadKnown(trx, statement, extent)
    await leaveOutTold(trx, statement)
    await pairGroups(app, trx, statement, extent)
    await followReferences(trx, statement)
    await holdSwapped(trx, statement)
  }
  if (statement.complete) await holdSameSums(trx, extent)
  else await holdToWholeDays(trx, statement)
}

async function hasLinesNear(
  trx: Trx,
  { iban }: StagedStatement,
  { firstOn, lastOn }: StatementExtent,
): Promise<boolean> {
  const { rows } = await sql`
    select from bank_transactions
     where iban = ${iban} and booked_on between ${firstOn}::date - ${REF_DAYS}::integer
                                            and ${lastOn}::date + ${REF_DAYS}::integer limit 1`.execute(trx)
  return rows.length > 0
}

/** The bank's day of a line of which only the time was told. Banks that tell times book by the clock of Madrid here. */
export const PORT_ZONE = 'Europe/Madrid'

async function loadKnown(
  trx: Trx,
  { iban }: StagedStatement,
  { firstOn, lastOn, joined }: StatementExtent,
): Promise<void> {
  await sql`
    insert into known_lines
    select t.id, t.direction, t.units, days.day, t.booked_on, t.end_to_end_id, t.concept, t.payer_index,
           t.counterparty_sealed, ${knownNames}, ${knownPrints}, days.likely, t.booked_at,
           count(*) over (partition by t.id), max(days.day) over (partition by t.id),
           coalesce((select joined.apart
                       from unnest(${joined.map(({ importId }) => importId)}::text[],
                                   ${joined.map(({ position }) => position)}::integer[],
                                   ${joined.map(({ apart }) => apart)}::text[]) joined (import_id, position, apart)
                       join statement_lines s using (import_id, position)
                      where s.iban = t.iban and s.transaction_id = t.id
                      -- What is told again is told, and what is proven once is.
                      order by array_position(array['no', 'surely', 'alike', 'perhaps'], joined.apart) limit 1), 'no'),
           t.part_of, t.state = 'divided'
      from bank_transactions t cross join lateral (${possibleDays}) days
     where t.iban = ${iban} and t.booked_on between ${firstOn}::date - 1 and ${lastOn}::date + 1`.execute(trx)
  await sql`delete from known_lines where day not between ${firstOn}::date and ${lastOn}::date`.execute(trx)
  // What a statement had under another day stands under that too: it may be told so again.
  await sql`
    insert into known_lines
    select t.id, t.direction, t.units, told.told_on, t.booked_on, t.end_to_end_id, t.concept, t.payer_index,
           t.counterparty_sealed, ${knownNames}, ${knownPrints}, true, t.booked_at, 2, told.told_on, 'no', t.part_of,
           t.state = 'divided'
      from (select distinct transaction_id, told_on from statement_lines
             where iban = ${iban} and told_on between ${firstOn}::date and ${lastOn}::date) told
      join bank_transactions t on t.iban = ${iban} and t.id = told.transaction_id and t.booked_on <> told.told_on`.execute(
    trx,
  )
  // Without figures of its own the planner takes a table of any size for a small one.
  await sql`analyze known_lines`.execute(trx)
}

/** Of the row `t`: the day of its time by the bank's clock. */
export const bankDay: RawBuilder<unknown> = sql`(t.booked_at at time zone ${sql.lit(PORT_ZONE)})::date`

/** Of the row `t`: its references, with who told them. */
export const knownNames: RawBuilder<unknown> = sql`
  coalesce((select jsonb_agg(jsonb_build_object('toldBy', told_by, 'ref', ref)) from (
              select 'port' as told_by, t.bank_ref as ref where t.import_id is null
              union all
              select 'port', r.ref from bank_line_refs r where r.iban = t.iban and r.transaction_id = t.id
              union all
              select coalesce(substring(i.format from '^camt\\.[0-9]+'), i.format), s.ref
                from statement_lines s join statement_imports i on i.id = s.import_id
               where s.iban = t.iban and s.transaction_id = t.id and s.ref is not null) named), '[]')`

/** Of the row `t`: what statements said of it, whole. */
export const knownPrints: RawBuilder<unknown> = sql`
  array(select encode(s.print, 'hex') from statement_lines s where s.iban = t.iban and s.transaction_id = t.id)`

/**
 * Of the row `t`: its day, and the bank's where nothing but the port's time is known. The one that is its value date is
 * the likelier of two.
 */
const possibleDays: RawBuilder<unknown> = sql`
  select day, day = t.value_date or t.value_date not in (t.booked_on, ${bankDay}) as likely
    from (select t.booked_on as day
          union
          select ${bankDay}
           where t.import_id is null
             and not exists (select from statement_lines s where s.iban = t.iban and s.transaction_id = t.id)) possible`

/** What is known of one line as the database has it. */
export interface WordsRow {
  endToEndId: string | null
  concept: string
  payer: string | null
  counterpartySealed: Buffer
}

export const wordsOf = (
  { secrets }: Needs,
  { endToEndId, concept, payer, counterpartySealed }: WordsRow,
): LineWords => ({
  endToEndId: payersReference(endToEndId),
  concept,
  payer,
  name: () => openCounterparty(secrets, counterpartySealed).name,
})

interface Group {
  direction: string
  units: bigint
  day: string
}

interface ToldRow extends WordsRow, Group {
  number: number
  ref: string | null
  print: string
}

interface KnownRow extends WordsRow, Group {
  id: string
  names: KnownLine['names']
  prints: string[]
  likely: boolean
  apart: NonNullable<KnownLine['apart']>
}

async function pairGroups(
  app: Needs,
  trx: Trx,
  statement: StagedStatement,
  extent: StatementExtent,
): Promise<void> {
  let last: Group | undefined
  // One that the port told may stand under two days: it is paired on one.
  const used = await findSettled(trx)
  const covered = statement.complete ? [] : await findWholeDays(trx, statement.iban, extent)
  let next: SizedGroup[] = []
  for (;;) {
    if (next.length === 0) next = await nextGroups(trx, last)
    const groups = next.splice(0, fewLines(next))
    if (groups.length === 0) return
    last = groups.at(-1)
    const told = Map.groupBy(await loadTold(trx, groups), groupKey)
    const known = Map.groupBy(await loadCandidates(trx, groups), groupKey)
    const findings: Finding[] = []
    for (const group of groups) {
      const key = groupKey(group)
      const lines = (told.get(key) ?? []).map((row): ToldLine => ({ ...row, ...wordsOf(app, row) }))
      const candidates = (known.get(key) ?? [])
        .filter(({ id }) => !used.has(id))
        .map((row): KnownLine => ({ ...row, ...wordsOf(app, row) }))
      const found = pairLines(lines, candidates, {
        toldBy: statement.toldBy,
        extent: extentOf(group.day, statement, extent, covered),
      })
      for (const one of found) if (one.is === 'known') used.add(one.id)
      findings.push(...found)
    }
    await recordFindings(trx, findings)
  }
}

/** Lines that were found before any words were compared. */
async function findSettled(trx: Trx): Promise<Set<string>> {
  const { rows } = await sql<{ id: string }>`
    select known_id as id from told_lines where settled and known_id is not null`.execute(trx)
  return new Set(rows.map(({ id }) => id))
}

function extentOf(
  day: string,
  { complete }: StagedStatement,
  { wholeFrom, wholeTo }: StatementExtent,
  covered: readonly WholeDays[],
): Extent {
  if (!complete) return covered.some(({ from, to }) => from <= day && day <= to) ? 'covered' : 'partial'
  return wholeFrom !== null && wholeTo !== null && wholeFrom <= day && day <= wholeTo ? 'whole' : 'complete'
}

interface WholeDays {
  from: string
  to: string
}

async function findWholeDays(
  trx: Trx,
  iban: string,
  { firstOn, lastOn }: StatementExtent,
): Promise<WholeDays[]> {
  const { rows } = await sql<WholeDays>`
    select whole_from as from, whole_to as to from statements
     where iban = ${iban} and whole_from <= ${lastOn}::date and whole_to >= ${firstOn}::date`.execute(trx)
  return rows
}

const groupKey = ({ direction, units, day }: Group): string => `${direction} ${units} ${day}`

interface SizedGroup extends Group {
  /** That are told. */
  lines: number
}

/** The next groups, in their order, in which there are both told and known lines. */
async function nextGroups(trx: Trx, last: Group | undefined): Promise<SizedGroup[]> {
  const after = last
    ? sql`(direction, units, booked_on) > (${last.direction}::text, ${last.units}::numeric, ${last.day}::date)`
    : sql`true`
  // Counted first: to join every line of a group with every known one of it would take a day of equal amounts too long.
  const { rows } = await sql<SizedGroup>`
    select direction, units, booked_on as day, lines
      from (select direction, units, booked_on, count(*) as lines from told_lines
             where ${after} and not settled group by direction, units, booked_on offset 0) l
     where exists (select from known_lines k
                    where k.direction = l.direction and k.units = l.units and k.day = l.booked_on offset 0)
     order by direction, units, booked_on limit ${GROUPS}`.execute(trx)
  return rows
}

/** How many of these groups are held at a time. */
function fewLines(groups: readonly SizedGroup[]): number {
  let held = 0
  const tooMany = groups.findIndex(({ lines }, at) => {
    held += lines
    return at > 0 && held > MOST_LINES
  })
  return tooMany === -1 ? groups.length : tooMany
}

const asRows = (groups: readonly Group[]): RawBuilder<unknown> => sql`
  unnest(${groups.map(({ direction }) => direction)}::text[], ${groups.map(({ units }) => units.toString())}::numeric[],
         ${groups.map(({ day }) => day)}::date[]) g (direction, units, day)`

async function loadTold(trx: Trx, groups: readonly Group[]): Promise<ToldRow[]> {
  const { rows } = await sql<ToldRow>`
    select l.number, l.direction, l.units, l.booked_on as day, l.ref, encode(l.print, 'hex') as print, l.end_to_end_id,
           l.concept, encode(l.payer_index, 'hex') as payer, l.counterparty_sealed
      from ${asRows(groups)} join told_lines l
        on l.direction = g.direction and l.units = g.units and l.booked_on = g.day and not l.settled
     order by l.number`.execute(trx)
  return rows
}

/** Those that can be of no other day come first, then those that can be of no later one: else a day might lack its own. */
async function loadCandidates(trx: Trx, groups: readonly Group[]): Promise<KnownRow[]> {
  const { rows } = await sql<KnownRow>`
    select k.id, k.direction, k.units, k.day, k.end_to_end_id, k.concept, encode(k.payer_index, 'hex') as payer,
           k.counterparty_sealed, k.names, k.prints, k.likely, k.apart
      from ${asRows(groups)} join known_lines k using (direction, units, day)
     order by k.days, k.likely desc, k.last_day, k.booked_at, k.id`.execute(trx)
  return rows
}

async function recordFindings(trx: Trx, findings: readonly Finding[]): Promise<void> {
  const told = findings.filter(({ is }) => is !== 'new')
  if (told.length === 0) return
  await sql`
    update told_lines l set found = given.found, known_id = given.known_id, reason = given.reason
      from unnest(${told.map(({ number }) => number)}::integer[], ${told.map(({ is }) => is)}::text[],
                  ${told.map((one) => (one.is === 'known' ? one.id : null))}::text[],
                  ${told.map((one) => (one.is === 'doubt' ? one.reason : null))}::text[])
           given (number, found, known_id, reason)
     where l.number = given.number`.execute(trx)
}

/**
 * A line may be told with another day: announced on a Friday, booked on a Monday. When its reference and amount are
 * those of a line near by that no statement of account has placed yet, it is that one, or in doubt.
 */
async function followReferences(trx: Trx, { iban, complete, toldBy }: StagedStatement): Promise<void> {
  if (toldBy === 'csv') return
  await sql`
    with fresh as materialized (
      select number, ref, direction, units, booked_on from told_lines l
       where found = 'new' and ref is not null
         and not exists (select from told_lines again where again.ref = l.ref and again.number <> l.number)
    ), named as (
      select fresh.number, s.transaction_id as id from fresh join statement_lines s on s.iban = ${iban} and s.ref = fresh.ref
      union
      select fresh.number, r.transaction_id from fresh join bank_line_refs r on r.iban = ${iban} and r.ref = fresh.ref
      union
      select fresh.number, b.id from fresh join bank_transactions b on b.iban = ${iban} and b.bank_ref = fresh.ref
    ), near as (
      select distinct on (number) number, t.id
        from named join fresh using (number) join bank_transactions t on t.iban = ${iban} and t.id = named.id
       where t.direction = fresh.direction and t.units = fresh.units
         and t.booked_on <> fresh.booked_on and abs(t.booked_on - fresh.booked_on) <= ${REF_DAYS}::integer
         and not exists (select from told_lines taken where taken.known_id = t.id)
         and not exists (select from statement_lines s join statements using (import_id, position)
                          where s.iban = ${iban} and s.transaction_id = t.id and statements.complete)
       order by number, abs(t.booked_on - fresh.booked_on)
    ), once as (select distinct on (id) number, id from near order by id, number)
    update told_lines l
       set found = case when ${complete}::boolean then 'known' else 'doubt' end,
           known_id = case when ${complete}::boolean then once.id end,
           reason = case when not ${complete}::boolean then 'other_words' end
      from once where once.number = l.number`.execute(trx)
}

/**
 * A line that seems new, beside one of the port near midnight that a statement has placed on the other of its two days:
 * it may have been placed wrongly, and be this one, or be told here as another that is.
 */
async function holdSwapped(trx: Trx, { iban }: StagedStatement): Promise<void> {
  await sql`
    update told_lines l set found = 'doubt', reason = 'other_words'
     where found = 'new' and exists (
           select from bank_transactions t
            where t.iban = ${iban} and t.import_id is null and t.direction = l.direction and t.units = l.units
              and t.booked_on between l.booked_on - 1 and l.booked_on + 1
              and l.booked_on in ((t.booked_at at time zone 'UTC')::date, ${bankDay})
              and l.booked_on <> coalesce(
                    (select taken.booked_on from told_lines taken where taken.known_id = t.id),
                    (select t.booked_on from statement_lines s
                      where s.iban = t.iban and s.transaction_id = t.id limit 1)))`.execute(trx)
}

/**
 * Lines that seem new, on a day on which known lines of the same sum are not told: the same money may be told in other
 * pieces, such as a batch in one sum, or under other texts. They wait.
 */
async function holdSameSums(trx: Trx, { firstOn, lastOn }: StatementExtent): Promise<void> {
  await sql`
    with fresh as (
      select direction, booked_on as day, sum(units) as units from told_lines where found = 'new' group by 1, 2
    ), missing as (
      select direction, booked_on as day, sum(units) as units
        from (select distinct on (id) * from known_lines
               where apart = 'no' and booked_on between ${firstOn}::date and ${lastOn}::date) k
       where not exists (select from told_lines l where l.known_id = k.id) group by 1, 2)
    update told_lines l set found = 'doubt', reason = 'same_sum'
      from fresh join missing using (direction, day, units)
     where l.found = 'new' and l.direction = fresh.direction and l.booked_on = fresh.day`.execute(trx)
}

/** What tells of some lines of a day adds none to a day whose every line is known. */
async function holdToWholeDays(trx: Trx, { iban }: StagedStatement): Promise<void> {
  await sql`
    update told_lines l set found = 'doubt', reason = 'not_on_statement'
     where found = 'new' and exists (
           select from statements s where s.iban = ${iban} and l.booked_on between s.whole_from and s.whole_to)`.execute(
    trx,
  )
}
