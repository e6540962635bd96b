/** `down` towards zero, `up` away from zero, `nearest` with halves away from zero. */
export type Rounding = 'down' | 'up' | 'nearest'

/** The quotient of two whole numbers, rounded as named. Throws on a divisor that isn't positive. */
export function divide(dividend: bigint, divisor: bigint, rounding: Rounding): bigint {
  if (divisor <= 0n) throw new RangeError('A divisor must be positive.')
  const quotient = dividend / divisor
  if (rounding === 'down') return quotient
  const remainder = dividend - quotient * divisor
  if (remainder === 0n) return quotient
  const magnitude = remainder < 0n ? -remainder : remainder
  if (rounding === 'nearest' && magnitude * 2n < divisor) return quotient
  return quotient + (dividend < 0n ? -1n : 1n)
}

const POWERS: readonly bigint[] = Array.from({ length: 79 }, (_, exponent) => 10n ** BigInt(exponent))

/** 10 to the power of `exponent`, which is at most 78: as many digits as an amount may have in the database. */
export function powerOfTen(exponent: number): bigint {
  const power = POWERS[exponent]
  if (power === undefined) throw new RangeError(`There is no power of ten for ${exponent}.`)
  return power
}
