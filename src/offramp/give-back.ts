import type { Trx } from '../db/database.ts'
import { changeOpenDeposits, loadOpenDeposits, type OpenDeposit } from './deposit-store.ts'
import { reverseConversions } from './pay-out.ts'
import { planCoinReturn } from './return-coins.ts'
import { heldCoins, heldFiat, type Sale, type SaleReturnReason, saleCoin } from './sale.ts'
import { type SaleChanges, setSaleFields } from './sale-changes.ts'
import { type SaleEffect, stopEffects } from './sale-effects.ts'

export interface EverythingBack {
  /** The sale's effects, locked before it; none of them may be on its way. */
  effects: readonly SaleEffect[]
  to: string
  reason: SaleReturnReason
}

/**
 * Decides that all coins of a locked sale go back that were not paid out: what never left is given up, conversions
 * whose money came back are reversed at their booked figures. Answers false, with nothing changed, when there are none.
 */
export async function giveEverythingBack(
  trx: Trx,
  changes: SaleChanges,
  sale: Sale,
  { effects, to, reason }: EverythingBack,
): Promise<boolean> {
  const open = (await loadOpenDeposits(trx, [sale])).get(sale.id)!
  const stopped = effects.some(({ kind }) => kind === 'bank_transfer' || kind === 'coin_transfer')
  if (!stopped && open.length === 0 && heldCoins(sale) === 0n && heldFiat(sale) === 0n) return false
  await stopEffects(trx, changes, sale, effects)
  await reverseConversions(trx, changes, sale)
  const units = heldCoins(sale)
  if (units > 0n)
    planCoinReturn(changes, sale, { asset: saleCoin(sale).id, units, counted: true, reason, to })
  for (const [asset, deposits] of Map.groupBy(open, (deposit) => deposit.asset)) {
    await returnDeposits(trx, changes, sale, { asset, deposits, reason, to })
  }
  // The effects take it from here, and the end of the last one ends the sale.
  setSaleFields(changes, sale, { expiresAt: null, dueAt: null })
  return true
}

async function returnDeposits(
  trx: Trx,
  changes: SaleChanges,
  sale: Sale,
  order: { asset: string; deposits: readonly OpenDeposit[]; reason: SaleReturnReason; to: string },
): Promise<void> {
  const { asset, deposits, reason, to } = order
  const units = deposits.reduce((sum, deposit) => sum + deposit.units, 0n)
  const returnRound = planCoinReturn(changes, sale, { asset, units, counted: false, reason, to })
  await changeOpenDeposits(trx, deposits, { returnRound }, changes.now)
}
