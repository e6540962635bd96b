import { sql } from 'kysely'
import type { App } from '../app.ts'
import type { Db } from '../db/database.ts'
import type { Lane } from '../kernel/lanes.ts'
import type { KeptFile } from '../providers/storage/storage.ts'

/** Nobody waits for it, and to go through all files costs something. */
const POLL_MS = 6 * 3_600_000
const BATCH = 500
/** A file is written a moment before its row is committed; this is far more than any of our calls may take. */
const GRACE_MS = 86_400_000

type Needs = Pick<App, 'db' | 'log' | 'providers'>

/**
 * Removes stored files that no document and no imported statement points to: a process died between storing a file and committing its row,
 * or between deleting the row and removing the file. Also those whose customer was forgotten: the key that opens them
 * is gone. It goes by real time, as the storage does: moving the sandbox's clock makes no file old.
 */
export function storedFileLane(app: Needs): Lane {
  let sweep: AsyncIterator<KeptFile> | undefined
  let before: Date | undefined
  return {
    name: 'stored-files',
    pollMs: POLL_MS,
    /** Looks at one batch; answers 0 only at the end of a sweep, so that a sweep goes on at once. */
    async step() {
      try {
        if (!before) {
          before = await findOldEnough(app.db)
          await app.providers.storage.removeDrafts(before)
        }
        sweep ??= app.providers.storage.list()[Symbol.asyncIterator]()
        const { looked, keys, ended } = await takeOld(sweep, before)
        await removeOrphans(app, keys)
        if (!ended) return looked
      } catch (error) {
        await endSweep()
        throw error
      }
      await endSweep()
      return 0
    },
    // It follows no platform time: nothing that happens later is different for it.
    nextDue: async () => null,
    stop: endSweep,
  }

  /** The next step begins anew. */
  async function endSweep(): Promise<void> {
    const open = sweep
    sweep = undefined
    before = undefined
    await open?.return?.()
  }
}

/**
 * Files written before this real time have their row, if they ever get one: a day before the oldest transaction that
 * is open anywhere on this database, as one of those may yet commit the row of a file that it found written.
 */
async function findOldEnough(db: Db): Promise<Date> {
  const { rows } = await sql<{ oldest: Date }>`
    select least(clock_timestamp(), (
      select min(xact_start) from pg_stat_activity
       where datname = current_database() and pid <> pg_backend_pid())) as oldest`.execute(db)
  const [row] = rows
  if (!row) throw new Error('The database did not tell its time.')
  return new Date(row.oldest.getTime() - GRACE_MS)
}

/** The old ones among the next files of a sweep; `ended` when there are no more. */
async function takeOld(
  sweep: AsyncIterator<KeptFile>,
  before: Date,
): Promise<{ looked: number; keys: string[]; ended: boolean }> {
  const keys: string[] = []
  for (let looked = 0; looked < BATCH; looked += 1) {
    const { done, value } = await sweep.next()
    if (done) return { looked, keys, ended: true }
    if (value.writtenAt < before) keys.push(value.key)
  }
  return { looked: BATCH, keys, ended: false }
}

async function removeOrphans({ db, log, providers }: Needs, keys: readonly string[]): Promise<void> {
  // Another's file under a name of another kind is left alone.
  const documents = keys.flatMap((key) => {
    const [, integrationId] = /^documents\/(\d{1,9})\//.exec(key) ?? []
    return integrationId === undefined ? [] : [{ key, integrationId: Number(integrationId) }]
  })
  const needed = documents.length > 0 ? await findNeeded(db, documents) : new Set<string>()
  const orphans = [
    ...documents.filter(({ key }) => !needed.has(key)),
    ...(await findStrayStatements(db, keys)),
    ...(await findStrayOrders(db, keys)),
  ]
  for (const { key } of orphans) await providers.storage.remove(key)
  if (orphans.length > 0) log.info({ count: orphans.length }, 'Stored files that nobody needs were removed.')
}

/** Those that a document points to whose customer can still be read. */
async function findNeeded(
  db: Db,
  files: readonly { key: string; integrationId: number }[],
): Promise<Set<string>> {
  const integrations = files.map(({ integrationId }) => integrationId)
  const keys = files.map(({ key }) => key)
  const { rows } = await sql<{ storageKey: string }>`
    select d.storage_key
      from unnest(${integrations}::integer[], ${keys}::text[]) as file (integration_id, storage_key)
      join documents d on d.integration_id = file.integration_id and d.storage_key = file.storage_key
      join customers c on c.integration_id = d.integration_id and c.id = d.customer_id
     where c.key_wrapped is not null`.execute(db)
  return new Set(rows.map(({ storageKey }) => storageKey))
}

/** Pieces of statement files that were never imported. */
async function findStrayStatements(db: Db, keys: readonly string[]): Promise<{ key: string }[]> {
  const pieces = keys.flatMap((key) => {
    const [, storageKey] = /^(statements\/[^/]+)\/\d+$/.exec(key) ?? []
    return storageKey === undefined ? [] : [{ key, storageKey }]
  })
  if (pieces.length === 0) return []
  const { rows } = await sql<{ storageKey: string }>`
    select storage_key from statement_imports
     where storage_key = any(${[...new Set(pieces.map(({ storageKey }) => storageKey))]}::text[])`.execute(db)
  const needed = new Set(rows.map(({ storageKey }) => storageKey))
  return pieces.filter(({ storageKey }) => !needed.has(storageKey))
}

/** Files of orders that took none: they were never given out. */
async function findStrayOrders(db: Db, keys: readonly string[]): Promise<{ key: string }[]> {
  const files = keys.filter((key) => /^order-files\/[^/]+$/.test(key))
  if (files.length === 0) return []
  const { rows } = await sql<{ key: string }>`
    select key from unnest(${files}::text[]) key
     where not exists (select from order_files f where f.storage_key = key)`.execute(db)
  return rows
}
