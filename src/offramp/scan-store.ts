import { sql } from 'kysely'
import type { Address, Hex } from 'viem'
import type { Db, Trx } from '../db/database.ts'
import { randomText } from '../kernel/ids.ts'
import { nativeAssetOf } from '../money/asset.ts'

/** How far a chain was read: up to and with this block. */
export interface Scan {
  chain: string
  epoch: number
  genesisHash: Hex
  height: number
  hash: Hex
  heldReason: string | null
}

export interface BlockPlace {
  height: number
  hash: Hex
}

/** Coins that came to an address of a sale's. */
export interface FoundDeposit {
  integrationId: number
  saleId: string
  address: string
  asset: string
  units: bigint
  /** Null where only the address's balance tells of it. */
  fromAddress: string | null
  /** Of the transaction; else what names the block and the address, see `balanceKey`. */
  txHash: string
  ordinal: number
  blockHeight: number
  blockHash: Hex
}

/** So many of the blocks read last are known by their hashes, to find where a chain forked. */
const BLOCKS_KEPT = 400

/** Undefined until the chain is written down, and where its epoch has just ended. */
export async function findScan(db: Db, chain: string): Promise<Scan | undefined> {
  const { rows } = await sql<Scan>`
    select s.chain, s.epoch, c.genesis_hash, s.height, s.hash, s.held_reason
      from chain_scans s join chains c using (chain, epoch) where s.chain = ${chain}`.execute(db)
  return rows[0]
}

/** The stored blocks below a height, the highest first. */
export async function listBlocksBelow(db: Db, { chain, epoch, height }: Scan): Promise<BlockPlace[]> {
  const { rows } = await sql<BlockPlace>`
    select height, hash from chain_blocks
     where chain = ${chain} and epoch = ${epoch} and height < ${height} order by height desc`.execute(db)
  return rows
}

/** The blocks above a height in which deposits were final. */
export async function listFinalBlocks(db: Db, { chain, epoch }: Scan, above: number): Promise<BlockPlace[]> {
  const { rows } = await sql<BlockPlace>`
    select distinct block_height as height, block_hash as hash from deposits
     where chain = ${chain} and epoch = ${epoch} and state = 'final' and block_height > ${above}
     order by 1`.execute(db)
  return rows
}

/**
 * Whether anybody can sell the chain's own coin, or waits for it: only then its blocks are read whole. A pair that is
 * taken from an integration leaves its open sales watched.
 */
export async function isNativeSold(db: Db, chain: string): Promise<boolean> {
  const { symbol, id } = nativeAssetOf(chain)
  const { rows } = await sql<{ sold: boolean }>`
    select exists (select from integrations where settings -> 'pairs' ? ${id})
        or exists (select from sales where due_at is not null and chain = ${chain} and symbol = ${symbol}) as sold`.execute(
    db,
  )
  return rows[0]!.sold
}

/**
 * Which of these addresses (in lower case) belong to sales, by the address: one question, which looks each address up
 * in an index. The limits keep it so where PostgreSQL has no statistics yet and would rather read whole tables.
 */
export async function findSaleAddresses(
  db: Db,
  chain: string,
  addresses: readonly string[],
): Promise<Map<string, { integrationId: number; saleId: string; address: string }>> {
  if (addresses.length === 0) return new Map()
  const { rows } = await sql<{ lower: string; integrationId: number; saleId: string; address: string }>`
    select given.address as lower, s.integration_id, s.id as sale_id, s.address
      from unnest(${[...addresses]}::text[]) given (address)
     cross join lateral (
       select address from wallets
        where lower(address) = given.address and chain = ${chain} and role = 'deposit' limit 1) w
     cross join lateral (
       select integration_id, id, address from sales where chain = ${chain} and address = w.address limit 1) s`.execute(
    db,
  )
  return new Map(rows.map(({ lower, ...row }) => [lower, row]))
}

/** Which of these addresses (in lower case) are wallets of ours: what they send is gas and sweeps, nobody's deposit. */
export async function findOwnWallets(
  db: Db,
  chain: string,
  addresses: readonly Address[],
): Promise<Set<string>> {
  if (addresses.length === 0) return new Set()
  const { rows } = await sql<{ address: string }>`
    select given.address from unnest(${[...addresses]}::text[]) given (address)
     cross join lateral (
       select from wallets
        where lower(address) = given.address and chain = ${chain} and role in ('hot', 'deposit') limit 1) w`.execute(
    db,
  )
  return new Set(rows.map(({ address }) => address))
}

/** What was read on from `base`, which is where the scan stood or, after a reorganisation, where the chain forked. */
export interface ReadBlocks {
  base: BlockPlace
  /** The last is where the scan goes; none when the chain is shorter. */
  blocks: readonly BlockPlace[]
  deposits: readonly FoundDeposit[]
}

/**
 * Writes what was read, all of it or nothing. Null when the scan is no longer where it was read from: another process
 * was faster, and has written the same. Answers how many deposits vanished. `alongside` writes in the same transaction.
 */
export async function recordRead(
  db: Db,
  scan: Scan,
  { base, blocks, deposits }: ReadBlocks,
  now: Date,
  alongside: (trx: Trx) => Promise<void> = async () => {},
): Promise<{ scan: Scan; vanished: number } | null> {
  const end = blocks.at(-1) ?? base
  return db.transaction().execute(async (trx) => {
    const { numUpdatedRows } = await trx
      .updateTable('chainScans')
      .set({
        height: end.height,
        hash: end.hash,
        updatedAt: now,
        // What came in time may stand in other blocks now, which must be read first.
        ...(base.height < scan.height ? { readUntil: null } : {}),
      })
      .where('chain', '=', scan.chain)
      .where('epoch', '=', scan.epoch)
      .where('height', '=', scan.height)
      .where('hash', '=', scan.hash)
      .executeTakeFirst()
    if (numUpdatedRows === 0n) return null
    const vanished = base.height < scan.height ? await takeBack(trx, scan, base.height, now) : 0
    await recordDeposits(trx, scan, deposits, now)
    await recordBlocks(trx, scan, blocks)
    await alongside(trx)
    return { scan: { ...scan, ...end }, vanished }
  })
}

/** What was seen in blocks that are no longer on the chain; what is in the new ones is written right after. */
async function takeBack(trx: Trx, { chain, epoch }: Scan, above: number, now: Date): Promise<number> {
  await sql`delete from chain_blocks where chain = ${chain} and epoch = ${epoch} and height > ${above}`.execute(
    trx,
  )
  const { numAffectedRows } = await sql`
    update deposits set state = 'vanished', updated_at = ${now}
     where chain = ${chain} and epoch = ${epoch} and state = 'seen' and block_height > ${above}`.execute(trx)
  return Number(numAffectedRows ?? 0n)
}

/** A transaction that came back in another block is the same deposit, first seen when it was; a final one stays as it is. */
export async function recordDeposits(
  trx: Trx,
  { chain, epoch }: Scan,
  deposits: readonly FoundDeposit[],
  now: Date,
): Promise<void> {
  if (deposits.length === 0) return
  const of = <K extends keyof FoundDeposit>(key: K): FoundDeposit[K][] => deposits.map((one) => one[key])
  await sql`
    insert into deposits (integration_id, id, sale_id, chain, epoch, address, asset, units, from_address, tx_hash,
                          ordinal, block_height, block_hash, state, first_seen_at, updated_at)
    select given.*, 'seen', ${now}::timestamptz, ${now}::timestamptz from (
      select integration_id, id, sale_id, ${chain}::text, ${epoch}::integer, address, asset, units, from_address, tx_hash,
             ordinal, block_height, block_hash
        from unnest(${of('integrationId')}::integer[], ${deposits.map(() => randomText(25))}::text[],
                    ${of('saleId')}::text[], ${of('address')}::text[], ${of('asset')}::text[],
                    ${of('units').map(String)}::numeric[], ${of('fromAddress')}::text[], ${of('txHash')}::text[],
                    ${of('ordinal')}::integer[], ${of('blockHeight')}::bigint[], ${of('blockHash')}::text[])
             given (integration_id, id, sale_id, address, asset, units, from_address, tx_hash, ordinal, block_height,
                    block_hash)) given
    on conflict (chain, epoch, tx_hash, ordinal) do update
       set integration_id = excluded.integration_id, sale_id = excluded.sale_id, address = excluded.address,
           asset = excluded.asset, units = excluded.units, from_address = excluded.from_address,
           block_height = excluded.block_height, block_hash = excluded.block_hash, state = 'seen',
           updated_at = excluded.updated_at
     where deposits.state <> 'final'
       and (deposits.state, deposits.block_hash) is distinct from ('seen', excluded.block_hash)`.execute(trx)
}

async function recordBlocks(trx: Trx, { chain, epoch }: Scan, blocks: readonly BlockPlace[]): Promise<void> {
  if (blocks.length === 0) return
  await sql`
    insert into chain_blocks (chain, epoch, height, hash)
    select ${chain}::text, ${epoch}::integer, height, hash
      from unnest(${blocks.map(({ height }) => height)}::bigint[], ${blocks.map(({ hash }) => hash)}::text[])
           given (height, hash)
    on conflict (chain, epoch, height) do update set hash = excluded.hash`.execute(trx)
  await sql`
    delete from chain_blocks where chain = ${chain} and epoch = ${epoch} and height < (
      select height from chain_blocks where chain = ${chain} and epoch = ${epoch}
       order by height desc offset ${BLOCKS_KEPT - 1} limit 1)`.execute(trx)
}

/**
 * Everything that came to the chain before `until`, on the platform's clock, has been read. Written only where a sale
 * that is past its window waits for it; answers whether one did.
 */
export async function recordReadUntil(
  db: Db,
  { chain, epoch, height, hash }: Scan,
  until: Date,
): Promise<boolean> {
  const { numAffectedRows } = await sql`
    update chain_scans set read_until = ${until}
     where chain = ${chain} and epoch = ${epoch} and height = ${height} and hash = ${hash}
       and ${firstUnread(chain, until)} is not null`.execute(db)
  return (numAffectedRows ?? 0n) > 0n
}

/** When the first of those sales of the chain should have been closed that wait for the reading; null when none does. */
export async function findUnreadDeadline(db: Db, chain: string, now: Date): Promise<Date | null> {
  const { rows } = await sql<{ dueAt: Date | null }>`
    select ${firstUnread(chain, now)} as due_at from chain_scans
     where chain = ${chain} and held_reason is null`.execute(db)
  return rows[0]?.dueAt ?? null
}

/**
 * The deadline, beside the chain's scan, of the first sale whose window ended and which must not be closed yet. What was
 * read up to is where the index is entered: any number of sales may have been read and not be closed yet.
 */
const firstUnread = (chain: string, until: Date) => sql`(
  select due_at from sales
   where chain = ${chain} and state = 'started' and due_at <= ${until}
     and due_at > coalesce(chain_scans.read_until, '-infinity')
   order by due_at limit 1)`

/** Says why the scan doesn't go on, or null that it does; answers whether that is news. */
export async function recordHold(
  db: Db,
  { chain, epoch }: Scan,
  reason: string | null,
  now: Date,
): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('chainScans')
    .set({ heldReason: reason, updatedAt: now })
    .where('chain', '=', chain)
    .where('epoch', '=', epoch)
    .where('heldReason', 'is distinct from', reason)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}
