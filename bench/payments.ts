import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import pg from 'pg'
import { findFreePort } from '../src/sandbox/chain/node-process.ts'
import { type Api, openApi, untilAnswered } from './api.ts'
import { type Benchmark, type Figure, median, rate } from './measure.ts'
import { addCustomers, copyPayment, liftLimits, type OpenPayment } from './people.ts'
import { describeUse, readProcessorTime } from './processor.ts'
import { startReceiver } from './receiver.ts'
import { type Memory, type ServerProcess, startProcess } from './servers.ts'
import { openWorld, type World } from './world.ts'

/** What is asked for, and a little more that is offered, so that keeping up with it proves the figure. */
const REQUIRED_PER_SECOND = 100
const OFFERED_PER_SECOND = Number(process.env.BENCH_PAYMENTS_PER_SECOND ?? 104)
const WARM_UP_SECONDS = 15
const SECONDS = Number(process.env.BENCH_PAYMENTS_SECONDS ?? 60)
/** Payments may be on their way this long when the load ends. */
const DRAIN_SECONDS = 30
const CONNECTIONS = 16
const CARD = { number: '4242 4242 4242 4242', expiry: '12/40', code: '123', name: 'Ana Pérez' }
const MOST_RESIDENT = 250 * 1024 * 1024
/** Resident memory breathes with the collector; more than this from one quarter to the next is growth. */
const MOST_GROWTH = 1.05

export const payments: Benchmark = {
  name: 'payments',
  about:
    'whole payments by card, paid to coins_sent, both webhooks delivered; two processes; and their memory',
  async run(tell) {
    const world = await openWorld()
    const floor = await countTransactions(world)
    tell(`PostgreSQL alone: ${Math.round(floor)} one-row transactions/s with ${CONNECTIONS} connections`)
    const port = await findFreePort()
    const env = { ...world.env, PORT: String(port), PUBLIC_URL: `http://127.0.0.1:${port}` }
    const first = await startProcess('bench/serve-app.ts', [], { ...env, ROLE: 'all' })
    const second = await startProcess('bench/serve-app.ts', [], { ...env, ROLE: 'worker' })
    try {
      const run = await measure(world, [first, second], tell)
      return [
        {
          what: 'whole payments',
          measured: `${run.perSecond.toFixed(1)}/s sustained ${SECONDS} s`,
          baseline: `${REQUIRED_PER_SECOND}/s (this PostgreSQL: ${Math.round(floor)} one-row transactions/s)`,
          ratio: run.perSecond / REQUIRED_PER_SECOND,
          required: { atLeast: 1 },
        },
        {
          what: 'more payments under way at the end than at the middle of the run, of those that came in between',
          measured: `${Math.round(run.backlogEnd - run.backlogMiddle)}`,
          baseline: `${Math.round((run.perSecond * SECONDS) / 2)} (${run.medianMs} ms from paying to the last webhook)`,
          ratio: (run.backlogEnd - run.backlogMiddle) / ((run.perSecond * SECONDS) / 2),
          required: { atMost: 0.01 },
        },
        ...memoryFigures('api and worker', first.memory.slice(-SECONDS)),
        ...memoryFigures('worker', second.memory.slice(-SECONDS)),
      ]
    } finally {
      await second.stop()
      await first.stop()
      await world.stop()
    }
  },
}

/** What the processes kept in memory while the load was on. */
export function memoryFigures(what: string, samples: readonly Memory[]): Figure[] {
  const mb = (bytes: number): string => `${Math.round(bytes / 1024 / 1024)} MB`
  const rss = samples.map((sample) => sample.rss)
  const most = Math.max(...rss)
  const half = rss.slice(Math.floor(rss.length / 2))
  const third = median(half.slice(0, half.length >> 1))
  const fourth = median(half.slice(half.length >> 1))
  return [
    {
      what: `resident memory of the ${what}`,
      measured: mb(most),
      baseline: mb(MOST_RESIDENT),
      ratio: most / MOST_RESIDENT,
      required: { atMost: 1 },
    },
    {
      what: `its last quarter of the run against the third`,
      measured: mb(fourth),
      baseline: mb(third),
      ratio: fourth / third,
      required: { atMost: MOST_GROWTH },
    },
  ]
}

/** The floor under everything: what this PostgreSQL commits on this machine, one row at a time. */
async function countTransactions({ databaseUrl }: World): Promise<number> {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: CONNECTIONS })
  await pool.query('create table bench_floor (id bigint generated always as identity primary key, text text)')
  const insert = (): Promise<void> =>
    pool.query("insert into bench_floor (text) values ('one row')").then(() => {})
  await rate(1, CONNECTIONS, insert)
  const found = await rate(3, CONNECTIONS, insert)
  await pool.query('drop table bench_floor')
  await pool.end()
  return found
}

interface Run {
  perSecond: number
  backlogMiddle: number
  backlogEnd: number
  medianMs: number
}

async function measure(
  world: World,
  servers: readonly [ServerProcess, ServerProcess],
  tell: (line: string) => void,
): Promise<Run> {
  const waiting = new Map<string, { startedMs: number; events: Set<string> }>()
  const ended: { atMs: number; tookMs: number }[] = []
  const receiver = await startReceiver('sandbox-secret', (type, data) => {
    const payment = waiting.get(String(data.id))
    payment?.events.add(type)
    if (!payment || payment.events.size < 2) return
    waiting.delete(String(data.id))
    ended.push({ atMs: performance.now(), tookMs: performance.now() - payment.startedMs })
  })
  const api = await openApi(servers[0].url, CONNECTIONS)
  try {
    for (const type of ['PAY_IN', 'COINS_SENT'])
      await api.call('POST', '/api/subscribeToWebhook', { type, url: receiver.url })
    const made = await preparePayments(
      world,
      api,
      Math.ceil(OFFERED_PER_SECOND * (WARM_UP_SECONDS + SECONDS)),
    )
    tell(`${made.length} customers are at the card provider's page`)
    const used = readProcessorTime(world, servers)
    const beganMs = performance.now()
    const backlogs: { atMs: number; waiting: number }[] = []
    const ticker = setInterval(() => {
      backlogs.push({ atMs: performance.now() - beganMs, waiting: waiting.size })
      if (backlogs.length % 5 === 0)
        tell(
          `${backlogs.length} s: ${ended.length} whole, ${waiting.size} under way, ${servers.map(({ memory }) => `${Math.round((memory.at(-1)?.rss ?? 0) / 1048576)} MB`).join(' and ')}`,
        )
    }, 1000)
    await offer(made, async ({ id, session }) => {
      waiting.set(id, { startedMs: performance.now(), events: new Set() })
      await api.call('POST', `/simulators/card/${session}/api/pay`, CARD)
    })
    clearInterval(ticker)
    const fromMs = beganMs + WARM_UP_SECONDS * 1000
    const counted = ended.filter(({ atMs }) => atMs >= fromMs && atMs < fromMs + SECONDS * 1000)
    const middle = (from: number, to: number): number =>
      median(
        backlogs
          .filter(({ atMs }) => {
            const part = (atMs / 1000 - WARM_UP_SECONDS) / SECONDS
            return part >= from && part < to
          })
          .map((one) => one.waiting),
      )
    const drainEndsMs = performance.now() + DRAIN_SECONDS * 1000
    while (waiting.size > 0 && performance.now() < drainEndsMs) await sleep(50)
    if (waiting.size > 0)
      throw new Error(`${waiting.size} payments did not end: ${[...waiting.keys()].slice(0, 3)}`)
    tell(describeUse(used, readProcessorTime(world, servers), made.length))
    await checkEnd(world, made.length)
    return {
      perSecond: counted.length / SECONDS,
      backlogMiddle: middle(0.25, 0.5),
      backlogEnd: middle(0.75, 1),
      medianMs: Math.round(median(counted.map(({ tookMs }) => tookMs))),
    }
  } finally {
    await api.close()
    await receiver.stop()
  }
}

/** Payments by card that wait for their customers, each of a customer and to a wallet of its own. */
async function preparePayments(world: World, api: Api, count: number): Promise<OpenPayment[]> {
  const inside = world.open()
  try {
    await liftLimits(inside.db)
    const customers = await addCustomers(inside, count + 1)
    const { payment_id } = await untilAnswered(() =>
      api.call<{ payment_id: string }>('POST', '/api/createGuidedPayment', {
        user_id: customers[0],
        coin_symbol: 'USDC',
        coin_chain: 'polygon',
        fiat_amount: '150.50',
        wallet: '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed',
      }),
    )
    // A declined card leaves its session open.
    await api.call('POST', `/api/sandbox/payments/${payment_id}/pay`, { outcome: 'declined' })
    const made = await copyPayment(inside.db, payment_id, customers.slice(1))
    await sql`analyze`.execute(inside.db)
    return made
  } finally {
    await inside.close()
  }
}

/** Starts work at an even pace, whatever becomes of what was started before; throws the first failure. */
async function offer(
  payments: readonly OpenPayment[],
  start: (payment: OpenPayment) => Promise<void>,
): Promise<void> {
  const beganMs = performance.now()
  const running = new Set<Promise<void>>()
  let failure: unknown
  for (const [place, payment] of payments.entries()) {
    const dueMs = beganMs + (place * 1000) / OFFERED_PER_SECOND
    if (dueMs > performance.now()) await sleep(dueMs - performance.now())
    if (failure) throw failure
    const one: Promise<void> = start(payment)
      .catch((error) => {
        failure = error
      })
      .finally(() => running.delete(one))
    running.add(one)
  }
  await Promise.all(running)
  if (failure) throw failure
}

/** By the tables: every payment has its coins, once. */
async function checkEnd(world: World, count: number): Promise<void> {
  const inside = world.open()
  try {
    const { rows } = await sql<{ sent: number; effects: number; units: bigint; owed: bigint }>`
      select (select count(*) from payments where state = 'coins_sent' and txid is not null) as sent,
             (select count(*) from effects where kind = 'coin_transfer' and state = 'confirmed') as effects,
             (select sum(units) from effects where state = 'confirmed') as units,
             (select sum(coin_units) from payments where state = 'coins_sent') as owed`.execute(inside.db)
    const [{ sent, effects, units, owed }] = rows as [(typeof rows)[number]]
    if (sent !== count || effects !== count || units !== owed)
      throw new Error(
        `${sent} payments have their coins and ${effects} transfers are confirmed, of ${count}.`,
      )
  } finally {
    await inside.close()
  }
}
