import type { App } from '../app.ts'
import { type FieldErrors, fail } from '../server/errors.ts'
import { Text } from '../server/fields.ts'
import { type EventType, findEventType, SUBSCRIBABLE_NAMES } from './event-types.ts'

export const WebhookType = Text('The event type, such as `PAY_IN`. See webhooks/available.', 64)
export const WebhookUrl = Text(
  'Where the events are posted to. https outside of the sandbox; a public address, without user name and password.',
  2048,
)

/** The event type that a `type` names. Throws `invalid_webhook_type`. */
export function readWebhookType(name: string): { type: EventType; sentType: string } {
  const type = findEventType(name)
  if (type) return { type, sentType: name }
  return fail('invalid_webhook_type', typeMessage(name), { errors: findTypeFault(name) })
}

/**
 * The event type of a subscription whose `url` can be delivered to as far as can be told now: what it leads to is
 * judged again at each attempt. Throws `invalid_webhook_type`, or else `invalid_webhook_url`, and names both faults.
 */
export async function readSubscription(
  app: Pick<App, 'outgoing'>,
  { type: name, url }: { type: string; url: string },
): Promise<{ type: EventType; sentType: string }> {
  const errors = await findSubscriptionFaults(app, { type: name, url })
  if (errors.url) {
    const message = `The url ${errors.url[0]}.`
    if (errors.type) fail('invalid_webhook_type', `${typeMessage(name)} ${message}`, { errors })
    fail('invalid_webhook_url', message, { errors })
  }
  return readWebhookType(name)
}

/** What is wrong with those fields of a subscription that are there. */
export async function findSubscriptionFaults(
  { outgoing }: Pick<App, 'outgoing'>,
  { type, url }: { type?: string; url?: string },
): Promise<FieldErrors> {
  const problem = url === undefined ? undefined : await outgoing.findProblem(url)
  return {
    ...findTypeFault(type),
    ...(problem !== undefined && { url: [`can't be used: ${problem.replace(/\.$/, '')}`] }),
  }
}

/** What is wrong with a `type`; nothing when there is none. */
export function findTypeFault(name: string | undefined): FieldErrors {
  if (name === undefined || findEventType(name)) return {}
  return { type: [`must be one of: ${SUBSCRIBABLE_NAMES.join(', ')}`] }
}

function typeMessage(name: string): string {
  return `There is no event type ${JSON.stringify(name)}. Known are: ${SUBSCRIBABLE_NAMES.join(', ')}.`
}
