import type { App } from '../app.ts'
import type { Trx } from '../db/database.ts'
import { saleIdOf } from './sale.ts'
import { beginSaleChanges, moveSaleToReview, type SaleChanges, writeSaleChanges } from './sale-changes.ts'
import { lockSales } from './sale-store.ts'
import { reviewAgain } from './settle-sale.ts'

/**
 * Of a payout only some came back, as when the receiving bank keeps its charges: a person decides. The money waits in
 * suspense, and the payout stays as it is, so that nothing is paid beside it. The caller has locked the effect.
 */
export async function reviewPartReturn(
  app: Pick<App, 'clock' | 'config' | 'secrets'>,
  trx: Trx,
  { reference, detail }: { reference: string; detail: string },
): Promise<SaleChanges> {
  const changes = beginSaleChanges(app)
  const id = saleIdOf({ reference })
  const sale = (await lockSales(trx, [id])).get(id)
  if (!sale) throw new Error(`There is no sale of ${reference}.`)
  if (sale.state === 'in_review') reviewAgain(changes, sale, 'payout_failed', detail)
  else moveSaleToReview(changes, sale, 'payout_failed', detail)
  await writeSaleChanges(trx, changes)
  return changes
}
