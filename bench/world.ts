import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Db, openDatabase } from '../src/db/database.ts'
import { startEmbeddedPostgres } from '../src/db/embedded.ts'
import { loadConfig } from '../src/kernel/config.ts'
import { createSecrets, type Secrets } from '../src/kernel/secrets.ts'

export interface World {
  databaseUrl: string
  dataDir: string
  /** Where PostgreSQL's own files are. */
  postgresFolder: string
  env: Record<string, string>
  /** Straight into the database that the program uses, or that one, once the program has made its tables. */
  open(databaseUrl?: string): { db: Db; secrets: Secrets; close(): Promise<void> }
  stop(): Promise<void>
}

/** A real PostgreSQL of the benchmark's own, fsync on, and a data folder; both go when it stops. */
export async function openWorld(): Promise<World> {
  const dataDir = mkdtempSync(join(tmpdir(), 'cryptopocket-bench-'))
  const postgres = await startEmbeddedPostgres({ dataDir, log: () => {} })
  const env = { DATABASE_URL: postgres.url, DATA_DIR: dataDir, PORT: '0' }
  return {
    databaseUrl: postgres.url,
    dataDir,
    postgresFolder: postgres.folder,
    env,
    open(databaseUrl = postgres.url) {
      const { db } = openDatabase({
        url: databaseUrl,
        poolSize: 4,
        onPoolError(error) {
          throw error
        },
      })
      return { db, secrets: createSecrets(loadConfig(env).masterKey), close: () => db.destroy() }
    },
    async stop() {
      await postgres.stop()
      rmSync(dataDir, { recursive: true, force: true })
      rmSync(postgres.folder, { recursive: true, force: true })
    },
  }
}

/** A token of the sandbox's first integration. */
export async function authenticate(url: string): Promise<string> {
  const response = await fetch(`${url}/api/authenticate`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ api_key: 'sandbox-key', api_secret: 'sandbox-secret' }),
  })
  return ((await response.json()) as { data: { token: string } }).data.token
}
