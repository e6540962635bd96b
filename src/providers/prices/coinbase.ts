import type { Dispatcher } from 'undici'
import type { Clock } from '../../kernel/clock.ts'
import { parseInversePrice, parsePrice } from '../../money/rate.ts'
import { ProviderError } from '../provider-error.ts'
import { getJson } from './get-json.ts'
import type { PricePair, PriceSource, SourcePrice } from './port.ts'

const NAME = 'coinbase'
const URL = 'https://api.coinbase.com/v2/exchange-rates?currency=EUR'

/**
 * Coinbase's public exchange rates of the euro: how much of each coin and currency one euro buys, all in one answer.
 * It has no time of its own; it vouches for the moment it was asked.
 */
export function createCoinbasePrices(options: { clock: Clock; dispatcher: Dispatcher }): PriceSource {
  const { clock, dispatcher } = options
  return {
    name: NAME,
    everyMs: 10_000,
    async latest(pairs) {
      const askedAt = clock.now()
      return readExchangeRates(await getJson(NAME, URL, dispatcher), pairs, askedAt)
    },
  }
}

/** Reads an answer of `/v2/exchange-rates?currency=EUR`: coins in euros, and currencies for one euro. */
export function readExchangeRates(body: unknown, pairs: readonly PricePair[], at: Date): SourcePrice[] {
  const { data } = (body ?? {}) as { data?: { currency?: unknown; rates?: Record<string, unknown> } }
  const rates = data?.rates
  if (data?.currency !== 'EUR' || typeof rates !== 'object' || rates === null) {
    throw new ProviderError(NAME, 'rejected', 'the answer has no rates of the euro')
  }
  const rateOf = (symbol: string): string => {
    const rate = Object.hasOwn(rates, symbol) ? rates[symbol] : undefined
    return typeof rate === 'string' ? rate : ''
  }
  const prices: SourcePrice[] = []
  for (const { base, fiat } of pairs) {
    const price =
      fiat === 'EUR'
        ? parseInversePrice(rateOf(base), 'nearest')
        : base === 'EUR'
          ? parsePrice(rateOf(fiat), 'nearest')
          : undefined
    if (price) prices.push({ base, fiat, price, at })
  }
  return prices
}
