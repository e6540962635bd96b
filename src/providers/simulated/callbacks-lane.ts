import { sql } from 'kysely'
import { request } from 'undici'
import type { Lane } from '../../kernel/lanes.ts'
import type { ProviderNotification } from '../callback.ts'
import { takeFault } from '../faults.ts'
import type { Teller } from './outbox.ts'
import { SIGNATURE_HEADER, signCallback } from './signature.ts'
import { CALLBACKS_LANE, type RunningSimulator, type Simulator } from './simulator.ts'

/** Notifications in one POST. */
const BATCH = 200
const POST_TIMEOUT_MS = 10_000
/** Longer than a POST; one that is told twice is no harm. */
const LEASE_MS = 15_000
/** What the fault `late` adds, on the platform's clock. */
const LATE_MS = 30_000
/** Pauses between tries in seconds, on the platform's clock; after the last one the provider gives up. */
const RETRY_SECONDS = [
  1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14_400, 28_800, 43_200, 86_400,
] as const

const PATHS: Record<Teller, string> = {
  card: '/providers/card/callback',
  open_banking: '/providers/open-banking/callback',
  bank: '/providers/bank/callback',
  kyc: '/providers/kyc/callback',
  paypal: '/providers/paypal/callback',
  local: '/providers/local/callback',
}

interface Told {
  id: number
  provider: Teller
  notification: ProviderNotification
  attempts: number
}

/** Plays the providers' own delivery: signed POSTs to our callback endpoints, many notifications in each, with retries. */
export function simulatedCallbacksLane(simulator: RunningSimulator): Lane {
  return {
    name: CALLBACKS_LANE,
    async step() {
      const claimed = await claim(simulator)
      const byProvider = Map.groupBy(claimed, ({ provider }) => provider)
      await Promise.all([...byProvider].map(([provider, told]) => deliver(simulator, provider, told)))
      return claimed.length
    },
    async nextDue() {
      const row = await simulator.db
        .selectFrom('simulated.callbacks')
        .select('dueAt')
        .orderBy('dueAt')
        .limit(1)
        .executeTakeFirst()
      return row?.dueAt ?? null
    },
  }
}

async function claim({ db, clock }: Simulator): Promise<Told[]> {
  const { rows } = await sql<Told>`
    update simulated.callbacks set lease_until = clock_timestamp() + ${LEASE_MS} * interval '1 millisecond'
     where id in (select id from simulated.callbacks
                   where due_at <= ${clock.now()} and (lease_until is null or lease_until < clock_timestamp())
                   order by due_at, id limit ${BATCH} for update skip locked)
    returning id, provider, notification, attempts`.execute(db)
  return rows.sort((a, b) => a.id - b.id)
}

async function deliver(simulator: RunningSimulator, provider: Teller, claimed: Told[]): Promise<void> {
  const { punctual, late, lost, twice } = await applyFaults(simulator, provider, claimed)
  if (late.length > 0) await putOff(simulator, late, LATE_MS)
  if (lost.length > 0) await forget(simulator, lost)
  if (punctual.length === 0) return
  const answer = await post(
    simulator,
    provider,
    punctual.map(({ notification }) => notification),
  )
  if (answer !== undefined) {
    simulator.log.warn(
      { provider, answer, count: punctual.length },
      'A simulated provider could not deliver its callback.',
    )
    return retryLater(simulator, provider, punctual)
  }
  if (twice.length > 0)
    await post(
      simulator,
      provider,
      twice.map(({ notification }) => notification),
    )
  await forget(simulator, punctual)
}

/** Each `late`, `lost` or `twice` that was ordered happens to one notification. */
async function applyFaults({ db }: Simulator, provider: Teller, claimed: Told[]) {
  const meeting = { late: [] as Told[], lost: [] as Told[], twice: [] as Told[] }
  for (const told of claimed) {
    const fault = await takeFault(db, provider, ['late', 'lost', 'twice'])
    if (fault === undefined) break
    meeting[fault].push(told)
  }
  const { late, lost } = meeting
  return { ...meeting, punctual: claimed.filter((told) => !late.includes(told) && !lost.includes(told)) }
}

/** Answers undefined when it was accepted, else what went wrong. */
async function post(
  simulator: Simulator,
  provider: Teller,
  notifications: ProviderNotification[],
): Promise<string | undefined> {
  const body = JSON.stringify({ notifications })
  try {
    const answer = await request(simulator.publicUrl() + PATHS[provider], {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        [SIGNATURE_HEADER]: signCallback(simulator, provider, body),
      },
      body,
      headersTimeout: POST_TIMEOUT_MS,
      bodyTimeout: POST_TIMEOUT_MS,
    })
    await answer.body.dump()
    return answer.statusCode >= 200 && answer.statusCode < 300 ? undefined : `status ${answer.statusCode}`
  } catch (error) {
    return (error as Error).message
  }
}

async function putOff({ db, clock }: Simulator, told: Told[], ms: number): Promise<void> {
  await sql`
    update simulated.callbacks set lease_until = null, due_at = ${new Date(clock.now().getTime() + ms)}
     where id = any(${told.map(({ id }) => id)}::bigint[])`.execute(db)
}

async function retryLater(simulator: RunningSimulator, provider: Teller, failed: Told[]): Promise<void> {
  const over = failed.filter(({ attempts }) => attempts >= RETRY_SECONDS.length)
  const nowMs = simulator.clock.now().getTime()
  const again = failed.filter((told) => !over.includes(told))
  await sql`
    update simulated.callbacks c set lease_until = null, attempts = attempts + 1, due_at = given.due_at
      from unnest(${again.map(({ id }) => id)}::bigint[],
                  ${again.map(({ attempts }) => new Date(nowMs + RETRY_SECONDS[attempts]! * 1000))}::timestamptz[]) given (id, due_at)
     where c.id = given.id`.execute(simulator.db)
  if (over.length === 0) return
  simulator.log.error(
    { provider, notifications: over.map(({ notification }) => notification.id) },
    'A simulated provider gave up telling us; asking it still answers.',
  )
  await forget(simulator, over)
}

async function forget({ db }: Simulator, told: Told[]): Promise<void> {
  await sql`delete from simulated.callbacks where id = any(${told.map(({ id }) => id)}::bigint[])`.execute(db)
}
