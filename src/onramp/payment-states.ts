import type { PaymentsTable } from '../db/schema.ts'
import type { Config } from '../kernel/config.ts'
import type { EventType } from '../webhooks/event-types.ts'

/** The contract's word for each state, on the wire and in the database. */
export type PaymentState = PaymentsTable['state']

/** What can happen to a payment. */
export type PaymentEvent =
  /** The customer says that the bank transfer was sent. */
  | 'announced'
  /** The customer's bank took the open-banking order; the money isn't here yet. */
  | 'initiated'
  /** The money is in the ledger and converted, the coins' transfer is planned. */
  | 'filled'
  /** A person must look at it, such as at a payer of another name, or at money that came after the end. */
  | 'doubted'
  /** A person looked and lets it go on. */
  | 'released'
  /** Declined for good, before any money. */
  | 'rejected'
  | 'expired'
  | 'cancelled'
  /** The coins are final on the chain. */
  | 'delivered'
  /** The coins can't be delivered, or weren't in time. */
  | 'undelivered'
  /** Everything that came went back, and the provider confirmed it. */
  | 'refund_confirmed'
  /** The payer took the money back while no coin had left. */
  | 'charged_back'
  /** An operator took back what a bank's line was matched as: it is again what it was before the money. */
  | 'back_to_started'
  | 'back_to_pending'
  | 'back_to_expired'
  | 'back_to_cancelled'

/**
 * The one table of a payment's life: from each state, by what, to which. Whatever is not in it can't happen. It is the
 * table that runs, draws the documentation's diagram, and is tested exhaustively.
 */
export const TRANSITIONS: Readonly<Record<PaymentState, Partial<Record<PaymentEvent, PaymentState>>>> = {
  started: {
    announced: 'pending_bank',
    initiated: 'pending_bank',
    filled: 'payment_received',
    doubted: 'in_review',
    rejected: 'payment_rejected',
    expired: 'expired',
    cancelled: 'cancelled',
  },
  pending_bank: {
    filled: 'payment_received',
    doubted: 'in_review',
    expired: 'expired',
    // Only with a part of the money here, when that goes back.
    cancelled: 'cancelled',
  },
  in_review: {
    released: 'payment_received',
    // An operator had the transfer tried again, and it arrived while somebody was still looking.
    delivered: 'coins_sent',
    refund_confirmed: 'refunded',
    charged_back: 'payment_rejected',
    back_to_started: 'started',
    back_to_pending: 'pending_bank',
    back_to_expired: 'expired',
    back_to_cancelled: 'cancelled',
  },
  payment_received: {
    delivered: 'coins_sent',
    undelivered: 'in_review',
    refund_confirmed: 'refunded',
    charged_back: 'payment_rejected',
    back_to_started: 'started',
    back_to_pending: 'pending_bank',
    back_to_expired: 'expired',
    back_to_cancelled: 'cancelled',
  },
  expired: { doubted: 'in_review', refund_confirmed: 'refunded' },
  cancelled: { doubted: 'in_review', refund_confirmed: 'refunded' },
  coins_sent: {},
  payment_rejected: {},
  refunded: {},
}

export const PAYMENT_STATES = Object.keys(TRANSITIONS) as PaymentState[]

/** The state after the event, or undefined when it can't happen to a payment in this state. */
export function nextState(from: PaymentState, event: PaymentEvent): PaymentState | undefined {
  return TRANSITIONS[from][event]
}

/** These hold no money that waits for anything, and have no deadline. `expired` and `cancelled` only late money leaves. */
export const FINAL_STATES: ReadonlySet<PaymentState> = new Set([
  'coins_sent',
  'expired',
  'cancelled',
  'payment_rejected',
  'refunded',
])

/** Ended without coins: the `external_id` is free again, and nothing counts against the customer's limits. */
export const ENDED_WITHOUT_COINS: ReadonlySet<PaymentState> = new Set([
  'expired',
  'cancelled',
  'payment_rejected',
  'refunded',
])

/** What the integrator hears on entering a state. */
export const EVENT_OF_STATE: Readonly<Record<PaymentState, EventType | null>> = {
  started: null,
  pending_bank: null,
  in_review: 'PAYMENT_IN_REVIEW',
  payment_received: 'PAY_IN',
  coins_sent: 'COINS_SENT',
  expired: 'PAYMENT_EXPIRED',
  cancelled: 'PAYMENT_CANCELLED',
  payment_rejected: 'PAYMENT_REJECTED',
  refunded: 'PAYMENT_REFUNDED',
}

type Durations = Config['durations']

/** How long a payment may stay in a state, in milliseconds; null in a final one. */
export function lifetimeMs(state: PaymentState, paymentType: string, durations: Durations): number | null {
  switch (state) {
    case 'started':
      return startedLifetimeMs(paymentType, durations)
    case 'pending_bank':
      return durations.transferPendingLifetimeMs
    case 'in_review':
      return durations.reviewLifetimeMs
    case 'payment_received':
      return durations.dispatchDeadlineMs
    default:
      return null
  }
}

const INSTANT: ReadonlySet<string> = new Set(['card', 'psd2', 'paypal'])

function startedLifetimeMs(paymentType: string, durations: Durations): number {
  if (paymentType === 'transfer') return durations.transferStartedLifetimeMs
  return INSTANT.has(paymentType) ? durations.instantPaymentLifetimeMs : durations.localPaymentLifetimeMs
}

/** The table as a Mermaid diagram, for the documentation. */
export function drawPaymentStates(): string {
  const lines = ['stateDiagram-v2', '  [*] --> started']
  for (const from of PAYMENT_STATES) {
    const byTarget = Map.groupBy(Object.entries(TRANSITIONS[from]), ([, to]) => to)
    for (const [to, events] of byTarget) {
      lines.push(`  ${from} --> ${to}: ${events.map(([event]) => event).join(', ')}`)
    }
    if (FINAL_STATES.has(from)) lines.push(`  ${from} --> [*]`)
  }
  return `${lines.join('\n')}\n`
}
