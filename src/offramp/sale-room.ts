import type { App } from '../app.ts'
import { lanesAfter } from '../common/money-changes.ts'
import type { Trx } from '../db/database.ts'
import type { EffectRoom, EndedEffect } from '../effects/model.ts'
import { changeOpenDeposits, changeReturned, loadOpenDeposits, type OpenDeposit } from './deposit-store.ts'
import { judgeReturns } from './judge-returns.ts'
import { takeMoneyBack } from './pay-out.ts'
import { changedPayout, changedReturn, type Sale, saleCoin, saleIdOf } from './sale.ts'
import { beginSaleChanges, type SaleChanges, setSaleFields, writeSaleChanges } from './sale-changes.ts'
import { lockSales } from './sale-store.ts'
import { countOpenReturns, reviewAgain, settlePaidOut, settleReturned } from './settle-sale.ts'

type Needs = Pick<App, 'clock' | 'config' | 'secrets' | 'providers'>

/** What sales do when money or coins that they planned have left, or couldn't. It runs in the effects' own transaction. */
export function saleRoom(app: Needs): EffectRoom {
  return {
    onConfirmed: (trx, effects) => hear(app, trx, effects),
    onFailed: (trx, effects) => hear(app, trx, effects),
    onSent: (trx, effects) => hear(app, trx, effects),
    judge: (transfers) => judgeReturns(app, transfers),
  }
}

async function hear(app: Needs, trx: Trx, effects: readonly EndedEffect[]): Promise<readonly string[]> {
  const changes = beginSaleChanges(app)
  const sales = await lockSales(trx, [...new Set(effects.map(saleIdOf))])
  const all = [...sales.values()]
  const deposits = await loadOpenDeposits(trx, all)
  const returns = await countOpenReturns(trx, all)
  for (const effect of effects) {
    const sale = sales.get(saleIdOf(effect))!
    const open = { deposits: deposits.get(sale.id)!, returns: returns.get(sale.id)! }
    if (effect.kind === 'bank_transfer') hearPayout(changes, sale, effect, open)
    else {
      const left = await hearReturn(trx, changes, sale, effect, open.deposits)
      deposits.set(sale.id, left)
      if (effect.state === 'confirmed') settleReturned(changes, sale, { ...open, deposits: left })
    }
  }
  await writeSaleChanges(trx, changes)
  return lanesAfter(changes)
}

/** The last part of `sale:<id>:payout:<round>`. */
export const roundOf = ({ purpose }: Pick<EndedEffect, 'purpose'>): number => Number(purpose.split(':')[3])

function hearPayout(
  changes: SaleChanges,
  sale: Sale,
  effect: EndedEffect,
  open: { deposits: OpenDeposit[]; returns: number },
): void {
  const { state, reason, units, door } = effect
  const round = roundOf(effect)
  if (state === 'cancelled') {
    // It never left: what was on its way out is the sale's again.
    const from = `transit:out:${door.slice('bank:'.length)}`
    takeMoneyBack(changes, sale, { round, units, from, reason })
  } else {
    setSaleFields(changes, sale, changedPayout(sale, round, { state, reason }))
  }
  if (state === 'confirmed') settlePaidOut(changes, sale, open)
  else if (state !== 'sent') reviewAgain(changes, sale, 'payout_failed', reason)
}

/** Answers what is still open of the sale's deposits. */
async function hearReturn(
  trx: Trx,
  changes: SaleChanges,
  sale: Sale,
  effect: EndedEffect,
  deposits: OpenDeposit[],
): Promise<OpenDeposit[]> {
  const { state, reason, asset, units } = effect
  if (state === 'sent') return deposits
  const round = roundOf(effect)
  const own = deposits.filter(({ returnRound }) => returnRound === round)
  setSaleFields(changes, sale, changedReturn(sale, round, state))
  if (state === 'confirmed') {
    await changeOpenDeposits(trx, own, { settledAt: changes.now }, changes.now)
    if (own.length === 0) await changeReturned(trx, sale, round, { is: 'back', now: changes.now })
    return deposits.filter((deposit) => !own.includes(deposit))
  }
  // One that failed may be tried again by a person; only one that was given up leaves its coins to the sale.
  if (state === 'cancelled') await holdCoinsAgain(trx, changes, sale, { round, asset, units, deposits: own })
  reviewAgain(changes, sale, 'return_failed', reason)
  return state === 'cancelled'
    ? deposits.map((one) => (own.includes(one) ? { ...one, returnRound: null } : one))
    : deposits
}

/** Coins of a return that was given up are held again. */
export async function holdCoinsAgain(
  trx: Trx,
  changes: SaleChanges,
  sale: Sale,
  {
    round,
    asset,
    units,
    deposits,
  }: { round: number; asset: string; units: bigint; deposits: readonly OpenDeposit[] },
): Promise<void> {
  if (deposits.length > 0) await changeOpenDeposits(trx, deposits, { returnRound: null }, changes.now)
  else if (asset === saleCoin(sale).id) {
    setSaleFields(changes, sale, { returnedUnits: sale.returnedUnits - units })
    await changeReturned(trx, sale, round, { is: 'held', now: changes.now })
  }
}
