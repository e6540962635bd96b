import { sql } from 'kysely'
import type { Address } from 'viem'
import type { Db, Trx } from '../db/database.ts'
import { walletDoor } from '../effects/model.ts'
import { IS_INDEXED } from '../ledger/book.ts'
import { nativeAssetOf } from '../money/asset.ts'
import { type BlockPlace, type FoundDeposit, recordDeposits, type Scan } from './scan-store.ts'

/** So long after a sale expired native coins are looked for that a contract sent to its address. */
const LATE_DAYS = 7

/** The addresses of sales that wait for the chain's own coin, and of those that lately waited in vain. */
export async function listNativeAddresses(db: Db, { chain, epoch }: Scan, now: Date): Promise<Address[]> {
  const { symbol } = nativeAssetOf(chain)
  const since = new Date(now.getTime() - LATE_DAYS * 86_400_000)
  const { rows } = await sql<{ address: Address }>`
    select s.address from (
      select address from sales where chain = ${chain} and symbol = ${symbol} and due_at is not null
         and state <> 'processing'
      union all
      select address from sales
       where chain = ${chain} and symbol = ${symbol} and due_at is null and state = 'started'
      union all
      select address from sales
       where chain = ${chain} and symbol = ${symbol} and state = 'expired' and updated_at > ${since}) s
      join wallets w on w.chain = ${chain} and w.address = s.address
     where w.epoch = ${epoch}`.execute(db)
  return rows.map(({ address }) => address)
}

/** What we know of the native coins of a sale's address. */
export interface ExplainedAddress {
  integrationId: number
  saleId: string
  address: Address
  /** What is there by the books, with the deposits that are not booked yet. */
  explainedUnits: bigint
  /** How many of its own transactions are final and booked: when it has more, not all of what left it is. */
  settled: number
  /** Gas for it is on its way, or gas or coins came after the block, so that nothing can be said now. */
  isMoving: boolean
}

/** One statement, so that coins which are booked meanwhile count once. */
export async function explainAddresses(
  db: Db | Trx,
  { chain, epoch }: Scan,
  { height }: Pick<BlockPlace, 'height'>,
  addresses: readonly Address[],
): Promise<ExplainedAddress[]> {
  if (addresses.length === 0) return []
  const asset = nativeAssetOf(chain).id
  const doors = addresses.map((address) => walletDoor(chain, address))
  const { rows } = await sql<ExplainedAddress>`
    select s.integration_id, s.id as sale_id, given.address,
           coalesce((select sum(p.units) from postings p where p.account = given.door and p.asset = ${asset} and ${IS_INDEXED}), 0)
         + coalesce((select sum(d.units) from deposits d
                      where d.chain = ${chain} and d.epoch = ${epoch} and d.address = given.address
                        and d.asset = ${asset} and d.state <> 'vanished'
                        and (d.state = 'seen' or d.outcome is null)), 0) as explained_units,
           (select count(*) from chain_transactions t
             where t.chain = ${chain} and t.epoch = ${epoch} and t.wallet = given.address
               and t.state in ('confirmed', 'failed', 'abandoned'))::integer as settled,
           exists (select from sweeps w join effects e on e.reference = 'sweep:' || w.id
                    where w.chain = ${chain} and w.address = given.address and split_part(e.purpose, ':', 3) = 'gas'
                      and (e.state in ('planned', 'reserved', 'prepared', 'sent', 'unknown')
                           or (e.state = 'confirmed'
                               and (select t.block_height from chain_transactions t where t.id = e.transaction_id) > ${height})))
             or exists (select from deposits d
                         where d.chain = ${chain} and d.epoch = ${epoch} and d.address = given.address
                           and d.asset = ${asset} and d.state <> 'vanished' and d.block_height > ${height})
             as is_moving
      from unnest(${[...addresses]}::text[], ${doors}::text[]) given (address, door)
     cross join lateral (
       select integration_id, id from sales where chain = ${chain} and address = given.address limit 1) s`.execute(
    db,
  )
  return rows
}

/**
 * Writes deposits that only balances tell of, found under the lock of the scan: while it stands where the balances were
 * read, nobody reads on, takes blocks back, or does the same. Answers how many there were.
 */
export async function recordUnexplained(
  db: Db,
  scan: Scan,
  now: Date,
  find: (trx: Trx) => Promise<FoundDeposit[]>,
): Promise<number> {
  return db.transaction().execute(async (trx) => {
    const stands = await trx
      .selectFrom('chainScans')
      .select('chain')
      .where('chain', '=', scan.chain)
      .where('epoch', '=', scan.epoch)
      .where('height', '=', scan.height)
      .where('hash', '=', scan.hash)
      .forUpdate()
      .executeTakeFirst()
    if (!stands) return 0
    const found = await find(trx)
    await recordDeposits(trx, scan, found, now)
    return found.length
  })
}
