import type { App } from '../app.ts'
import { type ErrorCode, Failure, fail } from '../server/errors.ts'
import { beginChanges, moveState, writeChanges } from './payment-changes.ts'
import { lockPayments } from './payment-store.ts'
import { cancelBegunSessions, loadSessions } from './session-store.ts'
import { startSession } from './start-session.ts'

/** What the integrator is told as it is; whatever else kept the session from beginning is the provider's refusal. */
const TOLD: readonly ErrorCode[] = ['method_not_allowed', 'coin_unavailable', 'error_payment_creation']

type Needs = Parameters<typeof startSession>[0]

interface PaymentName {
  integrationId: number
  id: string
}

/**
 * Begins a payment's session at its provider, so that the address we answer is known to lead somewhere. If the provider
 * refuses or doesn't answer, the payment is withdrawn: its `external_id` and its quote are free. For a payment whose
 * beginning was broken off, by the same request again, it goes on where that one was.
 */
export async function beginPayment(app: Needs, payment: PaymentName): Promise<void> {
  try {
    await startSession(app, payment.id)
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    // The same request at the same time may have been luckier.
    if (await withdraw(app, payment)) return
    if (TOLD.includes(error.code)) throw error
    fail('error_payment_creation', error.message)
  }
}

/** Whether a provider ever answered with a session for the payment: only then its address was given to anybody. */
export async function wasBegun({ db }: Pick<App, 'db'>, { id }: PaymentName): Promise<boolean> {
  return (await loadSessions(db, [id])).some(({ providerRef }) => providerRef !== null)
}

/**
 * Ends a payment that never began, unless it has begun meanwhile, which is the answer. Its row and its sessions' stay: a
 * provider that didn't answer, or is still being called, may have begun the session, and may tell the customer of
 * it. Then the session's lane ends it there, and what is paid at that moment is found and goes back. Nobody is told
 * of the end, as nobody was told of the payment, and another may have its name by then.
 */
async function withdraw(app: Needs, { integrationId, id }: PaymentName): Promise<boolean> {
  const changes = beginChanges(app)
  return app.db.transaction().execute(async (trx) => {
    const payment = (await lockPayments(trx, [id])).get(id)
    const sessions = await loadSessions(trx, [id])
    if (sessions.some(({ url }) => url !== null)) return true
    if (payment?.state !== 'started') return false
    moveState(changes, payment, 'cancelled', { endReason: 'cancelled' })
    changes.events = []
    await cancelBegunSessions(trx, [id], changes.now)
    await writeChanges(trx, changes)
    await trx
      .updateTable('payments')
      .set({ quoteId: null })
      .where('integrationId', '=', integrationId)
      .where('id', '=', id)
      .execute()
    return false
  })
}
