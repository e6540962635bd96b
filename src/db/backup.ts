import { createHash, type Hash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { type Duplex, pipeline as joined, Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip, createGzip } from 'node:zlib'
import pg from 'pg'
import { from as copyFrom, to as copyTo } from 'pg-copy-streams'
import { migrate } from './migrate.ts'

/**
 * A backup is one gzip file that this program reads on any machine and PostgreSQL: a line of JSON (`Manifest`), then
 * per table its rows as `COPY` text, each chunk behind its length, and at the end the SHA-256 of all before it.
 * What is sealed stays sealed: a backup is worth nothing without the MASTER_KEY, which is not in it.
 */
export interface Manifest {
  format: 'cryptopocket-backup'
  version: 1
  at: string
  migrations: string[]
  tables: { name: string; columns: string[] }[]
  sequences: { name: string; value: string }[]
}

/** Thrown with a message made to be shown: the file isn't a whole backup, or the database isn't free for it. */
export class BackupError extends Error {}

/** PostgreSQL schemas that hold the platform's tables. */
const SCHEMAS = ['public', 'simulated']

/** Writes one consistent state of the whole database, while it is in use. The file appears only when it is whole. */
export async function backup(
  url: string,
  file: string,
  at: Date,
): Promise<{ tables: number; bytes: number }> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query('begin transaction isolation level repeatable read read only')
    const manifest = await describe(client, at)
    const unfinished = `${file}.unfinished`
    let bytes = 0
    async function* content(): AsyncGenerator<Buffer> {
      const hash = createHash('sha256')
      for await (const chunk of frames(client, manifest)) {
        hash.update(chunk)
        bytes += chunk.length
        yield chunk
      }
      yield hash.digest()
    }
    try {
      await pipeline(
        Readable.from(content()),
        createGzip(),
        createWriteStream(unfinished, { mode: 0o600, flush: true }),
      )
      await rename(unfinished, file)
    } finally {
      // There only when something failed.
      await rm(unfinished, { force: true })
    }
    return { tables: manifest.tables.length, bytes }
  } finally {
    await client.end()
  }
}

async function describe(client: pg.Client, at: Date): Promise<Manifest> {
  const migrations = await client.query('select name from migrations order by name')
  return {
    format: 'cryptopocket-backup',
    version: 1,
    at: at.toISOString(),
    migrations: migrations.rows.map((row) => row.name),
    tables: await listTables(client),
    sequences: await listSequences(client),
  }
}

/** Tables in an order in which each comes after those it refers to: by a foreign key, or by a trigger that is given their names. */
async function listTables(client: pg.Client): Promise<Manifest['tables']> {
  const { rows } = await client.query<{ name: string; columns: string[]; needs: string[] }>(
    `select format('%I.%I', n.nspname, c.relname) as name,
       -- A transaction id means nothing in another cluster: the restoring transaction's own takes its place.
       (select array_agg(attname::text order by attnum) from pg_attribute
         where attrelid = c.oid and attnum > 0 and not attisdropped and attgenerated = '' and atttypid <> 'xid8'::regtype) as columns,
       array(select format('%I.%I', fn.nspname, f.relname) from pg_constraint k join pg_class f on f.oid = k.confrelid
               join pg_namespace fn on fn.oid = f.relnamespace where k.conrelid = c.oid and k.contype = 'f' and f.oid <> c.oid
             union
             select format('%I.%I', n.nspname, given) from pg_trigger, string_to_array(encode(tgargs, 'escape'), '\\000') args, unnest(args) given
              where tgrelid = c.oid and not tgisinternal and given <> '') as needs
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relkind = 'r' and n.nspname = any($1) and c.relname <> 'migrations' order by 1`,
    [SCHEMAS],
  )
  const ordered: Manifest['tables'] = []
  const placed = new Set<string>()
  while (ordered.length < rows.length) {
    const free = rows.filter(
      (table) => !placed.has(table.name) && table.needs.every((need) => placed.has(need)),
    )
    if (free.length === 0)
      throw new BackupError('Tables refer to each other in a circle; they have no order to be restored in.')
    for (const { name, columns } of free) {
      placed.add(name)
      ordered.push({ name, columns })
    }
  }
  return ordered
}

async function listSequences(client: pg.Client): Promise<Manifest['sequences']> {
  const { rows } = await client.query<{ name: string; value: string | null }>(
    `select format('%I.%I', schemaname, sequencename) as name, last_value::text as value from pg_sequences
     where schemaname = any($1) order by 1`,
    [SCHEMAS],
  )
  return rows.flatMap(({ name, value }) => (value === null ? [] : [{ name, value }]))
}

async function* frames(client: pg.Client, manifest: Manifest): AsyncGenerator<Buffer> {
  yield Buffer.from(`${JSON.stringify(manifest)}\n`)
  for (const { name, columns } of manifest.tables) {
    const rows = client.query(
      copyTo(`copy ${name} (${columns.map(pg.escapeIdentifier).join(', ')}) to stdout`),
    )
    for await (const chunk of rows as AsyncIterable<Buffer>) yield* [lengthOf(chunk.length), chunk]
    yield lengthOf(0)
  }
}

function lengthOf(bytes: number): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes)
  return length
}

/**
 * Loads a backup into the database, all or nothing. Refuses a database that holds integrations unless `replace`,
 * which empties it first, and a backup made by a newer version of the program.
 */
export async function restore(
  url: string,
  file: string,
  { replace }: { replace: boolean },
): Promise<Manifest> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await verifyFile(file)
    await makeRoom(client, replace)
    await migrate(url)
    await client.query('begin')
    const manifest = await load(client, file)
    await client.query('commit')
    return manifest
  } finally {
    // Ending the connection rolls back what was not committed.
    await client.end()
  }
}

async function makeRoom(client: pg.Client, replace: boolean): Promise<void> {
  const { rows } = await client.query(`select to_regclass('public.integrations') is not null as migrated`)
  const used = rows[0].migrated && (await client.query('select 1 from integrations limit 1')).rows.length > 0
  if (used && !replace) {
    throw new BackupError(
      'The database is in use. Restore into an empty one, or give --replace to empty it first.',
    )
  }
  if (!used && !rows[0].migrated) return
  await client.query(
    'drop schema if exists simulated cascade; drop schema public cascade; create schema public',
  )
}

/** What the file holds; whoever reads it is thrown what fails, also where the file itself can't be read. */
const unpack = (file: string): AsyncIterable<Buffer> =>
  joined(createReadStream(file), createGunzip(), () => {}) as Duplex as AsyncIterable<Buffer>

/** Reads the whole file once before anything is touched: a cut or changed backup replaces nothing. */
async function verifyFile(file: string): Promise<void> {
  const hash = createHash('sha256')
  let tail: Buffer = Buffer.alloc(0)
  try {
    for await (const chunk of unpack(file)) {
      const bytes = Buffer.concat([tail, chunk])
      hash.update(bytes.subarray(0, Math.max(0, bytes.length - 32)))
      tail = bytes.subarray(Math.max(0, bytes.length - 32))
    }
  } catch (error) {
    throw new BackupError(`${file} is not a whole backup: ${(error as Error).message}.`)
  }
  if (!endsWith(hash, tail)) throw new BackupError(`${file} was cut or changed: its check sum is wrong.`)
}

const endsWith = (hash: Hash, tail: Buffer): boolean => hash.digest().equals(tail)

async function load(client: pg.Client, file: string): Promise<Manifest> {
  const input = unpack(file)[Symbol.asyncIterator]()
  let buffered: Buffer = Buffer.alloc(0)
  async function more(): Promise<void> {
    const next = await input.next()
    if (next.done) throw new BackupError(`${file} ends too early.`)
    buffered = Buffer.concat([buffered, next.value])
  }
  async function take(bytes: number): Promise<Buffer> {
    while (buffered.length < bytes) await more()
    const taken = buffered.subarray(0, bytes)
    buffered = buffered.subarray(bytes)
    return taken
  }
  while (!buffered.includes(10)) await more()
  const manifest = readManifest((await take(buffered.indexOf(10) + 1)).toString('utf8'), file)
  await refuseNewer(client, manifest)
  async function* rows(): AsyncGenerator<Buffer> {
    for (let length = (await take(4)).readUInt32BE(); length > 0; length = (await take(4)).readUInt32BE())
      yield await take(length)
  }
  for (const { name, columns } of manifest.tables) {
    const into = client.query(
      copyFrom(`copy ${name} (${columns.map(pg.escapeIdentifier).join(', ')}) from stdin`),
    )
    await pipeline(Readable.from(rows()), into)
  }
  for (const { name, value } of manifest.sequences)
    await client.query('select setval($1::regclass, $2::bigint)', [name, value])
  await skipDepositIndexes(client)
  return manifest
}

/** Far more addresses than can be given out between a backup and its restoring; there are two thousand million. */
const SKIPPED_INDEXES = 1_000_000

/**
 * The backup doesn't know which deposit addresses were given out after it was made. None of them may be given to another
 * sale, as coins may still come there. The second in each address's key sees to that; going on far beyond does so even
 * where clocks are wrong.
 */
async function skipDepositIndexes(client: pg.Client): Promise<void> {
  await client.query(`select setval('deposit_indexes', nextval('deposit_indexes') + $1::bigint)`, [
    SKIPPED_INDEXES,
  ])
}

function readManifest(line: string, file: string): Manifest {
  const manifest = JSON.parse(line) as Manifest
  if (manifest.format !== 'cryptopocket-backup' || manifest.version !== 1)
    throw new BackupError(`${file} is not a backup that this version reads.`)
  return manifest
}

async function refuseNewer(client: pg.Client, manifest: Manifest): Promise<void> {
  const known = new Set((await client.query('select name from migrations')).rows.map((row) => row.name))
  const newer = manifest.migrations.filter((name) => !known.has(name))
  if (newer.length > 0)
    throw new BackupError(
      `The backup was made by a newer version: it has ${newer.join(', ')}. Restore it with that version.`,
    )
}
