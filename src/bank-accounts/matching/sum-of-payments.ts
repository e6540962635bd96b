import type { ScoredCandidate } from './find-candidates.ts'

/** One transfer for several payments: what each gets of it. */
export interface PaidTogether {
  parts: { candidate: ScoredCandidate['candidate']; units: bigint }[]
  score: number
  reasons: string[]
}

/**
 * The payments that one transfer pays together: all of one customer, all awaited, each named by its number, one of them
 * without a mistake, and the amount is exactly what they need. Two sums of the same kind are none.
 */
export function findSum(units: bigint, candidates: readonly ScoredCandidate[]): PaidTogether | undefined {
  const named = candidates.filter(
    ({ candidate: { facts, state } }) =>
      facts.number !== null && !facts.bookedBefore && (state === 'started' || state === 'pending_bank'),
  )
  const byCustomer = Map.groupBy(
    named,
    ({ candidate }) => `${candidate.integrationId} ${candidate.customerId}`,
  )
  const sums = [...byCustomer.values()].filter(
    (all) =>
      all.length > 1 &&
      all.some(({ candidate }) => candidate.facts.number!.found !== 'mistake') &&
      all.reduce((sum, { candidate }) => sum + candidate.leftUnits, 0n) === units,
  )
  if (sums.length !== 1) return undefined
  const parts = sums[0]!.map(({ candidate }) => ({ candidate, units: candidate.leftUnits }))
  return {
    parts,
    score: 100,
    reasons: [
      `The text holds the numbers of ${parts.length} payments of one customer.`,
      'The amount is what is left to pay of all of them together.',
    ],
  }
}
