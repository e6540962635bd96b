import { sql } from 'kysely'
import type { Db } from '../db/database.ts'

/** A URL that deliveries of an integration go to. One process at a time delivers to it. */
export interface DestinationKey {
  integrationId: number
  url: string
}

export interface DestinationHealth {
  /** Attempts that failed one after the other. */
  failures: number
  failingSince: Date | null
  /** Nothing is sent before this. */
  resumeAt: Date | null
}

/** Leases outlive a short standstill of the process, and end soon after its death. */
const LEASE = sql`interval '6 seconds'`

/** Takes destinations where something is due and that nobody delivers to. */
export async function claimDestinations(
  db: Db,
  { owner, now, limit }: { owner: string; now: Date; limit: number },
): Promise<(DestinationKey & DestinationHealth)[]> {
  const { rows } = await sql<DestinationKey & DestinationHealth>`
    update webhook_destinations d
       set owner = ${owner}::uuid, lease_until = clock_timestamp() + ${LEASE}
      from (select integration_id, url from webhook_destinations
             where due_at <= ${now}::timestamptz and (lease_until is null or lease_until < clock_timestamp())
             order by due_at limit ${limit} for update skip locked) free
     where d.integration_id = free.integration_id and d.url = free.url
    returning d.integration_id, d.url, d.failures, d.failing_since, d.resume_at`.execute(db)
  return rows
}

/**
 * Lengthens the leases; answers the destinations that are still the owner's. Locked in their order, as everywhere, so
 * that nobody who tells many of new deliveries waits for us while we wait for them.
 */
export async function renewLeases(db: Db, owner: string): Promise<DestinationKey[]> {
  const { rows } = await sql<DestinationKey>`
    update webhook_destinations d set lease_until = clock_timestamp() + ${LEASE}
      from (select integration_id, url from webhook_destinations
             where owner = ${owner}::uuid order by integration_id, url for update) own
     where d.integration_id = own.integration_id and d.url = own.url
    returning d.integration_id, d.url`.execute(db)
  return rows
}

/**
 * Gives destinations back, each with its health and the time at which the next of its deliveries is due. Answers
 * whether that is now for any of them: then something was committed in the very last moment.
 */
export async function releaseDestinations(
  db: Db,
  owner: string,
  { destinations, now }: { destinations: readonly (DestinationKey & DestinationHealth)[]; now: Date },
): Promise<boolean> {
  if (destinations.length === 0) return false
  const ids = destinations.map(({ integrationId }) => integrationId)
  const urls = destinations.map(({ url }) => url)
  return db.transaction().execute(async (trx) => {
    // Locked before the due times are read: deliveries that are being made meanwhile are seen, or wait and tell.
    await sql`
      select from webhook_destinations
       where (integration_id, url) in (select * from unnest(${ids}::integer[], ${urls}::text[]))
         and owner = ${owner}::uuid
       order by integration_id, url for update`.execute(trx)
    const { rows } = await sql<{ dueNow: boolean }>`
      update webhook_destinations d
         set owner = null, lease_until = null, failures = given.failures, failing_since = given.failing_since,
             resume_at = given.resume_at, due_at = case when next.at is not null then greatest(next.at, given.resume_at) end
        from unnest(${ids}::integer[], ${urls}::text[], ${destinations.map(({ failures }) => failures)}::integer[],
                    ${destinations.map(({ failingSince }) => failingSince)}::timestamptz[],
                    ${destinations.map(({ resumeAt }) => resumeAt)}::timestamptz[])
               as given (integration_id, url, failures, failing_since, resume_at)
             cross join lateral (${nextDelivery(sql`given.integration_id`, sql`given.url`)}) next
       where d.integration_id = given.integration_id and d.url = given.url and d.owner = ${owner}::uuid
      returning d.due_at <= ${now}::timestamptz as due_now`.execute(trx)
    return rows.some(({ dueNow }) => dueNow)
  })
}

/** When something is due at any destination, whoever owns it. */
export async function findNextDue(db: Db): Promise<Date | null> {
  const { rows } = await sql<{ at: Date | null }>`
    select min(greatest(next.at, case when d.owner is null then d.resume_at end)) as at
      from webhook_destinations d
           cross join lateral (${nextDelivery(sql`d.integration_id`, sql`d.url`)}) next
     where d.due_at is not null and next.at is not null`.execute(db)
  return rows[0]?.at ?? null
}

function nextDelivery(integrationId: ReturnType<typeof sql>, url: ReturnType<typeof sql>) {
  return sql`
    select min(first.due_at) as at
      from webhook_subscriptions s
           cross join lateral (select due_at from deliveries
                                where integration_id = s.integration_id and type = s.type and state = 'pending'
                                order by due_at, sequence limit 1) first
     where s.integration_id = ${integrationId} and s.url = ${url}`
}
