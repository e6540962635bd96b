import { sql } from 'kysely'
import type { Db, Trx } from '../db/database.ts'
import type { EffectsTable } from '../db/schema.ts'
import type { Secrets } from '../kernel/secrets.ts'
import { doorKind } from './model.ts'
import { chooseAffordable, type DuePayout } from './payout-funds.ts'
import type { PayoutOrder } from './payout-ports.ts'
import { addOutflows, dayOf, recordWaiting } from './reserve-store.ts'

export interface ClaimedPayout extends PayoutOrder {
  id: string
  /** As it was before the claim: `planned` has never left, the rest may have. */
  was: 'planned' | 'prepared' | 'sent' | 'unknown'
  attempts: number
}

/** When transfers that wait for money or for the next day are looked at again; what comes to the account wakes them. */
const WAIT_MS = 60_000

/**
 * Bank transfers and card refunds that are due, under a lease. One that was planned is `prepared` from here on: after
 * a crash nobody knows whether it left, so the provider is asked first. Closed doors begin nothing new, and no account
 * is ordered to pay what it doesn't have.
 */
export async function claimPayouts(
  db: Db,
  {
    now,
    limit,
    dailyCapUnits,
  }: { now: Date; limit: number; dailyCapUnits: (asset: string) => bigint | null },
  secrets: Pick<Secrets, 'open'>,
): Promise<{ claimed: ClaimedPayout[]; waiting: number }> {
  return db.transaction().execute(async (trx) => {
    const due = await lockDue(trx, now, limit)
    const fromBanks = due.filter(({ was, door }) => was === 'planned' && doorKind(door) === 'bank')
    const { going, waiting } = await chooseAffordable(trx, fromBanks, { now, dailyCapUnits })
    await recordWaiting(trx, waiting, { now, dueAt: new Date(now.getTime() + WAIT_MS) })
    await letOut(trx, going, now)
    const waits = new Set(waiting.map(({ id }) => id))
    const claimed = await lease(
      trx,
      due.filter(({ id }) => !waits.has(id)),
      now,
      secrets,
    )
    return { claimed, waiting: waiting.length }
  })
}

async function lockDue(trx: Trx, now: Date, limit: number): Promise<DuePayout[]> {
  const { rows } = await sql<DuePayout>`
    select e.id, e.state as was, e.door, e.asset, e.units, e.created_at from effects e
     where e.state in ('planned', 'prepared', 'sent', 'unknown') and e.kind in ('bank_transfer', 'card_refund')
       and e.due_at <= ${now} and (e.lease_until is null or e.lease_until < clock_timestamp())
       and (e.state <> 'planned' or not exists (
             select from doors d where d.door = e.door and (d.paused_at is not null or d.halted_at is not null)))
     order by e.due_at, e.id limit ${limit} for update of e skip locked`.execute(trx)
  return rows
}

/** Counts transfers against the day's cap of their doors. */
async function letOut(trx: Trx, going: readonly DuePayout[], now: Date): Promise<void> {
  if (going.length === 0) return
  const day = dayOf(now)
  await sql`
    update effects set left_on = ${day} where id = any(${going.map(({ id }) => id)}::text[])`.execute(trx)
  await addOutflows(
    trx,
    going.map(({ door, asset, units }) => ({ door, asset, units, day })),
  )
}

async function lease(
  trx: Trx,
  due: readonly DuePayout[],
  now: Date,
  secrets: Pick<Secrets, 'open'>,
): Promise<ClaimedPayout[]> {
  const { rows } = await sql<Omit<ClaimedPayout, 'destination'> & { destinationSealed: Buffer }>`
    update effects e
       set state = case when given.was = 'planned' then 'prepared' else given.was end,
           lease_until = clock_timestamp() + interval '60 seconds', updated_at = ${now}
      from unnest(${due.map(({ id }) => id)}::text[], ${due.map(({ was }) => was)}::text[]) given (id, was)
     where e.id = given.id
    returning e.id, given.was, e.idempotency_key, e.door, e.asset, e.units, e.destination_sealed, e.attempts`.execute(
    trx,
  )
  return rows.map(({ destinationSealed, ...row }) => ({
    ...row,
    destination: JSON.parse(secrets.open('effect', destinationSealed).toString('utf8')),
  }))
}

/** Gives locked transfers, known not to have left after all, back to the cap of the day that they were let out on. */
export async function takeBackOutflow(trx: Trx, id: string): Promise<void> {
  const { rows } = await sql<{ door: string; asset: string; units: bigint; day: string }>`
    with out as (select id, left_on from effects where id = ${id} and left_on is not null)
    update effects e set left_on = null from out where e.id = out.id
    returning e.door, e.asset, e.units, to_char(out.left_on, 'YYYY-MM-DD') as day`.execute(trx)
  await addOutflows(
    trx,
    rows.map(({ units, ...row }) => ({ ...row, units: -units })),
  )
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
    /** What was refused for good begins under another key. */
    idempotencyKey?: string
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

export async function setProviderRef(trx: Trx, id: string, providerRef: string): Promise<void> {
  await trx.updateTable('effects').set({ providerRef }).where('id', '=', id).execute()
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

/** Transfers that wait for money on these accounts are looked at now. Those that are being looked at are left alone. */
export async function recheckShort(trx: Trx, ibans: readonly string[], now: Date): Promise<void> {
  await sql`
    with short as (
      select id from effects
       where state = 'planned' and door = any(${ibans.map((iban) => `bank:${iban}`)}::text[])
         and starts_with(reason, 'funds_short:')
       order by id for update skip locked)
    update effects set due_at = ${now} from short where effects.id = short.id`.execute(trx)
}

export async function nextPayoutDue(db: Db): Promise<Date | null> {
  const { rows } = await sql<{ due: Date | null }>`
    select min(due_at) as due from effects
     where state in ('planned', 'prepared', 'sent', 'unknown') and kind in ('bank_transfer', 'card_refund')`.execute(
    db,
  )
  return rows[0]?.due ?? null
}
