import type { Logger } from 'pino'
import type { Db } from '../db/database.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Secrets } from '../kernel/secrets.ts'
import type { Asset } from '../money/asset.ts'
import { coinsFor, worthOf } from '../money/rate.ts'
import type { PriceSource } from '../providers/prices/port.ts'
import { type Availability, createAvailability } from './availability.ts'
import { createPrices, type Prices } from './prices.ts'
import { computeQuote, computeSellQuote, networkFeeIn, type Quote, type SellQuote } from './quote.ts'
import { createQuoteIds, type OpenedQuote, type QuoteTerms, type QuoteTexts } from './quote-id.ts'
import { type ActiveCoin, EUR, type SellTerms, type Terms } from './terms.ts'

/** What things cost now, and whether they can be had. Everything is answered from memory. */
export interface Pricing extends Pick<Availability, 'available' | 'freeUnits'> {
  prices: Prices
  availability: Availability
  /** The price of one coin in a currency now; undefined when none is fresh. */
  price(coin: Asset, fiat: Asset): ReturnType<Prices['current']>
  /** What an amount buys now, at the current price or at the one given. */
  quote(order: Order): Priced
  /** What coins bring now, at the current price or at the one given. */
  quoteSale(order: SellOrder): PricedSale
  /** An amount's worth in euro cents now, rounded up: what limits count. Undefined without a fresh rate. */
  inEuros(units: bigint, fiat: Asset): bigint | undefined
  signQuote(texts: QuoteTexts): string
  openQuote(quoteId: string): OpenedQuote
  start(): void
  stop(): Promise<void>
}

export interface Order {
  amountUnits: bigint
  coin: ActiveCoin
  terms: Terms
  /** A price agreed before; the current one unless told. */
  price?: QuoteTerms['price']
}

export type Priced =
  | { quote: Quote; price: QuoteTerms['price']; problem?: undefined }
  | { problem: 'price_unavailable' | 'below_fees'; quote?: undefined }

export interface SellOrder {
  coinUnits: bigint
  coin: Asset
  terms: SellTerms
  /** A price agreed before; the current one unless told. */
  price?: QuoteTerms['price']
}

export type PricedSale =
  | { quote: SellQuote; price: QuoteTerms['price']; problem?: undefined }
  | { problem: 'price_unavailable'; quote?: undefined }
  | { problem: 'below_fees'; grossUnits: bigint; quote?: undefined }

export interface PricingOptions {
  db: Db
  clock: Clock
  log: Logger
  secrets: Secrets
  sources: readonly PriceSource[]
  priceMaxAgeMs: number
}

export function createPricing(options: PricingOptions): Pricing {
  const { clock, secrets, sources, log, priceMaxAgeMs } = options
  const prices = createPrices({ sources, clock, log, maxAgeMs: priceMaxAgeMs })
  const availability = createAvailability(options)
  const quoteIds = createQuoteIds(secrets)

  function quote({ amountUnits, coin, terms, price: agreed }: Order): Priced {
    const { fiat } = terms
    const price = agreed ?? prices.current(coin.asset.symbol, fiat.symbol)?.price
    const euro = fiat.id === EUR.id ? undefined : prices.current('EUR', fiat.symbol)?.price
    if (!price || (fiat.id !== EUR.id && !euro)) return { problem: 'price_unavailable' }
    const networkFeeUnits = networkFeeIn(coin.networkFeeUnits, fiat, euro)
    const computed = computeQuote({
      amountUnits,
      fiat,
      coin: coin.asset,
      price,
      fees: terms,
      networkFeeUnits,
    })
    return computed ? { quote: computed, price } : { problem: 'below_fees' }
  }

  function quoteSale({ coinUnits, coin, terms, price: agreed }: SellOrder): PricedSale {
    const { fiat } = terms
    const price = agreed ?? prices.current(coin.symbol, fiat.symbol)?.price
    if (!price) return { problem: 'price_unavailable' }
    const quote = computeSellQuote({ coinUnits, coin, fiat, price, fees: terms })
    if (quote) return { quote, price }
    return { problem: 'below_fees', grossUnits: worthOf(coinUnits, coin, fiat, price, 'down') }
  }

  return {
    prices,
    availability,
    available: availability.available,
    freeUnits: availability.freeUnits,
    price: (coin, fiat) => prices.current(coin.symbol, fiat.symbol),
    quote,
    quoteSale,
    inEuros(units, fiat) {
      if (fiat.id === EUR.id) return units
      const euro = prices.current('EUR', fiat.symbol)?.price
      return euro && coinsFor(units, fiat, EUR, euro, 'up')
    },
    signQuote: quoteIds.sign,
    openQuote: (quoteId) => quoteIds.open(quoteId, clock.now()),
    start() {
      prices.start()
      availability.start()
    },
    async stop() {
      await Promise.all([prices.stop(), availability.stop()])
    },
  }
}
