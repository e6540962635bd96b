import { pino } from 'pino'
import { createApp } from '../src/app.ts'
import { loadConfig } from '../src/kernel/config.ts'

/** The program itself in a process of its own, configured by the environment; logs nothing but errors. */
const config = loadConfig({ RATE_LIMIT_PER_MINUTE: '10000000', ...process.env })
const running = await createApp({
  config,
  databaseUrl: config.database.url as string,
  log: pino({ level: 'error' }, pino.destination(2)),
})
const { url } = await running.start()
console.log(`ready ${url}`)
process.once('SIGTERM', async () => {
  await running.stop()
  process.exit(0)
})
