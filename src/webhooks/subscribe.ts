import { Type } from 'typebox'
import { endpoint } from '../server/endpoint.ts'
import { fail } from '../server/errors.ts'
import { subscribe } from './subscription-store.ts'
import { findSubscriptionFaults, readSubscription, WebhookType, WebhookUrl } from './webhook-fields.ts'

const DONE = 'subscription_created'

export const subscribeToWebhook = endpoint({
  method: 'POST',
  path: '/api/subscribeToWebhook',
  section: 'webhooks',
  name: 'subscribeToWebhook',
  summary: 'Subscribe to a webhook',
  description:
    'Has the events of one type posted to a URL from now on. There is one subscription per type: subscribing again with the same URL answers the same, with another is refused (use updateWebhookSubscription). `RAMPOFF_FINISHED` is the older name of `TRANSFER_RAMPOFF_FINISHED`: they are one subscription, sent under the name that it was subscribed by, and the other name is refused as another URL is. The deliveries are signed with the api_secret; see the page on webhooks.',
  audience: 'token',
  body: Type.Object({ type: WebhookType, url: WebhookUrl }),
  data: Type.Literal(DONE),
  errors: ['invalid_webhook_type', 'invalid_webhook_url', 'subscription_already_exists'],
  examples: { request: { type: 'PAY_IN', url: 'https://example.com/webhooks/cryptopocket' }, answer: DONE },
  findFurther: (app, { body }) => findSubscriptionFaults(app, body),
  async handle(app, { body, integration, remember }) {
    const names = await readSubscription(app, body)
    await app.db.transaction().execute(async (trx) => {
      const subscription = { integrationId: integration.id, ...names, url: body.url }
      if (!(await subscribe(trx, subscription, app.clock.now()))) {
        fail(
          'subscription_already_exists',
          `${names.type} is subscribed with another URL or by its other name. Change it by updateWebhookSubscription.`,
        )
      }
      await remember(trx, DONE)
    })
    return DONE
  },
})
