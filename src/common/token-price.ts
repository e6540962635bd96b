import { Type } from 'typebox'
import { wireTime } from '../kernel/clock.ts'
import { fiatAsset } from '../money/asset.ts'
import { findActiveCoin } from '../pricing/terms.ts'
import { endpoint } from '../server/endpoint.ts'
import { fail } from '../server/errors.ts'
import { Chain, CoinSymbol, Currency, WireTime } from '../server/fields.ts'

export const tokenPrice = endpoint({
  method: 'GET',
  path: '/api/token-price',
  section: 'common',
  name: 'tokenPrice',
  summary: 'The price of a coin now',
  description:
    'The mid price of one whole coin: the median of the sources that are fresh. A stale price is never answered; when there is no fresh one the call answers `price_unavailable`, and a moment later it is worth another try.',
  audience: 'token',
  query: Type.Object({
    symbol: CoinSymbol(),
    chain: Type.Optional(Chain('The chain; `polygon` unless told.')),
    fiat: Type.Optional(Currency('The currency; `EUR` unless told.')),
  }),
  data: Type.Object({
    symbol: Type.String(),
    chain: Type.String(),
    fiat: Type.String(),
    price: Type.String({ description: 'Currency per whole coin: six decimals, eight below 0.01.' }),
    source: Type.String({ description: 'The sources whose median this is.' }),
    updated_at: WireTime,
  }),
  errors: ['coin_not_supported', 'fiat_not_supported', 'price_unavailable'],
  examples: {
    request: { symbol: 'USDC', chain: 'polygon', fiat: 'EUR' },
    answer: {
      symbol: 'USDC',
      chain: 'polygon',
      fiat: 'EUR',
      price: '0.921500',
      source: 'coinbase, kraken',
      updated_at: '2026-06-26T10:30:00.000000Z',
    },
  },
  async handle(app, { query, integration }) {
    const fiat =
      fiatAsset(query.fiat ?? 'EUR') ?? fail('fiat_not_supported', `${query.fiat} is not supported.`)
    const chain = query.chain ?? 'polygon'
    const { asset } =
      findActiveCoin(integration.settings, chain, query.symbol) ??
      fail('coin_not_supported', `${query.symbol} on ${chain} is not active for this integration.`)
    const current =
      app.pricing.price(asset, fiat) ??
      fail('price_unavailable', `There is no fresh price of ${asset.symbol} in ${fiat.symbol}. Try again.`)
    return {
      symbol: asset.symbol,
      chain: asset.chain,
      fiat: fiat.symbol,
      price: current.text,
      source: current.source,
      updated_at: wireTime(current.updatedAt),
    }
  },
})
