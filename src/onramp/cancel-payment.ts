import { Type } from 'typebox'
import type { App } from '../app.ts'
import type { Trx } from '../db/database.ts'
import { findTaken } from '../effects/given-up-money.ts'
import { endpoint } from '../server/endpoint.ts'
import { fail } from '../server/errors.ts'
import { PaymentId } from '../server/fields.ts'
import { endSessions } from './end-sessions.ts'
import { heldUnits, type Payment, paymentReference } from './payment.ts'
import { beginChanges, moveState, wakeAfter, writeChanges } from './payment-changes.ts'
import { findPayment, lockPayments } from './payment-store.ts'
import { PaymentObject, wirePayment } from './payment-wire.ts'
import { planRefund } from './plan-refund.ts'
import { loadSources } from './refund-sources.ts'
import { PAYMENT_EXAMPLE } from './retrieve-payment.ts'
import { cancelBegunSessions, isLive, loadSessions } from './session-store.ts'

export const cancelPayment = endpoint({
  method: 'POST',
  path: '/api/payment/{payment_id}/cancel',
  section: 'onramp',
  name: 'cancelPayment',
  summary: 'Cancel a payment',
  description:
    'Only while it is `started`. The provider’s session is ended first: a customer who paid at the same moment wins, and the answer is `payment_not_cancellable`. A part of a bank transfer that came already is refunded.',
  audience: 'token',
  params: Type.Object({ payment_id: PaymentId }),
  data: PaymentObject,
  errors: ['payment_not_found', 'payment_not_cancellable'],
  examples: {
    answer: {
      ...PAYMENT_EXAMPLE,
      status: 'cancelled',
      txid: undefined,
      holder: null,
      fiat_amount_received: '0.00',
    },
  },
  async handle(app, request) {
    const found = await findPayment(app.db, request.integration.id, request.params.payment_id)
    if (!found) fail('payment_not_found', 'There is no such payment.')
    const within = (trx: Trx, payment: Payment) => request.remember(trx, wirePayment(payment, app))
    return wirePayment(await cancel(app, found.id, { within }), app)
  },
})

type Needs = Pick<
  App,
  'db' | 'clock' | 'config' | 'secrets' | 'pricing' | 'providers' | 'wake' | 'log' | 'pageNews'
>

/** Sessions that the customer may begin while others are being ended, before we give up. */
const MOST_TRIES = 3

interface Cancelling {
  /** Runs in the transaction of the change. */
  within?: (trx: Trx, payment: Payment) => Promise<void>
  /** Throws what the caller is told of a payment that can't be cancelled as it is. */
  judge?: (payment: Payment) => void
  /** What the caller is told when its money can't go back now. */
  refusal?: 'payment_not_cancellable' | 'payment_not_refundable'
}

/**
 * Cancels a payment, for the integrator or the customer; a part of its money that came goes back. Fails with
 * `payment_not_cancellable`, or as `judge` does, which lets only a started one be cancelled unless told otherwise.
 */
export async function cancel(
  app: Needs,
  paymentId: string,
  {
    within = async () => {},
    judge = refuseUnlessStarted,
    refusal = 'payment_not_cancellable',
  }: Cancelling = {},
): Promise<Payment> {
  for (let tries = 0; tries < MOST_TRIES; tries += 1) {
    const unanswered = await endSessions(app, [paymentId])
    if (unanswered.size > 0) break
    const cancelled = await cancelEnded(app, paymentId, { within, judge, refusal })
    if (cancelled) return cancelled
  }
  return fail('payment_not_cancellable', 'The customer is paying at this moment. Look again shortly.')
}

function refuseUnlessStarted({ state }: Payment): void {
  if (state !== 'started')
    fail('payment_not_cancellable', `The payment is ${state}; only a started one can be cancelled.`)
}

/** Whose money left, and how that is settled, is the operator's to say. */
export const UNSETTLED =
  'A refund of this money was given up, and left all the same. A person settles that first.'

/** Undefined when the customer began another session meanwhile, which has to be ended as well. */
async function cancelEnded(
  app: Needs,
  paymentId: string,
  { within, judge, refusal }: Required<Cancelling>,
): Promise<Payment | undefined> {
  const changes = beginChanges(app)
  const payment = await app.db.transaction().execute(async (trx) => {
    const locked = (await lockPayments(trx, [paymentId])).get(paymentId)!
    judge(locked)
    if ((await loadSessions(trx, [paymentId])).some((session) => isLive(session) && session.url !== null)) {
      return undefined
    }
    const units = heldUnits(locked)
    if (units > 0n) {
      if (await findTaken(trx, paymentReference(paymentId))) fail(refusal, UNSETTLED)
      const sources = (await loadSources(trx, app, [paymentId])).get(paymentId)!
      planRefund(changes, locked, { units, reason: 'requested', sources })
    }
    moveState(changes, locked, 'cancelled', { endReason: 'cancelled' })
    await cancelBegunSessions(trx, [paymentId], changes.now)
    await writeChanges(trx, changes)
    await within(trx, locked)
    return locked
  })
  if (payment) wakeAfter(app, changes)
  return payment
}
