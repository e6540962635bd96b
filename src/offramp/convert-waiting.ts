import { sql } from 'kysely'
import type { App } from '../app.ts'
import { convertHeld, giveAllBack } from './convert-held.ts'
import { decideAll } from './decide-deposit.ts'
import { loadPending } from './deposit-store.ts'
import { withoutHolding } from './one-by-one.ts'
import { isReturning } from './return-coins.ts'
import { heldCoins, type Sale } from './sale.ts'
import {
  beginSaleChanges,
  clearFailures,
  moveSaleToReview,
  type SaleChanges,
  wakeAfterSales,
  writeSaleChanges,
} from './sale-changes.ts'
import { loadSaleFacts, policyOf, type SaleFacts } from './sale-facts.ts'
import { lockSales } from './sale-store.ts'

const BATCH = 100
/** How often a sale that waits for a price is looked at. */
const AGAIN_MS = 2_000

type Needs = Pick<App, 'db' | 'clock' | 'config' | 'secrets' | 'pricing' | 'wake' | 'log'>

/** Converts coins that were received when there was no price, once there is one. Answers how many sales went on. */
export async function convertWaiting(app: Needs): Promise<number> {
  const { rows } = await sql<{ id: string }>`
    update sales set lease_until = clock_timestamp() + ${AGAIN_MS} * interval '1 millisecond'
     where (integration_id, id) in (
           select integration_id, id from sales
            where state = 'crypto_received' and (lease_until is null or lease_until < clock_timestamp())
            order by updated_at limit ${BATCH} for update skip locked)
    returning id`.execute(app.db)
  const converted = await withoutHolding(
    app,
    rows.map(({ id }) => id),
    (ids) => convertSales(app, ids),
  )
  return converted.reduce((sum, count) => sum + count, 0)
}

async function convertSales(app: Needs, ids: readonly string[]): Promise<number> {
  const changes = beginSaleChanges(app)
  await app.db.transaction().execute(async (trx) => {
    const locked = await lockSales(trx, ids)
    const waiting = [...locked.values()].filter(
      (sale) => sale.state === 'crypto_received' && !isReturning(sale) && heldCoins(sale) > 0n,
    )
    // What came besides is judged first: it may come from a blocked address.
    const pending = await loadPending(trx, waiting)
    const sales = waiting.filter(({ id }) => !pending.has(id))
    const facts = await loadSaleFacts(trx, app.pricing, sales)
    for (const sale of sales) goOn(changes, sale, facts)
    clearFailures(changes, locked.values())
    await writeSaleChanges(trx, changes)
  })
  wakeAfterSales(app, changes)
  return changes.touched.size
}

function goOn(changes: SaleChanges, sale: Sale, facts: SaleFacts): void {
  if (sale.customerBannedAt) {
    moveSaleToReview(changes, sale, 'banned')
    return
  }
  const { state, askedUnits, refundWallet } = sale
  const question = {
    state,
    askedUnits,
    heldUnits: heldCoins(sale),
    units: 0n,
    hasRefundWallet: refundWallet !== null,
  }
  const step = decideAll(question, policyOf(facts, sale))
  if (step.do === 'convert') convertHeld(changes, sale, step, facts)
  else if (step.do === 'review') moveSaleToReview(changes, sale, step.reason)
  else giveAllBack(changes, sale, 'short')
}
