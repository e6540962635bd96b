import type { App } from '../app.ts'
import { lookAgainAt } from './look-again.ts'
import type { Holder, Payment } from './payment.ts'
import {
  beginChanges,
  moveState,
  type PaymentChanges,
  setFields,
  wakeAfter,
  writeChanges,
} from './payment-changes.ts'
import { lockPayments } from './payment-store.ts'
import { sealHolder } from './payment-wire.ts'
import { type Arrival, receive } from './receive.ts'
import {
  findPaymentIds,
  isLive,
  loadSessions,
  type Session,
  type SessionName,
  updateSessions,
} from './session-store.ts'
import { takerAccount } from './session-taker.ts'

/**
 * What a provider says of a session, in its notification or when asked: the same whichever way it comes, twice, late,
 * and out of order.
 */
export type SessionNews = SessionName &
  /** `units`: all that was paid in the session so far. */
  (
    | {
        type: 'paid'
        units: bigint
        currency: string
        at: Date
        payer: Holder | null
        /** Set when the payer took some or all of it back: whoever charges back has paid. */
        chargedBack?: { units: bigint; reason: string } | null
      }
    /** It came to be, though the answer to its beginning was lost. */
    | { type: 'open' }
    /** The customer's bank took the order; the money comes as a bank transfer. */
    | { type: 'initiated'; payer: Holder }
    | { type: 'declined'; declines: number; code: string; final: boolean }
    | { type: 'ended'; as: 'cancelled' | 'expired' }
  )

/** Declines, over all sessions of a payment, that end it. */
export const MOST_DECLINES = 5

type Needs = Pick<App, 'db' | 'clock' | 'config' | 'secrets' | 'pricing' | 'wake' | 'log' | 'pageNews'>

/**
 * Takes news of many sessions in one transaction. Answers the news of sessions that nobody here began, which are
 * somebody's mistake and nobody's payment.
 */
export async function applySessionNews(app: Needs, news: readonly SessionNews[]): Promise<SessionNews[]> {
  const paymentIds = await findPaymentIds(app.db, news)
  const known = news.filter(({ providerRef }) => paymentIds.has(providerRef))
  if (known.length > 0) {
    const changes = beginChanges(app)
    await app.db.transaction().execute(async (trx) => {
      const payments = await lockPayments(trx, [...new Set(paymentIds.values())])
      const sessions = await loadSessions(trx, [...payments.keys()])
      const changed = new Set<Session>()
      const arrivals: Arrival[] = []
      for (const one of known) {
        const payment = payments.get(paymentIds.get(one.providerRef)!)!
        const arrival = applyOne(changes, payment, sessions, one, changed)
        if (arrival) arrivals.push(arrival)
      }
      // Before the money is taken in: what has to go back goes back to the sessions that are paid.
      await updateSessions(trx, [...changed])
      await receive(app, trx, changes, payments, arrivals)
      for (const payment of payments.values()) settleDeclines(changes, payment, sessions)
      await updateSessions(trx, endOthers(changes, payments, sessions))
      await writeChanges(trx, changes)
    })
    wakeAfter(app, changes)
  }
  return news.filter(({ providerRef }) => !paymentIds.has(providerRef))
}

function applyOne(
  changes: PaymentChanges,
  payment: Payment,
  sessions: readonly Session[],
  news: SessionNews,
  changed: Set<Session>,
): Arrival | undefined {
  const session = findSession(sessions, payment, news)
  if (!session) return undefined
  const change = (fields: Partial<Session>): void => {
    Object.assign(session, fields, { updatedAt: changes.now })
    if (fields.state && !isLive(session)) session.dueAt = lookAgainAt(session, changes.now) ?? null
    changed.add(session)
    // Whoever watches the payment's page sees the session change.
    setFields(changes, payment, {})
  }
  if (session.providerRef === null) change({ providerRef: news.providerRef })
  switch (news.type) {
    case 'paid':
      return takePaid(payment, session, news, change)
    case 'initiated':
      if (session.state === 'pending') return undefined
      change({ state: 'pending' })
      learnHolder(changes, payment, news.payer)
      if (payment.state === 'started') moveState(changes, payment, 'initiated')
      return undefined
    case 'declined':
      if (!isLive(session) || news.declines < session.declines) return undefined
      // Heard before: nothing changes, and whoever asked asks again at the usual pause, not at once for ever.
      if (news.declines === session.declines && !news.final) return undefined
      setFields(changes, payment, {
        declines: payment.declines + news.declines - session.declines,
        lastDecline: news.code,
      })
      change({ declines: news.declines, declineCode: news.code, returnedAt: null })
      if (news.final) change({ state: 'declined' })
      return undefined
    case 'open':
      return undefined
    case 'ended':
      if (isLive(session)) change({ state: news.as })
      return undefined
  }
}

/**
 * `units` is all that the provider took in the session. A code that is paid a second time raises it: what came then is
 * an arrival of its own.
 */
function takePaid(
  payment: Payment,
  session: Session,
  news: SessionNews & { type: 'paid' },
  change: (fields: Partial<Session>) => void,
): Arrival | undefined {
  const beforeUnits = session.state === 'paid' ? session.units : 0n
  if (news.units <= beforeUnits) return undefined
  const arrival = arrivalOf(payment, session, { ...news, units: news.units - beforeUnits })
  change({ state: 'paid', units: news.units })
  return beforeUnits === 0n ? arrival : { ...arrival, purpose: `${arrival.purpose}:${news.units}` }
}

/** By the provider's reference; else the one session whose answer, and so reference, we never got. */
function findSession(sessions: readonly Session[], payment: Payment, news: SessionNews): Session | undefined {
  const own = sessions.filter(
    ({ paymentId, provider }) => paymentId === payment.id && provider === news.provider,
  )
  return (
    own.find(({ providerRef }) => providerRef === news.providerRef) ??
    own.find(({ providerRef }) => providerRef === null)
  )
}

function arrivalOf(payment: Payment, session: Session, news: SessionNews & { type: 'paid' }): Arrival {
  if (news.currency !== payment.fiat) {
    throw new Error(`Session ${session.id} of payment ${payment.id} was paid in ${news.currency}.`)
  }
  return {
    paymentId: payment.id,
    units: news.units,
    bookedAt: news.at,
    fromAccount: takerAccount(session.paymentType, session.provider),
    purpose: `payment:${payment.id}:paid:${session.id}`,
    kind: 'card',
    payer: news.payer,
    // Cards are often a relative's, and names on them are no identification: 3-D Secure is what protects us.
    thirdParty: false,
  }
}

export function learnHolder(changes: PaymentChanges, payment: Payment, holder: Holder): void {
  if (payment.holderSealed) return
  setFields(changes, payment, { holderSealed: sealHolder(changes.app.secrets, payment.keyWrapped, holder) })
}

/** Too many declines, or a session that was refused for good, end a payment that has no money. */
function settleDeclines(changes: PaymentChanges, payment: Payment, sessions: readonly Session[]): void {
  if (payment.state !== 'started' || payment.receivedUnits > 0n) return
  const refused = sessions.some(
    ({ paymentId, paymentType, state }) =>
      paymentId === payment.id && paymentType === 'card' && state === 'declined',
  )
  if (refused || payment.declines >= MOST_DECLINES)
    moveState(changes, payment, 'rejected', { endReason: 'declined' })
}

/** A payment that isn't waiting for money any more leaves no way open to pay it again: their lane ends them now. */
function endOthers(
  changes: PaymentChanges,
  payments: ReadonlyMap<string, Payment>,
  sessions: readonly Session[],
): Session[] {
  const open = sessions.filter(
    (session) => isLive(session) && payments.get(session.paymentId)!.state !== 'started',
  )
  for (const session of open) Object.assign(session, { dueAt: changes.now, updatedAt: changes.now })
  return open
}
