import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { pino } from 'pino'
import { type App, createApp } from '../src/app.ts'
import { listPlanned } from '../src/effects/reserve-store.ts'
import { claimUnsent, claimUnsigned } from '../src/effects/transaction-store.ts'
import { listWatched } from '../src/effects/watch-store.ts'
import { loadConfig } from '../src/kernel/config.ts'
import { DELIVERY_LANE } from '../src/webhooks/deliver.ts'
import { loadDueDeliveries } from '../src/webhooks/delivery-store.ts'
import { claimDestinations } from '../src/webhooks/destination-store.ts'
import { type Api, openApi } from './api.ts'
import { fillTables, SUBSCRIBED_URL } from './growth-tables.ts'
import { type Benchmark, median } from './measure.ts'
import { recordStatements, type Statement } from './recorded-statements.ts'
import { type ServerProcess, startProcess } from './servers.ts'
import { openWorld, type World } from './world.ts'

const FEW = 1_000
const MANY = Number(process.env.BENCH_PAYMENTS ?? 1_000_000)
/** Of each database, one after the other in turn. */
const READS = 3_000
const WARM_UP_READS = 500
/** Of each lane's statements on each database. */
const REPLAYS = 300
const MOST = 1.2

export const growth: Benchmark = {
  name: 'growth',
  about: `GET /payment/{id} and the claims of due work at ${MANY} payments against ${FEW}`,
  async run(tell) {
    const world = await openWorld()
    const few = await openSize(world, 'few', FEW, tell)
    const many = await openSize(world, 'many', MANY, tell)
    try {
      const reads = await compareReads(few, many)
      const claims = await compareClaims(world, few, many, tell)
      return [
        {
          what: `cost of GET /payment/{id} at ${MANY} payments`,
          measured: `${reads.many.toFixed(3)} ms`,
          baseline: `${reads.few.toFixed(3)} ms at ${FEW}`,
          ratio: reads.many / reads.few,
          required: { atMost: MOST },
        },
        {
          what: `looking for due work, all lanes once, at ${MANY} payments`,
          measured: `${claims.many.toFixed(2)} ms`,
          baseline: `${claims.few.toFixed(2)} ms at ${FEW}`,
          ratio: claims.many / claims.few,
          required: { atMost: MOST },
        },
      ]
    } finally {
      for (const { api, server } of [few, many]) {
        await api.close()
        await server.stop()
      }
      await world.stop()
    }
  },
}

interface Size {
  databaseUrl: string
  server: ServerProcess
  api: Api
  ids: string[]
}

/** A database of its own with so many payments, and the program over it. */
async function openSize(
  world: World,
  name: string,
  payments: number,
  tell: (line: string) => void,
): Promise<Size> {
  const admin = new pg.Client({ connectionString: world.databaseUrl })
  await admin.connect()
  await admin.query(`create database ${name}`)
  await admin.end()
  const url = new URL(world.databaseUrl)
  url.pathname = `/${name}`
  const databaseUrl = String(url)
  const server = await startProcess('bench/serve-app.ts', [], {
    ...world.env,
    DATABASE_URL: databaseUrl,
    ROLE: 'api',
  })
  const inside = world.open(databaseUrl)
  const ids = await fillTables(inside.db, payments, tell)
  await inside.close()
  return { databaseUrl, server, api: await openApi(server.url, 1), ids }
}

/** Median milliseconds of one call, asked in turn of the one and the other. */
async function compareReads(few: Size, many: Size): Promise<{ few: number; many: number }> {
  const times = { few: [] as number[], many: [] as number[] }
  const read = async ({ api, ids }: Size, place: number): Promise<number> => {
    const beganMs = performance.now()
    await api.call('GET', `/api/payment/${ids[place % ids.length]}`)
    return performance.now() - beganMs
  }
  for (let place = 0; place < WARM_UP_READS + READS; place += 1) {
    const [ofFew, ofMany] = [await read(few, place), await read(many, place)]
    if (place < WARM_UP_READS) continue
    times.few.push(ofFew)
    times.many.push(ofMany)
  }
  return { few: median(times.few), many: median(times.many) }
}

/** What a look for due work sends, lane by lane, taken down from the program when nothing is due. */
async function recordClaims(world: World, databaseUrl: string): Promise<Map<string, Statement[]>> {
  const config = loadConfig({ ...world.env, DATABASE_URL: databaseUrl, ROLE: 'api' })
  const { app, stop } = await createApp({
    config,
    databaseUrl,
    log: pino({ level: 'error' }),
    localChains: false,
  })
  const take = recordStatements(app.pool)
  const claims = new Map<string, Statement[]>()
  for (const [name, look] of looksOf(app)) {
    await look()
    take()
    await look()
    claims.set(name, take())
  }
  await stop()
  return claims
}

/**
 * The lanes' own steps; those of chains need a chain, and that of webhooks waits between looks, so of these what they
 * ask the database.
 */
function looksOf({ db, clock, secrets, lanes }: App): [string, () => Promise<unknown>][] {
  const chain = 'polygon'
  const door = 'wallet:polygon:0xfilled'
  return [
    ...lanes.lanes
      .filter(({ name }) => !name.startsWith('simulated-') && name !== DELIVERY_LANE)
      .map(({ name, step }): [string, () => Promise<unknown>] => [name, step]),
    [
      DELIVERY_LANE,
      async () => {
        await claimDestinations(db, { owner: randomUUID(), now: clock.now(), limit: 100 })
        await loadDueDeliveries(
          db,
          [{ integrationId: 1, url: SUBSCRIBED_URL, limit: 100, cursors: new Map() }],
          clock.now(),
        )
      },
    ],
    ['coins-dispatch', () => listPlanned(db, { door, now: clock.now(), limit: 500 }, secrets)],
    ['coins-prepare', () => claimUnsigned(db, chain, 50)],
    ['coins-send', () => claimUnsent(db, { chain, now: clock.now(), limit: 50 })],
    ['coins-watch', () => listWatched(db, chain, { limit: 300 })],
  ]
}

async function compareClaims(
  world: World,
  few: Size,
  many: Size,
  tell: (line: string) => void,
): Promise<{ few: number; many: number }> {
  const claims = await recordClaims(world, many.databaseUrl)
  const [fewClient, manyClient] = [few, many].map(
    ({ databaseUrl }) => new pg.Client({ connectionString: databaseUrl }),
  ) as [pg.Client, pg.Client]
  await Promise.all([fewClient.connect(), manyClient.connect()])
  const sums = { few: 0, many: 0 }
  for (const [name, statements] of claims) {
    const times = { few: [] as number[], many: [] as number[] }
    for (let n = 0; n < REPLAYS; n += 1) {
      times.few.push(await replay(fewClient, name, statements))
      times.many.push(await replay(manyClient, name, statements))
    }
    const [small, large] = [median(times.few), median(times.many)]
    sums.few += small
    sums.many += large
    tell(`${name}: ${large.toFixed(2)} ms against ${small.toFixed(2)} ms (${statements.length} statements)`)
  }
  await Promise.all([fewClient.end(), manyClient.end()])
  return sums
}

/** Milliseconds; prepared, as the program has them. */
async function replay(client: pg.Client, lane: string, statements: readonly Statement[]): Promise<number> {
  const beganMs = performance.now()
  for (const [place, { text, values }] of statements.entries()) {
    await client.query(values.length > 0 ? { name: `${lane}-${place}`, text, values } : { text })
  }
  return performance.now() - beganMs
}
