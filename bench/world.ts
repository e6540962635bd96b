import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startEmbeddedPostgres } from '../src/db/embedded.ts'

/** A real PostgreSQL of the benchmark's own, fsync on, and a data folder; both go when it stops. */
export async function openWorld(): Promise<{
  databaseUrl: string
  dataDir: string
  env: Record<string, string>
  stop(): Promise<void>
}> {
  const dataDir = mkdtempSync(join(tmpdir(), 'cryptopocket-bench-'))
  const postgres = await startEmbeddedPostgres({ dataDir, log: () => {} })
  return {
    databaseUrl: postgres.url,
    dataDir,
    env: { DATABASE_URL: postgres.url, DATA_DIR: dataDir, PORT: '0' },
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
