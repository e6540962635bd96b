import { randomInt } from 'node:crypto'

/**
 * What a customer of the method pays with elsewhere, made up: a CLABE and a CVU with right check digits, the code of a
 * cash payment. Null for methods that are paid on the page alone.
 */
export function newCode(method: string): string | null {
  switch (method) {
    case 'spei':
      return clabe(digits(17))
    case 'cvu':
      return `${withCheckDigit('0000000', [7, 1, 3, 9, 7, 1, 3])}${withCheckDigit(digits(13), CVU_WEIGHTS)}`
    case 'pagoefectivo':
      return digits(9)
    default:
      return null
  }
}

const CVU_WEIGHTS = [3, 9, 7, 1, 3, 9, 7, 1, 3, 9, 7, 1, 3]
const CLABE_WEIGHTS = [3, 7, 1]

function digits(count: number): string {
  return Array.from({ length: count }, () => randomInt(10)).join('')
}

/** Mexico: the weights 3, 7, 1 in turn, each product's last digit. */
function clabe(body: string): string {
  const sum = [...body].reduce(
    (total, digit, index) => total + ((Number(digit) * CLABE_WEIGHTS[index % 3]!) % 10),
    0,
  )
  return `${body}${(10 - (sum % 10)) % 10}`
}

/** Argentina: each block ends with what is missing to the next ten. */
function withCheckDigit(body: string, weights: readonly number[]): string {
  const sum = [...body].reduce((total, digit, index) => total + Number(digit) * weights[index]!, 0)
  return `${body}${(10 - (sum % 10)) % 10}`
}
