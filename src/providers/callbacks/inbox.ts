import { sql } from 'kysely'
import type { App } from '../../app.ts'

export const CALLBACK_LANE = 'provider-callbacks'
export const CALLBACK_PURPOSE = 'provider-callback'

/** A provider's notification whose signature was checked. */
export interface NewCallback {
  provider: string
  /** The provider's id of the notification: the same one twice is one. */
  externalId: string
  /** The notification as JSON has it. */
  payload: object
}

type Needs = Pick<App, 'db' | 'clock' | 'secrets' | 'wake'>

/**
 * Stores notifications as they came and answers how many were new; those that came before are ignored. The provider
 * is to be answered at once: the lane does the work.
 */
export async function receiveCallbacks(
  { db, clock, secrets, wake }: Needs,
  callbacks: readonly NewCallback[],
): Promise<number> {
  if (callbacks.length === 0) return 0
  const now = clock.now()
  const { rows } = await sql`
    insert into provider_callbacks (provider, external_id, payload_sealed, due_at, received_at)
    select given.*, ${now}::timestamptz, ${now}::timestamptz
      from unnest(
        ${callbacks.map(({ provider }) => provider)}::text[],
        ${callbacks.map(({ externalId }) => externalId)}::text[],
        ${callbacks.map(({ payload }) => secrets.seal(CALLBACK_PURPOSE, JSON.stringify(payload)))}::bytea[]
      ) given
    on conflict (provider, external_id) do nothing
    returning id`.execute(db)
  if (rows.length > 0) wake(CALLBACK_LANE)
  return rows.length
}

/** Stores one notification; see `receiveCallbacks`. */
export async function receiveCallback(app: Needs, callback: NewCallback): Promise<void> {
  await receiveCallbacks(app, [callback])
}

export interface ParkedCallback {
  id: number
  provider: string
  externalId: string
  attempts: number
  reason: string
  receivedAt: Date
}

/** Notifications that could not be worked off and wait for a person, oldest first. */
export async function listParkedCallbacks({ db }: Pick<App, 'db'>): Promise<ParkedCallback[]> {
  return db
    .selectFrom('providerCallbacks')
    .select(['id', 'provider', 'externalId', 'attempts', 'parkedReason as reason', 'receivedAt'])
    .where('parkedReason', 'is not', null)
    .orderBy('id')
    .limit(1_000)
    .$narrowType<{ reason: string }>()
    .execute()
}

/** Has a parked notification worked off again from the beginning. Answers false when there is none of that id. */
export async function retryParkedCallback(
  { db, clock, wake }: Pick<App, 'db' | 'clock' | 'wake'>,
  id: number,
): Promise<boolean> {
  const row = await db
    .updateTable('providerCallbacks')
    .set({ parkedReason: null, attempts: 0, dueAt: clock.now() })
    .where('id', '=', id)
    .where('parkedReason', 'is not', null)
    .returning('id')
    .executeTakeFirst()
  if (row) wake(CALLBACK_LANE)
  return row !== undefined
}
