import type { Address } from 'viem'
import { walletDoor } from '../effects/model.ts'
import type { NewEffect } from '../effects/plan-effects.ts'
import { nativeAssetOf } from '../money/asset.ts'
import type { SweepStep } from './decide-sweep.ts'
import { putOff } from './sweep-retries.ts'
import { type Sweep, type SweepChange, sweepPurpose, sweepReference } from './sweep-store.ts'

type SweepPlace = Pick<Sweep, 'id' | 'integrationId' | 'chain' | 'address' | 'asset'>

/** Where a sweep is after a step, and the money that is to move by it. */
export function takeStep(
  sweep: Sweep,
  step: SweepStep,
  hot: Address,
  now: Date,
): { change: SweepChange; effect?: NewEffect } {
  const round = sweep.round + 1
  const next = { ...sweep, round, dueAt: null, reason: null }
  switch (step.do) {
    case 'end':
      return { change: { ...sweep, state: 'done', dueAt: null, reason: 'nothing was left to move' } }
    case 'put_off':
      return { change: putOff(sweep, step.reason, now) }
    case 'gas':
      return { change: { ...next, state: 'gas' }, effect: gasEffect(sweep, round, step.units) }
    case 'coins':
      return {
        change: { ...next, state: 'coins', units: step.units },
        effect: coinsEffect(sweep, round, step.units, hot),
      }
  }
}

/** Native coins from a hot wallet to an address that lacks them. */
export function gasEffect(sweep: SweepPlace, round: number, units: bigint): NewEffect {
  const { id, integrationId, chain, address } = sweep
  return {
    integrationId,
    kind: 'coin_transfer',
    purpose: sweepPurpose(id, 'gas', round),
    reference: sweepReference(id),
    door: null,
    asset: nativeAssetOf(chain).id,
    units,
    account: walletDoor(chain, address),
    destination: { address },
  }
}

function coinsEffect(sweep: SweepPlace, round: number, units: bigint, hot: Address): NewEffect {
  const { id, integrationId, chain, address, asset } = sweep
  return {
    integrationId,
    kind: 'coin_transfer',
    purpose: sweepPurpose(id, 'coins', round),
    reference: sweepReference(id),
    door: walletDoor(chain, address),
    asset,
    units,
    account: walletDoor(chain, hot),
    destination: { address: hot },
  }
}
