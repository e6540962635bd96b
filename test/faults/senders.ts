import {
  type Address,
  createPublicClient,
  encodeAbiParameters,
  encodeFunctionData,
  erc20Abi,
  type Hex,
  hexToNumber,
  http,
  keccak256,
  numberToHex,
  pad,
  parseAbiItem,
} from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { findAsset } from '../../src/money/asset.ts'
import { SANDBOX_BLOCKED_WALLET } from '../../src/providers/screening/block-list.ts'
import type { Program } from './program.ts'
import { reorganise } from './reorganise.ts'

const LOOK_MS = 100
const PATIENCE_MS = 300_000
const FEES = { maxFeePerGas: 10n ** 13n, maxPriorityFeePerGas: 10n ** 9n }
const GAS = 100_000n
/** So much of everything that nobody ever runs out of it. */
const PLENTY = 10n ** 27n

/** What a chain offers to somebody from outside, as the sandbox tells it. */
export interface OutsideChain {
  chain: string
  chain_id: number
  confirmations: number
  tokens: Record<string, Address>
}

export interface Sent {
  chain: string
  symbol: string
  units: bigint
  hash: Hex
}

/** Wallets of strangers that send coins by real transactions. */
export interface Senders {
  /**
   * Sends from a wallet that was never used before, and sends the same transaction again whenever the chain has
   * forgotten it. Resolves when it is as deep as the sandbox asks.
   */
  send(order: { chain: string; symbol: string; to: Address; units: bigint; from?: 'blocked' }): Promise<Sent>
  /**
   * Sends, takes the transaction's block from the chain while it is the newest, and uses its nonce for something else.
   * Resolves with null when that is final: the coins never came. Whoever misses the block has sent coins.
   */
  sendAndTakeBack(order: { chain: string; symbol: string; to: Address; units: bigint }): Promise<Sent | null>
  /** Every transfer of a token that the chain knows to one of these addresses. */
  arrived(chain: string, addresses: readonly Address[]): Promise<(Sent & { from: Address; to: Address })[]>
  chains: readonly OutsideChain[]
}

export function createSenders(program: Program, chains: readonly OutsideChain[]): Senders {
  const find = (chain: string): OutsideChain => chains.find((one) => one.chain === chain)!

  const urlOf = (chain: string): string => program.nodes().find((one) => one.chain === chain)!.url

  /** The node may be restarted at another address; while it is away it is asked again. */
  // biome-ignore lint/suspicious/noExplicitAny: what a node answers depends on the method.
  async function ask(chain: string, method: string, ...params: unknown[]): Promise<any> {
    const deadline = performance.now() + PATIENCE_MS
    for (;;) {
      try {
        return await callNode(urlOf(chain), method, ...params)
      } catch (error) {
        if (error instanceof NodeRefused || performance.now() > deadline) throw error
        await pause()
      }
    }
  }

  async function fund(chain: string, address: Address, token: Address | undefined): Promise<void> {
    await ask(chain, 'anvil_setBalance', address, numberToHex(PLENTY))
    if (!token) return
    // Where OpenZeppelin's ERC-20 keeps balances: the mapping in its first slot.
    const slot = keccak256(encodeAbiParameters([{ type: 'address' }, { type: 'uint256' }], [address, 0n]))
    await ask(chain, 'anvil_setStorageAt', token, slot, pad(numberToHex(PLENTY), { size: 32 }))
  }

  function requestOf(chain: string, symbol: string, to: Address, units: bigint) {
    if (findAsset(chain, symbol)?.kind === 'native') return { to, value: units, data: '0x' as Hex }
    const data = encodeFunctionData({ abi: erc20Abi, functionName: 'transfer', args: [to, units] })
    return { to: find(chain).tokens[symbol]!, value: 0n, data }
  }

  /** Gives a transaction to the node; that it has it, or had it, is no failure. */
  async function give(chain: string, raw: Hex): Promise<void> {
    try {
      await ask(chain, 'eth_sendRawTransaction', raw)
    } catch (error) {
      if (!(error instanceof NodeRefused) || !/already|nonce|known|imported/i.test(error.message)) throw error
    }
  }

  /** What a wallet was given is gone with the block that is replaced: then it is given again. */
  async function giveFunded(
    chain: string,
    from: Address,
    token: Address | undefined,
    give: () => Promise<unknown>,
  ): Promise<void> {
    const deadline = performance.now() + PATIENCE_MS
    for (;;) {
      await fund(chain, from, token)
      try {
        await give()
        return
      } catch (error) {
        const isPoor = error instanceof NodeRefused && /insufficient funds/i.test(error.message)
        if (!isPoor || performance.now() > deadline) throw error
      }
    }
  }

  /** How deep the transaction is: 0 in no block, 1 in the newest. */
  async function depthOf(chain: string, hash: Hex): Promise<number> {
    const receipt = await ask(chain, 'eth_getTransactionReceipt', hash)
    if (!receipt) return 0
    if (receipt.status !== '0x1') throw new Reverted(`${hash} on ${chain} was reverted.`)
    return hexToNumber(await ask(chain, 'eth_blockNumber')) - hexToNumber(receipt.blockNumber) + 1
  }

  async function reach(chain: string, hash: Hex, depth: number, again: () => Promise<void>): Promise<void> {
    const deadline = performance.now() + PATIENCE_MS
    for (;;) {
      if ((await depthOf(chain, hash)) >= depth) return
      if ((await ask(chain, 'eth_getTransactionByHash', hash)) === null) await again()
      if (performance.now() > deadline) throw new Error(`${hash} did not get ${depth} deep on ${chain}.`)
      await pause()
    }
  }

  /** One at a time on a chain, as they share a wallet and so its nonces. */
  const blockedQueues = new Map<string, Promise<unknown>>()

  function sendBlocked(order: Parameters<Senders['send']>[0]): Promise<Sent> {
    const sent = (blockedQueues.get(order.chain) ?? Promise.resolve()).then(() => sendOnceBlocked(order))
    blockedQueues.set(
      order.chain,
      sent.catch(() => {}),
    )
    return sent
  }

  /** What the node forgets is given to it again under the same nonce: the same transaction. */
  async function sendOnceBlocked({
    chain,
    symbol,
    to,
    units,
  }: Parameters<Senders['send']>[0]): Promise<Sent> {
    const from = SANDBOX_BLOCKED_WALLET as Address
    const { confirmations, tokens } = find(chain)
    const request = requestOf(chain, symbol, to, units)
    const nonce = await ask(chain, 'eth_getTransactionCount', from, 'latest')
    const transaction = {
      ...request,
      from,
      nonce,
      value: numberToHex(request.value),
      gas: numberToHex(GAS),
      maxFeePerGas: numberToHex(FEES.maxFeePerGas),
      maxPriorityFeePerGas: numberToHex(FEES.maxPriorityFeePerGas),
    }
    let hash: Hex = '0x'
    const giveIt = (): Promise<void> =>
      giveFunded(chain, from, tokens[symbol], async () => {
        await ask(chain, 'anvil_impersonateAccount', from)
        hash = await ask(chain, 'eth_sendTransaction', transaction)
      })
    await giveIt()
    await reach(chain, hash, confirmations, giveIt)
    return { chain, symbol, units, hash }
  }

  const senders: Senders = {
    chains,
    async send(order) {
      for (;;) {
        try {
          return await (order.from === 'blocked' ? sendBlocked(order) : sendOnce(order))
        } catch (error) {
          if (!(error instanceof Reverted)) throw error
        }
      }
    },
    async sendAndTakeBack(order) {
      try {
        return await takeBack(order)
      } catch (error) {
        // The block that was replaced took the sender's own coins with it: none came.
        if (error instanceof Reverted) return null
        throw error
      }
    },
    async arrived(chain, addresses) {
      const found: (Sent & { from: Address; to: Address })[] = []
      const client = createPublicClient({ transport: http(urlOf(chain)) })
      for (const [symbol, address] of Object.entries(find(chain).tokens)) {
        const logs = await client.getLogs({
          address,
          event: TRANSFER,
          args: { to: [...addresses] },
          fromBlock: 0n,
        })
        for (const { args, transactionHash } of logs)
          found.push({
            chain,
            symbol,
            units: args.value!,
            hash: transactionHash,
            from: args.from!,
            to: args.to!,
          })
      }
      return found
    },
  }

  return senders

  async function takeBack({
    chain,
    symbol,
    to,
    units,
  }: Parameters<Senders['sendAndTakeBack']>[0]): Promise<Sent | null> {
    const { chain_id: chainId, confirmations, tokens } = find(chain)
    const account = privateKeyToAccount(generatePrivateKey())
    const sign = (request: { to: Address; value: bigint; data: Hex }): Promise<Hex> =>
      account.signTransaction({ type: 'eip1559', chainId, nonce: 0, gas: GAS, ...FEES, ...request })
    const raw = await sign(requestOf(chain, symbol, to, units))
    const other = await sign({ to: account.address, value: 0n, data: '0x' })
    const hash = keccak256(raw)
    const giveIt = (what: Hex): Promise<void> =>
      giveFunded(chain, account.address, tokens[symbol], () => give(chain, what))
    await giveIt(raw)
    const deadline = performance.now() + PATIENCE_MS
    // A block deeper is final: it has to be caught while it is the newest.
    let depth = 0
    for (; depth === 0; depth = await depthOf(chain, hash)) {
      if (performance.now() > deadline) throw new Error(`${hash} came into no block.`)
      // Somebody else may make the node forget it meanwhile.
      if ((await ask(chain, 'eth_getTransactionByHash', hash)) === null) await giveIt(raw)
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    if (depth === 1) await reorganise(program, urlOf(chain))
    if ((await depthOf(chain, hash)) > 0) {
      await reach(chain, hash, confirmations, () => giveIt(raw))
      return { chain, symbol, units, hash }
    }
    if ((await ask(chain, 'eth_getTransactionByHash', hash)) !== null)
      await ask(chain, 'anvil_dropTransaction', hash)
    await giveIt(other)
    await reach(chain, keccak256(other), confirmations, () => giveIt(other))
    return null
  }

  async function sendOnce({ chain, symbol, to, units }: Parameters<Senders['send']>[0]): Promise<Sent> {
    const { chain_id: chainId, confirmations, tokens } = find(chain)
    const account = privateKeyToAccount(generatePrivateKey())
    const raw = await account.signTransaction({
      type: 'eip1559',
      chainId,
      nonce: 0,
      gas: GAS,
      ...FEES,
      ...requestOf(chain, symbol, to, units),
    })
    const hash = keccak256(raw)
    const giveIt = (): Promise<void> =>
      giveFunded(chain, account.address, tokens[symbol], () => give(chain, raw))
    await giveIt()
    await reach(chain, hash, confirmations, giveIt)
    return { chain, symbol, units, hash }
  }
}

/** A block that was replaced took the sender's coins with it: nothing was sent, and its nonce is used. */
class Reverted extends Error {}

/** The node answered that it will not. */
export class NodeRefused extends Error {}

const TRANSFER = parseAbiItem('event Transfer(address indexed from, address indexed to, uint256 value)')

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, LOOK_MS))

// biome-ignore lint/suspicious/noExplicitAny: what a node answers depends on the method.
export async function callNode(url: string, method: string, ...params: unknown[]): Promise<any> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
    signal: AbortSignal.timeout(15_000),
  })
  const { result, error } = (await response.json()) as { result?: unknown; error?: { message: string } }
  if (error) throw new NodeRefused(`${method}: ${error.message}`)
  return result
}
