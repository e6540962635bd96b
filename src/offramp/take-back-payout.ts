import type { App } from '../app.ts'
import type { Trx } from '../db/database.ts'
import { takeMoneyBack } from './pay-out.ts'
import { type Sale, saleIdOf } from './sale.ts'
import { beginSaleChanges, type SaleChanges, writeSaleChanges } from './sale-changes.ts'
import { roundOf } from './sale-room.ts'
import { lockSales } from './sale-store.ts'
import { reviewAgain } from './settle-sale.ts'

/** A payout whose money is on our account again. */
export interface ReturnedPayout {
  /** Of its effect, which the caller has locked before, and put to `cancelled`. */
  reference: string
  purpose: string
  units: bigint
  /** The ledger's account that the money stands on now, such as `suspense:<iban>`. */
  from: string
  /** Why the receiving bank sent it back, for people. */
  reason: string | null
}

/**
 * Takes back a payout of a sale that the bank returned, days later perhaps: the money is the sale's again, and a person
 * decides whether it goes to another account or the coins go back. Runs in the transaction that records the bank's
 * line. Answers the changes, whose lanes the caller wakes after the commit (`wakeAfterSales`).
 */
export async function takeBackPayout(
  app: Pick<App, 'clock' | 'config' | 'secrets'>,
  trx: Trx,
  payout: ReturnedPayout,
): Promise<SaleChanges> {
  const changes = beginSaleChanges(app)
  const sale: Sale | undefined = (await lockSales(trx, [saleIdOf(payout)])).get(saleIdOf(payout))
  if (!sale) throw new Error(`There is no sale of ${payout.reference}.`)
  const { units, from, reason } = payout
  takeMoneyBack(changes, sale, { round: roundOf(payout), units, from, reason })
  reviewAgain(changes, sale, 'payout_failed', reason)
  await writeSaleChanges(trx, changes)
  return changes
}
