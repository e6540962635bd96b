import type { Db, Trx } from '../db/database.ts'
import type { Verification } from './verification-store.ts'

type Key = Pick<Verification, 'integrationId' | 'id'>

/** The pause after each wrong password in seconds; the last for all further ones: some hundred tries a day. */
const PAUSES_SECONDS = [1, 2, 4, 8, 30, 60, 300, 900] as const

/**
 * Takes the right to look at one password: undefined, or how many seconds nobody may. The attempt counts as wrong
 * from now on, so that a hundred at once are one; `now` is the machine's time.
 */
export async function claimAttempt(
  db: Db,
  { integrationId, id }: Key,
  now: Date,
): Promise<number | undefined> {
  const before = await db
    .selectFrom('verifications')
    .select(['passwordFailures', 'passwordWaitUntil'])
    .where('integrationId', '=', integrationId)
    .where('id', '=', id)
    .executeTakeFirst()
  const failures = before?.passwordFailures ?? 0
  const pause = PAUSES_SECONDS[Math.min(failures, PAUSES_SECONDS.length - 1)] as number
  const claimed = await db
    .updateTable('verifications')
    .set({ passwordFailures: failures + 1, passwordWaitUntil: new Date(now.getTime() + pause * 1000) })
    .where('integrationId', '=', integrationId)
    .where('id', '=', id)
    .where('passwordFailures', '=', failures)
    .where((eb) => eb.or([eb('passwordWaitUntil', 'is', null), eb('passwordWaitUntil', '<=', now)]))
    .returning('id')
    .executeTakeFirst()
  if (claimed) return undefined
  const left = (before?.passwordWaitUntil?.getTime() ?? 0) - now.getTime()
  return Math.max(1, Math.ceil(left / 1000))
}

/** The password was right: what was counted is forgotten. */
export async function forgetAttempts(db: Db, { integrationId, id }: Key): Promise<void> {
  await db
    .updateTable('verifications')
    .set({ passwordFailures: 0, passwordWaitUntil: null })
    .where('integrationId', '=', integrationId)
    .where('id', '=', id)
    .execute()
}

/**
 * Another password from now on. The version stays: it belongs to what was sent, and a page learns of the password at
 * its next call.
 */
export async function setPassword(trx: Trx, { integrationId, id }: Key, hash: string): Promise<void> {
  await trx
    .updateTable('verifications')
    .set({ passwordHash: hash, passwordFailures: 0, passwordWaitUntil: null })
    .where('integrationId', '=', integrationId)
    .where('id', '=', id)
    .execute()
}
