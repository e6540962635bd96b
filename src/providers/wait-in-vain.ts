import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import type { Db } from '../db/database.ts'

/** Held by whoever moves the sandbox's clock, one at a time over all processes; the number means nothing. */
export const CLOCK_LOCK = 7_264_005
const LOOK_MS = 100

/**
 * Waits in real time for an answer that will not come, and no longer than until somebody moves the sandbox's clock:
 * the time that is waited for passes there, and whoever moves it waits for all work to end.
 */
export async function waitInVain(db: Db, ms: number): Promise<void> {
  for (let leftMs = ms; leftMs > 0; leftMs -= LOOK_MS) {
    if (await isClockMoved(db)) return
    await sleep(Math.min(leftMs, LOOK_MS))
  }
}

async function isClockMoved(db: Db): Promise<boolean> {
  const { rows } = await sql`
    select from pg_locks
     where locktype = 'advisory' and granted and classid = 0 and objid = ${CLOCK_LOCK} and objsubid = 1
       and database = (select oid from pg_database where datname = current_database())`.execute(db)
  return rows.length > 0
}
