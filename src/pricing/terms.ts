import type { IntegrationSettings } from '../common/integration.ts'
import { amountOf } from '../money/amount.ts'
import { type Asset, COIN_ASSETS, FIAT_ASSETS, fiatAsset, findAsset } from '../money/asset.ts'
import { type FeeTerms, percentOf } from '../money/fee.ts'
import { findPaymentMethod, type PaymentMethod } from './payment-methods.ts'

/** What an integration's customers pay for, by which method, in which currency: its settings, read once. */
export interface Terms extends FeeTerms {
  method: PaymentMethod
  fiat: Asset
  minimumUnits: bigint
  maximumUnits: bigint
}

/** What a sale costs that is paid out in a currency, and what its coins may be worth. */
export type SellTerms = Omit<Terms, 'method'>

export const EUR = fiatAsset('EUR')!

interface Compiled {
  coins: ReadonlyMap<string, ActiveCoin>
  terms: Map<string, Terms | null>
  sell: ReadonlyMap<string, SellTerms>
}

/** A coin that an integration's customers can buy. */
export interface ActiveCoin {
  asset: Asset
  /** Delivery on its chain, in euro cents. */
  networkFeeUnits: bigint
}

/** Settings are replaced, never changed, so what was read of one object holds as long as the object lives. */
const compiled = new WeakMap<IntegrationSettings, Compiled>()

function compile(settings: IntegrationSettings): Compiled {
  let known = compiled.get(settings)
  if (!known)
    compiled.set(
      settings,
      (known = { coins: readCoins(settings), terms: new Map(), sell: readSell(settings) }),
    )
  return known
}

/**
 * The coin, any case, if its pair is active for the integration. A pair whose chain has no network fee in the
 * settings is not on offer: what nobody has priced can't be sold.
 */
export function findActiveCoin(
  settings: IntegrationSettings,
  chain: string,
  symbol: string,
): ActiveCoin | undefined {
  const asset = findAsset(chain, symbol)
  return asset && compile(settings).coins.get(asset.id)
}

/** Every coin on offer for the integration, in the platform's order. */
export function listActiveCoins(settings: IntegrationSettings): ActiveCoin[] {
  return [...compile(settings).coins.values()]
}

/**
 * Fees and bounds of a method in a currency. Undefined when the integration may not use the method, the method
 * doesn't take the currency, or the settings name no fee, minimum or maximum for it.
 */
export function findTerms(
  settings: IntegrationSettings,
  paymentType: string,
  fiat: Asset,
): Terms | undefined {
  const { terms } = compile(settings)
  const method = findPaymentMethod(paymentType)
  if (!method) return undefined
  const key = `${method.type}:${fiat.id}`
  let known = terms.get(key)
  if (known === undefined) terms.set(key, (known = readTerms(settings, method, fiat)))
  return known ?? undefined
}

/** Undefined where the settings name no fee, minimum or maximum for sales in the currency. */
export function findSellTerms(settings: IntegrationSettings, fiat: Asset): SellTerms | undefined {
  return compile(settings).sell.get(fiat.id)
}

function readCoins(settings: IntegrationSettings): ReadonlyMap<string, ActiveCoin> {
  const coins = new Map<string, ActiveCoin>()
  for (const asset of COIN_ASSETS) {
    const fee = settings.networkFee[asset.chain!]
    if (fee === undefined || !settings.pairs.includes(asset.id)) continue
    coins.set(asset.id, { asset, networkFeeUnits: amountOf(fee, EUR) })
  }
  return coins
}

function readTerms(settings: IntegrationSettings, method: PaymentMethod, fiat: Asset): Terms | null {
  if (!settings.paymentTypes.includes(method.type) || !method.fiats.includes(fiat.symbol)) return null
  const fee = settings.fees[method.type]
  const minimum = settings.minimum[fiat.symbol]
  const maximum = settings.maximum[fiat.symbol]
  if (fee === undefined || minimum === undefined || maximum === undefined) return null
  return {
    method,
    fiat,
    percent: percentOf(fee.percent),
    fixedUnits: amountOf(fee.fixed, fiat),
    spread: percentOf(settings.spreadPercent),
    minimumUnits: amountOf(minimum, fiat),
    maximumUnits: amountOf(maximum, fiat),
  }
}

function readSell({ sales, spreadPercent }: IntegrationSettings): ReadonlyMap<string, SellTerms> {
  const terms = new Map<string, SellTerms>()
  for (const fiat of FIAT_ASSETS) {
    const fee = sales.fees[fiat.symbol]
    const minimum = sales.minimum[fiat.symbol]
    const maximum = sales.maximum[fiat.symbol]
    if (fee === undefined || minimum === undefined || maximum === undefined) continue
    terms.set(fiat.id, {
      fiat,
      percent: percentOf(fee.percent),
      fixedUnits: amountOf(fee.fixed, fiat),
      spread: percentOf(spreadPercent),
      minimumUnits: amountOf(minimum, fiat),
      maximumUnits: amountOf(maximum, fiat),
    })
  }
  return terms
}
