import { sql } from 'kysely'
import { Type } from 'typebox'
import { wireTime } from '../kernel/clock.ts'
import { exampleEvent } from '../server/docs/webhook-examples.ts'
import { endpoint } from '../server/endpoint.ts'
import type { FieldErrors } from '../server/errors.ts'
import { WireTime } from '../server/fields.ts'
import { listed, readPage, refuseCursor } from '../server/pagination.ts'
import { openEventData } from './attempt.ts'
import { findTypeFault, readWebhookType, WebhookType } from './webhook-fields.ts'

export const listWebhookEvents = endpoint({
  method: 'GET',
  path: '/api/webhooks/events',
  section: 'webhooks',
  name: 'listWebhookEvents',
  summary: 'The log of events',
  description:
    'Everything that happened, oldest first, whether or not it was subscribed to. Read on with `after=<sequence of the last event>`: sequences are given in order after the commit, so no event is ever skipped. `data` is null when the customer was forgotten.',
  audience: 'token',
  list: true,
  query: Type.Object({
    after: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: Number.MAX_SAFE_INTEGER,
        description: 'Only events with a higher sequence.',
      }),
    ),
    type: Type.Optional(WebhookType),
    cursor: Type.Optional(
      Type.String({
        maxLength: 200,
        description: 'The `next_cursor` of the answer before, with the same `type`; goes on as `after` does.',
      }),
    ),
    per_page: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, description: '25 unless told.' })),
  }),
  data: Type.Array(
    Type.Object({
      id: Type.String(),
      type: Type.String(),
      sequence: Type.Integer(),
      created_at: WireTime,
      data: Type.Unknown({ description: 'The payment, sale or KYC object as it was then.' }),
    }),
  ),
  errors: ['invalid_webhook_type'],
  examples: {
    request: { after: 1041, type: 'PAY_IN' },
    answer: [exampleEvent('PAY_IN')],
  },
  check: ({ query }): FieldErrors =>
    query.after !== undefined && query.cursor !== undefined
      ? { cursor: ['must not be sent with after'] }
      : {},
  findFurther: (_app, { query }) => findTypeFault(query.type),
  async handle({ db, secrets }, { query, integration }) {
    // There are no pages by number here.
    const page = { ...readPage(query, { list: 'events', filters: ['type'] }), page: null }
    const after = page.cursor === null ? (query.after ?? 0) : readCursor(page.cursor)
    let events = db
      .selectFrom('events')
      .select(['id', 'type', 'sequence', 'dataSealed', 'keyWrapped', 'createdAt'])
      .where('integrationId', '=', integration.id)
      .where('sequence', 'is not', null)
    if (query.type !== undefined) events = events.where('type', '=', readWebhookType(query.type).type)
    // The log of one type asks for an order that only the index by type has: through the index of all events a rare
    // type would be looked for event by event.
    const order = query.type === undefined ? sql<number>`sequence` : sql<number>`(sequence + 0)`
    const rows = await events
      .where(order, '>', after)
      .orderBy(order)
      .limit(page.perPage + 1)
      .$narrowType<{ sequence: number }>()
      .execute()
    return listed(page, {
      rows,
      counted: null,
      cursorOf: ({ sequence }) => String(sequence),
      render: (event) => ({
        id: event.id,
        type: event.type,
        sequence: event.sequence,
        created_at: wireTime(event.createdAt),
        data: JSON.parse(openEventData(secrets, event) ?? 'null'),
      }),
    })
  },
})

function readCursor(cursor: string): number {
  return /^\d{1,15}$/.test(cursor) ? Number(cursor) : refuseCursor()
}
