import { sql } from 'kysely'
import type { App } from '../app.ts'

/** Beyond it the number says only that there are very many. */
const MOST_COUNTED = 100_000

/** Sets the gauges of what waits to be delivered. */
export async function measureWebhooks({
  db,
  clock,
  metrics,
}: Pick<App, 'db' | 'clock' | 'metrics'>): Promise<void> {
  const { rows } = await sql<{ pending: number; oldest: Date | null }>`
    select count(*) as pending, min(created_at) as oldest
      from (select created_at from deliveries where state = 'pending' limit ${MOST_COUNTED}) waiting`.execute(
    db,
  )
  const { pending, oldest } = rows[0]!
  metrics.deliveries.set(pending)
  metrics.deliveriesAge.set(oldest ? (clock.now().getTime() - oldest.getTime()) / 1000 : 0)
}
