import { mkdir, realpath, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { EmbeddedDatabaseError, findBinaries } from './embedded-binaries.ts'
import {
  chooseRunAs,
  keepFirstPlace,
  keepPlace,
  makePlace,
  readPlace,
  SYSTEM_FOLDERS,
} from './embedded-place.ts'
import {
  DATABASE_USER,
  ensureRunning,
  initialise,
  type ServerOptions,
  stopServer,
} from './embedded-server.ts'

export { EmbeddedDatabaseError }

/** One program at a time on a data folder; the number means nothing. */
const LOCK = 7_264_000

export interface EmbeddedPostgresOptions {
  /** The program's data folder; PostgreSQL's files go below it where its user can reach that. */
  dataDir: string
  /** Told what a person should know: where things lie, that a server was restarted. */
  log: (message: string) => void
  /** Told what is being done when it takes a while. */
  onProgress?: (step: string) => void
  /** Whether to hold the folder for this process alone (the default), or to share the server with other processes. */
  exclusive?: boolean
  /** Override single server settings (a test run does without fsync). */
  settings?: Record<string, string>
  /** Where root may put what PostgreSQL's user can't reach in the data folder. */
  systemFolders?: string[]
}

export interface EmbeddedPostgres {
  /** Of the database `cryptopocket`. */
  url: string
  /** Whether the server ran already: left over from a killed process, or another's. */
  adopted: boolean
  /** Where PostgreSQL's files are; the address is kept in `postgres.json` of the data folder. */
  folder: string
  /** Gives the folder free and stops the server in order, unless another program holds the folder by now. */
  stop(): Promise<void>
  /** Gives the folder free and leaves the server running, to be adopted by the next start. */
  release(): Promise<void>
}

/**
 * Starts a PostgreSQL of our own with real durability, on a loopback port, protected by a password. It is a
 * process of its own: it survives our being killed and is adopted by the next start. Should it die while we
 * run, it is started again under the same address.
 *
 * Throws `EmbeddedDatabaseError`, its message made to be shown.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const server = await prepareServer(options)
  let running = await startOn(server)
  const adopted = running.adopted
  await createDatabase(server.place.password, running.port)
  const url = addressOf(server.place.password, running.port, 'cryptopocket')
  let holder: pg.Client | undefined
  let released = false

  const hold = async (): Promise<void> => {
    holder = await takeLock(url, options.dataDir)
    holder.once('end', () => {
      if (!released) void recover()
    })
  }
  /** The connection that holds the folder broke: the server died or restarted. */
  const recover = async (): Promise<void> => {
    for (let attempt = 1; !released; attempt++) {
      try {
        const again = await ensureRunning(server)
        if (!again.adopted) options.log('The embedded PostgreSQL had died and was started again.')
        if (again.port !== running.port) {
          options.log(
            `The embedded PostgreSQL came back on port ${again.port} instead of ${running.port}; restart the program.`,
          )
        }
        running = again
        if (!released) await hold()
        return
      } catch (error) {
        options.log(
          `The embedded PostgreSQL is gone and didn't come back (attempt ${attempt}): ${(error as Error).message}`,
        )
        await delay(Math.min(attempt, 10) * 1000, undefined, { ref: false })
      }
    }
  }
  const release = async (): Promise<void> => {
    released = true
    await holder?.end()
  }

  if (options.exclusive ?? true) await hold()
  return {
    url,
    adopted,
    folder: server.place.folder,
    release,
    async stop() {
      await release()
      // A program may have begun on the server that we started to share.
      if (!(await holderOf(url))) await stopServer(server)
    },
  }
}

/** Finds user, programs and folder; makes the database's files when there are none. */
async function prepareServer(options: EmbeddedPostgresOptions): Promise<ServerOptions & { dataDir: string }> {
  const { log, onProgress, settings, systemFolders = SYSTEM_FOLDERS } = options
  await mkdir(options.dataDir, { recursive: true, mode: 0o700 })
  const dataDir = await realpath(options.dataDir)
  const kept = await readPlace(dataDir)
  const runAs = await chooseRunAs(dataDir, kept)
  const binaries = await findBinaries(runAs, systemFolders, log)
  // The password is kept before the first server knows it, or a kill in between would lock us out.
  const place = kept ?? (await keepFirstPlace(dataDir, await makePlace(dataDir, runAs, systemFolders, log)))
  const server = {
    dataDir,
    place,
    binaries,
    runAs,
    settings,
    logFile: join(dataDir, 'log', 'postgresql.log'),
  }
  const exists = (await stat(join(place.folder, 'data', 'PG_VERSION')).catch(() => undefined)) !== undefined
  if (exists) return server
  if (place.made) {
    throw new EmbeddedDatabaseError(
      `The database of ${dataDir} was kept in ${place.folder}, and isn't there any more.`,
      `Bring that folder back, or delete ${dataDir} to begin anew.`,
    )
  }
  onProgress?.('Making the database')
  await mkdir(place.folder, { recursive: true, mode: 0o700 })
  await initialise(server)
  return server
}

async function startOn(
  server: ServerOptions & { dataDir: string },
): Promise<{ port: number; adopted: boolean }> {
  const running = await ensureRunning(server)
  if (running.port !== server.place.port || !server.place.made) {
    Object.assign(server.place, { port: running.port, made: true })
    await keepPlace(server.dataDir, server.place)
  }
  return running
}

const addressOf = (password: string, port: number, database: string): string =>
  `postgres://${DATABASE_USER}:${password}@127.0.0.1:${port}/${database}`

async function createDatabase(password: string, port: number): Promise<void> {
  const client = new pg.Client({ connectionString: addressOf(password, port, 'postgres') })
  await client.connect()
  try {
    const { rowCount } = await client.query("select from pg_database where datname = 'cryptopocket'")
    if (rowCount === 0) await client.query('create database cryptopocket')
  } catch (error) {
    // Another start made it in this moment.
    if (!['42P04', '23505'].includes((error as pg.DatabaseError).code ?? '')) throw error
  } finally {
    await client.end()
  }
}

/**
 * Holds the folder for as long as the connection lives: PostgreSQL gives the lock free when our process dies, however
 * it dies. A process just killed may hold it for a moment longer.
 */
async function takeLock(url: string, dataDir: string): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString: url,
    application_name: `cryptopocket ${process.pid}`,
    keepAlive: true,
  })
  // What breaks the connection also ends it, and the end is what the owner listens for.
  client.on('error', () => {})
  await client.connect()
  for (let attempt = 0; attempt < 20; attempt++) {
    const { rows } = await client.query('select pg_try_advisory_lock($1) as held', [LOCK])
    if (rows[0].held) return client
    await delay(100)
  }
  await client.end()
  const holder = await holderOf(url)
  const pid = /\d+$/.exec(holder ?? '')?.[0]
  throw new EmbeddedDatabaseError(
    `Another CryptoPocket${pid ? ` (process ${pid})` : ''} is running on the data folder ${dataDir}.`,
    'Stop it first, or give this one a folder and a port of its own with DATA_DIR and PORT.',
  )
}

/** The name under which another program holds the folder, if one does. Nobody does on a server that is down. */
async function holderOf(url: string): Promise<string | undefined> {
  const client = new pg.Client({ connectionString: url })
  try {
    await client.connect()
    const { rows } = await client.query(
      `select application_name from pg_locks join pg_stat_activity using (pid)
       where locktype = 'advisory' and classid = 0 and objid = $1 and granted and application_name <> $2 limit 1`,
      [LOCK, `cryptopocket ${process.pid}`],
    )
    return rows[0]?.application_name
  } catch (error) {
    if (['ECONNREFUSED', 'ECONNRESET', '57P01', '57P03'].includes((error as pg.DatabaseError).code ?? ''))
      return undefined
    throw error
  } finally {
    await client.end()
  }
}
