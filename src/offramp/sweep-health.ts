import type { Db } from '../db/database.ts'
import type { Metrics } from '../kernel/metrics.ts'

/** Coins that stay on sales' addresses until a person looks, as `/readyz` says it. */
export async function findParkedSweeps(db: Db): Promise<{ what: string; why: string; mend: string }[]> {
  const parked = await db
    .selectFrom('sweeps')
    .select(({ fn }) => [
      'chain',
      'asset',
      fn.countAll<number>().as('count'),
      fn.max<string | null>('reason').as('reason'),
    ])
    .where('state', '=', 'failed')
    .groupBy(['chain', 'asset'])
    .orderBy('chain')
    .orderBy('asset')
    .execute()
  return parked.map(({ chain, asset, count, reason }) => ({
    what: `sweeps on ${chain}`,
    why: `${count} of ${asset} could not be moved to the hot wallet, such as: ${reason}`,
    mend: 'See them with "sweeps list", mend what they name, then "sweeps retry".',
  }))
}

/** Sets the gauge of sweeps that are not over. */
export async function measureSweeps(db: Db, metrics: Pick<Metrics, 'sweeps'>): Promise<void> {
  const open = await db
    .selectFrom('sweeps')
    .select(({ fn }) => ['chain', 'state', fn.countAll<number>().as('count')])
    .where('state', 'in', ['gas', 'coins', 'failed'])
    .groupBy(['chain', 'state'])
    .execute()
  metrics.sweeps.reset()
  for (const { chain, state, count } of open) metrics.sweeps.set({ chain, state }, Number(count))
}
