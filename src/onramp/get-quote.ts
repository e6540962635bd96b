import { Type } from 'typebox'
import type { IntegrationSettings } from '../common/integration.ts'
import { wireTime } from '../kernel/clock.ts'
import { amountOf, formatAmount, parseAmount } from '../money/amount.ts'
import { fiatAsset } from '../money/asset.ts'
import { formatPrice } from '../money/rate.ts'
import { contractOf } from '../pricing/deliverable.ts'
import { isServed } from '../pricing/payment-methods.ts'
import type { Order } from '../pricing/pricing.ts'
import { findActiveCoin, findTerms } from '../pricing/terms.ts'
import { endpoint } from '../server/endpoint.ts'
import { type FieldErrors, fail } from '../server/errors.ts'
import { Amount, Chain, CoinSymbol, Currency, Text, WireTime } from '../server/fields.ts'

const NO_ERRORS: FieldErrors = {}

export const getQuote = endpoint({
  method: 'GET',
  path: '/api/quote',
  section: 'onramp',
  name: 'getQuote',
  summary: 'What an amount buys',
  description:
    'How many coins the customer gets for an amount. `amount` is all the customer pays; the fees are inside it: `tokens = floor((amount − fee − network_fee) ÷ price)` at the coin’s decimals. `price` is the mid price, nothing is hidden in it. Send `quote_id` with the payment before `expires_at` to get these terms; each can be used once.',
  audience: 'token',
  query: Type.Object({
    amount: Amount('All that the customer pays, in `fiat`.'),
    symbol: CoinSymbol(),
    chain: Type.Optional(Chain('The chain; `polygon` unless told.')),
    payment_type: Text('How the customer pays, such as `card`; any case. See payment-methods.', 32),
    fiat: Type.Optional(Currency('The currency; `EUR` unless told.')),
  }),
  data: Type.Object({
    tokens: Type.Number({
      description: 'The coins as a number, for display. Calculate with `tokens_exact`.',
    }),
    tokens_exact: Type.String({ description: 'The coins with all of their decimals.' }),
    symbol: Type.String(),
    chain: Type.String(),
    fiat: Type.String(),
    amount: Type.String(),
    price: Type.String({
      description: 'Mid price: currency per whole coin. Six decimals, eight below 0.01.',
    }),
    fee: Type.String({
      description:
        'Percent (rounded up to the cent) + fixed part + the integration’s spread (rounded up too).',
    }),
    network_fee: Type.String({ description: 'Delivery on the chain.' }),
    payment_type: Type.String(),
    quote_id: Type.String({ description: 'Opaque, at most 512 characters.' }),
    expires_at: WireTime,
  }),
  errors: [
    'fiat_not_supported',
    'coin_not_supported',
    'method_not_allowed',
    'price_unavailable',
    'min_purchase',
    'max_purchase',
    'coin_unavailable',
  ],
  examples: {
    request: { amount: '150.50', symbol: 'USDC', chain: 'polygon', payment_type: 'card' },
    answer: {
      tokens: 158.024959,
      tokens_exact: '158.024959',
      symbol: 'USDC',
      chain: 'polygon',
      fiat: 'EUR',
      amount: '150.50',
      price: '0.921500',
      fee: '4.83',
      network_fee: '0.05',
      payment_type: 'card',
      quote_id:
        'MXwxfGJ1eXxjYXJkfEVVUnxwb2x5Z29uOlVTREN8MTUwNTB8MC45MjE1MDB8NDgzfDV8MTU4MDI0OTU5.q83c9kd2p0Wm',
      expires_at: '2026-06-26T10:31:00.000000Z',
    },
  },
  check({ query }): FieldErrors {
    const fiat = query.amount === undefined ? undefined : fiatAsset(query.fiat ?? 'EUR')
    const problem = fiat && parseAmount(query.amount!, fiat).problem
    return problem ? { amount: [problem] } : NO_ERRORS
  },
  async handle(app, { query, integration }) {
    const { pricing, clock, config, providers } = app
    const order = readOrder(integration.settings, query)
    if (contractOf(providers.chains, order.coin.asset) === undefined) refuseCoin(query)
    if (!isServed(config, order.terms.method.type)) refuseMethod(query)
    const priced = pricing.quote(order)
    const { amountUnits, coin, terms } = order
    const { fiat, method } = terms
    if (priced.problem === 'price_unavailable') {
      fail(
        'price_unavailable',
        `There is no fresh price of ${coin.asset.symbol} in ${fiat.symbol}. Try again.`,
      )
    }
    if (amountUnits < terms.minimumUnits) {
      fail('min_purchase', `The minimum is ${formatAmount(terms.minimumUnits, fiat)} ${fiat.symbol}.`)
    }
    if (amountUnits > terms.maximumUnits) {
      fail(
        'max_purchase',
        `The maximum is ${formatAmount(terms.maximumUnits, fiat)} ${fiat.symbol} a payment.`,
      )
    }
    if (priced.problem) {
      fail(
        'min_purchase',
        `The fees take all of ${formatAmount(amountUnits, fiat)} ${fiat.symbol}. Ask for more.`,
      )
    }
    const { quote, price } = priced
    if (!pricing.available(coin.asset, quote.coinUnits)) {
      fail('coin_unavailable', `We can't deliver that much ${coin.asset.symbol} now. Try less, or later.`)
    }
    const issuedAt = clock.now()
    const expiresAt = new Date(issuedAt.getTime() + config.durations.quoteLifetimeMs)
    const texts = {
      amount: formatAmount(amountUnits, fiat),
      price: formatPrice(price),
      fee: formatAmount(quote.feeUnits, fiat),
      networkFee: formatAmount(quote.networkFeeUnits, fiat),
      tokens: formatAmount(quote.coinUnits, coin.asset),
    }
    return {
      // The closest number there is, for display.
      tokens: Number(texts.tokens),
      tokens_exact: texts.tokens,
      symbol: coin.asset.symbol,
      chain: coin.asset.chain,
      fiat: fiat.symbol,
      amount: texts.amount,
      price: texts.price,
      fee: texts.fee,
      network_fee: texts.networkFee,
      payment_type: method.wireType,
      quote_id: pricing.signQuote({
        integrationId: integration.id,
        side: 'buy',
        paymentType: method.type,
        fiat: fiat.id,
        coin: coin.asset.id,
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
  chain?: string
  payment_type: string
  fiat?: string
}

function readOrder(settings: IntegrationSettings, query: QuoteQuery): Order {
  const fiat = fiatAsset(query.fiat ?? 'EUR') ?? fail('fiat_not_supported', `${query.fiat} is not supported.`)
  const coin = findActiveCoin(settings, query.chain ?? 'polygon', query.symbol) ?? refuseCoin(query)
  const terms = findTerms(settings, query.payment_type, fiat) ?? refuseMethod(query)
  return { amountUnits: amountOf(query.amount, fiat), coin, terms }
}

function refuseCoin({ symbol, chain = 'polygon' }: QuoteQuery): never {
  fail('coin_not_supported', `${symbol} on ${chain} is not active for this integration.`)
}

function refuseMethod({ payment_type, fiat = 'EUR' }: QuoteQuery): never {
  fail('method_not_allowed', `${payment_type} is not active for this integration in ${fiat}.`)
}
