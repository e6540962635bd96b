import { Type } from 'typebox'
import { endpoint } from '../server/endpoint.ts'
import { fail } from '../server/errors.ts'
import { DELIVERY_LANE } from './deliver.ts'
import { changeSubscription } from './subscription-store.ts'
import { findSubscriptionFaults, readSubscription, WebhookType, WebhookUrl } from './webhook-fields.ts'

const DONE = 'subscription_updated'

export const updateWebhookSubscription = endpoint({
  method: 'POST',
  path: '/api/updateWebhookSubscription',
  section: 'webhooks',
  name: 'updateWebhookSubscription',
  summary: 'Change the URL of a webhook',
  description:
    'Has the events of a subscribed type posted to another URL. What waits for another attempt goes there too. Named by its other name, `RAMPOFF_FINISHED` or `TRANSFER_RAMPOFF_FINISHED`, a subscription is sent under that from now on.',
  audience: 'token',
  body: Type.Object({ type: WebhookType, url: WebhookUrl }),
  data: Type.Literal(DONE),
  errors: ['invalid_webhook_type', 'invalid_webhook_url', 'subscription_not_found'],
  examples: { request: { type: 'PAY_IN', url: 'https://example.com/webhooks/new' }, answer: DONE },
  findFurther: (app, { body }) => findSubscriptionFaults(app, body),
  async handle(app, { body, integration, remember }) {
    const names = await readSubscription(app, body)
    await app.db.transaction().execute(async (trx) => {
      const subscription = { integrationId: integration.id, ...names, url: body.url }
      if (!(await changeSubscription(trx, subscription, app.clock.now()))) {
        fail('subscription_not_found', `${body.type} is not subscribed. Subscribe by subscribeToWebhook.`)
      }
      await remember(trx, DONE)
    })
    app.wake(DELIVERY_LANE)
    return DONE
  },
})
