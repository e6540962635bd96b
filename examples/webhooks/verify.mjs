import { createHmac, timingSafeEqual } from 'node:crypto'

/**
 * Whether a webhook is CryptoPocket's and fresh.
 *
 * rawBody: the bytes of the body as they came, before any parsing.
 * headers: with names in lower case, as Node gives them.
 */
export function isGenuine(rawBody, headers, apiSecret, nowSeconds = Date.now() / 1000) {
  const timestamp = headers['x-timestamp'] ?? ''
  const signature = headers['x-signature'] ?? ''
  if (!/^\d{1,12}$/.test(timestamp) || Math.abs(nowSeconds - Number(timestamp)) > 300) return false
  const expected = createHmac('sha256', apiSecret).update(rawBody).update(timestamp).digest()
  const given = Buffer.from(signature, 'hex')
  return given.length === expected.length && timingSafeEqual(given, expected)
}
