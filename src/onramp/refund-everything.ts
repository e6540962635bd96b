import type { App } from '../app.ts'
import { type AuditEntry, recordAudit } from '../common/integration-store.ts'
import { heldUnits, isRefunding, type Payment, type RefundReason } from './payment.ts'
import { beginChanges, wakeAfter, writeChanges } from './payment-changes.ts'
import { cancelCoins, isUndispatched, lockCoins } from './payment-effects.ts'
import { lockPayments } from './payment-store.ts'
import { planRefund } from './plan-refund.ts'
import { readSettings } from './receive.ts'
import { loadSources } from './refund-sources.ts'
import { reverseConversion } from './reverse-conversion.ts'

type Needs = Pick<App, 'db' | 'clock' | 'config' | 'secrets' | 'wake' | 'pageNews'>

/**
 * Decides that all money of a payment goes back to where it came from, as long as no coin was dispatched: the
 * transfer's row is locked and given up first, then the conversion is reversed. Answers the payment, or undefined
 * when there is nothing to refund any more. `audit` records the person who decided it.
 */
export async function refundEverything(
  app: Needs,
  paymentId: string,
  { reason, audit }: { reason: RefundReason; audit?: Pick<AuditEntry, 'who' | 'why'> },
): Promise<Payment | undefined> {
  const changes = beginChanges(app)
  const refunded = await app.db.transaction().execute(async (trx) => {
    const coins = await lockCoins(trx, paymentId)
    const payment = (await lockPayments(trx, [paymentId])).get(paymentId)
    if (!payment || !isRefundable(payment) || !isUndispatched(coins)) return undefined
    const settings = (await readSettings(trx, [payment.integrationId])).get(payment.integrationId)!
    if (coins) await cancelCoins(trx, coins, changes.now)
    const keepFees = settings.mismatch.keepFeesOnRefund
    const keptUnits = await reverseConversion(trx, changes, payment, { keepFees })
    const sources = (await loadSources(trx, app, [paymentId])).get(paymentId)!
    const before = payment.state
    planRefund(changes, payment, { units: heldUnits(payment), reason, sources, keptUnits })
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
    return payment
  })
  if (refunded) wakeAfter(app, changes)
  return refunded
}

/** Money is there, it isn't going back already, and the bank of the card's holder hasn't taken it. */
function isRefundable(payment: Payment): boolean {
  if (payment.state !== 'in_review' && payment.state !== 'payment_received') return false
  const money = heldUnits(payment) + payment.convertedUnits
  return money > 0n && !isRefunding(payment) && payment.chargeback === null
}
