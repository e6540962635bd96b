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

const SHARED = 6

/**
 * Random texts for rows that are written together. They begin alike, so that they stand side by side in every index: rows whose keys
 * lie all over an index cost twice as much to write, and to find again together. What follows is random enough by itself.
 */
export function randomTexts(count: number, length: number): string[] {
  const begin = randomText(SHARED)
  return Array.from({ length: count }, () => begin + randomText(length - SHARED))
}

/** The ids of events that are written together: each `evt_` and 24 characters. */
export const newEventIds = (count: number): string[] => randomTexts(count, 24).map((text) => `evt_${text}`)

/** A secret that fits in a link: 32 random bytes, base64url. */
export const newSecret = (): string => randomBytes(32).toString('base64url')

export const newUuid = (): string => randomUUID()
