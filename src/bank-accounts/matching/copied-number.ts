import type { CandidateFacts } from './score.ts'

export const COPIED = "The number is one payment's, payer and amount are another's: a person has to choose."

/** Whether a payment's right number may have been copied by somebody else: payer and amount both speak against it. */
const isContradicted = ({ number, amount, name, account }: CandidateFacts): boolean =>
  number !== null &&
  number.found !== 'mistake' &&
  (amount === 'less' || amount === 'more') &&
  (name === 'other' || name === 'relative') &&
  account !== 'known'

/** Whether payer and amount are those of a payment whose number isn't there. */
const fitsWithoutNumber = ({ number, amount, name, account }: CandidateFacts): boolean =>
  number === null &&
  (amount === 'only' || amount === 'same') &&
  (name === 'same' || name === 'fits' || name === 'initial' || account === 'known')

/**
 * Of a line whose number may have been copied from somebody else those that it may be for instead, whatever points the
 * number takes from them. None where the number stands unopposed.
 */
export function findCopiers<Candidate extends { facts: CandidateFacts }>(
  candidates: readonly Candidate[],
): ReadonlySet<Candidate> {
  if (!candidates.some(({ facts }) => isContradicted(facts))) return new Set()
  return new Set(candidates.filter(({ facts }) => fitsWithoutNumber(facts)))
}
