import type { App } from '../app.ts'
import type { Trx } from '../db/database.ts'
import type { EffectRoom, EndedEffect } from '../effects/model.ts'
import { putOff } from './sweep-retries.ts'
import { dropFailed, lockSweepsById, type Sweep, type SweepChange, updateSweeps } from './sweep-store.ts'
import { sweepsLaneOf } from './sweeps.ts'

/** What sweeps do when gas or coins that they planned have moved, or couldn't. It runs in the effects' own transaction. */
export function sweepRoom({ clock }: Pick<App, 'clock'>): EffectRoom {
  const hear = async (trx: Trx, effects: readonly EndedEffect[]): Promise<readonly string[]> => {
    const now = clock.now()
    const sweeps = await lockSweepsById(trx, [...new Set(effects.map(sweepIdOf))])
    const changes = new Map<string, SweepChange>()
    for (const effect of effects) {
      const sweep = sweeps.get(sweepIdOf(effect))!
      const change = judgeEnd({ ...sweep, ...changes.get(sweep.id) }, effect, now)
      if (change) changes.set(sweep.id, change)
    }
    await updateSweeps(trx, [...changes.values()], now)
    // The sweep itself tries again, in another round: nobody shall have the old one tried as well.
    await dropFailed(
      trx,
      effects.filter(({ state }) => state === 'failed').map(({ id }) => id),
    )
    return [...new Set([...changes.keys()].map((id) => sweepsLaneOf(sweeps.get(id)!.chain)))]
  }
  return { onConfirmed: hear, onFailed: hear }
}

const sweepIdOf = ({ reference }: Pick<EndedEffect, 'reference'>): string => reference.slice('sweep:'.length)

/** Where the sweep is after one of its effects ended; undefined when that changes nothing. */
function judgeEnd(sweep: Sweep, effect: EndedEffect, now: Date): SweepChange | undefined {
  const isCoins = effect.purpose.split(':')[2] === 'coins'
  if (effect.state === 'confirmed') {
    if (isCoins) return { ...sweep, state: 'done', units: effect.units, dueAt: null, reason: null }
    return sweep.state === 'gas' ? { ...sweep, dueAt: now } : undefined
  }
  // Gas for coins that are on their way already is planned again as long as they need it.
  if (!isCoins && sweep.state !== 'gas') return undefined
  const reason = effect.reason ?? effect.state
  if (effect.state === 'cancelled') return { ...sweep, state: 'failed', dueAt: null, reason }
  return putOff(sweep, reason, now)
}
