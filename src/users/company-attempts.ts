import { sql } from 'kysely'
import type { Db, Trx } from '../db/database.ts'
import type { Verification } from './verification-store.ts'

type Key = Pick<Verification, 'integrationId' | 'id'>

/** Whose tries are counted together: those of one form from one network, known by a keyed hash. */
export type Attempter = Key & { network: Buffer }

/** The pause after each wrong password in seconds; the last for all further ones: some hundred tries a day. */
const PAUSES_SECONDS = [1, 2, 4, 8, 30, 60, 300, 900] as const
/** Whoever rested so long begins anew. */
const FORGOTTEN_MS = 24 * 3_600_000

/**
 * Takes the right to look at one password from this network: undefined, or how many seconds it may not. The attempt
 * counts as wrong from now on, so that a hundred at once are one; `now` is the machine's time.
 */
export async function claimAttempt(
  db: Db,
  { integrationId, id, network }: Attempter,
  now: Date,
): Promise<number | undefined> {
  await db
    .deleteFrom('passwordAttempts')
    .where('integrationId', '=', integrationId)
    .where('verificationId', '=', id)
    .where('waitUntil', '<', new Date(now.getTime() - FORGOTTEN_MS))
    .execute()
  const claimed = await sql`
    insert into password_attempts as known (integration_id, verification_id, network, failures, wait_until)
    values (${integrationId}, ${id}, ${network}, 1, ${pauseAfter(sql`1`, now)})
    on conflict (integration_id, verification_id, network) do update
       set failures = known.failures + 1, wait_until = ${pauseAfter(sql`known.failures + 1`, now)}
     where known.wait_until <= ${now}
    returning failures`.execute(db)
  if (claimed.rows.length > 0) return undefined
  const held = await db
    .selectFrom('passwordAttempts')
    .select('waitUntil')
    .where('integrationId', '=', integrationId)
    .where('verificationId', '=', id)
    .where('network', '=', network)
    .executeTakeFirst()
  const left = (held?.waitUntil.getTime() ?? 0) - now.getTime()
  return Math.max(1, Math.ceil(left / 1000))
}

/** When the pause ends that follows the wrong password of that count. */
const pauseAfter = (count: ReturnType<typeof sql>, now: Date) => sql`
  ${now}::timestamptz
    + (${[...PAUSES_SECONDS]}::integer[])[least(${count}, ${PAUSES_SECONDS.length}::integer)] * interval '1 second'`

/** The password was right: what was counted of this network is forgotten. */
export async function forgetAttempts(db: Db, { integrationId, id, network }: Attempter): Promise<void> {
  await db
    .deleteFrom('passwordAttempts')
    .where('integrationId', '=', integrationId)
    .where('verificationId', '=', id)
    .where('network', '=', network)
    .execute()
}

/**
 * Another password from now on; the tries of the old one are forgotten. The version stays: it belongs to what was
 * sent, and a page learns of the password at its next call.
 */
export async function setPassword(trx: Trx, { integrationId, id }: Key, hash: string): Promise<void> {
  await trx
    .updateTable('verifications')
    .set({ passwordHash: hash })
    .where('integrationId', '=', integrationId)
    .where('id', '=', id)
    .execute()
  await trx
    .deleteFrom('passwordAttempts')
    .where('integrationId', '=', integrationId)
    .where('verificationId', '=', id)
    .execute()
}
