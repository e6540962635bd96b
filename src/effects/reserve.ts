import type { Trx } from '../db/database.ts'
import { nativeAssetOf } from '../money/asset.ts'
import type { ChainSetup } from '../providers/chain/setup.ts'
import { failPlanned } from './fail-planned.ts'
import { freshFees } from './fees.ts'
import { judgeTransfers } from './judge-transfers.ts'
import { type EffectNeeds, lanesOfChain } from './model.ts'
import { firstOpenNonce, haltIfAhead } from './nonce-line.ts'
import { type Candidate, chooseFitting, groupTransfers, type Room, type Waiting } from './plan-dispatch.ts'
import {
  addOutflows,
  type DoorWallet,
  dayOf,
  insertReserved,
  listDueDepositWallets,
  listHotWallets,
  listPlanned,
  lockOpenWallet,
  lockPlanned,
  type NewTransaction,
  type PlannedRow,
  readOutflows,
  recordRefused,
  recordWaiting,
  sumInFlight,
} from './reserve-store.ts'
import { buildTransactions, hasContract, type TriedGroup, tokenOf, totalOf, tryOut } from './try-out.ts'

/** Most planned transfers looked at in one step of one wallet. */
const LOOK_AT = 500
/** When a transfer that waits for coins or the next day is looked at again. */
const WAIT_MS = 5_000
/** When one that a person has to mend is looked at again. */
const BLOCKED_MS = 60_000
/** When a transfer that the chain refused is tried out again; refused once more after the last, it fails. */
const REFUSED_AGAIN_MS = [2_000, 10_000, 60_000, 300_000] as const
/** Most addresses for deposits that are emptied in one step, and how many of them side by side. */
const DEPOSIT_WALLETS = 100
const SIDE_BY_SIDE = 8

/** Binds planned transfers of the chain's hot wallets to nonces. Answers how many effects were moved. */
export async function reserveTransfers(needs: EffectNeeds, setup: ChainSetup): Promise<number> {
  let moved = 0
  for (const wallet of await listHotWallets(needs.db, setup.chain)) {
    if (wallet.open) moved += await reserveForWallet(needs, setup, wallet)
  }
  if (moved > 0) needs.wake(lanesOfChain(setup.chain).prepare)
  return moved
}

/**
 * The same for addresses for deposits that something is to leave now. One that can't be worked with holds up no other:
 * its failure is thrown when the others are done. Answers how many effects were moved.
 */
export async function reserveSweeps(needs: EffectNeeds, setup: ChainSetup): Promise<number> {
  const due = await listDueDepositWallets(needs.db, {
    chain: setup.chain,
    now: needs.clock.now(),
    limit: DEPOSIT_WALLETS,
  })
  let moved = 0
  let failure: unknown
  for (let start = 0; start < due.length; start += SIDE_BY_SIDE) {
    const some = due.slice(start, start + SIDE_BY_SIDE)
    const ends = await Promise.allSettled(some.map((wallet) => reserveForWallet(needs, setup, wallet)))
    for (const end of ends) {
      if (end.status === 'fulfilled') moved += end.value
      else failure ??= end.reason
    }
    // A node that fails once is not asked for all the others as well.
    if (failure !== undefined) break
  }
  if (moved > 0) needs.wake(lanesOfChain(setup.chain).prepare)
  if (failure !== undefined) throw failure
  return moved
}

async function reserveForWallet(needs: EffectNeeds, setup: ChainSetup, wallet: DoorWallet): Promise<number> {
  const { db, clock, settings } = needs
  const now = clock.now()
  const { planned, blocked } = await readPlanned(needs, setup, wallet, now)
  await recordWaiting(db, blocked, { now, dueAt: new Date(now.getTime() + BLOCKED_MS) })
  if (planned.length === 0) return 0
  const oldestMs = Math.min(...planned.map(({ dueAt }) => dueAt.getTime()))
  const gatherMs = oldestMs + settings.gatherMs - now.getTime()
  // An address has nothing to wait for: what comes to it later is another sweep.
  if (wallet.role === 'hot' && gatherMs > 0 && planned.length < settings.batchSize) {
    setTimeout(() => needs.wake(lanesOfChain(setup.chain).dispatch), gatherMs).unref()
    return 0
  }

  const facts = await readFacts(setup, wallet, planned)
  if (facts.genesisHash !== wallet.genesisHash) return 0
  if (await haltIfAhead(needs, wallet, facts.nonces)) return 0
  if (wallet.role === 'deposit') await raiseLocalNonce(needs, wallet, facts.nonces.latest)

  const room = await readRoom(needs, wallet, facts)
  const { going, waiting } = chooseFitting(planned, room)
  const nonces = settings.maxInFlight - room.inFlight
  const canBatch = (asset: string): boolean => setup.disperse !== null && tokenOf(setup, asset) !== null
  const { allowed, ended } = await judgeTransfers(needs, setup.chain, going)
  const groups = groupTransfers(allowed, { canBatch, nonces, settings })
  const tried = await tryOut(setup, wallet, groups)
  await recordWaiting(db, waiting, { now, dueAt: new Date(now.getTime() + WAIT_MS) })
  const reserved = await db
    .transaction()
    .execute((trx) => reserve(trx, needs, { setup, wallet, facts, tried: tried.groups }))
  const refused = await refuse(needs, tried.refused, planned, now)
  return reserved + refused + ended
}

/** On a new local chain an address that was emptied before counts from zero: its line goes on where it was. */
async function raiseLocalNonce(needs: EffectNeeds, wallet: DoorWallet, latest: number): Promise<void> {
  const { chain, address, nextNonce } = wallet
  if (latest >= nextNonce || !needs.sandbox?.has(chain)) return
  const first = await firstOpenNonce(needs, chain, address)
  if (latest < first) await needs.sandbox.raiseNonce(chain, address, first)
}

/** Due transfers, and those that no look at the chain could help, so that they hold up nobody. */
async function readPlanned(
  { db, secrets }: EffectNeeds,
  setup: ChainSetup,
  wallet: DoorWallet,
  now: Date,
): Promise<{ planned: PlannedRow[]; blocked: Waiting[] }> {
  const { planned, unreadable } = await listPlanned(db, { door: wallet.door, now, limit: LOOK_AT }, secrets)
  const unknown = planned.filter(({ asset }) => !hasContract(setup, asset))
  const blocked = unknown.map(({ id, asset }) => ({
    id,
    reason: `no_contract: none is configured for ${asset}`,
  }))
  return { planned: planned.filter((row) => !unknown.includes(row)), blocked: [...unreadable, ...blocked] }
}

interface Facts {
  genesisHash: string
  height: number
  balances: Map<string, bigint>
  nonces: { latest: number; pending: number }
  maxFeePerGas: bigint
}

async function readFacts(
  setup: ChainSetup,
  wallet: DoorWallet,
  planned: readonly Candidate[],
): Promise<Facts> {
  const { provider } = setup
  const native = nativeAssetOf(setup.chain).id
  const assets = [...new Set([native, ...planned.map(({ asset }) => asset)])]
  const [{ genesisHash }, heads, nonces, market] = await Promise.all([
    provider.identify(),
    provider.heads(),
    provider.nonces(wallet.address),
    provider.fees(),
  ])
  // Read after the height: what they hold is at that height or later.
  const balances = await provider.balances(
    assets.map((asset) => ({ address: wallet.address, token: tokenOf(setup, asset) })),
  )
  return {
    genesisHash,
    height: heads.latest.height,
    nonces,
    maxFeePerGas: freshFees(market).maxFeePerGas,
    balances: new Map(assets.map((asset, index) => [asset, balances[index]!])),
  }
}

interface WalletRoom extends Room {
  inFlight: number
}

async function readRoom(
  needs: Pick<EffectNeeds, 'clock' | 'settings'> & { db: EffectNeeds['db'] | Trx },
  wallet: DoorWallet,
  facts: Facts,
): Promise<WalletRoom> {
  const { db, clock, settings } = needs
  const flying = await sumInFlight(db, wallet, facts.height)
  const native = nativeAssetOf(wallet.chain).id
  const free = new Map<string, bigint>()
  for (const [asset, balance] of facts.balances) {
    const gas = asset === native ? flying.maxGasUnits : 0n
    free.set(asset, balance - (flying.units.get(asset) ?? 0n) - gas)
  }
  const capLeft = new Map<string, bigint>()
  // The caps are for what leaves us; from an address for deposits coins only come to our own wallet.
  if (wallet.role === 'deposit') return { free, capLeft, inFlight: flying.count }
  const left = await readOutflows(db, wallet.door, dayOf(clock.now()))
  for (const asset of facts.balances.keys()) {
    const cap = settings.dailyCapUnits(asset)
    if (cap !== null) capLeft.set(asset, cap - (left.get(asset) ?? 0n))
  }
  return { free, capLeft, inFlight: flying.count }
}

/** The transaction that binds nonces: everything is looked at again under the wallet's lock. */
async function reserve(
  trx: Trx,
  needs: EffectNeeds,
  {
    setup,
    wallet,
    facts,
    tried,
  }: { setup: ChainSetup; wallet: DoorWallet; facts: Facts; tried: TriedGroup[] },
): Promise<number> {
  if (tried.length === 0) return 0
  const locked = await lockOpenWallet(trx, wallet)
  if (!locked) return 0
  const all = tried.flatMap(({ members }) => members)
  const still = await lockPlanned(
    trx,
    all.map(({ id }) => id),
  )
  const room = await readRoom({ ...needs, db: trx }, locked, facts)
  const { going } = chooseFitting(
    all.filter(({ id }) => still.has(id)),
    room,
  )
  const fits = new Set(going)
  const native = nativeAssetOf(setup.chain).id
  let freeForGas = (room.free.get(native) ?? 0n) - totalOf(going.filter(({ asset }) => asset === native))
  const transactions: NewTransaction[] = []
  const short: Waiting[] = []
  for (const group of tried) {
    const members = group.members.filter((member) => fits.has(member))
    if (members.length === 0) continue
    const built = buildTransactions(setup, { ...group, members }, facts.maxFeePerGas)
    const cost = built.reduce((sum, { maxGasUnits }) => sum + maxGasUnits, 0n)
    if (cost > freeForGas) {
      const reason = `gas_short: the wallet can give ${freeForGas} units of ${native} for gas, ${cost} may be needed`
      short.push(...members.map(({ id }) => ({ id, reason })))
      continue
    }
    if (room.inFlight + transactions.length + built.length > needs.settings.maxInFlight) continue
    freeForGas -= cost
    transactions.push(
      ...built.map((one, index) => ({ ...one, nonce: locked.nextNonce + transactions.length + index })),
    )
  }
  const now = needs.clock.now()
  await recordWaiting(trx, short, { now, dueAt: new Date(now.getTime() + WAIT_MS) })
  const reserved = all.filter(({ id }) =>
    transactions.some(({ members }) => members.some((member) => member.id === id)),
  )
  if (transactions.length === 0) return 0
  await insertReserved(trx, locked, transactions, now)
  const day = dayOf(now)
  await addOutflows(
    trx,
    reserved.map(({ asset, units }) => ({ door: wallet.door, asset, day, units })),
  )
  return reserved.length
}

/** Puts transfers that the chain refused off, by themselves; the last refusal ends them. */
async function refuse(
  needs: EffectNeeds,
  refused: readonly Waiting[],
  planned: readonly Candidate[],
  now: Date,
): Promise<number> {
  if (refused.length === 0) return 0
  const attemptsOf = new Map(planned.map(({ id, attempts }) => [id, attempts]))
  const again: (Waiting & { dueAt: Date })[] = []
  const over: Waiting[] = []
  for (const one of refused) {
    const pauseMs = REFUSED_AGAIN_MS[attemptsOf.get(one.id) ?? 0]
    if (pauseMs === undefined) over.push(one)
    else again.push({ ...one, dueAt: new Date(now.getTime() + pauseMs) })
  }
  const lanes = await needs.db.transaction().execute(async (trx) => {
    if (again.length > 0) await recordRefused(trx, again, now)
    return failPlanned(trx, needs, over)
  })
  needs.wake(...lanes)
  return refused.length
}
