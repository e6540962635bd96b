import { createHash, createHmac, timingSafeEqual } from 'node:crypto'

const TOLERANCE_SECONDS = 300

/** Header names in lower case, as Node gives them. */
export type ReceivedHeaders = Readonly<Record<string, string | string[] | undefined>>

export type Verified = { ok: true } | { ok: false; problem: string }

/**
 * For receivers: whether a webhook was sent by the holder of `apiSecret`, within five minutes of now. `rawBody` are
 * the bytes as they came; parsing and writing the JSON again changes them.
 *
 *     const { ok } = verifyWebhook({ headers: request.headers, rawBody, apiSecret, now: new Date() })
 */
export function verifyWebhook({
  headers,
  rawBody,
  apiSecret,
  now,
}: {
  headers: ReceivedHeaders
  rawBody: string | Buffer
  apiSecret: string
  now: Date
}): Verified {
  const timestamp = headers['x-timestamp']
  const signature = headers['x-signature']
  if (typeof timestamp !== 'string' || typeof signature !== 'string') {
    return { ok: false, problem: 'X-Timestamp or X-Signature is missing.' }
  }
  const late = findLateness(timestamp, now)
  if (late) return { ok: false, problem: late }
  const expected = createHmac('sha256', apiSecret).update(rawBody).update(timestamp).digest('hex')
  return equal(expected, signature)
    ? { ok: true }
    : { ok: false, problem: 'X-Signature does not belong to this body and secret.' }
}

/** The same by the Standard Webhooks headers, which any of that standard's libraries checks too. */
export function verifyStandardWebhook({
  headers,
  rawBody,
  apiSecret,
  now,
}: {
  headers: ReceivedHeaders
  rawBody: string | Buffer
  apiSecret: string
  now: Date
}): Verified {
  const id = headers['webhook-id']
  const timestamp = headers['webhook-timestamp']
  const signatures = headers['webhook-signature']
  if (typeof id !== 'string' || typeof timestamp !== 'string' || typeof signatures !== 'string') {
    return { ok: false, problem: 'webhook-id, webhook-timestamp or webhook-signature is missing.' }
  }
  const late = findLateness(timestamp, now)
  if (late) return { ok: false, problem: late }
  const expected = `v1,${createHmac('sha256', apiSecret).update(`${id}.${timestamp}.`).update(rawBody).digest('base64')}`
  const fits = signatures.split(' ').some((signature) => equal(expected, signature))
  return fits ? { ok: true } : { ok: false, problem: 'No webhook-signature belongs to this body and secret.' }
}

function findLateness(timestamp: string, now: Date): string | undefined {
  if (!/^\d{1,12}$/.test(timestamp)) return 'The timestamp is not in Unix seconds.'
  const differenceSeconds = Math.abs(now.getTime() / 1000 - Number(timestamp))
  return differenceSeconds > TOLERANCE_SECONDS
    ? 'The timestamp is more than five minutes from now.'
    : undefined
}

/** In constant time whatever the lengths are. */
function equal(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(a), digest(b))
}
