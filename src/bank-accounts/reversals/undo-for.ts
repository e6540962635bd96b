import { sql } from 'kysely'
import type { App } from '../../app.ts'
import type { Trx } from '../../db/database.ts'
import { type Change, RefusedOperation } from '../../effects/operate-effects.ts'
import { beginChanges, wakeAfter, writeChanges } from '../../onramp/payment-changes.ts'
import { undoWithin } from '../undo-match.ts'

/**
 * Undoes a match as an operator would, for the bank. Answers what to do after the commit; undefined when coins or money
 * have left, and then nothing was done.
 */
export async function undoFor(
  app: Pick<App, 'clock' | 'config' | 'secrets' | 'wake' | 'pageNews'>,
  trx: Trx,
  match: { iban: string; transactionId: string; paymentId: string },
  told: { change: Change; reason: string },
): Promise<(() => void) | undefined> {
  const changes = beginChanges(app)
  await sql`savepoint undoing`.execute(trx)
  try {
    await undoWithin(trx, changes, match, told)
    await writeChanges(trx, changes)
  } catch (error) {
    if (!(error instanceof RefusedOperation)) throw error
    await sql`rollback to savepoint undoing`.execute(trx)
    return undefined
  }
  await sql`release savepoint undoing`.execute(trx)
  return () => {
    wakeAfter(app, changes)
    app.wake('payment-expiry')
  }
}
