import { sql } from 'kysely'
import type { App } from '../../app.ts'
import type { Trx } from '../../db/database.ts'
import type { StagedStatement } from '../settle-statement.ts'
import { findToldParts } from './find-told-parts.ts'
import { holdFitting } from './hold-likely-batches.ts'
import { isNamed, mayBePart, maybeSum } from './sum-names.ts'
import { gatherBatches } from './told-batches.ts'

/** How the reason of a line begins that is a sum, and its transfers are lines of their own. */
export const DIVIDED = 'divided'

/**
 * Finds sums whose transfers are known, and transfers whose sum is: by names that mean the same in every message. The
 * sum of known transfers is known. Known transfers that come again with their sum's name are known. New ones wait in
 * doubt until their sum was divided, see divide-sums.ts. What is found here is `settled`: no other rule looks at it.
 */
export async function findKnownBatches(
  app: Pick<App, 'secrets' | 'clock'>,
  trx: Trx,
  statement: StagedStatement,
): Promise<void> {
  await gatherBatches(trx)
  const { rows } = await sql<{ told: boolean; known: boolean }>`
    select exists (select from told_batches) as told,
           exists (select from statement_batches b
                    where b.iban = ${statement.iban}
                      and b.booked_on between (select min(booked_on) from told_lines)
                                          and (select max(booked_on) from told_lines)) as known`.execute(trx)
  const { told, known } = rows[0]!
  if (known) await findSums(app, trx, statement)
  if (known && told) await findToldParts(app, trx, statement)
  if (told) await holdParts(trx, statement)
  if (told || known) await holdFitting(trx, statement)
}

/** Transfers in the books that a line of the statement is the sum of, by its name. */
interface KnownParts {
  number: number
  /** In order. */
  ids: string[]
  /** They are all that there are of it. */
  whole: boolean
  /** The lines of their sums; null: of none. */
  sums: (string | null)[]
}

async function findSums({ clock }: Pick<App, 'clock'>, trx: Trx, statement: StagedStatement): Promise<void> {
  const found = Map.groupBy(
    [...(await findByEntry(trx, statement)), ...(await findByName(trx, statement))],
    ({ number }) => number,
  )
  if (found.size === 0) return
  const beside = await findToldHere(trx, statement)
  const taken = new Set<string>()
  const made: { number: number; ids: string[] }[] = []
  const again: { number: number; id: string }[] = []
  const doubted: number[] = []
  const partly = new Set<string>()
  for (const [number, all] of found) {
    // What the statement tells of beside the sum was taken for one of its transfers wrongly.
    const candidates = all.map((one) =>
      one.sums[0] === null && one.ids.some((id) => beside.has(id)) ? { ...one, whole: false } : one,
    )
    const free = candidates.filter(({ ids, sums }) => !taken.has(sums[0] ?? ids[0]!))
    const known = free.find(({ sums }) => sums.length === 1 && sums[0] !== null)
    const parts = free.find(({ whole, sums }) => whole && sums.length === 1 && sums[0] === null)
    if (known) again.push({ number, id: known.sums[0]! })
    else if (parts) made.push({ number, ids: parts.ids })
    else if (free.length > 0 || candidates.some(({ whole }) => !whole)) {
      doubted.push(number)
      for (const { ids } of candidates) for (const id of ids) if (!beside.has(id)) partly.add(id)
    }
    const chosen = known ?? parts ?? free[0]
    if (chosen) taken.add(chosen.sums[0] ?? chosen.ids[0]!)
  }
  await settleAs(trx, again)
  await holdAll(trx, doubted)
  await markParts(trx, [...partly])
  await recordSums(trx, statement, made, clock.now())
}

/** Lines of the books that the statement tells of by their reference. */
async function findToldHere(trx: Trx, { iban }: StagedStatement): Promise<Set<string>> {
  const { rows } = await sql<{ id: string }>`
    select distinct t.id
      from told_lines l join statement_lines s on s.iban = ${iban} and s.ref = l.ref
      join bank_transactions t on t.iban = s.iban and t.id = s.transaction_id
                              and t.direction = l.direction and t.units = l.units`.execute(trx)
  return new Set(rows.map(({ id }) => id))
}

/** The statement tells of these by their sum, so that no line of it is one of them. */
async function markParts(trx: Trx, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return
  await sql`
    insert into told_by_sum (id, sure) select id, true from unnest(${[...ids]}::text[]) id on conflict do nothing`.execute(
    trx,
  )
}

/** By an entry that told several transfers. */
async function findByEntry(trx: Trx, { iban }: StagedStatement): Promise<KnownParts[]> {
  const { rows } = await sql<KnownParts>`
    select l.number, parts.ids, parts.booked = cardinality(b.numbers) as whole, parts.sums
      from statement_batches b
      join told_lines l on l.direction = b.direction and l.units = b.units and l.booked_on = b.booked_on
      left join told_batches t on t.entry = l.number and cardinality(t.numbers) = 1
     cross join lateral (
       select array_agg(distinct p.id) as ids, count(*) as booked, array_agg(distinct p.part_of) as sums
         from statement_lines s join bank_transactions p on p.iban = s.iban and p.id = s.transaction_id
        where s.import_id = b.import_id and s.position = b.position and s.number = any(b.numbers)) parts
     where b.iban = ${iban} and cardinality(b.numbers) > 1 and parts.booked > 0
       and b.booked_on between (select min(booked_on) from told_lines) and (select max(booked_on) from told_lines)
       and b.refs && (coalesce(t.refs, '{}') || case when l.ref is null then '{}' else array['entry:' || l.ref] end)
     order by l.number, whole desc, b.import_id, b.position, b.entry`.execute(trx)
  return rows
}

/** By entries of one transfer each that name the same batch. One that is of several transfers is a sum itself. */
async function findByName(trx: Trx, { iban }: StagedStatement): Promise<KnownParts[]> {
  const { rows } = await sql<KnownParts>`
    with parts as (
      select distinct l.number, r.ref, p.id, p.units, p.part_of, l.units as sum
        from told_batches t
        join told_lines l on l.number = t.entry and cardinality(t.numbers) = 1 and ${maybeSum('t')}
       cross join unnest(t.refs) r (ref)
        join statement_batches b on b.iban = ${iban} and b.booked_on = l.booked_on and b.direction = l.direction
                                and cardinality(b.numbers) = 1 and b.units < l.units and ${mayBePart('b')}
                                and r.ref = any(b.refs)
        join statement_lines s on s.import_id = b.import_id and s.position = b.position and s.number = b.entry
        join bank_transactions p on p.iban = s.iban and p.id = s.transaction_id
       where not starts_with(r.ref, 'entry:'))
    select number, array_agg(id order by id) as ids, sum(units) = min(sum) and count(*) > 1 as whole,
           array_agg(distinct part_of) as sums
      from parts group by number, ref order by number, ref`.execute(trx)
  return rows
}

async function settleAs(trx: Trx, lines: readonly { number: number; id: string }[]): Promise<void> {
  if (lines.length === 0) return
  await sql`
    update told_lines l set found = 'known', known_id = given.id, settled = true
      from unnest(${lines.map(({ number }) => number)}::integer[], ${lines.map(({ id }) => id)}::text[]) given (number, id)
     where l.number = given.number`.execute(trx)
}

async function holdAll(trx: Trx, numbers: readonly number[]): Promise<void> {
  if (numbers.length === 0) return
  await sql`
    update told_lines set found = 'doubt', reason = 'batch', settled = true
     where number = any(${[...numbers]}::integer[]) and not settled`.execute(trx)
}

/** A sum whose transfers are booked is a line that moves nothing: it is there to be known again. */
async function recordSums(
  trx: Trx,
  { importId, position, iban, currency }: StagedStatement,
  sums: readonly { number: number; ids: string[] }[],
  now: Date,
): Promise<void> {
  if (sums.length === 0) return
  const numbers = sums.map(({ number }) => number)
  const parts = sums.flatMap(({ number, ids }) => ids.map((id) => ({ number, id })))
  await sql`
    insert into bank_transactions (iban, id, bank_ref, booked_at, booked_on, value_date, direction, units, matched_units,
                                   currency, counterparty_sealed, payer_index, concept, end_to_end_id, import_id,
                                   import_line, state, match_reasons, created_at)
    select ${iban}, id, ${importId}::text || '/' || ${position}::integer || '/' || number, booked_at, booked_on, value_date,
           direction, units, units, ${currency}, counterparty_sealed, payer_index, concept, end_to_end_id, ${importId},
           import_line, 'divided', ${JSON.stringify([DIVIDED])}::jsonb, ${now}
      from told_lines where number = any(${numbers}::integer[])`.execute(trx)
  await sql`
    update bank_transactions t set part_of = l.id
      from unnest(${parts.map(({ number }) => number)}::integer[], ${parts.map(({ id }) => id)}::text[]) given (number, id)
      join told_lines l using (number)
     where t.iban = ${iban} and t.id = given.id`.execute(trx)
  await sql`
    update told_lines set found = 'known', known_id = id, settled = true where number = any(${numbers}::integer[])`.execute(
    trx,
  )
}

/** Transfers of a known sum wait: each sum for those of one entry, and for all that name its batch singly. */
async function holdParts(trx: Trx, { iban }: StagedStatement): Promise<void> {
  const { rows } = await sql<{ entry: number; id: string; numbers: number[]; single: boolean }>`
    select g.entry, t.id, g.numbers, cardinality(g.numbers) = 1 as single
      from told_batches g join bank_transactions t
        on t.iban = ${iban} and t.booked_on = g.booked_on and t.direction = g.direction and t.part_of is null
           and t.state <> 'divided'
           and case when cardinality(g.numbers) > 1 then t.units = g.units
                    else t.units > g.units and ${mayBePart('g')} end
           and case when cardinality(g.numbers) > 1 then ${isNamed(sql`g.refs`)}
                    else ${isNamed(sql`array(select ref from unnest(g.refs) ref where not starts_with(ref, 'entry:'))`)} end
     where not exists (select from told_lines l where l.number = any(g.numbers) and l.settled)
       -- A source tells of no money twice: what tells of the sum tells of other money beside it.
       and not exists (select from told_lines l
                        where l.direction = t.direction and l.units = t.units and l.booked_on = t.booked_on
                          and exists (select from statement_lines s
                                       where s.iban = t.iban and s.transaction_id = t.id and s.ref = l.ref))
     order by g.entry, t.booked_at, t.id`.execute(trx)
  const taken = new Set<string>()
  const held: number[] = []
  for (const candidates of Map.groupBy(rows, ({ entry }) => entry).values()) {
    const sum = candidates.find(({ id, single }) => single || !taken.has(id))
    if (!sum) continue
    if (!sum.single) taken.add(sum.id)
    held.push(...sum.numbers)
  }
  await holdAll(trx, held)
}
