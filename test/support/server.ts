import { mkdirSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/db/embedded.ts'

/** Many test files at once, each with a pool or two; and no test cuts the machine's power. */
const SETTINGS = {
  max_connections: '300',
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  autovacuum_naptime: '10min',
}

/** The environment variable by which `test/run.ts` tells the test files of the server it started. */
export const SERVER_VARIABLE = 'TEST_DATABASE_SERVER'

/** PostgreSQL for one run of the tests, in a folder of its own; the caller stops it. */
export function startRunServer(dataDir: string, log: (message: string) => void): Promise<EmbeddedPostgres> {
  return startEmbeddedPostgres({ dataDir, log, settings: SETTINGS, exclusive: false })
}

let shared: Promise<string> | undefined

/**
 * The address of the server that tests make their databases on: the run's, or, when a test file is run by itself,
 * one below the system's temporary folder, which is started when needed and left running for the next time.
 */
export function testServerUrl(): Promise<string> {
  const given = process.env[SERVER_VARIABLE]
  if (given) return Promise.resolve(given)
  shared ??= startShared()
  return shared
}

async function startShared(): Promise<string> {
  const uid = process.getuid?.() ?? 0
  const dataDir = join(tmpdir(), `cryptopocket-test-${uid}`)
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  // The temporary folder is everybody's: somebody else may have been there first.
  if (process.getuid && statSync(dataDir).uid !== uid) throw new Error(`${dataDir} belongs to another user.`)
  const server = await startRunServer(dataDir, (message) => process.stderr.write(`${message}\n`))
  return server.url
}
