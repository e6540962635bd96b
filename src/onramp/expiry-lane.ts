import { sql } from 'kysely'
import type { App } from '../app.ts'
import type { Trx } from '../db/database.ts'
import { findTaken, MoneyTaken } from '../effects/given-up-money.ts'
import type { Lane } from '../kernel/lanes.ts'
import { endSessions } from './end-sessions.ts'
import { heldUnits, type Payment, paymentReference } from './payment.ts'
import {
  beginChanges,
  moveState,
  moveToReview,
  type PaymentChanges,
  setFields,
  wakeAfter,
  writeChanges,
} from './payment-changes.ts'
import type { PaymentState } from './payment-states.ts'
import { lockPayments } from './payment-store.ts'
import { planRefund } from './plan-refund.ts'
import { refundEverything } from './refund-everything.ts'
import { loadSources } from './refund-sources.ts'
import { cancelBegunSessions, isLive, loadSessions } from './session-store.ts'
import { reviewUndispatched } from './undelivered.ts'

const BATCH = 100
/** Longer than ten times the provider's time-out over the sessions of a batch, asked ten at once. */
const LEASE_MS = 120_000
const LOOK_AGAIN_MS = 3_600_000

type Needs = Pick<
  App,
  'db' | 'clock' | 'config' | 'secrets' | 'pricing' | 'providers' | 'wake' | 'log' | 'pageNews'
>

export const EXPIRY_LANE = 'payment-expiry'

/** What happens when a payment has been too long in a state. Every state that isn't final has a deadline. */
export function paymentExpiryLane(app: Needs): Lane {
  return {
    name: EXPIRY_LANE,
    async step() {
      const due = await claimDue(app)
      const ids = (...states: PaymentState[]) =>
        due.filter(({ state }) => states.includes(state)).map(({ id }) => id)
      await expire(app, ids('started', 'pending_bank'))
      for (const id of ids('in_review')) await refundUnreviewed(app, id)
      for (const id of ids('payment_received')) await reviewUndispatched(app, id)
      return due.length
    },
    async nextDue() {
      const row = await app.db
        .selectFrom('payments')
        .select('dueAt')
        .where('dueAt', 'is not', null)
        .orderBy('dueAt')
        .limit(1)
        .executeTakeFirst()
      return row?.dueAt ?? null
    },
  }
}

/**
 * Nobody decided in time. Coins that are on their way all the same are waited for a little longer; while money left by a
 * refund that was given up, the payment stays before the operator, with a new deadline.
 */
async function refundUnreviewed(app: Needs, id: string): Promise<void> {
  try {
    if (await refundEverything(app, id, { reason: 'review_timeout' })) return
  } catch (error) {
    if (!(error instanceof MoneyTaken)) throw error
    await leaveWithPerson(app, id, error)
    return
  }
  const dueAt = new Date(app.clock.now().getTime() + LOOK_AGAIN_MS)
  await app.db
    .updateTable('payments')
    .set({ dueAt, leaseUntil: null })
    .where('id', '=', id)
    .where('state', '=', 'in_review')
    .where('dueAt', 'is not', null)
    .execute()
}

async function leaveWithPerson(app: Needs, id: string, { message }: MoneyTaken): Promise<void> {
  const changes = beginChanges(app)
  await app.db.transaction().execute(async (trx) => {
    const payment = (await lockPayments(trx, [id])).get(id)
    if (payment?.state !== 'in_review' || payment.dueAt === null || payment.dueAt > changes.now) return
    app.log.error(
      { payment: id, reason: payment.reviewReason, detail: message },
      'A payment waits for a person, and nobody came.',
    )
    const deadline = new Date(changes.now.getTime() + app.config.durations.reviewLifetimeMs)
    setFields(changes, payment, { expiresAt: deadline, dueAt: deadline })
    await writeChanges(trx, changes)
  })
  wakeAfter(app, changes)
}

async function claimDue({ db, clock }: Needs): Promise<{ id: string; state: PaymentState }[]> {
  const { rows } = await sql<{ id: string; state: PaymentState }>`
    update payments set lease_until = clock_timestamp() + ${LEASE_MS} * interval '1 millisecond'
     where (integration_id, id) in (
           select integration_id, id from payments
            where due_at <= ${clock.now()} and (lease_until is null or lease_until < clock_timestamp())
            order by due_at limit ${BATCH} for update skip locked)
    returning id, state`.execute(db)
  return rows
}

/**
 * Ends payments whose money didn't come. The provider's sessions are ended first, and what they ended as is taken in:
 * "paid" wins. A provider that doesn't answer keeps its payments waiting, until the lease is over.
 */
async function expire(app: Needs, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return
  const unanswered = await endSessions(app, ids)
  const answered = ids.filter((id) => !unanswered.has(id))
  const changes = beginChanges(app)
  await app.db.transaction().execute(async (trx) => {
    const payments = [...(await lockPayments(trx, answered)).values()].filter(
      ({ state, dueAt }) =>
        (state === 'started' || state === 'pending_bank') && dueAt !== null && dueAt <= changes.now,
    )
    const open = await loadSessions(trx, answered)
    // Begun while the others were being ended: these wait for the next round.
    const busy = new Set(
      open.filter((one) => isLive(one) && one.url !== null).map(({ paymentId }) => paymentId),
    )
    const ending = payments.filter(({ id }) => !busy.has(id))
    const partly = ending.filter((payment) => heldUnits(payment) > 0n)
    const unsettled = await reviewUnsettled(trx, changes, partly)
    const sources = await loadSources(
      trx,
      app,
      partly.map(({ id }) => id),
    )
    for (const payment of ending) {
      if (unsettled.has(payment)) continue
      const units = heldUnits(payment)
      if (units > 0n)
        planRefund(changes, payment, { units, reason: 'short', sources: sources.get(payment.id)! })
      moveState(changes, payment, 'expired', { endReason: 'expired' })
    }
    await cancelBegunSessions(
      trx,
      ending.map(({ id }) => id),
      changes.now,
    )
    await writeChanges(trx, changes)
  })
  wakeAfter(app, changes)
}

/** What came of a payment and already left by a refund that was given up is not paid back beside that: a person decides. */
async function reviewUnsettled(
  trx: Trx,
  changes: PaymentChanges,
  payments: readonly Payment[],
): Promise<Set<Payment>> {
  const unsettled = new Set<Payment>()
  for (const payment of payments) {
    const taken = await findTaken(trx, paymentReference(payment.id))
    if (!taken) continue
    moveToReview(changes, payment, 'refund_cancelled', taken.message)
    unsettled.add(payment)
  }
  return unsettled
}
