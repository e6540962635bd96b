import {
  type Address,
  encodeFunctionData,
  erc20Abi,
  getAddress,
  type Hex,
  hexToBigInt,
  hexToNumber,
  keccak256,
  type Log,
  numberToHex,
  parseEventLogs,
} from 'viem'
import { ProviderError } from '../provider-error.ts'
import { createJsonRpc, type JsonRpc, type RpcAnswer, type RpcCall, resultOf } from './json-rpc.ts'
import type { BlockRef, ChainCall, ChainProvider, KnownTransaction, Movement, Receipt } from './port.ts'
import { readNativeBalances } from './read-balances.ts'
import { createTransferReader } from './read-transfers.ts'
import { isExecutionFailure, revertReason } from './revert-reason.ts'
import { sendRaw } from './send-raw.ts'

export interface EvmOptions {
  chain: string
  url: string | (() => string)
  /** A request that takes longer has an unknown end; 10 s unless told. */
  timeoutMs?: number
  /** Most calls in one HTTP request; 100 unless told. */
  batchSize?: number
}

/** Of a busy chain each is some hundred kilobytes. */
const FULL_BLOCKS = 20

/** Any EVM chain over JSON-RPC: Anvil, geth and its kin, or a node service. */
export function createEvmProvider({
  chain,
  url,
  timeoutMs = 10_000,
  batchSize = 100,
}: EvmOptions): ChainProvider {
  const currentUrl = typeof url === 'string' ? () => url : url
  const rpc = createJsonRpc({ name: chain, url: currentUrl, timeoutMs, batchSize })
  const wide = createJsonRpc({
    name: chain,
    url: currentUrl,
    timeoutMs,
    batchSize: Math.min(batchSize, FULL_BLOCKS),
  })

  /** All results of a batch in which no call may fail. */
  async function results(calls: RpcCall[]): Promise<unknown[]> {
    const answers = await rpc.batch(calls)
    return answers.map((answer, index) => resultOf(chain, calls[index]!.method, answer))
  }

  return {
    chain,
    ...createTransferReader(chain, rpc, wide),

    async identify() {
      const [chainId, genesis] = await results([
        { method: 'eth_chainId', params: [] },
        { method: 'eth_getBlockByNumber', params: ['0x0', false] },
      ])
      return { chainId: hexToNumber(chainId as Hex), genesisHash: (genesis as RawBlock).hash }
    },

    async heads() {
      const [latest, finalized] = await rpc.batch([
        { method: 'eth_getBlockByNumber', params: ['latest', false] },
        { method: 'eth_getBlockByNumber', params: ['finalized', false] },
      ])
      const newest = toBlock(resultOf(chain, 'eth_getBlockByNumber', latest) as RawBlock | null)
      if (!newest) throw new ProviderError(chain, 'unknown', 'the node has no newest block')
      // Nodes without the tag answer an error or null; both say that there is no such block.
      return {
        latest: newest,
        finalized: finalized?.ok ? toBlock(finalized.result as RawBlock | null) : null,
      }
    },

    async blocks(heights) {
      const raw = await results(
        heights.map((height) => ({ method: 'eth_getBlockByNumber', params: [numberToHex(height), false] })),
      )
      return raw.map((block) => toBlock(block as RawBlock | null))
    },

    async balances(of) {
      const raw = await results(of.map(({ address, token }) => balanceCall(address, token)))
      // A token contract that isn't there answers `0x`: that is no balance, and no zero either.
      return raw.map((hex, index) => {
        if (hex === '0x')
          throw new ProviderError(chain, 'rejected', `there is no token at ${of[index]!.token}`)
        return hexToBigInt(hex as Hex)
      })
    },

    nativeBalancesAt: (addresses, blockHash) => readNativeBalances(chain, wide, addresses, blockHash),

    async nonces(address) {
      const [latest, pending] = await results([
        { method: 'eth_getTransactionCount', params: [address, 'latest'] },
        { method: 'eth_getTransactionCount', params: [address, 'pending'] },
      ])
      return { latest: hexToNumber(latest as Hex), pending: hexToNumber(pending as Hex) }
    },

    async transactionCounts(addresses, blockHash) {
      const at = blockHash === undefined ? 'latest' : { blockHash }
      const raw = await results(
        addresses.map((address) => ({ method: 'eth_getTransactionCount', params: [address, at] })),
      )
      return raw.map((count) => hexToNumber(count as Hex))
    },

    async fees() {
      const [block, priority] = await results([
        { method: 'eth_getBlockByNumber', params: ['latest', false] },
        { method: 'eth_maxPriorityFeePerGas', params: [] },
      ])
      return {
        baseFeePerGas: hexToBigInt((block as RawBlock).baseFeePerGas ?? '0x0'),
        priorityFeePerGas: hexToBigInt(priority as Hex),
      }
    },

    async simulate(calls) {
      const answers = await execute(chain, rpc, 'eth_call', calls)
      return answers.map((answer) => (answer.ok ? { ok: true, data: answer.result as Hex } : refused(answer)))
    },

    async estimateGas(calls) {
      const answers = await execute(chain, rpc, 'eth_estimateGas', calls)
      return answers.map((answer) =>
        answer.ok ? { ok: true, gas: hexToBigInt(answer.result as Hex) } : refused(answer),
      )
    },

    send: (raws) =>
      sendRaw(
        chain,
        rpc,
        raws.map((raw) => ({ raw, hash: keccak256(raw) })),
      ),

    async receipts(hashes) {
      const raw = await results(
        hashes.map((hash) => ({ method: 'eth_getTransactionReceipt', params: [hash] })),
      )
      return raw.map((receipt) => toReceipt(receipt as RawReceipt | null))
    },

    async movements(hash) {
      const [receipt, transaction] = await results([
        { method: 'eth_getTransactionReceipt', params: [hash] },
        { method: 'eth_getTransactionByHash', params: [hash] },
      ])
      return toMovements(receipt as RawReceipt | null, transaction as RawTransaction | null)
    },

    async transactions(hashes) {
      const raw = await results(
        hashes.map((hash) => ({ method: 'eth_getTransactionByHash', params: [hash] })),
      )
      return raw.map((transaction) => toKnown(transaction as RawTransaction | null))
    },
  }
}

/** Executes calls without sending them. An error that is not the contract's or the chain's refusal is the node's failure. */
async function execute(
  chain: string,
  rpc: JsonRpc,
  method: 'eth_call' | 'eth_estimateGas',
  calls: readonly ChainCall[],
): Promise<RpcAnswer[]> {
  const answers = await rpc.batch(
    calls.map(({ from, to, data, value }) => {
      const call = { from, to, data, value: numberToHex(value) }
      return { method, params: method === 'eth_call' ? [call, 'latest'] : [call] }
    }),
  )
  for (const answer of answers) {
    if (!answer.ok && !isExecutionFailure(answer)) resultOf(chain, method, answer)
  }
  return answers
}

function refused(answer: { message: string; data?: unknown }): { ok: false; reason: string } {
  return { ok: false, reason: revertReason(answer) }
}

function balanceCall(address: Address, token: Address | null): RpcCall {
  if (!token) return { method: 'eth_getBalance', params: [address, 'latest'] }
  const data = encodeFunctionData({ abi: erc20Abi, functionName: 'balanceOf', args: [address] })
  return { method: 'eth_call', params: [{ to: token, data }, 'latest'] }
}

interface RawBlock {
  hash: Hex
  parentHash: Hex
  number: Hex
  timestamp: Hex
  baseFeePerGas?: Hex
}

function toBlock(raw: RawBlock | null): BlockRef | null {
  if (!raw) return null
  return {
    height: hexToNumber(raw.number),
    hash: raw.hash,
    parentHash: raw.parentHash,
    time: new Date(hexToNumber(raw.timestamp) * 1000),
  }
}

interface RawReceipt {
  transactionHash: Hex
  status: Hex
  blockNumber: Hex
  blockHash: Hex
  gasUsed: Hex
  effectiveGasPrice: Hex
  /** Rollups charge the posting of the data to their base chain on top. */
  l1Fee?: Hex
  contractAddress: Address | null
  logs: unknown[]
}

function toReceipt(raw: RawReceipt | null): Receipt | null {
  // Some nodes answer a receipt without a block while the transaction waits.
  if (!raw?.blockHash) return null
  return {
    hash: raw.transactionHash,
    ok: raw.status === '0x1',
    height: hexToNumber(raw.blockNumber),
    blockHash: raw.blockHash,
    gasUnits: hexToBigInt(raw.gasUsed) * hexToBigInt(raw.effectiveGasPrice) + hexToBigInt(raw.l1Fee ?? '0x0'),
    contract: raw.contractAddress ? getAddress(raw.contractAddress) : null,
  }
}

/** What the value of the transaction and the token transfers in its log say. */
function toMovements(receipt: RawReceipt | null, transaction: RawTransaction | null): Movement[] | null {
  if (!receipt?.blockHash || receipt.status !== '0x1' || !transaction) return null
  const movements: Movement[] = []
  const units = hexToBigInt(transaction.value)
  const { from, to } = transaction
  if (units > 0n && to) movements.push({ token: null, from: getAddress(from), to: getAddress(to), units })
  for (const { eventName, args, address } of parseEventLogs({ abi: erc20Abi, logs: receipt.logs as Log[] })) {
    if (eventName === 'Transfer') {
      movements.push({ token: getAddress(address), from: args.from, to: args.to, units: args.value })
    }
  }
  return movements
}

interface RawTransaction {
  hash: Hex
  from: Address
  to: Address | null
  value: Hex
  nonce: Hex
  blockNumber: Hex | null
}

function toKnown(raw: RawTransaction | null): KnownTransaction | null {
  if (!raw) return null
  return {
    hash: raw.hash,
    from: getAddress(raw.from),
    nonce: hexToNumber(raw.nonce),
    height: raw.blockNumber ? hexToNumber(raw.blockNumber) : null,
  }
}
