import { sql } from 'kysely'
import type { Db, Trx } from '../db/database.ts'
import type { EffectsTable } from '../db/schema.ts'
import type { Secrets } from '../kernel/secrets.ts'
import type { PayoutOrder } from './payout-ports.ts'

export interface ClaimedPayout extends PayoutOrder {
  id: string
  /** As it was before the claim: `planned` has never left, the rest may have. */
  was: 'planned' | 'prepared' | 'sent' | 'unknown'
  attempts: number
}

/**
 * Bank transfers and card refunds that are due, under a lease. One that was planned is `prepared` from here on: after
 * a crash nobody knows whether it left, so the provider is asked first. Closed doors begin nothing new.
 */
export async function claimPayouts(
  db: Db,
  { now, limit }: { now: Date; limit: number },
  secrets: Pick<Secrets, 'open'>,
): Promise<ClaimedPayout[]> {
  const { rows } = await sql<Omit<ClaimedPayout, 'destination'> & { destinationSealed: Buffer }>`
    with due as (
      select e.id, e.state as was from effects e
       where e.state in ('planned', 'prepared', 'sent', 'unknown') and e.kind in ('bank_transfer', 'card_refund')
         and e.due_at <= ${now} and (e.lease_until is null or e.lease_until < clock_timestamp())
         and (e.state <> 'planned' or not exists (
               select from doors d where d.door = e.door and (d.paused_at is not null or d.halted_at is not null)))
       order by e.due_at, e.id limit ${limit} for update of e skip locked
    )
    update effects e
       set state = case when due.was = 'planned' then 'prepared' else due.was end,
           lease_until = clock_timestamp() + interval '60 seconds', updated_at = ${now}
      from due where e.id = due.id
    returning e.id, due.was, e.idempotency_key, e.door, e.asset, e.units, e.destination_sealed, e.attempts`.execute(
    db,
  )
  return rows.map(({ destinationSealed, ...row }) => ({
    ...row,
    destination: JSON.parse(secrets.open('effect', destinationSealed).toString('utf8')),
  }))
}

/** The effect under lock if it still is where the claim left it; a person or a notification may have been faster. */
export async function lockClaimed(trx: Trx, { id, was }: ClaimedPayout): Promise<boolean> {
  const row = await trx
    .selectFrom('effects')
    .select('state')
    .where('id', '=', id)
    .forUpdate()
    .executeTakeFirst()
  return row?.state === (was === 'planned' ? 'prepared' : was)
}

/** Puts a claimed payout into a state that is no end. Without `dueAt` it waits for a person. */
export async function recordPayout(
  trx: Trx,
  id: string,
  change: {
    state: Extract<EffectsTable['state'], 'planned' | 'prepared' | 'sent' | 'unknown'>
    reason: string | null
    providerRef?: string
    attempts: number
    dueAt: Date | null
  },
  now: Date,
): Promise<void> {
  await trx
    .updateTable('effects')
    .set({ ...change, leaseUntil: null, updatedAt: now })
    .where('id', '=', id)
    .execute()
}

/** Orders that a provider told news of are looked at now. */
export async function recheckPayouts(
  db: Db | Trx,
  idempotencyKeys: readonly string[],
  now: Date,
): Promise<void> {
  await sql`
    update effects set due_at = ${now}
     where idempotency_key = any(${[...idempotencyKeys]}::text[]) and state in ('sent', 'unknown', 'prepared')`.execute(
    db,
  )
}

export async function nextPayoutDue(db: Db): Promise<Date | null> {
  const { rows } = await sql<{ due: Date | null }>`
    select min(due_at) as due from effects
     where state in ('planned', 'prepared', 'sent', 'unknown') and kind in ('bank_transfer', 'card_refund')`.execute(
    db,
  )
  return rows[0]?.due ?? null
}
