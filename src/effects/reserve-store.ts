import { sql } from 'kysely'
import { type Address, isAddress } from 'viem'
import type { Db, Trx } from '../db/database.ts'
import type { Secrets } from '../kernel/secrets.ts'
import type { StoredRequest } from './model.ts'
import type { Candidate, Waiting } from './plan-dispatch.ts'

/** A wallet with its door. */
export interface DoorWallet {
  chain: string
  address: Address
  role: 'hot' | 'deposit'
  keyRef: string
  epoch: number
  nextNonce: number
  door: string
  genesisHash: string
  open: boolean
}

/** The hot wallets of a chain: few, and looked at whether something is to leave them or not. */
export async function listHotWallets(db: Db | Trx, chain: string): Promise<DoorWallet[]> {
  const { rows } = await sql<DoorWallet>`
    ${WALLETS} where w.chain = ${chain} and w.role = 'hot' order by w.address`.execute(db)
  return rows
}

/**
 * Addresses for deposits that something is to leave now, the longest waiting first; the others cost nothing. None while
 * every hot wallet of the chain is shut: whoever shut these, or whatever did, meant the chain.
 */
export async function listDueDepositWallets(
  db: Db,
  { chain, now, limit }: { chain: string; now: Date; limit: number },
): Promise<DoorWallet[]> {
  const { rows } = await sql<DoorWallet>`
    with due as (
      select door, min(due_at) as due_at from effects
       where ${isPlanned(chain)} and due_at <= ${now} and not ${isOfHotWallet(chain)}
       group by door
    )
    ${WALLETS} join due on due.door = 'wallet:' || w.chain || ':' || w.address
     where w.chain = ${chain} and w.address in (select split_part(door, ':', 3) from due) and w.role = 'deposit'
       and d.paused_at is null and d.halted_at is null
       and exists (select from wallets h left join doors hd on hd.door = 'wallet:' || h.chain || ':' || h.address
                    where h.chain = ${chain} and h.role = 'hot' and hd.paused_at is null and hd.halted_at is null)
     order by due.due_at, w.address limit ${limit}`.execute(db)
  return rows
}

const WALLETS = sql`
  select w.chain, w.address, w.role, w.key_ref, w.epoch, w.next_nonce, c.genesis_hash,
         'wallet:' || w.chain || ':' || w.address as door,
         d.paused_at is null and d.halted_at is null as open
    from wallets w join chains c using (chain)
    left join doors d on d.door = 'wallet:' || w.chain || ':' || w.address`

/** The wallet under lock; null when it belongs to another epoch by now or its door was closed. */
export async function lockOpenWallet(trx: Trx, wallet: DoorWallet): Promise<DoorWallet | null> {
  const { chain, address } = wallet
  const { rows } = await sql<{ epoch: number; nextNonce: number }>`
    select epoch, next_nonce from wallets
     where chain = ${chain} and address = ${address} for update`.execute(trx)
  const now = await sql<DoorWallet>`${WALLETS} where w.chain = ${chain} and w.address = ${address}`.execute(
    trx,
  )
  if (!now.rows[0]?.open || rows[0]?.epoch !== wallet.epoch) return null
  return { ...now.rows[0], nextNonce: rows[0].nextNonce }
}

export interface PlannedRow extends Candidate {
  purpose: string
  reference: string
  dueAt: Date
}

/**
 * Planned transfers that are due, oldest first. One whose recipient can't be read (sealed under another master key,
 * say) is named apart, so that it holds up nobody.
 */
export async function listPlanned(
  db: Db,
  { door, now, limit }: { door: string; now: Date; limit: number },
  secrets: Pick<Secrets, 'open'>,
): Promise<{ planned: PlannedRow[]; unreadable: Waiting[] }> {
  const { rows } = await sql<Omit<PlannedRow, 'to'> & { destinationSealed: Buffer }>`
    select id, purpose, reference, asset, units, single, attempts, destination_sealed, due_at from effects
     where door = ${door} and state = 'planned' and kind = 'coin_transfer' and due_at <= ${now}
     order by created_at, id limit ${limit}`.execute(db)
  const planned: PlannedRow[] = []
  const unreadable: Waiting[] = []
  for (const { destinationSealed, ...row } of rows) {
    const to = readRecipient(secrets, destinationSealed)
    if (to) planned.push({ ...row, to })
    else
      unreadable.push({
        id: row.id,
        reason: 'unreadable: its recipient can not be read under this master key',
      })
  }
  return { planned, unreadable }
}

function readRecipient(secrets: Pick<Secrets, 'open'>, sealed: Buffer): Address | null {
  try {
    const { address } = JSON.parse(secrets.open('effect', sealed).toString('utf8'))
    return isAddress(address, { strict: false }) ? address : null
  } catch {
    // The caller tells the operator by the effect's reason.
    return null
  }
}

/** Those of the transfers that still are planned, locked. Whoever cancels one of them has it locked: it is left out. */
export async function lockPlanned(trx: Trx, ids: readonly string[]): Promise<Set<string>> {
  const { rows } = await sql<{ id: string }>`
    select id from effects where id = any(${[...ids]}::text[]) and state = 'planned'
     order by id for update skip locked`.execute(trx)
  return new Set(rows.map(({ id }) => id))
}

export interface InFlight {
  /** Base units on their way, by asset. */
  units: Map<string, bigint>
  /** The most their gas can cost, in units of the native coin. */
  maxGasUnits: bigint
  /** Transactions in no block. */
  count: number
}

/**
 * What is on its way out of a wallet and not in its balance at `height` yet. A transaction in a later block counts:
 * the balance was read at that height or after, so at worst it counts twice for a moment.
 */
export async function sumInFlight(
  db: Db | Trx,
  { chain, address }: Pick<DoorWallet, 'chain' | 'address'>,
  height: number,
): Promise<InFlight> {
  const { rows } = await sql<{ asset: string | null; units: bigint | null; count: number; maxGas: bigint }>`
    with moving as (
      select id, max_gas_units, block_height from chain_transactions
       where chain = ${chain} and wallet = ${address} and state in ('reserved', 'prepared', 'sent')
         and (block_height is null or block_height > ${height})
    )
    select null as asset, null as units, count(*) filter (where block_height is null)::int as count,
           coalesce(sum(max_gas_units), 0) as max_gas from moving
    union all
    select asset, sum(units), 0, 0 from effects
     where transaction_id in (select id from moving) group by asset`.execute(db)
  const units = new Map(rows.flatMap((row) => (row.asset ? [[row.asset, row.units ?? 0n]] : [])))
  const total = rows.find((row) => row.asset === null)
  return { units, count: total?.count ?? 0, maxGasUnits: total?.maxGas ?? 0n }
}

/** The day of a time, in UTC. */
export const dayOf = (time: Date): string => time.toISOString().slice(0, 10)

/** What left the door on this day so far, by asset. */
export async function readOutflows(db: Db | Trx, door: string, day: string): Promise<Map<string, bigint>> {
  const rows = await db
    .selectFrom('outflows')
    .select(['asset', 'units'])
    .where('door', '=', door)
    .where('day', '=', day)
    .execute()
  return new Map(rows.map(({ asset, units }) => [asset, units]))
}

/** Adds to what left the door on a day; negative units give back what did not leave after all. */
export async function addOutflows(
  trx: Trx,
  outflows: readonly { door: string; asset: string; day: string; units: bigint }[],
): Promise<void> {
  if (outflows.length === 0) return
  await sql`
    insert into outflows (door, asset, day, units)
    select door, asset, day, sum(units)
      from unnest(${outflows.map(({ door }) => door)}::text[], ${outflows.map(({ asset }) => asset)}::text[],
                  ${outflows.map(({ day }) => day)}::date[],
                  ${outflows.map(({ units }) => units.toString())}::numeric[]) given (door, asset, day, units)
     group by door, asset, day order by door, asset, day
    on conflict (door, asset, day) do update set units = outflows.units + excluded.units`.execute(trx)
}

export interface NewTransaction {
  nonce: number
  kind: 'single' | 'batch' | 'approve'
  request: StoredRequest
  maxGasUnits: bigint
  members: readonly { id: string }[]
}

/** Binds the next nonces of a wallet to transactions, and effects to these: from here on they can't be cancelled simply. */
export async function insertReserved(
  trx: Trx,
  wallet: DoorWallet,
  transactions: readonly NewTransaction[],
  now: Date,
): Promise<void> {
  const members = transactions.flatMap(({ nonce, members }) => members.map(({ id }) => ({ id, nonce })))
  await sql`
    with line as (
      update wallets set next_nonce = ${wallet.nextNonce + transactions.length}
       where chain = ${wallet.chain} and address = ${wallet.address}
    ), added as (
      insert into chain_transactions (chain, epoch, wallet, nonce, kind, state, request, max_gas_units, created_at, updated_at)
      select ${wallet.chain}, ${wallet.epoch}, ${wallet.address}, nonce, kind, 'reserved', request, max_gas_units, ${now}, ${now}
        from unnest(${transactions.map(({ nonce }) => nonce)}::bigint[],
                    ${transactions.map(({ kind }) => kind)}::text[],
                    ${transactions.map(({ request }) => JSON.stringify(request))}::jsonb[],
                    ${transactions.map(({ maxGasUnits }) => maxGasUnits.toString())}::numeric[])
             given (nonce, kind, request, max_gas_units)
      returning id, nonce
    )
    update effects set state = 'reserved', transaction_id = added.id, reason = null, updated_at = ${now}
      from unnest(${members.map(({ id }) => id)}::text[], ${members.map(({ nonce }) => nonce)}::bigint[]) member (id, nonce)
      join added on added.nonce = member.nonce
     where effects.id = member.id`.execute(trx)
}

/** Notes why planned transfers wait, and when they are looked at again. */
export async function recordWaiting(
  trx: Db | Trx,
  waiting: readonly Waiting[],
  { now, dueAt }: { now: Date; dueAt: Date },
): Promise<void> {
  if (waiting.length === 0) return
  await sql`
    with open as (
      select id from effects where id = any(${waiting.map(({ id }) => id)}::text[]) and state = 'planned'
       for update skip locked
    )
    update effects set reason = given.reason, due_at = ${dueAt}, updated_at = ${now}
      from open join unnest(${waiting.map(({ id }) => id)}::text[],
                            ${waiting.map(({ reason }) => reason)}::text[]) given (id, reason) using (id)
     where effects.id = open.id`.execute(trx)
}

/** Notes that the chain refused transfers when they were tried out: from now on each is looked at by itself. */
export async function recordRefused(
  trx: Trx,
  refused: readonly (Waiting & { dueAt: Date })[],
  now: Date,
): Promise<void> {
  await sql`
    update effects set reason = given.reason, due_at = given.due_at, single = true,
                       attempts = attempts + 1, updated_at = ${now}
      from unnest(${refused.map(({ id }) => id)}::text[], ${refused.map(({ reason }) => reason)}::text[],
                  ${refused.map(({ dueAt }) => dueAt)}::timestamptz[]) given (id, reason, due_at)
     where effects.id = given.id and state = 'planned'`.execute(trx)
}

/** When the next planned transfer of the chain's wallets is due. */
export async function nextPlannedDue(db: Db, chain: string, role: DoorWallet['role']): Promise<Date | null> {
  const own = role === 'hot' ? isOfHotWallet(chain) : sql<boolean>`not ${isOfHotWallet(chain)}`
  const { rows } = await sql<{ due: Date }>`
    select due_at as due from effects where ${isPlanned(chain)} and ${own} order by due_at limit 1`.execute(
    db,
  )
  return rows[0]?.due ?? null
}

/** As the index of planned coins has it. */
const isPlanned = (chain: string) => sql<boolean>`
  split_part(asset, ':', 1) = ${chain} and state = 'planned' and kind = 'coin_transfer'`

/** By the few that are hot wallets, so that the others are not looked up one by one. */
const isOfHotWallet = (chain: string) => sql<boolean>`
  (door = any(array(select 'wallet:' || chain || ':' || address from wallets where chain = ${chain} and role = 'hot')))`
