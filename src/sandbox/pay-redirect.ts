import type { App } from '../app.ts'
import type { Payment } from '../onramp/payment.ts'
import { startSession } from '../onramp/start-session.ts'
import {
  approve,
  approveAndDispute,
  cancelSession,
  decline,
  payByCode,
  payLater,
} from '../providers/redirect/simulated/session.ts'
import { CALLBACKS_LANE } from '../providers/simulated/simulator.ts'
import { fail } from '../server/errors.ts'
import { sessionOfUrl } from './simulators/session-url.ts'

/** Of the local methods that are paid on the provider's page. */
export const PAGE_OUTCOMES = ['paid', 'declined', 'cancelled'] as const
/** PayPal's buyer may dispute the payment afterwards. */
export const PAYPAL_OUTCOMES = [...PAGE_OUTCOMES, 'charged_back'] as const
/** Of those that are paid with a code, which nobody can take back. */
export const CODE_OUTCOMES = [...PAGE_OUTCOMES, 'twice', 'late'] as const

/** How long after the payment's end a late payment comes. */
const LATE_BY_MS = 60_000

/** The customer goes to the provider's page, and pays there, or with the code that stands on it. */
export async function payAtRedirect(
  app: Parameters<typeof startSession>[0] & Pick<App, 'wake'>,
  payment: Payment,
  outcome: string,
): Promise<{ units: bigint; arrivesAt: Date | null }> {
  const { url } = await startSession(app, payment.id)
  const id = sessionOfUrl(url)
  const late = new Date(payment.expiresAt!.getTime() + LATE_BY_MS)
  const done = await act(app, id, outcome, late)
  if (!done) fail('payment_not_pending', "The provider's session is paid or over already.")
  app.wake(CALLBACKS_LANE)
  const units = outcome === 'twice' ? 2n * payment.fiatUnits : payment.fiatUnits
  return { units, arrivesAt: outcome === 'late' ? late : null }
}

async function act({ db, clock }: Pick<App, 'db' | 'clock'>, id: string, outcome: string, late: Date) {
  const now = clock.now()
  switch (outcome) {
    case 'declined':
      return decline(db, id, 'bank_refused', now)
    case 'cancelled':
      return cancelSession(db, id, now)
    case 'charged_back':
      return approveAndDispute(db, id, now)
    case 'late':
      return payLater(db, id, late)
    case 'twice':
      return (await approve(db, id, now)) && payByCode(db, id, now)
    default:
      return approve(db, id, now)
  }
}
