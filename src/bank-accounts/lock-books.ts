import { sql } from 'kysely'
import type { Db, Trx } from '../db/database.ts'

/** The numbers mean nothing. */
const BOOKING = 7_264_010
export const IMPORTING = 7_264_011

/**
 * Until the transaction ends: lines that the port tells are recorded beside each other, those of a statement alone, for
 * each has to know all others to tell what is new.
 */
export async function lockBooks(trx: Trx, mode: 'shared' | 'alone'): Promise<void> {
  if (mode === 'shared') await sql`select pg_advisory_xact_lock_shared(${BOOKING})`.execute(trx)
  else await sql`select pg_advisory_xact_lock(${BOOKING})`.execute(trx)
}

/**
 * Does `work` while nobody records lines. The lock is the connection's, taken before any transaction of it: one that is repeatable
 * sees what there was at its first question, and to wait for this would be its first.
 */
export function whileBooksRest<Result>(db: Db, work: (db: Db) => Promise<Result>): Promise<Result> {
  return db.connection().execute(async (connection) => {
    await sql`select pg_advisory_lock(${BOOKING})`.execute(connection)
    try {
      return await work(connection)
    } finally {
      await sql`select pg_advisory_unlock(${BOOKING})`.execute(connection)
    }
  })
}

/** One file is imported at a time; what it books waits for nobody until it was read. */
export async function lockImports(trx: Trx): Promise<void> {
  await sql`select pg_advisory_xact_lock(${IMPORTING})`.execute(trx)
}
