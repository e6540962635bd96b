import { sql } from 'kysely'
import type { App } from '../app.ts'
import { recordAudit } from '../common/integration-store.ts'
import { type Change, RefusedOperation } from '../effects/operate-effects.ts'
import { readKeptStatement } from './kept-statement.ts'
import type { StatementFinding } from './settle-statement.ts'

export interface ImportSummary {
  id: string
  createdAt: Date
  fileName: string
  format: string
  source: string
  importedBy: string
  lines: number
  /** Of these, how many nobody had told of before. */
  added: number
  /** How many things a person should know of its statements. */
  warnings: number
}

const LISTED = 200

/** Newest first. */
export async function listImports({ db }: Pick<App, 'db'>): Promise<ImportSummary[]> {
  const { rows } = await sql<ImportSummary>`
    select id, created_at, file_name, format, source, imported_by, lines, added,
           (select coalesce(sum(jsonb_array_length(findings)), 0)::int from statements where import_id = id) as warnings
      from statement_imports order by created_at desc, id limit ${LISTED}`.execute(db)
  return rows
}

export interface ImportDetails {
  storageKey: string
  fileName: string
  format: string
  statements: {
    iban: string
    currency: string
    fromOn: string | null
    toOn: string | null
    lines: number
    added: number
    doubts: number
    findings: StatementFinding[]
  }[]
}

/** Throws `RefusedOperation` when there is none. */
export async function getImport({ db }: Pick<App, 'db'>, id: string): Promise<ImportDetails> {
  const found = await db
    .selectFrom('statementImports')
    .select(['storageKey', 'fileName', 'format'])
    .where('id', '=', id)
    .executeTakeFirst()
  if (!found) throw new RefusedOperation(`There is no import ${id}. "bank imports" lists them.`)
  const statements = await db
    .selectFrom('statements')
    .select(['iban', 'currency', 'fromOn', 'toOn', 'lines', 'added', 'doubts', 'findings'])
    .where('importId', '=', id)
    .orderBy('position')
    .execute()
  return { ...found, statements }
}

/** The file as it came, which is recorded: it holds personal data. Throws `RefusedOperation` when there is none. */
export async function openImportedFile(
  app: Pick<App, 'db' | 'clock' | 'secrets' | 'providers'>,
  id: string,
  { who, why }: Change,
): Promise<AsyncGenerator<Buffer>> {
  const { storageKey, fileName } = await getImport(app, id)
  await app.db.transaction().execute((trx) =>
    recordAudit(trx, app.clock.now(), {
      who,
      why,
      action: 'statement.read',
      target: `statement-import:${id}`,
      after: { fileName },
    }),
  )
  return readKeptStatement(app, storageKey)
}
