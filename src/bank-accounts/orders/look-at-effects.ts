import { sql } from 'kysely'
import type { Trx } from '../../db/database.ts'
import { recallEarlyReturns } from '../recall-returns.ts'

/**
 * The effects of these orders are asked about at once. One that the bank's answer had refused, and whose money it took
 * all the same, is on its way again.
 */
export async function lookAtEffects(trx: Trx, keys: readonly string[], now: Date): Promise<void> {
  if (keys.length === 0) return
  // Before the lines that give money back, as whoever takes these up has their transfer locked.
  await sql`
    select from effects where idempotency_key = any(${[...keys]}::text[]) order by id for update`.execute(trx)
  await recallEarlyReturns(trx, keys, now)
  await sql`
    update effects set due_at = ${now}, state = case when state = 'failed' then 'sent' else state end
     where idempotency_key = any(${[...keys]}::text[]) and state in ('prepared', 'sent', 'unknown', 'failed')`.execute(
    trx,
  )
}
