import { type RawBuilder, sql } from 'kysely'
import type { Db, Trx } from '../db/database.ts'
import type { JournalText, LineText } from './seal-hash.ts'

type Row = Omit<JournalText, 'lines'> & { [Field in keyof LineText]: LineText[Field] | null }

/** Reads journals with their entries as they are hashed, ordered by id. `ids` is a subquery or list in brackets. */
export async function readJournalTexts(db: Db | Trx, ids: RawBuilder<unknown>): Promise<JournalText[]> {
  const { rows } = await sql<Row>`
    select j.id, j.kind, j.purpose, j.integration_id, j.reference,
           (extract(epoch from j.at) * 1000000)::bigint::text as at_micros, p.line, p.account, p.asset, p.units::text
      from journals j left join postings p on p.journal_id = j.id
     where j.id in ${ids}
     order by j.id, p.line`.execute(db)
  const journals = new Map<number, JournalText & { lines: LineText[] }>()
  for (const { line, account, asset, units, ...journal } of rows) {
    const known = journals.get(journal.id) ?? { ...journal, lines: [] }
    journals.set(journal.id, known)
    if (line !== null) known.lines.push({ line, account: account!, asset: asset!, units: units! })
  }
  return [...journals.values()]
}
