import type { App } from '../app.ts'
import { walletDoor } from '../effects/model.ts'
import { convertHeld } from './convert-held.ts'
import { type DepositDecision, decideDeposit } from './decide-deposit.ts'
import { claimDeposits, type Deposit, lockDeposits, recordOutcomes } from './deposit-store.ts'
import { withoutHolding } from './one-by-one.ts'
import { DUST_ACCOUNT, isReturning, planCoinReturn } from './return-coins.ts'
import { customerCoinOf, depositPurpose, heldCoins, type Sale, saleCoin } from './sale.ts'
import {
  beginSaleChanges,
  bookForSale,
  clearFailures,
  moveSale,
  moveSaleToReview,
  type SaleChanges,
  setSaleFields,
  wakeAfterSales,
  writeSaleChanges,
} from './sale-changes.ts'
import { isDust, loadSaleFacts, policyOf, type SaleFacts } from './sale-facts.ts'
import { lockSales } from './sale-store.ts'
import { type Screened, screenSenders } from './screen-senders.ts'
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
  const claimed = await claimDeposits(app.db, { limit: BATCH, leaseMs: LEASE_MS })
  if (claimed.length === 0) return 0
  const screened = await screenSenders(app, claimed)
  const judged = Map.groupBy(
    claimed.filter((deposit) => screened.has(deposit.id)),
    ({ saleId }) => saleId,
  )
  const taken = await withoutHolding(app, [...judged.keys()], (ids) =>
    takeForSales(
      app,
      ids.flatMap((id) => judged.get(id)!),
      screened,
    ),
  )
  return taken.reduce((sum, count) => sum + count, 0)
}

async function takeForSales(app: Needs, judged: readonly Deposit[], screened: Screened): Promise<number> {
  const changes = beginSaleChanges(app)
  const taken = await app.db.transaction().execute(async (trx) => {
    const sales = await lockSales(
      trx,
      judged.map(({ saleId }) => saleId),
    )
    const deposits = await lockDeposits(trx, judged)
    const facts = await loadSaleFacts(trx, app.pricing, [...sales.values()])
    const outcomes = deposits.map((deposit) => ({
      deposit,
      ...takeDeposit(changes, sales.get(deposit.saleId)!, deposit, { facts, screened }),
    }))
    await recordOutcomes(trx, outcomes, changes.now)
    clearFailures(changes, sales.values())
    await writeSaleChanges(trx, changes)
    return outcomes.length
  })
  wakeAfterSales(app, changes)
  return taken
}

function takeDeposit(
  changes: SaleChanges,
  sale: Sale,
  deposit: Deposit,
  { facts, screened }: { facts: SaleFacts; screened: Screened },
): { outcome: DepositDecision['outcome']; returnRound: number | null } {
  const decision = decide(sale, deposit, facts, screened)
  const nameTaken = facts.taken.has(sale.id)
  bookDeposit(changes, sale, deposit, decision)
  if (decision.outcome === 'credited') count(changes, sale, deposit, facts)
  const { step, outcome } = decision
  switch (step.do) {
    case 'convert':
      if (sale.state !== 'crypto_received') moveSale(changes, sale, 'received', revived(sale, nameTaken))
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
      })
      return { outcome, returnRound: outcome === 'credited' ? null : round }
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

function decide(sale: Sale, deposit: Deposit, facts: SaleFacts, screened: Screened): DepositDecision {
  return decideDeposit(
    {
      state: sale.state,
      isOwnCoin: deposit.asset === saleCoin(sale).id,
      units: deposit.units,
      askedUnits: sale.askedUnits,
      heldUnits: heldCoins(sale),
      returning: isReturning(sale),
      isDust: isDust(facts, sale, deposit.asset, deposit.units),
      blocked: screened.get(deposit.id) === 'blocked',
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
  setSaleFields(changes, sale, {
    receivedUnits: sale.receivedUnits + deposit.units,
    txid: transactionOf(deposit) ?? sale.txid,
  })
}
