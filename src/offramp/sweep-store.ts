import { type Selectable, sql } from 'kysely'
import type { Address } from 'viem'
import type { Db, Trx } from '../db/database.ts'
import type { SweepsTable } from '../db/schema.ts'
import { walletDoor } from '../effects/model.ts'
import { randomText } from '../kernel/ids.ts'
import { IS_INDEXED } from '../ledger/book.ts'

export type Sweep = Selectable<SweepsTable>

export const sweepReference = (sweepId: string): string => `sweep:${sweepId}`

/** Each effect of a sweep has a round of its own, so that none is ever planned twice. */
export const sweepPurpose = (sweepId: string, what: 'gas' | 'coins', round: number): string =>
  `sweep:${sweepId}:${what}:${round}`

/** Coins of one kind on one address. */
export interface Place {
  address: string
  asset: string
}

export interface UnsweptDeposit extends Place {
  integrationId: number
  id: string
  epoch: number
}

/** As the index of unswept deposits has it: what came from blocked addresses stays until a person decided. */
const isUnswept = sql<boolean>`
  d.state = 'final' and d.outcome is not null and (d.outcome <> 'blocked' or d.settled_at is not null)
  and d.sweep_seen_at is null`

// Counted, so that each is looked up by itself: joined, the planner reads all open sweeps for every deposit.
const isFree = sql<boolean>`
  (select count(*) from sweeps s
    where s.chain = d.chain and s.address = d.address and s.state in ('gas', 'coins')) = 0`

/** Booked deposits whose addresses were not looked at since, and where nothing is being moved; locked, oldest first. */
export async function lockUnswept(trx: Trx, chain: string, limit: number): Promise<UnsweptDeposit[]> {
  const { rows } = await sql<UnsweptDeposit>`
    select d.integration_id, d.id, d.epoch, d.address, d.asset
      from deposits d join chains c on c.chain = d.chain and c.epoch = d.epoch
     where d.chain = ${chain} and ${isUnswept} and ${isFree}
     order by d.final_at limit ${limit} for update of d skip locked`.execute(trx)
  return rows
}

/** Since when the oldest of these waits. */
export async function nextUnswept(db: Db, chain: string): Promise<Date | null> {
  const { rows } = await sql<{ at: Date }>`
    select d.final_at as at from deposits d join chains c on c.chain = d.chain and c.epoch = d.epoch
     where d.chain = ${chain} and ${isUnswept} and ${isFree} order by d.final_at limit 1`.execute(db)
  return rows[0]?.at ?? null
}

export async function countOpenSweeps(trx: Trx, chain: string): Promise<number> {
  const { rows } = await sql<{ open: number }>`
    select count(*)::int as open from sweeps where chain = ${chain} and state in ('gas', 'coins')`.execute(
    trx,
  )
  return rows[0]!.open
}

/** What is at a place: by the books all of it, and the part that came from blocked addresses. */
export interface Held {
  bookedUnits: bigint
  blockedUnits: bigint
}

const placeKey = ({ address, asset }: Place): string => `${address} ${asset}`

export async function readHeld(
  db: Db | Trx,
  chain: string,
  places: readonly Place[],
): Promise<(place: Place) => Held> {
  const { rows } = await sql<Place & Held>`
    select given.address, given.asset,
           coalesce((select sum(units) from postings p
                      where p.account = given.door and p.asset = given.asset and ${IS_INDEXED}), 0) as booked_units,
           coalesce((select sum(b.units) from deposits b join chains c on c.chain = b.chain and c.epoch = b.epoch
                      where b.chain = ${chain} and b.address = given.address and b.asset = given.asset
                        and b.state = 'final' and b.outcome = 'blocked' and b.settled_at is null), 0) as blocked_units
      from unnest(${places.map(({ address }) => address)}::text[], ${places.map(({ asset }) => asset)}::text[],
                  ${places.map(({ address }) => walletDoor(chain, address))}::text[]) given (address, asset, door)`.execute(
    db,
  )
  const held = new Map(rows.map((row) => [placeKey(row), row]))
  return (place) => held.get(placeKey(place))!
}

export interface NewSweep extends Place {
  integrationId: number
  chain: string
  epoch: number
  units: bigint
}

/** Begins sweeps; answers the addresses at which none was open. */
export async function insertSweeps(
  trx: Trx,
  sweeps: readonly NewSweep[],
  now: Date,
): Promise<ReadonlySet<string>> {
  if (sweeps.length === 0) return new Set()
  const inserted = await trx
    .insertInto('sweeps')
    .values(
      sweeps.map((sweep) => ({
        ...sweep,
        id: randomText(25),
        state: 'gas' as const,
        dueAt: now,
        createdAt: now,
        updatedAt: now,
      })),
    )
    .onConflict((conflict) => conflict.doNothing())
    .returning('address')
    .execute()
  return new Set(inserted.map(({ address }) => address))
}

export async function recordSeen(trx: Trx, deposits: readonly UnsweptDeposit[], now: Date): Promise<void> {
  if (deposits.length === 0) return
  await sql`
    update deposits set sweep_seen_at = ${now}
      from unnest(${deposits.map(({ integrationId }) => integrationId)}::integer[],
                  ${deposits.map(({ id }) => id)}::text[]) given (integration_id, id)
     where deposits.integration_id = given.integration_id and deposits.id = given.id`.execute(trx)
}

/** Sweeps of the chain as it is now that are to be looked at, the longest waiting first. */
export async function listDueSweeps(
  db: Db,
  { chain, now, limit }: { chain: string; now: Date; limit: number },
): Promise<Sweep[]> {
  const { rows } = await sql<Sweep>`
    select s.* from sweeps s join chains c on c.chain = s.chain and c.epoch = s.epoch
     where s.chain = ${chain} and s.due_at <= ${now} order by s.due_at, s.id limit ${limit}`.execute(db)
  return rows
}

export async function nextSweepDue(db: Db, chain: string): Promise<Date | null> {
  const row = await db
    .selectFrom('sweeps')
    .select('dueAt')
    .where('chain', '=', chain)
    .where('dueAt', 'is not', null)
    .orderBy('dueAt')
    .limit(1)
    .executeTakeFirst()
  return row?.dueAt ?? null
}

/** Those of the sweeps that are still where they were read, locked. */
export async function lockSweeps(
  trx: Trx,
  sweeps: readonly Pick<Sweep, 'id' | 'state' | 'round' | 'attempts'>[],
): Promise<Sweep[]> {
  const { rows } = await sql<Sweep>`
    select s.* from sweeps s
      join unnest(${sweeps.map(({ id }) => id)}::text[], ${sweeps.map(({ state }) => state)}::text[],
                  ${sweeps.map(({ round }) => round)}::integer[], ${sweeps.map(({ attempts }) => attempts)}::integer[])
                 given (id, state, round, attempts)
        on s.id = given.id and s.state = given.state and s.round = given.round and s.attempts = given.attempts
     order by s.id for update of s`.execute(trx)
  return rows
}

/** Sweeps whose effects ended, locked, whatever their state. */
export async function lockSweepsById(trx: Trx, ids: readonly string[]): Promise<Map<string, Sweep>> {
  const { rows } = await sql<Sweep>`
    select * from sweeps where id = any(${[...ids]}::text[]) order by id for update`.execute(trx)
  return new Map(rows.map((row) => [row.id, row]))
}

export type SweepChange = Pick<Sweep, 'id' | 'state' | 'units' | 'round' | 'attempts' | 'dueAt' | 'reason'>

/** Writes where locked sweeps are now, in one statement. */
export async function updateSweeps(trx: Trx, changes: readonly SweepChange[], now: Date): Promise<void> {
  if (changes.length === 0) return
  await sql`
    update sweeps
       set state = given.state, units = given.units, round = given.round, attempts = given.attempts,
           due_at = given.due_at, reason = given.reason, updated_at = ${now}
      from unnest(${changes.map(({ id }) => id)}::text[], ${changes.map(({ state }) => state)}::text[],
                  ${changes.map(({ units }) => units.toString())}::numeric[],
                  ${changes.map(({ round }) => round)}::integer[],
                  ${changes.map(({ attempts }) => attempts)}::integer[],
                  ${changes.map(({ dueAt }) => dueAt)}::timestamptz[],
                  ${changes.map(({ reason }) => reason)}::text[])
           given (id, state, units, round, attempts, due_at, reason)
     where sweeps.id = given.id`.execute(trx)
}

/** The hot wallet that coins go to: one that is open, if any is. */
export async function chooseHotWallet(db: Db, chain: string): Promise<Address | undefined> {
  const { rows } = await sql<{ address: Address }>`
    select w.address from wallets w left join doors d on d.door = 'wallet:' || w.chain || ':' || w.address
     where w.chain = ${chain} and w.role = 'hot'
     order by d.halted_at is not null, d.paused_at is not null, w.address limit 1`.execute(db)
  return rows[0]?.address
}

/** A sweep whose coins should be leaving and are in no block. */
export interface SlowSweep extends Place {
  id: string
  integrationId: number
  state: 'coins'
  round: number
  attempts: number
  effectId: string
  /** It was bound to no transaction yet, for want of coins or gas. */
  isPlanned: boolean
  /** The most that its transaction can take from the address, in native coins; null before there is one. */
  neededUnits: bigint | null
}

export async function listSlowSweeps(db: Db, chain: string, limit: number): Promise<SlowSweep[]> {
  const { rows } = await sql<SlowSweep>`
    select s.id, s.integration_id, s.state, s.round, s.attempts, s.address, s.asset, e.id as effect_id, e.state = 'planned' as is_planned,
           t.max_gas_units + case when t.cancelling then 0 else (t.request->>'value')::numeric end as needed_units
      from sweeps s join chains c on c.chain = s.chain and c.epoch = s.epoch
      join effects e on e.reference = 'sweep:' || s.id and e.state in ('planned', 'reserved')
                    and split_part(e.purpose, ':', 3) = 'coins'
      left join chain_transactions t on t.id = e.transaction_id
     where s.chain = ${chain} and s.state = 'coins'
       and ((e.state = 'planned' and split_part(e.reason, ':', 1) in ('gas_short', 'coins_short'))
            or (t.state in ('prepared', 'sent') and t.block_height is null))
       and not exists (select from effects g
                        where g.reference = e.reference and split_part(g.purpose, ':', 3) = 'gas'
                          and g.state in ('planned', 'reserved', 'unknown'))
     order by s.created_at, s.id limit ${limit}`.execute(db)
  return rows
}

/** Gives effects up that still are planned, so that none of them can leave; answers which. */
export async function cancelPlanned(
  trx: Trx,
  effectIds: readonly string[],
  reason: string,
  now: Date,
): Promise<ReadonlySet<string>> {
  const { rows } = await sql<{ id: string }>`
    with open as (
      select id from effects where id = any(${[...effectIds]}::text[]) and state = 'planned'
       order by id for update skip locked
    )
    update effects set state = 'cancelled', reason = ${reason}, due_at = null, lease_until = null, updated_at = ${now}
      from open where effects.id = open.id returning effects.id`.execute(trx)
  return new Set(rows.map(({ id }) => id))
}

/** Ends effects that failed: what they were for is planned in another round. */
export async function dropFailed(trx: Trx, effectIds: readonly string[]): Promise<void> {
  if (effectIds.length === 0) return
  await sql`
    update effects set state = 'cancelled' where id = any(${[...effectIds]}::text[]) and state = 'failed'`.execute(
    trx,
  )
}
