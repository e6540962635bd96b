import type { App } from '../app.ts'
import type { Trx } from '../db/database.ts'
import type { EndedEffect } from '../effects/model.ts'
import { cancelRefunds, lockPlannedRefunds } from './cancel-refunds.ts'
import { customerFiat, heldUnits, type Payment } from './payment.ts'
import {
  beginChanges,
  bookFor,
  moveState,
  type PaymentChanges,
  setFields,
  tell,
  wakeAfter,
  writeChanges,
} from './payment-changes.ts'
import { cancelCoins, isUndispatched, lockCoins } from './payment-effects.ts'
import { nextState } from './payment-states.ts'
import { lockPayments } from './payment-store.ts'
import { planRefund } from './plan-refund.ts'
import { cardSourceKey, loadSources } from './refund-sources.ts'
import { reverseConversion } from './reverse-conversion.ts'
import { loadSessions } from './session-store.ts'

/** The payer took the money of a session back: through the card network, or by a dispute at PayPal. */
export interface Chargeback {
  paymentId: string
  sessionId: string
  /** The ledger's account of what its provider took: `card:<provider>` and the like. */
  account: string
  units: bigint
  reason: string
}

type Needs = Pick<App, 'db' | 'clock' | 'config' | 'secrets' | 'wake' | 'pageNews'>

export const CHARGEBACK_LOSS = 'loss:chargeback'

/**
 * Takes a chargeback in. As long as no coin was dispatched the transfer is given up, the conversion reversed, and the
 * payment rejected: nobody loses. After that the coins are gone: the state stays, the loss is booked, the integrator
 * is told. The same chargeback twice is one.
 */
export async function applyChargeback(app: Needs, chargeback: Chargeback): Promise<void> {
  const changes = beginChanges(app)
  await app.db.transaction().execute(async (trx) => {
    const { paymentId, sessionId } = chargeback
    const coins = await lockCoins(trx, paymentId)
    const refunds = await lockPlannedRefunds(trx, chargeback)
    const payment = (await lockPayments(trx, [paymentId])).get(paymentId)
    const session = payment && (await loadSessions(trx, [paymentId])).find(({ id }) => id === sessionId)
    // Charged back before, also when that dispute was won since.
    if (!payment || !session || session.chargedBackAt !== null) return
    await cancelRefunds(trx, changes, payment, refunds)
    const stopped = isUndispatched(coins) && nextState(payment.state, 'charged_back') !== undefined
    if (stopped) {
      if (coins) await cancelCoins(trx, coins, changes.now)
      await reverseConversion(trx, changes, payment, { keepFees: false })
    }
    const sources = (await loadSources(trx, app, [paymentId])).get(paymentId)!
    const own = sources.find(({ key }) => key === cardSourceKey(sessionId))!
    bookChargeback(changes, payment, chargeback, own.leftUnits)
    await trx
      .updateTable('paymentSessions')
      .set({ chargedBackAt: changes.now })
      .where('id', '=', sessionId)
      .execute()
    if (stopped) await endStopped(app, trx, changes, payment)
    else tell(changes, payment, 'PAYMENT_CHARGED_BACK')
    await writeChanges(trx, changes)
  })
  wakeAfter(app, changes)
}

/** What is still held of this session's money goes back the way it came; what isn't is our loss. */
function bookChargeback(
  changes: PaymentChanges,
  payment: Payment,
  { sessionId, account, units, reason }: Chargeback,
  leftUnits: bigint,
): void {
  const covered = smaller(smaller(heldUnits(payment), leftUnits), units)
  bookFor(changes, payment, {
    kind: 'chargeback',
    purpose: `payment:${payment.id}:chargeback:${sessionId}`,
    postings: [
      { account: customerFiat(payment.id), asset: payment.fiat, units: covered },
      { account: CHARGEBACK_LOSS, asset: payment.fiat, units: units - covered },
      { account, asset: payment.fiat, units: -units },
    ],
  })
  const before = payment.chargeback
  setFields(changes, payment, {
    refundedUnits: payment.refundedUnits + covered,
    chargeback: {
      units: (BigInt(before?.units ?? 0) + units).toString(),
      lossUnits: (BigInt(before?.lossUnits ?? 0) + units - covered).toString(),
      reason,
      at: changes.now.toISOString(),
      state: 'charged_back',
    },
  })
}

/** Money that came another way, such as a transfer on top of the card, goes back to where it came from. */
async function endStopped(
  app: Pick<App, 'secrets'>,
  trx: Trx,
  changes: PaymentChanges,
  payment: Payment,
): Promise<void> {
  const units = heldUnits(payment)
  if (units > 0n) {
    const sources = (await loadSources(trx, app, [payment.id])).get(payment.id)!
    planRefund(changes, payment, { units, reason: 'excess', sources })
  }
  moveState(changes, payment, 'charged_back', { endReason: 'charged_back' })
}

/**
 * A transfer that was on its way when the money was charged back did not arrive after all: the conversion is reversed
 * and what it gives back makes up for the loss that was booked.
 */
export async function chargeBackUndelivered(
  trx: Trx,
  changes: PaymentChanges,
  payment: Payment,
  coins: Pick<EndedEffect, 'id' | 'state'>,
): Promise<void> {
  await cancelCoins(trx, { id: coins.id, state: coins.state }, changes.now)
  await reverseConversion(trx, changes, payment, { keepFees: false })
  const lossUnits = BigInt(payment.chargeback!.lossUnits)
  const units = smaller(heldUnits(payment), lossUnits)
  bookFor(changes, payment, {
    kind: 'chargeback_recovered',
    purpose: `payment:${payment.id}:chargeback-recovered`,
    postings: [
      { account: customerFiat(payment.id), asset: payment.fiat, units },
      { account: CHARGEBACK_LOSS, asset: payment.fiat, units: -units },
    ],
  })
  setFields(changes, payment, {
    refundedUnits: payment.refundedUnits + units,
    chargeback: { ...payment.chargeback!, lossUnits: (lossUnits - units).toString() },
  })
  await endStopped(changes.app, trx, changes, payment)
}

const smaller = (a: bigint, b: bigint): bigint => (a < b ? a : b)
