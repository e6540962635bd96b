import type { App } from '../app.ts'
import { fail } from '../server/errors.ts'
import { Text } from '../server/fields.ts'
import { type EventType, findEventType, SUBSCRIBABLE_NAMES } from './event-types.ts'

export const WebhookType = Text('The event type, such as `PAY_IN`. See webhooks/available.', 64)
export const WebhookUrl = Text(
  'Where the events are posted to. https outside of the sandbox; a public address, without user name and password.',
  2048,
)

/** The event type that a subscription's `type` names. */
export function readWebhookType(name: string): { type: EventType; sentType: string } {
  const type = findEventType(name)
  if (type) return { type, sentType: name }
  return fail(
    'invalid_webhook_type',
    `There is no event type ${JSON.stringify(name)}. Known are: ${SUBSCRIBABLE_NAMES.join(', ')}.`,
  )
}

/** Refuses a URL that could not be delivered to; what it leads to is judged again at each attempt. */
export async function refuseBadUrl({ outgoing }: Pick<App, 'outgoing'>, url: string): Promise<void> {
  const problem = await outgoing.findProblem(url)
  if (problem) fail('invalid_webhook_url', `The url can't be used: ${problem}`)
}
