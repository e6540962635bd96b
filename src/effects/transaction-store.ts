import { sql } from 'kysely'
import type { Address, Hex } from 'viem'
import type { Db, Trx } from '../db/database.ts'
import type { StoredRequest } from './model.ts'

/** A chain transaction that is not over. */
export interface OpenTransaction {
  id: number
  wallet: Address
  keyRef: string
  nonce: number
  kind: 'single' | 'batch' | 'approve'
  state: 'reserved' | 'prepared' | 'sent'
  request: StoredRequest
  cancelling: boolean
  attempts: number
  wantedAttempts: number
}

/** An attempt to get a transaction onto the chain: what was signed, so that the same can be sent again. */
export interface Attempt {
  transactionId: number
  attempt: number
  hash: Hex
  raw: Hex
  maxFeePerGas: bigint
  maxPriorityFeePerGas: bigint
  cancels: boolean
}

/** How long a process may take for signing or sending before another one goes on: doing it twice does no harm. */
const LEASE = sql`interval '10 seconds'`

/** Doors that let nothing new out. What was given up, or went out before, may still be brought to its end when paused. */
const doorLets = sql<boolean>`not exists (
  select from doors d where d.door = 'wallet:' || t.chain || ':' || t.wallet
     and (d.halted_at is not null
          or (d.paused_at is not null and t.real_sent_at is null and not t.cancelling)))`

/** Transactions that want another attempt to be signed, in the order of their nonces, under a lease. */
export async function claimUnsigned(db: Db, chain: string, limit: number): Promise<OpenTransaction[]> {
  const { rows } = await sql<OpenTransaction>`
    with due as (
      select t.id from chain_transactions t join chains c using (chain)
       where t.chain = ${chain} and t.state in ('reserved', 'prepared', 'sent') and t.epoch = c.epoch
         and t.wanted_attempts > t.attempts
         and (t.lease_until is null or t.lease_until < clock_timestamp()) and ${doorLets}
       order by t.wallet, t.nonce limit ${limit} for update of t skip locked
    ), claimed as (
      update chain_transactions t set lease_until = clock_timestamp() + ${LEASE}
        from due where t.id = due.id returning t.*
    )
    select claimed.id, wallet, key_ref, nonce, kind, state, request, cancelling, attempts, wanted_attempts
      from claimed join wallets w on w.chain = claimed.chain and w.address = claimed.wallet
     order by wallet, nonce`.execute(db)
  return rows
}

/** The attempts made so far for these transactions, oldest first. */
export async function listAttempts(db: Db, transactionIds: readonly number[]): Promise<Attempt[]> {
  const { rows } = await sql<Attempt>`
    select transaction_id, attempt, hash, raw, max_fee_per_gas, max_priority_fee_per_gas, cancels
      from chain_attempts where transaction_id = any(${[...transactionIds]}::bigint[])
     order by transaction_id, attempt`.execute(db)
  return rows
}

/**
 * Stores signed attempts before anybody else sees them. One that another process stored in the meantime stands: what
 * is broadcast is always what is stored.
 */
export async function recordSigned(
  db: Db,
  signed: readonly (Attempt & { maxGasUnits: bigint })[],
  { now, realNow }: { now: Date; realNow: Date },
): Promise<void> {
  const column = <T>(pick: (attempt: Attempt & { maxGasUnits: bigint }) => T): T[] => signed.map(pick)
  await sql`
    with given as (
      select * from unnest(
        ${column(({ transactionId }) => transactionId)}::bigint[], ${column(({ attempt }) => attempt)}::integer[],
        ${column(({ hash }) => hash)}::text[], ${column(({ raw }) => raw)}::text[],
        ${column(({ maxFeePerGas }) => maxFeePerGas.toString())}::numeric[],
        ${column(({ maxPriorityFeePerGas }) => maxPriorityFeePerGas.toString())}::numeric[],
        ${column(({ cancels }) => cancels)}::boolean[], ${column(({ maxGasUnits }) => maxGasUnits.toString())}::numeric[])
        as given (transaction_id, attempt, hash, raw, max_fee, max_priority_fee, cancels, max_gas_units)
    ), moved as (
      update chain_transactions t
         set state = 'prepared', attempts = given.attempt, max_gas_units = greatest(t.max_gas_units, given.max_gas_units),
             hash = coalesce(case when t.block_height is not null then t.hash end, given.hash),
             lease_until = null, due_at = ${now}, updated_at = ${now}
        from given
       where t.id = given.transaction_id and t.attempts = given.attempt - 1 and t.state in ('reserved', 'prepared', 'sent')
      returning t.id, t.attempts
    )
    insert into chain_attempts (transaction_id, attempt, hash, raw, max_fee_per_gas, max_priority_fee_per_gas, cancels, real_created_at)
    select given.transaction_id, given.attempt, hash, raw, max_fee, max_priority_fee, cancels, ${realNow}
      from given join moved on moved.id = given.transaction_id and moved.attempts = given.attempt`.execute(db)
}

export interface Unsent {
  id: number
  wallet: Address
  nonce: number
  hash: Hex
  raw: Hex
  genesisHash: string
}

/** Signed transactions that are to be broadcast, each with its last attempt, in the order of their nonces, under a lease. */
export async function claimUnsent(
  db: Db,
  { chain, now, limit }: { chain: string; now: Date; limit: number },
): Promise<Unsent[]> {
  const { rows } = await sql<Unsent>`
    with due as (
      select t.id from chain_transactions t join chains c using (chain)
       where t.chain = ${chain} and t.state = 'prepared' and t.epoch = c.epoch and t.due_at <= ${now}
         and (t.lease_until is null or t.lease_until < clock_timestamp()) and ${doorLets}
       order by t.wallet, t.nonce limit ${limit} for update of t skip locked
    ), claimed as (
      update chain_transactions t set lease_until = clock_timestamp() + ${LEASE}
        from due where t.id = due.id returning t.*
    )
    select claimed.id, wallet, nonce, a.hash, a.raw, c.genesis_hash
      from claimed join chain_attempts a on a.transaction_id = claimed.id and a.attempt = claimed.attempts
      join chains c using (chain)
     order by wallet, nonce`.execute(db)
  return rows
}

export interface SendRecord {
  id: number
  /** Whether it is on its way, for all we know; else it is sent again when due. */
  sent: boolean
  reason: string | null
  dueAt: Date
}

export async function recordSends(
  db: Db,
  records: readonly SendRecord[],
  { now, realNow }: { now: Date; realNow: Date },
): Promise<void> {
  await sql`
    update chain_transactions t
       set state = case when given.sent then 'sent' else t.state end, reason = given.reason, due_at = given.due_at,
           lease_until = null, updated_at = ${now},
           real_sent_at = case when given.sent then ${realNow}::timestamptz else t.real_sent_at end
      from unnest(${records.map(({ id }) => id)}::bigint[], ${records.map(({ sent }) => sent)}::boolean[],
                  ${records.map(({ reason }) => reason)}::text[], ${records.map(({ dueAt }) => dueAt)}::timestamptz[])
           given (id, sent, reason, due_at)
     where t.id = given.id and t.state = 'prepared'`.execute(db)
}

/** Gives claimed transactions back without a change. */
export async function releaseTransactions(db: Db, ids: readonly number[]): Promise<void> {
  await sql`update chain_transactions set lease_until = null where id = any(${[...ids]}::bigint[])`.execute(
    db,
  )
}

/** Locks open transactions in one order; those that another process works on or that are over by now are left out. */
export async function lockOpenTransactions(trx: Trx, ids: readonly number[]): Promise<Set<number>> {
  const { rows } = await sql<{ id: number }>`
    select id from chain_transactions
     where id = any(${[...ids]}::bigint[]) and state in ('prepared', 'sent')
     order by id for update skip locked`.execute(trx)
  return new Set(rows.map(({ id }) => id))
}

const WAITS_FOR = {
  unsigned: sql<boolean>`wanted_attempts > attempts`,
  unsent: sql<boolean>`state = 'prepared'`,
  watched: sql<boolean>`attempts > 0`,
} as const

/** When the next open transaction of a chain is due to be signed, sent or watched; null when there is none. */
export async function nextTransactionDue(
  db: Db,
  chain: string,
  what: keyof typeof WAITS_FOR,
): Promise<Date | null> {
  const { rows } = await sql<{ due: Date | null }>`
    select min(coalesce(due_at, updated_at)) as due from chain_transactions
     where chain = ${chain} and state in ('reserved', 'prepared', 'sent') and ${WAITS_FOR[what]}`.execute(db)
  return rows[0]?.due ?? null
}
