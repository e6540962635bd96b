import type { Asset } from '../money/asset.ts'
import { type Fee, type FeeTerms, feeFor } from '../money/fee.ts'
import { coinsFor, exchange, type Price, worthOf } from '../money/rate.ts'
import { EUR } from './terms.ts'

export interface QuoteInput {
  /** All that the customer pays, in base units of `fiat`; the fees are inside it. */
  amountUnits: bigint
  fiat: Asset
  coin: Asset
  /** Mid price: `fiat` per whole `coin`. Nothing is hidden in it. */
  price: Price
  fees: FeeTerms
  /** Delivery on the coin's chain, in base units of `fiat`. */
  networkFeeUnits: bigint
}

export interface Quote extends Fee {
  networkFeeUnits: bigint
  /** What is left to buy coins with: amount = fee + network fee + converted, to the unit. */
  convertedUnits: bigint
  /** The coins that buys, rounded down to the coin's own unit. */
  coinUnits: bigint
}

/**
 * What an amount buys: `tokens = floor((amount − fee − network fee) ÷ price)`. Undefined when the fees leave
 * nothing to convert, or not even the coin's smallest unit.
 */
export function computeQuote(input: QuoteInput): Quote | undefined {
  const { amountUnits, fiat, coin, price, networkFeeUnits } = input
  const { percentUnits, fixedUnits, spreadUnits, feeUnits } = feeFor(amountUnits, input.fees)
  const convertedUnits = amountUnits - feeUnits - networkFeeUnits
  if (convertedUnits <= 0n) return undefined
  const coinUnits = coinsFor(convertedUnits, fiat, coin, price, 'down')
  if (coinUnits === 0n) return undefined
  return { percentUnits, fixedUnits, spreadUnits, feeUnits, networkFeeUnits, convertedUnits, coinUnits }
}

export interface SellQuote extends Fee {
  /** What the coins are worth at the price, rounded down to the currency's unit: fee + what the customer gets. */
  grossUnits: bigint
  /** What the customer gets. */
  fiatUnits: bigint
}

/**
 * What coins bring: `fiat_amount = floor(tokens × price) − fee`, in the currency's unit. Undefined when the fees leave
 * nothing.
 */
export function computeSellQuote({
  coinUnits,
  coin,
  fiat,
  price,
  fees,
}: Pick<QuoteInput, 'coin' | 'fiat' | 'price' | 'fees'> & { coinUnits: bigint }): SellQuote | undefined {
  const grossUnits = worthOf(coinUnits, coin, fiat, price, 'down')
  const fee = feeFor(grossUnits, fees)
  const fiatUnits = grossUnits - fee.feeUnits
  return fiatUnits > 0n ? { ...fee, grossUnits, fiatUnits } : undefined
}

/** The network fee, which settings give in euro cents, in another currency: rounded up. `euro` is what one euro costs. */
export function networkFeeIn(euroUnits: bigint, fiat: Asset, euro: Price | undefined): bigint {
  if (fiat.id === EUR.id) return euroUnits
  if (!euro) throw new Error(`The price of the euro in ${fiat.symbol} is needed.`)
  return exchange(euroUnits, EUR, fiat, euro, 'up')
}
