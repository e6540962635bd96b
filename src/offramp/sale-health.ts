import { sql } from 'kysely'
import type { App } from '../app.ts'
import { wireTime } from '../kernel/clock.ts'

/** So long after its window a sale may wait for its chain to be read before anybody is told. */
const LATE_MS = 60_000
const NAMED = 20

/** Sales that don't go on by themselves, as `/readyz` says it. */
export async function findStuckSales({
  db,
  clock,
}: Pick<App, 'db' | 'clock'>): Promise<{ what: string; why: string; mend: string }[]> {
  const late = await sql<{ chain: string; count: number; readUntil: Date | null }>`
    select sales.chain, count(*)::int as count, c.read_until
      from sales left join chain_scans c using (chain)
     where due_at <= ${new Date(clock.now().getTime() - LATE_MS)} and state = 'started'
       and (c.read_until is null or c.read_until < due_at)
     group by 1, 3 order by 1`.execute(db)
  const failing = await sql<{ id: string; failure: string }>`
    select id, failure from sales where failure is not null order by created_at limit ${NAMED}`.execute(db)
  return [
    ...late.rows.map(({ chain, count, readUntil }) => ({
      what: `sales on ${chain}`,
      why: `${count} are past their deadline and wait, as the chain was not read so far: ${
        readUntil ? `what came before ${wireTime(readUntil)} was` : 'it is read anew'
      }.`,
      mend: 'Look at the node; coins that came in time still count, and the sales end by themselves when it was read.',
    })),
    ...failing.rows.map(({ id, failure }) => ({
      what: `sale ${id}`,
      why: `It can't be worked on: ${failure}`,
      mend: 'See the log; it is tried again every minute and holds up no other.',
    })),
  ]
}
