import { sql } from 'kysely'
import type { Address, Hex } from 'viem'
import type { Db, Trx } from '../db/database.ts'

export interface WatchedRow {
  id: number
  wallet: Address
  /** An address for deposits makes few transactions in its life, a hot wallet many. */
  role: 'hot' | 'deposit'
  nonce: number
  epoch: number
  genesisHash: string
  blockHash: string | null
  attempts: number
  wantedAttempts: number
  wasSent: boolean
  /** Of all attempts, oldest first. */
  hashes: Hex[]
  cancels: boolean[]
  /** Of the last attempt. */
  maxFeePerGas: bigint
  maxPriorityFeePerGas: bigint
  realCreatedAt: Date
}

/** Transactions that may be on the chain and aren't final, the oldest first, after the one with the id `after`. */
export async function listWatched(
  db: Db,
  chain: string,
  { limit, after = 0 }: { limit: number; after?: number },
): Promise<WatchedRow[]> {
  const { rows } = await sql<WatchedRow>`
    select t.id, t.wallet, w.role, t.nonce, t.epoch, c.genesis_hash, t.block_hash, t.attempts, t.wanted_attempts,
           t.real_sent_at is not null as was_sent, every.hashes, every.cancels,
           last.max_fee_per_gas, last.max_priority_fee_per_gas, last.real_created_at
      from chain_transactions t join chains c using (chain)
      join wallets w on w.chain = t.chain and w.address = t.wallet
      join chain_attempts last on last.transaction_id = t.id and last.attempt = t.attempts
      cross join lateral (
        select array_agg(hash order by attempt) as hashes, array_agg(cancels order by attempt) as cancels
          from chain_attempts a where a.transaction_id = t.id) every
     where t.chain = ${chain} and t.state in ('prepared', 'sent') and t.epoch = c.epoch and t.id > ${after}
     order by t.id limit ${limit}`.execute(db)
  return rows
}

export interface Inclusion {
  id: number
  hash: Hex
  height: number
  blockHash: Hex
  gasUnits: bigint
}

export async function recordInclusions(db: Db, inclusions: readonly Inclusion[], now: Date): Promise<void> {
  if (inclusions.length === 0) return
  await sql`
    update chain_transactions t
       set hash = given.hash, block_height = given.height, block_hash = given.block_hash, gas_units = given.gas,
           reason = null, updated_at = ${now}
      from unnest(${inclusions.map(({ id }) => id)}::bigint[], ${inclusions.map(({ hash }) => hash)}::text[],
                  ${inclusions.map(({ height }) => height)}::bigint[],
                  ${inclusions.map(({ blockHash }) => blockHash)}::text[],
                  ${inclusions.map(({ gasUnits }) => gasUnits.toString())}::numeric[])
           given (id, hash, height, block_hash, gas)
     where t.id = given.id and t.state in ('prepared', 'sent')`.execute(db)
}

/** Transactions that are in no block any more, or that the node forgot: their stored bytes are broadcast again. */
export async function recordLost(
  db: Db,
  lost: readonly { id: number; reason: string }[],
  now: Date,
): Promise<void> {
  if (lost.length === 0) return
  await sql`
    update chain_transactions t
       set state = 'prepared', block_height = null, block_hash = null, gas_units = null,
           reason = given.reason, due_at = ${now}, updated_at = ${now}
      from unnest(${lost.map(({ id }) => id)}::bigint[], ${lost.map(({ reason }) => reason)}::text[]) given (id, reason)
     where t.id = given.id and t.state in ('prepared', 'sent')`.execute(db)
}

/** Asks for one more attempt, with a higher fee. */
export async function recordStuck(db: Db, ids: readonly number[], now: Date): Promise<void> {
  if (ids.length === 0) return
  await sql`
    update chain_transactions
       set wanted_attempts = attempts + 1, reason = 'stuck: in no block at its fee; replaced under the same nonce',
           updated_at = ${now}
     where id = any(${[...ids]}::bigint[]) and state in ('prepared', 'sent')`.execute(db)
}

/** Moves the checkpoint to a newer final block. */
export async function recordCheckpoint(
  db: Db | Trx,
  { chain, epoch, height, hash }: { chain: string; epoch: number; height: number; hash: Hex },
  now: Date,
): Promise<void> {
  await db
    .updateTable('chains')
    .set({ checkpointHeight: height, checkpointHash: hash, updatedAt: now })
    .where('chain', '=', chain)
    .where('epoch', '=', epoch)
    .where('checkpointHeight', '<', height)
    .execute()
}
