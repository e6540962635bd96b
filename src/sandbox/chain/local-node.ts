import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Hex, numberToHex } from 'viem'
import type { Clock } from '../../kernel/clock.ts'
import { createJsonRpc, type JsonRpc } from '../../providers/chain/json-rpc.ts'
import { ProviderError } from '../../providers/provider-error.ts'
import {
  becomes,
  endNode,
  findFreePort,
  isNodeAlive,
  isPortFree,
  killNode,
  spawnNode,
} from './node-process.ts'

export interface LocalNodeOptions {
  chain: string
  chainId: number
  /** The node's own folder: record, saved state, log. */
  folder: string
  clock: Clock
  /** First block of the chain that a new one would take the place of, so far as the platform knows one. */
  replaces: Hex | null
}

/** A node that runs. */
export interface LocalNode {
  chain: string
  chainId: number
  url: string
  genesisHash: Hex
  /** Speaks all of the node's methods, its cheats too. */
  rpc: JsonRpc
  /** How it came to be: found running, started from its saved state, or begun as a new chain. */
  origin: 'adopted' | 'resumed' | 'fresh'
  /** First block of the chain whose place this one took when it began. */
  replaces: Hex | null
  isAlive(): boolean
  /** Saves the chain and ends the node. */
  stop(): Promise<void>
}

/** What is written down about a node, so that the next process finds it. */
interface NodeRecord {
  pid: number
  port: number
  chainId: number
  genesisTime: number
  replaces: Hex | null
}

/**
 * Far more than all transactions that a wallet may have in flight. When one does not fit into a block, the node tries
 * the next of the same sender, finds its nonce too high and drops it and all behind it, which no real node does.
 */
const BLOCK_GAS_LIMIT = 1_000_000_000
const ANSWER_MS = 10_000
const START_MS = 20_000
const STOP_MS = 20_000

/**
 * The chain's node: the running one if an earlier process left it, else one started from the saved state, else a
 * new chain. A saved state that can't be read is put aside and a new chain begun.
 */
export async function openLocalNode(options: LocalNodeOptions): Promise<LocalNode> {
  mkdirSync(options.folder, { recursive: true, mode: 0o700 })
  const record = readRecord(options.folder)
  if (record) {
    const adopted = await adoptNode(options, record)
    if (adopted) return adopted
  }
  if (record && existsSync(statePath(options.folder))) {
    const resumed = await startNode(options, record, null)
    if (resumed) return resumed
    renameSync(statePath(options.folder), `${statePath(options.folder)}.unreadable`)
  }
  return beginChain(options)
}

/** A new chain with another first block, whatever was there before: a node of the old one is ended unsaved. */
export async function beginChain(options: LocalNodeOptions): Promise<LocalNode> {
  mkdirSync(options.folder, { recursive: true, mode: 0o700 })
  const old = readRecord(options.folder)
  if (old) {
    killNode(old.pid)
    await becomes(() => !isNodeAlive(old.pid), STOP_MS)
  }
  rmSync(statePath(options.folder), { force: true })
  const now = Math.floor(options.clock.real().getTime() / 1000)
  const genesisTime = Math.max(now, (old?.genesisTime ?? 0) + 1)
  const node = await startNode(options, old, genesisTime)
  if (!node) throw new Error(`The local ${options.chain} node did not start: ${lastLog(options.folder)}`)
  return node
}

async function adoptNode(options: LocalNodeOptions, record: NodeRecord): Promise<LocalNode | null> {
  if (record.chainId !== options.chainId || !isNodeAlive(record.pid)) return null
  // One that an interrupted start left behind may not listen yet.
  if (await becomes(() => answersAsOurs(options, record), 2_000)) return takeUp(options, record, 'adopted')
  await endNode(record.pid, STOP_MS)
  return null
}

/** Null when the node ended by itself: its saved state or its port was not to its liking. */
async function startNode(
  options: LocalNodeOptions,
  old: NodeRecord | null,
  genesisTime: number | null,
): Promise<LocalNode | null> {
  const port = old && (await isPortFree(old.port)) ? old.port : await findFreePort()
  const { pid, exited } = spawnNode(
    {
      chainId: options.chainId,
      port,
      statePath: statePath(options.folder),
      cachePath: join(options.folder, 'cache'),
      genesisTime: genesisTime ?? old?.genesisTime ?? 0,
    },
    logPath(options.folder),
  )
  const record: NodeRecord = {
    pid,
    port,
    chainId: options.chainId,
    genesisTime: genesisTime ?? old?.genesisTime ?? 0,
    replaces: genesisTime === null ? (old?.replaces ?? null) : options.replaces,
  }
  writeRecord(options.folder, record)
  const answered = await becomes(async () => exited() || (await answersAsOurs(options, record)), START_MS)
  if (exited()) return null
  if (!answered) {
    killNode(pid)
    return null
  }
  const node = await takeUp(options, record, genesisTime === null ? 'resumed' : 'fresh')
  // Its clock began at the first block's time; the blocks to come are of today.
  await node.rpc.call('evm_setTime', Math.floor(options.clock.real().getTime() / 1000))
  return node
}

async function takeUp(
  options: LocalNodeOptions,
  record: NodeRecord,
  origin: LocalNode['origin'],
): Promise<LocalNode> {
  const rpc = rpcTo(options.chain, record)
  // Not as an argument of the node: that would change the first block of a chain that goes on from its saved state.
  await rpc.call('evm_setBlockGasLimit', numberToHex(BLOCK_GAS_LIMIT))
  const genesis = (await rpc.call('eth_getBlockByNumber', '0x0', false)) as { hash: Hex }
  return {
    chain: options.chain,
    chainId: options.chainId,
    url: urlOf(record),
    genesisHash: genesis.hash,
    rpc,
    origin,
    replaces: record.replaces,
    isAlive: () => isNodeAlive(record.pid),
    async stop() {
      await endNode(record.pid, STOP_MS)
    },
  }
}

async function answersAsOurs(options: LocalNodeOptions, record: NodeRecord): Promise<boolean> {
  try {
    const rpc = rpcTo(options.chain, record)
    const genesis = (await rpc.call('eth_getBlockByNumber', '0x0', false)) as { timestamp: Hex } | null
    const chainId = Number(await rpc.call('eth_chainId'))
    return chainId === options.chainId && Number(genesis?.timestamp) === record.genesisTime
  } catch (error) {
    if (error instanceof ProviderError) return false
    throw error
  }
}

function rpcTo(chain: string, record: NodeRecord): JsonRpc {
  return createJsonRpc({ name: chain, url: () => urlOf(record), timeoutMs: ANSWER_MS, batchSize: 100 })
}

const urlOf = (record: NodeRecord): string => `http://127.0.0.1:${record.port}`
const statePath = (folder: string): string => join(folder, 'state.json')
const logPath = (folder: string): string => join(folder, 'node.log')
const recordPath = (folder: string): string => join(folder, 'node.json')

function readRecord(folder: string): NodeRecord | null {
  if (!existsSync(recordPath(folder))) return null
  try {
    return JSON.parse(readFileSync(recordPath(folder), 'utf8')) as NodeRecord
  } catch (error) {
    // Cut off by a crash while it was written: there is no node to be found through it.
    if (error instanceof SyntaxError) return null
    throw error
  }
}

function writeRecord(folder: string, record: NodeRecord): void {
  const path = recordPath(folder)
  writeFileSync(`${path}.new`, JSON.stringify(record), { mode: 0o600 })
  renameSync(`${path}.new`, path)
}

function lastLog(folder: string): string {
  const path = logPath(folder)
  return existsSync(path)
    ? readFileSync(path, 'utf8').trim().split('\n').slice(-5).join(' ')
    : 'it wrote no log'
}
