import { execFile } from 'node:child_process'
import { join } from 'node:path'
import type { TestApp } from './app.ts'
import { NO_CHAINS } from './hot-wallets.ts'

const MAIN = join(import.meta.dirname, '../../src/cli/main.ts')

/** Runs an operator's command on the platform's own database and data. `text` is all that it prints. */
export function runCommand(
  { app, config }: Pick<TestApp, 'app' | 'config'>,
  ...args: string[]
): Promise<{ code: number; text: string }> {
  const env = {
    ...process.env,
    ...NO_CHAINS,
    DATABASE_URL: app.pool.options.connectionString,
    DATA_DIR: config.dataDir,
  }
  return new Promise((resolve) => {
    execFile(process.execPath, [MAIN, ...args], { env }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, text: stdout + stderr }),
    )
  })
}
