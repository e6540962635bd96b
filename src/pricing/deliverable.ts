import type { Asset } from '../money/asset.ts'
import type { ChainSetup } from '../providers/chain/setup.ts'

/**
 * The contract of a coin on its chain, null for the chain's native coin. Undefined when the platform can't deliver
 * it: its chain is off, or has no such token.
 */
export function contractOf(chains: ReadonlyMap<string, ChainSetup>, coin: Asset): string | null | undefined {
  const setup = chains.get(coin.chain ?? '')
  if (!setup) return undefined
  return coin.kind === 'native' ? null : setup.tokens[coin.symbol]
}
