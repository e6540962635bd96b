import { mkdirSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import type { Command } from 'commander'
import { pino } from 'pino'
import { type App, createApp } from '../app.ts'
import { startEmbeddedPostgres } from '../db/embedded.ts'
import { type Config, loadConfig } from '../kernel/config.ts'

/** Gives `work` the address of the configured database: the operator's, or the embedded one, shared with a running server. */
export async function withDatabase<T>(work: (config: Config, databaseUrl: string) => Promise<T>): Promise<T> {
  const config = loadConfig(process.env)
  if (config.database.url) return work(config, config.database.url)
  mkdirSync(config.dataDir, { recursive: true })
  const postgres = await startEmbeddedPostgres({
    dataDir: config.dataDir,
    log: (message) => process.stderr.write(`${message}\n`),
    exclusive: false,
  })
  try {
    return await work(config, postgres.url)
  } finally {
    // A server that was started for this command alone ends with it; one that ran before goes on.
    if (postgres.adopted) await postgres.release()
    else await postgres.stop()
  }
}

/** Gives `work` the program over the configured database, without its HTTP server and lanes; chains only where asked. */
export function withApp<T>(work: (app: App) => Promise<T>, { localChains = false } = {}): Promise<T> {
  return withDatabase(async (config, databaseUrl) => {
    const running = await createApp({
      config,
      databaseUrl,
      localChains,
      log: pino({ level: 'warn' }, pino.destination({ dest: logFile(config), mkdir: true })),
    })
    try {
      return await work(running.app)
    } finally {
      await running.stop({ leaveAdopted: true })
    }
  })
}

const logFile = (config: Config): string => join(config.dataDir, 'log', 'cli.log')

/** The options of every command that changes something: who does it, and why. */
export function recorded(command: Command): Command {
  return command
    .requiredOption('--why <reason>', 'why; recorded with the change')
    .option('--who <name>', 'who; recorded with the change', userInfo().username)
}

/** Prints a table with aligned columns, or a line that says that there is nothing. */
export function printTable(rows: readonly Record<string, unknown>[], nothing: string): void {
  if (rows.length === 0) return void console.log(nothing)
  const columns = Object.keys(rows[0] as object)
  const texts = [columns, ...rows.map((row) => columns.map((column) => cell(row[column])))]
  const widths = columns.map((_, index) => Math.max(...texts.map((line) => (line[index] ?? '').length)))
  for (const line of texts)
    console.log(
      line
        .map((text, index) => text.padEnd(widths[index] ?? 0))
        .join('  ')
        .trimEnd(),
    )
}

function cell(value: unknown): string {
  if (value === null || value === undefined) return '-'
  if (value instanceof Date) return value.toISOString()
  return String(value)
}

/** Such as `1 line`, `2 lines`. */
export const counted = (count: number, one: string): string => `${count} ${one}${count === 1 ? '' : 's'}`
