import { divide } from './rounding.ts'

/** A percent as a whole number of hundred-millionths of a percent: 2.5 % is 250000000. */
export type Percent = bigint

const PERCENT_DECIMALS = 8
const WHOLE = 100n * 10n ** 8n

/** Reads a setting such as "2.50". Throws on anything but a decimal number with at most eight decimals. */
export function percentOf(text: string): Percent {
  const match = /^(\d{1,18})(?:\.(\d{1,8}))?$/.exec(text)
  if (!match)
    throw new RangeError(`The percent ${JSON.stringify(text)} must be a decimal number such as 2.50.`)
  return BigInt(match[1]! + (match[2] ?? '').padEnd(PERCENT_DECIMALS, '0'))
}

/** `percent` of `units`, rounded up to the smallest unit of the currency: in favour of the house. */
export function partUp(units: bigint, percent: Percent): bigint {
  return divide(units * percent, WHOLE, 'up')
}

export interface FeeTerms {
  /** Of the amount paid. */
  percent: Percent
  /** In the base units of the currency paid. */
  fixedUnits: bigint
  /** The integration's spread on the mid price, taken as this percent of the amount paid. */
  spread: Percent
}

export interface Fee {
  percentUnits: bigint
  fixedUnits: bigint
  spreadUnits: bigint
  /** The three together: the `fee` of the API. */
  feeUnits: bigint
}

/** What the house takes of an amount: percent and spread are each rounded up to the cent. */
export function feeFor(amountUnits: bigint, terms: FeeTerms): Fee {
  const percentUnits = partUp(amountUnits, terms.percent)
  const spreadUnits = partUp(amountUnits, terms.spread)
  const { fixedUnits } = terms
  return { percentUnits, fixedUnits, spreadUnits, feeUnits: percentUnits + fixedUnits + spreadUnits }
}
