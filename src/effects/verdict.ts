import type { Hex } from 'viem'
import { depthOf, type Receipt } from '../providers/chain/port.ts'
import { type Fees, isUnderpriced, type Market } from './fees.ts'

/** A transaction of which at least one attempt is signed, with all its attempts. */
export interface Watched {
  id: number
  nonce: number
  /** The block it was last seen in. */
  blockHash: string | null
  attempts: number
  wantedAttempts: number
  /** Of the last attempt. */
  fees: Fees
  /** How long ago the last attempt was signed, in real milliseconds. */
  ageMs: number
  wasSent: boolean
}

/** What the chain says about it now. */
export interface Sight {
  /** Of whichever attempt is in a block. */
  receipt: Receipt | null
  latestHeight: number
  /** How many transactions of the wallet are in blocks: the nonce that comes next. */
  nextOnChain: number
  /** Whether the node has the last attempt; undefined when it was not asked. */
  known: boolean | undefined
  market: Market | undefined
}

export type Verdict =
  /** In a block as deep as asked. */
  | { is: 'final'; receipt: Receipt }
  /** In a block, not the one noted. */
  | { is: 'included'; receipt: Receipt }
  /** Was in a block and is in none: the chain was reorganised. */
  | { is: 'reorganised' }
  /** Its nonce was used by none of its attempts. */
  | { is: 'foreign' }
  /** The node forgot it. */
  | { is: 'dropped' }
  /** Next in line, and its fee does not get it into a block. */
  | { is: 'stuck' }
  | { is: 'waiting' }

/** A transaction whose fee is right but that still is in no block after that many times the patience gets a higher one. */
const PATIENCE = 5

/** What became of a transaction. */
export function judge(
  watched: Watched,
  { receipt, latestHeight, nextOnChain, known, market }: Sight,
  { confirmations, stuckAfterMs }: { confirmations: number; stuckAfterMs: number },
): Verdict {
  if (receipt) {
    if (depthOf(receipt.height, latestHeight) >= confirmations) return { is: 'final', receipt }
    return receipt.blockHash === watched.blockHash ? { is: 'waiting' } : { is: 'included', receipt }
  }
  if (watched.blockHash !== null) return { is: 'reorganised' }
  if (watched.nonce < nextOnChain) return { is: 'foreign' }
  if (watched.nonce === nextOnChain && isStuck(watched, market, stuckAfterMs)) return { is: 'stuck' }
  if (known === false && watched.wasSent) return { is: 'dropped' }
  return { is: 'waiting' }
}

function isStuck(watched: Watched, market: Market | undefined, stuckAfterMs: number): boolean {
  if (!market || watched.wantedAttempts > watched.attempts || watched.ageMs < stuckAfterMs) return false
  return isUnderpriced(watched.fees, market) || watched.ageMs >= PATIENCE * stuckAfterMs
}

/** The receipt among those of a transaction's attempts: at most one of them can be in a block. */
export function receiptOf(hashes: readonly Hex[], receipts: ReadonlyMap<Hex, Receipt>): Receipt | null {
  for (const hash of hashes) {
    const receipt = receipts.get(hash)
    if (receipt) return receipt
  }
  return null
}
