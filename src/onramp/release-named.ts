import type { App } from '../app.ts'
import { recordAudit } from '../common/integration-store.ts'
import type { Trx } from '../db/database.ts'
import { quotePayment } from './conversion.ts'
import { decideReceived, mismatchPolicy } from './decide-received.ts'
import { heldUnits, isRefunding, type Payment, paymentFiat } from './payment.ts'
import { type PaymentChanges, setFields } from './payment-changes.ts'
import type { CoinsEffect } from './payment-effects.ts'
import { planRefund } from './plan-refund.ts'
import { fill, readSettings } from './receive.ts'
import { loadSources } from './refund-sources.ts'
import { releasePrice } from './review.ts'

/** Whether nothing but its payer keeps a payment before a person: all of its money is held, and nobody decided of it. */
export const waitsForPayer = (payment: Payment, coins: CoinsEffect | undefined): boolean =>
  payment.state === 'in_review' &&
  payment.reviewReason === 'third_party' &&
  payment.reviewDetail === null &&
  payment.wallet !== null &&
  payment.convertedUnits === 0n &&
  coins === undefined &&
  heldUnits(payment) > 0n &&
  !isRefunding(payment)

/**
 * A locked payment that `waitsForPayer`, whose payer was not named when the money came and turned out to be the
 * customer: decided as it would have been then, and filled as when a person releases it. `goBack` is called where too
 * little came: it waits for the rest again. Answers false when there is no price now: to be tried again.
 */
export async function releaseNamed(
  app: Pick<App, 'pricing' | 'secrets'>,
  trx: Trx,
  changes: PaymentChanges,
  payment: Payment,
  goBack: () => Promise<unknown>,
): Promise<boolean> {
  const settings = (await readSettings(trx, [payment.integrationId])).get(payment.integrationId)!
  const decision = decideReceived(
    {
      state: 'started',
      fiatUnits: payment.fiatUnits,
      heldUnits: heldUnits(payment),
      units: 0n,
      converted: false,
      refunding: false,
      banned: payment.customerBannedAt !== null,
      nameTaken: false,
      thirdParty: false,
    },
    mismatchPolicy(settings, paymentFiat(payment)),
  )
  if (decision.do === 'fill') {
    const price = releasePrice(app, payment)
    if (!price) return false
    if (quotePayment(payment, decision.fillUnits, price)) {
      if (decision.excessUnits > 0n) {
        const sources = (await loadSources(trx, app, [payment.id])).get(payment.id)!
        planRefund(changes, payment, { units: decision.excessUnits, reason: 'excess', sources })
      }
      fill(changes, payment, { units: decision.fillUnits, price, event: 'released' })
    } else setFields(changes, payment, { reviewReason: 'unpriceable' })
  } else if (decision.do === 'review') setFields(changes, payment, { reviewReason: decision.reason })
  else await goBack()
  await recordAudit(trx, changes.now, {
    who: 'bank',
    why: 'The bank named the payer afterwards: it is the customer.',
    action: 'payment.release',
    target: `payment:${payment.id}`,
    before: { state: 'in_review', reviewReason: 'third_party' },
    after: { state: payment.state, reviewReason: payment.reviewReason },
  })
  return true
}
