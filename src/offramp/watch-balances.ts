import type { Address, Hex } from 'viem'
import { nativeAssetOf } from '../money/asset.ts'
import {
  type ExplainedAddress,
  explainAddresses,
  listNativeAddresses,
  recordUnexplained,
} from './balance-store.ts'
import type { BlockPlace, FoundDeposit, Scan } from './scan-store.ts'
import type { BlockReader, WatchedChain, WatchNeeds } from './watch-deposits.ts'

type BalanceNeeds = Pick<WatchNeeds, 'db' | 'clock' | 'log'>

/** A look rests so many times as long as it took: with any number of addresses it takes a small part of the time. */
const REST_TIMES = 25
/** What could not be said is looked at again after this, in real time. */
const DOUBT_MS = 1_000

/** `isDone`: this block needs no other look. */
export interface BalanceLook {
  found: number
  isDone: boolean
}

/**
 * Finds native coins that a contract sent while it ran, of which no transaction's value and no log tells: what sales'
 * addresses hold more than the deposits and our own transfers explain. In memory is only when it looked last.
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

/**
 * Some nodes (Anvil is one) answer for their newest block from what is being written at that moment, which may be the
 * block that follows. So the newest block only raises a suspicion; what is recorded is what addresses held after the
 * block below it, asked while another stood on it.
 */
async function lookAtBalances(needs: BalanceNeeds, watched: WatchedChain, scan: Scan): Promise<BalanceLook> {
  const { db, clock, log } = needs
  const addresses = await listNativeAddresses(db, scan, clock.now())
  if (addresses.length === 0) return { found: 0, isDone: true }
  const newest = await unitsAt(watched.provider, addresses, scan.hash)
  const held = addresses.filter((address) => newest.get(address)! > 0n)
  const suspects = (await explainAddresses(db, scan, scan, held))
    .filter(({ address, explainedUnits }) => newest.get(address)! > explainedUnits)
    .map(({ address }) => address)
  if (suspects.length === 0) return { found: 0, isDone: true }
  const below = await readBelow(watched.provider, scan, suspects)
  if (!below) return { found: 0, isDone: false }
  const { block, units, sent } = below
  const isSure = (one: ExplainedAddress): boolean =>
    !one.isMoving && one.settled === sent.get(one.address) && units.get(one.address)! > one.explainedUnits
  const sure = (await explainAddresses(db, scan, block, suspects))
    .filter(isSure)
    .map(({ address }) => address)
  if (sure.length === 0 || !(await doesWitnessAgree(needs, watched, block, { sure, units })))
    return { found: 0, isDone: false }
  const found = await recordUnexplained(db, scan, clock.now(), async (trx) => {
    const now = await explainAddresses(trx, scan, block, sure)
    return now.filter(isSure).map((one) => surplusOf(scan.chain, block, one, units))
  })
  if (found > 0) {
    const facts = { chain: scan.chain, height: block.height, found }
    log.warn(facts, 'Native coins came to addresses of sales by no transaction of their own.')
  }
  const isSame = suspects.every((address) => newest.get(address) === units.get(address))
  return { found, isDone: isSame && sure.length === suspects.length }
}

type Units = ReadonlyMap<Address, bigint>

async function unitsAt(
  provider: Pick<BlockReader, 'nativeBalancesAt'>,
  addresses: readonly Address[],
  hash: Hex,
): Promise<Units> {
  const balances = await provider.nativeBalancesAt(addresses, hash)
  return new Map(addresses.map((address, place) => [address, balances[place]!]))
}

/** What addresses held, and had sent, after the block below the one that was read last; null where that is not the node's. */
async function readBelow(
  provider: BlockReader,
  { height, hash }: Scan,
  addresses: readonly Address[],
): Promise<{ block: BlockPlace; units: Units; sent: ReadonlyMap<Address, number> } | null> {
  const [read] = await provider.blocks([height])
  if (height === 0 || read?.hash !== hash) return null
  const block = { height: height - 1, hash: read.parentHash }
  const units = await unitsAt(provider, addresses, block.hash)
  const counts = await provider.transactionCounts(addresses, block.hash)
  // It stood on that block before and after, so it did meanwhile: a block that is gone doesn't come back.
  const [still] = await provider.blocks([height])
  if (still?.hash !== hash) return null
  return { block, units, sent: new Map(addresses.map((address, place) => [address, counts[place]!])) }
}

/** Where there is a second node, it must say the same of the same block before anything is seen. */
async function doesWitnessAgree(
  { log }: BalanceNeeds,
  { chain, witness }: WatchedChain,
  { height, hash }: BlockPlace,
  { sure, units }: { sure: readonly Address[]; units: Units },
): Promise<boolean> {
  if (!witness) return true
  const [block] = await witness.blocks([height])
  if (block?.hash !== hash) return false
  const balances = await unitsAt(witness, sure, hash)
  const doubtful = sure.filter((address) => balances.get(address) !== units.get(address))
  if (doubtful.length > 0)
    log.error({ chain, hash, addresses: doubtful }, 'The nodes disagree about what addresses hold.')
  return doubtful.length === 0
}

/** Its name can be no transaction's: the block and the address are all that is known. */
export const balanceKey = (blockHash: Hex, address: string): string => `balance:${blockHash}:${address}`

/** The transaction that a deposit came by; null where only the balance tells of it. */
export const transactionOf = ({ txHash }: { txHash: string }): Hex | null =>
  txHash.startsWith('0x') ? (txHash as Hex) : null

const surplusOf = (
  chain: string,
  { height, hash }: BlockPlace,
  { integrationId, saleId, address, explainedUnits }: ExplainedAddress,
  units: Units,
): FoundDeposit => ({
  integrationId,
  saleId,
  address,
  asset: nativeAssetOf(chain).id,
  units: units.get(address)! - explainedUnits,
  fromAddress: null,
  txHash: balanceKey(hash, address),
  ordinal: 0,
  blockHeight: height,
  blockHash: hash,
})
