/** What a card form knows by itself: brand, Luhn's check digit, a date that is not over. */

export type CardBrand = 'visa' | 'mastercard' | 'amex' | 'other'

export function digitsOf(text: string): string {
  return text.replace(/\D/g, '')
}

export function brandOf(number: string): CardBrand {
  const digits = digitsOf(number)
  if (/^4/.test(digits)) return 'visa'
  if (/^(5[1-5]|2(2[2-9]|[3-6]|7[01]|720))/.test(digits)) return 'mastercard'
  return /^3[47]/.test(digits) ? 'amex' : 'other'
}

/** `4242 4242 4242 4242`; American Express writes 4-6-5. */
export function groupNumber(number: string): string {
  const digits = digitsOf(number).slice(0, 19)
  const groups = brandOf(digits) === 'amex' ? /^(\d{1,4})(\d{1,6})?(\d{1,5})?/ : /(\d{1,4})/g
  const parts = digits.match(groups) ?? []
  return (brandOf(digits) === 'amex' ? parts.slice(1) : parts).filter(Boolean).join(' ')
}

/** ISO/IEC 7812-1, annex B. */
export function passesLuhn(number: string): boolean {
  const digits = Array.from(digitsOf(number), Number).reverse()
  const sum = digits.reduce((total, digit, at) => {
    const doubled = at % 2 === 1 ? digit * 2 : digit
    return total + (doubled > 9 ? doubled - 9 : doubled)
  }, 0)
  return digits.length > 0 && sum % 10 === 0
}

/** `0929` → `09/29` as it is typed; a first digit above 1 can only be a month of one digit. */
export function groupExpiry(text: string): string {
  const typed = digitsOf(text).slice(0, 4)
  const digits = /^[2-9]/.test(typed) ? `0${typed}`.slice(0, 4) : typed
  return digits.length > 2 || (digits.length === 2 && text.endsWith('/'))
    ? `${digits.slice(0, 2)}/${digits.slice(2)}`
    : digits
}

export type CardProblem = 'required' | 'number' | 'number_short' | 'expiry' | 'expired' | 'code' | 'code_amex'

export interface CardFields {
  number: string
  expiry: string
  code: string
  name: string
}

/** `today` is the server's: `YYYY-MM-…`. */
export function checkCard(card: CardFields, today: string): Partial<Record<keyof CardFields, CardProblem>> {
  const problems: Partial<Record<keyof CardFields, CardProblem>> = {}
  const number = checkNumber(card.number)
  const expiry = checkExpiry(card.expiry, today)
  const code = checkCode(card.code, brandOf(card.number))
  if (number) problems.number = number
  if (expiry) problems.expiry = expiry
  if (code) problems.code = code
  if (card.name.trim() === '') problems.name = 'required'
  return problems
}

function checkNumber(number: string): CardProblem | null {
  const digits = digitsOf(number)
  if (digits === '') return 'required'
  if (digits.length < (brandOf(digits) === 'amex' ? 15 : 16)) return 'number_short'
  return passesLuhn(digits) ? null : 'number'
}

function checkExpiry(expiry: string, today: string): CardProblem | null {
  if (expiry === '') return 'required'
  const [, month, year] = /^(0[1-9]|1[0-2])\/(\d{2})$/.exec(expiry) ?? []
  if (!month || !year) return 'expiry'
  return `20${year}-${month}` < today.slice(0, 7) ? 'expired' : null
}

function checkCode(code: string, brand: CardBrand): CardProblem | null {
  if (code === '') return 'required'
  const length = brand === 'amex' ? 4 : 3
  if (/^\d+$/.test(code) && code.length === length) return null
  return brand === 'amex' ? 'code_amex' : 'code'
}
