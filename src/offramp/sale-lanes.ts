import { sql } from 'kysely'
import type { App } from '../app.ts'
import type { Lane } from '../kernel/lanes.ts'
import { convertWaiting } from './convert-waiting.ts'
import { isChainRead, passDeadlines } from './sale-deadlines.ts'
import { takeDeposits } from './take-deposits.ts'

/** Woken when deposits became final. */
export const SALE_DEPOSITS_LANE = 'sale-deposits'
export const SALE_DEADLINES_LANE = 'sale-deadlines'

type Needs = Pick<App, 'db' | 'clock' | 'config' | 'secrets' | 'pricing' | 'providers' | 'wake' | 'log'>

/** The due work of sales: coins that came, coins that wait for a price, and deadlines. */
export function saleLanes(app: Needs): Lane[] {
  const { db } = app
  return [
    {
      name: SALE_DEPOSITS_LANE,
      step: () => takeDeposits(app),
      async nextDue() {
        // One that can't be worked with is tried again by the by: no clock waits for it.
        const { rows } = await sql<{ finalAt: Date }>`
          select d.final_at from deposits d
           where d.state = 'final' and d.outcome is null
             and not exists (select from sales s where s.integration_id = d.integration_id and s.id = d.sale_id
                                                   and s.failure is not null)
           order by d.final_at limit 1`.execute(db)
        return rows[0]?.finalAt ?? null
      },
    },
    // A price comes when it comes: nothing of this is due at a time.
    { name: 'sale-conversions', step: () => convertWaiting(app), nextDue: async () => null },
    {
      name: SALE_DEADLINES_LANE,
      step: () => passDeadlines(app),
      async nextDue() {
        // Those past their window are due when their chain was read so far; until then its own lane is at work.
        const { rows } = await sql<{ dueAt: Date }>`
          select due_at from sales
           where due_at is not null and failure is null
             and (state <> 'started' or due_at > ${app.clock.now()} or ${isChainRead})
           order by due_at limit 1`.execute(db)
        return rows[0]?.dueAt ?? null
      },
    },
  ]
}
