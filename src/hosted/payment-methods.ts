import type { App } from '../app.ts'
import { quotePayment } from '../onramp/conversion.ts'
import { type Payment, paymentFiat, priceOfPayment, readTerms, writeTerms } from '../onramp/payment.ts'
import { decideLimit } from '../pricing/limits.ts'
import { isServed, PAYMENT_METHODS } from '../pricing/payment-methods.ts'
import { findTerms, type Terms } from '../pricing/terms.ts'
import { money, tokenAmount } from './payment-amounts.ts'
import type { PaymentScene } from './payment-scene.ts'
import type { PaymentMethod } from './wire.ts'

/** The ways that the customer may choose between, with what each costs for this amount. */
export function listMethods(app: Pick<App, 'config'>, scene: PaymentScene): PaymentMethod[] {
  const { payment } = scene
  const fiat = paymentFiat(payment)
  return PAYMENT_METHODS.filter(({ guided, type }) => guided && isServed(app.config, type)).flatMap(
    (method) => {
      const terms = findTerms(scene.settings, method.type, fiat)
      if (!terms) return []
      const quote = quoteBy(payment, terms)
      return [
        {
          payment_type: method.type,
          fees_total: money(quote ? quote.feeUnits + quote.networkFeeUnits : 0n, fiat),
          token: tokenAmount(quote?.coinUnits ?? 0n, payment),
          settlement: method.settlement,
          min: money(terms.minimumUnits, fiat),
          max: money(terms.maximumUnits, fiat),
          unavailable: quote ? whyNot(scene, terms) : 'below_min',
        },
      ]
    },
  )
}

/** Another method changes the fees, not the price. */
export function quoteBy(payment: Payment, terms: Terms) {
  const agreed = { ...payment, terms: termsBy(payment, terms) }
  return quotePayment(agreed, payment.fiatUnits, priceOfPayment(payment))
}

export const termsBy = (payment: Payment, terms: Terms) =>
  writeTerms(terms, readTerms(payment.terms).networkFeeUnits)

function whyNot(
  { payment, settings, kycLevel, usage }: PaymentScene,
  terms: Terms,
): PaymentMethod['unavailable'] {
  if (payment.fiatUnits < terms.minimumUnits) return 'below_min'
  if (payment.fiatUnits > terms.maximumUnits) return 'above_max'
  if (kycLevel === 'none') return 'not_available'
  const question = {
    limits: settings.limits,
    paymentType: terms.method.type,
    amountUnits: payment.limitUnits,
    usage,
  }
  if (decideLimit({ ...question, level: kycLevel }) === 'ok') return null
  const liftable = decideLimit({ ...question, level: 'reinforced' }) === 'ok'
  return liftable ? 'needs_reinforced' : 'limit_reached'
}
