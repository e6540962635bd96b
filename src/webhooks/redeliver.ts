import { sql } from 'kysely'
import { Type } from 'typebox'
import { endpoint } from '../server/endpoint.ts'
import { fail } from '../server/errors.ts'
import { DELIVERY_LANE } from './deliver.ts'
import type { EventType } from './event-types.ts'
import { findSubscription, lookAtDestination } from './subscription-store.ts'

export const redeliverWebhookEvent = endpoint({
  method: 'POST',
  path: '/api/webhooks/events/{id}/redeliver',
  section: 'webhooks',
  name: 'redeliverWebhookEvent',
  summary: 'Deliver an event again',
  description:
    'Sends an event once more, at once, to the URL that is subscribed now, with a fresh retry period; whatever became of it before. It keeps its id and its sequence.',
  audience: 'token',
  params: Type.Object({ id: Type.String({ maxLength: 64, description: "The event's id." }) }),
  data: Type.Object({ event_id: Type.String(), state: Type.Literal('pending') }),
  errors: ['event_not_found', 'subscription_not_found'],
  examples: { answer: { event_id: 'evt_4nRw8sZx1cBf6mLt3JHkQ2vY', state: 'pending' } },
  async handle(app, { params, integration, remember }) {
    const { db, clock } = app
    const now = clock.now()
    const answer = { event_id: params.id, state: 'pending' }
    await db.transaction().execute(async (trx) => {
      const event = await trx
        .selectFrom('events')
        .select(['type', 'sequence'])
        .where('integrationId', '=', integration.id)
        .where('id', '=', params.id)
        .where('sequence', 'is not', null)
        .executeTakeFirst()
      if (!event) return fail('event_not_found', 'There is no event of this id.')
      const type = event.type as EventType
      const subscription = await findSubscription(trx, { integrationId: integration.id, type })
      if (!subscription)
        return fail('subscription_not_found', `${type} is not subscribed: there is nowhere to deliver it to.`)
      await sql`
        insert into deliveries (integration_id, sequence, event_id, type, sent_type, stream, state, due_at, created_at, updated_at)
        select e.integration_id, e.sequence, e.id, e.type, s.sent_type, e.stream, 'pending', ${now}::timestamptz,
               ${now}::timestamptz, ${now}::timestamptz
          from events e join webhook_subscriptions s on s.integration_id = e.integration_id and s.type = e.type
         where e.integration_id = ${integration.id} and e.id = ${params.id}
        on conflict (integration_id, sequence) do update
          set state = 'pending', due_at = excluded.due_at, tries = 0, retry_until = null,
              redeliveries = deliveries.redeliveries + 1, updated_at = excluded.updated_at`.execute(trx)
      await lookAtDestination(trx, { integrationId: integration.id, url: subscription.url }, now)
      await remember(trx, answer)
    })
    app.wake(DELIVERY_LANE)
    return answer
  },
})
