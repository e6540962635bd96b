/** Lengths by country, from the IBAN registry (ISO 13616), of the countries of SEPA. */
// biome-ignore format: a table is read better in rows.
const LENGTHS: Record<string, number> = {
  AD: 24, AL: 28, AT: 20, BE: 16, BG: 22, CH: 21, CY: 28, CZ: 24, DE: 22, DK: 18, EE: 20, ES: 24, FI: 18, FR: 27, GB: 22,
  GI: 23, GR: 27, HR: 21, HU: 28, IE: 22, IS: 26, IT: 27, LI: 21, LT: 20, LU: 20, LV: 21, MC: 27, MD: 24, ME: 22, MK: 19, MT: 31,
  NL: 18, NO: 15, PL: 28, PT: 25, RO: 24, RS: 22, SE: 24, SI: 19, SK: 24, SM: 27, VA: 22,
}

/** Without spaces, upper case, as banks send it. */
export const normaliseIban = (text: string): string => text.replace(/\s/g, '').toUpperCase()

/** What is wrong with a normalised IBAN, for people; null when nothing is. */
export function findIbanProblem(iban: string): string | null {
  if (!/^[A-Z]{2}\d{2}[A-Z0-9]+$/.test(iban)) return 'is no IBAN: two letters, two digits and the account'
  const country = iban.slice(0, 2)
  const length = LENGTHS[country]
  if (length === undefined) return `is of ${country}, which is no country of SEPA`
  if (iban.length !== length) return `has ${iban.length} characters; those of ${country} have ${length}`
  return remainder(iban) === 1 ? null : 'has check digits that do not fit: a character was mistyped'
}

/** Whether a normalised IBAN is of a SEPA country, has its length, and its check digits fit (ISO 7064, mod 97-10). */
export function isValidIban(iban: string): boolean {
  return findIbanProblem(iban) === null
}

/** Puts the check digits before a country's account number: `ibanOf('ES', '9998…')` is `ES…9998…`. */
export function ibanOf(country: string, accountNumber: string): string {
  const check = 98 - remainder(`${country}00${accountNumber}`)
  return `${country}${String(check).padStart(2, '0')}${accountNumber}`
}

/** A Spanish account with its own two check digits and those of the IBAN. */
export function spanishIban(bank: string, branch: string, account: string): string {
  return ibanOf(
    'ES',
    `${bank}${branch}${spanishCheck(`00${bank}${branch}`)}${spanishCheck(account)}${account}`,
  )
}

const SPANISH_WEIGHTS = [1, 2, 4, 8, 5, 10, 9, 7, 3, 6] as const

function spanishCheck(tenDigits: string): string {
  const sum = SPANISH_WEIGHTS.reduce((total, weight, place) => total + weight * Number(tenDigits[place]), 0)
  const check = 11 - (sum % 11)
  return check === 11 ? '0' : check === 10 ? '1' : String(check)
}

function remainder(iban: string): number {
  const moved = iban.slice(4) + iban.slice(0, 4)
  let rest = 0
  for (const character of moved) {
    for (const digit of String(Number.parseInt(character, 36))) rest = (rest * 10 + Number(digit)) % 97
  }
  return rest
}
