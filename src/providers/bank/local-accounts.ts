import { normaliseIban } from './iban.ts'

/** How a country of Latin America writes the accounts that its banks pay to. */
export interface LocalAccountRule {
  currency: string
  /** What the country calls the number, for people. */
  name: string
  /** What is wrong with a normalised number, for people; null when its form is right. */
  findProblem: (account: string) => string | null
}

/**
 * Mexico's CLABE and Argentina's CBU and CVU carry check digits that prove a number. Peru's CCI has a fixed length;
 * Chile and Colombia leave the number to each bank.
 */
export const LOCAL_ACCOUNTS: Readonly<Record<string, LocalAccountRule>> = {
  CL: { currency: 'CLP', name: 'account number', findProblem: digits(4, 20) },
  MX: { currency: 'MXN', name: 'CLABE', findProblem: findClabeProblem },
  CO: { currency: 'COP', name: 'account number', findProblem: digits(6, 20) },
  PE: { currency: 'PEN', name: 'CCI', findProblem: digits(20, 20) },
  AR: { currency: 'ARS', name: 'CBU or CVU', findProblem: findCbuProblem },
}

/** Without what people put between the digits: spaces, hyphens, dots. */
export const normaliseLocalAccount = (text: string): string => normaliseIban(text).replace(/[-.]/g, '')

/** The rule of a country by its ISO 3166 code; undefined where no local payouts go. */
export const localAccountRule = (country: string): LocalAccountRule | undefined =>
  Object.hasOwn(LOCAL_ACCOUNTS, country) ? LOCAL_ACCOUNTS[country] : undefined

/** Whether a normalised account number can be one of a bank of the country. */
export const isValidLocalAccount = (country: string, account: string): boolean =>
  localAccountRule(country)?.findProblem(account) === null

function digits(least: number, most: number): (account: string) => string | null {
  const form = new RegExp(`^\\d{${least},${most}}$`)
  const wanted = least === most ? `${least} digits` : `${least} to ${most} digits`
  return (account) => {
    if (!form.test(account)) return `must have ${wanted}`
    return /^0+$/.test(account) ? 'must not be all zeros' : null
  }
}

/** Bank 3, place 3, account 11, check digit 1: weights 3, 7, 1, each product modulo 10. */
function findClabeProblem(account: string): string | null {
  const problem = digits(18, 18)(account)
  if (problem) return problem
  return weigh(account.slice(0, 17), [3, 7, 1]) === Number(account[17])
    ? null
    : 'has a check digit that does not fit'
}

/** Two blocks of 8 and 14 digits, each ending with its own check digit. A CVU begins with three zeros. */
function findCbuProblem(account: string): string | null {
  const problem = digits(22, 22)(account)
  if (problem) return problem
  const fits =
    weigh(account.slice(0, 7), [7, 1, 3, 9]) === Number(account[7]) &&
    weigh(account.slice(8, 21), [3, 9, 7, 1]) === Number(account[21])
  return fits ? null : 'has check digits that do not fit'
}

/** What makes the weighted sum of the digits a multiple of ten. */
function weigh(number: string, weights: readonly number[]): number {
  const sum = [...number].reduce(
    (total, digit, place) => total + Number(digit) * weights[place % weights.length]!,
    0,
  )
  return (10 - (sum % 10)) % 10
}
