import { sql } from 'kysely'
import type { App } from '../app.ts'
import type { Lane } from '../kernel/lanes.ts'
import { DELIVERY_LANE } from './deliver.ts'

export const SEQUENCER_LANE = 'event-sequencer'

const BATCH = 500
/** One sequencer at a time in all processes. */
const LOCK = 7_264_010
/** Events of many small transactions are numbered together: a run costs the same for one as for fifty. */
const SHORTEST_PAUSE_MS = 10

type Needs = Pick<App, 'db' | 'clock' | 'wake'>

/**
 * Numbers committed events in the order they were written and makes the deliveries that the subscriptions in force
 * ask for. One process at a time does it, each batch committed before the next, so a number is never given below one
 * that a reader may have seen; and an event that is visible has every event it followed from before it.
 */
export function sequencerLane(app: Needs): Lane {
  let lastRunMs = 0
  return {
    name: SEQUENCER_LANE,
    async step() {
      const sinceMs = app.clock.real().getTime() - lastRunMs
      if (sinceMs < SHORTEST_PAUSE_MS)
        await new Promise((resolve) => setTimeout(resolve, SHORTEST_PAUSE_MS - sinceMs))
      lastRunMs = app.clock.real().getTime()
      const { events, deliveries } = await numberEvents(app)
      if (deliveries > 0) app.wake(DELIVERY_LANE)
      return events
    },
    async nextDue() {
      const waiting = await app.db
        .selectFrom('events')
        .select('id')
        .where('sequence', 'is', null)
        .limit(1)
        .executeTakeFirst()
      return waiting ? app.clock.now() : null
    },
  }
}

async function numberEvents(app: Needs): Promise<{ events: number; deliveries: number }> {
  const now = app.clock.now()
  return app.db.transaction().execute(async (trx) => {
    const lock = await sql<{ taken: boolean }>`select pg_try_advisory_xact_lock(${LOCK}) as taken`.execute(
      trx,
    )
    if (!lock.rows[0]?.taken) return { events: 0, deliveries: 0 }
    // A statement of its own: its snapshot must be younger than the lock, or it would not see the last batch.
    const { rows } = await sql<{ events: number; deliveries: number }>`
      with batch as materialized (
        select integration_id, id, type, row_number() over (partition by integration_id order by position) as place
          from (select integration_id, id, type, position from events
                 where sequence is null order by position limit ${BATCH}) waiting
      ), bases as (
        update integrations
           set event_sequence = event_sequence + counts.events
          from (select integration_id, count(*) as events from batch group by integration_id) counts
         where integrations.id = counts.integration_id
        returning integrations.id, event_sequence - counts.events as base
      ), numbered as (
        update events
           set sequence = bases.base + batch.place
          from batch join bases on bases.id = batch.integration_id
         where events.integration_id = batch.integration_id and events.id = batch.id
        returning events.integration_id, events.sequence, events.id, events.type, events.stream
      ), subscribed as materialized (
        -- Held against a change: who unsubscribes afterwards finds these deliveries and drops them.
        select s.integration_id, s.type, s.sent_type, s.url from webhook_subscriptions s
         where (s.integration_id, s.type) in (select integration_id, type from batch)
           for share of s
      ), made as (
        insert into deliveries (integration_id, sequence, event_id, type, sent_type, stream, state, due_at,
                                created_at, updated_at)
        select integration_id, sequence, id, type, sent_type, stream, 'pending', ${now}::timestamptz,
               ${now}::timestamptz, ${now}::timestamptz
          from numbered join subscribed using (integration_id, type)
        returning integration_id, type
      ), told as (
        -- The row is locked even where nothing changes, so that who is just leaving the destination waits and then
        -- sees these deliveries.
        insert into webhook_destinations (integration_id, url, due_at)
        select distinct integration_id, url, ${now}::timestamptz
          from made join subscribed using (integration_id, type)
         order by integration_id, url
        on conflict (integration_id, url) do update set due_at = excluded.due_at
         where webhook_destinations.due_at is null or webhook_destinations.due_at > excluded.due_at
      )
      select (select count(*) from batch) as events, (select count(*) from made) as deliveries`.execute(trx)
    return rows[0] ?? { events: 0, deliveries: 0 }
  })
}
