import type { App } from '../app.ts'
import { type ErrorCode, Failure, fail } from '../server/errors.ts'
import { lockPayments } from './payment-store.ts'
import { startSession } from './start-session.ts'

/** What the integrator is told as it is; whatever else kept the session from beginning is the provider's refusal. */
const TOLD: readonly ErrorCode[] = ['method_not_allowed', 'coin_unavailable', 'error_payment_creation']

/**
 * Begins a new payment's session at its provider, so that the address we answer is known to lead somewhere. If the
 * provider refuses or doesn't answer, nothing was created: the payment is taken back, its `external_id` and its quote
 * are free. A session that was begun all the same is one that nobody has the address of.
 */
export async function beginPayment(
  app: Parameters<typeof startSession>[0],
  integrationId: number,
  paymentId: string,
): Promise<void> {
  try {
    await startSession(app, paymentId)
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    await withdraw(app, integrationId, paymentId)
    if (TOLD.includes(error.code)) throw error
    fail('error_payment_creation', error.message)
  }
}

/** Only while the payment is as it was created; the caller alone knows of it. */
async function withdraw({ db }: Pick<App, 'db'>, integrationId: number, paymentId: string): Promise<void> {
  await db.transaction().execute(async (trx) => {
    const payment = (await lockPayments(trx, [paymentId])).get(paymentId)
    if (payment?.state !== 'started' || payment.receivedUnits > 0n) return
    for (const table of ['paymentSessions', 'paymentGateways', 'paymentConcepts'] as const) {
      await trx
        .deleteFrom(table)
        .where('integrationId', '=', integrationId)
        .where('paymentId', '=', paymentId)
        .execute()
    }
    await trx
      .deleteFrom('payments')
      .where('integrationId', '=', integrationId)
      .where('id', '=', paymentId)
      .execute()
  })
}
