import type { App } from '../app.ts'
import type { Integration } from '../common/integration.ts'
import { formatAmount } from '../money/amount.ts'
import type { Asset } from '../money/asset.ts'
import type { FeeTerms } from '../money/fee.ts'
import type { Pricing } from '../pricing/pricing.ts'
import type { Quote } from '../pricing/quote.ts'
import type { QuoteTerms } from '../pricing/quote-id.ts'
import type { ActiveCoin, Terms } from '../pricing/terms.ts'
import { fail } from '../server/errors.ts'

/** The part of an order that its price depends on. */
export interface OrderToPrice {
  integration: Pick<Integration, 'id'>
  fiat: Asset
  fiatUnits: bigint
  symbol: string
  chain: string
  paymentType: string
  quoteId: string | null
}

/** The quote's terms; undefined without a quote. `expired` is answered later, in the contract's order. */
export type Quoted =
  | { terms: QuoteTerms; expired?: undefined }
  | { expired: true; terms?: undefined }
  | undefined

/** Reads the order's quote. Throws `invalid_field` when it is not a quote of these terms. */
export function readQuote(pricing: Pricing, order: OrderToPrice): Quoted {
  if (order.quoteId === null) return undefined
  const { terms, problem } = pricing.openQuote(order.quoteId)
  if (problem === 'expired') return { expired: true }
  const isOurs = terms?.integrationId === order.integration.id
  const fits =
    isOurs &&
    terms.side === 'buy' &&
    terms.paymentType === order.paymentType &&
    terms.fiat === order.fiat.id &&
    terms.coin === `${order.chain}:${order.symbol}` &&
    terms.amountUnits === order.fiatUnits
  if (fits) return { terms }
  const text =
    problem || !isOurs ? 'is not a quote of ours' : 'is a quote of another amount, coin or payment type'
  return fail('invalid_field', `quote_id ${text}.`, { errors: { quote_id: [text] } })
}

export interface PricedOrder {
  quote: Quote
  price: QuoteTerms['price']
  /** The fees the payment is agreed to carry. */
  fees: FeeTerms
  /** When the quote was given; null without one. */
  quotedAt: Date | null
  limitUnits: bigint
}

/**
 * The price, by the quote or of now. Throws `quote_expired`, `price_unavailable`, `coin_unavailable`, and where the amount
 * is outside the integration's bounds `min_purchase` and `max_purchase`.
 */
export function priceOrder(
  { pricing }: Pick<App, 'pricing'>,
  order: OrderToPrice,
  { coin, terms, quoted }: { coin: ActiveCoin; terms: Terms; quoted: Quoted },
): PricedOrder {
  if (quoted?.expired) fail('quote_expired', 'This quote has expired. Ask for a new one.')
  const { fiat, fiatUnits } = order
  const priced = pricing.quote({ amountUnits: fiatUnits, coin, terms, price: quoted?.terms.price })
  const limitUnits = pricing.inEuros(fiatUnits, fiat)
  if (priced.problem === 'price_unavailable' || limitUnits === undefined) {
    fail('price_unavailable', `There is no fresh price of ${order.symbol} in ${fiat.symbol}. Try again.`)
  }
  refuseBounds(terms, fiat, fiatUnits)
  if (priced.problem)
    fail('min_purchase', `The fees take all of ${formatAmount(fiatUnits, fiat)} ${fiat.symbol}.`)
  const agreed = { ...priced, fees: terms, quotedAt: quoted?.terms.issuedAt ?? null, limitUnits }
  const promised = quoted ? keepPromise(agreed, quoted.terms) : agreed
  if (!pricing.available(coin.asset, promised.quote.coinUnits)) {
    fail('coin_unavailable', `We can't deliver that much ${order.symbol} now. Try less, or later.`)
  }
  return promised
}

/** The settings' fees may have changed since the quote: then the fee that was quoted is kept, as one fixed amount. */
function keepPromise(priced: PricedOrder, terms: QuoteTerms): PricedOrder {
  const { feeUnits, networkFeeUnits, coinUnits, amountUnits } = terms
  if (priced.quote.coinUnits === coinUnits && priced.quote.feeUnits === feeUnits) return priced
  const fees = { percent: 0n, fixedUnits: feeUnits, spread: 0n }
  const convertedUnits = amountUnits - feeUnits - networkFeeUnits
  const fee = { percentUnits: 0n, fixedUnits: feeUnits, spreadUnits: 0n, feeUnits }
  return { ...priced, fees, quote: { ...fee, networkFeeUnits, convertedUnits, coinUnits } }
}

/** Throws when an amount is outside the bounds; the bound is in the text. */
export function refuseBounds({ minimumUnits, maximumUnits }: Terms, fiat: Asset, units: bigint): void {
  if (units < minimumUnits) {
    fail('min_purchase', `The minimum is ${formatAmount(minimumUnits, fiat)} ${fiat.symbol}.`)
  }
  if (units > maximumUnits) {
    fail('max_purchase', `The maximum is ${formatAmount(maximumUnits, fiat)} ${fiat.symbol} a payment.`)
  }
}
