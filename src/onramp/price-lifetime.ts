import type { Config } from '../kernel/config.ts'

export interface PricedHow {
  paymentType: string
  guided: boolean
  /** When the price was fixed: at creation, or when the customer accepted a new one. */
  fixedAt: Date
  /** When the quote that was used was given; null when none was. */
  quotedAt: Date | null
}

/**
 * Until when a payment's price holds. A transfer's price is an estimate until the money is booked, unless a quote was
 * used, which holds for money booked in time. On the guided page a price holds for as long as the page shows; else
 * for as long as the payment waits.
 */
export function priceLifetime(
  { paymentType, guided, fixedAt, quotedAt }: PricedHow,
  durations: Config['durations'],
): { priceFixedAt: Date | null; priceExpiresAt: Date | null } {
  const after = (from: Date, ms: number) => ({
    priceFixedAt: fixedAt,
    priceExpiresAt: new Date(from.getTime() + ms),
  })
  if (paymentType === 'transfer') {
    if (!quotedAt) return { priceFixedAt: null, priceExpiresAt: null }
    return after(quotedAt, durations.transferQuoteLifetimeMs)
  }
  if (guided) return after(fixedAt, durations.guidedPriceLifetimeMs)
  const instant = paymentType === 'card' || paymentType === 'psd2' || paymentType === 'paypal'
  return after(fixedAt, instant ? durations.instantPaymentLifetimeMs : durations.localPaymentLifetimeMs)
}
