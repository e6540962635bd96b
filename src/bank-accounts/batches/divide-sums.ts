import { sql } from 'kysely'
import type { App } from '../../app.ts'
import type { Db, Trx } from '../../db/database.ts'
import { recheckShort } from '../../effects/payout-store.ts'
import { bookSelected } from '../../ledger/book.ts'
import { type BookingNeeds, bookDoubts, closeDoubts, type Doubt } from '../book-doubts.ts'
import { knownNames, knownPrints, type WordsRow, wordsOf } from '../find-known-lines.ts'
import { type KnownLine, pairLines, type ToldLine } from '../pair-lines.ts'
import { bankOf, suspenseOf } from '../record-lines.ts'
import { DIVIDED } from './find-known-batches.ts'
import { isNamed, isUntouched, mayBePart, transfersOf } from './sum-names.ts'

interface Account {
  iban: string
  currency: string
}

/** A sum that nobody has touched, and the doubts that are all of its transfers. */
interface Division {
  sum: string
  doubts: string[]
}

/**
 * Divides sums whose transfers all wait in doubt under their name: the sum's money leaves suspense, and the transfers are
 * booked in its place. A sum that somebody has matched or paid back stays; so does one of whose transfers any may be in
 * the books already: then they wait for a person. Answers the ids of what was booked, and what to do after the commit.
 */
export async function divideSums(
  app: BookingNeeds,
  trx: Trx,
  account: Account,
): Promise<{ booked: string[]; after: () => void }> {
  const { rows: held } = await sql`
    select from bank_doubts where iban = ${account.iban} and state = 'open' and reason = 'batch' limit 1`.execute(
    trx,
  )
  const booked: string[] = []
  const afters: (() => void)[] = []
  const after = (): void => {
    for (const one of afters) one()
  }
  if (held.length === 0) return { booked, after }
  const taken = new Set<string>()
  const found = [...(await findEntries(trx, account.iban)), ...(await findNames(trx, account.iban))]
  for (const { sum, doubts } of found) {
    if (taken.has(sum) || doubts.some((id) => taken.has(id))) continue
    if (!(await lockSum(trx, account.iban, sum))) continue
    const rows = await trx
      .selectFrom('bankDoubts')
      .selectAll()
      .where('iban', '=', account.iban)
      .where('id', 'in', doubts)
      .orderBy('number')
      .execute()
    if (!(await areNew(app, trx, { sum, doubts: rows }))) continue
    afters.push(await divide(app, trx, account, { sum, doubts: rows }))
    for (const id of [sum, ...doubts]) taken.add(id)
    booked.push(...doubts)
  }
  return { booked, after }
}

/** Entries of several transfers that all wait, with a sum of the same day and amount that has their name. */
async function findEntries(trx: Trx, iban: string): Promise<Division[]> {
  const { rows } = await sql<Division>`
    select t.id as sum, waiting.ids as doubts
      from statement_batches b
     cross join lateral (
       select array_agg(d.id) as ids from bank_doubts d
        where d.import_id = b.import_id and d.position = b.position and d.number = any(b.numbers) and d.state = 'open') waiting
      join bank_transactions t
        on t.iban = b.iban and t.booked_on = b.booked_on and t.direction = b.direction and t.units = b.units
           and t.part_of is null and ${isUntouched} and ${isNamed(sql`b.refs`)}
     where b.iban = ${iban} and cardinality(b.numbers) > 1 and cardinality(waiting.ids) = cardinality(b.numbers)
       and b.booked_on in (select booked_on from bank_doubts where iban = ${iban} and state = 'open' and reason = 'batch')
     order by b.import_id, b.position, b.entry, t.booked_at, t.id`.execute(trx)
  return rows
}

/** Entries of one transfer each that all wait, with a sum that has the name of their batch and is what they come to. */
async function findNames(trx: Trx, iban: string): Promise<Division[]> {
  const { rows } = await sql<Division>`
    with singles as (
      select distinct d.id, d.booked_on, d.direction, d.units, r.ref, d.told_by, d.bank_ref, d.import_id, d.position
        from bank_doubts d
        join statement_batches b on b.import_id = d.import_id and b.position = d.position and b.entry = d.number
       cross join unnest(b.refs) r (ref)
       where d.iban = ${iban} and d.state = 'open' and d.reason = 'batch' and cardinality(b.numbers) = 1
         and not starts_with(r.ref, 'entry:')
    ), groups as (
      select booked_on, direction, ref, sum(units) as units, array_agg(id) as ids
        from singles group by booked_on, direction, ref
      having count(*) > 1
         -- Else one of them may be another, told by another source or under no name.
         and (count(distinct (import_id, position)) = 1
              or (count(distinct told_by) = 1 and count(distinct bank_ref) = count(*))))
    select t.id as sum, g.ids as doubts
      from groups g join bank_transactions t
        on t.iban = ${iban} and t.booked_on = g.booked_on and t.direction = g.direction and t.units = g.units
           and t.part_of is null and ${isUntouched} and ${isNamed(sql`array[g.ref]`)}
     order by g.booked_on, g.ref, t.booked_at, t.id`.execute(trx)
  return rows
}

/** Of a row `d` of doubts: the undivided lines `t` of the books that have the name of a sum that it is told to be part of. */
export const sumsOf = sql`
  select t.id from statement_batches b join bank_transactions t
      on t.iban = b.iban and t.booked_on = b.booked_on and t.direction = b.direction and t.part_of is null
         and t.state <> 'divided' and ${isNamed(sql`b.refs`)}
         and case when cardinality(b.numbers) > 1 then t.units = b.units
                  else t.units > b.units and ${mayBePart('b')} end
   where b.import_id = d.import_id and b.position = d.position and d.number = any(b.numbers)`

/** Whether a row `d` of doubts is told to be part of a sum that is in the books undivided. */
export const isPart = sql<boolean>`exists (${sumsOf})`

/** The lines of the sums that a doubt is told to be part of, each with of how many transfers it is told to be. */
export async function findSums(
  trx: Trx,
  { iban, id }: Pick<Doubt, 'iban' | 'id'>,
): Promise<{ id: string; transfers: number | null }[]> {
  const { rows } = await sql<{ id: string; transfers: number | null }>`
    select t.id, ${transfersOf} as transfers from bank_transactions t
     where t.iban = ${iban} and t.id in (
           select sums.id from bank_doubts d cross join lateral (${sumsOf}) sums
            where d.iban = ${iban} and d.id = ${id})
     order by t.id`.execute(trx)
  return rows
}

/**
 * The lines that a doubt may be a part of, for a person: those that are told to be its sum; else what is larger and moved
 * the same way that day, but for what its own statement told beside it. At most 20.
 */
export async function listSums(db: Db | Trx, { iban, id }: Pick<Doubt, 'iban' | 'id'>): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    with named as materialized (
      select sums.id from bank_doubts d cross join lateral (${sumsOf}) sums where d.iban = ${iban} and d.id = ${id})
    select id from named
    union
    select t.id from bank_doubts d join bank_transactions t
        on t.iban = d.iban and t.booked_on = d.booked_on and t.direction = d.direction and t.units > d.units
           and t.part_of is null and t.state <> 'divided'
     where d.iban = ${iban} and d.id = ${id} and not exists (select from named)
       and not exists (select from statement_lines s
                        where s.iban = t.iban and s.transaction_id = t.id and s.import_id = d.import_id
                          and s.position = d.position)
     order by id limit 20`.execute(db)
  return rows.map((row) => row.id)
}

/** Locks a sum that nobody has done anything with; false: somebody has. */
export async function lockSum(trx: Trx, iban: string, id: string): Promise<boolean> {
  const { rows } = await sql`
    select from bank_transactions t
     where t.iban = ${iban} and t.id = ${id} and ${isUntouched} for update`.execute(trx)
  return rows.length > 0
}

interface Row extends WordsRow {
  direction: string
  units: bigint
}

/** Whether no line of the books may be one of them but lines that a source told of beside the sum. */
export async function areNew(
  app: Pick<App, 'secrets'>,
  trx: Trx,
  { sum, doubts }: { sum: string; doubts: readonly Doubt[] },
): Promise<boolean> {
  const [{ iban, bookedOn, toldBy }] = doubts as [Doubt]
  const { rows } = await sql<Row & Pick<KnownLine, 'id' | 'names' | 'prints'>>`
    select t.id, t.direction, t.units, ${knownNames} as names, ${knownPrints} as prints, t.end_to_end_id, t.concept,
           encode(t.payer_index, 'hex') as payer, t.counterparty_sealed
      from bank_transactions t
     where t.iban = ${iban} and t.booked_on = ${bookedOn}::date and t.id <> ${sum} and t.part_of is null
       and t.state <> 'divided'
       and (t.direction, t.units) in (select * from unnest(${doubts.map(({ direction }) => direction)}::text[],
                                                           ${doubts.map(({ units }) => units.toString())}::numeric[]))
       and not exists (select from statement_lines own join statement_lines beside using (import_id, position)
                        where own.iban = t.iban and own.transaction_id = t.id
                          and beside.iban = t.iban and beside.transaction_id = ${sum})
     order by t.booked_at, t.id`.execute(trx)
  const known = Map.groupBy(rows, ({ direction, units }) => `${direction} ${units}`)
  for (const [key, group] of Map.groupBy(doubts, ({ direction, units }) => `${direction} ${units}`)) {
    const told = group.map((one, number): ToldLine => {
      const payer = one.payerIndex?.toString('hex') ?? null
      return {
        number,
        ref: one.bankRef,
        print: one.print.toString('hex'),
        ...wordsOf(app, { ...one, payer }),
      }
    })
    const lines = (known.get(key) ?? []).map(
      (row): KnownLine => ({ ...row, likely: true, ...wordsOf(app, row) }),
    )
    if (pairLines(told, lines, { toldBy, extent: 'partial' }).some(({ is }) => is !== 'new')) return false
  }
  return true
}

/** Puts transfers that wait in doubt in the place of their sum, which is locked. Answers what to do after the commit. */
export async function divide(
  app: BookingNeeds,
  trx: Trx,
  { iban, currency }: Account,
  { sum, doubts }: { sum: string; doubts: readonly Doubt[] },
): Promise<() => void> {
  const now = app.clock.now()
  // What came leaves suspense, and what the bank took comes back to it, as if the sum had never been.
  await bookSelected(
    trx,
    sql`select 'bank_line_divided' as kind, ${`bank-line:${iban}:`}::text || bank_ref || ':divided' as purpose,
               bank_ref as reference, ${now}::timestamptz as at,
               case direction when 'credit' then ${suspenseOf(iban)}::text else ${bankOf(iban)}::text end as debit,
               case direction when 'credit' then ${bankOf(iban)}::text else ${suspenseOf(iban)}::text end as credit,
               ${currency}::text as asset, units
          from bank_transactions where iban = ${iban} and id = ${sum}`,
  )
  await sql`
    with unproposed as (delete from bank_suggestions where iban = ${iban} and transaction_id = ${sum})
    update bank_transactions
       set state = 'divided', matched_units = units, match_reasons = ${JSON.stringify([DIVIDED])}::jsonb,
           match_score = null, due_at = null, lease_until = null
     where iban = ${iban} and id = ${sum}`.execute(trx)
  const ids = doubts.map(({ id }) => id)
  const after = await bookDoubts(app, trx, { iban, currency, ids, partOf: sum })
  await closeDoubts(trx, { iban, ids, state: 'new', now })
  if (doubts.some(({ direction }) => direction === 'credit')) await recheckShort(trx, [iban], now)
  return after
}
