import type { PaymentState } from '../../onramp/payment-states.ts'
import type { NameAgreement } from './name-agreement.ts'
import type { Mistake, NumberFound } from './numbers.ts'

/** What is known of a payment that a line may be for, from the line's side. */
export interface CandidateFacts {
  /** Null when the text has no number of this payment, not even with a mistake. */
  number: { found: NumberFound; mistake?: Mistake } | null
  /** The text has the right number of another payment, whatever it has of this one. */
  namesAnother: boolean
  /** The text speaks of something else: an invoice, a rent, a telephone, or a long number that is none of ours. */
  otherPurpose: boolean
  amount: AmountAgreement
  /** The amount is all that was asked for, and something came before. */
  askedBefore: boolean
  name: NameAgreement
  account: AccountAgreement
  state: PaymentState
  /** The line was booked on a day before the payer could know where to pay. */
  bookedBefore: boolean
}

export type AmountAgreement =
  /** What is left to pay, and no other open payment of the account is for as much. */
  | 'only'
  /** What is left to pay; of others as well. */
  | 'same'
  | 'less'
  | 'more'

export type AccountAgreement =
  /** This customer's payments were paid from it before. */
  | 'known'
  /** Other customers' were, and none of this one's. */
  | 'of_others'
  | 'new'

/** Points for what is found; the sum, between 0 and 100, is the score. The documentation's table is this one. */
export const WEIGHTS = {
  number: { alone: 85, sentence: 80, field: 80, letters: 75, mistake: 40 } satisfies Record<
    NumberFound,
    number
  >,
  namesAnother: -40,
  otherPurpose: -20,
  amount: { only: 35, same: 30, less: -10, more: -10 } satisfies Record<AmountAgreement, number>,
  name: { same: 45, fits: 40, initial: 30, unknown: 0, relative: -10, other: -15 } satisfies Record<
    NameAgreement,
    number
  >,
  account: { known: 45, of_others: -25, new: 0 } satisfies Record<AccountAgreement, number>,
  /** A name and an account that both fit say little more than one of them. */
  payerAtMost: 55,
  open: 5,
  ended: -10,
  /** Of a payment that has its money: more for it is sent back. */
  paid: 0,
  bookedBefore: -60,
} as const

/** From here on a line is matched without a person. */
export const AUTOMATIC_FROM = 80
/** From here on a payment is proposed to a person. */
export const SUGGESTED_FROM = 40
/** By so much the best candidate must be better than the next one. */
export const MARGIN = 15

/** 0 to 100, with the reasons in words: English sentences that say nothing personal. */
export interface Score {
  score: number
  reasons: string[]
}

const NUMBERS: Readonly<Record<NumberFound, string>> = {
  alone: "The text is the payment's number.",
  sentence: "The text holds the payment's number.",
  field: "The payment's number stands in another field of the transfer.",
  letters: "The text holds the payment's number, with letters for digits.",
  mistake: "The text holds the payment's number with a mistake",
}

const AMOUNTS: Readonly<Record<AmountAgreement, string>> = {
  only: 'The amount is what is left to pay, and of no other open payment.',
  same: 'The amount is what is left to pay.',
  less: 'The amount is less than what is left to pay.',
  more: 'The amount is more than what is left to pay.',
}

/** Of a payment that has its money, or some of it: nothing, or less, is left to pay. */
const AMOUNTS_AGAIN: Readonly<Record<AmountAgreement, string>> = {
  only: 'The amount is what was asked for, once more.',
  same: 'The amount is what was asked for, once more.',
  less: 'The amount is less than what was asked for.',
  more: AMOUNTS.more,
}

const NAMES: Readonly<Record<NameAgreement, string>> = {
  same: "The payer has the customer's name.",
  fits: "The payer's name fits the customer's, with words left out.",
  initial: "The payer's name fits the customer's by an initial.",
  unknown: 'The payer has no name that could be compared.',
  relative: "The payer shares a word of the customer's name and is somebody else.",
  other: "The payer's name is not the customer's.",
}

const ACCOUNTS: Readonly<Record<AccountAgreement, string | null>> = {
  known: "The payer's account paid for this customer before.",
  of_others: "The payer's account paid for other customers before, and never for this one.",
  new: null,
}

const STATES: Readonly<Record<'open' | 'ended' | 'paid', string>> = {
  open: 'The payment is open.',
  ended: 'The payment has ended without money.',
  paid: 'The payment has its money already.',
}

export function scoreCandidate(facts: CandidateFacts): Score {
  const { number, amount, name, account } = facts
  const life = lifeOf(facts.state)
  const payer = WEIGHTS.name[name] + WEIGHTS.account[account]
  const points = [
    number ? WEIGHTS.number[number.found] : 0,
    facts.namesAnother ? WEIGHTS.namesAnother : 0,
    facts.otherPurpose ? WEIGHTS.otherPurpose : 0,
    WEIGHTS.amount[amount],
    Math.min(payer, WEIGHTS.payerAtMost),
    WEIGHTS[life],
    facts.bookedBefore ? WEIGHTS.bookedBefore : 0,
  ]
  const reasons = [
    number && NUMBERS[number.found] + (number.mistake ? `: ${number.mistake}.` : ''),
    facts.namesAnother ? "The text holds another payment's number." : null,
    facts.otherPurpose ? 'The text speaks of something else.' : null,
    (facts.askedBefore || (life === 'paid' && amount === 'less') ? AMOUNTS_AGAIN : AMOUNTS)[amount],
    NAMES[name],
    ACCOUNTS[account],
    STATES[life],
    facts.bookedBefore ? 'The money was booked before the payer was told where to pay.' : null,
  ]
  return {
    score: Math.max(
      0,
      Math.min(
        100,
        points.reduce((sum, one) => sum + one, 0),
      ),
    ),
    reasons: reasons.filter((reason) => reason !== null),
  }
}

/** Whether money is awaited, isn't any more, or came. */
export function lifeOf(state: PaymentState): 'open' | 'ended' | 'paid' {
  if (state === 'started' || state === 'pending_bank' || state === 'in_review') return 'open'
  return state === 'expired' || state === 'cancelled' ? 'ended' : 'paid'
}

export type Scored<Candidate> = Score & { candidate: Candidate }

export type Verdict<Candidate> =
  | { do: 'match'; best: Scored<Candidate> }
  /** Best first, never empty; `why` says what kept the best from being matched. */
  | { do: 'suggest'; best: readonly Scored<Candidate>[]; why: string }
  | { do: 'leave' }

const MOST_SUGGESTIONS = 10

/**
 * The one that is good enough by itself and clearly better than all others; else those that a person should choose
 * from. `doubt` keeps a line from being matched however good its candidates are; a candidate that is `named` is proposed
 * however bad it is.
 */
export function judgeCandidates<Candidate>(
  all: readonly Scored<Candidate>[],
  doubt: string | null = null,
  named: (candidate: Candidate) => boolean = () => false,
): Verdict<Candidate> {
  const sorted = all
    .filter(({ score, candidate }) => score >= SUGGESTED_FROM || named(candidate))
    .sort((a, b) => b.score - a.score)
  const [best, next] = sorted
  if (!best) return { do: 'leave' }
  const suggest = (why: string): Verdict<Candidate> => ({
    do: 'suggest',
    best: sorted.slice(0, MOST_SUGGESTIONS),
    why,
  })
  if (doubt !== null) return suggest(doubt)
  if (best.score < AUTOMATIC_FROM) return suggest('Not sure enough to be matched without a person.')
  if (next && best.score - next.score < MARGIN) {
    return suggest('Another payment fits about as well: a person has to choose.')
  }
  return { do: 'match', best }
}
