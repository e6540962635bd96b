import { type Selectable, sql } from 'kysely'
import type { Db, Trx } from '../db/database.ts'
import type { DepositsTable } from '../db/schema.ts'
import type { DepositOutcome } from './decide-deposit.ts'
import type { Sale } from './sale.ts'
import type { CountedCoins } from './sale-conversion.ts'

export type Deposit = Selectable<DepositsTable>

export interface Claimed {
  deposits: Deposit[]
  /** What else came for the same sales and was not worked off: not final yet, or claimed by another. */
  beside: Deposit[]
}

/** Final deposits that were not worked off, the oldest first, under a lease. */
export async function claimDeposits(
  db: Db,
  { limit, leaseMs }: { limit: number; leaseMs: number },
): Promise<Claimed> {
  const { rows } = await sql<Deposit & { isClaimed: boolean }>`
    with claimed as (
      update deposits set lease_until = clock_timestamp() + ${leaseMs} * interval '1 millisecond'
       where (integration_id, id) in (
             select integration_id, id from deposits
              where state = 'final' and outcome is null and (lease_until is null or lease_until < clock_timestamp())
              order by final_at, id limit ${limit} for update skip locked)
      returning *)
    select claimed.*, true as is_claimed from claimed
    union all
    select beside.*, false
      from (select distinct integration_id, sale_id from claimed) sale
      join deposits beside using (integration_id, sale_id)
     where beside.state <> 'vanished' and beside.outcome is null
       and not exists (select from claimed
                        where claimed.integration_id = beside.integration_id and claimed.id = beside.id)`.execute(
    db,
  )
  const { claimed = [], beside = [] } = Object.groupBy(rows, ({ isClaimed }) =>
    isClaimed ? 'claimed' : 'beside',
  )
  return { deposits: claimed, beside }
}

/** Those of the deposits that still wait, locked after their sales, in the order in which they came. */
export async function lockDeposits(trx: Trx, deposits: readonly Deposit[]): Promise<Deposit[]> {
  const { rows } = await sql<Deposit>`
    select d.* from deposits d
      join unnest(${deposits.map(({ integrationId }) => integrationId)}::integer[],
                  ${deposits.map(({ id }) => id)}::text[]) given (integration_id, id)
        on d.integration_id = given.integration_id and d.id = given.id
     where d.state = 'final' and d.outcome is null
     order by d.chain, d.block_height, d.ordinal, d.id for update of d`.execute(trx)
  return rows
}

/** Writes what deposits were counted as, in one statement. */
export async function recordOutcomes(
  trx: Trx,
  outcomes: readonly { deposit: Deposit; outcome: DepositOutcome; returnRound: number | null }[],
  now: Date,
): Promise<void> {
  if (outcomes.length === 0) return
  await sql`
    update deposits
       set outcome = given.outcome, return_round = given.return_round, lease_until = null, updated_at = ${now}
      from unnest(${outcomes.map(({ deposit }) => deposit.integrationId)}::integer[],
                  ${outcomes.map(({ deposit }) => deposit.id)}::text[],
                  ${outcomes.map(({ outcome }) => outcome)}::text[],
                  ${outcomes.map(({ returnRound }) => returnRound)}::integer[])
           given (integration_id, id, outcome, return_round)
     where deposits.integration_id = given.integration_id and deposits.id = given.id`.execute(trx)
}

/** The deposits that were counted for these sales, each sale's in the order in which they were first seen. */
export async function loadCounted(
  trx: Trx,
  sales: readonly Pick<Sale, 'integrationId' | 'id'>[],
): Promise<Map<string, CountedCoins[]>> {
  const counted = new Map<string, CountedCoins[]>(sales.map(({ id }) => [id, []]))
  if (sales.length === 0) return counted
  const { rows } = await sql<CountedCoins & { saleId: string }>`
    select d.sale_id, d.units, d.first_seen_at from deposits d
      join unnest(${sales.map(({ integrationId }) => integrationId)}::integer[],
                  ${sales.map(({ id }) => id)}::text[]) given (integration_id, sale_id)
        on d.integration_id = given.integration_id and d.sale_id = given.sale_id
     where d.outcome = 'credited' order by d.first_seen_at, d.block_height, d.ordinal, d.id`.execute(trx)
  for (const { saleId, ...coins } of rows) counted.get(saleId)!.push(coins)
  return counted
}

/** Coins of a sale that are not its own, or came from a blocked address, and of which nothing was decided. */
export interface OpenDeposit {
  integrationId: number
  id: string
  saleId: string
  asset: string
  units: bigint
  outcome: 'wrong_asset' | 'blocked'
  /** The return that is to give it back; null when nobody has decided yet. */
  returnRound: number | null
}

export async function loadOpenDeposits(
  trx: Trx,
  sales: readonly Pick<Sale, 'integrationId' | 'id'>[],
): Promise<Map<string, OpenDeposit[]>> {
  const open = new Map<string, OpenDeposit[]>(sales.map(({ id }) => [id, []]))
  if (sales.length === 0) return open
  const { rows } = await sql<OpenDeposit>`
    select d.integration_id, d.id, d.sale_id, d.asset, d.units, d.outcome, d.return_round from deposits d
      join unnest(${sales.map(({ integrationId }) => integrationId)}::integer[],
                  ${sales.map(({ id }) => id)}::text[]) given (integration_id, sale_id)
        on d.integration_id = given.integration_id and d.sale_id = given.sale_id
     where d.outcome in ('wrong_asset', 'blocked') and d.settled_at is null
     order by d.id for update of d`.execute(trx)
  for (const row of rows) open.get(row.saleId)!.push(row)
  return open
}

/** What became of open deposits: on their way back, settled, held again, or counted after all. */
export async function changeOpenDeposits(
  trx: Trx,
  deposits: readonly OpenDeposit[],
  change: { returnRound?: number | null; settledAt?: Date; outcome?: DepositOutcome },
  now: Date,
): Promise<void> {
  if (deposits.length === 0) return
  await trx
    .updateTable('deposits')
    .set({ ...change, updatedAt: now })
    .where('integrationId', '=', deposits[0]!.integrationId)
    .where(
      'id',
      'in',
      deposits.map(({ id }) => id),
    )
    .execute()
}

/**
 * Names the deposits that a return of counted coins gives back: the last ones of its sale that no return has, as far as
 * it gives back all of each.
 */
export async function linkReturn(
  trx: Trx,
  { integrationId, id }: Pick<Sale, 'integrationId' | 'id'>,
  { round, units }: { round: number; units: bigint },
  now: Date,
): Promise<void> {
  await sql`
    update deposits set return_round = ${round}, updated_at = ${now}
      from (select id, sum(units) over (order by first_seen_at desc, block_height desc, ordinal desc, id desc) as total
              from deposits
             where integration_id = ${integrationId} and sale_id = ${id} and outcome = 'credited'
               and return_round is null) free
     where deposits.integration_id = ${integrationId} and deposits.id = free.id and free.total <= ${units}`.execute(
    trx,
  )
}

/** What became of counted deposits that a return was to give back: they are back, or held again. */
export async function changeReturned(
  trx: Trx,
  { integrationId, id }: Pick<Sale, 'integrationId' | 'id'>,
  round: number,
  { is, now }: { is: 'back' | 'held'; now: Date },
): Promise<void> {
  const change = is === 'back' ? { settledAt: now } : { returnRound: null }
  await trx
    .updateTable('deposits')
    .set({ ...change, updatedAt: now })
    .where('integrationId', '=', integrationId)
    .where('saleId', '=', id)
    .where('returnRound', '=', round)
    .where('outcome', '=', 'credited')
    .execute()
}

/** Whether coins were seen for a sale that are not final, or were not worked off. */
export async function loadPending(
  trx: Trx,
  sales: readonly Pick<Sale, 'integrationId' | 'id'>[],
): Promise<Set<string>> {
  if (sales.length === 0) return new Set()
  const { rows } = await sql<{ saleId: string }>`
    select distinct d.sale_id from deposits d
      join unnest(${sales.map(({ integrationId }) => integrationId)}::integer[],
                  ${sales.map(({ id }) => id)}::text[]) given (integration_id, sale_id)
        on d.integration_id = given.integration_id and d.sale_id = given.sale_id
     where d.state = 'seen' or (d.state = 'final' and d.outcome is null)`.execute(trx)
  return new Set(rows.map(({ saleId }) => saleId))
}
