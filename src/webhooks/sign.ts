import { createHmac } from 'node:crypto'

export interface SigningPair {
  apiKey: string
  apiSecret: string
}

export interface SignedHeaders {
  'X-API-Key': string
  'X-Timestamp': string
  'X-Signature': string
  'webhook-id': string
  'webhook-timestamp': string
  'webhook-signature': string
}

/**
 * The headers that prove a delivery is ours: the API's own and those of Standard Webhooks. `pairs` are the valid key
 * pairs, the newest first: it signs `X-Signature`; while a pair is being rotated, `webhook-signature` carries both.
 * The time is the machine's, as receivers compare it with theirs.
 */
export function signDelivery({
  id,
  body,
  at,
  pairs,
}: {
  id: string
  body: string
  at: Date
  pairs: readonly [SigningPair, ...SigningPair[]]
}): SignedHeaders {
  const timestamp = String(Math.floor(at.getTime() / 1000))
  const [newest] = pairs
  return {
    'X-API-Key': newest.apiKey,
    'X-Timestamp': timestamp,
    'X-Signature': createHmac('sha256', newest.apiSecret).update(body).update(timestamp).digest('hex'),
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': pairs
      .map(
        ({ apiSecret }) =>
          `v1,${createHmac('sha256', apiSecret).update(`${id}.${timestamp}.`).update(body).digest('base64')}`,
      )
      .join(' '),
  }
}
