import type { App } from '../app.ts'
import type { Lane } from '../kernel/lanes.ts'
import { convertWaiting } from './convert-waiting.ts'
import { passDeadlines } from './sale-deadlines.ts'
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
        const row = await db
          .selectFrom('deposits')
          .select('finalAt')
          .where('state', '=', 'final')
          .where('outcome', 'is', null)
          .orderBy('finalAt')
          .limit(1)
          .executeTakeFirst()
        return row?.finalAt ?? null
      },
    },
    // A price comes when it comes: nothing of this is due at a time.
    { name: 'sale-conversions', step: () => convertWaiting(app), nextDue: async () => null },
    {
      name: SALE_DEADLINES_LANE,
      step: () => passDeadlines(app),
      async nextDue() {
        const row = await db
          .selectFrom('sales')
          .select('dueAt')
          .where('dueAt', 'is not', null)
          .orderBy('dueAt')
          .limit(1)
          .executeTakeFirst()
        return row?.dueAt ?? null
      },
    },
  ]
}
