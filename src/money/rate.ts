import { formatDecimal } from './amount.ts'
import type { Asset } from './asset.ts'
import { divide, powerOfTen, type Rounding } from './rounding.ts'

/**
 * How much of a currency one whole token costs: `units / 10^decimals` in major units. A price has six decimals, and
 * eight below 0.01, so that a cheap token keeps its meaning.
 */
export interface Price {
  readonly units: bigint
  readonly decimals: 6 | 8
}

const EIGHT_BELOW = 10n ** 6n // 0.01 with eight decimals

/** A price from a fraction in major units, rounded as named to six or eight decimals. */
export function priceOf(dividend: bigint, divisor: bigint, rounding: Rounding): Price {
  const fine = divide(dividend * powerOfTen(8), divisor, rounding)
  if (fine < EIGHT_BELOW) return { units: fine, decimals: 8 }
  return { units: divide(dividend * powerOfTen(6), divisor, rounding), decimals: 6 }
}

/** Decimal text as a whole number and how many of its digits are the fraction; undefined for any other text. */
function parseDecimal(text: string): { digits: bigint; scale: bigint } | undefined {
  const match = /^(\d{1,30})(?:\.(\d{1,30}))?$/.exec(text)
  if (!match) return undefined
  const fraction = match[2] ?? ''
  return { digits: BigInt(match[1]! + fraction), scale: powerOfTen(fraction.length) }
}

/** Reads decimal text; undefined for anything but a positive decimal number of at most 30 + 30 digits. */
export function parsePrice(text: string, rounding: Rounding): Price | undefined {
  const decimal = parseDecimal(text)
  if (!decimal) return undefined
  const price = priceOf(decimal.digits, decimal.scale, rounding)
  return price.units > 0n ? price : undefined
}

/** The price of the other side: from "1.0852 USDC for a euro" what one USDC costs in euros. */
export function parseInversePrice(text: string, rounding: Rounding): Price | undefined {
  const decimal = parseDecimal(text)
  if (!decimal || decimal.digits === 0n) return undefined
  const price = priceOf(decimal.scale, decimal.digits, rounding)
  return price.units > 0n ? price : undefined
}

/** "0.993400", "2310.550000", "0.00123400": with all of its decimals. */
export function formatPrice(price: Price): string {
  // The same price is written for every quote until it moves.
  if (price !== lastWritten) {
    lastText = formatDecimal(price.units, price.decimals)
    lastWritten = price
  }
  return lastText
}

let lastWritten: Price | undefined
let lastText = ''

export function comparePrices(a: Price, b: Price): number {
  const left = a.units * powerOfTen(8 - a.decimals)
  const right = b.units * powerOfTen(8 - b.decimals)
  return left < right ? -1 : left > right ? 1 : 0
}

/** The price halfway between two, rounded as named. */
export function midPrice(a: Price, b: Price, rounding: Rounding): Price {
  const sum = a.units * powerOfTen(8 - a.decimals) + b.units * powerOfTen(8 - b.decimals)
  return priceOf(sum, 2n * powerOfTen(8), rounding)
}

/** The price in another currency: euros per token times pesos per euro gives pesos per token. */
export function crossPrice(price: Price, rate: Price, rounding: Rounding): Price {
  return priceOf(price.units * rate.units, powerOfTen(price.decimals + rate.decimals), rounding)
}

/** The base units of `coin` that `fiatUnits` of `fiat` buy at the price. */
export function coinsFor(
  fiatUnits: bigint,
  fiat: Asset,
  coin: Asset,
  price: Price,
  rounding: Rounding,
): bigint {
  const dividend = fiatUnits * powerOfTen(coin.decimals + price.decimals)
  return divide(dividend, price.units * powerOfTen(fiat.decimals), rounding)
}

/** The base units of `fiat` that `coinUnits` of `coin` are worth at the price. */
export function worthOf(
  coinUnits: bigint,
  coin: Asset,
  fiat: Asset,
  price: Price,
  rounding: Rounding,
): bigint {
  const dividend = coinUnits * price.units * powerOfTen(fiat.decimals)
  return divide(dividend, powerOfTen(coin.decimals + price.decimals), rounding)
}

/** An amount of one currency in another: `rate` says how many whole `to` one whole `from` costs. */
export function exchange(units: bigint, from: Asset, to: Asset, rate: Price, rounding: Rounding): bigint {
  return worthOf(units, from, to, rate, rounding)
}
