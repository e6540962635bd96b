import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import pino from 'pino'
import type { App } from '../../src/app.ts'
import { DEFAULT_SETTINGS } from '../../src/common/integration.ts'
import { createIntegration } from '../../src/common/integration-store.ts'
import { openDatabase } from '../../src/db/database.ts'
import { createClock, type MovableClock } from '../../src/kernel/clock.ts'
import { createLaneRunner, type LaneRunner } from '../../src/kernel/lanes.ts'
import { createMetrics } from '../../src/kernel/metrics.ts'
import { createOutgoingHttp } from '../../src/kernel/outgoing-http.ts'
import { createSecrets } from '../../src/kernel/secrets.ts'
import { deliveryLane } from '../../src/webhooks/deliver.ts'
import { emit } from '../../src/webhooks/emit.ts'
import type { EventType } from '../../src/webhooks/event-types.ts'
import { sequencerLane } from '../../src/webhooks/sequencer.ts'
import { createTestDatabase } from './database.ts'

const WEEK_MS = 7 * 86_400_000

export type WebhookApp = Pick<
  App,
  'db' | 'config' | 'log' | 'secrets' | 'outgoing' | 'metrics' | 'wake' | 'pool'
> & { clock: MovableClock; lanes: LaneRunner }

export interface WebhookWorld {
  app: WebhookApp
  /** A second process on the same database; its lanes are not started. */
  startAnother(): WebhookApp
  newIntegration(): Promise<{ id: number; apiKey: string; apiSecret: string }>
  /** Emits one event for each entry, each in a transaction of its own, and wakes the sequencer. */
  emitEach(
    integrationId: number,
    events: readonly { type?: EventType; stream: string; data?: object }[],
  ): Promise<void>
  /** Moves the platform's time and wakes the lanes. */
  advance(ms: number): void
  close(): Promise<void>
}

/** Real database, real lanes, real HTTP: what the webhooks' tests stand on. */
export async function createWebhookWorld(): Promise<WebhookWorld> {
  const database = await createTestDatabase()
  const apps: WebhookApp[] = []
  const makeApp = (): WebhookApp => {
    const app = composeWebhooks(database.url)
    apps.push(app)
    return app
  }
  const app = makeApp()
  let integrations = 0
  return {
    app,
    startAnother: makeApp,
    async newIntegration() {
      integrations += 1
      const pair = { apiKey: `key-${integrations}`, apiSecret: `secret-${integrations}` }
      const why = { who: 'test', why: 'test' }
      const id = await createIntegration(app, { name: 'Test', settings: DEFAULT_SETTINGS, ...pair, ...why })
      return { id: id!, ...pair }
    },
    async emitEach(integrationId, events) {
      for (const { type = 'PAY_IN', stream, data = {} } of events) {
        const event = { integrationId, type, stream, data, keyWrapped: app.secrets.newCustomerKey() }
        await app.db.transaction().execute((trx) => emit(trx, [event], app))
      }
      app.wake('event-sequencer')
    },
    advance(ms) {
      for (const each of apps) each.clock.setOffsetMs(each.clock.offsetMs() + ms)
      for (const each of apps) each.wake('event-sequencer', 'webhook-deliveries')
    },
    async close() {
      for (const each of apps) {
        await each.lanes.stop()
        await each.outgoing.close()
        await each.db.destroy()
      }
      await database.drop()
    },
  }
}

function composeWebhooks(url: string): WebhookApp {
  const clock = createClock()
  const log = pino({ level: 'silent' })
  const { db, pool } = openDatabase({ url, poolSize: 8, onPoolError: () => {} })
  const app: WebhookApp = {
    config: { durations: { webhookRetryPeriodMs: WEEK_MS } } as App['config'],
    clock,
    log,
    db,
    pool,
    secrets: createSecrets(Buffer.alloc(32, 7)),
    outgoing: createOutgoingHttp({ allowPlainHttp: true, allowLoopback: true }),
    metrics: createMetrics(),
    wake: (...names) => app.lanes.wake(...names),
    lanes: undefined as unknown as LaneRunner,
  }
  app.lanes = createLaneRunner({ lanes: [sequencerLane(app), deliveryLane(app)], clock, log })
  return app
}

export interface Received {
  path: string
  headers: IncomingHttpHeaders
  body: string
  json: { id: string; type: string; sequence: number; created_at: string; data: Record<string, unknown> }
}

export interface Receiver {
  url: string
  received: Received[]
  /** What it does from now on. */
  answer: (response: ServerResponse, request: Received) => void
  close(): Promise<void>
}

/** A receiver on loopback that keeps what came and answers 200 unless told otherwise. */
export async function startReceiver(): Promise<Receiver> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk) => chunks.push(chunk))
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString('utf8')
      const received = { path: request.url ?? '', headers: request.headers, body, json: JSON.parse(body) }
      receiver.received.push(received)
      receiver.answer(response, received)
    })
  })
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const receiver: Receiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    received: [],
    answer: (response) => response.end('ok'),
    async close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
  return receiver
}

/** Looks at a condition until it holds; throws with `what` after `timeoutMs`. */
export async function eventually(
  what: string,
  holds: () => boolean | Promise<boolean>,
  timeoutMs = 10_000,
): Promise<void> {
  const deadline = performance.now() + timeoutMs
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`Not within ${timeoutMs} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
