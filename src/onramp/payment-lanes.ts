import type { App } from '../app.ts'
import { bankCallbacks } from '../bank-accounts/bank-callbacks.ts'
import { bankLineLane } from '../bank-accounts/match-lines.ts'
import { suggestionLane } from '../bank-accounts/matching/suggestion-lane.ts'
import { orderLane } from '../bank-accounts/orders/settle-orders.ts'
import { payerNewsLane } from '../bank-accounts/payer-news-lane.ts'
import { statementLane } from '../bank-accounts/statement-lane.ts'
import type { Lane } from '../kernel/lanes.ts'
import type { CallbackHandler } from '../providers/callbacks/lane.ts'
import { chargebackLane } from './chargeback-lane.ts'
import { paymentExpiryLane } from './expiry-lane.ts'
import { cardCallbacks, openBankingCallbacks, redirectCallbacks } from './session-callbacks.ts'
import { sessionLane } from './session-lane.ts'

/** The due work of payments and of the money that comes in for them. */
export function paymentLanes(app: App): Lane[] {
  return [
    paymentExpiryLane(app),
    sessionLane(app),
    bankLineLane(app),
    suggestionLane(app),
    payerNewsLane(app),
    statementLane(app),
    orderLane(app),
    chargebackLane(app),
  ]
}

/** Who works off what the money's providers tell, by the provider's name in the inbox. */
export function paymentCallbacks(app: App): Record<string, CallbackHandler> {
  return {
    card: cardCallbacks(app),
    open_banking: openBankingCallbacks(app),
    paypal: redirectCallbacks(app, 'paypal'),
    local: redirectCallbacks(app, 'local'),
    bank: bankCallbacks(app),
  }
}
