import { type Hex, numberToHex } from 'viem'
import { nativeAssetOf } from '../../money/asset.ts'
import { powerOfTen } from '../../money/rounding.ts'
import { transferData } from '../../providers/chain/tokens.ts'
import { SANDBOX_BLOCKED_WALLET } from '../../providers/screening/block-list.ts'
import type { SandboxChain } from './chains.ts'

/**
 * Sends coins from the address that screening refuses, by a real transaction; the local node signs for it, as nobody
 * has its key. Answers the transaction's hash.
 */
export async function sendFromBlocked(
  { chain, node, treasury }: Pick<SandboxChain, 'chain' | 'node' | 'treasury'>,
  { symbol, to, units }: { symbol: string; to: Hex; units: bigint },
): Promise<Hex> {
  const from = SANDBOX_BLOCKED_WALLET
  const native = nativeAssetOf(chain)
  const gas = { symbol: native.symbol, units: powerOfTen(native.decimals) }
  const isNative = symbol === native.symbol
  await treasury.topUp(from, isNative ? [{ ...gas, units: gas.units + units }] : [gas, { symbol, units }])
  const transfer = isNative
    ? { from, to, value: numberToHex(units) }
    : { from, to: treasury.tokens[symbol], data: transferData(to, units) }
  const { rpc } = node()
  await rpc.call('anvil_impersonateAccount', from)
  try {
    return (await rpc.call('eth_sendTransaction', transfer)) as Hex
  } finally {
    await rpc.call('anvil_stopImpersonatingAccount', from)
  }
}
