import { sql } from 'kysely'
import type { App } from '../../app.ts'
import type { Trx } from '../../db/database.ts'
import { knownNames, knownPrints, type WordsRow, wordsOf } from '../find-known-lines.ts'
import { type Finding, type KnownLine, pairLines, type ToldLine } from '../pair-lines.ts'
import type { StagedStatement } from '../settle-statement.ts'

interface Same {
  /** Of the staged statement. */
  entry: number
  numbers: number[]
  /** The lines of the books that an earlier entry of the same name is. */
  ids: string[]
}

/**
 * Transfers of an entry whose name and sum an entry of another message had, of which the transfers are in the books:
 * they are these. Where they come in other pieces all of them wait: the money is known.
 */
export async function findToldParts(
  app: Pick<App, 'secrets'>,
  trx: Trx,
  statement: StagedStatement,
): Promise<void> {
  const { rows } = await sql<Same>`
    select g.entry, g.numbers, parts.ids
      from told_batches g
      join statement_batches b on b.iban = ${statement.iban} and b.booked_on = g.booked_on
                              and b.direction = g.direction and b.units = g.units and b.refs && g.refs
     cross join lateral (
       select array_agg(s.transaction_id order by s.number) as ids from statement_lines s
        where s.import_id = b.import_id and s.position = b.position and s.number = any(b.numbers)) parts
     where cardinality(g.numbers) > 1 and cardinality(b.numbers) > 1 and cardinality(parts.ids) = cardinality(b.numbers)
     order by g.entry, b.import_id, b.position, b.entry`.execute(trx)
  const taken = new Set<string>()
  for (const candidates of Map.groupBy(rows, ({ entry }) => entry).values()) {
    const free = candidates.filter(({ ids }) => !taken.has(ids.toSorted()[0]!))
    const [first] = free
    if (!first) continue
    const pairings = []
    for (const { ids, numbers } of free) {
      const findings = await pairAll(app, trx, statement, { numbers, ids })
      pairings.push({ ids, findings, open: findings.filter(({ is }) => is !== 'known').length })
    }
    const best = pairings.toSorted((a, b) => a.open - b.open)[0]!
    taken.add(best.ids.toSorted()[0]!)
    await record(trx, best.findings)
  }
}

interface Row extends WordsRow {
  direction: string
  units: bigint
}

async function pairAll(
  app: Pick<App, 'secrets'>,
  trx: Trx,
  { iban, toldBy }: StagedStatement,
  { numbers, ids }: { numbers: number[]; ids: string[] },
): Promise<Finding[]> {
  const { rows: lines } = await sql<Row & { number: number; ref: string | null; print: string }>`
    select number, direction, units, ref, encode(print, 'hex') as print, end_to_end_id, concept,
           encode(payer_index, 'hex') as payer, counterparty_sealed
      from told_lines where number = any(${numbers}::integer[]) order by number`.execute(trx)
  const { rows: known } = await sql<Row & Pick<KnownLine, 'id' | 'names' | 'prints'>>`
    select t.id, t.direction, t.units, ${knownNames} as names, ${knownPrints} as prints, t.end_to_end_id, t.concept,
           encode(t.payer_index, 'hex') as payer, t.counterparty_sealed
      from bank_transactions t where t.iban = ${iban} and t.id = any(${ids}::text[]) order by t.booked_at, t.id`.execute(
    trx,
  )
  const keyOf = ({ direction, units }: Row): string => `${direction} ${units}`
  const byKey = Map.groupBy(known, keyOf)
  return [...Map.groupBy(lines, keyOf)].flatMap(([key, group]) =>
    pairLines(
      group.map((row): ToldLine => ({ ...row, ...wordsOf(app, row) })),
      (byKey.get(key) ?? []).map((row): KnownLine => ({ ...row, likely: true, ...wordsOf(app, row) })),
      { toldBy, extent: 'whole' },
    ),
  )
}

async function record(trx: Trx, findings: readonly Finding[]): Promise<void> {
  const isKnown = findings.every(({ is }) => is === 'known')
  await sql`
    update told_lines l set settled = true, found = ${isKnown ? 'known' : 'doubt'}, known_id = given.known_id,
                            reason = ${isKnown ? null : 'batch'}
      from unnest(${findings.map(({ number }) => number)}::integer[],
                  ${findings.map((one) => (isKnown && one.is === 'known' ? one.id : null))}::text[]) given (number, known_id)
     where l.number = given.number and not settled`.execute(trx)
}
