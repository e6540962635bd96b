import type { Price } from '../../money/rate.ts'

/** What one whole `base` (a coin's symbol, or `EUR`) costs in a currency. Chains don't matter: USDC is USDC. */
export interface PricePair {
  base: string
  fiat: string
}

export interface SourcePrice extends PricePair {
  price: Price
  /** The platform's time for which the source vouches. */
  at: Date
}

/**
 * Somebody who knows prices. Asking changes nothing, so every failure may be tried again.
 */
export interface PriceSource {
  /** Named to integrators as `source`. */
  name: string
  /** How often it wants to be asked at most, in real time. */
  everyMs: number
  /**
   * The latest prices of the pairs it knows; the others are left out. Throws `ProviderError` when it can't say
   * anything, within a few seconds: it never keeps its caller waiting.
   */
  latest(pairs: readonly PricePair[]): Promise<SourcePrice[]>
}
