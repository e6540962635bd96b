import { createHash } from 'node:crypto'
import type { Address, Hex } from 'viem'
import type { BlockReader } from '../../src/offramp/watch-deposits.ts'
import type { BlockRef, BlockTransfer, Receipt } from '../../src/providers/chain/port.ts'
import { ProviderError } from '../../src/providers/provider-error.ts'

/** A transaction with what it moves, in order; those of the native coin come first. */
export interface MemoryTransaction {
  hash: Hex
  moves: readonly { token: Address | null; from: Address; to: Address; units: bigint }[]
  /** Reverted: it moves nothing, though its value says otherwise. */
  reverted?: boolean
  /** The native coin as contracts send it while they run: only balances tell. */
  inside?: readonly { to: Address; units: bigint }[]
}

export interface MemoryBlock extends BlockRef {
  transactions: readonly MemoryTransaction[]
}

/** A chain in memory, seen through nodes that may lag, be down, stand on a fork that was left, or be a block ahead of themselves. */
export interface MemoryChain {
  blocks(): readonly MemoryBlock[]
  mine(transactions?: readonly MemoryTransaction[]): void
  /** Replaces the newest `depth` blocks by as many and `more`, each with the transactions given for it. */
  reorganise(depth: number, blocks: readonly (readonly MemoryTransaction[])[]): void
  node(): MemoryNode
}

export interface MemoryNode {
  reader: BlockReader
  /** The next so many calls fail. */
  failCalls(calls: number): void
  /** Knows the chain without its newest so many blocks. */
  lag(blocks: number): void
  /** Goes on showing the chain as it is now, whatever comes. */
  freeze(): void
  /** Answers logs of the chain as it is now, whatever its headers say by then. */
  freezeLogs(): void
  /** Everything is as it should be again. */
  heal(): void
}

export const memoryHash = (text: string): Hex => `0x${createHash('sha256').update(text).digest('hex')}`

export function createMemoryChain(name: string): MemoryChain {
  let made = 0
  const newBlock = (parent: MemoryBlock | null, transactions: readonly MemoryTransaction[]): MemoryBlock => ({
    height: parent ? parent.height + 1 : 0,
    hash: memoryHash(`${name} ${made++}`),
    parentHash: parent?.hash ?? memoryHash(name),
    time: new Date(0),
    transactions,
  })
  let chain: MemoryBlock[] = [newBlock(null, [])]
  const all = new Map<Hex, MemoryBlock>([[chain[0]!.hash, chain[0]!]])
  const append = (transactions: readonly MemoryTransaction[]): void => {
    const block = newBlock(chain.at(-1)!, transactions)
    all.set(block.hash, block)
    chain = [...chain, block]
  }
  return {
    blocks: () => chain,
    mine: (transactions = []) => append(transactions),
    reorganise(depth, blocks) {
      chain = chain.slice(0, chain.length - depth)
      for (const transactions of blocks) append(transactions)
    },
    node: () => createNode(name, () => chain, all),
  }
}

function createNode(
  name: string,
  truth: () => readonly MemoryBlock[],
  all: ReadonlyMap<Hex, MemoryBlock>,
): MemoryNode {
  let failing = 0
  let lagging = 0
  let frozen: readonly MemoryBlock[] | null = null
  let frozenLogs: readonly MemoryBlock[] | null = null
  const view = (): readonly MemoryBlock[] => {
    const chain = frozen ?? truth()
    return chain.slice(0, Math.max(1, chain.length - lagging))
  }
  const failed = (why: string): ProviderError => new ProviderError(name, 'not_sent', why)
  /** Every call may be the one that fails. */
  async function answer<T>(work: () => T): Promise<T> {
    if (failing === 0) return work()
    failing -= 1
    throw failed('the node is down')
  }
  const ref = ({ height, hash, parentHash, time }: MemoryBlock): BlockRef => ({
    height,
    hash,
    parentHash,
    time,
  })
  /** For its newest block the node answers from what it is writing: the next block, where there is one. */
  const stateAfter = (hash: Hex): readonly MemoryBlock[] => {
    const at = view().findIndex((block) => block.hash === hash)
    if (at < 0) throw failed(`block ${hash} is not there`)
    const next = at === view().length - 1 ? truth()[at + 1] : undefined
    return [...view().slice(0, at + 1), ...(next?.parentHash === hash ? [next] : [])]
  }
  const has = (block: BlockRef): boolean => view()[block.height]?.hash === block.hash
  return {
    failCalls(calls) {
      failing = calls
    },
    lag(blocks) {
      lagging = blocks
    },
    freeze() {
      frozen = view()
    },
    freezeLogs() {
      frozenLogs = view()
    },
    heal() {
      failing = 0
      lagging = 0
      frozen = null
      frozenLogs = null
    },
    reader: {
      identify: () => answer(() => ({ chainId: 1, genesisHash: view()[0]!.hash })),
      heads: () => answer(() => ({ latest: ref(view().at(-1)!), finalized: null })),
      blocks: (heights) =>
        answer(() => heights.map((height) => (view()[height] ? ref(view()[height]!) : null))),
      nativeBalancesAt: (addresses, hash) =>
        answer(() => addresses.map((address) => balanceOf(stateAfter(hash), address))),
      transactionCounts: (addresses) => answer(() => addresses.map(() => 0)),
      receipts: (hashes) => answer(() => hashes.map((hash) => receiptOf(view(), hash))),
      transfersIn: (blocks, coins) =>
        answer(() =>
          blocks.flatMap((block) => {
            if (!has(block)) throw failed(`block ${block.height} ${block.hash} is not there`)
            return transfersOf(all.get(block.hash)!, coins.native)
          }),
        ),
      transfersBetween: (from, last, coins) =>
        answer(() => {
          if (!has(last)) throw failed(`block ${last.height} ${last.hash} is not there`)
          const blocks = (frozenLogs ?? view()).slice(from, last.height + 1)
          return blocks.flatMap((block) => transfersOf(block, coins.native))
        }),
    },
  }
}

function transfersOf(block: MemoryBlock, native: boolean): BlockTransfer[] {
  let log = 0
  return block.transactions.flatMap(({ hash, moves, reverted }) =>
    moves.flatMap(({ token, from, to, units }): BlockTransfer[] => {
      if (token === null ? !native : reverted) return []
      const index = token === null ? -1 : log++
      const lower = (address: Address) => address.toLowerCase() as Address
      const { height, hash: blockHash } = block
      return [{ hash, height, blockHash, index, token, from: lower(from), to: lower(to), units }]
    }),
  )
}

/** Addresses of sales send nothing here. */
function balanceOf(chain: readonly MemoryBlock[], address: Address): bigint {
  let units = 0n
  for (const { transactions } of chain)
    for (const { moves, inside = [], reverted } of transactions) {
      if (reverted) continue
      for (const move of moves) if (move.token === null && move.to === address) units += move.units
      for (const move of inside) if (move.to === address) units += move.units
    }
  return units
}

function receiptOf(chain: readonly MemoryBlock[], hash: Hex): Receipt | null {
  for (const block of chain) {
    const found = block.transactions.find((one) => one.hash === hash)
    if (found) {
      const { height, hash: blockHash } = block
      return { hash, ok: !found.reverted, height, blockHash, gasUnits: 0n, contract: null }
    }
  }
  return null
}
