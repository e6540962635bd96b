import type { Trx } from '../db/database.ts'
import { endEffects } from './end-effects.ts'
import type { EffectNeeds } from './model.ts'
import type { Waiting } from './plan-dispatch.ts'
import { lockPlanned } from './reserve-store.ts'

/**
 * Ends transfers that must not go, each with its reason, unless a person or another process was faster with one: only
 * what is still planned fails. Answers the lanes to wake after the transaction.
 */
export async function failPlanned(
  trx: Trx,
  needs: Pick<EffectNeeds, 'clock' | 'rooms'>,
  refused: readonly Waiting[],
): Promise<string[]> {
  const still = await lockPlanned(
    trx,
    refused.map(({ id }) => id),
  )
  const ends = refused.filter(({ id }) => still.has(id))
  return endEffects(
    trx,
    needs,
    ends.map(({ id, reason }) => ({ id, state: 'failed', reason, txid: null, gasUnits: null })),
  )
}
