import { randomBytes, randomUUID } from 'node:crypto'
import { takeRandom } from './random-bytes.ts'

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

/** A random text of `length` characters from `[A-Za-z0-9]`, each equally likely (rejection sampling). */
export function randomText(length: number): string {
  let text = ''
  while (text.length < length) {
    for (const byte of takeRandom(length * 2)) {
      if (byte < 248 && text.length < length) text += ALPHABET[byte % 62]
    }
  }
  return text
}

/** The id of a payment or sale: 25 characters `[A-Za-z0-9]`, as every documented example has it. */
export const newPaymentId = (): string => randomText(25)

/** The id of an event: `evt_` and 24 characters. */
export const newEventId = (): string => `evt_${randomText(24)}`

/** A secret that fits in a link: 32 random bytes, base64url. */
export const newSecret = (): string => randomBytes(32).toString('base64url')

export const newUuid = (): string => randomUUID()
