import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { EVENT_TYPES, type EventType, objectOfEvent } from '../../webhooks/event-types.ts'
import { RETRY_PAUSES_MS } from '../../webhooks/schedule.ts'
import { signDelivery } from '../../webhooks/sign.ts'
import { type DocsOptions, type Page, type Section, sectionsOf } from './content.ts'
import { codeBlock, escapeHtml, json, type Language } from './html.ts'
import { renderInline, renderMarkdown } from './markdown.ts'
import { exampleEvent } from './webhook-examples.ts'

const FOLDER = join(import.meta.dirname, '../../../examples/webhooks')

/** The verification in each language: the page shows the very files that the tests run. */
export const VERIFIERS: readonly { file: string; language: Language; label: string }[] = [
  { file: 'verify.mjs', language: 'js', label: 'Node.js: verify.mjs' },
  { file: 'verify.py', language: 'python', label: 'Python: verify.py' },
  { file: 'verify.php', language: 'php', label: 'PHP: verify.php' },
]

/** How events reach the integrator's server, and how it knows that they are ours. */
export function webhooksPage({ publicUrl, sandbox }: DocsOptions): Page {
  const [deliveries, signature, ...others] = sectionsOf(text(`${publicUrl}/api`, sandbox))
  return {
    path: '/docs/webhooks',
    name: 'Webhooks',
    title: 'Webhooks',
    lead: 'Each change of status is an event, delivered to your server, signed, in order, until you have it.',
    sections: [
      deliveries!,
      { ...signature!, html: `${signature!.html}\n${verifiers()}` },
      ...others,
      typesSection(),
    ],
  }
}

function verifiers(): string {
  const shown = VERIFIERS.map(({ file, language, label }) =>
    codeBlock(readFileSync(join(FOLDER, file), 'utf8').trimEnd(), language, label),
  )
  return `${shown.join('\n')}\n${renderMarkdown(`
These files are run by our tests against real deliveries: as they came, with a changed body, with another secret, and too
late.

### Standard Webhooks

Each delivery carries the headers of [Standard Webhooks](https://www.standardwebhooks.com) as well, so that its libraries
can be used instead:

| Header | Holds |
|---|---|
| \`webhook-id\` | The event’s \`id\`. |
| \`webhook-timestamp\` | Unix seconds, as \`X-Timestamp\`. |
| \`webhook-signature\` | \`v1,\` and the base64 of HMAC-SHA256 over \`id.timestamp.body\`; during a rotation one for each pair, with a space between. |

The key for the libraries is \`whsec_\` followed by the base64 of your \`api_secret\`.
`)}`
}

function typesSection(): Section {
  const types = Object.keys(EVENT_TYPES) as EventType[]
  const articles = types.map((type) => {
    const example = exampleEvent(type)
    const name = objectOfEvent(type)
    const data = `\`data\` is the [${name}](#object-${name}) object.`
    const block = example ? codeBlock(json(example), 'json', `Delivery: ${type}`) : ''
    return `<article class="event" id="event-${type}"><h3><a href="#event-${type}"><code>${type}</code></a></h3>
<p>${escapeHtml(EVENT_TYPES[type])} ${renderInline(data)}</p>${block}</article>`
  })
  return {
    id: 'event-types',
    title: 'Event types',
    html: `${renderMarkdown('`data` is the object as its GET gives it, frozen at that moment. `RAMPOFF_FINISHED`, the older name of `TRANSFER_RAMPOFF_FINISHED`, can be subscribed too; the event is then sent under that name. They are one subscription: to send it under the other name, use [updateWebhookSubscription](#updateWebhookSubscription).')}
${articles.join('\n')}`,
    entries: types.map((type) => ({ id: `event-${type}`, title: type })),
  }
}

const text = (api: string, sandbox: boolean): string => `
## Deliveries

Subscribe to a type with [subscribeToWebhook](#subscribeToWebhook), one address per type.${
  sandbox ? ' The sandbox delivers to loopback addresses too, and over http.' : ''
}

\`\`\`sh Subscribe
curl "${api}/subscribeToWebhook" -H "auth: $TOKEN" \\
  -d type=COINS_SENT -d url=${sandbox ? 'http://127.0.0.1:9000/webhooks' : 'https://example.com/webhooks'}
\`\`\`

An event comes as a \`POST\` of JSON, such as this:

${delivery()}

- Answer any 2xx within 10 seconds, and do the work afterwards. A redirect is not success.
- **At least once**: a delivery may come again; \`id\` stays the same, so work off each once.
- **In order** per payment and address: \`PAY_IN\` of a payment always comes before its \`COINS_SENT\`. A slow receiver delays
  nobody else.

## Is it ours?

Anybody can send a POST to your address. \`X-Signature\` proves that it comes from us: the HMAC-SHA256 of the raw body
immediately followed by \`X-Timestamp\`, keyed with your \`api_secret\`, in lower-case hex.

1. Take the body’s bytes as they came. Parsing and writing the JSON again changes them.
2. Refuse a timestamp more than 5 minutes off, so that nobody can replay an old delivery.
3. Compare in constant time, and answer 401 to what is not ours.

\`X-API-Key\` names the pair that signed. For 24 hours after a rotation the old pair is valid too.

## When you don’t answer

Anything but a 2xx is tried again with growing pauses for 7 days. Then the event is \`failed\` and the next ones go on. A
subscription is never switched off in silence.

| Attempt | After the one before |
|---|---|
${RETRY_PAUSES_MS.map((pause, index) => `| ${index + 2} | about ${inWords(pause)} |`).join('\n')}

[webhooks/deliveries](#listWebhookDeliveries) shows each attempt with the status and the time it took.
[redeliver](#redeliverWebhookEvent) sends an event again.

## Catching up

Nothing is ever lost: [webhooks/events](#listWebhookEvents) is the whole log, oldest first. \`sequence\` grows by one from
event to event; read on from the last one that you have, and you never skip an event.

\`\`\`sh What happened since
curl "${api}/webhooks/events?after=0" -H "auth: $TOKEN"
\`\`\`
`

const DELIVERED_AT = new Date('2026-06-26T10:31:02Z')

/** A delivery as it goes over the wire, its signatures included: a receiver can be tried with it. */
function delivery(): string {
  const body = JSON.stringify(exampleEvent('PAY_IN'))
  const { id } = JSON.parse(body) as { id: string }
  const pairs = [{ apiKey: 'sandbox-key', apiSecret: 'sandbox-secret' }] as const
  const headers = Object.entries(signDelivery({ id, body, at: DELIVERED_AT, pairs }))
  return [
    '```text A delivery, signed with sandbox-secret',
    'POST /webhooks HTTP/1.1',
    'Content-Type: application/json',
    ...headers.map(([name, value]) => `${name}: ${value}`),
    '',
    body,
    '```',
  ].join('\n')
}

function inWords(ms: number): string {
  const seconds = ms / 1000
  const [amount, unit] =
    seconds < 60 ? [seconds, 'second'] : seconds < 3600 ? [seconds / 60, 'minute'] : [seconds / 3600, 'hour']
  return `${amount} ${unit}${amount === 1 ? '' : 's'}`
}
