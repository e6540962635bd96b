import { sql } from 'kysely'
import type { Hex } from 'viem'
import { recordCheckpoint } from '../effects/watch-store.ts'
import type { BlockRef, Receipt } from '../providers/chain/port.ts'
import type { Scan } from './scan-store.ts'
import { transactionOf } from './watch-balances.ts'
import type { BlockReader, WatchedChain, WatchNeeds } from './watch-deposits.ts'

/** Most deposits that become final at once. */
const FINAL_AT_ONCE = 500

interface DeepDeposit {
  integrationId: number
  id: string
  txHash: string
  blockHeight: number
  blockHash: Hex
}

/**
 * `behind`: the second node doesn't have the block yet. `waiting`: the chain, by a fresh look, has another block
 * there; reading on tells why.
 */
export type Confirming =
  | { is: 'done'; final: number; more: boolean }
  | { is: 'waiting' }
  | { is: 'behind'; height: number }
  | { is: 'disagree'; reason: string }

/** Makes final what is as deep as the chain's setting asks, after a fresh look by every node that is configured. */
export async function confirmDeposits(
  needs: WatchNeeds,
  watched: WatchedChain,
  scan: Scan,
  latest: BlockRef,
): Promise<Confirming> {
  const deep = await listDeep(needs, scan, latest.height - watched.confirmations + 1)
  if (deep.length === 0) return { is: 'done', final: 0, more: false }
  const onChain = await findOnChain(watched.provider, deep)
  if (onChain.length === 0) return { is: 'waiting' }
  if (watched.witness) {
    const doubt = await findDoubt(watched.witness, onChain)
    if (doubt) return doubt
  }
  const final = await recordFinal(needs, scan, onChain)
  return { is: 'done', final, more: final > 0 && deep.length === FINAL_AT_ONCE }
}

async function listDeep({ db }: WatchNeeds, { chain, epoch, height }: Scan, deepest: number) {
  const { rows } = await sql<DeepDeposit>`
    select integration_id, id, tx_hash, block_height, block_hash from deposits
     where chain = ${chain} and epoch = ${epoch} and state = 'seen' and block_height <= ${Math.min(height, deepest)}
     order by block_height limit ${FINAL_AT_ONCE}`.execute(db)
  return rows
}

const heightsOf = (deposits: readonly DeepDeposit[]): number[] => [
  ...new Set(deposits.map(({ blockHeight }) => blockHeight)),
]

async function findOnChain(provider: BlockReader, deep: readonly DeepDeposit[]): Promise<DeepDeposit[]> {
  const heights = heightsOf(deep)
  const blocks = await provider.blocks(heights)
  const hashes = new Map(heights.map((height, place) => [height, blocks[place]?.hash]))
  return deep.filter(({ blockHeight, blockHash }) => hashes.get(blockHeight) === blockHash)
}

/** What the second node says otherwise, of the block or of a transaction in it. */
async function findDoubt(
  witness: NonNullable<WatchedChain['witness']>,
  deposits: readonly DeepDeposit[],
): Promise<Exclude<Confirming, { is: 'done' | 'waiting' }> | null> {
  const heights = heightsOf(deposits)
  const blocks = new Map((await witness.blocks(heights)).map((block, place) => [heights[place]!, block]))
  // What only a balance tells of was seen by both nodes at once: its block says all.
  const hashes = [...new Set(deposits.flatMap((deposit) => transactionOf(deposit) ?? []))]
  const receipts = new Map<Hex, Receipt | null>(
    (await witness.receipts(hashes)).map((receipt, place) => [hashes[place]!, receipt]),
  )
  for (const { txHash, blockHeight, blockHash } of deposits) {
    const block = blocks.get(blockHeight)
    if (!block) return { is: 'behind', height: blockHeight }
    const transaction = transactionOf({ txHash })
    const receipt = transaction && receipts.get(transaction)
    const other =
      block.hash !== blockHash
        ? `block ${blockHeight} is ${blockHash} on one node and ${block.hash} on the other`
        : transaction && (receipt?.blockHash !== blockHash || !receipt.ok)
          ? `transaction ${txHash} is in block ${blockHeight} ${blockHash} on one node and not on the other`
          : undefined
    if (other) return { is: 'disagree', reason: `nodes_disagree: ${other}` }
  }
  return null
}

/** The scan's row is locked meanwhile: nobody takes blocks back while what is in them becomes final. */
async function recordFinal(
  { db, clock }: WatchNeeds,
  { chain, epoch, height, hash }: Scan,
  deposits: readonly DeepDeposit[],
): Promise<number> {
  const now = clock.now()
  return db.transaction().execute(async (trx) => {
    const stands = await trx
      .selectFrom('chainScans')
      .select('chain')
      .where('chain', '=', chain)
      .where('epoch', '=', epoch)
      .where('height', '=', height)
      .where('hash', '=', hash)
      .forUpdate()
      .executeTakeFirst()
    if (!stands) return 0
    const { rows } = await sql<{ height: number; hash: Hex }>`
      update deposits d set state = 'final', final_at = ${now}, updated_at = ${now}
        from unnest(${deposits.map(({ integrationId }) => integrationId)}::integer[],
                    ${deposits.map(({ id }) => id)}::text[],
                    ${deposits.map(({ blockHash }) => blockHash)}::text[]) given (integration_id, id, block_hash)
       where d.integration_id = given.integration_id and d.id = given.id and d.state = 'seen'
         and d.block_hash = given.block_hash
      returning d.block_height as height, d.block_hash as hash`.execute(trx)
    const newest = rows.reduce<{ height: number; hash: Hex } | null>(
      (best, row) => (best && best.height >= row.height ? best : row),
      null,
    )
    // What a local chain must still have after a crash, and whose loss halts the wallets of a real one.
    if (newest) await recordCheckpoint(trx, { chain, epoch, ...newest }, now)
    return rows.length
  })
}
