import type { SalesTable } from '../db/schema.ts'
import type { Config } from '../kernel/config.ts'
import type { EventType } from '../webhooks/event-types.ts'

/** The contract's word for each state, on the wire and in the database. */
export type SaleState = SalesTable['state']

/** What can happen to a sale. */
export type SaleEvent =
  /** All coins that are wanted are final on the chain. */
  | 'received'
  /** The coins are converted and the bank transfer is ordered. */
  | 'converted'
  /** The bank sent the transfer. */
  | 'paid_out'
  /** What a person looked at is over, and its money was paid out before: the integrator heard of that transfer. */
  | 'settled'
  /** The bank gave the transfer back, or will not send it. */
  | 'payout_failed'
  /** A person must look at it, such as at a deposit from a blocked address. */
  | 'doubted'
  /** A person looked and lets it go on. */
  | 'released'
  | 'expired'
  /** Everything that came went back to the wallet it was to go back to, and that is final on the chain. */
  | 'returned'
  /** A person ended it: nothing goes on, and what became of the coins is booked. */
  | 'abandoned'

/**
 * The one table of a sale's life: from each state, by what, to which. Whatever is not in it can't happen. It is the
 * table that runs, draws the documentation's diagram, and is tested exhaustively.
 */
export const SALE_TRANSITIONS: Readonly<Record<SaleState, Partial<Record<SaleEvent, SaleState>>>> = {
  started: { received: 'crypto_received', doubted: 'in_review', expired: 'expired', returned: 'refunded' },
  crypto_received: { converted: 'processing', doubted: 'in_review', returned: 'refunded' },
  processing: { paid_out: 'finished', payout_failed: 'in_review', doubted: 'in_review' },
  in_review: {
    released: 'crypto_received',
    converted: 'processing',
    paid_out: 'finished',
    settled: 'finished',
    returned: 'refunded',
    abandoned: 'failed',
  },
  // The bank can send a transfer back days later, and coins can come late.
  finished: { payout_failed: 'in_review', doubted: 'in_review' },
  expired: { received: 'crypto_received', doubted: 'in_review', returned: 'refunded' },
  refunded: { doubted: 'in_review' },
  failed: { doubted: 'in_review' },
}

export const SALE_STATES = Object.keys(SALE_TRANSITIONS) as SaleState[]

/** The state after the event, or undefined when it can't happen to a sale in this state. */
export function nextSaleState(from: SaleState, event: SaleEvent): SaleState | undefined {
  return SALE_TRANSITIONS[from][event]
}

/** These have no deadline: only late coins, or a bank that gives back, leave them. */
export const FINAL_SALE_STATES: ReadonlySet<SaleState> = new Set([
  'finished',
  'expired',
  'refunded',
  'failed',
])

/** Ended without money: the `external_id` is free again. */
export const ENDED_WITHOUT_MONEY: ReadonlySet<SaleState> = new Set(['expired', 'refunded', 'failed'])

/** What the integrator hears on entering a state; of a way out of review also where the state itself is silent. */
export const EVENT_OF_SALE_STATE: Readonly<Record<SaleState, EventType | null>> = {
  started: null,
  // Coins are told of when they are counted, whatever becomes of them.
  crypto_received: null,
  processing: null,
  finished: 'TRANSFER_RAMPOFF_FINISHED',
  expired: 'RAMPOFF_EXPIRED',
  in_review: 'RAMPOFF_IN_REVIEW',
  refunded: 'RAMPOFF_REFUNDED',
  failed: 'RAMPOFF_FAILED',
}

/**
 * What the integrator hears of a move. A transfer is told of once, when the bank sent it; that a person is done with it
 * is told in any case.
 */
export function eventOfSaleMove({
  from,
  event,
  to,
}: {
  from: SaleState
  event: SaleEvent
  to: SaleState
}): EventType | null {
  const told = event === 'settled' ? null : EVENT_OF_SALE_STATE[to]
  return told ?? (from === 'in_review' ? 'RAMPOFF_REVIEWED' : null)
}

/**
 * How long a sale may stay in a state, in milliseconds; null where it has no deadline of its own. A sale whose money is
 * with the bank too long is looked at by a person; the order stays as it is.
 */
export function saleLifetimeMs(state: SaleState, durations: Config['durations']): number | null {
  switch (state) {
    case 'started':
      return durations.saleDepositWindowMs
    case 'crypto_received':
      return durations.saleConversionDeadlineMs
    case 'processing':
      return durations.salePayoutDeadlineMs
    case 'in_review':
      return durations.reviewLifetimeMs
    default:
      return null
  }
}

/** The table as a Mermaid diagram, for the documentation. */
export function drawSaleStates(): string {
  const lines = ['stateDiagram-v2', '  [*] --> started']
  for (const from of SALE_STATES) {
    const byTarget = Map.groupBy(Object.entries(SALE_TRANSITIONS[from]), ([, to]) => to)
    for (const [to, events] of byTarget) {
      lines.push(`  ${from} --> ${to}: ${events.map(([event]) => event).join(', ')}`)
    }
    if (FINAL_SALE_STATES.has(from)) lines.push(`  ${from} --> [*]`)
  }
  return `${lines.join('\n')}\n`
}
