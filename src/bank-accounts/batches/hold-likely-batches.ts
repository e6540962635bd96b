import { sql } from 'kysely'
import type { Trx } from '../../db/database.ts'
import type { StagedStatement } from '../settle-statement.ts'
import { mayMake } from './may-make.ts'
import { mayBePart, transfersOf } from './sum-names.ts'

/**
 * Lines that no name proves to be a known sum's transfers, or known transfers' sum, but whose day, sum and number fit:
 * they wait. What a message of the same kind told of as another line is another. Looked for before words are compared:
 * these may take a transfer for the line of a like amount beside its sum.
 */
export async function holdFitting(trx: Trx, statement: StagedStatement): Promise<void> {
  await holdEntries(trx, statement)
  await holdSumsOfEntries(trx, statement)
}

/** The same of what seems new when words were compared: of sums and lines that say how many transfers there are. */
export async function holdLikelyBatches(trx: Trx, statement: StagedStatement): Promise<void> {
  await holdSums(trx, statement)
  await holdSingles(trx, statement)
  await holdMarked(trx, statement)
}

const kindOf = sql`coalesce(substring(i.format from '^camt\\.[0-9]+'), i.format)`

/** Of the row `t`: a message of this kind told of it. */
const toldByKind = (toldBy: string) => sql`
  exists (select from statement_lines s join statement_imports i on i.id = s.import_id
           where s.iban = t.iban and s.transaction_id = t.id and ${kindOf} = ${toldBy}::text)`

/** Of the rows `t` and `l`: this statement tells of it by its reference. */
const isToldHere = (iban: string) => sql`
  exists (select from told_lines told join statement_lines s on s.iban = ${iban} and s.ref = told.ref
           where s.transaction_id = t.id and told.direction = t.direction and told.units = t.units)`

/** Transfers of one entry, of which a known line may be the sum. One that names its payer is one transfer. */
async function holdEntries(trx: Trx, { iban, toldBy }: StagedStatement): Promise<void> {
  await sql`
    update told_lines l set found = 'doubt', reason = 'batch', settled = true
      from told_batches g
     where cardinality(g.numbers) > 1 and l.number = any(g.numbers) and not l.settled
       and not exists (select from told_lines told join statement_lines s on s.iban = ${iban} and s.ref = told.ref
                        where told.number = any(g.numbers))
       and exists (select from bank_transactions t
                    where t.iban = ${iban} and t.booked_on = g.booked_on and t.direction = g.direction and t.units = g.units
                      and t.part_of is null and t.state <> 'divided' and not ${toldByKind(toldBy)}
                      and case when ${transfersOf} is null then t.payer_index is null and t.end_to_end_id is null
                               else ${transfersOf} = cardinality(g.numbers) end
                      and not ${isToldHere(iban)})`.execute(trx)
}

/** Lines that may be the sum of transfers that one entry told and this statement doesn't. */
async function holdSumsOfEntries(trx: Trx, { iban, toldBy }: StagedStatement): Promise<void> {
  await sql`
    with fitting as (
      select l.number, s.transaction_id as id
        from told_lines l
        join statement_batches b on b.iban = ${iban} and b.booked_on = l.booked_on and b.direction = l.direction
                                and b.units = l.units and cardinality(b.numbers) > 1
        join statement_imports i on i.id = b.import_id
        join statement_lines s on s.import_id = b.import_id and s.position = b.position and s.number = any(b.numbers)
        join bank_transactions t on t.iban = s.iban and t.id = s.transaction_id
       where not l.settled and t.part_of is null
         and coalesce((select g.transfers from told_batches g where g.entry = l.number and cardinality(g.numbers) = 1),
                      case when l.payer_index is null and l.end_to_end_id is null then cardinality(b.numbers) end)
             = cardinality(b.numbers)
         and (l.ref is null or ${kindOf} <> ${toldBy}::text)
         and not exists (select from told_batches g where cardinality(g.numbers) > 1 and l.number = any(g.numbers))
         -- One that is known as such is no sum.
         and not exists (select from statement_lines own join bank_transactions o on o.iban = own.iban and o.id = own.transaction_id
                          where own.iban = ${iban} and own.ref = l.ref and o.units = l.units and o.direction = l.direction)
         and not ${isToldHere(iban)}
    ), held as (
      update told_lines l set found = 'doubt', reason = 'batch', settled = true
        from (select distinct number from fitting) f where l.number = f.number)
    insert into told_by_sum (id, sure) select distinct id, false from fitting on conflict do nothing`.execute(
    trx,
  )
}

interface Sum {
  number: number
  bookedOn: string
  direction: string
  units: bigint
  transfers: number
}

/** Sums of so many transfers, of which known lines that the statement doesn't tell of may be those. */
async function holdSums(trx: Trx, { iban, toldBy, complete }: StagedStatement): Promise<void> {
  const { rows: sums } = await sql<Sum>`
    select l.number, l.booked_on, l.direction, l.units, g.transfers
      from told_batches g join told_lines l on l.number = g.entry
     where cardinality(g.numbers) = 1 and g.transfers > 1 and l.found = 'new'
       and exists (select from known_lines k where k.day = l.booked_on and k.direction = l.direction and k.units < l.units)
     order by l.number`.execute(trx)
  const held: number[] = []
  for (const { number, bookedOn, direction, units, transfers } of sums) {
    const { rows } = await sql<{ units: bigint; left: boolean }>`
      select t.units, not exists (select from told_lines told where told.known_id = t.id) as left from bank_transactions t
       where t.iban = ${iban} and t.id in (
             select id from known_lines k
              where k.day = ${bookedOn}::date and k.direction = ${direction} and k.units < ${units.toString()}::numeric
                and not k.divided and k.part_of is null and k.apart <> 'surely')
         and not ${toldByKind(toldBy)}
         -- By words alone a transfer may have been taken for a line beside its sum.
         and not ${isToldHere(iban)}`.execute(trx)
    const isUntold = complete && rows.some(({ left }) => left)
    if (isUntold || mayMake(rows, { units, count: transfers })) held.push(number)
  }
  if (held.length === 0) return
  await sql`
    update told_lines set found = 'doubt', reason = 'batch' where number = any(${held}::integer[])`.execute(
    trx,
  )
}

/** Transfers that name a batch that is not known, of which a line without a payer may be the sum. */
async function holdMarked(trx: Trx, { iban, toldBy }: StagedStatement): Promise<void> {
  await sql`
    update told_lines l set found = 'doubt', reason = 'batch'
      from told_batches g
     where g.entry = l.number and cardinality(g.numbers) = 1 and ${mayBePart('g')} and cardinality(g.refs) > 0
       and l.found = 'new'
       and exists (select from bank_transactions t
                    where t.iban = ${iban} and t.booked_on = l.booked_on and t.direction = l.direction and t.units > l.units
                      and t.part_of is null and t.state <> 'divided' and t.payer_index is null and t.end_to_end_id is null
                      and not ${toldByKind(toldBy)}
                      and not exists (select from told_lines told where told.known_id = t.id))`.execute(trx)
}

/** Transfers that may be those of a known sum, as many as it says that it has. */
async function holdSingles(trx: Trx, { iban, toldBy, complete }: StagedStatement): Promise<void> {
  const { rows: sums } = await sql<Omit<Sum, 'number'>>`
    select distinct t.booked_on, t.direction, t.units, said.transfers
      from statement_batches said
      join statement_lines s on s.import_id = said.import_id and s.position = said.position and s.number = said.entry
      join bank_transactions t on t.iban = s.iban and t.id = s.transaction_id
     where said.iban = ${iban} and cardinality(said.numbers) = 1 and said.transfers > 1
       and t.booked_on between (select min(booked_on) from told_lines) and (select max(booked_on) from told_lines)
       and t.state <> 'divided' and t.part_of is null and not ${toldByKind(toldBy)}
       and not exists (select from told_lines told where told.known_id = t.id)`.execute(trx)
  for (const { bookedOn, direction, units, transfers } of sums) {
    const { rows } = await sql<{ number: number; units: bigint }>`
      select number, units from told_lines
       where found = 'new' and booked_on = ${bookedOn}::date and direction = ${direction}
         and units < ${units.toString()}::numeric`.execute(trx)
    if (rows.length === 0 || (complete && !mayMake(rows, { units, count: transfers }))) continue
    await sql`
      update told_lines set found = 'doubt', reason = 'batch'
       where number = any(${rows.map(({ number }) => number)}::integer[])`.execute(trx)
  }
}
