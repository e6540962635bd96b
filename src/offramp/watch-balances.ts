import type { Address, Hex } from 'viem'
import { nativeAssetOf } from '../money/asset.ts'
import {
  type ExplainedAddress,
  explainAddresses,
  listNativeAddresses,
  recordUnexplained,
} from './balance-store.ts'
import type { FoundDeposit, Scan } from './scan-store.ts'
import type { WatchedChain, WatchNeeds } from './watch-deposits.ts'

type BalanceNeeds = Pick<WatchNeeds, 'db' | 'clock' | 'log'>

/** A look rests so many times as long as it took: with any number of addresses it takes a small part of the time. */
const REST_TIMES = 25
/** What could not be said is looked at again after this, in real time. */
const DOUBT_MS = 5_000

/** `isDone`: this block needs no other look. */
export interface BalanceLook {
  found: number
  isDone: boolean
}

/**
 * Finds native coins that a contract sent while it ran, of which no transaction's value and no log tells: what sales'
 * addresses hold after the newest block that was read, more than the deposits and our own transfers explain. In memory
 * is only when it looked last.
 */
export function createBalanceWatch(
  needs: BalanceNeeds,
  watched: WatchedChain,
): (scan: Scan) => Promise<BalanceLook> {
  let doneWith = ''
  let restUntilMs = -Infinity

  return async (scan) => {
    const place = `${scan.epoch} ${scan.hash}`
    if (place === doneWith) return { found: 0, isDone: true }
    const beganMs = needs.clock.real().getTime()
    if (beganMs < restUntilMs) return { found: 0, isDone: false }
    const look = await lookAtBalances(needs, watched, scan)
    const endedMs = needs.clock.real().getTime()
    restUntilMs = endedMs + Math.max(REST_TIMES * (endedMs - beganMs), look.isDone ? 0 : DOUBT_MS)
    if (look.isDone) doneWith = place
    return look
  }
}

async function lookAtBalances(needs: BalanceNeeds, watched: WatchedChain, scan: Scan): Promise<BalanceLook> {
  const { db, clock, log } = needs
  const addresses = await listNativeAddresses(db, scan, clock.now())
  if (addresses.length === 0) return { found: 0, isDone: true }
  const balances = await watched.provider.nativeBalancesAt(addresses, scan.hash)
  const units = new Map(addresses.map((address, place) => [address, balances[place]!]))
  const held = addresses.filter((address) => units.get(address)! > 0n)
  const known = await explainAddresses(db, scan, scan, held)
  const more = known.filter(({ address, explainedUnits }) => units.get(address)! > explainedUnits)
  if (more.length === 0) return { found: 0, isDone: true }
  const counts = await watched.provider.transactionCounts(
    more.map(({ address }) => address),
    scan.hash,
  )
  const sent = new Map(more.map(({ address }, place) => [address, counts[place]!]))
  const sure = more.filter((one) => isSettled(one, sent)).map(({ address }) => address)
  if (sure.length === 0 || !(await doesWitnessAgree(needs, watched, scan, { sure, units })))
    return { found: 0, isDone: false }
  const found = await recordUnexplained(db, scan, clock.now(), async (trx) => {
    const now = await explainAddresses(trx, scan, scan, sure)
    return now.filter((one) => isSettled(one, sent)).flatMap((one) => surplusOf(scan, one, units))
  })
  if (found > 0) {
    const facts = { chain: scan.chain, height: scan.height, found }
    log.warn(facts, 'Native coins came to addresses of sales by no transaction of their own.')
  }
  return { found, isDone: sure.length === more.length }
}

/** All that left the address and all gas that we sent there is in the books. */
const isSettled = (
  { address, settled, isMoving }: ExplainedAddress,
  sent: ReadonlyMap<Address, number>,
): boolean => !isMoving && settled === sent.get(address)

/** Where there is a second node, it must say the same of the same block before anything is seen. */
async function doesWitnessAgree(
  { log }: BalanceNeeds,
  { witness }: WatchedChain,
  { chain, height, hash }: Scan,
  { sure, units }: { sure: readonly Address[]; units: ReadonlyMap<Address, bigint> },
): Promise<boolean> {
  if (!witness) return true
  const [block] = await witness.blocks([height])
  if (block?.hash !== hash) return false
  const balances = await witness.nativeBalancesAt(sure, hash)
  const doubtful = sure.filter((address, place) => balances[place] !== units.get(address))
  if (doubtful.length > 0)
    log.error({ chain, hash, addresses: doubtful }, 'The nodes disagree about what addresses hold.')
  return doubtful.length === 0
}

/** Its name can be no transaction's: the block and the address are all that is known. */
export const balanceKey = (blockHash: Hex, address: string): string => `balance:${blockHash}:${address}`

/** The transaction that a deposit came by; null where only the balance tells of it. */
export const transactionOf = ({ txHash }: { txHash: string }): Hex | null =>
  txHash.startsWith('0x') ? (txHash as Hex) : null

function surplusOf(
  { chain, height, hash }: Scan,
  { integrationId, saleId, address, explainedUnits }: ExplainedAddress,
  balances: ReadonlyMap<Address, bigint>,
): FoundDeposit[] {
  const units = balances.get(address)! - explainedUnits
  if (units <= 0n) return []
  return [
    {
      integrationId,
      saleId,
      address,
      asset: nativeAssetOf(chain).id,
      units,
      fromAddress: null,
      txHash: balanceKey(hash, address),
      ordinal: 0,
      blockHeight: height,
      blockHash: hash,
    },
  ]
}
