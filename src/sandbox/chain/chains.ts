import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type Hex, numberToHex } from 'viem'
import type { Clock } from '../../kernel/clock.ts'
import { createEvmProvider } from '../../providers/chain/evm.ts'
import type { ChainProvider } from '../../providers/chain/port.ts'
import type { Custody } from '../../providers/custody/port.ts'
import { createBlockedSender } from './blocked-sender.ts'
import { withFileLock } from './file-lock.ts'
import { beginChain, type LocalNode, type LocalNodeOptions, openLocalNode } from './local-node.ts'
import { runMiner } from './miner.ts'
import { createTreasury, type Treasury } from './treasury.ts'

/** Chain ids that no real chain has: a transaction signed for the sandbox is worth nothing elsewhere. */
export const SANDBOX_CHAIN_IDS: Readonly<Record<string, number>> = { polygon: 1_337_137, bsc: 1_337_056 }
/** A block this deep is final on a local chain. */
export const SANDBOX_CONFIRMATIONS = 2
/** The treasury's key: an account of BIP-44 that no wallet of ours uses. */
export const TREASURY_KEY_REF = "m/44'/60'/1337'/0/0"

/** What the platform has last seen of a chain. */
export interface Checkpoint {
  genesisHash: string
  height: number
  hash: string
}

export interface SandboxChainOptions {
  chain: string
  /** The platform's data folder; the node keeps its things in `chains/<chain>` below it. */
  dataDir: string
  clock: Clock
  custody: Custody
  /** Null when the platform knows nothing of this chain yet. */
  checkpointOf: (chain: string) => Promise<Checkpoint | null>
  /** Told in words of everything out of the ordinary: a chain that was lost, a node that had to be started again. */
  onNotice: (text: string) => void
}

/** A local chain that runs, with its node, its miner and its treasury. */
export interface SandboxChain {
  chain: string
  chainId: number
  confirmations: number
  /** Where the node listens now. */
  url(): string
  /** The node as it is now; it is replaced when it dies or its chain is lost. */
  node(): LocalNode
  provider: ChainProvider
  treasury: Treasury
  /** Sends coins from the address that screening refuses and answers the hash as soon as the node has it. */
  sendFromBlocked(transfer: { symbol: string; to: Hex; units: bigint }): Promise<Hex>
  /**
   * Mines when somebody waits for it, and brings the node back should it die, until `stop` or `leave`. `onBlock` is
   * called after each block.
   */
  startMining(onBlock?: () => void): void
  /** Ends mining and the node, with the chain saved. */
  stop(): Promise<void>
  /** Ends mining and leaves the node running, to be adopted by the next process. */
  leave(): Promise<void>
}

/**
 * Opens one local chain. When the recorded checkpoint is not on it (its node died unsaved, its folder was lost or
 * is older than the database), a new chain with another first block is begun: the platform sees the other genesis
 * hash and begins a new epoch.
 */
export async function openSandboxChain(options: SandboxChainOptions): Promise<SandboxChain> {
  const { chain, custody, onNotice } = options
  const chainId = SANDBOX_CHAIN_IDS[chain]
  if (!chainId) throw new Error(`The sandbox has no local chain called ${chain}.`)
  let node = await openNode(options, chainId)
  const provider = createEvmProvider({ chain, url: () => node.url })
  const treasury = await createTreasury({
    chain,
    chainId,
    node: () => node,
    provider,
    custody,
    keyRef: TREASURY_KEY_REF,
  })
  await treasury.prepare()
  const ending = new AbortController()
  let mining: Promise<void> = Promise.resolve()

  async function revive(error: unknown): Promise<void> {
    if (ending.signal.aborted) return
    if (node.isAlive()) return onNotice(`The local ${chain} node failed to answer: ${textOf(error)}`)
    onNotice(`The local ${chain} node ended; it is started again.`)
    try {
      node = await openNode(options, chainId!)
      await treasury.prepare()
    } catch (failure) {
      onNotice(`The local ${chain} node could not be started again: ${textOf(failure)}`)
    }
  }

  async function endMining(): Promise<void> {
    ending.abort()
    await mining
  }

  return {
    chain,
    chainId,
    confirmations: SANDBOX_CONFIRMATIONS,
    url: () => node.url,
    node: () => node,
    provider,
    treasury,
    sendFromBlocked: createBlockedSender({ chain, node: () => node, provider, treasury }),
    startMining(onBlock = () => {}) {
      mining = runMiner({
        node: () => node,
        confirmations: SANDBOX_CONFIRMATIONS,
        signal: ending.signal,
        onBlock,
        onFailure: revive,
      })
    },
    async stop() {
      await endMining()
      await node.stop()
    },
    leave: endMining,
  }
}

async function openNode(options: SandboxChainOptions, chainId: number): Promise<LocalNode> {
  const { chain, dataDir, clock, checkpointOf, onNotice } = options
  const folder = join(dataDir, 'chains', chain)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  return withFileLock(join(folder, 'starting.lock'), async () => {
    const checkpoint = await checkpointOf(chain)
    const replaces = (checkpoint?.genesisHash ?? null) as Hex | null
    const nodeOptions: LocalNodeOptions = { chain, chainId, folder, clock, replaces }
    const node = await openLocalNode(nodeOptions)
    if (!checkpoint || (await holds(node, checkpoint))) return node
    // Begun in place of the very chain that the platform remembers: it has not looked yet.
    if (node.replaces === checkpoint.genesisHash && node.genesisHash !== checkpoint.genesisHash) return node
    onNotice(
      `The local ${chain} chain has no block ${checkpoint.height} ${checkpoint.hash} any more; a new chain begins.`,
    )
    return beginChain(nodeOptions)
  })
}

/** Whether the chain still is the one on which the checkpoint was seen. */
async function holds(node: LocalNode, checkpoint: Checkpoint): Promise<boolean> {
  if (node.genesisHash !== checkpoint.genesisHash) return false
  const block = (await node.rpc.call('eth_getBlockByNumber', numberToHex(checkpoint.height), false)) as {
    hash: Hex
  } | null
  return block?.hash === checkpoint.hash
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
