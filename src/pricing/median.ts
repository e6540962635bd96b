import { comparePrices, midPrice, type Price } from '../money/rate.ts'

export interface FreshQuote {
  source: string
  price: Price
  at: Date
}

/** A source that is further from the median than one part in this many does not agree with it: 5 %. */
const AGREEMENT = 20n

/**
 * The median of what the sources say, with those that agree with it. Undefined unless more than half of them lie
 * within 5 % of it: of two that contradict each other nobody knows which is right, and money would go out at a guess.
 */
export function medianOf(quotes: readonly FreshQuote[]): { price: Price; used: FreshQuote[] } | undefined {
  if (quotes.length === 0) return undefined
  const sorted = quotes.toSorted((a, b) => comparePrices(a.price, b.price))
  const high = sorted[sorted.length >> 1]!
  const low = sorted[(sorted.length - 1) >> 1]!
  const price = high === low ? high.price : midPrice(low.price, high.price, 'nearest')
  const used = quotes.filter((quote) => agrees(quote.price, price))
  return used.length * 2 > quotes.length ? { price, used } : undefined
}

function agrees(price: Price, median: Price): boolean {
  const scaled = price.units * 10n ** BigInt(8 - price.decimals)
  const middle = median.units * 10n ** BigInt(8 - median.decimals)
  const apart = scaled > middle ? scaled - middle : middle - scaled
  return apart * AGREEMENT <= middle
}
