import { sql } from 'kysely'
import type { App } from '../app.ts'
import { findTaken } from '../effects/given-up-money.ts'
import { convertHeld } from './convert-held.ts'
import { decideAll } from './decide-deposit.ts'
import { loadPending } from './deposit-store.ts'
import { giveEverythingBack } from './give-back.ts'
import { withoutHolding } from './one-by-one.ts'
import { isPayingOut } from './pay-out.ts'
import { DUST_ACCOUNT, keepCoins, planCoinReturn } from './return-coins.ts'
import { heldCoins, type Sale, saleCoin, saleReference } from './sale.ts'
import {
  beginSaleChanges,
  moveSale,
  moveSaleToReview,
  type SaleChanges,
  setSaleFields,
  wakeAfterSales,
  writeSaleChanges,
} from './sale-changes.ts'
import { isStoppable, lockSaleEffects, type SaleEffect } from './sale-effects.ts'
import { isDust, loadSaleFacts, policyOf, type SaleFacts } from './sale-facts.ts'
import type { SaleState } from './sale-states.ts'
import { lockSales } from './sale-store.ts'

const BATCH = 100
const LEASE_MS = 60_000
/** When a sale is looked at again whose payout was not ordered by its deadline. */
const WAIT_AGAIN_MS = 86_400_000

/**
 * The chain of the sale was read up to the sale's deadline: what came in time has been seen, even where the node, or the
 * reading of it, was down or behind. Until then the sale waits.
 */
export const isChainRead = sql<boolean>`exists (
  select from chain_scans where chain_scans.chain = sales.chain and chain_scans.read_until >= sales.due_at)`

type Needs = Pick<App, 'db' | 'clock' | 'config' | 'secrets' | 'pricing' | 'wake' | 'log'>

/** What happens when a sale has been too long in a state. Answers how many were due. */
export async function passDeadlines(app: Needs): Promise<number> {
  const rearmed = await rearm(app)
  const due = await claimDue(app)
  const ids = (state: SaleState) => due.filter((sale) => sale.state === state).map(({ id }) => id)
  await withoutHolding(app, ids('started'), (some) => closeWindows(app, some))
  await withoutHolding(app, ids('crypto_received'), (some) => reviewUnconverted(app, some))
  for (const id of ids('processing')) await withoutHolding(app, [id], () => reviewUnpaid(app, id))
  for (const id of ids('in_review')) await withoutHolding(app, [id], () => returnUnreviewed(app, id))
  return rearmed + due.length
}

/** A sale that waited for coins on their way into the chain is due again when they are final, or have vanished. */
async function rearm({ db, clock }: Needs): Promise<number> {
  const { numAffectedRows } = await sql`
    update sales set due_at = expires_at
     where state = 'started' and due_at is null and expires_at <= ${clock.now()}
       and not exists (select from deposits d
                        where d.integration_id = sales.integration_id and d.sale_id = sales.id
                          and (d.state = 'seen' or (d.state = 'final' and d.outcome is null)))`.execute(db)
  return Number(numAffectedRows ?? 0n)
}

async function claimDue({ db, clock }: Needs): Promise<{ id: string; state: SaleState }[]> {
  const { rows } = await sql<{ id: string; state: SaleState }>`
    update sales set lease_until = clock_timestamp() + ${LEASE_MS} * interval '1 millisecond'
     where (integration_id, id) in (
           select integration_id, id from sales
            where due_at <= ${clock.now()} and (lease_until is null or lease_until < clock_timestamp())
              and (state <> 'started' or ${isChainRead})
            order by due_at limit ${BATCH} for update skip locked)
    returning id, state`.execute(db)
  return rows
}

/** Ends the waiting for coins, on a chain that was read so far. Those that were seen and are not final are waited for. */
async function closeWindows(app: Needs, ids: readonly string[]): Promise<void> {
  const changes = beginSaleChanges(app)
  await app.db.transaction().execute(async (trx) => {
    const sales = [...(await lockSales(trx, ids)).values()].filter((sale) => isDue(changes, sale, 'started'))
    const pending = await loadPending(trx, sales)
    const facts = await loadSaleFacts(trx, app.pricing, sales)
    for (const sale of sales) {
      if (pending.has(sale.id)) setSaleFields(changes, sale, { dueAt: null })
      else closeWindow(changes, sale, facts)
    }
    await writeSaleChanges(trx, changes)
  })
  wakeAfterSales(app, changes)
}

const isDue = ({ now }: SaleChanges, { state, dueAt }: Sale, wanted: SaleState): boolean =>
  state === wanted && dueAt !== null && dueAt <= now

function closeWindow(changes: SaleChanges, sale: Sale, facts: SaleFacts): void {
  const units = heldCoins(sale)
  const asset = saleCoin(sale).id
  if (units > 0n && !isDust(facts, sale, asset, units)) {
    if (sale.customerBannedAt) moveSaleToReview(changes, sale, 'banned')
    else closeShort(changes, sale, facts)
    return
  }
  if (units > 0n) {
    const purpose = `sale:${sale.id}:dust`
    keepCoins(changes, sale, { asset, units, counted: true, to: DUST_ACCOUNT, purpose })
  }
  const back = sale.coinReturn
  if (back?.state === 'confirmed') moveSale(changes, sale, 'returned', { endReason: back.reason })
  else moveSale(changes, sale, 'expired', { endReason: 'expired' })
}

/** Some of the coins came, and no more will. */
function closeShort(changes: SaleChanges, sale: Sale, facts: SaleFacts): void {
  const { state, askedUnits, refundWallet } = sale
  const heldUnits = heldCoins(sale)
  const hasRefundWallet = refundWallet !== null
  const step = decideAll({ state, askedUnits, heldUnits, units: 0n, hasRefundWallet }, policyOf(facts, sale))
  if (step.do === 'convert') {
    moveSale(changes, sale, 'received')
    convertHeld(changes, sale, step, facts)
  } else if (step.do === 'return') {
    const order = { asset: saleCoin(sale).id, units: heldUnits, counted: true, reason: step.reason }
    planCoinReturn(changes, sale, { ...order, to: refundWallet! })
    moveSale(changes, sale, 'expired', { endReason: step.reason })
  } else {
    moveSaleToReview(changes, sale, 'short')
  }
}

/** Coins came and could not be converted in time: a person decides. */
async function reviewUnconverted(app: Needs, ids: readonly string[]): Promise<void> {
  const changes = beginSaleChanges(app)
  await app.db.transaction().execute(async (trx) => {
    for (const sale of (await lockSales(trx, ids)).values()) {
      if (isDue(changes, sale, 'crypto_received')) moveSaleToReview(changes, sale, 'not_converted')
    }
    await writeSaleChanges(trx, changes)
  })
  wakeAfterSales(app, changes)
}

/** How its payout stands after a state in which it may have left, for people. */
const LATE_WORDS: Partial<Record<SaleEffect['state'], string>> = {
  prepared: 'nobody knows whether the bank has it',
  unknown: 'nobody knows whether the bank has it',
  sent: 'the bank took it, and neither booked nor refused it',
}

/**
 * The bank has the payout, or may have it, and does not say what became of it: a person finds out. The order itself is
 * not given up. One that waits to be ordered, as for money, goes on waiting.
 */
async function reviewUnpaid(app: Needs, id: string): Promise<void> {
  const changes = beginSaleChanges(app)
  await app.db.transaction().execute(async (trx) => {
    const effects = await lockSaleEffects(trx, id)
    const sale = (await lockSales(trx, [id])).get(id)
    if (!sale || !isDue(changes, sale, 'processing')) return
    const payout = effects.find(({ kind }) => kind === 'bank_transfer')
    const words = payout && LATE_WORDS[payout.state]
    if (words) moveSaleToReview(changes, sale, 'payout_late', `${words} (effect ${payout.id})`)
    else setSaleFields(changes, sale, { dueAt: new Date(changes.now.getTime() + WAIT_AGAIN_MS) })
    await writeSaleChanges(trx, changes)
  })
  wakeAfterSales(app, changes)
}

/**
 * Nobody decided in time: the coins go back where the customer said. Where that is not known, or not for us to do
 * alone, as while money left by a payout that was given up, the sale stays before the operator, with a new deadline.
 */
async function returnUnreviewed(app: Needs, id: string): Promise<void> {
  const changes = beginSaleChanges(app)
  await app.db.transaction().execute(async (trx) => {
    const effects = await lockSaleEffects(trx, id)
    const sale = (await lockSales(trx, [id])).get(id)
    if (!sale || !isDue(changes, sale, 'in_review')) return
    const mayReturn =
      sale.refundWallet !== null &&
      !NEEDS_PERSON.has(sale.reviewReason ?? '') &&
      sale.customerBannedAt === null &&
      !isPayingOut(sale) &&
      effects.every(isStoppable) &&
      !(await hasBlocked(trx, sale)) &&
      !(await findTaken(trx, saleReference(id)))
    const order = { effects, to: sale.refundWallet!, reason: 'review_timeout' } as const
    if (!mayReturn || !(await giveEverythingBack(trx, changes, sale, order))) {
      app.log.error({ sale: id, reason: sale.reviewReason }, 'A sale waits for a person, and nobody came.')
      const deadline = new Date(changes.now.getTime() + app.config.durations.reviewLifetimeMs)
      setSaleFields(changes, sale, { expiresAt: deadline, dueAt: deadline })
    }
    await writeSaleChanges(trx, changes)
  })
  wakeAfterSales(app, changes)
}

/** Giving these back by itself would be wrong, or was tried and failed. */
const NEEDS_PERSON: ReadonlySet<string> = new Set(['banned', 'blocked_sender', 'return_failed'])

async function hasBlocked(
  trx: Parameters<typeof lockSales>[0],
  { integrationId, id }: Sale,
): Promise<boolean> {
  const row = await trx
    .selectFrom('deposits')
    .select('id')
    .where('integrationId', '=', integrationId)
    .where('saleId', '=', id)
    .where('outcome', '=', 'blocked')
    .where('settledAt', 'is', null)
    .executeTakeFirst()
  return row !== undefined
}
