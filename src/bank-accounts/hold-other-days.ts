import { sql } from 'kysely'
import type { App } from '../app.ts'
import type { Trx } from '../db/database.ts'
import type { BankLine } from '../providers/bank/port.ts'
import {
  areOthers,
  type ComparedWords,
  comparedWords,
  contradiction,
  isCutFrom,
  isPartOf,
  type LineWords,
  payersReference,
} from './compare-words.ts'
import { type WordsRow, wordsOf } from './find-known-lines.ts'
import { payerIndex } from './record-lines.ts'
import type { StagedStatement } from './settle-statement.ts'
import type { StatementExtent } from './statement-extent.ts'

/** Over a weekend a bank books on the Monday what it announced on the Friday. */
const DAYS = 3
/** Told lines that are compared at a time. */
const CHUNK = 2_000
/**
 * Of lines that have a number or a key in common, so many are compared with one told line: a payment's number is that of
 * few, and what is that of many, such as a year, tells nothing.
 */
const MOST_ALIKE = 10
/** How surely the least sure ones are one, after `DISPLACED`. */
const LAST = 4
/** The same of those whose place another line took. */
const DISPLACED = 3

interface Told extends WordsRow {
  number: number
  ref: string | null
  valueDate: string
  /** The known line of its day for which it was taken; null: it seems new. */
  takenFor: { endToEndId: string | null; concept: string; byRef: boolean } | null
}

interface Near extends WordsRow {
  id: string
  /** The told line that it may be. */
  number: number
  valueDate: string
  /** A message of this kind gave it a reference. */
  named: boolean
  /** Statements of account that tell of it: place among `Whole`. */
  statements: string[]
}

/**
 * Lines that seem new and agree with a known line of a day near by, of which this statement doesn't tell: sources give one
 * transfer days of their own. They wait, unless statements of account prove by their days or balances that both moved.
 * By their payer's reference lines agree; by payer and a text with a number where also the value date is the same, or one
 * of them is on a statement of account, which holds its days whole and would have to tell of the other.
 */
export async function holdOtherDays(
  app: Pick<App, 'secrets'>,
  trx: Trx,
  statement: StagedStatement,
  { firstOn, lastOn }: Pick<StatementExtent, 'firstOn' | 'lastOn'>,
): Promise<void> {
  if (firstOn === null || lastOn === null) return
  if (!(await loadKeys(trx, statement.iban, { firstOn, lastOn }))) return
  const isApart = await findProofs(trx, statement, { firstOn, lastOn })
  const pairs: (Pair & { strength: number })[] = []
  const strays: Pair[] = []
  for (let after = 0; ; ) {
    const told = await loadTold(trx, statement.iban, after)
    if (told.length === 0) break
    after = told.at(-1)!.number
    const near = Map.groupBy(await loadNear(trx, statement, told), ({ number }) => number)
    for (const line of told) {
      for (const one of near.get(line.number) ?? []) {
        const strength = agreement(app, statement, { ...line, ...wordsOf(app, line) }, one)
        if (strength === null || isApart(one)) continue
        if (line.takenFor === null) pairs.push({ number: line.number, id: one.id, strength })
        else if (!isSurely(app, line)) strays.push({ number: line.number, id: one.id })
      }
    }
  }
  pairs.push(...(await findDisplaced(trx, strays)).map((pair) => ({ ...pair, strength: DISPLACED })))
  const held = assign(pairs.toSorted((one, other) => one.strength - other.strength))
  await sql`
    update told_lines set found = 'doubt', reason = 'other_day' where number = any(${[...held]}::integer[])`.execute(
    trx,
  )
}

/** A told line and a known line that it may be. */
interface Pair {
  number: number
  id: string
}

/** Whether a told line says of itself that it is the known line of its day for which it was taken. */
function isSurely(app: Pick<App, 'secrets'>, { takenFor, ...line }: Told): boolean {
  const [a, b] = [comparedWords(wordsOf(app, line)), comparedWords(wordsOf(app, { ...line, ...takenFor! }))]
  return takenFor!.byRef || (a.endToEndId !== null && a.endToEndId === b.endToEndId) || haveTextInCommon(a, b)
}

/** Of lines that were taken for others of their day and may be of another: those that are new, as these took their place. */
async function findDisplaced(trx: Trx, strays: readonly Pair[]): Promise<Pair[]> {
  if (strays.length === 0) return []
  const { rows } = await sql<Pair>`
    select distinct l.number, stray.id
      from unnest(${strays.map(({ number }) => number)}::integer[], ${strays.map(({ id }) => id)}::text[]) stray (number, id)
      join told_lines m on m.number = stray.number
      join told_lines l on l.direction = m.direction and l.units = m.units and l.booked_on = m.booked_on
     where l.found = 'new' order by l.number, stray.id`.execute(trx)
  return rows
}

/**
 * The told lines that may be known ones, as many as can be: each known line is one of them at most, and whichever told
 * line it is given to, the others may be others.
 */
function assign(pairs: readonly Pair[]): Set<number> {
  const used = new Map<string, number>()
  const ofLine = Map.groupBy(pairs, ({ number }) => number)
  const give = (number: number, tried: Set<string>): boolean =>
    (ofLine.get(number) ?? []).some(({ id }) => {
      if (tried.has(id)) return false
      tried.add(id)
      const taker = used.get(id)
      if (taker !== undefined && !give(taker, tried)) return false
      used.set(id, number)
      return true
    })
  return new Set([...ofLine.keys()].filter((number) => give(number, new Set())))
}

/** How surely two lines of different days are one, the surest first; null when they needn't be. */
function agreement(
  app: Pick<App, 'secrets'>,
  { toldBy, complete }: Pick<StagedStatement, 'toldBy' | 'complete'>,
  told: LineWords & Pick<Told, 'ref' | 'valueDate'>,
  one: Near,
): number | null {
  // A message of one kind names its lines: another reference is another line.
  if (told.ref !== null && one.named && toldBy !== 'csv') return null
  const [a, b] = [comparedWords(told), comparedWords(wordsOf(app, one))]
  const contradicts = contradiction(a, b)
  if (contradicts === 'clear') return null
  const isOther = areOthers(a, b)
  // What names somebody else takes no line's place that names this one.
  if (a.endToEndId !== null && b.endToEndId !== null && isCutFrom(a.endToEndId, b.endToEndId))
    return isOther ? LAST : 0
  if (contradicts !== 'none' || isOther || !haveTextInCommon(a, b)) return null
  if (told.valueDate === one.valueDate) return 1
  return complete || one.statements.length > 0 ? 2 : null
}

const haveTextInCommon = (a: ComparedWords, b: ComparedWords): boolean =>
  a.numbers.some((number) => b.numbers.includes(number)) && isPartOf(a.concept, b.concept)

/** Of a row `l` of lines: the keys by which lines are looked for that may be the same. */
const keys = sql`
  select 'key ' || said.reference as key
    from (select regexp_replace(upper(coalesce(l.end_to_end_id, '')), '[^A-Z0-9]', '', 'g') as reference) said
   where said.reference not in ('', 'NOTPROVIDED', 'NOTPROVIDE', 'NONREF', 'NOREF', 'NONE')
  union all
  -- Formats cut it.
  select 'cut ' || left(said.reference, 10)
    from (select regexp_replace(upper(coalesce(l.end_to_end_id, '')), '[^A-Z0-9]', '', 'g') as reference) said
   where length(said.reference) >= 10 and said.reference <> 'NOTPROVIDED'
  union all
  select 'number ' || ltrim(found[1], '0') from regexp_matches(l.concept, '\\d{4,}', 'g') found`

/** Gathers the known lines near by that no line of the statement is, by their keys. False when there are none. */
async function loadKeys(
  trx: Trx,
  iban: string,
  { firstOn, lastOn }: { firstOn: string; lastOn: string },
): Promise<boolean> {
  const { rows: near } = await sql`
    select from bank_transactions t
     where t.iban = ${iban} and t.booked_on between ${firstOn}::date - ${DAYS}::integer and ${lastOn}::date + ${DAYS}::integer
       and exists (select from told_lines where found = 'new') limit 1`.execute(trx)
  if (near.length === 0) return false
  await sql`delete from near_keys`.execute(trx)
  await sql`
    insert into near_keys
    select l.id, l.direction, l.units, l.booked_on, keys.key
      from bank_transactions l cross join lateral (${keys}) keys
     where l.iban = ${iban} and l.state <> 'divided'
       and l.booked_on between ${firstOn}::date - ${DAYS}::integer and ${lastOn}::date + ${DAYS}::integer
       and (l.direction, l.units) in (select direction, units from told_lines where found = 'new')
       and not exists (select from told_lines told where told.known_id = l.id)`.execute(trx)
  await sql`analyze near_keys`.execute(trx)
  return true
}

/** What seems new, and what was taken for known lines beside it. */
async function loadTold(trx: Trx, iban: string, after: number): Promise<Told[]> {
  const { rows } = await sql<Told>`
    select l.number, l.ref, l.value_date, l.end_to_end_id, l.concept, encode(l.payer_index, 'hex') as payer,
           l.counterparty_sealed,
           case when l.found = 'known' then jsonb_build_object(
             'endToEndId', t.end_to_end_id, 'concept', t.concept,
             'byRef', exists (select from statement_lines s
                               where s.iban = t.iban and s.transaction_id = t.id and s.ref = l.ref)) end as taken_for
      from told_lines l left join bank_transactions t on t.iban = ${iban} and t.id = l.known_id
     where (l.found = 'new' or (l.found = 'known' and not l.settled
              and (l.direction, l.units, l.booked_on) in (select direction, units, booked_on from told_lines where found = 'new')))
       and l.number > ${after}::integer
     order by l.number limit ${CHUNK}`.execute(trx)
  return rows
}

async function loadNear(trx: Trx, { iban, toldBy }: StagedStatement, told: readonly Told[]): Promise<Near[]> {
  const { rows } = await sql<Near>`
    with found as materialized (
      select distinct l.number, near.id
        from told_lines l cross join lateral (${keys}) keys
       cross join lateral (
         select k.id from near_keys k
          where k.direction = l.direction and k.units = l.units and k.key = keys.key and k.booked_on <> l.booked_on
            and abs(k.booked_on - l.booked_on) <= ${DAYS}::integer
          limit ${MOST_ALIKE}) near
       where l.number = any(${told.map(({ number }) => number)}::integer[]))
    select t.id, found.number, t.value_date, t.end_to_end_id, t.concept, encode(t.payer_index, 'hex') as payer,
           t.counterparty_sealed,
           exists (select from statement_lines s join statement_imports i on i.id = s.import_id
                    where s.iban = t.iban and s.transaction_id = t.id and s.ref is not null
                      and coalesce(substring(i.format from '^camt\\.[0-9]+'), i.format) = ${toldBy}::text) as named,
           array(select s.import_id || '/' || s.position from statement_lines s join statements using (import_id, position)
                  where s.iban = t.iban and s.transaction_id = t.id and statements.complete) as statements
      from found join bank_transactions t on t.iban = ${iban} and t.id = found.id
     order by found.number, t.booked_on, t.id`.execute(trx)
  return rows
}

/** A statement of account near by. */
interface Statement {
  name: string
  toldBy: string
  fromOn: string
  toOn: string
  openingUnits: bigint | null
  closingUnits: bigint | null
}

/**
 * Whether what a statement of account tells is other money than what this one tells: they are of one source and of other
 * days; or the balances lead from one to the other. A balance that came back to what it was leads nowhere.
 */
async function findProofs(
  trx: Trx,
  { iban, toldBy, complete, openingUnits, closingUnits, importId, position }: StagedStatement,
  { firstOn, lastOn }: { firstOn: string; lastOn: string },
): Promise<(one: Near) => boolean> {
  if (!complete) return () => false
  const { rows } = await sql<Statement>`
    select import_id || '/' || position as name, coalesce(substring(format from '^camt\\.[0-9]+'), format) as told_by, from_on,
           to_on, opening_units, closing_units
      from statements join statement_imports on id = import_id
     where iban = ${iban} and complete and (import_id, position) <> (${importId}, ${position}::integer)
       and to_on >= ${firstOn}::date - ${DAYS}::integer and from_on <= ${lastOn}::date + ${DAYS}::integer`.execute(
    trx,
  )
  const own: Statement = { name: '', toldBy, fromOn: firstOn, toOn: lastOn, openingUnits, closingUnits }
  const apart = new Set(
    rows
      .filter((one) => one.toldBy === toldBy && (one.toOn < firstOn || one.fromOn > lastOn))
      .map(({ name }) => name),
  )
  const linked = [
    ...reach(own, rows, (from, to) => follows(to, from)),
    ...reach(own, rows, (from, to) => follows(from, to)),
  ]
  for (const one of linked) if (one.openingUnits !== openingUnits) apart.add(one.name)
  return ({ statements }) => statements.some((name) => apart.has(name))
}

const follows = (earlier: Statement, later: Statement): boolean =>
  earlier.closingUnits !== null && earlier.closingUnits === later.openingUnits && earlier.toOn <= later.fromOn

/** All that is reached from a statement step by step. */
function reach(
  own: Statement,
  all: readonly Statement[],
  isNext: (from: Statement, to: Statement) => boolean,
): Statement[] {
  const found: Statement[] = []
  let left = [...all]
  for (let at: Statement | undefined = own; at; at = found[found.indexOf(at) + 1]) {
    const from: Statement = at
    found.push(...left.filter((one) => isNext(from, one)))
    left = left.filter((one) => !isNext(from, one))
  }
  return found
}

/**
 * Of new lines of the bank's port those that agree so with a line that statements told under a day near by, and the port
 * didn't: their places among these.
 */
export async function findOtherDays(
  app: Pick<App, 'secrets'>,
  trx: Trx,
  lines: readonly BankLine[],
): Promise<Set<number>> {
  if (lines.length === 0) return new Set()
  const { rows } = await sql<Near>`
    with given as (
      select place::integer - 1 as number, iban, ref, direction, units, (booked_at at time zone 'UTC')::date as day,
             concept, end_to_end_id
        from unnest(${lines.map(({ iban }) => iban)}::text[], ${lines.map(({ ref }) => ref)}::text[],
                    ${lines.map(({ direction }) => direction)}::text[],
                    ${lines.map(({ units }) => units.toString())}::numeric[],
                    ${lines.map(({ bookedAt }) => bookedAt)}::timestamptz[], ${lines.map(({ concept }) => concept)}::text[],
                    ${lines.map(({ endToEndId }) => endToEndId)}::text[])
             with ordinality given (iban, ref, direction, units, booked_at, concept, end_to_end_id, place)
    ), told as (
      select l.*, array(${keys}) as keys from given l
       where exists (select from statements s where s.iban = l.iban)
         and not exists (select from bank_transactions t where t.iban = l.iban and t.bank_ref = l.ref))
    select near.*, told.number, false as named,
           array(select s.import_id || '/' || s.position from statement_lines s join statements using (import_id, position)
                  where s.iban = told.iban and s.transaction_id = near.id and statements.complete) as statements
      from told cross join lateral (
        select l.id, l.value_date, l.end_to_end_id, l.concept, encode(l.payer_index, 'hex') as payer, l.counterparty_sealed
          from bank_transactions l
         where l.iban = told.iban and l.direction = told.direction and l.units = told.units and l.state <> 'divided'
           and l.booked_on between told.day - ${DAYS}::integer and told.day + ${DAYS}::integer
           and l.import_id is not null and array(${keys}) && told.keys
           and not exists (select from bank_line_refs r where r.iban = l.iban and r.transaction_id = l.id)
         order by abs(l.booked_on - told.day), l.id limit ${MOST_ALIKE}) near
     order by told.number`.execute(trx)
  const pairs = rows.flatMap((one) => {
    const line = lines[one.number]!
    const told = {
      ...line,
      endToEndId: payersReference(line.endToEndId),
      payer: payerIndex(app.secrets, line.counterpartyIban)?.toString('hex') ?? null,
      name: () => line.counterpartyName,
    }
    const strength = agreement(app, { toldBy: 'port', complete: false }, told, one)
    return strength === null ? [] : [{ number: one.number, id: `${line.iban} ${one.id}`, strength }]
  })
  return assign(pairs.toSorted((one, other) => one.strength - other.strength))
}
