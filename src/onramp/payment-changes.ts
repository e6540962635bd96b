import type { App } from '../app.ts'
import { beginMoney, lanesAfter, type MoneyChanges, writeMoney } from '../common/money-changes.ts'
import type { Trx } from '../db/database.ts'
import type { Journal } from '../ledger/book.ts'
import type { NewEvent } from '../webhooks/emit.ts'
import { type Payment, paymentReference, type ReviewReason } from './payment.ts'
import {
  ENDED_WITHOUT_COINS,
  EVENT_OF_STATE,
  lifetimeMs,
  nextState,
  type PaymentEvent,
} from './payment-states.ts'
import { updatePayments } from './payment-store.ts'
import { wirePayment } from './payment-wire.ts'

type Needs = Pick<App, 'clock' | 'config' | 'secrets'>

/**
 * What one transaction does to its locked payments: their new fields, the ledger's journals, money that is to go out,
 * events. Gathered in memory by pure steps, written at the end in four statements whatever the number of payments.
 */
export interface PaymentChanges extends MoneyChanges {
  app: Needs
  touched: Set<Payment>
  /** The fields that change of any of them. */
  fields: Set<keyof Payment>
}

export const beginChanges = (app: Needs): PaymentChanges => ({
  ...beginMoney(app.clock),
  app,
  touched: new Set(),
  fields: new Set(['version', 'updatedAt', 'leaseUntil']),
})

/** Changes fields of a payment; whoever watches it sees a new version. */
export function setFields(changes: PaymentChanges, payment: Payment, fields: Partial<Payment>): void {
  Object.assign(payment, fields)
  for (const field in fields) changes.fields.add(field as keyof Payment)
  if (changes.touched.has(payment)) return
  changes.touched.add(payment)
  payment.version += 1
  payment.updatedAt = changes.now
  payment.leaseUntil = null
}

/** Thrown where the table of states knows no way: the caller should have asked before. */
export class ImpossibleTransition extends Error {}

/**
 * Moves a payment along the table of states, with the fields that go with it, and tells the integrator. The new state
 * brings its deadline; what ended without coins gives its `external_id` back.
 */
export function moveState(
  changes: PaymentChanges,
  payment: Payment,
  event: PaymentEvent,
  fields: Partial<Payment> = {},
): void {
  const state = nextState(payment.state, event)
  if (state === undefined) {
    throw new ImpossibleTransition(`Payment ${payment.id} is ${payment.state}: ${event} can't happen to it.`)
  }
  const lifetime = lifetimeMs(state, payment.paymentType, changes.app.config.durations)
  const deadline = lifetime === null ? null : new Date(changes.now.getTime() + lifetime)
  setFields(changes, payment, {
    state,
    expiresAt: deadline,
    dueAt: deadline,
    ...(ENDED_WITHOUT_COINS.has(state) ? { liveExternalId: null } : { endReason: null }),
    ...(state === 'in_review' ? {} : { reviewReason: null, reviewDetail: null }),
    ...fields,
  })
  const type = EVENT_OF_STATE[state]
  if (type) tell(changes, payment, type)
}

/** Puts a payment before a person, and says why. */
export function moveToReview(
  changes: PaymentChanges,
  payment: Payment,
  reviewReason: ReviewReason,
  reviewDetail: string | null = null,
): void {
  const event = payment.state === 'payment_received' ? 'undelivered' : 'doubted'
  // Late money honoured under the old id takes its name back; whoever calls has seen that it is free.
  moveState(changes, payment, event, { reviewReason, reviewDetail, liveExternalId: payment.externalId })
}

/** An event with the payment as it is now. */
export function tell(changes: PaymentChanges, payment: Payment, type: NewEvent['type']): void {
  changes.events.push({
    integrationId: payment.integrationId,
    type,
    stream: paymentReference(payment.id),
    data: wirePayment(payment, changes.app),
    keyWrapped: payment.keyWrapped,
  })
}

export function bookFor(
  changes: PaymentChanges,
  payment: Payment,
  journal: Pick<Journal, 'kind' | 'purpose' | 'postings'>,
): void {
  changes.journals.push({
    ...journal,
    integrationId: payment.integrationId,
    reference: paymentReference(payment.id),
    at: changes.now,
  })
}

export async function writeChanges(trx: Trx, changes: PaymentChanges): Promise<void> {
  await updatePayments(trx, [...changes.touched], changes.fields)
  await writeMoney(trx, changes, changes.app)
}

/** After the commit: whoever goes on with it, and whoever looks at the payments' pages. */
export function wakeAfter(app: Pick<App, 'wake' | 'pageNews'>, changes: PaymentChanges): void {
  const lanes = lanesAfter(changes)
  if (lanes.length > 0) app.wake(...lanes)
  for (const { id, browserHash } of changes.touched) {
    if (browserHash) app.pageNews.tell(paymentReference(id))
  }
}
