import { createReadStream } from 'node:fs'
import { pino } from 'pino'
import { createApp } from '../src/app.ts'
import { importStatement } from '../src/bank-accounts/import-statement.ts'
import { bankLineLane } from '../src/bank-accounts/match-lines.ts'
import { openStatement } from '../src/bank-accounts/statements/detect-format.ts'
import { loadConfig } from '../src/kernel/config.ts'

/**
 * Imports the file that is named and matches its lines, as the program's command and lane do it, in a process of its
 * own: tells its memory ten times a second and at the end how long both took.
 */
const [path] = process.argv.slice(2) as [string]
const config = loadConfig(process.env)
const running = await createApp({
  config,
  databaseUrl: config.database.url as string,
  localChains: false,
  log: pino({ level: 'error' }, pino.destination(2)),
})
console.log('ready -')
const told = setInterval(() => {
  const { rss, heapUsed } = process.memoryUsage()
  process.send?.({ rss, heapUsed })
}, 100)
const beganMs = performance.now()
const { lines, added } = await importStatement(running.app, {
  fileName: 'bench.xml',
  bytes: createReadStream(path),
  source: 'command',
  who: 'bench',
  open: openStatement,
})
const importedMs = performance.now()
console.log('imported -')
const lane = bankLineLane(running.app)
while ((await lane.step()) > 0);
const matchedMs = performance.now()
clearInterval(told)
console.log(
  `done ${JSON.stringify({ lines, added, importMs: importedMs - beganMs, matchMs: matchedMs - importedMs })}`,
)
process.once('SIGTERM', async () => {
  await running.stop()
  process.exit(0)
})
