import type { Posting } from '../ledger/book.ts'
import type { Price } from '../money/rate.ts'
import { computeQuote, type Quote } from '../pricing/quote.ts'
import { customerCoin, customerFiat, type Payment, paymentCoin, paymentFiat, readTerms } from './payment.ts'

/** What `units` of the payment's money buy by the fees agreed at its creation; undefined when fees leave nothing. */
export function quotePayment(payment: Payment, units: bigint, price: Price): Quote | undefined {
  const { networkFeeUnits, ...fees } = readTerms(payment.terms)
  const fiat = paymentFiat(payment)
  return computeQuote({ amountUnits: units, fiat, coin: paymentCoin(payment), price, fees, networkFeeUnits })
}

/**
 * The conversion, two assets in one journal: the customer's money becomes fees and what the coins cost us, and the
 * customer is owed coins instead. Each fee is an entry of its own; nothing is hidden in the rate.
 */
export function conversionPostings(payment: Payment, units: bigint, quote: Quote): Posting[] {
  const fiat = payment.fiat
  const coin = paymentCoin(payment).id
  return [
    { account: customerFiat(payment.id), asset: fiat, units },
    { account: `fx:${fiat}`, asset: fiat, units: -quote.convertedUnits },
    { account: 'fee:percent', asset: fiat, units: -quote.percentUnits },
    { account: 'fee:fixed', asset: fiat, units: -quote.fixedUnits },
    { account: 'fee:spread', asset: fiat, units: -quote.spreadUnits },
    { account: 'fee:network', asset: fiat, units: -quote.networkFeeUnits },
    { account: `fx:${coin}`, asset: coin, units: quote.coinUnits },
    { account: customerCoin(payment.id), asset: coin, units: -quote.coinUnits },
  ]
}

/** A payment is converted once, but for one whose money was given back to the bank's line and came again. */
export const conversionPurpose = ({ id, conversionRound }: Pick<Payment, 'id' | 'conversionRound'>): string =>
  `payment:${id}:conversion${conversionRound > 1 ? `:${conversionRound}` : ''}`
