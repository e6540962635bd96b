import pg from 'pg'
import type { Logger } from 'pino'

const RECONNECT_MS = 500
/** Several commits in quick succession are one notification: `notify` takes a lock on the whole database at commit. */
const GATHER_MS = 20

/** What the processes over one database tell each other. Lost when nobody listens: whoever misses one polls. */
export interface Notifier {
  /** Sends soon, gathered with others on the channel; each payload once. */
  announce(channel: string, payload: string): void
  listen(channel: string, heard: (payload: string) => void): void
  start(): Promise<void>
  stop(): Promise<void>
}

/**
 * PostgreSQL's listen/notify over one connection of its own, which is opened again whenever it breaks.
 * `onReconnect` runs after each new connection, as notifications may have been missed.
 */
export function createNotifier({
  url,
  pool,
  log,
  onReconnect,
}: {
  url: string
  pool: pg.Pool
  log: Logger
  onReconnect: () => void
}): Notifier {
  const listeners = new Map<string, ((payload: string) => void)[]>()
  const gathered = new Map<string, Set<string>>()
  let client: pg.Client | undefined
  let stopped = false
  let timer: NodeJS.Timeout | undefined
  let retry: NodeJS.Timeout | undefined

  async function connect(): Promise<void> {
    const next = new pg.Client({ connectionString: url, application_name: 'cryptopocket-listener' })
    next.on('error', (error) => lost(next, error))
    next.on('end', () => lost(next))
    next.on('notification', ({ channel, payload }) => {
      for (const one of (payload ?? '').split(','))
        for (const heard of listeners.get(channel) ?? []) heard(one)
    })
    await next.connect()
    for (const channel of listeners.keys()) await next.query(`listen ${pg.escapeIdentifier(channel)}`)
    client = next
  }

  function lost(which: pg.Client, error?: Error): void {
    if (client !== which || stopped) return
    client = undefined
    log.warn({ err: error }, 'The listening connection broke; connecting again.')
    again()
  }

  function again(): void {
    retry = setTimeout(() => {
      connect().then(onReconnect, (error) => {
        log.warn({ err: error }, 'PostgreSQL does not answer; trying again.')
        if (!stopped) again()
      })
    }, RECONNECT_MS)
  }

  async function flush(): Promise<void> {
    timer = undefined
    const sending = [...gathered]
    gathered.clear()
    for (const [channel, payloads] of sending) {
      try {
        await pool.query('select pg_notify($1, $2)', [channel, [...payloads].join(',')])
      } catch (error) {
        log.warn({ err: error, channel }, 'A notification was not sent; the other processes will poll.')
      }
    }
  }

  return {
    announce(channel, payload) {
      const payloads = gathered.get(channel) ?? new Set()
      gathered.set(channel, payloads.add(payload))
      timer ??= setTimeout(flush, GATHER_MS)
    },
    listen(channel, heard) {
      listeners.set(channel, [...(listeners.get(channel) ?? []), heard])
    },
    start: connect,
    async stop() {
      stopped = true
      clearTimeout(timer)
      clearTimeout(retry)
      const last = client
      client = undefined
      await last?.end()
    },
  }
}
