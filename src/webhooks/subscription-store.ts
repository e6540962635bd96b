import { sql } from 'kysely'
import type { Db, Trx } from '../db/database.ts'
import type { EventType } from './event-types.ts'

export interface Subscription {
  integrationId: number
  type: EventType
  /** The name it was subscribed under, and is sent under. */
  sentType: string
  url: string
}

export async function findSubscription(
  db: Db | Trx,
  { integrationId, type }: Pick<Subscription, 'integrationId' | 'type'>,
): Promise<{ url: string } | undefined> {
  return db
    .selectFrom('webhookSubscriptions')
    .select('url')
    .where('integrationId', '=', integrationId)
    .where('type', '=', type)
    .executeTakeFirst()
}

/** Answers false, and changes nothing, when the type is subscribed with another URL or under its other name. */
export async function subscribe(trx: Trx, subscription: Subscription, now: Date): Promise<boolean> {
  const row = await trx
    .insertInto('webhookSubscriptions')
    .values({ ...subscription, createdAt: now, updatedAt: now })
    .onConflict((conflict) =>
      conflict
        .columns(['integrationId', 'type'])
        // Changes nothing: it only has the row answered, once nobody else writes it.
        .doUpdateSet({ url: subscription.url })
        .where('webhookSubscriptions.url', '=', subscription.url)
        .where('webhookSubscriptions.sentType', '=', subscription.sentType),
    )
    .returning('type')
    .executeTakeFirst()
  return row !== undefined
}

/** Answers false when there is no such subscription. What is pending goes to the new URL from now on. */
export async function changeSubscription(trx: Trx, subscription: Subscription, now: Date): Promise<boolean> {
  const { integrationId, type, sentType, url } = subscription
  const changed = await trx
    .updateTable('webhookSubscriptions')
    .set({ sentType, url, updatedAt: now })
    .where('integrationId', '=', integrationId)
    .where('type', '=', type)
    .executeTakeFirst()
  if (changed.numUpdatedRows === 0n) return false
  await lookAtDestination(trx, { integrationId, url }, now)
  await dropUnusedDestinations(trx, integrationId)
  return true
}

/** Ends a subscription; what is pending for it is dropped. Answers false when there is none. */
export async function unsubscribe(
  trx: Trx,
  { integrationId, type }: Pick<Subscription, 'integrationId' | 'type'>,
  now: Date,
): Promise<boolean> {
  const ended = await trx
    .deleteFrom('webhookSubscriptions')
    .where('integrationId', '=', integrationId)
    .where('type', '=', type)
    .executeTakeFirst()
  if (ended.numDeletedRows === 0n) return false
  await dropPending(trx, { integrationId, type }, now)
  await dropUnusedDestinations(trx, integrationId)
  return true
}

/** Ends every subscription of an integration, for one whose data is detached. */
export async function unsubscribeFromAll(trx: Trx, integrationId: number, now: Date): Promise<void> {
  await trx.deleteFrom('webhookSubscriptions').where('integrationId', '=', integrationId).execute()
  await dropPending(trx, { integrationId }, now)
  await dropUnusedDestinations(trx, integrationId)
}

/** Has whoever delivers look at a destination at once, a pause after failures notwithstanding. */
export async function lookAtDestination(
  trx: Trx,
  { integrationId, url }: Pick<Subscription, 'integrationId' | 'url'>,
  now: Date,
): Promise<void> {
  const fresh = { dueAt: now, failures: 0, failingSince: null, resumeAt: null }
  await trx
    .insertInto('webhookDestinations')
    .values({ integrationId, url, ...fresh })
    .onConflict((conflict) => conflict.columns(['integrationId', 'url']).doUpdateSet(fresh))
    .execute()
}

async function dropPending(
  trx: Trx,
  { integrationId, type }: { integrationId: number; type?: EventType },
  now: Date,
): Promise<void> {
  let pending = trx
    .updateTable('deliveries')
    .set({ state: 'dropped', dueAt: null, updatedAt: now })
    .where('integrationId', '=', integrationId)
    .where('state', '=', 'pending')
  if (type) pending = pending.where('type', '=', type)
  await pending.execute()
}

async function dropUnusedDestinations(trx: Trx, integrationId: number): Promise<void> {
  await sql`
    delete from webhook_destinations d
     where d.integration_id = ${integrationId}
       and not exists (select from webhook_subscriptions s
                        where s.integration_id = d.integration_id and s.url = d.url)`.execute(trx)
}
