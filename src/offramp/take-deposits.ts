import type { App } from '../app.ts'
import type { Trx } from '../db/database.ts'
import { walletDoor } from '../effects/model.ts'
import { convertHeld } from './convert-held.ts'
import { type DepositDecision, decideDeposit } from './decide-deposit.ts'
import { claimDeposits, type Deposit, lockDeposits, recordOutcomes } from './deposit-store.ts'
import { withoutHolding } from './one-by-one.ts'
import { DUST_ACCOUNT, isReturning, planCoinReturn } from './return-coins.ts'
import { customerCoinOf, depositPurpose, heldCoins, payoutPurpose, type Sale, saleCoin } from './sale.ts'
import {
  beginSaleChanges,
  bookForSale,
  clearFailures,
  countCoins,
  moveSale,
  moveSaleToReview,
  type SaleChanges,
  wakeAfterSales,
  writeSaleChanges,
} from './sale-changes.ts'
import { lockEffectsOfSales, type SaleEffect, stopEffects } from './sale-effects.ts'
import { isDust, loadSaleFacts, policyOf, type SaleFacts } from './sale-facts.ts'
import { lockSales } from './sale-store.ts'
import { screenSenders } from './screen-senders.ts'
import { transactionOf } from './watch-balances.ts'

const BATCH = 100
/** Longer than screening the senders of a batch takes. */
const LEASE_MS = 60_000

type Needs = Pick<App, 'db' | 'clock' | 'config' | 'secrets' | 'pricing' | 'providers' | 'wake' | 'log'>

/**
 * Works off deposits that became final: what became of each is decided, booked and begun in the transaction that
 * counts it. Answers how many were worked off.
 */
export async function takeDeposits(app: Needs): Promise<number> {
  const { deposits, beside } = await claimDeposits(app.db, { limit: BATCH, leaseMs: LEASE_MS })
  if (deposits.length === 0) return 0
  const looks = await judgeTogether(app, deposits, beside)
  const taken = await withoutHolding(app, [...looks.keys()], (ids) =>
    takeForSales(
      app,
      ids.map((id) => looks.get(id)!),
    ),
  )
  return taken.reduce((sum, count) => sum + count, 0)
}

/** What came for one sale, its senders screened. */
interface Look {
  saleId: string
  deposits: readonly Deposit[]
  /** Of these and what else came for the sale, what comes from a listed address. */
  blocked: readonly Deposit[]
}

/** By sale. One that coins came for whose sender nobody could judge now waits, with all of its coins. */
async function judgeTogether(
  app: Needs,
  claimed: readonly Deposit[],
  beside: readonly Deposit[],
): Promise<Map<string, Look>> {
  const all = [...claimed, ...beside]
  const screened = await screenSenders(app, all)
  const looks = new Map<string, Look>()
  const ofSale = Map.groupBy(all, ({ saleId }) => saleId)
  for (const [saleId, deposits] of Map.groupBy(claimed, (deposit) => deposit.saleId)) {
    const same = ofSale.get(saleId)!
    if (!same.every(({ id }) => screened.has(id))) continue
    looks.set(saleId, { saleId, deposits, blocked: same.filter(({ id }) => screened.get(id) === 'blocked') })
  }
  return looks
}

async function takeForSales(app: Needs, looks: readonly Look[]): Promise<number> {
  const changes = beginSaleChanges(app)
  const ofSale = new Map(looks.map((look) => [look.saleId, look]))
  const taken = await app.db.transaction().execute(async (trx) => {
    const doubted = looks.flatMap(({ saleId, blocked }) => (blocked.length > 0 ? saleId : []))
    const effects = await lockEffectsOfSales(trx, doubted)
    const sales = await lockSales(trx, [...ofSale.keys()])
    const deposits = await lockDeposits(
      trx,
      looks.flatMap((look) => look.deposits),
    )
    const facts = await loadSaleFacts(trx, app.pricing, [...sales.values()])
    const known = new Map<string, Known>()
    for (const [id, sale] of sales) {
      const { blocked } = ofSale.get(id)!
      const doubts = blocked.filter(({ asset, units }) => !isDust(facts, sale, asset, units))
      known.set(id, { facts, blocked: idsOf(blocked), doubts: idsOf(doubts) })
      if (doubts.length > 0) await stopPlannedPayout(trx, changes, sale, effects)
    }
    const outcomes = deposits.map((deposit) => ({
      deposit,
      ...takeDeposit(changes, sales.get(deposit.saleId)!, deposit, known.get(deposit.saleId)!),
    }))
    await recordOutcomes(trx, outcomes, changes.now)
    clearFailures(changes, sales.values())
    await writeSaleChanges(trx, changes)
    return outcomes.length
  })
  wakeAfterSales(app, changes)
  return taken
}

const idsOf = (deposits: readonly Deposit[]): Set<string> => new Set(deposits.map(({ id }) => id))

/** A payout that is only planned is stopped, and a person decides; what has begun to leave is looked at afterwards. */
async function stopPlannedPayout(
  trx: Trx,
  changes: SaleChanges,
  sale: Sale,
  effects: readonly SaleEffect[],
): Promise<void> {
  if (sale.state !== 'processing' || sale.payout?.state !== 'planned') return
  const purpose = payoutPurpose(sale.id, sale.payout.round)
  const payout = effects.find((effect) => effect.purpose === purpose)
  // It was ordered after the effects were locked; they are locked before their sale, so it is all done again.
  if (!payout) throw new Error(`The payout of sale ${sale.id} was ordered meanwhile.`)
  if (payout.state !== 'planned') return
  await stopEffects(trx, changes, sale, [payout], 'stopped: coins came from a blocked address')
  moveSaleToReview(changes, sale, 'blocked_sender')
}

interface Known {
  facts: SaleFacts
  /** The ids of what came for the sale from listed addresses. */
  blocked: ReadonlySet<string>
  /** Of these, what holds the sale up: dust is thrown at addresses by anybody. */
  doubts: ReadonlySet<string>
}

function takeDeposit(
  changes: SaleChanges,
  sale: Sale,
  deposit: Deposit,
  known: Known,
): { outcome: DepositDecision['outcome']; returnRound: number | null } {
  const { facts } = known
  const decision = decide(sale, deposit, known)
  const nameTaken = facts.taken.has(sale.id)
  bookDeposit(changes, sale, deposit, decision)
  const { step, outcome } = decision
  // Before they are counted: what is told of them shows that the sale has what it waited for.
  if (step.do === 'convert' && sale.state !== 'crypto_received')
    moveSale(changes, sale, 'received', revived(sale, nameTaken))
  if (outcome === 'credited') count(changes, sale, deposit, facts)
  switch (step.do) {
    case 'convert':
      convertHeld(changes, sale, step, facts)
      break
    case 'review':
      moveSaleToReview(changes, sale, step.reason, null, revived(sale, nameTaken))
      break
    case 'return': {
      const { asset, units } = deposit
      const round = planCoinReturn(changes, sale, {
        asset,
        units,
        counted: outcome === 'credited',
        reason: step.reason,
        to: sale.refundWallet!,
        isDeposit: true,
      })
      return { outcome, returnRound: round }
    }
    case 'wait':
    case 'hold':
    case 'ignore':
  }
  return { outcome, returnRound: null }
}

/** A sale that ended and goes on takes its name back, if that is free. */
const revived = (sale: Sale, nameTaken: boolean): Partial<Sale> =>
  nameTaken ? {} : { liveExternalId: sale.externalId }

function decide(sale: Sale, deposit: Deposit, { facts, blocked, doubts }: Known): DepositDecision {
  return decideDeposit(
    {
      state: sale.state,
      isOwnCoin: deposit.asset === saleCoin(sale).id,
      units: deposit.units,
      askedUnits: sale.askedUnits,
      heldUnits: heldCoins(sale),
      returning: isReturning(sale),
      isDust: isDust(facts, sale, deposit.asset, deposit.units),
      blocked: blocked.has(deposit.id),
      blockedBeside: doubts.size > (doubts.has(deposit.id) ? 1 : 0),
      banned: sale.customerBannedAt !== null,
      nameTaken: facts.taken.has(sale.id),
      hasRefundWallet: sale.refundWallet !== null,
    },
    policyOf(facts, sale),
  )
}

function bookDeposit(changes: SaleChanges, sale: Sale, deposit: Deposit, { outcome }: DepositDecision): void {
  const { id, chain, address, asset, units } = deposit
  bookForSale(changes, sale, {
    kind: 'deposit',
    purpose: depositPurpose(id),
    postings: [
      { account: walletDoor(chain, address), asset, units },
      { account: outcome === 'dust' ? DUST_ACCOUNT : customerCoinOf(sale.id), asset, units: -units },
    ],
  })
}

function count(changes: SaleChanges, sale: Sale, deposit: Deposit, facts: SaleFacts): void {
  const counted = facts.counted.get(sale.id)!
  counted.push(deposit)
  counted.sort((a, b) => a.firstSeenAt.getTime() - b.firstSeenAt.getTime())
  countCoins(changes, sale, deposit.units, { txid: transactionOf(deposit) ?? sale.txid })
}
