import { type Address, getAddress, type Hex } from 'viem'
import { haltChain } from '../effects/chain-register.ts'
import { nativeAssetOf } from '../money/asset.ts'
import type { BlockRef, BlockTransfer, WatchedCoins } from '../providers/chain/port.ts'
import { ProviderError } from '../providers/provider-error.ts'
import {
  type BlockPlace,
  type FoundDeposit,
  findOwnWallets,
  findSaleAddresses,
  isNativeSold,
  listBlocksBelow,
  listFinalBlocks,
  type ReadBlocks,
  type Scan,
} from './scan-store.ts'
import type { BlockReader, WatchedChain, WatchNeeds } from './watch-deposits.ts'

/** Blocks near the newest are read one by one, by their hashes; those far below in ranges. */
const NEAR_BLOCKS = 128
/** Most blocks that are read and written at once. */
const FAR_BLOCKS = 2_000
/** How many stored blocks are compared with the chain's at once, when looking for a fork. */
const COMPARED_AT_ONCE = 64

/** `behind`: the node doesn't have yet what was read before or is to be read, or has another chain; it is waited for. */
export type Reading =
  | { is: 'read'; read: ReadBlocks }
  | { is: 'behind'; why: string }
  | { is: 'held'; reason: string }

/** Reads on from where the scan stands, or from where the chain forked, as far as one batch goes. */
export async function readBlocks(
  needs: WatchNeeds,
  watched: WatchedChain,
  scan: Scan,
  latest: BlockRef,
): Promise<Reading> {
  const found = await findBase(needs, watched, scan, latest)
  if (found.is !== 'base') return found
  const { base } = found
  const headers = await readHeaders(watched, base, latest)
  if (!Array.isArray(headers)) return headers
  const last = headers.at(-1)
  if (!last) return { is: 'read', read: { base, blocks: [], deposits: [] } }
  const coins: WatchedCoins = {
    tokens: Object.values(watched.tokens),
    native: await isNativeSold(needs.db, watched.chain),
  }
  const isFar = last.height - base.height > headers.length
  const transfers = isFar
    ? await watched.provider.transfersBetween(base.height + 1, last, coins)
    : await watched.provider.transfersIn(headers, coins)
  const deposits = await findDeposits(needs, watched, transfers, headers)
  return { is: 'read', read: { base, blocks: isFar ? [last] : headers, deposits } }
}

type Base = { is: 'base'; base: BlockPlace } | Exclude<Reading, { is: 'read' }>

const lacks = (height: number): { is: 'behind'; why: string } => ({
  is: 'behind',
  why: `it has no block ${height}`,
})

async function findBase(
  needs: WatchNeeds,
  watched: WatchedChain,
  scan: Scan,
  latest: BlockRef,
): Promise<Base> {
  if (latest.height < scan.height) {
    // Our own node can't lag behind itself: it came back with less than it had.
    return watched.isLocal ? findFork(needs, watched, scan, latest) : lacks(scan.height)
  }
  const [block] = latest.height === scan.height ? [latest] : await watched.provider.blocks([scan.height])
  if (!block) return lacks(scan.height)
  return block.hash === scan.hash ? { is: 'base', base: scan } : findFork(needs, watched, scan, latest)
}

/**
 * The highest block we know that is still on the chain. Where a deposit that was final stands in a block that is gone,
 * nothing is taken back: a person must look.
 */
async function findFork(
  needs: WatchNeeds,
  { chain, provider, isLocal }: WatchedChain,
  scan: Scan,
  latest: BlockRef,
): Promise<Base> {
  const { genesisHash } = await provider.identify()
  // Another chain: its own check tells what to do.
  if (genesisHash !== scan.genesisHash)
    return { is: 'behind', why: `it has another chain, which begins with ${genesisHash}` }
  const { common, oldest } = await findCommonBlock(needs, provider, scan, latest)
  if (!common && !isLocal) {
    return hold(
      needs,
      chain,
      `none of the blocks from ${oldest} to ${scan.height} that were read is on the chain`,
    )
  }
  const base = common ?? { height: 0, hash: genesisHash }
  const final = await listFinalBlocks(needs.db, scan, base.height)
  const now = await provider.blocks(final.map(({ height }) => height))
  const gone = final.find(({ hash }, place) => now[place]?.hash !== hash)
  if (gone) {
    const what = `block ${gone.height} ${gone.hash} holds a deposit that was final and is no longer on the chain`
    return hold(needs, chain, what)
  }
  return { is: 'base', base }
}

/** The highest stored block below the scan that is on the chain now, and the lowest that is stored at all. */
export async function findCommonBlock(
  { db }: Pick<WatchNeeds, 'db'>,
  provider: Pick<BlockReader, 'blocks'>,
  scan: Scan,
  latest: BlockRef,
): Promise<{ common: BlockPlace | undefined; oldest: number }> {
  const stored = (await listBlocksBelow(db, scan)).filter(({ height }) => height <= latest.height)
  const oldest = stored.at(-1)?.height ?? scan.height
  for (let start = 0; start < stored.length; start += COMPARED_AT_ONCE) {
    const compared = stored.slice(start, start + COMPARED_AT_ONCE)
    const blocks = await provider.blocks(compared.map(({ height }) => height))
    const common = compared.find(({ hash }, place) => blocks[place]?.hash === hash)
    if (common) return { common, oldest }
  }
  return { common: undefined, oldest }
}

async function hold(needs: WatchNeeds, chain: string, what: string): Promise<Base> {
  const reason = `deep_reorganisation: ${what}`
  await haltChain(needs, chain, reason)
  return { is: 'held', reason }
}

/**
 * The headers of the blocks to read: all of them near the newest, else the first and the last of a range. They follow
 * each other and the base; else the node just changed its mind, and is asked again.
 */
async function readHeaders(
  { provider, confirmations }: WatchedChain,
  base: BlockPlace,
  latest: BlockRef,
): Promise<BlockRef[] | { is: 'behind'; why: string }> {
  const near = Math.max(NEAR_BLOCKS, 2 * confirmations)
  const count = latest.height - base.height
  const isFar = count > near
  const to = isFar ? Math.min(base.height + FAR_BLOCKS, latest.height - near) : latest.height
  const heights = isFar
    ? [...new Set([base.height + 1, to])]
    : Array.from({ length: Math.max(0, count) }, (_, place) => base.height + 1 + place)
  const blocks = await provider.blocks(heights)
  let before: BlockPlace = base
  for (const [place, block] of blocks.entries()) {
    if (!block) return lacks(heights[place]!)
    if (block.height === before.height + 1 && block.parentHash !== before.hash)
      return { is: 'behind', why: `its block ${block.height} does not follow its block ${before.height}` }
    before = block
  }
  return blocks as BlockRef[]
}

/**
 * The transfers that came to sales' addresses from outside. Their order in their transaction is the same in every block
 * that it comes in, and so is their number in it.
 */
async function findDeposits(
  needs: WatchNeeds,
  watched: WatchedChain,
  transfers: readonly BlockTransfer[],
  headers: readonly BlockRef[],
): Promise<FoundDeposit[]> {
  const moved = transfers.filter(({ units }) => units > 0n)
  const ours = await findSaleAddresses(needs.db, watched.chain, [...new Set(moved.map(({ to }) => to))])
  if (ours.size === 0) return []
  const hits = moved
    .filter(({ to }) => ours.has(to))
    .sort(
      (a, b) => a.height - b.height || (a.hash < b.hash ? -1 : Number(a.hash > b.hash)) || a.index - b.index,
    )
  await checkBlocks(watched, hits, headers)
  const reverted = await findReverted(watched, hits)
  const internal = await findOwnWallets(needs.db, watched.chain, [...new Set(hits.map(({ from }) => from))])
  const assets = assetsOf(watched)
  const counts = new Map<Hex, number>()
  return hits.flatMap((hit) => {
    const ordinal = counts.get(hit.hash) ?? 0
    counts.set(hit.hash, ordinal + 1)
    if (internal.has(hit.from) || reverted.has(hit.hash)) return []
    return {
      ...ours.get(hit.to)!,
      asset: assets.get(hit.token)!,
      units: hit.units,
      fromAddress: getAddress(hit.from),
      txHash: hit.hash,
      ordinal,
      blockHeight: hit.height,
      blockHash: hit.blockHash,
    }
  })
}

/** What logs say of their block must be what the chain says of it. */
async function checkBlocks(
  { chain, provider }: WatchedChain,
  hits: readonly BlockTransfer[],
  headers: readonly BlockRef[],
): Promise<void> {
  const known = new Map(headers.map(({ height, hash }) => [height, hash]))
  const heights = [...new Set(hits.map(({ height }) => height))].filter((height) => !known.has(height))
  for (const block of await provider.blocks(heights)) if (block) known.set(block.height, block.hash)
  for (const { hash, height, blockHash } of hits) {
    if (known.get(height) === blockHash) continue
    const why = `transaction ${hash} is said to be in block ${height} ${blockHash}, which is ${known.get(height)}`
    throw new ProviderError(chain, 'unknown', why)
  }
}

/** Of transactions that carry native coins, those that failed and so moved none. A token's log is of one that succeeded. */
async function findReverted(
  { chain, provider }: WatchedChain,
  hits: readonly BlockTransfer[],
): Promise<Set<Hex>> {
  const native = hits.filter(({ token }) => token === null)
  const receipts = await provider.receipts(native.map(({ hash }) => hash))
  return new Set(
    native.flatMap(({ hash, blockHash }, place) => {
      const receipt = receipts[place]
      if (receipt?.blockHash !== blockHash)
        throw new ProviderError(chain, 'unknown', `there is no receipt of ${hash} in block ${blockHash}`)
      return receipt.ok ? [] : [hash]
    }),
  )
}

function assetsOf({ chain, tokens }: WatchedChain): Map<Address | null, string> {
  const named = Object.entries(tokens).map(([symbol, token]): [Address, string] => [
    token,
    `${chain}:${symbol}`,
  ])
  return new Map<Address | null, string>([...named, [null, nativeAssetOf(chain).id]])
}
