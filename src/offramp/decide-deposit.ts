import type { IntegrationSettings } from '../common/integration.ts'
import { partUp, percentOf } from '../money/fee.ts'
import type { Sale, SaleReturnReason, SaleReviewReason } from './sale.ts'
import type { SaleState } from './sale-states.ts'

/** A deposit that is final, and all that decides what becomes of it. */
export interface DepositQuestion {
  state: SaleState
  /** It is the coin that the sale asks for. */
  isOwnCoin: boolean
  units: bigint
  askedUnits: bigint
  /** Coins of the sale that came before and wait, neither converted nor on their way back. */
  heldUnits: bigint
  /** All of the sale's coins that came before are on their way back. */
  returning: boolean
  /** Worth less than moving it costs. */
  isDust: boolean
  /** The address it came from stands on a list. */
  blocked: boolean
  /** Other coins of the sale that nobody has decided about came from such an address, final or not. */
  blockedBeside: boolean
  /** The customer was banned since the sale was made. */
  banned: boolean
  /** The sale ended, and another one holds its `external_id` now. */
  nameTaken: boolean
  hasRefundWallet: boolean
}

export interface SalePolicy {
  /** In base units of the sale's coin. */
  toleranceUnits: bigint
  short: 'convert' | 'return' | 'review'
  excess: 'convert' | 'return' | 'review'
  late: 'convert' | 'return' | 'review'
  wrongAsset: 'return' | 'review'
}

/** What the deposit is counted as. */
export type DepositOutcome = 'credited' | 'wrong_asset' | 'dust' | 'blocked'

export type DepositStep =
  /** Convert `units` of what is held now and give `excessUnits` back: together they are all of it. */
  | { do: 'convert'; units: bigint; excessUnits: bigint }
  /** Too little: wait for the rest until the deadline. */
  | { do: 'wait' }
  /** Somebody looks already, or the bank has the money: what came is looked at when that is over. */
  | { do: 'hold' }
  /** Give back what came now. */
  | { do: 'return'; reason: SaleReturnReason }
  | { do: 'review'; reason: SaleReviewReason }
  /** Booked, and that is all. */
  | { do: 'ignore' }

export interface DepositDecision {
  outcome: DepositOutcome
  step: DepositStep
}

/**
 * What becomes of coins that came: exact, too few, too many, in parts, late, the wrong ones, from a blocked address,
 * or too few to move. Each is a named case with an answer in every state, and each unit is converted, returned or
 * held for a person, never two of these.
 */
export function decideDeposit(question: DepositQuestion, policy: SalePolicy): DepositDecision {
  const { isOwnCoin, isDust, blocked, state } = question
  // A first small part is how careful people try an address; any other dust is thrown at addresses by strangers.
  const isAwaited = isOwnCoin && !blocked && state === 'started'
  if (isDust && !isAwaited) return { outcome: 'dust', step: { do: 'ignore' } }
  if (blocked) return { outcome: 'blocked', step: review(question, 'blocked_sender') }
  if (!isOwnCoin) return { outcome: 'wrong_asset', step: decideWrongAsset(question, policy) }
  return { outcome: 'credited', step: decideOwnCoin(question, policy) }
}

function decideWrongAsset(question: DepositQuestion, policy: SalePolicy): DepositStep {
  const doubt = doubtOf(question)
  if (doubt) return review(question, doubt)
  if (policy.wrongAsset === 'return' && question.hasRefundWallet)
    return { do: 'return', reason: 'wrong_asset' }
  return review(question, 'wrong_asset')
}

function decideOwnCoin(question: DepositQuestion, policy: SalePolicy): DepositStep {
  const doubt = doubtOf(question)
  if (doubt) return review(question, doubt)
  switch (question.state) {
    case 'started':
      return decideAwaited(question, policy)
    case 'crypto_received':
      if (question.returning) return giveBack(question, 'late')
      return decideAwaited(question, policy)
    case 'processing':
    case 'finished':
      if (policy.excess === 'return') return giveBack(question, 'excess')
      return review(question, 'excess')
    case 'in_review':
      return question.returning ? giveBack(question, 'late') : { do: 'hold' }
    case 'expired':
      return decideLate(question, policy)
    case 'refunded':
    case 'failed':
      return policy.late === 'review' ? review(question, 'late') : giveBack(question, 'late')
  }
}

/** What no coins of the sale go on by themselves with, neither to the bank nor back. */
function doubtOf({ banned, blockedBeside }: DepositQuestion): SaleReviewReason | undefined {
  if (banned) return 'banned'
  return blockedBeside ? 'blocked_sender' : undefined
}

function decideAwaited(
  question: Pick<DepositQuestion, 'state' | 'askedUnits' | 'heldUnits' | 'units' | 'hasRefundWallet'>,
  policy: SalePolicy,
): DepositStep {
  const { askedUnits, heldUnits, units, hasRefundWallet } = question
  const totalUnits = heldUnits + units
  if (totalUnits < askedUnits - policy.toleranceUnits) return { do: 'wait' }
  const isOver = totalUnits > askedUnits + policy.toleranceUnits
  if (!isOver || policy.excess === 'convert') return { do: 'convert', units: totalUnits, excessUnits: 0n }
  if (policy.excess === 'review' || !hasRefundWallet) return review(question, 'excess')
  return { do: 'convert', units: askedUnits, excessUnits: totalUnits - askedUnits }
}

function decideLate(question: DepositQuestion, policy: SalePolicy): DepositStep {
  if (question.returning || question.nameTaken || policy.late === 'return') return giveBack(question, 'late')
  if (policy.late === 'review') return review(question, 'late')
  return decideAll(question, policy)
}

/** Nobody waits for more: what came is all there is. */
export function decideAll(
  question: Pick<DepositQuestion, 'state' | 'askedUnits' | 'heldUnits' | 'units' | 'hasRefundWallet'>,
  policy: SalePolicy,
): DepositStep {
  const step = decideAwaited(question, policy)
  if (step.do !== 'wait') return step
  if (policy.short === 'convert')
    return { do: 'convert', units: question.heldUnits + question.units, excessUnits: 0n }
  if (policy.short === 'return' && question.hasRefundWallet) return { do: 'return', reason: 'short' }
  return review(question, 'short')
}

/** Coins go back only where the customer said that they may. */
function giveBack(question: DepositQuestion, reason: 'late' | 'excess'): DepositStep {
  return question.hasRefundWallet ? { do: 'return', reason } : review(question, reason)
}

/** A sale whose money is with the bank is looked at when the bank is done. */
function review({ state }: Pick<DepositQuestion, 'state'>, reason: SaleReviewReason): DepositStep {
  return state === 'in_review' || state === 'processing' ? { do: 'hold' } : { do: 'review', reason }
}

/** The integration's policy for a sale. */
export function salePolicy(
  { sales }: Pick<IntegrationSettings, 'sales'>,
  { askedUnits }: Pick<Sale, 'askedUnits'>,
): SalePolicy {
  return {
    toleranceUnits: partUp(askedUnits, percentOf(sales.tolerancePercent)),
    short: sales.short,
    excess: sales.excess,
    late: sales.late,
    wrongAsset: sales.wrongAsset,
  }
}
