import { sql } from 'kysely'
import { Type } from 'typebox'
import type { Db } from '../db/database.ts'
import { wireTime } from '../kernel/clock.ts'
import { endpoint } from '../server/endpoint.ts'
import { fail } from '../server/errors.ts'
import { nullable, Text, WireTime } from '../server/fields.ts'
import { countRows, countTable } from '../server/newest-first.ts'
import { listed, PageFields, readPage, refuseCursor } from '../server/pagination.ts'

export const listWebhookDeliveries = endpoint({
  method: 'GET',
  path: '/api/webhooks/deliveries',
  section: 'webhooks',
  name: 'listWebhookDeliveries',
  summary: 'Deliveries and their attempts',
  description:
    'What became of each event that was subscribed to, newest first, with every attempt: where it went, what was answered, how long it took. `state`: `pending` (not done, `next_attempt_at` tells), `delivered`, `failed` (given up; redeliver it), `dropped` (unsubscribed before it arrived).',
  audience: 'token',
  list: true,
  query: Type.Object({
    event_id: Type.Optional(Text('Only the deliveries of this event.', 64)),
    ...PageFields,
  }),
  data: Type.Array(
    Type.Object({
      event_id: Type.String(),
      type: Type.String(),
      sequence: Type.Integer(),
      state: Type.String(),
      next_attempt_at: nullable(WireTime),
      created_at: WireTime,
      updated_at: WireTime,
      attempts: Type.Array(
        Type.Object({
          attempt: Type.Integer(),
          at: WireTime,
          url: Type.String(),
          status: nullable(
            Type.Integer({ description: 'HTTP status of the answer; null when there was none.' }),
          ),
          error: nullable(Type.String()),
          duration_ms: Type.Integer(),
        }),
      ),
    }),
  ),
  errors: ['event_not_found'],
  examples: {
    request: { event_id: 'evt_4nRw8sZx1cBf6mLt3JHkQ2vY' },
    answer: [
      {
        event_id: 'evt_4nRw8sZx1cBf6mLt3JHkQ2vY',
        type: 'PAY_IN',
        sequence: 1042,
        state: 'delivered',
        next_attempt_at: null,
        created_at: '2026-06-26T10:30:00.000000Z',
        updated_at: '2026-06-26T10:30:00.000000Z',
        attempts: [
          {
            attempt: 1,
            at: '2026-06-26T10:30:00.000000Z',
            url: 'https://example.com/webhooks/cryptopocket',
            status: 200,
            error: null,
            duration_ms: 38,
          },
        ],
      },
    ],
  },
  async handle({ db }, { query, integration }) {
    const page = readPage(query, { list: 'deliveries', filters: ['event_id'] })
    const sequence =
      query.event_id === undefined ? null : await findSequence(db, integration.id, query.event_id)
    let deliveries = db.selectFrom('deliveries').where('integrationId', '=', integration.id)
    if (sequence !== null) deliveries = deliveries.where('sequence', '=', sequence)
    if (page.cursor !== null) deliveries = deliveries.where('sequence', '<', readCursor(page.cursor))
    const counted = page.cursor === null ? await countDeliveries(db, integration.id, sequence) : null
    const rows = await deliveries
      .selectAll()
      .orderBy('sequence', 'desc')
      .offset(page.offset)
      .limit(page.perPage + 1)
      .execute()
    const attempts = await findAttempts(
      db,
      integration.id,
      rows.slice(0, page.perPage).map(({ sequence }) => sequence),
    )
    return listed(page, {
      rows,
      counted,
      cursorOf: ({ sequence }) => String(sequence),
      render: (row) => ({
        event_id: row.eventId,
        type: row.sentType,
        sequence: row.sequence,
        state: row.state,
        next_attempt_at: row.dueAt && wireTime(row.dueAt),
        created_at: wireTime(row.createdAt),
        updated_at: wireTime(row.updatedAt),
        // Attempts recorded after the row was read belong to a state that is not told here.
        attempts: attempts.get(row.sequence)?.slice(0, row.attempts) ?? [],
      }),
    })
  },
})

async function findSequence(db: Db, integrationId: number, eventId: string): Promise<number> {
  const event = await db
    .selectFrom('events')
    .select('sequence')
    .where('integrationId', '=', integrationId)
    .where('id', '=', eventId)
    .executeTakeFirst()
  return event?.sequence ?? fail('event_not_found', 'There is no event of this id.')
}

/** Of an event there is one delivery, or none when nobody had subscribed to it. */
async function countDeliveries(db: Db, integrationId: number, sequence: number | null): Promise<number> {
  const rows =
    sequence === null
      ? sql`select from deliveries where integration_id = ${integrationId} order by sequence desc`
      : sql`select from deliveries where integration_id = ${integrationId} and sequence = ${sequence}`
  return sequence === null
    ? countTable(db, { table: 'deliveries', integrationId }, rows)
    : countRows(db, rows)
}

function readCursor(cursor: string): number {
  const sequence = Number(cursor)
  return /^\d{1,15}$/.test(cursor) ? sequence : refuseCursor()
}

async function findAttempts(
  db: Db,
  integrationId: number,
  sequences: readonly number[],
): Promise<Map<number, object[]>> {
  const bySequence = new Map<number, object[]>()
  if (sequences.length === 0) return bySequence
  const rows = await db
    .selectFrom('deliveryAttempts')
    .selectAll()
    .where('integrationId', '=', integrationId)
    .where(sql<boolean>`sequence = any(${[...sequences]}::bigint[])`)
    .orderBy('sequence')
    .orderBy('attempt')
    .execute()
  for (const { sequence, attempt, at, url, status, error, durationMs } of rows) {
    const told = { attempt, at: wireTime(at), url, status, error, duration_ms: durationMs }
    const known = bySequence.get(sequence)
    if (known) known.push(told)
    else bySequence.set(sequence, [told])
  }
  return bySequence
}
