import { sql } from 'kysely'
import type { App } from '../../app.ts'
import type { Lane } from '../../kernel/lanes.ts'
import { CALLBACK_LANE, CALLBACK_PURPOSE } from './inbox.ts'

/** A stored notification, as a handler gets it. */
export interface Callback<Payload = unknown> {
  id: number
  externalId: string
  payload: Payload
  receivedAt: Date
}

/** Some of a batch could not be worked off; the rest could. */
export interface CallbackProblem {
  id: number
  reason: string
}

/**
 * Works off up to a hundred notifications of its provider, in the order they came. They may come twice, late and out
 * of order, and a crash repeats them: the handler asks what is so now. It names those that failed, or throws if it
 * can't tell which; then each is tried by itself.
 */
// biome-ignore lint/suspicious/noConfusingVoidType: a handler with nothing to report returns nothing.
// biome-ignore lint/suspicious/noExplicitAny: each handler knows the payloads of its own provider.
export type CallbackHandler = (callbacks: Callback<any>[]) => Promise<readonly CallbackProblem[] | void>

const BATCH = 100
/** Longer than a batch can take; a crash delays its notifications by as much. */
const LEASE = sql`interval '15 seconds'`

/** The pauses after each failure; after the last one it is parked, and waits for a person. */
const RETRY_PAUSES_MS = [1, 5, 30, 120, 600, 1_800, 3_600, 10_800].map((seconds) => seconds * 1_000)

type Needs = Pick<App, 'db' | 'clock' | 'secrets' | 'log'>

interface Claimed extends Callback {
  provider: string
  attempts: number
}

/** Works off what providers told us, in batches, each provider's by its handler. */
export function callbackLane(app: Needs, handlers: Readonly<Record<string, CallbackHandler>>): Lane {
  return {
    name: CALLBACK_LANE,
    async step() {
      const claimed = await claim(app)
      const byProvider = Map.groupBy(claimed, ({ provider }) => provider)
      const problems = await Promise.all(
        [...byProvider].map(([provider, callbacks]) => workOff(app, handlers[provider], callbacks)),
      )
      await record(app, claimed, new Map(problems.flat().map(({ id, reason }) => [id, reason])))
      return claimed.length
    },
    async nextDue() {
      const row = await app.db
        .selectFrom('providerCallbacks')
        .select('dueAt')
        .where('dueAt', 'is not', null)
        .orderBy('dueAt')
        .limit(1)
        .executeTakeFirst()
      return row?.dueAt ?? null
    },
  }
}

async function claim({ db, clock, secrets }: Needs): Promise<Claimed[]> {
  const { rows } = await sql<Omit<Claimed, 'payload'> & { payloadSealed: Buffer }>`
    update provider_callbacks set lease_until = clock_timestamp() + ${LEASE}
     where id in (select id from provider_callbacks
                   where due_at <= ${clock.now()}::timestamptz and (lease_until is null or lease_until < clock_timestamp())
                   order by due_at, id limit ${BATCH} for update skip locked)
    returning id, provider, external_id, payload_sealed, attempts, received_at`.execute(db)
  return rows
    .map(({ payloadSealed, ...row }) => ({
      ...row,
      payload: JSON.parse(secrets.open(CALLBACK_PURPOSE, payloadSealed).toString('utf8')),
    }))
    .sort((a, b) => a.id - b.id)
}

async function workOff(
  { log }: Needs,
  handler: CallbackHandler | undefined,
  callbacks: readonly Claimed[],
): Promise<readonly CallbackProblem[]> {
  if (!handler) return callbacks.map(({ id }) => ({ id, reason: 'No handler is there for this provider.' }))
  try {
    return (await handler([...callbacks])) ?? []
  } catch (error) {
    log.warn(
      { err: error, provider: callbacks[0]?.provider, count: callbacks.length },
      'Provider callbacks failed.',
    )
    if (callbacks.length === 1) return callbacks.map(({ id }) => ({ id, reason: reasonOf(error) }))
    // One of them may be the reason: it must not hold up the others.
    const problems: CallbackProblem[] = []
    for (const callback of callbacks) problems.push(...(await workOff({ log } as Needs, handler, [callback])))
    return problems
  }
}

const reasonOf = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).slice(0, 500)

async function record(
  { db, clock }: Needs,
  claimed: readonly Claimed[],
  problems: ReadonlyMap<number, string>,
): Promise<void> {
  if (claimed.length === 0) return
  const now = clock.now()
  const outcomes = claimed.map(({ id, attempts }) => {
    const reason = problems.get(id)
    if (reason === undefined) return { id, failed: false, dueAt: null, parkedReason: null }
    const pauseMs = RETRY_PAUSES_MS[attempts]
    if (pauseMs === undefined) return { id, failed: true, dueAt: null, parkedReason: reason }
    return { id, failed: true, dueAt: new Date(now.getTime() + pauseMs), parkedReason: null }
  })
  await sql`
    update provider_callbacks c
       set attempts = c.attempts + case when o.failed then 1 else 0 end,
           due_at = o.due_at,
           lease_until = null,
           parked_reason = o.parked_reason,
           processed_at = case when not o.failed then ${now}::timestamptz end
      from unnest(
        ${outcomes.map(({ id }) => id)}::bigint[], ${outcomes.map(({ failed }) => failed)}::boolean[],
        ${outcomes.map(({ dueAt }) => dueAt)}::timestamptz[], ${outcomes.map(({ parkedReason }) => parkedReason)}::text[]
      ) as o (id, failed, due_at, parked_reason)
     where c.id = o.id`.execute(db)
}
