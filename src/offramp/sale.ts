import type { Selectable } from 'kysely'
import type { SalesTable } from '../db/schema.ts'
import { type Asset, assetOf } from '../money/asset.ts'
import { type Price, parsePrice } from '../money/rate.ts'

/** A sale as its row has it, with what is read beside it. */
export interface Sale
  extends Omit<
    Selectable<SalesTable>,
    'terms' | 'payout' | 'coinReturn' | 'conversions' | 'earlierPayouts' | 'earlierReturns'
  > {
  terms: SaleTerms
  conversions: ConversionRecord[]
  payout: PayoutRecord | null
  coinReturn: CoinReturnRecord | null
  /** The rounds before the latest, oldest first. */
  earlierPayouts: PayoutRecord[]
  earlierReturns: CoinReturnRecord[]
  /** The customer's key, under which `payeeSealed` and the events are kept. */
  keyWrapped: Buffer | null
  customerBannedAt: Date | null
}

/** The fees agreed at creation. Percents as decimal text, the fixed part in base units of the sale's currency. */
export interface SaleTerms {
  percent: string
  fixedUnits: string
  spread: string
}

/** Whom the money of a sale goes to: an IBAN, or the account that a Latin American customer registered with. */
export type Payee =
  | { kind: 'iban'; iban: string; name: string }
  | { kind: 'local'; account: string; bankName: string; country: string; name: string }

/** A conversion that stands. Its journal is `sale:<id>:conversion:<number>`. */
export interface ConversionRecord {
  number: number
  /** The payout that pays it; null when that came back, or was given up. */
  round: number | null
  units: string
  fiatUnits: string
  feeUnits: string
}

/** The latest order to the bank; each round has one effect, `sale:<id>:payout:<round>`. */
export interface PayoutRecord {
  round: number
  state: 'planned' | 'sent' | 'confirmed' | 'failed'
  units: string
  reason: string | null
  createdAt: string
}

/** The latest return of coins; each round has one effect, `sale:<id>:return:<round>`. */
export interface CoinReturnRecord {
  round: number
  /** `cancelled`: given up, its coins are held again. */
  state: 'planned' | 'confirmed' | 'failed' | 'cancelled'
  /** Another coin than the sale's when the wrong one came. */
  asset: string
  units: string
  reason: SaleReturnReason
  createdAt: string
}

export type SaleReturnReason =
  | 'short'
  | 'excess'
  | 'late'
  | 'wrong_asset'
  | 'unpriceable'
  | 'payout_failed'
  | 'not_converted'
  | 'review_refused'
  | 'review_timeout'

export type SaleReviewReason =
  | 'short'
  | 'excess'
  | 'late'
  | 'wrong_asset'
  | 'blocked_sender'
  | 'banned'
  /** The fees take all of what came. */
  | 'unpriceable'
  /** There was no price for too long. */
  | 'not_converted'
  | 'payout_failed'
  /** The bank neither books nor refuses the payout. */
  | 'payout_late'
  | 'return_failed'

export const saleFiat = (sale: Pick<Sale, 'fiat'>): Asset => assetOf(sale.fiat)

export const saleCoin = (sale: Pick<Sale, 'chain' | 'symbol'>): Asset =>
  assetOf(`${sale.chain}:${sale.symbol}`)

/** Coins that came and are neither converted nor on their way back. */
export const heldCoins = (
  sale: Pick<Sale, 'receivedUnits' | 'convertedUnits' | 'returnedUnits' | 'keptUnits'>,
): bigint => sale.receivedUnits - sale.convertedUnits - sale.returnedUnits - sale.keptUnits

/** Money that coins were converted to and that no payout takes to the customer. */
export const heldFiat = (sale: Pick<Sale, 'conversions'>): bigint =>
  sale.conversions.reduce((sum, { round, fiatUnits }) => (round === null ? sum + BigInt(fiatUnits) : sum), 0n)

/** All payouts of a sale, oldest first. */
export const payoutsOf = ({
  earlierPayouts,
  payout,
}: Pick<Sale, 'earlierPayouts' | 'payout'>): PayoutRecord[] =>
  payout ? [...earlierPayouts, payout] : earlierPayouts

/** All returns of its coins, oldest first. */
export const returnsOf = ({
  earlierReturns,
  coinReturn,
}: Pick<Sale, 'earlierReturns' | 'coinReturn'>): CoinReturnRecord[] =>
  coinReturn ? [...earlierReturns, coinReturn] : earlierReturns

/** A payout of the sale, the latest or one before, with what became of it; nothing where there is no such round. */
export function changedPayout(
  { payout, earlierPayouts }: Pick<Sale, 'payout' | 'earlierPayouts'>,
  round: number,
  change: Pick<PayoutRecord, 'state' | 'reason'>,
): Partial<Sale> {
  if (payout?.round === round) return { payout: { ...payout, ...change } }
  return { earlierPayouts: earlierPayouts.map((one) => (one.round === round ? { ...one, ...change } : one)) }
}

/** The same for a return of coins. */
export function changedReturn(
  { coinReturn, earlierReturns }: Pick<Sale, 'coinReturn' | 'earlierReturns'>,
  round: number,
  state: CoinReturnRecord['state'],
): Partial<Sale> {
  if (coinReturn?.round === round) return { coinReturn: { ...coinReturn, state } }
  return { earlierReturns: earlierReturns.map((one) => (one.round === round ? { ...one, state } : one)) }
}

/** What the effects of a sale refer to. */
export const saleReference = (saleId: string): string => `sale:${saleId}`

export const saleIdOf = ({ reference }: { reference: string }): string => reference.slice('sale:'.length)

/** The stream of a sale's events. */
export const saleStream = (saleId: string): string => `rampoff:${saleId}`

export const customerFiatOf = (saleId: string): string => `customer:${saleId}:fiat`
export const customerCoinOf = (saleId: string): string => `customer:${saleId}:coin`

export const depositPurpose = (depositId: string): string => `deposit:${depositId}`
export const conversionPurpose = (saleId: string, number: number): string =>
  `sale:${saleId}:conversion:${number}`
export const payoutPurpose = (saleId: string, round: number): string => `sale:${saleId}:payout:${round}`
export const coinReturnPurpose = (saleId: string, round: number): string => `sale:${saleId}:return:${round}`

/** The price the sale carries; it was written by us, so a text that is none is a mistake. */
export function priceOfSale(sale: Pick<Sale, 'price'>): Price {
  const price = parsePrice(sale.price, 'nearest')
  if (!price) throw new Error(`The sale carries no price but ${JSON.stringify(sale.price)}.`)
  return price
}
