import type { Asset } from './asset.ts'
import { powerOfTen } from './rounding.ts'

export type ParsedAmount = { units: bigint; problem?: undefined } | { problem: string; units?: undefined }

/** More than any amount of money has; the database holds 78. */
const MAX_WHOLE_DIGITS = 30

/**
 * Reads decimal text in major units ("150.50") as base units of the asset. Strict: more digits than the asset has,
 * signs, exponents and separators are refused with a text for people, and nothing is ever rounded. Zero is an amount.
 */
export function parseAmount(text: string, asset: Asset): ParsedAmount {
  if (!/^\d+(\.\d+)?$/.test(text)) {
    return { problem: 'must be a decimal number in major units, such as 150.50' }
  }
  const point = text.indexOf('.')
  const whole = point < 0 ? text : text.slice(0, point)
  const fraction = point < 0 ? '' : text.slice(point + 1)
  if (fraction.length > asset.decimals) {
    const allowed = asset.decimals === 0 ? 'no decimals' : `at most ${asset.decimals} decimals`
    return { problem: `must have ${allowed} in ${asset.symbol}` }
  }
  if (whole.length > MAX_WHOLE_DIGITS) return { problem: 'is too large' }
  return { units: BigInt(whole + fraction.padEnd(asset.decimals, '0')) }
}

/** Reads decimal text of our own, such as a setting. Throws where `parseAmount` names a problem. */
export function amountOf(text: string, asset: Asset): bigint {
  const { units, problem } = parseAmount(text, asset)
  if (units === undefined) throw new RangeError(`The amount ${JSON.stringify(text)} ${problem}.`)
  return units
}

/** Writes base units as decimal text with all of the asset's decimals: "148.320000", "-0.50", "20000". */
export function formatAmount(units: bigint, asset: Asset): string {
  return formatDecimal(units, asset.decimals)
}

/** Writes a whole number as decimal text whose last `decimals` digits are the fraction. */
export function formatDecimal(units: bigint, decimals: number): string {
  const negative = units < 0n
  const digits = (negative ? -units : units).toString().padStart(decimals + 1, '0')
  const sign = negative ? '-' : ''
  if (decimals === 0) return sign + digits
  const point = digits.length - decimals
  return `${sign}${digits.slice(0, point)}.${digits.slice(point)}`
}

/**
 * The integer hundredths of `fiat_amount` in a payment object, whatever decimals the currency has: 150.50 EUR is
 * 15050, 20000 CLP is 2000000. Throws when a JSON number can't carry them exactly.
 */
export function wireHundredths(units: bigint, fiat: Asset): number {
  if (fiat.decimals > 2) throw new RangeError(`${fiat.symbol} has more than hundredths.`)
  const hundredths = Number(units * powerOfTen(2 - fiat.decimals))
  if (!Number.isSafeInteger(hundredths)) throw new RangeError('The amount is too large for a JSON number.')
  return hundredths
}

/**
 * The JSON number of the documented `tokens` and `coin_amount`: the closest there is, always beside the exact text.
 * Never calculate with it.
 */
export function wireNumber(units: bigint, asset: Asset): number {
  return Number(formatAmount(units, asset))
}
