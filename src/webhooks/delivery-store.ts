import { sql } from 'kysely'
import type { Db } from '../db/database.ts'
import type { DestinationKey } from './destination-store.ts'

/** A delivery that may be attempted now: the first of its stream that is not done at this URL. */
export interface DueDelivery {
  sequence: number
  eventId: string
  sentType: string
  stream: string
  tries: number
  /** How often it had been asked for again. */
  redeliveries: number
  retryUntil: Date | null
  dataSealed: Buffer
  keyWrapped: Buffer | null
  createdAt: Date
}

/** How far a destination's pending deliveries of one type were looked through, in the order of their due times. */
export interface Cursor {
  /** As PostgreSQL writes it, to the microsecond. */
  dueAt: string
  sequence: number
}

export interface Wanted extends DestinationKey {
  /** At most so many of each type. */
  limit: number
  cursors: ReadonlyMap<string, Cursor>
}

export interface Found {
  /** Each once, those of other streams' heads included. */
  deliveries: DueDelivery[]
  /** Whether others were met that wait behind one of these, or behind one that is due later. */
  waiting: boolean
  /** Where to look on from; null: the end was reached. */
  cursors: Map<string, Cursor> | null
}

type Row = { place: number; type: string; cursor: string; cursorSequence: number } & (
  | ({ createdMs: number } & Omit<DueDelivery, 'createdAt'>)
  | { sequence: null }
)

/**
 * Loads due deliveries for several destinations at once. One that waits for an earlier one of its stream gives way to
 * it; if that is due later only, it is put off until then, so that it is not met again and again.
 */
export async function loadDueDeliveries(db: Db, wanted: readonly Wanted[], now: Date): Promise<Found[]> {
  if (wanted.length === 0) return []
  const cursors = wanted.flatMap((destination, place) =>
    [...destination.cursors].map(([type, cursor]) => ({ place, type, ...cursor })),
  )
  const { rows } = await sql<Row>`
    with wanted as (
      select w.integration_id, w.url, w.most, w.place - 1 as place
        from unnest(${wanted.map(({ integrationId }) => integrationId)}::integer[],
                    ${wanted.map(({ url }) => url)}::text[],
                    ${wanted.map(({ limit }) => limit)}::integer[])
               with ordinality as w (integration_id, url, most, place)
    ), cursors as (
      select * from unnest(${cursors.map(({ place }) => place)}::integer[], ${cursors.map(({ type }) => type)}::text[],
                           ${cursors.map(({ dueAt }) => dueAt)}::timestamptz[],
                           ${cursors.map(({ sequence }) => sequence)}::bigint[]) as c (place, type, due_at, sequence)
    ), candidates as materialized (
      select w.place, w.url, d.*
        from wanted w
             join webhook_subscriptions s on s.integration_id = w.integration_id and s.url = w.url
             left join cursors c on c.place = w.place and c.type = s.type
             cross join lateral (
               select integration_id, type, stream, sequence, due_at from deliveries
                where integration_id = s.integration_id and type = s.type and state = 'pending'
                  and due_at <= ${now}::timestamptz
                  and (due_at, sequence) > (coalesce(c.due_at, '-infinity'), coalesce(c.sequence, 0))
                order by due_at, sequence limit w.most
             ) d
    ), headed as materialized (
      select c.*, head.sequence as head_sequence, head.due_at as head_due_at
        from candidates c
             cross join lateral (
               select d.sequence, d.due_at from deliveries d
                where d.integration_id = c.integration_id and d.stream = c.stream and d.due_at is not null
                  and exists (select from webhook_subscriptions s
                               where s.integration_id = d.integration_id and s.type = d.type and s.url = c.url)
                order by d.sequence limit 1
             ) head
    ), put_off as (
      update deliveries d set due_at = h.head_due_at from headed h
       where h.head_due_at > ${now}::timestamptz
         and d.integration_id = h.integration_id and d.sequence = h.sequence and d.state = 'pending'
    )
    select h.place::integer, h.type, h.due_at::text as cursor, h.sequence as "cursorSequence", d.sequence,
           d.event_id as "eventId", d.sent_type as "sentType", d.stream, d.tries, d.redeliveries, d.retry_until as "retryUntil",
           e.data_sealed as "dataSealed", e.key_wrapped as "keyWrapped",
           date_part('epoch', e.created_at) * 1000 as "createdMs"
      from headed h
           left join deliveries d on d.integration_id = h.integration_id and d.sequence = h.head_sequence
                                 and h.head_due_at <= ${now}::timestamptz
           left join events e on e.integration_id = d.integration_id and e.sequence = d.sequence
     order by h.place, h.due_at, h.sequence`.execute(
    // The columns have their names already; renaming them costs as much as signing.
    db.withoutPlugins(),
  )
  return collect(wanted, rows)
}

function collect(wanted: readonly Wanted[], rows: readonly Row[]): Found[] {
  const found = wanted.map(({ cursors, limit }) => ({
    limit,
    deliveries: new Map<number, DueDelivery>(),
    cursors: new Map(cursors),
    counts: new Map<string, number>(),
    waiting: false,
  }))
  for (const row of rows) {
    const { type, cursorSequence } = row
    const destination = found[row.place]!
    destination.cursors.set(type, { dueAt: row.cursor, sequence: cursorSequence })
    destination.counts.set(type, (destination.counts.get(type) ?? 0) + 1)
    if (row.sequence !== cursorSequence) destination.waiting = true
    if (row.sequence !== null) destination.deliveries.set(row.sequence, readDelivery(row))
  }
  return found.map(({ limit, deliveries, cursors, counts, waiting }) => ({
    deliveries: [...deliveries.values()],
    waiting,
    cursors: [...counts.values()].some((count) => count === limit) ? cursors : null,
  }))
}

function readDelivery(row: Exclude<Row, { sequence: null }>): DueDelivery {
  const { sequence, eventId, sentType, stream, tries, redeliveries, retryUntil, dataSealed, keyWrapped } = row
  const createdAt = new Date(Math.round(row.createdMs))
  return {
    sequence,
    eventId,
    sentType,
    stream,
    tries,
    redeliveries,
    retryUntil,
    dataSealed,
    keyWrapped,
    createdAt,
  }
}

/** What came of one attempt. */
export interface AttemptResult {
  integrationId: number
  sequence: number
  /** As it was when the attempt was made. */
  redeliveries: number
  state: 'pending' | 'delivered' | 'failed'
  /** When it is tried again; null in the other states. */
  dueAt: Date | null
  /** When the retry period that this failure began ends; null if it succeeded or the period runs already. */
  retryUntil: Date | null
  url: string
  status: number | null
  error: string | null
  durationMs: number
  at: Date
}

/** Records attempts and what follows from them, in one statement for all. */
export async function recordAttempts(db: Db, results: readonly AttemptResult[], now: Date): Promise<void> {
  if (results.length === 0) return
  // In one order everywhere, so that two processes never wait for each other's rows in a circle.
  const sorted = results.toSorted((a, b) => a.integrationId - b.integrationId || a.sequence - b.sequence)
  const column = (read: (result: AttemptResult) => number | string | undefined): string =>
    listBare(sorted.map(read))
  const urls = new Map(results.map(({ url }, place) => [url, place]))
  for (const [place, url] of [...urls.keys()].entries()) urls.set(url, place + 1)
  await sql`
    with results as (
      select * from unnest(
        ${column(({ integrationId }) => integrationId)}::integer[], ${column(({ sequence }) => sequence)}::bigint[],
        ${column(({ redeliveries }) => redeliveries)}::integer[],
        ${column(({ state }) => state)}::text[], ${column(({ dueAt }) => dueAt?.toISOString())}::timestamptz[],
        ${column(({ retryUntil }) => retryUntil?.toISOString())}::timestamptz[],
        ${column(({ url }) => urls.get(url))}::integer[], ${column(({ status }) => status ?? undefined)}::integer[],
        ${sorted.map(({ error }) => error)}::text[], ${column(({ durationMs }) => durationMs)}::integer[],
        ${column(({ at }) => at.toISOString())}::timestamptz[]
      ) as r (integration_id, sequence, redeliveries, state, due_at, retry_until, url, status, error, duration_ms, at)
    ), moved as (
      -- What was dropped or asked for again meanwhile stays as it is; the attempt is recorded all the same.
      update deliveries d
         set attempts = d.attempts + 1,
             tries = case when d.redeliveries = r.redeliveries then d.tries + 1 else d.tries end,
             state = case when d.state = 'pending' and d.redeliveries = r.redeliveries then r.state else d.state end,
             due_at = case when d.state = 'pending' and d.redeliveries = r.redeliveries then r.due_at else d.due_at end,
             retry_until = case when d.redeliveries = r.redeliveries then coalesce(d.retry_until, r.retry_until)
                                else d.retry_until end,
             updated_at = ${now}::timestamptz
        from results r
       where d.integration_id = r.integration_id and d.sequence = r.sequence
      returning d.integration_id, d.sequence, d.attempts, r.url, r.status, r.error, r.duration_ms, r.at
    )
    insert into delivery_attempts (integration_id, sequence, attempt, url, status, error, duration_ms, at)
    select integration_id, sequence, attempts, (${[...urls.keys()]}::text[])[url], status, error, duration_ms, at from moved`.execute(
    db,
  )
}

/** A list in PostgreSQL's notation of what needs no quotes there: the driver would look through each for some. */
const listBare = (values: readonly (number | string | undefined)[]): string =>
  `{${values.map((value) => value ?? 'null').join(',')}}`

const MOST_FAILED_AT_ONCE = 1_000

/**
 * Ends the deliveries that were made before `before` and still wait behind a destination that has been dead all the
 * while: it was tried for them. Answers how many there were.
 */
export async function failAbandonedDeliveries(
  db: Db,
  { integrationId, url }: DestinationKey,
  { before, now }: { before: Date; now: Date },
): Promise<number> {
  const { rows } = await sql`
    update deliveries d set state = 'failed', due_at = null, updated_at = ${now}::timestamptz
      from (select d.integration_id, d.sequence
              from webhook_subscriptions s
                   join deliveries d on d.integration_id = s.integration_id and d.type = s.type and d.state = 'pending'
             where s.integration_id = ${integrationId} and s.url = ${url}
               and d.due_at <= ${now}::timestamptz and d.created_at <= ${before}::timestamptz
             order by d.sequence limit ${MOST_FAILED_AT_ONCE}) abandoned
     where d.integration_id = abandoned.integration_id and d.sequence = abandoned.sequence and d.state = 'pending'
    returning d.sequence`.execute(db)
  return rows.length
}
