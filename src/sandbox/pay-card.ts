import type { App } from '../app.ts'
import type { Payment } from '../onramp/payment.ts'
import { startSession } from '../onramp/start-session.ts'
import type { Card, CardBehaviour } from '../providers/card/simulated/card-rules.ts'
import { answerThreeDSecure, cancelSession, tryCard } from '../providers/card/simulated/session.ts'
import { CALLBACKS_LANE } from '../providers/simulated/simulator.ts'
import { fail } from '../server/errors.ts'
import { sessionOfUrl } from './simulators/session-url.ts'

type Outcome =
  | 'paid'
  | 'three_d_secure'
  | 'declined'
  | 'insufficient_funds'
  | 'three_d_secure_failed'
  | 'charged_back'
  | 'cancelled'

/** What each outcome is done with; the customer gives up without a card. */
const CARDS: Record<Exclude<Outcome, 'cancelled'>, { last4: string; behaviour: CardBehaviour }> = {
  paid: { last4: '4242', behaviour: { does: 'paid' } },
  three_d_secure: { last4: '3184', behaviour: { does: 'three_d_secure' } },
  declined: { last4: '0002', behaviour: { does: 'declined', code: 'card_declined' } },
  insufficient_funds: { last4: '9995', behaviour: { does: 'declined', code: 'insufficient_funds' } },
  three_d_secure_failed: { last4: '3184', behaviour: { does: 'three_d_secure' } },
  charged_back: { last4: '0259', behaviour: { does: 'charged_back' } },
}

export const CARD_OUTCOMES = [...Object.keys(CARDS), 'cancelled'] as readonly Outcome[]

/** The customer goes to the card provider's page, in the session that is open or a new one, and tries a card there. */
export async function payByTestCard(
  app: Parameters<typeof startSession>[0] & Pick<App, 'wake'>,
  payment: Payment,
  outcome: string,
): Promise<void> {
  const { db, clock } = app
  const { url } = await startSession(app, payment.id)
  const id = sessionOfUrl(url)
  const now = clock.now()
  const done = outcome === 'cancelled' ? await cancelSession(db, id, now) : await tryOne(app, id, outcome)
  if (!done) fail('payment_not_pending', "The provider's session is paid or over already.")
  app.wake(CALLBACKS_LANE)
}

async function tryOne(app: Pick<App, 'db' | 'clock'>, id: string, outcome: string) {
  const now = app.clock.now()
  const { last4, behaviour } = CARDS[outcome as keyof typeof CARDS]
  const card: Card = { last4, brand: 'visa', holder: null, behaviour }
  const tried = await tryCard(app.db, id, card, now)
  if (!tried || behaviour.does !== 'three_d_secure') return tried
  return answerThreeDSecure(app.db, id, outcome === 'three_d_secure', now)
}
