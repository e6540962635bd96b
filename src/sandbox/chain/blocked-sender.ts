import { type Hex, numberToHex } from 'viem'
import { nativeAssetOf } from '../../money/asset.ts'
import { powerOfTen } from '../../money/rounding.ts'
import type { ChainProvider } from '../../providers/chain/port.ts'
import { transferData } from '../../providers/chain/tokens.ts'
import { ProviderError } from '../../providers/provider-error.ts'
import { SANDBOX_BLOCKED_WALLET } from '../../providers/screening/block-list.ts'
import { createTurns } from './in-turn.ts'
import type { LocalNode } from './local-node.ts'
import { FEES, gasOfTransfer, NONCE_TAKEN, SEND_TRIES, type Treasury } from './treasury.ts'

export interface BlockedSenderOptions {
  chain: string
  node: () => Pick<LocalNode, 'rpc'>
  provider: ChainProvider
  treasury: Treasury
}

interface Transfer {
  symbol: string
  to: Hex
  units: bigint
}

const FROM = SANDBOX_BLOCKED_WALLET
/** More than a transaction's whole gas limit can cost. */
const GAS_COINS = 2n

/**
 * Sends coins from the address that screening refuses, by real transactions that the local node signs, as nobody has
 * its key. Any number at once, from several processes too. Answers the transaction's hash.
 */
export function createBlockedSender(options: BlockedSenderOptions): (transfer: Transfer) => Promise<Hex> {
  const { chain, provider, treasury } = options
  const native = nativeAssetOf(chain)
  const inTurn = createTurns()

  async function send({ symbol, to, units }: Transfer): Promise<Hex> {
    const isNative = symbol === native.symbol
    const gas = { symbol: native.symbol, units: GAS_COINS * powerOfTen(native.decimals) }
    // Added whatever is there: what is there may be what others are about to send.
    await treasury.give(FROM, isNative ? [{ ...gas, units: gas.units + units }] : [gas, { symbol, units }])
    const request = isNative
      ? { to, value: numberToHex(units) }
      : { to: treasury.tokens[symbol], data: transferData(to, units) }
    for (let attempt = 0; attempt < SEND_TRIES; attempt += 1) {
      const { pending } = await provider.nonces(FROM)
      const hash = await sendUnsigned(options, { ...request, nonce: numberToHex(pending) })
      if (hash) return hash
    }
    throw new Error(`The blocked sender on ${chain} found no free nonce in ${SEND_TRIES} tries.`)
  }

  return (transfer) => inTurn(() => send(transfer))
}

/** Undefined when another process has taken the nonce. */
async function sendUnsigned(
  { node }: BlockedSenderOptions,
  request: Record<string, unknown>,
): Promise<Hex | undefined> {
  const { rpc } = node()
  // Never ended, as somebody else may be sending; the node lets nobody but us send without a signature.
  await rpc.call('anvil_impersonateAccount', FROM)
  try {
    // Gas and fees are given: an estimate would judge it by a block that lacks what waits before it.
    const hash = await rpc.call('eth_sendTransaction', {
      from: FROM,
      ...request,
      gas: numberToHex(gasOfTransfer()),
      maxFeePerGas: numberToHex(FEES.maxFeePerGas),
      maxPriorityFeePerGas: numberToHex(FEES.maxPriorityFeePerGas),
    })
    return hash as Hex
  } catch (error) {
    if (error instanceof ProviderError && error.outcome === 'rejected' && NONCE_TAKEN.test(error.message))
      return undefined
    throw error
  }
}
