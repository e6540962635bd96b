import { sql } from 'kysely'
import type { App } from '../app.ts'
import type { Lane } from '../kernel/lanes.ts'
import { askAll } from './end-sessions.ts'
import { lookAgainAt } from './look-again.ts'
import { applyChargebacks } from './session-chargebacks.ts'
import { applySessionNews } from './session-news.ts'
import { claimSessions, isLive, type Session } from './session-store.ts'

const BATCH = 50
const LEASE_MS = 60_000
/** Pauses between asking, on the platform's clock; the last one is repeated. */
const ASK_AGAIN_MS = [120_000, 300_000, 600_000, 1_800_000] as const

type Needs = Pick<
  App,
  'db' | 'clock' | 'config' | 'secrets' | 'pricing' | 'providers' | 'wake' | 'log' | 'pageNews'
>

export const SESSION_LANE = 'payment-sessions'

/**
 * Asks providers about sessions whose notification hasn't come, and ends those whose payment waits for no money any
 * more. A notification may be lost for good; asking makes every session known in the end, and what may follow it: a
 * code that is paid late or twice, a dispute.
 */
export function sessionLane(app: Needs): Lane {
  return {
    name: SESSION_LANE,
    pollMs: 5_000,
    async step() {
      const claimed = await claimSessions(app.db, { now: app.clock.now(), limit: BATCH, leaseMs: LEASE_MS })
      if (claimed.length === 0) return 0
      const waiting = await findWaiting(app, claimed)
      const { news, unanswered } = await askAll(app, claimed, (session) =>
        waiting.has(session.paymentId) || isOver(session) ? 'look' : 'end',
      )
      await applySessionNews(app, news)
      await applyChargebacks(app, news)
      await settle(app, claimed, new Set(unanswered))
      return claimed.length
    },
    async nextDue() {
      const row = await app.db
        .selectFrom('paymentSessions')
        .select('dueAt')
        .where('dueAt', 'is not', null)
        .orderBy('dueAt')
        .limit(1)
        .executeTakeFirst()
      return row?.dueAt ?? null
    },
  }
}

/** Ended at the provider, as far as we know: one that we gave up alone may still have to be ended there. */
const isOver = ({ state }: Session): boolean =>
  state === 'paid' || state === 'declined' || state === 'expired'

/** The provider doesn't know it, but may be at the call that begins it even now. */
const mayStillCome = ({ providerRef, attempts }: Session): boolean => providerRef === null && attempts === 1

/** The payments that still wait for money. */
async function findWaiting({ db }: Needs, sessions: readonly Session[]): Promise<Set<string>> {
  const rows = await db
    .selectFrom('payments')
    .select('id')
    .where(sql<boolean>`id = any(${sessions.map(({ paymentId }) => paymentId)}::text[])`)
    .where('state', '=', 'started')
    .execute()
  return new Set(rows.map(({ id }) => id))
}

/**
 * Those the news didn't settle are asked about again, as are those that we gave up and whose provider doesn't answer. One that never got a reference, and that the provider doesn't
 * know after its call has long ended, was never begun.
 */
async function settle(
  { db, clock }: Needs,
  claimed: readonly Session[],
  unanswered: ReadonlySet<Session>,
): Promise<void> {
  const now = clock.now()
  const pauseOf = ({ attempts }: Session) => ASK_AGAIN_MS[Math.min(attempts, ASK_AGAIN_MS.length) - 1]!
  const over = claimed.map((session) => !isLive(session))
  const dueAt = claimed.map((session, index) =>
    over[index] && (isOver(session) || !(unanswered.has(session) || mayStillCome(session)))
      ? (lookAgainAt(session, now) ?? null)
      : new Date(now.getTime() + pauseOf(session)),
  )
  const unknown = claimed.map((session) => session.attempts > 1 && !unanswered.has(session))
  await sql`
    update payment_sessions
       set lease_until = null,
           state = case when provider_ref is null and unknown and state = 'created' then 'failed' else state end,
           due_at = case when provider_ref is null then case when unknown then null else given.due_at end
                         when given.over or state in ('created', 'open') then given.due_at end
      from unnest(${claimed.map(({ id }) => id)}::text[], ${dueAt}::timestamptz[], ${unknown}::boolean[],
                  ${over}::boolean[])
           given (id, due_at, unknown, over)
     where payment_sessions.id = given.id and lease_until is not null`.execute(db)
}
