import type { Address } from 'viem'
import { freshFees } from '../effects/fees.ts'
import { type EffectNeeds, lanesOfChain } from '../effects/model.ts'
import { type NewEffect, planEffects } from '../effects/plan-effects.ts'
import { tokenOf, withMargin } from '../effects/try-out.ts'
import type { Lane } from '../kernel/lanes.ts'
import { nativeAssetOf } from '../money/asset.ts'
import type { GasEstimate } from '../providers/chain/port.ts'
import type { ChainSetup } from '../providers/chain/setup.ts'
import { transferData } from '../providers/chain/tokens.ts'
import { decideSweep, type SweepStep } from './decide-sweep.ts'
import { helpSlowSweeps } from './slow-sweeps.ts'
import { takeStep } from './sweep-effects.ts'
import { earlier } from './sweep-retries.ts'
import {
  chooseHotWallet,
  countOpenSweeps,
  type Held,
  insertSweeps,
  listDueSweeps,
  lockSweeps,
  lockUnswept,
  nextSweepDue,
  nextUnswept,
  type Place,
  readHeld,
  recordSeen,
  type Sweep,
  type SweepChange,
  type UnsweptDeposit,
  updateSweeps,
} from './sweep-store.ts'

export interface SweepNeeds extends EffectNeeds {
  /** Less than so many base units of an asset stay where they are: moving them is not worth its gas. */
  sweepMinimum(asset: string): bigint
}

export const sweepsLaneOf = (chain: string): string => `sweeps:${chain}`

/** Most deposits looked at, and most sweeps moved on, in one step. */
const LOOK_AT = 500
const MOVE_AT_ONCE = 100
/** Most sweeps of a chain at one time. */
const MOST_OPEN = 1_000
/** How often the chain is asked about coins that should be leaving and don't, in real time. */
const SLOW_LOOK_MS = 5_000

/** One lane for each chain, so that a dead node delays no other chain. */
export function sweepLanes(needs: SweepNeeds): Lane[] {
  return [...needs.chains.values()].map((setup) => ({
    name: sweepsLaneOf(setup.chain),
    step: createSweeps(needs, setup),
    nextDue: async () =>
      earlier(await nextSweepDue(needs.db, setup.chain), await nextUnswept(needs.db, setup.chain)),
  }))
}

/**
 * Moves coins from the addresses of sales to the hot wallet, whatever becomes of the sale. Each step is one transaction
 * of the database; the effects it plans do the rest and tell the room. In memory is only when it last asked the chain.
 */
export function createSweeps(needs: SweepNeeds, setup: ChainSetup): () => Promise<number> {
  let lookedMs = -Infinity

  return async () => {
    const begun = await beginSweeps(needs, setup.chain)
    const moved = await moveSweeps(needs, setup)
    const nowMs = needs.clock.real().getTime()
    if (nowMs - lookedMs < SLOW_LOOK_MS) return begun + moved
    const helped = await helpSlowSweeps(needs, setup)
    lookedMs = nowMs
    return begun + moved + helped
  }
}

/** Looks at what came since, and begins a sweep for each address that has enough to be worth it. */
export async function beginSweeps(needs: SweepNeeds, chain: string): Promise<number> {
  const { db, clock } = needs
  return db.transaction().execute(async (trx) => {
    const deposits = await lockUnswept(trx, chain, LOOK_AT)
    if (deposits.length === 0) return 0
    const room = MOST_OPEN - (await countOpenSweeps(trx, chain))
    const heldAt = await readHeld(trx, chain, deposits)
    const { enough, tooLittle } = sortPlaces(deposits, heldAt, needs)
    const chosen = enough.slice(0, Math.max(room, 0))
    const now = clock.now()
    const begun = await insertSweeps(
      trx,
      chosen.map(({ deposit: { integrationId, epoch, address, asset }, units }) => ({
        integrationId,
        chain,
        epoch,
        address,
        asset,
        units,
      })),
      now,
    )
    const taken = new Set(
      chosen.filter(({ deposit }) => begun.has(deposit.address)).map(({ place }) => place),
    )
    const seen = deposits.filter((deposit) => {
      const place = nameOf(deposit)
      return tooLittle.has(place) || taken.has(place)
    })
    await recordSeen(trx, seen, now)
    return seen.length
  })
}

const nameOf = ({ address, asset }: Place): string => `${address} ${asset}`

/** Which coins are worth moving. Of an address with several kinds one goes first; the others wait for its end. */
function sortPlaces(
  deposits: readonly UnsweptDeposit[],
  heldAt: (place: Place) => Held,
  { sweepMinimum }: Pick<SweepNeeds, 'sweepMinimum'>,
) {
  const enough = new Map<string, { deposit: UnsweptDeposit; place: string; units: bigint }>()
  const tooLittle = new Set<string>()
  for (const deposit of deposits) {
    const { bookedUnits, blockedUnits } = heldAt(deposit)
    const units = bookedUnits - blockedUnits
    const place = nameOf(deposit)
    if (units <= 0n || units < sweepMinimum(deposit.asset)) tooLittle.add(place)
    else if (!enough.has(deposit.address)) enough.set(deposit.address, { deposit, place, units })
  }
  return { enough: [...enough.values()], tooLittle }
}

/** Decides by the chain what is next for sweeps that are due, and plans it. Answers how many moved. */
export async function moveSweeps(needs: SweepNeeds, setup: ChainSetup): Promise<number> {
  const { db, clock } = needs
  const { chain } = setup
  const due = await listDueSweeps(db, { chain, now: clock.now(), limit: MOVE_AT_ONCE })
  const hot = due.length > 0 ? await chooseHotWallet(db, chain) : undefined
  if (!hot || !(await isKnownChain(needs, setup))) return 0
  const steps = await decideSteps(needs, setup, due, hot)
  const moved = await db.transaction().execute(async (trx) => {
    const now = clock.now()
    const locked = await lockSweeps(trx, due)
    const changes: SweepChange[] = []
    const effects: NewEffect[] = []
    for (const sweep of locked) {
      const { change, effect } = takeStep(sweep, steps.get(sweep.id)!, hot, now)
      changes.push(change)
      if (effect) effects.push(effect)
    }
    await planEffects(trx, effects, needs)
    await updateSweeps(trx, changes, now)
    return locked.length
  })
  const lanes = lanesOfChain(chain)
  if (moved > 0) needs.wake(lanes.collect, lanes.dispatch)
  return moved
}

/** Whether the node has the chain that the addresses hold coins on. */
async function isKnownChain({ db }: SweepNeeds, { chain, provider }: ChainSetup): Promise<boolean> {
  const { genesisHash } = await provider.identify()
  const known = await db
    .selectFrom('chains')
    .select('genesisHash')
    .where('chain', '=', chain)
    .executeTakeFirst()
  return known?.genesisHash === genesisHash
}

async function decideSteps(
  { db }: SweepNeeds,
  setup: ChainSetup,
  sweeps: readonly Sweep[],
  hot: Address,
): Promise<Map<string, SweepStep>> {
  const { chain, provider } = setup
  const native = nativeAssetOf(chain).id
  const places = sweeps.flatMap(({ address, asset }) => [
    { address, asset },
    ...(asset === native ? [] : [{ address, asset: native }]),
  ])
  // The books first: what the chain then holds less of them is missing.
  const heldAt = await readHeld(db, chain, places)
  const { maxFeePerGas } = freshFees(await provider.fees())
  const onChain = await provider.balances(
    places.map(({ address, asset }) => ({ address: address as Address, token: tokenOf(setup, asset) })),
  )
  const unitsAt = new Map(places.map((place, index) => [nameOf(place), onChain[index]!]))
  const questions = sweeps.map(({ address, asset }) => {
    const held = heldAt({ address, asset })
    const blockedNative = heldAt({ address, asset: native }).blockedUnits
    return {
      isNative: asset === native,
      bookedUnits: held.bookedUnits - held.blockedUnits,
      chainUnits: unitsAt.get(nameOf({ address, asset }))! - held.blockedUnits,
      nativeUnits: larger(unitsAt.get(nameOf({ address, asset: native }))! - blockedNative, 0n),
    }
  })
  const gas = await estimateTransfers(
    setup,
    hot,
    sweeps.map((sweep, index) => ({ ...sweep, units: questions[index]!.bookedUnits })),
    questions.map(({ bookedUnits, chainUnits }) => bookedUnits > 0n && chainUnits >= bookedUnits),
  )
  return new Map(
    sweeps.map(({ id }, index): [string, SweepStep] => {
      const estimate = gas[index]
      if (estimate && !estimate.ok)
        return [id, { do: 'put_off', reason: `refused by the chain: ${estimate.reason}` }]
      const gasUnits = estimate ? withMargin(estimate.gas) * maxFeePerGas : 0n
      return [id, decideSweep({ ...questions[index]!, gasUnits })]
    }),
  )
}

const larger = (a: bigint, b: bigint): bigint => (a > b ? a : b)

/** What each transfer to the hot wallet needs; undefined where there is nothing that could be moved. */
async function estimateTransfers(
  setup: ChainSetup,
  hot: Address,
  transfers: readonly (Place & { units: bigint })[],
  movable: readonly boolean[],
): Promise<(GasEstimate | undefined)[]> {
  const calls = transfers
    .filter((_, index) => movable[index])
    .map(({ address, asset, units }) => {
      const token = tokenOf(setup, asset)
      const from = address as Address
      return token
        ? { from, to: token, data: transferData(hot, units), value: 0n }
        : { from, to: hot, data: '0x' as const, value: 0n }
    })
  const estimates = await setup.provider.estimateGas(calls)
  let next = 0
  return movable.map((can) => (can ? estimates[next++] : undefined))
}
