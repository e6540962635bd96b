/** The two sums a page needs of its own, on decimal strings, exact. */

export function subtract(a: string, b: string): string {
  const places = Math.max(placesOf(a), placesOf(b))
  return write(units(a, places) - units(b, places), places)
}

export function compare(a: string, b: string): -1 | 0 | 1 {
  const places = Math.max(placesOf(a), placesOf(b))
  const difference = units(a, places) - units(b, places)
  return difference === 0n ? 0 : difference < 0n ? -1 : 1
}

function placesOf(decimal: string): number {
  return decimal.split('.')[1]?.length ?? 0
}

function units(decimal: string, places: number): bigint {
  const [whole, part = ''] = decimal.split('.')
  return BigInt(whole + part.padEnd(places, '0'))
}

function write(amount: bigint, places: number): string {
  const digits = String(amount < 0n ? -amount : amount).padStart(places + 1, '0')
  const sign = amount < 0n ? '-' : ''
  return places === 0 ? sign + digits : `${sign}${digits.slice(0, -places)}.${digits.slice(-places)}`
}
