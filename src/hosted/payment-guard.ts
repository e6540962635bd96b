import type { App } from '../app.ts'
import type { Trx } from '../db/database.ts'
import type { Payment } from '../onramp/payment.ts'
import { beginChanges, type PaymentChanges, wakeAfter, writeChanges } from '../onramp/payment-changes.ts'
import { findPaymentById, lockPayments } from '../onramp/payment-store.ts'
import { loadSessions, type Session } from '../onramp/session-store.ts'
import type { ApiRequest } from '../server/endpoint.ts'
import { fail } from '../server/errors.ts'
import { refuseViewer } from './payment-owner.ts'
import { notFound } from './payment-scene.ts'
import { allowedActions } from './payment-view.ts'
import type { PaymentAction } from './wire.ts'

export type PageNeeds = Pick<
  App,
  'db' | 'clock' | 'config' | 'secrets' | 'pricing' | 'providers' | 'wake' | 'log' | 'pageNews'
>
export type Browser = Pick<ApiRequest, 'cookies'>

/** Changes a payment for its owner: who it is and whether it is the time for it is looked at under the lock. */
export async function changeAsOwner(
  app: PageNeeds,
  browser: Browser,
  id: string,
  action: PaymentAction,
  apply: (trx: Trx, changes: PaymentChanges, payment: Payment) => Promise<void> | void,
): Promise<void> {
  const changes = beginChanges(app)
  await app.db.transaction().execute(async (trx) => {
    const payment = (await lockPayments(trx, [id])).get(id) ?? notFound()
    refuseViewer(browser, payment)
    refuseAction(payment, latestSession(await loadSessions(trx, [id]), payment), action, changes.now)
    await apply(trx, changes, payment)
    await writeChanges(trx, changes)
  })
  wakeAfter(app, changes)
}

export const latestSession = (sessions: readonly Session[], { paymentType }: Payment): Session | null =>
  sessions.filter((session) => session.paymentType === paymentType).at(-1) ?? null

export function refuseAction(
  payment: Payment,
  session: Session | null,
  action: PaymentAction,
  now: Date,
): void {
  if (allowedActions({ payment, session }, now).includes(action)) return
  fail('action_not_allowed', `${action} is not possible now. Look at the payment again.`)
}

/** Before the network is asked: the same checks, without the lock. */
export async function findAllowed(
  app: PageNeeds,
  browser: Browser,
  id: string,
  action: PaymentAction,
): Promise<Payment> {
  const payment = (await findPaymentById(app.db, id)) ?? notFound()
  refuseViewer(browser, payment)
  refuseAction(payment, latestSession(await loadSessions(app.db, [id]), payment), action, app.clock.now())
  return payment
}
