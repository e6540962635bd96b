import type { Address } from 'viem'
import { type EffectNeeds, lanesOfChain } from '../effects/model.ts'
import { planEffects } from '../effects/plan-effects.ts'
import type { ChainSetup } from '../providers/chain/setup.ts'
import { withHeadRoom } from './decide-sweep.ts'
import { gasEffect } from './sweep-effects.ts'
import { cancelPlanned, listSlowSweeps, lockSweeps, type SlowSweep, updateSweeps } from './sweep-store.ts'

const LOOK_AT = 500

type Needs = Pick<EffectNeeds, 'db' | 'clock' | 'secrets' | 'wake'>

/**
 * Helps coins that should be leaving and don't, as fees rose since their gas came: those that no transaction carries
 * are decided about anew, those whose signed transaction can't be paid for get the gas it lacks.
 */
export async function helpSlowSweeps(needs: Needs, setup: ChainSetup): Promise<number> {
  const slow = await listSlowSweeps(needs.db, setup.chain, LOOK_AT)
  if (slow.length === 0) return 0
  const again = await decideAnew(
    needs,
    slow.filter(({ isPlanned }) => isPlanned),
  )
  const helped = await bringGas(
    needs,
    setup,
    slow.filter(({ isPlanned }) => !isPlanned),
  )
  return again + helped
}

async function decideAnew({ db, clock }: Needs, planned: readonly SlowSweep[]): Promise<number> {
  if (planned.length === 0) return 0
  return db.transaction().execute(async (trx) => {
    const now = clock.now()
    const ids = planned.map(({ effectId }) => effectId)
    const cancelled = await cancelPlanned(trx, ids, 'the gas for it was short; planned anew', now)
    const sweeps = await lockSweeps(
      trx,
      planned.filter(({ effectId }) => cancelled.has(effectId)),
    )
    if (sweeps.length !== cancelled.size) throw new Error('A sweep moved on while its effect was planned.')
    await updateSweeps(
      trx,
      sweeps.map((sweep) => ({ ...sweep, state: 'gas', dueAt: now })),
      now,
    )
    return sweeps.length
  })
}

async function bringGas(needs: Needs, { chain, provider }: ChainSetup, slow: readonly SlowSweep[]) {
  const { db, clock } = needs
  const held = await provider.balances(
    slow.map(({ address }) => ({ address: address as Address, token: null })),
  )
  const short = slow.flatMap((sweep, index) => {
    const neededUnits = sweep.neededUnits ?? 0n
    return held[index]! < neededUnits ? [{ ...sweep, units: withHeadRoom(neededUnits) - held[index]! }] : []
  })
  if (short.length === 0) return 0
  const unitsOf = new Map(short.map(({ id, units }) => [id, units]))
  const helped = await db.transaction().execute(async (trx) => {
    const now = clock.now()
    const sweeps = await lockSweeps(trx, short)
    const next = sweeps.map((sweep) => ({ ...sweep, round: sweep.round + 1 }))
    await planEffects(
      trx,
      next.map((sweep) => gasEffect(sweep, sweep.round, unitsOf.get(sweep.id)!)),
      needs,
    )
    await updateSweeps(trx, next, now)
    return next.length
  })
  needs.wake(lanesOfChain(chain).dispatch)
  return helped
}
