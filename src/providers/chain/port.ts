import type { Address, Hex } from 'viem'

/**
 * One EVM chain, seen through one node. Amounts are base units, fees wei per gas. Every call throws `ProviderError`
 * when the node can't be reached or answers nonsense; none is ever made inside a database transaction.
 */
export interface ChainProvider extends TransferReader {
  /** Our name of the chain, such as `polygon`. */
  chain: string
  /** What tells this chain from every other. */
  identify(): Promise<{ chainId: number; genesisHash: Hex }>
  /** The newest block, and the newest that the chain itself calls final (null where the node knows no such thing). */
  heads(): Promise<{ latest: BlockRef; finalized: BlockRef | null }>
  /** The blocks at these heights; null where there is none yet. */
  blocks(heights: readonly number[]): Promise<(BlockRef | null)[]>
  /** Balances in base units, native where `token` is null; in the order asked. */
  balances(of: readonly { address: Address; token: Address | null }[]): Promise<bigint[]>
  /**
   * What these addresses hold of the native coin after the block of this hash, in the order asked: as cheap as one call
   * for hundreds of them. Throws `ProviderError` when the node doesn't have the block (any more), or its state.
   */
  nativeBalancesAt(addresses: readonly Address[], blockHash: Hex): Promise<bigint[]>
  /** How many transactions an address has on the chain (`latest`), and with those that wait in the node (`pending`). */
  nonces(address: Address): Promise<{ latest: number; pending: number }>
  /** How many transactions each of these addresses has on the chain, or had after a block, in the order asked. */
  transactionCounts(addresses: readonly Address[], blockHash?: Hex): Promise<number[]>
  fees(): Promise<{ baseFeePerGas: bigint; priorityFeePerGas: bigint }>
  /** What each call would do on the newest block, each on its own. A refusal by the contract is a result, not an error. */
  simulate(calls: readonly ChainCall[]): Promise<Simulation[]>
  /** The gas each call needs on the newest block. */
  estimateGas(calls: readonly ChainCall[]): Promise<GasEstimate[]>
  /**
   * Broadcasts signed transactions, in this order. Sending the same bytes again is harmless: where the node objects,
   * it is asked whether it has the transaction, and its answer counts rather than the text of its objection.
   */
  send(raws: readonly Hex[]): Promise<SendResult[]>
  /** Receipts of mined transactions; null where the transaction is not in a block (now). */
  receipts(hashes: readonly Hex[]): Promise<(Receipt | null)[]>
  /** What a mined transaction moved, native coins and tokens; null when it isn't in a block or was reverted. */
  movements(hash: Hex): Promise<Movement[] | null>
  /** Transactions the node knows, in a block or waiting. */
  transactions(hashes: readonly Hex[]): Promise<(KnownTransaction | null)[]>
}

export interface BlockRef {
  height: number
  hash: Hex
  parentHash: Hex
  time: Date
}

export interface ChainCall {
  from: Address
  to: Address
  data: Hex
  value: bigint
}

export type Simulation = { ok: true; data: Hex } | { ok: false; reason: string }
export type GasEstimate = { ok: true; gas: bigint } | { ok: false; reason: string }

/**
 * `taken`: the node has it, waiting or mined. `nonce_used`: another transaction was mined under its nonce.
 * `rejected`: the node does not have it and says why. `unknown`: the node's answer is not known; ask or send again.
 */
export type SendResult =
  | { state: 'taken'; hash: Hex }
  | { state: 'nonce_used' | 'rejected' | 'unknown'; hash: Hex; reason: string }

export interface Receipt {
  hash: Hex
  ok: boolean
  height: number
  blockHash: Hex
  /** What the sender paid for it, in wei of the native coin. */
  gasUnits: bigint
  /** Address of the contract it created. */
  contract: Address | null
}

export interface Movement {
  /** Null for the native coin. */
  token: Address | null
  from: Address
  to: Address
  units: bigint
}

/** What moves in blocks, found by whom it moves to. Both answer in no particular order. */
export interface TransferReader {
  /**
   * What moved in these blocks, each of them asked for by its hash. Throws `ProviderError` when the node doesn't have
   * one of them (any more), or answers what wasn't asked.
   */
  transfersIn(blocks: readonly BlockRef[], coins: WatchedCoins): Promise<BlockTransfer[]>
  /**
   * What moved in the blocks from the height `from` up to and with `last`, for ranges far below the newest block. The
   * range is divided when the node finds it too large. Throws `ProviderError` when `last` is not, or not all the time,
   * the node's block at its height, or the node answers what wasn't asked. All of it hangs on one request being answered
   * by one node: where a service spreads the calls of a request over several, one that lags may leave logs out unseen.
   */
  transfersBetween(from: number, last: BlockRef, coins: WatchedCoins): Promise<BlockTransfer[]>
}

export interface WatchedCoins {
  /** The token contracts whose transfers count. */
  tokens: readonly Address[]
  /** Whether the native coin counts: it takes whole blocks to read. */
  native: boolean
}

/**
 * A token's transfer as its contract told of it; or the value of a transaction, which moved only if the transaction
 * succeeded: its receipt tells. What contracts move of the native coin while they run is not among them.
 */
export interface BlockTransfer {
  /** Of the transaction. */
  hash: Hex
  height: number
  blockHash: Hex
  /** The log's place in its block; −1 for a transaction's value. */
  index: number
  /** Null for the native coin. */
  token: Address | null
  /** In lower case: few of them are worth a checksum. */
  from: Address
  to: Address
  units: bigint
}

export interface KnownTransaction {
  hash: Hex
  from: Address
  nonce: number
  /** Null while it waits. */
  height: number | null
}

/** How many blocks deep a block is: 1 when it is the newest. */
export function depthOf(height: number, latest: number): number {
  return latest - height + 1
}
