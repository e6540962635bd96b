/**
 * What a card form must check before a bank is asked, and what the test cards do. Numbers, lengths and brands follow
 * ISO/IEC 7812 and the schemes' published ranges.
 */
export interface CardInput {
  number: string
  expiry: string
  code: string
  name: string
}

export type CardBrand = 'visa' | 'mastercard' | 'amex' | 'maestro'

/** A card that passed the form. The number goes no further than this. */
export interface Card {
  last4: string
  brand: CardBrand
  /** Null: the customer's own card, in the customer's name. */
  holder: string | null
  behaviour: CardBehaviour
}

export type CardBehaviour =
  | { does: 'paid' | 'three_d_secure' | 'charged_back' | 'dispute_won' }
  | { does: 'declined'; code: string }

export type CardProblems = Partial<Record<keyof CardInput, string[]>>

/** The test cards of the documentation, in its order. */
export const TEST_CARDS = [
  { number: '4242424242424242', does: 'paid' },
  { number: '4000002760003184', does: 'three_d_secure' },
  { number: '4000000000000002', does: 'declined' },
  { number: '4000000000009995', does: 'insufficient_funds' },
  { number: '4000000000000259', does: 'charged_back' },
] as const

const BEHAVIOURS: Record<string, CardBehaviour> = {
  '4242424242424242': { does: 'paid' },
  '5555555555554444': { does: 'paid' },
  '378282246310005': { does: 'paid' },
  '4000002760003184': { does: 'three_d_secure' },
  '4000000000000002': { does: 'declined', code: 'card_declined' },
  '4000000000009995': { does: 'declined', code: 'insufficient_funds' },
  '4000000000009979': { does: 'declined', code: 'lost_or_stolen' },
  '4000000000000069': { does: 'declined', code: 'expired_card' },
  '4000000000000127': { does: 'declined', code: 'incorrect_cvc' },
  '4000000000000119': { does: 'declined', code: 'processing_error' },
  '4000000000000259': { does: 'charged_back' },
  '4000000000001976': { does: 'dispute_won' },
}

/** A real card has no business here: it is declined, whoever types it. */
const UNKNOWN_CARD: CardBehaviour = { does: 'declined', code: 'card_not_supported' }

const BRANDS: { brand: CardBrand; prefix: RegExp; lengths: number[]; codeLength: number }[] = [
  { brand: 'visa', prefix: /^4/, lengths: [13, 16, 19], codeLength: 3 },
  { brand: 'amex', prefix: /^3[47]/, lengths: [15], codeLength: 4 },
  {
    brand: 'mastercard',
    prefix: /^(5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720)/,
    lengths: [16],
    codeLength: 3,
  },
  { brand: 'maestro', prefix: /^(5[06789]|6)/, lengths: [12, 13, 14, 15, 16, 17, 18, 19], codeLength: 3 },
]

const LONGEST_VALIDITY_YEARS = 20

/** Checks a card as typed at a time; names every faulty field. */
export function readCard(input: CardInput, now: Date): { card: Card } | { problems: CardProblems } {
  const number = input.number.replace(/[\s-]/g, '')
  const known = BRANDS.find(({ prefix }) => prefix.test(number))
  const problems: CardProblems = {}
  const numberProblem = checkNumber(number, known?.lengths)
  if (numberProblem) problems.number = [numberProblem]
  const expiryProblem = checkExpiry(input.expiry, now)
  if (expiryProblem) problems.expiry = [expiryProblem]
  const codeLength = known?.codeLength ?? 3
  if (!/^\d+$/.test(input.code) || input.code.length !== codeLength) {
    problems.code = [`must be the ${codeLength} digits of this card's security code`]
  }
  if (input.name.trim().length < 2) problems.name = ['must be the name on the card']
  if (Object.keys(problems).length > 0 || !known) return { problems }
  const holder = input.name.trim().replace(/\s+/g, ' ')
  return {
    card: {
      last4: number.slice(-4),
      brand: known.brand,
      holder,
      behaviour: BEHAVIOURS[number] ?? UNKNOWN_CARD,
    },
  }
}

function checkNumber(number: string, lengths: number[] | undefined): string | undefined {
  if (!/^\d+$/.test(number)) return 'must be digits'
  if (!lengths) return 'must be a Visa, Mastercard, Maestro or American Express card'
  if (!lengths.includes(number.length)) return `must have ${lengths.join(' or ')} digits`
  return passesLuhn(number) ? undefined : 'has a wrong digit: its check digit does not fit'
}

/** The check digit of ISO/IEC 7812-1. */
export function passesLuhn(number: string): boolean {
  let sum = 0
  for (let place = 0; place < number.length; place++) {
    const digit = Number(number[number.length - 1 - place])
    const doubled = place % 2 === 1 ? digit * 2 : digit
    sum += doubled > 9 ? doubled - 9 : doubled
  }
  return sum % 10 === 0
}

function checkExpiry(expiry: string, now: Date): string | undefined {
  const parts = /^\s*(\d{2})\s*\/\s*(\d{2}|20\d{2})\s*$/.exec(expiry)
  const month = Number(parts?.[1])
  if (!parts || month < 1 || month > 12) return 'must be a month and a year, MM/YY'
  const year = 2000 + (Number(parts[2]) % 100)
  const monthsAhead = (year - now.getUTCFullYear()) * 12 + month - 1 - now.getUTCMonth()
  // A card is good to the last day of its month.
  if (monthsAhead < 0) return 'is past: the card has expired'
  return monthsAhead > LONGEST_VALIDITY_YEARS * 12 ? 'is too far ahead to be right' : undefined
}
