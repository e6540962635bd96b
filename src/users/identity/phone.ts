import { parsePhoneNumberFromString } from 'libphonenumber-js/min'

/**
 * E.164 (`+34600123456`), or `undefined` when no such number can exist. It must begin with `+` and the country's
 * code; spaces, dots, hyphens and brackets are forgiven.
 */
export function parsePhone(text: string): string | undefined {
  const digits = text.trim().replace(/[\s().\u00a0-]/g, '')
  if (!/^\+\d{6,15}$/.test(digits)) return undefined
  const phone = parsePhoneNumberFromString(digits)
  return phone?.isValid() && phone.number === digits ? digits : undefined
}
