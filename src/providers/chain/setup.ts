import type { Address } from 'viem'
import type { ChainProvider } from './port.ts'

/** One chain as the platform uses it: the door to its nodes, and what is configured of it. */
export interface ChainSetup {
  chain: string
  chainId: number
  /** How deep a transaction must be to be final for us. */
  confirmations: number
  provider: ChainProvider
  /** Another node, of somebody else's: what came in is final only when it agrees. */
  witness?: ChainProvider | null
  /** Addresses of the tokens by symbol; native coins have none. */
  tokens: Readonly<Record<string, Address>>
  /** The contract that pays many at once; null: every payment goes singly. */
  disperse: Address | null
  /** The address of a transaction's page at a block explorer; null where the chain has none. */
  explorerUrl(txid: string): string | null
}
