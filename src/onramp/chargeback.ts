import type { App } from '../app.ts'
import type { Trx } from '../db/database.ts'
import type { EndedEffect } from '../effects/model.ts'
import { cancelRefunds, lockPlannedRefunds, type PlannedRefund } from './cancel-refunds.ts'
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
import { type CoinsEffect, cancelCoins, isUndispatched, lockCoins } from './payment-effects.ts'
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
    await takeMoneyBack(app, trx, changes, payment, {
      ...chargeback,
      coins,
      refunds,
      key: sessionId,
      source: cardSourceKey(sessionId),
      mark: async () => {
        await trx
          .updateTable('paymentSessions')
          .set({ chargedBackAt: changes.now })
          .where('id', '=', sessionId)
          .execute()
      },
    })
    await writeChanges(trx, changes)
  })
  wakeAfter(app, changes)
}

/** Money of one source of a locked payment that was taken back. */
export interface TakenBack extends Pick<Chargeback, 'account' | 'units' | 'reason'> {
  coins: CoinsEffect | undefined
  /** Refunds of that source that were not ordered yet. */
  refunds: readonly PlannedRefund[]
  /** Names it in the journal's purpose. */
  key: string
  /** See `RefundSource`. */
  source: string
  /** Marks the source as taken back, so that nothing goes back to it any more. */
  mark: () => Promise<void>
}

/** What `applyChargeback` does to a payment, whoever took the money back. The caller holds the locks and writes `changes`. */
export async function takeMoneyBack(
  app: Pick<App, 'secrets'>,
  trx: Trx,
  changes: PaymentChanges,
  payment: Payment,
  taken: TakenBack,
): Promise<{ lossUnits: bigint }> {
  const { coins, refunds, source } = taken
  await cancelRefunds(trx, changes, payment, refunds)
  const stopped = isUndispatched(coins) && nextState(payment.state, 'charged_back') !== undefined
  if (stopped) {
    if (coins) await cancelCoins(trx, coins, changes.now)
    await reverseConversion(trx, changes, payment, { keepFees: false })
  }
  const sources = (await loadSources(trx, app, [payment.id])).get(payment.id)!
  // A source that is missing was marked already, by what was taken of it from another payment.
  const leftUnits = sources.find(({ key }) => key === source)?.leftUnits ?? taken.units
  const lossUnits = bookChargeback(changes, payment, taken, leftUnits)
  await taken.mark()
  if (stopped) await endStopped(app, trx, changes, payment)
  else tell(changes, payment, 'PAYMENT_CHARGED_BACK')
  return { lossUnits }
}

/** What is still held of this source's money goes back the way it came; what isn't is our loss, which is answered. */
function bookChargeback(
  changes: PaymentChanges,
  payment: Payment,
  { key, account, units, reason }: TakenBack,
  leftUnits: bigint,
): bigint {
  const covered = smaller(smaller(heldUnits(payment), leftUnits), units)
  bookFor(changes, payment, {
    kind: 'chargeback',
    purpose: `payment:${payment.id}:chargeback:${key}`,
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
  return units - covered
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
