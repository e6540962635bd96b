import { sql } from 'kysely'
import type { Trx } from './database.ts'

/**
 * For a transaction whose statements find all their rows by keys: they are planned so. A connection keeps its plans, and
 * one that was made while a table was nearly empty would read it whole long after it has grown.
 */
export async function planByKeys(trx: Trx): Promise<void> {
  await sql`set local enable_seqscan = off`.execute(trx)
}
