import { COIN_ASSETS } from '../money/asset.ts'
import type { Prices } from './prices.ts'

/**
 * The coins that have no fresh price in euros, as `/readyz` says it: nobody can buy them. A coin of which no source
 * ever spoke is not waited for, unless none spoke of any.
 */
export function findMissingPrices(prices: Prices): { what: string; why: string; mend: string }[] {
  const symbols = [...new Set(COIN_ASSETS.map(({ symbol }) => symbol))]
  const known = symbols.filter((symbol) => prices.isKnown(symbol, 'EUR'))
  const awaited = known.length > 0 ? known : symbols
  const missing = awaited.filter((symbol) => prices.current(symbol, 'EUR') === undefined)
  if (!prices.hasSources || missing.length === 0) return []
  const failing = Object.values(prices.failing())
  const why =
    failing.length > 0 ? failing.join('; ') : 'The sources are stale, silent on it, or contradict each other.'
  return [
    {
      what: `a fresh price of ${missing.join(', ')}`,
      why,
      mend: 'The sources are asked again by themselves. Should one be down for long, name others in PRICE_SOURCES.',
    },
  ]
}
