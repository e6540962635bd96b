import type { Posting } from '../ledger/book.ts'
import { type Fee, feeFor, percentOf } from '../money/fee.ts'
import { type Price, priceOf, worthOf } from '../money/rate.ts'
import { powerOfTen } from '../money/rounding.ts'
import { customerCoinOf, customerFiatOf, priceOfSale, type Sale, saleCoin, saleFiat } from './sale.ts'

/** Coins that were counted for the sale, in the order in which they were first seen. */
export interface CountedCoins {
  units: bigint
  firstSeenAt: Date
}

/** What coins of a sale are converted to. */
export interface SaleQuote extends Fee {
  units: bigint
  /** What they are worth, rounded down to the currency's unit: the fee and what the customer gets, together. */
  grossUnits: bigint
  fiatUnits: bigint
  /** Mid price; of coins at two prices, what they are worth on average. */
  price: Price
  /** All of them at the price that the sale carries. */
  atSalePrice: boolean
}

export type QuoteProblem =
  /** No price is fresh; a stale one is never used. */
  | 'no_price'
  /** The fees take all. */
  | 'below_fees'

export type QuotedSale = SaleQuote | { problem: QuoteProblem }

/**
 * What the next `units` of a sale's coins are worth by the fees agreed at its creation: at the quote's price as far
 * as they were first seen while it held and the quote was about so many, the rest at the current price.
 */
export function quoteSale(
  sale: Sale,
  { units, promisedUnits, current }: { units: bigint; promisedUnits: bigint; current: Price | undefined },
): QuotedSale {
  if (promisedUnits < units && !current) return { problem: 'no_price' }
  const coin = saleCoin(sale)
  const fiat = saleFiat(sale)
  const restUnits = units - promisedUnits
  const grossUnits =
    worthOf(promisedUnits, coin, fiat, priceOfSale(sale), 'down') +
    (restUnits > 0n ? worthOf(restUnits, coin, fiat, current!, 'down') : 0n)
  const fee = feeFor(grossUnits, {
    percent: percentOf(sale.terms.percent),
    fixedUnits: BigInt(sale.terms.fixedUnits),
    spread: percentOf(sale.terms.spread),
  })
  const fiatUnits = grossUnits - fee.feeUnits
  if (fiatUnits <= 0n) return { problem: 'below_fees' }
  return {
    ...fee,
    units,
    grossUnits,
    fiatUnits,
    price: priceOfParts(sale, { units, promisedUnits, grossUnits, current }),
    atSalePrice: restUnits === 0n,
  }
}

function priceOfParts(
  sale: Sale,
  parts: { units: bigint; promisedUnits: bigint; grossUnits: bigint; current: Price | undefined },
): Price {
  const { units, promisedUnits, grossUnits, current } = parts
  if (promisedUnits === units) return priceOfSale(sale)
  if (promisedUnits === 0n) return current!
  const coinScale = powerOfTen(saleCoin(sale).decimals)
  return priceOf(grossUnits * coinScale, units * powerOfTen(saleFiat(sale).decimals), 'nearest')
}

/**
 * Of the next `units` of a sale's coins, how many the quote's price is promised for: first seen while it held, and no
 * more than the quote was about, within the tolerance. Coins are taken in the order in which they were seen.
 */
export function promisedOf(
  sale: Pick<Sale, 'priceExpiresAt' | 'askedUnits'>,
  coins: readonly CountedCoins[],
  { skipUnits, units, toleranceUnits }: { skipUnits: bigint; units: bigint; toleranceUnits: bigint },
): bigint {
  const { priceExpiresAt, askedUnits } = sale
  if (!priceExpiresAt) return 0n
  const endUnits = least(skipUnits + units, askedUnits + toleranceUnits)
  let place = 0n
  let promised = 0n
  for (const { units: part, firstSeenAt } of coins) {
    const from = place > skipUnits ? place : skipUnits
    const to = least(place + part, endUnits)
    if (to > from && firstSeenAt < priceExpiresAt) promised += to - from
    place += part
  }
  return promised
}

const least = (a: bigint, b: bigint): bigint => (a < b ? a : b)

/**
 * The conversion, two assets in one journal: the coins are ours, and the customer is owed what they were worth less
 * the fees. Each fee is an entry of its own; nothing is hidden in the rate.
 */
export function saleConversionPostings(sale: Sale, quote: SaleQuote): Posting[] {
  const coin = saleCoin(sale).id
  const { fiat } = sale
  return [
    { account: customerCoinOf(sale.id), asset: coin, units: quote.units },
    { account: `fx:${coin}`, asset: coin, units: -quote.units },
    { account: `fx:${fiat}`, asset: fiat, units: quote.grossUnits },
    { account: 'fee:percent', asset: fiat, units: -quote.percentUnits },
    { account: 'fee:fixed', asset: fiat, units: -quote.fixedUnits },
    { account: 'fee:spread', asset: fiat, units: -quote.spreadUnits },
    { account: customerFiatOf(sale.id), asset: fiat, units: -quote.fiatUnits },
  ]
}
