import type { Trx } from '../db/database.ts'
import type { EffectsTable } from '../db/schema.ts'
import { coinsPurpose } from './payment.ts'

export interface CoinsEffect {
  id: string
  state: EffectsTable['state']
}

/**
 * The payment's transfer of coins, locked: before its payment, as everywhere. Undefined when none was ever planned.
 * While it is locked nothing can dispatch it.
 */
export function lockCoins(trx: Trx, paymentId: string): Promise<CoinsEffect | undefined> {
  return trx
    .selectFrom('effects')
    .select(['id', 'state'])
    .where('purpose', '=', coinsPurpose(paymentId))
    .forUpdate()
    .executeTakeFirst()
}

/** Not a coin has left, and none is about to: it waits for its turn, or was given up for good. */
export const isUndispatched = (coins: CoinsEffect | undefined): boolean =>
  coins === undefined || coins.state === 'planned' || coins.state === 'failed' || coins.state === 'cancelled'

/** Gives a locked, undispatched transfer up, so that nobody can have it tried again. */
export async function cancelCoins(trx: Trx, coins: CoinsEffect, now: Date): Promise<void> {
  await trx
    .updateTable('effects')
    .set({ state: 'cancelled', dueAt: null, leaseUntil: null, updatedAt: now })
    .where('id', '=', coins.id)
    .where('state', 'in', ['planned', 'failed', 'cancelled'])
    .execute()
}
