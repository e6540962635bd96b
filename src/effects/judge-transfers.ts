import { failPlanned } from './fail-planned.ts'
import type { EffectNeeds, PlannedTransfer } from './model.ts'
import type { Waiting } from './plan-dispatch.ts'
import { type PlannedRow, recordWaiting } from './reserve-store.ts'

/** When a transfer that nobody could judge is judged again. */
const AGAIN_MS = 5_000

/**
 * Asks the rooms that planned transfers whether these may still go where they were to, right before they are bound to a
 * nonce. Refused ones fail, and their coins stay. Answers what may go, and how many ended.
 */
export async function judgeTransfers(
  needs: Pick<EffectNeeds, 'db' | 'clock' | 'rooms' | 'wake'>,
  chain: string,
  going: readonly PlannedRow[],
): Promise<{ allowed: PlannedRow[]; ended: number }> {
  const stopped = new Set<string>()
  const refused: Waiting[] = []
  for (const [name, own] of Map.groupBy(going, ({ reference }) =>
    reference.slice(0, reference.indexOf(':')),
  )) {
    const transfers = own.map(({ id, purpose, to }): PlannedTransfer => ({ id, purpose, chain, to }))
    const judged = await needs.rooms[name]?.judge?.(transfers)
    if (!judged) continue
    const now = needs.clock.now()
    await recordWaiting(needs.db, judged.waiting, { now, dueAt: new Date(now.getTime() + AGAIN_MS) })
    refused.push(...judged.refused)
    for (const { id } of [...judged.waiting, ...judged.refused]) stopped.add(id)
  }
  const allowed = going.filter(({ id }) => !stopped.has(id))
  return { allowed, ended: await endRefused(needs, refused) }
}

async function endRefused(
  needs: Pick<EffectNeeds, 'db' | 'clock' | 'rooms' | 'wake'>,
  refused: readonly Waiting[],
): Promise<number> {
  if (refused.length === 0) return 0
  const lanes = await needs.db.transaction().execute((trx) => failPlanned(trx, needs, refused))
  needs.wake(...lanes)
  return refused.length
}
