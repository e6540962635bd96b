import type { Dispatcher } from 'undici'
import type { Clock } from '../../kernel/clock.ts'
import { midPrice, type Price, parsePrice } from '../../money/rate.ts'
import { ProviderError } from '../provider-error.ts'
import { getJson } from './get-json.ts'
import type { PricePair, PriceSource, SourcePrice } from './port.ts'

const NAME = 'kraken'
const URL_BASE = 'https://api.kraken.com/0/public/Ticker?pair='

/** The pairs Kraken trades, by the name it takes and the older name under which it may answer. */
const MARKETS: Readonly<Record<string, readonly string[]>> = {
  'USDC/EUR': ['USDCEUR'],
  'USDT/EUR': ['USDTEUR', 'USDTZEUR'],
  'ETH/EUR': ['ETHEUR', 'XETHZEUR'],
  'POL/EUR': ['POLEUR'],
  'BNB/EUR': ['BNBEUR'],
}

/**
 * Kraken's public ticker: halfway between the best ask and bid. The ticker has no time of its own; it vouches for
 * the moment it was asked.
 */
export function createKrakenPrices(options: { clock: Clock; dispatcher: Dispatcher }): PriceSource {
  const { clock, dispatcher } = options
  return {
    name: NAME,
    everyMs: 5_000,
    async latest(pairs) {
      const known = pairs.filter((pair) => MARKETS[`${pair.base}/${pair.fiat}`])
      if (known.length === 0) return []
      const askedAt = clock.now()
      const markets = known.map((pair) => MARKETS[`${pair.base}/${pair.fiat}`]![0])
      return readTicker(await getJson(NAME, URL_BASE + markets.join(','), dispatcher), known, askedAt)
    },
  }
}

/** Reads an answer of `/0/public/Ticker`; a pair without a sensible price is left out. */
export function readTicker(body: unknown, pairs: readonly PricePair[], at: Date): SourcePrice[] {
  const { error, result } = (body ?? {}) as { error?: unknown; result?: Record<string, unknown> }
  if (Array.isArray(error) && error.length > 0) {
    throw new ProviderError(NAME, 'rejected', `the ticker was refused: ${error.join(', ')}`)
  }
  if (typeof result !== 'object' || result === null) {
    throw new ProviderError(NAME, 'rejected', 'the ticker has no result')
  }
  const prices: SourcePrice[] = []
  for (const { base, fiat } of pairs) {
    const name = MARKETS[`${base}/${fiat}`]?.find((market) => market in result)
    const price = name === undefined ? undefined : readMid(result[name])
    if (price) prices.push({ base, fiat, price, at })
  }
  return prices
}

function readMid(ticker: unknown): Price | undefined {
  const { a: ask, b: bid } = (ticker ?? {}) as { a?: unknown; b?: unknown }
  const [high, low] = [ask, bid].map((side) =>
    Array.isArray(side) && typeof side[0] === 'string' ? parsePrice(side[0], 'nearest') : undefined,
  )
  return high && low ? midPrice(high, low, 'nearest') : undefined
}
