import { sql } from 'kysely'
import type { Trx } from '../db/database.ts'
import type { Clock } from '../kernel/clock.ts'
import { newEventIds } from '../kernel/ids.ts'
import type { Secrets } from '../kernel/secrets.ts'
import type { EventType } from './event-types.ts'

/** A change of status that the integrator may hear of. */
export interface NewEvent {
  integrationId: number
  type: EventType
  /** What is kept in order: `payment:<id>`, `rampoff:<id>`, `customer:<id>`. */
  stream: string
  /** The payment, sale or KYC object as its GET gives it at this moment. */
  data: object
  /** The customer's key, under which the data is kept; null only for what is about no customer. */
  keyWrapped: Buffer | null
}

/** Seals the data of events that are about no customer. */
export const EVENT_PURPOSE = 'event'

/**
 * Writes events in the transaction of the change they tell of; the data is frozen as it is now. One statement
 * whatever the number. Wake the lane `event-sequencer` after the commit. Call it while holding the lock of the row
 * the stream is named after: that makes the order of writing the order of the changes.
 */
export async function emit(
  trx: Trx,
  events: readonly NewEvent[],
  { clock, secrets }: { clock: Clock; secrets: Secrets },
): Promise<void> {
  if (events.length === 0) return
  const sealed = events.map(({ data, keyWrapped }) => {
    const text = JSON.stringify(data)
    return keyWrapped ? secrets.sealFor(keyWrapped, text) : secrets.seal(EVENT_PURPOSE, text)
  })
  await sql`
    insert into events (integration_id, id, type, stream, data_sealed, key_wrapped, created_at)
    select given.*, ${clock.now()}::timestamptz
      from unnest(
        ${events.map(({ integrationId }) => integrationId)}::integer[],
        ${newEventIds(events.length)}::text[],
        ${events.map(({ type }) => type)}::text[],
        ${events.map(({ stream }) => stream)}::text[],
        ${sealed}::bytea[],
        ${events.map(({ keyWrapped }) => keyWrapped)}::bytea[]
      ) given`.execute(trx)
}
