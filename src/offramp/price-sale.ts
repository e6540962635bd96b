import type { App } from '../app.ts'
import { formatDecimal } from '../money/amount.ts'
import type { Asset } from '../money/asset.ts'
import type { SellQuote } from '../pricing/quote.ts'
import type { QuoteTerms } from '../pricing/quote-id.ts'
import type { SellTerms } from '../pricing/terms.ts'
import { fail } from '../server/errors.ts'
import { PAYOUT_TYPE, refuseUnsellable } from './get-quote.ts'
import type { SaleTerms } from './sale.ts'

/** The part of a sale that its quote depends on. */
export interface SaleToPrice {
  integration: { id: number }
  symbol: string
  chain: string
  /** Undefined for a coin that nobody knows. */
  askedUnits: bigint | undefined
  quoteId: string | null
}

/** The quote's terms; undefined without a quote. `expired` is answered later, in the contract's order. */
export type QuotedSale =
  | { terms: QuoteTerms; expired?: undefined }
  | { expired: true; terms?: undefined }
  | undefined

/** Reads the sale's quote. Throws `invalid_field` when it is not a quote of these coins. */
export function readSaleQuote({ pricing }: Pick<App, 'pricing'>, order: SaleToPrice): QuotedSale {
  if (order.quoteId === null) return undefined
  const { terms, problem } = pricing.openQuote(order.quoteId)
  if (problem === 'expired') return { expired: true }
  const isOurs = terms?.integrationId === order.integration.id
  const fits =
    isOurs &&
    terms.side === 'sell' &&
    terms.paymentType === PAYOUT_TYPE &&
    terms.coin === `${order.chain}:${order.symbol}` &&
    terms.coinUnits === order.askedUnits
  if (fits) return { terms }
  return refuseQuote(
    problem || !isOurs ? 'is not a quote of ours' : 'is a quote of another amount or coin, or of a purchase',
  )
}

function refuseQuote(text: string): never {
  return fail('invalid_field', `quote_id ${text}.`, { errors: { quote_id: [text] } })
}

export interface PricedSale {
  quote: Pick<SellQuote, 'fiatUnits' | 'feeUnits'>
  price: QuoteTerms['price']
  terms: SaleTerms
  /** Until when coins must be seen for the quote's price; null without a quote. */
  expiresAt: Date | null
}

/**
 * The price, by the quote or of now. Throws `quote_expired`, `price_unavailable`, `min_sale` and `max_sale`, and
 * `invalid_field` for a quote of another currency than the one that is paid out.
 */
export function priceSale(
  { pricing }: Pick<App, 'pricing'>,
  { coin, askedUnits, terms }: { coin: Asset; askedUnits: bigint; terms: SellTerms },
  quoted: QuotedSale,
): PricedSale {
  if (quoted?.expired) fail('quote_expired', 'This quote has expired. Ask for a new one.')
  if (quoted && quoted.terms.fiat !== terms.fiat.id) refuseQuote(`is a quote in ${quoted.terms.fiat}`)
  const order = { coinUnits: askedUnits, coin, terms }
  const { quote, price } = refuseUnsellable(
    order,
    pricing.quoteSale({ ...order, ...(quoted && { price: quoted.terms.price }) }),
  )
  const agreed = { quote, price, terms: writeSaleTerms(terms), expiresAt: quoted?.terms.expiresAt ?? null }
  return quoted ? keepPromise(agreed, quoted.terms) : agreed
}

/** The settings' fees may have changed since the quote: then the fee that was quoted is kept, as one fixed amount. */
function keepPromise(priced: PricedSale, { amountUnits, feeUnits }: QuoteTerms): PricedSale {
  if (priced.quote.fiatUnits === amountUnits && priced.quote.feeUnits === feeUnits) return priced
  return {
    ...priced,
    quote: { fiatUnits: amountUnits, feeUnits },
    terms: { percent: '0', fixedUnits: feeUnits.toString(), spread: '0' },
  }
}

const PERCENT_DECIMALS = 8

const writeSaleTerms = ({ percent, fixedUnits, spread }: SellTerms): SaleTerms => ({
  percent: formatDecimal(percent, PERCENT_DECIMALS),
  fixedUnits: fixedUnits.toString(),
  spread: formatDecimal(spread, PERCENT_DECIMALS),
})
