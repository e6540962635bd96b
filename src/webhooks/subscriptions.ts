import { Type } from 'typebox'
import { wireTime } from '../kernel/clock.ts'
import { endpoint } from '../server/endpoint.ts'
import { WireTime } from '../server/fields.ts'

export const listWebhookSubscriptions = endpoint({
  method: 'GET',
  path: '/api/webhooks/subscriptions',
  section: 'webhooks',
  name: 'listWebhookSubscriptions',
  summary: 'Your subscriptions',
  description: 'The subscriptions in force, each under the name it was subscribed by.',
  audience: 'token',
  data: Type.Array(
    Type.Object({ type: Type.String(), url: Type.String(), created_at: WireTime, updated_at: WireTime }),
  ),
  errors: [],
  examples: {
    answer: [
      {
        type: 'PAY_IN',
        url: 'https://example.com/webhooks/cryptopocket',
        created_at: '2026-06-26T10:30:00.000000Z',
        updated_at: '2026-06-26T10:30:00.000000Z',
      },
    ],
  },
  async handle({ db }, { integration }) {
    const rows = await db
      .selectFrom('webhookSubscriptions')
      .select(['sentType', 'url', 'createdAt', 'updatedAt'])
      .where('integrationId', '=', integration.id)
      .orderBy('type')
      .execute()
    return rows.map(({ sentType, url, createdAt, updatedAt }) => ({
      type: sentType,
      url,
      created_at: wireTime(createdAt),
      updated_at: wireTime(updatedAt),
    }))
  },
})
