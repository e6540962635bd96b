import type { EffectsTable } from '../db/schema.ts'
import { RETURNED_BY_BANK } from '../effects/payout-ports.ts'

/** What is known when the bank's statement says that a transfer of ours came back. */
export interface ReturnFacts {
  /** The order that the bank's reference names; undefined when there is none of ours. */
  effect: { state: EffectsTable['state']; units: bigint; reason: string | null } | undefined
  /** How often the bank took it, as read. More than once: what comes back first is what it should not have taken. */
  debits: number
  /** What has come back of it and has no owner yet, this line among it. */
  backUnits: bigint
  /** It has been waited for long enough: what has not come by now is not awaited any more. */
  waited: boolean
}

export type ReturnCase =
  /** All of it is back, in one line or several: it is its payment's or sale's again. */
  | 'whole'
  /** The line that took it, or the bank's word that it was booked, is still on its way to us: look again soon. */
  | 'early'
  /** Only some is back, as when the receiving bank keeps its charges: a person decides, unless the rest comes. */
  | 'part'
  /** More is back than went out: a person finds out why. */
  | 'more'
  /** It was taken back, or given up, before, or is the second sum taken: what comes now belongs to nobody yet. */
  | 'again'
  /** The bank gives back what we don't know. */
  | 'unknown'

/** What a line is that gives a transfer of ours back. */
export function judgeReturn({ effect, debits, backUnits, waited }: ReturnFacts): ReturnCase {
  if (!effect) return 'unknown'
  if (effect.state === 'cancelled') return 'again'
  if (debits === 0) return 'early'
  if (debits > 1 && backUnits <= effect.units) return 'again'
  if (backUnits === effect.units) return 'whole'
  if (backUnits > effect.units) return 'more'
  const heard = effect.state === 'confirmed' || effect.reason?.startsWith(RETURNED_BY_BANK)
  return heard || waited ? 'part' : 'early'
}
