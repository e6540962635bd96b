import { sql } from 'kysely'
import type { App } from '../app.ts'
import { recordAudit } from '../common/integration-store.ts'
import type { Trx } from '../db/database.ts'
import { refuseTaken } from '../effects/given-up-money.ts'
import { type Change, RefusedOperation } from '../effects/operate-effects.ts'
import { judgeWallet } from '../onramp/wallet-checks.ts'
import { checkPayee } from './change-payee.ts'
import { quoteHeld } from './convert-held.ts'
import { changeOpenDeposits, loadOpenDeposits } from './deposit-store.ts'
import { giveEverythingBack } from './give-back.ts'
import { convertAndPay, orderPayout, reverseConversions } from './pay-out.ts'
import { accountKey } from './payout-account.ts'
import { ABANDONED_ACCOUNT, keepCoins } from './return-coins.ts'
import { heldCoins, heldFiat, type Payee, type Sale, saleCoin, saleReference } from './sale.ts'
import {
  beginSaleChanges,
  countCoins,
  moveSale,
  type SaleChanges,
  setSaleFields,
  wakeAfterSales,
  writeSaleChanges,
} from './sale-changes.ts'
import {
  lockSaleEffects,
  refuseMoving,
  refuseOvertaken,
  type SaleEffect,
  stopEffects,
} from './sale-effects.ts'
import { loadSaleFacts, type SaleFacts } from './sale-facts.ts'
import { lockSales } from './sale-store.ts'
import { openPayee, sealPayee } from './sale-wire.ts'
import { stateOf } from './shown-deposits.ts'

type Needs = Pick<App, 'db' | 'clock' | 'config' | 'secrets' | 'pricing' | 'providers' | 'wake'>

/** Sales that wait for a person, oldest first. */
export async function listSaleReviews({ db }: Pick<App, 'db'>): Promise<Sale[]> {
  const { rows } = await sql<Sale>`
    select * from sales where state = 'in_review' order by created_at limit 1000`.execute(db)
  return rows
}

/**
 * Lets a sale in review go on: what is held is converted, each coin at the price that holds for it, and paid out
 * together with money that came back; coins from a blocked address are counted after all. Throws `RefusedOperation`
 * when something of it is on its way, or nothing would be paid.
 */
export async function releaseSale(app: Needs, id: string, change: Change): Promise<void> {
  await decide(app, id, change, 'sale.release', async (trx, changes, sale, effects) => {
    refuseMoving(effects)
    await refuseTaken(trx, saleReference(id))
    await stopEffects(trx, changes, sale, effects)
    await countBlocked(trx, changes, sale)
    await goOn(app, trx, changes, sale)
  })
}

/**
 * Orders the payout of a sale in review again, to another account, after one failed or came back. Coins from a blocked
 * address stay with a person. Refuses as `releaseSale` does, a sale of which no payout failed, and an account that
 * `checkPayee` refuses.
 */
export async function paySaleAgain(
  app: Needs,
  id: string,
  { payee, ...change }: Change & { payee: (before: Payee) => Payee },
): Promise<void> {
  await decide(app, id, change, 'sale.pay_again', async (trx, changes, sale, effects) => {
    const before = openPayee(app.secrets, sale)
    if (!before || !sale.keyWrapped) throw new RefusedOperation(`The customer of sale ${id} was forgotten.`)
    refuseMoving(effects)
    await refuseTaken(trx, saleReference(id))
    if (heldFiat(sale) === 0n && sale.payout?.state !== 'failed') {
      throw new RefusedOperation(`No payout of sale ${id} failed. "sale release" lets it go on.`)
    }
    const to = await checkPayee(trx, payee(before))
    setSaleFields(changes, sale, { payeeSealed: sealPayee(app.secrets, sale.keyWrapped, to) })
    await stopEffects(trx, changes, sale, effects)
    await goOn(app, trx, changes, sale)
  })
}

/**
 * Refuses a sale in review: all of its coins that were not paid out go back, to the customer's wallet or to another.
 * Throws `RefusedOperation` when something of it is on its way, there is nothing to give back, or the wallet can't be.
 */
export async function returnSale(
  app: Needs,
  id: string,
  { wallet, ...change }: Change & { wallet: string | null },
): Promise<void> {
  const { chain, refundWallet } = await findWallet(app, id)
  if (wallet !== null && !app.providers.contracts.has(chain)) {
    throw new RefusedOperation(
      `The contracts on ${chain} aren't known here, so no other wallet can be judged.`,
    )
  }
  const wanted = wallet ?? refundWallet
  const judged = await judgeWallet(app, chain, wanted)
  if (judged.problem) throw new RefusedOperation(`Coins can't go to ${wanted}: ${judged.problem}.`)
  await decide(app, id, change, 'sale.return', async (trx, changes, sale, effects) => {
    const to = judged.address
    if (to === null)
      throw new RefusedOperation(`Sale ${id} has no wallet to give coins back to: add --wallet.`)
    refuseMoving(effects)
    await refuseTaken(trx, saleReference(id))
    setSaleFields(changes, sale, { refundWallet: to })
    if (!(await giveEverythingBack(trx, changes, sale, { effects, to, reason: 'review_refused' })))
      throw new RefusedOperation(`Sale ${id} holds nothing that could go back.`)
  })
}

/**
 * Ends a sale in review without giving anything back: what is held stays with us, on an account of its own, such as
 * coins that the law has us freeze.
 */
export async function abandonSale(app: Needs, id: string, change: Change): Promise<void> {
  await decide(app, id, change, 'sale.abandon', async (trx, changes, sale, effects) => {
    refuseMoving(effects)
    await stopEffects(trx, changes, sale, effects)
    await reverseConversions(trx, changes, sale)
    await keepEverything(trx, changes, sale)
    // Conversions whose money came back are reversed by now: one that is left was paid, and that was told of.
    const paid = sale.conversions.length > 0
    moveSale(changes, sale, paid ? 'settled' : 'abandoned', paid ? {} : { endReason: 'abandoned' })
  })
}

async function keepEverything(trx: Trx, changes: SaleChanges, sale: Sale): Promise<void> {
  const units = heldCoins(sale)
  const to = ABANDONED_ACCOUNT
  // A sale may be given up more than once, as coins can come after the end: the version tells the journals apart.
  const purpose = `sale:${sale.id}:abandoned:${sale.version}`
  if (units > 0n) keepCoins(changes, sale, { asset: saleCoin(sale).id, units, counted: true, to, purpose })
  const open = (await loadOpenDeposits(trx, [sale])).get(sale.id)!
  for (const { id, asset, units: kept } of open) {
    keepCoins(changes, sale, { asset, units: kept, counted: false, to, purpose: `deposit:${id}:abandoned` })
  }
  await changeOpenDeposits(trx, open, { settledAt: changes.now }, changes.now)
}

type Decision = (trx: Trx, changes: SaleChanges, sale: Sale, effects: SaleEffect[]) => Promise<void>

/** One decision of a person, with the effects of the sale locked before it, so that nothing leaves meanwhile. */
async function decide(
  app: Needs,
  id: string,
  { who, why }: Change,
  action: string,
  decision: Decision,
): Promise<void> {
  const changes = beginSaleChanges(app)
  await app.db.transaction().execute(async (trx) => {
    const effects = await lockSaleEffects(trx, id)
    const sale = (await lockSales(trx, [id])).get(id)
    if (!sale)
      throw new RefusedOperation(`There is no sale ${id}. "sale list" shows what waits for a person.`)
    if (sale.state !== 'in_review') throw new RefusedOperation(`Sale ${id} is ${sale.state}, not in review.`)
    await refuseOvertaken(trx, id, effects)
    const { state, reviewReason } = sale
    await decision(trx, changes, sale, effects)
    await recordAudit(trx, changes.now, {
      who,
      why,
      action,
      target: `sale:${id}`,
      before: { state, reviewReason },
      after: { state: sale.state, payout: sale.payout, coinReturn: sale.coinReturn },
    })
    await writeSaleChanges(trx, changes)
  })
  wakeAfterSales(app, changes)
}

/** Converts what is held and pays it out. What could not leave before was given up. */
async function goOn(app: Needs, trx: Trx, changes: SaleChanges, sale: Sale): Promise<void> {
  const facts = await loadSaleFacts(trx, app.pricing, [sale])
  const account = facts.accounts.get(accountKey(sale))
  if (account === undefined) throw new RefusedOperation(`No account of ours pays ${sale.fiat}.`)
  if (!openPayee(app.secrets, sale))
    throw new RefusedOperation(`The customer of sale ${sale.id} was forgotten.`)
  if (heldCoins(sale) > 0n) convertNow(changes, sale, account, facts)
  else if (heldFiat(sale) > 0n) orderPayout(changes, sale, account)
  else throw new RefusedOperation(`Sale ${sale.id} holds nothing that could be paid out.`)
}

/** Coins of the sale's own that came from a blocked address: a person lets them count. */
async function countBlocked(trx: Trx, changes: SaleChanges, sale: Sale): Promise<void> {
  const open = (await loadOpenDeposits(trx, [sale])).get(sale.id)!
  const own = open.filter(({ outcome, asset }) => outcome === 'blocked' && asset === saleCoin(sale).id)
  if (own.length === 0) return
  await changeOpenDeposits(trx, own, { outcome: 'credited' }, changes.now)
  const units = own.reduce((sum, deposit) => sum + deposit.units, 0n)
  countCoins(changes, sale, units)
}

function convertNow(changes: SaleChanges, sale: Sale, account: string, facts: SaleFacts): void {
  const quote = quoteHeld(facts, sale, heldCoins(sale))
  if ('problem' in quote) {
    throw new RefusedOperation(
      quote.problem === 'no_price'
        ? `There is no fresh price of ${sale.symbol}. Try again.`
        : `The fees take all of what came for sale ${sale.id}.`,
    )
  }
  moveSale(changes, sale, 'released')
  convertAndPay(changes, sale, quote, account)
}

async function findWallet({ db }: Pick<App, 'db'>, id: string) {
  const sale = await db
    .selectFrom('sales')
    .select(['chain', 'refundWallet'])
    .where('id', '=', id)
    .executeTakeFirst()
  if (!sale) throw new RefusedOperation(`There is no sale ${id}. "sale list" shows what waits for a person.`)
  return sale
}

/** Everything an operator may want to see of a sale but whom the money goes to. */
export async function describeSale({ db }: Pick<App, 'db'>, id: string) {
  const sale = await db.selectFrom('sales').selectAll().where('id', '=', id).executeTakeFirst()
  if (!sale) throw new RefusedOperation(`There is no sale ${id}.`)
  const deposits = await db
    .selectFrom('deposits')
    .select(['id', 'asset', 'units', 'fromAddress', 'txHash', 'state', 'outcome', 'returnRound', 'settledAt'])
    .where('integrationId', '=', sale.integrationId)
    .where('saleId', '=', id)
    .orderBy('firstSeenAt')
    .execute()
  const effects = await db
    .selectFrom('effects')
    .select(['id', 'kind', 'purpose', 'asset', 'units', 'state', 'txid', 'reason'])
    .where('reference', '=', `sale:${id}`)
    .orderBy('createdAt')
    .execute()
  return { sale, deposits: deposits.map((one) => ({ ...one, what: stateOf(one) })), effects }
}
