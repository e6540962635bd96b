import { createHmac } from 'node:crypto'

/** What is wrong with a delivery's proof, by kind; null: nothing. */
export interface Proof {
  x_api_key: string | null
  x_timestamp: string | null
  x_signature: string | null
  /** What Standard Webhooks asks of `webhook-id` and `webhook-timestamp`. */
  webhook_headers: string | null
  /** `webhook-signature`, verified as a Standard Webhooks library does that was given the secret's `whsec_` form. */
  whsec: string | null
}

const TOLERANCE_SECONDS = 300

/** Checks a delivery as a receiver must, by the documentation's own headers and by those of Standard Webhooks. */
export function prove(given: {
  headers: Record<string, string>
  rawBody: string
  apiKey: string
  apiSecret: string
  nowMs: number
}): Proof {
  const { headers, rawBody, apiKey, apiSecret, nowMs } = given
  const timestamp = headers['x-timestamp'] ?? ''
  const expected = createHmac('sha256', apiSecret)
    .update(rawBody + timestamp)
    .digest('hex')
  return {
    x_api_key: headers['x-api-key'] === apiKey ? null : `X-API-Key is ${headers['x-api-key']}, not ${apiKey}`,
    x_timestamp: timestampProblem('X-Timestamp', timestamp, nowMs),
    x_signature:
      headers['x-signature'] === expected
        ? null
        : `X-Signature is ${headers['x-signature']}, not ${expected} (HMAC-SHA256 of body and timestamp, hex)`,
    webhook_headers: standardProblem(headers, nowMs),
    whsec: signatureProblem({ headers, rawBody, secret: standardSecret(apiSecret) }),
  }
}

function timestampProblem(name: string, timestamp: string, nowMs: number): string | null {
  if (!/^\d{1,11}$/.test(timestamp)) return `${name} is ${timestamp || 'missing'}, not Unix seconds`
  const differenceSeconds = Math.abs(nowMs / 1000 - Number(timestamp))
  return differenceSeconds > TOLERANCE_SECONDS ? `${name} is ${timestamp}, over five minutes from now` : null
}

function standardProblem(headers: Record<string, string>, nowMs: number): string | null {
  if (!headers['webhook-id']) return 'webhook-id is missing'
  return timestampProblem('webhook-timestamp', headers['webhook-timestamp'] ?? '', nowMs)
}

const PREFIX = 'whsec_'

/** The secret as libraries of Standard Webhooks take it. */
export const standardSecret = (apiSecret: string): string =>
  PREFIX + Buffer.from(apiSecret, 'utf8').toString('base64')

/** What is wrong with `webhook-signature` by the secret's `whsec_` form, as those libraries judge it; null: nothing. */
export function signatureProblem(given: {
  headers: Record<string, string>
  rawBody: string
  secret: string
}): string | null {
  const { headers, rawBody, secret } = given
  const key = Buffer.from(secret.startsWith(PREFIX) ? secret.slice(PREFIX.length) : secret, 'base64')
  const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${rawBody}`
  const expected = `v1,${createHmac('sha256', key).update(signed).digest('base64')}`
  const signatures = (headers['webhook-signature'] ?? '').split(' ')
  return signatures.includes(expected) ? null : `webhook-signature has no ${expected}`
}
