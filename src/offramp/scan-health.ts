import type { Db } from '../db/database.ts'
import type { Metrics } from '../kernel/metrics.ts'

/** Why deposits don't become final, as `/readyz` says it. */
export async function findHeldScans(db: Db): Promise<{ what: string; why: string; mend: string }[]> {
  const held = await db
    .selectFrom('chainScans')
    .select(['chain', 'heldReason'])
    .where('heldReason', 'is not', null)
    .orderBy('chain')
    .execute()
  return held.map(({ chain, heldReason }) => ({
    what: `deposits on ${chain}`,
    why: `None becomes final: ${heldReason}`,
    mend: MENDS[heldReason!.slice(0, heldReason!.indexOf(':'))] ?? 'See the log.',
  }))
}

const MENDS: Readonly<Record<string, string>> = {
  deep_reorganisation:
    'Compare with the chain. It goes on by itself when the block is back; else accept with the command line that it is gone.',
  nodes_disagree: 'Find out which node is right and replace the other; it goes on by itself when both agree.',
  node_behind: 'Look at the node, or take another; it goes on by itself when that has all blocks.',
  second_node_behind: 'Look at the second node; it goes on by itself when that has caught up.',
}

/** Sets the gauges of how far each chain was read. */
export async function measureScans(
  db: Db,
  metrics: Pick<Metrics, 'depositsHeight' | 'depositsHeld' | 'depositsSeen'>,
): Promise<void> {
  const scans = await db.selectFrom('chainScans').select(['chain', 'height', 'heldReason']).execute()
  const seen = await db
    .selectFrom('deposits')
    .select(({ fn }) => ['chain', fn.countAll<number>().as('count')])
    .where('state', '=', 'seen')
    .groupBy('chain')
    .execute()
  for (const { chain, height, heldReason } of scans) {
    metrics.depositsHeight.set({ chain }, height)
    metrics.depositsHeld.set({ chain }, heldReason === null ? 0 : 1)
    metrics.depositsSeen.set({ chain }, Number(seen.find((one) => one.chain === chain)?.count ?? 0))
  }
}
