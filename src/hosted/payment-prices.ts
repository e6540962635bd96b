import type { App } from '../app.ts'
import { wireTime } from '../kernel/clock.ts'
import { formatAmount, formatDecimal } from '../money/amount.ts'
import type { Percent } from '../money/fee.ts'
import { formatPrice, type Price as Rate } from '../money/rate.ts'
import { quotePayment } from '../onramp/conversion.ts'
import { type Payment, paymentCoin, paymentFiat, priceOfPayment, readTerms } from '../onramp/payment.ts'
import { currentPrice } from '../onramp/receive.ts'
import type { Quote } from '../pricing/quote.ts'
import { money, tokenAmount } from './payment-amounts.ts'
import type { PaymentScene } from './payment-scene.ts'
import type { Fee, Price } from './wire.ts'

/** The price the payment carries: of what was asked, and once converted of what was. */
export function priceView(payment: Payment): Price {
  const units = payment.convertedUnits > 0n ? payment.convertedUnits : payment.fiatUnits
  const quote = quotePayment(payment, units, priceOfPayment(payment))
  if (!quote) throw new Error(`The price of payment ${payment.id} buys nothing.`)
  const estimated = payment.paymentType === 'transfer' && payment.priceExpiresAt === null
  return {
    ...wirePrice(payment, units, quote, priceOfPayment(payment)),
    offer_id: `${payment.id}.${payment.version}`,
    kind: estimated && payment.convertedUnits === 0n ? 'estimate' : 'fixed',
    expires_at:
      payment.state === 'started' && payment.priceExpiresAt ? wireTime(payment.priceExpiresAt) : null,
  }
}

/** What the customer is asked to accept when the price has run out; null when there is no fresh price either. */
export function offerOf(
  app: Pick<App, 'clock' | 'config' | 'pricing'>,
  { payment }: Pick<PaymentScene, 'payment'>,
): Price | null {
  const rate = currentPrice(app, payment)
  const quote = rate && quotePayment(payment, payment.fiatUnits, rate)
  if (!rate || !quote) return null
  const issuedAt = app.clock.now()
  const expiresAt = new Date(issuedAt.getTime() + app.config.durations.quoteLifetimeMs)
  const fiat = paymentFiat(payment)
  const coin = paymentCoin(payment)
  return {
    ...wirePrice(payment, payment.fiatUnits, quote, rate),
    offer_id: app.pricing.signQuote({
      integrationId: payment.integrationId,
      side: 'buy',
      paymentType: payment.paymentType,
      fiat: payment.fiat,
      coin: coin.id,
      amount: formatAmount(payment.fiatUnits, fiat),
      price: formatPrice(rate),
      fee: formatAmount(quote.feeUnits, fiat),
      networkFee: formatAmount(quote.networkFeeUnits, fiat),
      tokens: formatAmount(quote.coinUnits, coin),
      issuedAt,
      expiresAt,
    }),
    kind: 'fixed',
    expires_at: wireTime(expiresAt),
  }
}

function wirePrice(payment: Payment, units: bigint, quote: Quote, rate: Rate) {
  const fiat = paymentFiat(payment)
  const { percent, spread } = readTerms(payment.terms)
  const fees: [Fee['kind'], bigint, Percent | null][] = [
    ['percent', quote.percentUnits, percent],
    ['fixed', quote.fixedUnits, null],
    ['spread', quote.spreadUnits, spread],
    ['network', quote.networkFeeUnits, null],
  ]
  return {
    fiat: money(units, fiat),
    rate: formatPrice(rate),
    fees: fees
      .filter(([, amount]) => amount > 0n)
      .map(([kind, amount, of]) => ({
        kind,
        amount: money(amount, fiat),
        percent: of === null ? null : writePercent(of),
      })),
    fees_total: money(quote.feeUnits + quote.networkFeeUnits, fiat),
    token: tokenAmount(quote.coinUnits, payment),
  }
}

/** "2.50": two decimals, more only where there are more. */
function writePercent(percent: Percent): string {
  return formatDecimal(percent, 8).replace(/0{1,6}$/, '')
}
