import type { IntegrationSettings } from '../common/integration.ts'
import { amountOf } from '../money/amount.ts'
import type { Asset } from '../money/asset.ts'
import type { RefundReason, ReviewReason } from './payment.ts'
import type { PaymentState } from './payment-states.ts'

/** Money that came for a payment, and all that decides what becomes of it. */
export interface ReceivedQuestion {
  state: PaymentState
  /** What was asked. */
  fiatUnits: bigint
  /** What came before and waits, neither converted nor on its way back. */
  heldUnits: bigint
  /** What came now. */
  units: bigint
  /** Money of this payment was converted already: its coins are owed, and more buys nothing. */
  converted: boolean
  /** A refund of everything was decided before. */
  refunding: boolean
  /** The customer was banned since the payment was made. */
  banned: boolean
  /** The payment ended, and another one holds its `external_id` now. */
  nameTaken: boolean
  /** The payer is not the customer, as far as the names tell. */
  thirdParty: boolean
}

export interface MismatchPolicy {
  toleranceUnits: bigint
  over: 'refund_excess' | 'review'
  late: 'review' | 'refund'
  thirdParty: 'review' | 'accept'
}

export type ReceivedDecision =
  /** Convert `fillUnits` of what is held now, give `excessUnits` back: together they are all of it. */
  | { do: 'fill'; fillUnits: bigint; excessUnits: bigint }
  /** Too little: wait for the rest until the deadline. */
  | { do: 'wait' }
  | { do: 'review'; reason: ReviewReason }
  /** A person is looking already: what came is added to what is looked at. */
  | { do: 'hold' }
  /** Give back what came now. */
  | { do: 'return'; reason: RefundReason }

/**
 * What becomes of money that came: exact, too little, too much, late, twice, or from somebody else. Each is a named
 * case with an answer in every state, and each unit is either converted or returned in the end, never both.
 */
export function decideReceived(question: ReceivedQuestion, policy: MismatchPolicy): ReceivedDecision {
  switch (question.state) {
    case 'started':
    case 'pending_bank':
      return decideAwaited(question, policy)
    case 'in_review':
      if (question.converted) return { do: 'return', reason: 'excess' }
      return question.refunding ? { do: 'return', reason: 'late' } : { do: 'hold' }
    case 'payment_received':
    case 'coins_sent':
      return { do: 'return', reason: 'excess' }
    case 'expired':
    case 'cancelled':
      if (question.refunding || question.nameTaken || policy.late === 'refund')
        return { do: 'return', reason: 'late' }
      return { do: 'review', reason: question.banned ? 'banned' : 'late' }
    case 'payment_rejected':
    case 'refunded':
      return { do: 'return', reason: 'late' }
  }
}

function decideAwaited(question: ReceivedQuestion, policy: MismatchPolicy): ReceivedDecision {
  const { fiatUnits, heldUnits, units } = question
  const totalUnits = heldUnits + units
  if (question.banned) return { do: 'review', reason: 'banned' }
  if (question.thirdParty && policy.thirdParty === 'review') return { do: 'review', reason: 'third_party' }
  if (totalUnits < fiatUnits - policy.toleranceUnits) return { do: 'wait' }
  if (totalUnits <= fiatUnits + policy.toleranceUnits)
    return { do: 'fill', fillUnits: totalUnits, excessUnits: 0n }
  if (policy.over === 'review') return { do: 'review', reason: 'over' }
  return { do: 'fill', fillUnits: fiatUnits, excessUnits: totalUnits - fiatUnits }
}

/**
 * The integration's policy in the payment's currency. The tolerance is given in euros; another currency has none,
 * so that no rate of the day decides whether a payment is filled.
 */
export function mismatchPolicy({ mismatch }: IntegrationSettings, fiat: Asset): MismatchPolicy {
  return {
    toleranceUnits: fiat.symbol === 'EUR' ? amountOf(mismatch.tolerance, fiat) : 0n,
    over: mismatch.over,
    late: mismatch.late,
    thirdParty: mismatch.thirdParty,
  }
}
