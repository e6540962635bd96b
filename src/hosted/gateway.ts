import { findPaymentOfToken } from '../onramp/gateway-token.ts'
import { ENDED_WITHOUT_COINS } from '../onramp/payment-states.ts'
import { findPaymentById } from '../onramp/payment-store.ts'
import { startSession } from '../onramp/start-session.ts'
import { ERRORS, Failure } from '../server/errors.ts'
import { ownByToken } from './gateway-owner.ts'
import type { PageNeeds } from './payment-guard.ts'

export type GatewayAnswer =
  /** The provider's own page. */
  | { location: string; cookie: string }
  /**
   * Our own page, which says in the customer's language how the payment stands: bank instructions, over, or that the
   * provider didn't answer, with another try. `status` is the HTTP status it comes with.
   */
  | { status: number }

/**
 * What the customer's browser gets at `/gateway/<method>?token=…`. It may be opened again and again, by a messenger that
 * looks at links too: a session that is open is gone on with, none is begun twice, and nobody loses the payment's page.
 */
export async function openGateway(
  app: PageNeeds,
  { method, token }: { method: string; token: string },
): Promise<GatewayAnswer> {
  const id = await findPaymentOfToken(app.db, token)
  const payment = id === undefined ? undefined : await findPaymentById(app.db, id)
  if (payment?.paymentType !== method) return { status: ERRORS.payment_not_found }
  if (ENDED_WITHOUT_COINS.has(payment.state)) return { status: 410 }
  if (payment.state !== 'started' || method === 'transfer') return { status: 200 }
  try {
    const { url } = await startSession(app, payment.id)
    return { location: url, cookie: await ownByToken(app, payment, token, 'if free') }
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    return { status: ERRORS[error.code] }
  }
}
