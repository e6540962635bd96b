import { formatAmount, parseAmount } from '../../money/amount.ts'
import { type Asset, fiatAsset } from '../../money/asset.ts'
import { type Place, StatementError } from './statement.ts'

/** The currency of a code as ISO 4217 has it. Refused with code `currency` where the platform keeps none of it. */
export function currencyOf(code: string, place: Place): Asset {
  const currency = fiatAsset(code)
  if (currency !== undefined && currency.symbol === code) return currency
  const shown = JSON.stringify(code.slice(0, 20))
  throw new StatementError('currency', place, `${shown} is no currency that the platform keeps.`)
}

/**
 * Reads digits with at most one point as base units. Zeros past the currency's decimals change nothing and are taken;
 * any other digit there is refused, as is every other text (`amount`): nothing is rounded.
 */
export function unitsOf(text: string, currency: Asset, place: Place): bigint {
  const plain = text.startsWith('+') ? text.slice(1) : text
  const point = plain.indexOf('.')
  let exact = plain
  if (point >= 0) {
    const past = point + 1 + currency.decimals
    exact = plain.slice(0, past) + plain.slice(past).replace(/0+$/, '')
    if (exact.endsWith('.')) exact = exact.slice(0, -1)
  }
  const { units, problem } = parseAmount(exact, currency)
  if (units !== undefined) return units
  throw new StatementError('amount', place, `The amount ${JSON.stringify(text.slice(0, 40))} ${problem}.`)
}

/** SWIFT's `15d`: at most so many characters, the comma among them. */
const MT940_AMOUNT = 15

/**
 * An amount of MT940, `1234,` or `1234,5`. Banks leave the comma out of a movement's whole amount: the balances, which need
 * theirs (`amount`), prove that it was one.
 */
export function mt940Units(
  amount: string,
  currency: Asset,
  place: Place,
  { commaMayLack = false }: { commaMayLack?: boolean } = {},
): bigint {
  const shown = JSON.stringify(amount.slice(0, 40))
  if (!amount.includes(',') && !commaMayLack) {
    throw new StatementError(
      'amount',
      place,
      `The amount ${shown} has no comma, as in ${amount.slice(0, 12)},00.`,
    )
  }
  if (amount.length > MT940_AMOUNT) {
    throw new StatementError(
      'amount',
      place,
      `The amount ${shown} is longer than ${MT940_AMOUNT} characters.`,
    )
  }
  return unitsOf(amount.replace(',', '.').replace(/\.$/, ''), currency, place)
}

/** ISO 20022: something came back and the reason was not told. */
export const NO_REASON_TOLD = 'MS03'

/** An amount for people: `1234.50 EUR`. */
export function shownAmount(units: bigint, code: string): string {
  const currency = fiatAsset(code)
  return currency === undefined ? `${units} ${code}` : `${formatAmount(units, currency)} ${code}`
}

/** A day as `YYYY-MM-DD`. One that the calendar doesn't have is refused with code `date`. */
export function dayOf(year: number, month: number, day: number, place: Place): string {
  const date = new Date(Date.UTC(year, month - 1, day))
  if (date.getUTCMonth() === month - 1 && date.getUTCDate() === day && year >= 1900) {
    return date.toISOString().slice(0, 10)
  }
  throw new StatementError('date', place, `There is no day ${year}-${month}-${day}.`)
}

/** Reads `YYMMDD`, of which banks know years from 1980 to 2079. */
export function dayOfSix(text: string, place: Place): string {
  if (!/^\d{6}$/.test(text)) {
    throw new StatementError('date', place, `${JSON.stringify(text)} is no day as YYMMDD.`)
  }
  const year = Number(text.slice(0, 2))
  return dayOf(
    year < 80 ? 2000 + year : 1900 + year,
    Number(text.slice(2, 4)),
    Number(text.slice(4, 6)),
    place,
  )
}

/** Words in a reference's place that say that there is none. */
const NO_REFERENCE = /^(NOT ?PROVIDED|NOT ?AVAILABLE|NONREF|NOREF|NONE|N\/?A|0+|[-.]*)$/i

/** A reference, or null where the file says that there is none. */
export function referenceOf(text: string | null | undefined): string | null {
  const plain = text?.trim() ?? ''
  return NO_REFERENCE.test(plain) ? null : plain
}

/**
 * Joins what a format cut into pieces of `width`: a piece as long as that was cut, so that the next follows without a
 * space; any other ended there.
 */
export function joinCut(pieces: readonly string[], width: number): string {
  let joined = ''
  let cut = true
  for (const piece of pieces) {
    if (piece === '') continue
    joined += cut ? piece : ` ${piece}`
    cut = piece.length >= width
  }
  return joined.replaceAll(/\s+/g, ' ').trim()
}
