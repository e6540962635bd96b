import { EVENT_TYPES } from '../../webhooks/event-types.ts'

/** How events reach the integrator's server, and how it knows that they are ours. */
export function webhooksText(sandbox: boolean): string {
  const types = Object.entries(EVENT_TYPES).map(([type, text]) => `| \`${type}\` | ${text} |`)
  const local = sandbox ? ' The sandbox delivers to loopback addresses too.' : ''
  return `
Each change of status is an event. Subscribe to its type with [subscribeToWebhook](#subscribeToWebhook), one address per
type.${local}

\`\`\`json A delivery
{"id":"evt_4nRw8sZx1cBf6mLt3JHkQ2vY","type":"PAY_IN","sequence":1042,"created_at":"2026-06-26T10:30:00.000000Z","data":{"id":"…","status":"payment_received"}}
\`\`\`

\`data\` is the payment or the KYC object as its GET gives it, frozen at that moment.

- Answer any 2xx within 10 seconds. A redirect is not success.
- Otherwise it is tried again with growing pauses for 7 days; then the event is \`failed\` and can be sent again with
  [redeliver](#redeliverWebhookEvent). A subscription is never switched off.
- At least once: work off each \`id\` once. In order per payment and address.
- Nothing is ever lost: [webhooks/events](#listWebhookEvents) is the whole log; read on from the last \`sequence\` you have.

### Is it ours?

\`X-Signature\` is the HMAC-SHA256 of the raw body immediately followed by \`X-Timestamp\`, keyed with your \`api_secret\`, in
lower-case hex. Check it over the bytes as they came, before parsing, and refuse a timestamp more than 5 minutes off.

\`\`\`js Node.js
import { createHmac, timingSafeEqual } from 'node:crypto'

function isOurs(rawBody, headers, apiSecret) {
  const timestamp = headers['x-timestamp'] ?? ''
  const age = Math.abs(Date.now() / 1000 - Number(timestamp))
  const expected = createHmac('sha256', apiSecret).update(rawBody).update(timestamp).digest()
  const given = Buffer.from(headers['x-signature'] ?? '', 'hex')
  return age <= 300 && given.length === expected.length && timingSafeEqual(given, expected)
}
\`\`\`

\`\`\`sh Shell
printf '%s%s' "$RAW_BODY" "$X_TIMESTAMP" | openssl dgst -sha256 -hmac "$API_SECRET"
\`\`\`

The deliveries carry the headers of [Standard Webhooks](https://www.standardwebhooks.com) as well (\`webhook-id\`,
\`webhook-timestamp\`, \`webhook-signature\`); the key for its libraries is \`whsec_\` and the base64 of your \`api_secret\`.
\`X-API-Key\` names the pair that signed. For 24 hours after a rotation the old pair is valid too, and
\`webhook-signature\` carries both.

### Event types

| Type | When |
|---|---|
${types.join('\n')}
`
}
