import type { App } from '../app.ts'
import { type AuditEntry, recordAudit } from '../common/integration-store.ts'
import type { Trx } from '../db/database.ts'
import { refuseTaken } from '../effects/given-up-money.ts'
import {
  heldUnits,
  isChargedBack,
  isRefunding,
  type Payment,
  paymentReference,
  type RefundReason,
} from './payment.ts'
import { beginChanges, wakeAfter, writeChanges } from './payment-changes.ts'
import { cancelCoins, isUndispatched, lockCoins } from './payment-effects.ts'
import { lockPayments } from './payment-store.ts'
import { planRefund } from './plan-refund.ts'
import { readSettings } from './receive.ts'
import { loadSources, type RefundSource } from './refund-sources.ts'
import { reverseConversion } from './reverse-conversion.ts'

export interface RefundDecision {
  reason: RefundReason | ((payment: Payment) => RefundReason)
  /** The person who decided it. */
  audit?: Pick<AuditEntry, 'who' | 'why'>
  /** Where bank transfers go instead of where they came from, when that account takes none. */
  toIban?: string
  /** Runs in the transaction of the change. */
  within?: (trx: Trx, payment: Payment) => Promise<void>
}

type Needs = Pick<App, 'db' | 'clock' | 'config' | 'secrets' | 'wake' | 'pageNews'>

/**
 * Decides that all money of a payment goes back to where it came from, as long as no coin was dispatched: the
 * transfer's row is locked and given up first, then the conversion is reversed. Answers the payment, or undefined
 * when there is nothing to refund any more. `audit` records the person who decided it. Throws `MoneyTaken` while money
 * left by a refund that was given up: whoever asks, another would go beside it.
 */
export async function refundEverything(
  app: Needs,
  paymentId: string,
  { reason, audit, toIban, within }: RefundDecision,
): Promise<Payment | undefined> {
  const changes = beginChanges(app)
  const refunded = await app.db.transaction().execute(async (trx) => {
    const coins = await lockCoins(trx, paymentId)
    const payment = (await lockPayments(trx, [paymentId])).get(paymentId)
    if (!payment || !isRefundable(payment) || !isUndispatched(coins)) return undefined
    await refuseTaken(trx, paymentReference(paymentId))
    const settings = (await readSettings(trx, [payment.integrationId])).get(payment.integrationId)!
    if (coins) await cancelCoins(trx, coins, changes.now)
    const keepFees = settings.mismatch.keepFeesOnRefund
    const keptUnits = await reverseConversion(trx, changes, payment, { keepFees })
    const sources = (await loadSources(trx, app, [paymentId])).get(paymentId)!
    const before = payment.state
    planRefund(changes, payment, {
      units: heldUnits(payment),
      reason: typeof reason === 'string' ? reason : reason(payment),
      sources: toIban === undefined ? sources : sources.map((source) => redirect(source, toIban)),
      keptUnits,
    })
    if (audit) {
      await recordAudit(trx, changes.now, {
        ...audit,
        action: 'payment.refund',
        target: `payment:${paymentId}`,
        before: { state: before },
        after: { state: payment.state, refund: payment.refund },
      })
    }
    await writeChanges(trx, changes)
    await within?.(trx, payment)
    return payment
  })
  if (refunded) wakeAfter(app, changes)
  return refunded
}

const redirect = (source: RefundSource, iban: string): RefundSource =>
  source.way.kind === 'bank' ? { ...source, way: { ...source.way, iban } } : source

/**
 * Money is there, it isn't going back already, and the bank of the card's holder hasn't taken it. A refund that came
 * back may be tried again whatever became of the payment.
 */
function isRefundable(payment: Payment): boolean {
  const held = heldUnits(payment)
  if (payment.refund?.state === 'failed' && held > 0n) return true
  if (payment.state !== 'in_review' && payment.state !== 'payment_received') return false
  return held + payment.convertedUnits > 0n && !isRefunding(payment) && !isChargedBack(payment)
}
