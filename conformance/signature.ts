import { createHmac } from 'node:crypto'

/** What is wrong with a delivery's proof, by kind; null: nothing. */
export interface Proof {
  x_api_key: string | null
  x_timestamp: string | null
  x_signature: string | null
  webhook_headers: string | null
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
    webhook_headers: standardProblem(given),
  }
}

function timestampProblem(name: string, timestamp: string, nowMs: number): string | null {
  if (!/^\d{1,11}$/.test(timestamp)) return `${name} is ${timestamp || 'missing'}, not Unix seconds`
  const differenceSeconds = Math.abs(nowMs / 1000 - Number(timestamp))
  return differenceSeconds > TOLERANCE_SECONDS ? `${name} is ${timestamp}, over five minutes from now` : null
}

function standardProblem({
  headers,
  rawBody,
  apiSecret,
  nowMs,
}: {
  headers: Record<string, string>
  rawBody: string
  apiSecret: string
  nowMs: number
}): string | null {
  const id = headers['webhook-id']
  const timestamp = headers['webhook-timestamp'] ?? ''
  if (!id) return 'webhook-id is missing'
  const late = timestampProblem('webhook-timestamp', timestamp, nowMs)
  if (late) return late
  const expected = `v1,${createHmac('sha256', apiSecret).update(`${id}.${timestamp}.${rawBody}`).digest('base64')}`
  const signatures = (headers['webhook-signature'] ?? '').split(' ')
  return signatures.includes(expected) ? null : `webhook-signature has no ${expected}`
}
