import type { Address } from 'viem'
import type { DispatchSettings } from './model.ts'

/** A planned transfer of coins. */
export interface Candidate {
  id: string
  asset: string
  units: bigint
  to: Address
  /** Must not share a transaction. */
  single: boolean
  /** How often the chain refused it when it was tried out. */
  attempts: number
}

/** What a wallet can still give, by asset, in base units. */
export interface Room {
  /** What it holds beyond what is already on its way out. */
  free: ReadonlyMap<string, bigint>
  /** What is left of the day's cap; an asset that isn't named has none. */
  capLeft: ReadonlyMap<string, bigint>
}

export interface Waiting {
  id: string
  reason: string
}

export interface Group {
  kind: 'single' | 'batch'
  asset: string
  members: Candidate[]
}

/** Those that a wallet or account can pay now, oldest first; a large one that doesn't fit lets smaller ones pass. */
export function chooseFitting<One extends Pick<Candidate, 'id' | 'asset' | 'units'>>(
  candidates: readonly One[],
  room: Room,
  { short, payer } = { short: 'coins_short', payer: 'wallet' },
): { going: One[]; waiting: Waiting[] } {
  const free = new Map(room.free)
  const capLeft = new Map(room.capLeft)
  const going: One[] = []
  const waiting: Waiting[] = []
  for (const candidate of candidates) {
    const { id, asset, units } = candidate
    const held = free.get(asset) ?? 0n
    const cap = capLeft.get(asset)
    if (units > held) {
      waiting.push({
        id,
        reason: `${short}: the ${payer} can give ${held} units of ${asset}, ${units} are needed`,
      })
    } else if (cap !== undefined && units > cap) {
      waiting.push({
        id,
        reason: `daily_cap: ${cap} units of ${asset} may still leave the ${payer} today, ${units} are needed`,
      })
    } else {
      going.push(candidate)
      free.set(asset, held - units)
      if (cap !== undefined) capLeft.set(asset, cap - units)
    }
  }
  return { going, waiting }
}

/**
 * Which transfers share a transaction: tokens of one kind where a disperse contract is configured, the rest go
 * singly. `nonces` is how many transactions may begin now; a batch takes two, its allowance first.
 */
export function groupTransfers(
  going: readonly Candidate[],
  {
    canBatch,
    nonces,
    settings,
  }: {
    canBatch: (asset: string) => boolean
    nonces: number
    settings: Pick<DispatchSettings, 'batchSize' | 'minBatch'>
  },
): Group[] {
  const groups: Group[] = []
  let left = nonces
  const take = (group: Group, cost: number): void => {
    if (left < cost) return
    left -= cost
    groups.push(group)
  }
  for (const [asset, members] of Map.groupBy(going, (candidate) => candidate.asset)) {
    const alone = members.filter((member) => member.single || !canBatch(asset))
    const together = members.filter((member) => !alone.includes(member))
    for (let start = 0; start < together.length; start += settings.batchSize) {
      const chunk = together.slice(start, start + settings.batchSize)
      if (chunk.length >= settings.minBatch) take({ kind: 'batch', asset, members: chunk }, 2)
      else alone.push(...chunk)
    }
    for (const member of alone) take({ kind: 'single', asset, members: [member] }, 1)
  }
  return groups
}
