import { Type } from 'typebox'
import type { IntegrationSettings } from '../common/integration.ts'
import { wireTime } from '../kernel/clock.ts'
import { amountOf, formatAmount, parseAmount } from '../money/amount.ts'
import { type Asset, fiatAsset, findAsset } from '../money/asset.ts'
import { formatPrice } from '../money/rate.ts'
import { contractOf } from '../pricing/deliverable.ts'
import { isServed } from '../pricing/payment-methods.ts'
import type { PricedSale, SellOrder } from '../pricing/pricing.ts'
import { findActiveCoin, findSellTerms, type SellTerms } from '../pricing/terms.ts'
import { endpoint } from '../server/endpoint.ts'
import { type FieldErrors, fail } from '../server/errors.ts'
import { Amount, Chain, CoinSymbol, Currency, WireTime } from '../server/fields.ts'

const NO_ERRORS: FieldErrors = {}

/** How a sale is paid out, in the terms that its quote signs. */
export const PAYOUT_TYPE = 'transfer'

export const getRampoffQuote = endpoint({
  method: 'GET',
  path: '/api/rampoff/quote',
  section: 'offramp',
  name: 'getRampoffQuote',
  summary: 'What coins bring',
  description:
    'How much money the customer gets for an amount of coins: `fiat_amount = amount × price − fee`, rounded down to the cent. `price` is the mid price, nothing is hidden in it. Send `quote_id` with the sale before `expires_at`; the price then holds for coins first seen on the chain before that moment, and each quote can be used once.',
  audience: 'token',
  query: Type.Object({
    amount: Amount('The coins that the customer sells, in whole coins.'),
    symbol: CoinSymbol(),
    blockchain: Type.Optional(Chain('The chain; `polygon` unless told.')),
    fiat: Type.Optional(Currency('The currency that is paid out; `EUR` unless told.')),
  }),
  data: Type.Object({
    fiat_amount: Type.String({ description: 'What the customer gets.' }),
    fiat_symbol: Type.String(),
    amount: Type.String({ description: 'The coins with all of their decimals.' }),
    symbol: Type.String(),
    blockchain: Type.String(),
    price: Type.String({
      description: 'Mid price: currency per whole coin. Six decimals, eight below 0.01.',
    }),
    fee: Type.String({
      description:
        'Percent of what the coins are worth (rounded up to the cent) + fixed part + the integration’s spread (rounded up too).',
    }),
    quote_id: Type.String({ description: 'Opaque, at most 512 characters.' }),
    expires_at: WireTime,
  }),
  errors: [
    'fiat_not_supported',
    'coin_not_supported',
    'method_not_allowed',
    'price_unavailable',
    'min_sale',
    'max_sale',
  ],
  examples: {
    request: { amount: '5000', symbol: 'USDC', blockchain: 'polygon', fiat: 'EUR' },
    answer: {
      fiat_amount: '4547.40',
      fiat_symbol: 'EUR',
      amount: '5000.000000',
      symbol: 'USDC',
      blockchain: 'polygon',
      price: '0.921500',
      fee: '60.10',
      quote_id:
        'MnwxfHNlbGx8dHJhbnNmZXJ8RVVSfHBvbHlnb246VVNEQ3w0NTQ3LjQwfDAuOTIxNTAwfDYwLjEwfDAuMDA.q83c9kd2p0Wm',
      expires_at: '2026-06-26T10:31:00.000000Z',
    },
  },
  check({ query }): FieldErrors {
    const coin =
      query.amount !== undefined &&
      query.symbol !== undefined &&
      findAsset(query.blockchain ?? 'polygon', query.symbol)
    const problem = coin && parseAmount(query.amount!, coin).problem
    return problem ? { amount: [problem] } : NO_ERRORS
  },
  async handle(app, { query, integration }) {
    const { pricing, clock, config, providers } = app
    const order = readOrder(integration.settings, query)
    if (contractOf(providers.chains, order.coin) === undefined) refuseCoin(query)
    if (!isServed(config, PAYOUT_TYPE)) refusePayout(order.terms.fiat)
    const { quote, price } = refuseUnsellable(order, pricing.quoteSale(order))
    const { coin, coinUnits, terms } = order
    const { fiat } = terms
    const issuedAt = clock.now()
    const expiresAt = new Date(issuedAt.getTime() + config.durations.quoteLifetimeMs)
    const texts = {
      amount: formatAmount(quote.fiatUnits, fiat),
      price: formatPrice(price),
      fee: formatAmount(quote.feeUnits, fiat),
      networkFee: formatAmount(0n, fiat),
      tokens: formatAmount(coinUnits, coin),
    }
    return {
      fiat_amount: texts.amount,
      fiat_symbol: fiat.symbol,
      amount: texts.tokens,
      symbol: coin.symbol,
      blockchain: coin.chain,
      price: texts.price,
      fee: texts.fee,
      quote_id: pricing.signQuote({
        integrationId: integration.id,
        side: 'sell',
        paymentType: PAYOUT_TYPE,
        fiat: fiat.id,
        coin: coin.id,
        ...texts,
        issuedAt,
        expiresAt,
      }),
      expires_at: wireTime(expiresAt),
    }
  },
})

interface QuoteQuery {
  amount: string
  symbol: string
  blockchain?: string
  fiat?: string
}

function readOrder(settings: IntegrationSettings, query: QuoteQuery): SellOrder {
  const fiat =
    fiatAsset(query.fiat ?? 'EUR') ?? fail('fiat_not_supported', `There is no currency ${query.fiat}.`)
  const coin =
    findActiveCoin(settings, query.blockchain ?? 'polygon', query.symbol)?.asset ?? refuseCoin(query)
  const terms = findSellTerms(settings, fiat) ?? refusePayout(fiat)
  return { coinUnits: amountOf(query.amount, coin), coin, terms }
}

/**
 * What the coins bring. Throws `price_unavailable`, and where they are worth less or more than the integration's bounds
 * `min_sale` and `max_sale`, with the bound in the text.
 */
export function refuseUnsellable(
  { coin, terms }: Pick<SellOrder, 'coin' | 'terms'>,
  priced: PricedSale,
): Extract<PricedSale, { quote: object }> {
  const { fiat } = terms
  if (priced.problem === 'price_unavailable') {
    fail('price_unavailable', `There is no fresh price of ${coin.symbol} in ${fiat.symbol}. Try again.`)
  }
  const worth = priced.problem ? priced.grossUnits : priced.quote.grossUnits
  refuseBounds(terms, worth)
  if (!priced.problem) return priced
  return fail(
    'min_sale',
    `The fees take all of the ${formatAmount(worth, fiat)} ${fiat.symbol} that it is worth. Sell more.`,
  )
}

function refuseBounds({ fiat, minimumUnits, maximumUnits }: SellTerms, worth: bigint): void {
  const told = (units: bigint) => `${formatAmount(units, fiat)} ${fiat.symbol}`
  if (worth < minimumUnits) {
    fail('min_sale', `The coins are worth ${told(worth)}; the minimum is ${told(minimumUnits)}.`)
  }
  if (worth > maximumUnits) {
    fail('max_sale', `The coins are worth ${told(worth)}; the maximum is ${told(maximumUnits)} a sale.`)
  }
}

function refuseCoin({ symbol, blockchain = 'polygon' }: QuoteQuery): never {
  fail('coin_not_supported', `${symbol} on ${blockchain} is not active for this integration.`)
}

/** The integration doesn't pay sales out in the currency. */
export function refusePayout(fiat: Asset): never {
  fail('method_not_allowed', `Sales can't be paid out in ${fiat.symbol} for this integration.`)
}
