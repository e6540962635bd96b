import { Type } from 'typebox'
import { endpoint } from '../server/endpoint.ts'
import { fail } from '../server/errors.ts'
import { unsubscribe } from './subscription-store.ts'
import { readWebhookType, WebhookType } from './webhook-fields.ts'

const DONE = 'subscription_deleted'

export const unsubscribeFromWebhook = endpoint({
  method: 'POST',
  path: '/api/unsubscribeFromWebhook',
  section: 'webhooks',
  name: 'unsubscribeFromWebhook',
  summary: 'End a webhook subscription',
  description:
    'Ends the subscription to a type. What waits for another attempt is dropped; the events stay in the log.',
  audience: 'token',
  body: Type.Object({ type: WebhookType }),
  data: Type.Literal(DONE),
  errors: ['invalid_webhook_type', 'subscription_not_found'],
  examples: { request: { type: 'PAY_IN' }, answer: DONE },
  async handle(app, { body, integration, remember }) {
    const { type } = readWebhookType(body.type)
    await app.db.transaction().execute(async (trx) => {
      if (!(await unsubscribe(trx, { integrationId: integration.id, type }, app.clock.now()))) {
        fail('subscription_not_found', `${body.type} is not subscribed.`)
      }
      await remember(trx, DONE)
    })
    return DONE
  },
})
