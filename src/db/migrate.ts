import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'

const FOLDER = join(import.meta.dirname, 'migrations')
/** One migration at a time, however many processes start at once. */
const LOCK = 7_264_001

/**
 * Brings the database forward: each file of `migrations/` once, in the order of its number, each in one
 * transaction. There is no way back; a mistake is mended by a further migration.
 */
export async function migrate(url: string): Promise<{ applied: string[] }> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query('select pg_advisory_lock($1)', [LOCK])
    await client.query(
      'create table if not exists migrations (name text primary key, applied_at timestamptz not null default clock_timestamp())',
    )
    const known = new Set((await client.query('select name from migrations')).rows.map((row) => row.name))
    const files = readdirSync(FOLDER)
      .filter((name) => name.endsWith('.sql'))
      .sort()
    for (const name of known) {
      if (!files.includes(name))
        throw new Error(
          `The database was migrated by a newer version of this program: it has ${name}. Start that version or a newer one.`,
        )
    }
    const applied = files.filter((name) => !known.has(name))
    for (const name of applied) await apply(client, name)
    return { applied }
  } finally {
    await client.end()
  }
}

async function apply(client: pg.Client, name: string): Promise<void> {
  await client.query('begin')
  try {
    await client.query(readFileSync(join(FOLDER, name), 'utf8'))
    await client.query('insert into migrations (name) values ($1)', [name])
    await client.query('commit')
  } catch (error) {
    await client.query('rollback')
    throw new Error(`Migration ${name} failed; the database is as it was before it.`, { cause: error })
  }
}
