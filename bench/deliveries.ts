import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import { Pool } from 'undici'
import { addIntegration } from '../src/common/integration-admin.ts'
import type { Db, Trx } from '../src/db/database.ts'
import { createClock } from '../src/kernel/clock.ts'
import { loadConfig } from '../src/kernel/config.ts'
import { newEventIds } from '../src/kernel/ids.ts'
import type { Secrets } from '../src/kernel/secrets.ts'
import { signDelivery } from '../src/webhooks/sign.ts'
import { subscribe } from '../src/webhooks/subscription-store.ts'
import { type Benchmark, interleave } from './measure.ts'
import { type ServerProcess, startProcess } from './servers.ts'
import { openWorld, type World } from './world.ts'

const RECEIVERS = 10
const ROUNDS = 9
/** For each receiver, in one round. */
const EVENTS = 500
/** As many as the program uses to receivers that answer as quickly as these; more make the bare loop slower. */
const BARE_CONNECTIONS = 16
const WAIT_SECONDS = 60

/** As long as a payment is. */
const DATA = { id: 'Zk3VqT9bX1LmN8sR4pYw2Ac6D', status: 'payment_received', filler: 'x'.repeat(700) }

export const deliveries: Benchmark = {
  name: 'deliveries',
  about:
    'webhook deliveries, each attempt recorded, one dead receiver among ten, against a bare undici Pool loop; and what the dead one costs the others',
  async run(tell) {
    const world = await openWorld()
    const receivers = await startProcess('bench/serve-receivers.ts', [String(RECEIVERS)])
    const urls = receivers.url.split(',')
    const app = await startProcess('bench/serve-app.ts', [], { ...world.env, ROLE: 'worker' })
    const inside = world.open()
    try {
      const integrations = await addIntegrations(world, inside, urls)
      const nine = integrations.slice(0, -1)
      const needs = { ...inside, receivers }
      tell('against the bare loop')
      const bare = await interleave(
        ROUNDS,
        () => deliver(needs, integrations),
        () => sendBarely(nine),
        tell,
      )
      tell('against the same without the dead one')
      const alone = await interleave(
        ROUNDS,
        () => deliver(needs, integrations),
        () => deliver(needs, nine),
        tell,
      )
      return [
        {
          what: 'webhooks delivered and recorded, one receiver of ten dead',
          measured: `${Math.round(bare.a)}/s`,
          baseline: `${Math.round(bare.b)}/s sent barely`,
          ratio: bare.ratio,
          required: { atLeast: 0.4 },
        },
        {
          what: 'the nine others beside the dead one',
          measured: `${Math.round(alone.a)}/s`,
          baseline: `${Math.round(alone.b)}/s without it`,
          ratio: alone.ratio,
          required: { atLeast: 0.9 },
        },
      ]
    } finally {
      await inside.close()
      await app.stop()
      await receivers.stop()
      await world.stop()
    }
  },
}

interface Target {
  id: number
  url: string
  apiKey: string
  apiSecret: string
}

/** One integration for each receiver, all told of the same type of event. */
async function addIntegrations(
  world: World,
  { db, secrets }: { db: Db; secrets: Secrets },
  urls: readonly string[],
): Promise<Target[]> {
  const needs = { db, secrets, clock: createClock(), config: loadConfig(world.env) }
  const targets: Target[] = []
  for (const [place, url] of urls.entries()) {
    const pair = await addIntegration(needs, `Receiver ${place}`, [], { who: 'bench', why: 'bench' })
    await db.transaction().execute(async (trx) => {
      await subscribe(trx, { integrationId: pair.id, type: 'PAY_IN', sentType: 'PAY_IN', url }, new Date())
    })
    targets.push({ ...pair, url })
  }
  return targets
}

interface DeliverNeeds {
  db: Db
  secrets: Secrets
  receivers: ServerProcess
}

/** Deliveries of as many streams become due at once; answers how many a second reach the receivers that live. */
async function deliver(
  { db, secrets, receivers }: DeliverNeeds,
  targets: readonly Target[],
): Promise<number> {
  const living = targets.slice(0, RECEIVERS - 1)
  // The table is asked only when all have been received: to ask it all the while takes the program's time.
  const received = waitForAnswers(receivers, living.length * EVENTS)
  await db.transaction().execute(async (trx) => {
    for (const target of targets) await addDue(trx, secrets, target)
    await sql`select pg_notify('lanes', 'webhook-deliveries')`.execute(trx)
  })
  const beganMs = performance.now()
  const endMs = beganMs + WAIT_SECONDS * 1000
  await received
  const ids = living.map(({ id }) => id)
  for (; performance.now() < endMs; await sleep(2)) {
    const { rows } = await sql<{ open: boolean }>`
      select exists (select from deliveries where state = 'pending' and integration_id = any(${ids}::integer[])) as open`.execute(
      db,
    )
    if (rows[0]!.open) continue
    const seconds = (performance.now() - beganMs) / 1000
    await forgetDead(db, targets.at(-1)!.id)
    return (living.length * EVENTS) / seconds
  }
  throw new Error(`Not all events were delivered in ${WAIT_SECONDS} s.`)
}

/** Waits until the receivers have answered so many from now on. */
async function waitForAnswers({ child }: ServerProcess, count: number): Promise<void> {
  child.send(count)
  await once(child, 'message', { signal: AbortSignal.timeout(WAIT_SECONDS * 1000) })
}

/** What the sequencer leaves: numbered events, their deliveries, and the destination told of them. */
async function addDue(trx: Trx, secrets: Secrets, { id, url }: Target): Promise<void> {
  const key = secrets.newCustomerKey()
  const sealed = Array.from({ length: EVENTS }, () => secrets.sealFor(key, JSON.stringify(DATA)))
  // The program's time has milliseconds, and so have its due times.
  const now = new Date()
  await sql`
    with base as (
      update integrations set event_sequence = event_sequence + ${EVENTS} where id = ${id}
      returning event_sequence - ${EVENTS} as sequence
    ), given as (
      select given.id, sealed, base.sequence + place as sequence
        from base, unnest(${newEventIds(sealed.length)}::text[], ${sealed}::bytea[]) with ordinality as given (id, sealed, place)
    ), added as (
      insert into events (integration_id, id, type, stream, sequence, data_sealed, key_wrapped, created_at)
      select ${id}::integer, id, 'PAY_IN', 'payment:' || id, sequence, sealed, ${key}::bytea, ${now}::timestamptz from given
    ), made as (
      insert into deliveries (integration_id, sequence, event_id, type, sent_type, stream, state, due_at, created_at, updated_at)
      select ${id}::integer, sequence, id, 'PAY_IN', 'PAY_IN', 'payment:' || id, 'pending', ${now}::timestamptz, ${now}::timestamptz, ${now}::timestamptz from given
    )
    insert into webhook_destinations (integration_id, url, due_at) values (${id}, ${url}, ${now}::timestamptz)
    on conflict (integration_id, url) do update set due_at = excluded.due_at`.execute(trx)
}

/** The next round's receiver is newly dead: nothing waits for it, and it isn't known to fail. */
async function forgetDead(db: Db, integrationId: number): Promise<void> {
  await sql`
    update deliveries set state = 'dropped', due_at = null
     where state = 'pending' and integration_id = ${integrationId}`.execute(db)
  await sql`
    update webhook_destinations set failures = 0, failing_since = null, resume_at = null
     where integration_id = ${integrationId}`.execute(db)
}

/** The bare loop: signs the same bodies and sends them, each signed anew. */
async function sendBarely(targets: readonly Target[]): Promise<number> {
  const pools = targets.map(({ url }) => new Pool(new URL(url).origin, { connections: BARE_CONNECTIONS }))
  const bodies = targets.map(() =>
    Array.from({ length: EVENTS }, (_, sequence) => {
      const [id] = newEventIds(1) as [string]
      return {
        id,
        body: JSON.stringify({ id, type: 'PAY_IN', sequence, created_at: new Date(), data: DATA }),
      }
    }),
  )
  const beganMs = performance.now()
  await Promise.all(
    pools.map(async (pool, place) => {
      const waiting = bodies[place]!
      const { apiKey, apiSecret } = targets[place]!
      await Promise.all(
        Array.from({ length: BARE_CONNECTIONS }, async () => {
          for (let next = waiting.pop(); next; next = waiting.pop()) {
            const signed = signDelivery({ ...next, at: new Date(), pairs: [{ apiKey, apiSecret }] })
            const headers = { 'content-type': 'application/json', ...signed }
            const answer = await pool.request({ method: 'POST', path: '/webhooks', headers, body: next.body })
            await answer.body.dump()
          }
        }),
      )
    }),
  )
  const seconds = (performance.now() - beganMs) / 1000
  await Promise.all(pools.map((pool) => pool.close()))
  return (targets.length * EVENTS) / seconds
}
