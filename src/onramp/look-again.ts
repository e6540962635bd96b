import type { Session } from './session-store.ts'
import { takerOf } from './session-taker.ts'

const FIRST_LOOK_MS = 3_600_000
/** PayPal's buyers may dispute a payment for so long, and no code is paid later. */
const WATCHED_MS = 180 * 86_400_000

/**
 * When the provider of a session that is over is asked again, should it be the news of what followed that are lost:
 * each time after as long again as the session has been over. Undefined: nothing can follow any more.
 *
 * The code of a local method stands on the customer's paper and can be paid after the session ended, or once more
 * after it was paid. What was paid at PayPal can be disputed.
 */
export function lookAgainAt(session: Session, now: Date): Date | undefined {
  const taker = takerOf(session.paymentType)
  const follows =
    taker === 'local'
      ? session.state !== 'failed'
      : taker === 'paypal' && session.state === 'paid' && session.chargedBackAt === null
  const overForMs = now.getTime() - session.updatedAt.getTime()
  if (!follows || overForMs >= WATCHED_MS) return undefined
  return new Date(now.getTime() + Math.max(FIRST_LOOK_MS, overForMs))
}
