import { type Selectable, sql } from 'kysely'
import type { Db, Trx } from '../db/database.ts'
import type { PaymentSessionsTable } from '../db/schema.ts'

export type Session = Selectable<PaymentSessionsTable>
export type SessionState = Session['state']

/** States in which the customer may still pay at the provider. */
export const LIVE_SESSION_STATES = ['created', 'open'] as const satisfies SessionState[]

export const isLive = ({ state }: Pick<Session, 'state'>): boolean => state === 'created' || state === 'open'

/** Every session of these payments, oldest first. Sessions change only under their payment's lock. */
export async function loadSessions(db: Db | Trx, paymentIds: readonly string[]): Promise<Session[]> {
  if (paymentIds.length === 0) return []
  return db
    .selectFrom('paymentSessions')
    .selectAll()
    .where(sql<boolean>`payment_id = any(${[...paymentIds]}::text[])`)
    .orderBy('createdAt')
    .orderBy('id')
    .execute()
}

/** What providers call a session: by their reference, or, when its answer was lost, by ours. */
export interface SessionName {
  provider: string
  providerRef: string
  /** The payment's id, as we gave it. */
  reference: string
}

/** The payments of sessions that providers tell of, by the provider's reference. */
export async function findPaymentIds(db: Db, names: readonly SessionName[]): Promise<Map<string, string>> {
  const { rows } = await sql<{ providerRef: string; paymentId: string }>`
    with given as (
      select * from unnest(${names.map(({ provider }) => provider)}::text[],
                           ${names.map(({ providerRef }) => providerRef)}::text[],
                           ${names.map(({ reference }) => reference)}::text[]) given (provider, provider_ref, reference)
    )
    select given.provider_ref, s.payment_id
      from given join payment_sessions s on s.payment_id = given.reference and s.provider_ref is null
     where s.provider = given.provider
    union all
    select given.provider_ref, s.payment_id from given join payment_sessions s using (provider, provider_ref)`.execute(
    db,
  )
  return new Map(rows.map(({ providerRef, paymentId }) => [providerRef, paymentId]))
}

export function findSession(db: Db, provider: string, providerRef: string): Promise<Session | undefined> {
  return db
    .selectFrom('paymentSessions')
    .selectAll()
    .where('provider', '=', provider)
    .where('providerRef', '=', providerRef)
    .executeTakeFirst()
}

export async function insertSession(
  trx: Trx,
  session: Pick<
    Session,
    | 'id'
    | 'integrationId'
    | 'paymentId'
    | 'paymentType'
    | 'provider'
    | 'units'
    | 'currency'
    | 'dueAt'
    | 'createdAt'
  >,
): Promise<void> {
  await trx
    .insertInto('paymentSessions')
    .values({ ...session, state: 'created', updatedAt: session.createdAt })
    .execute()
}

/** Writes what changed of sessions, in one statement. */
export async function updateSessions(trx: Trx, sessions: readonly Session[]): Promise<void> {
  if (sessions.length === 0) return
  await sql`
    update payment_sessions set provider_ref = given.provider_ref, url = given.url, state = given.state,
           units = given.units, declines = given.declines, decline_code = given.decline_code,
           returned_at = given.returned_at, due_at = given.due_at, lease_until = null, updated_at = given.updated_at
      from unnest(${sessions.map(({ id }) => id)}::text[],
                  ${sessions.map(({ providerRef }) => providerRef)}::text[],
                  ${sessions.map(({ url }) => url)}::text[],
                  ${sessions.map(({ state }) => state)}::text[],
                  ${sessions.map(({ units }) => units.toString())}::numeric[],
                  ${sessions.map(({ declines }) => declines)}::integer[],
                  ${sessions.map(({ declineCode }) => declineCode)}::text[],
                  ${sessions.map(({ returnedAt }) => returnedAt)}::timestamptz[],
                  ${sessions.map(({ dueAt }) => dueAt)}::timestamptz[],
                  ${sessions.map(({ updatedAt }) => updatedAt)}::timestamptz[])
           given (id, provider_ref, url, state, units, declines, decline_code, returned_at, due_at, updated_at)
     where payment_sessions.id = given.id`.execute(trx)
}

/** Takes due sessions for a while, so that their providers can be asked outside of a transaction. */
export async function claimSessions(
  db: Db,
  { now, limit, leaseMs }: { now: Date; limit: number; leaseMs: number },
): Promise<Session[]> {
  const { rows } = await sql<Session>`
    update payment_sessions set lease_until = clock_timestamp() + ${leaseMs} * interval '1 millisecond',
           attempts = attempts + 1
     where id in (select id from payment_sessions
                   where due_at <= ${now} and (lease_until is null or lease_until < clock_timestamp())
                   order by due_at limit ${limit} for update skip locked)
    returning *`.execute(db)
  return rows
}

/** A payment that ended leaves no session that could still begin: whoever is just calling the provider sees it. */
export async function cancelBegunSessions(trx: Trx, paymentIds: readonly string[], now: Date): Promise<void> {
  await trx
    .updateTable('paymentSessions')
    .set({ state: 'cancelled', updatedAt: now })
    .where(sql<boolean>`payment_id = any(${[...paymentIds]}::text[])`)
    .where('state', '=', 'created')
    .execute()
}

/** Has the lane look at once at what is still open of payments that wait for no money any more. */
export async function hurrySessions(trx: Trx, paymentIds: readonly string[], now: Date): Promise<void> {
  if (paymentIds.length === 0) return
  await trx
    .updateTable('paymentSessions')
    .set({ dueAt: now })
    .where(sql<boolean>`payment_id = any(${[...new Set(paymentIds)]}::text[])`)
    .where('state', 'in', LIVE_SESSION_STATES)
    .execute()
}
