import { sql } from 'kysely'
import type { Trx } from '../db/database.ts'

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

/** One file is imported at a time; what it books waits for nobody until it was read. */
export async function lockImports(trx: Trx): Promise<void> {
  await sql`select pg_advisory_xact_lock(${IMPORTING})`.execute(trx)
}
