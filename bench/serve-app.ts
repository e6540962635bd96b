import { pino } from 'pino'
import { createApp } from '../src/app.ts'
import { loadConfig } from '../src/kernel/config.ts'

/**
 * The program itself in a process of its own, configured by the environment; logs nothing but errors, and tells its
 * memory once a second.
 */
const config = loadConfig({ RATE_LIMIT_PER_MINUTE: '10000000', ...process.env })
const running = await createApp({
  config,
  databaseUrl: config.database.url as string,
  log: pino({ level: process.env.LOG_LEVEL ?? 'error' }, pino.destination(2)),
})
const { url } = await running.start()
console.log(`ready ${url}`)
setInterval(() => {
  const { rss, heapUsed } = process.memoryUsage()
  process.send?.({ rss, heapUsed })
}, 1000).unref()
process.once('SIGTERM', async () => {
  await running.stop()
  process.exit(0)
})
