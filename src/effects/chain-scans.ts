import { sql } from 'kysely'
import type { Db, Trx } from '../db/database.ts'
import type { ChainProvider } from '../providers/chain/port.ts'

/** A block this far below the first one read is kept as well, so that a fork soon after the start has its root. */
const ANCHOR_BLOCKS = 256

/**
 * Begins to read a chain at its newest block, before any address on it was answered to anybody. Harmless when it was
 * begun before.
 */
export async function beginScan(
  db: Db,
  {
    chain,
    epoch,
    provider,
  }: { chain: string; epoch: number; provider: Pick<ChainProvider, 'heads' | 'blocks'> },
  now: Date,
): Promise<void> {
  const begun = await db
    .selectFrom('chainScans')
    .select('chain')
    .where('chain', '=', chain)
    .executeTakeFirst()
  if (begun) return
  const { latest } = await provider.heads()
  const [anchor] = await provider.blocks([Math.max(0, latest.height - ANCHOR_BLOCKS)])
  const first = [latest, ...(anchor && anchor.height < latest.height ? [anchor] : [])]
  await sql`
    with scan as (
      insert into chain_scans (chain, epoch, height, hash, updated_at)
      values (${chain}, ${epoch}, ${latest.height}, ${latest.hash}, ${now})
      on conflict (chain) do nothing returning chain, epoch
    )
    insert into chain_blocks (chain, epoch, height, hash)
    select scan.chain, scan.epoch, given.height, given.hash
      from scan, unnest(${first.map(({ height }) => height)}::bigint[], ${first.map(({ hash }) => hash)}::text[])
                 given (height, hash)`.execute(db)
}

/** A local chain was lost: the new one is read from its first block, and what was not counted on the old one is gone. */
export async function beginScanAnew(
  trx: Trx,
  { chain, epoch, genesisHash }: { chain: string; epoch: number; genesisHash: string },
  now: Date,
): Promise<void> {
  await sql`
    insert into chain_scans (chain, epoch, height, hash, updated_at)
    values (${chain}, ${epoch}, 0, ${genesisHash}, ${now})
    on conflict (chain) do update
       set epoch = excluded.epoch, height = 0, hash = excluded.hash, held_reason = null, read_until = null,
           updated_at = excluded.updated_at`.execute(trx)
  await sql`delete from chain_blocks where chain = ${chain}`.execute(trx)
  await sql`
    insert into chain_blocks (chain, epoch, height, hash) values (${chain}, ${epoch}, 0, ${genesisHash})`.execute(
    trx,
  )
  await sql`
    update deposits set state = 'vanished', updated_at = ${now}
     where chain = ${chain} and epoch < ${epoch} and (state = 'seen' or (state = 'final' and outcome is null))`.execute(
    trx,
  )
}
