import { randomInt } from 'node:crypto'
import { type Address, encodeFunctionData, type Hex, keccak256, numberToHex, parseAbi } from 'viem'
import { COIN_ASSETS, nativeAssetOf } from '../../money/asset.ts'
import type { ChainProvider, SendResult } from '../../providers/chain/port.ts'
import { transferData } from '../../providers/chain/tokens.ts'
import type { Custody, UnsignedTransaction } from '../../providers/custody/port.ts'
import { createTurns } from './in-turn.ts'
import type { LocalNode } from './local-node.ts'
import { mineBlock } from './miner.ts'
import { deploymentsOf } from './tokens.ts'

/** The account that deployed a local chain's tokens and owns as many of them as anybody needs. */
export interface Treasury {
  address: Address
  /** Addresses of the tokens by symbol. */
  tokens: Readonly<Record<string, Address>>
  disperse: Address
  /** Deploys and mints what is not there yet; harmless when all is. */
  prepare(): Promise<void>
  /** Sends tokens or native coins by a real transaction and answers its hash as soon as the node has it. */
  send(transfer: { symbol: string; to: Address; units: bigint }): Promise<Hex>
  /** Sends all of it and mines until it is there. */
  give(to: Address, coins: readonly { symbol: string; units: bigint }[]): Promise<TopUp[]>
  /** Brings balances up to `units`, mines, and answers what had to be added. */
  topUp(to: Address, targets: readonly { symbol: string; units: bigint }[]): Promise<TopUp[]>
}

export interface TopUp {
  symbol: string
  units: bigint
  hash: Hex
}

export interface TreasuryOptions {
  chain: string
  chainId: number
  node: () => LocalNode
  provider: ChainProvider
  custody: Custody
  keyRef: string
}

/** Fees never vary, so that no transaction of the treasury can replace another one. */
export const FEES = { maxFeePerGas: 1_000_000_000_000n, maxPriorityFeePerGas: 1_000_000_000n }
const DEPLOY_GAS = 2_000_000n
const TRANSFER_GAS = 150_000n
const SPARE_GAS = 1_000_000
const NATIVE_UNITS = 10n ** 30n
const TOKEN_UNITS = 10n ** 36n
/** Two processes may send at once: the second to arrive takes the next nonce. */
export const SEND_TRIES = 20

const mintAbi = parseAbi(['function mint(address to, uint256 units)'])

export async function createTreasury(options: TreasuryOptions): Promise<Treasury> {
  const { chain, node, provider, custody, keyRef } = options
  const address = await custody.address(keyRef)
  const deployments = deploymentsOf(chain, address)
  const disperse = deployments[0]!.address
  const tokens = Object.fromEntries(deployments.slice(1).map(({ name, address }) => [name, address]))
  const inTurn = createTurns()

  const sign = (transaction: Partial<UnsignedTransaction> & { nonce: number }): Promise<Hex> =>
    custody.signTransaction(keyRef, {
      chainId: options.chainId,
      to: null,
      value: 0n,
      data: '0x',
      gas: TRANSFER_GAS,
      ...FEES,
      ...transaction,
    })

  async function send(transfer: { symbol: string; to: Address; units: bigint }): Promise<Hex> {
    const request = { ...requestOf(chain, tokens, transfer), gas: gasOfTransfer() }
    for (let attempt = 0; attempt < SEND_TRIES; attempt += 1) {
      const { pending } = await provider.nonces(address)
      const raw = await sign({ ...request, nonce: pending })
      const [result] = await provider.send([raw])
      if (result!.state === 'taken') return result!.hash
      // An unknown end is asked again with the same bytes; only a refused transaction may get another nonce.
      if (result!.state === 'unknown') return takeSame(provider, raw)
      if (!isNonceTaken(result!)) throw refusal(chain, transfer.symbol, result!)
    }
    throw new Error(`The ${chain} treasury found no free nonce in ${SEND_TRIES} tries.`)
  }

  async function give(to: Address, coins: readonly { symbol: string; units: bigint }[]): Promise<TopUp[]> {
    const given: TopUp[] = []
    for (const { symbol, units } of coins)
      given.push({ symbol, units, hash: await send({ symbol, to, units }) })
    if (given.length > 0)
      await mineUntilDone(
        node(),
        provider,
        given.map(({ hash }) => hash),
      )
    return given
  }

  return {
    address,
    disperse,
    tokens,

    async prepare() {
      const { latest } = await provider.nonces(address)
      const steps = deployments.length + Object.keys(tokens).length
      if (latest >= steps) return
      await node().rpc.call('anvil_setBalance', address, numberToHex(NATIVE_UNITS))
      const mints = Object.values(tokens).map((to, index) => ({
        to,
        data: encodeFunctionData({ abi: mintAbi, functionName: 'mint', args: [address, TOKEN_UNITS] }),
        nonce: deployments.length + index,
      }))
      // Whatever of these an interrupted start already sent is the same bytes again.
      const creations = deployments.map(({ data, nonce }) => ({ data, nonce, gas: DEPLOY_GAS }))
      const raws = await Promise.all([...creations, ...mints].slice(latest).map(sign))
      for (const result of await provider.send(raws)) {
        if (result.state !== 'taken') throw refusal(chain, 'its contracts', result)
      }
      await mineUntilDone(
        node(),
        provider,
        raws.map((raw) => keccak256(raw)),
      )
    },

    send: (transfer) => inTurn(() => send(transfer)),

    give: (to, coins) => inTurn(() => give(to, coins)),

    topUp: (to, targets) =>
      inTurn(async () => {
        const native = nativeAssetOf(chain).symbol
        const balances = await provider.balances(
          targets.map(({ symbol }) => ({
            address: to,
            token: symbol === native ? null : tokenOf(chain, tokens, symbol),
          })),
        )
        const missing = targets.map(({ symbol, units }, index) => ({
          symbol,
          units: units - balances[index]!,
        }))
        return give(
          to,
          missing.filter(({ units }) => units > 0n),
        )
      }),
  }
}

/** A gas limit of its own, or two processes that send the same at once would send one transaction. */
export const gasOfTransfer = (): bigint => TRANSFER_GAS + BigInt(randomInt(SPARE_GAS))

function requestOf(
  chain: string,
  tokens: Record<string, Address>,
  { symbol, to, units }: { symbol: string; to: Address; units: bigint },
): { to: Address; value: bigint; data: Hex } {
  if (symbol === nativeAssetOf(chain).symbol) return { to, value: units, data: '0x' }
  return { to: tokenOf(chain, tokens, symbol), value: 0n, data: transferData(to, units) }
}

function tokenOf(chain: string, tokens: Record<string, Address>, symbol: string): Address {
  const token = tokens[symbol]
  if (!token) {
    const known = COIN_ASSETS.filter((asset) => asset.chain === chain).map((asset) => asset.symbol)
    throw new Error(`There is no ${symbol} on the local ${chain} chain; it has ${known.join(', ')}.`)
  }
  return token
}

async function takeSame(provider: ChainProvider, raw: Hex): Promise<Hex> {
  const [again] = await provider.send([raw])
  if (again!.state === 'taken') return again!.hash
  throw refusal(provider.chain, 'a transfer', again!)
}

/** How a node says that another transaction of the sender has the nonce. */
export const NONCE_TAKEN = /underpriced|nonce|already/i

const isNonceTaken = (result: SendResult): boolean =>
  result.state === 'nonce_used' || (result.state === 'rejected' && NONCE_TAKEN.test(result.reason))

function refusal(chain: string, what: string, result: SendResult): Error {
  return new Error(
    `The local ${chain} chain did not take ${what}: ${result.state === 'taken' ? '' : result.reason}`,
  )
}

/** Mines until all of these are in blocks that succeeded. */
async function mineUntilDone(node: LocalNode, provider: ChainProvider, hashes: Hex[]): Promise<void> {
  for (let round = 0; round < 20; round += 1) {
    const receipts = await provider.receipts(hashes)
    const reverted = receipts.find((receipt) => receipt && !receipt.ok)
    if (reverted)
      throw new Error(`The treasury's transaction ${reverted.hash} on ${provider.chain} was reverted.`)
    if (receipts.every((receipt) => receipt !== null)) return
    await mineBlock(node)
  }
  throw new Error(`The treasury's transactions on ${provider.chain} were not mined: ${hashes.join(', ')}`)
}
