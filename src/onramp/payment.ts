import type { Selectable } from 'kysely'
import type { PaymentsTable } from '../db/schema.ts'
import { formatDecimal } from '../money/amount.ts'
import { type Asset, assetOf } from '../money/asset.ts'
import { type FeeTerms, percentOf } from '../money/fee.ts'
import { type Price, parsePrice } from '../money/rate.ts'

/** A payment as its row has it, with what is read beside it. */
export interface Payment extends Omit<Selectable<PaymentsTable>, 'terms' | 'refund' | 'chargeback'> {
  terms: AgreedTerms
  refund: RefundRecord | null
  chargeback: ChargebackRecord | null
  /** The customer's key, under which `holderSealed` and the events are kept. */
  keyWrapped: Buffer | null
  customerBannedAt: Date | null
  /** `es`, `en` or `pt`. */
  customerLanguage: string | null
  /** The bank account the customer pays to; null unless bank instructions are out. */
  account: { bic: string; holderName: string; bankName: string } | null
}

/** The fees agreed at creation. Percents as decimal text, the rest base units of the payment's currency. */
export interface AgreedTerms {
  percent: string
  fixedUnits: string
  spread: string
  networkFeeUnits: string
}

/** The latest refund. Each round has effects of its own, one for each way the money came. */
export interface RefundRecord {
  round: number
  state: 'planned' | 'sent' | 'confirmed' | 'failed'
  units: string
  reason: RefundReason
  /** Everything goes back: when it is confirmed, the payment is `refunded`. */
  whole: boolean
  createdAt: string
}

export type RefundReason =
  | 'short'
  | 'excess'
  | 'late'
  | 'third_party'
  | 'review_refused'
  | 'review_timeout'
  | 'undeliverable'
  | 'requested'

export interface ChargebackRecord {
  units: string
  /** What of it wasn't held any more, and so is lost. */
  lossUnits: string
  reason: string
  at: string
  /** Absent: it stands. `won`: the dispute was decided for us, and nothing of it is lost. */
  state?: 'charged_back' | 'won'
}

/** Whether what the payer took back is still gone. */
export const isChargedBack = ({ chargeback }: Pick<Payment, 'chargeback'>): boolean =>
  chargeback !== null && chargeback.state !== 'won'

export type ReviewReason =
  | 'over'
  | 'late'
  | 'third_party'
  | 'banned'
  | 'unpriceable'
  | 'undeliverable'
  | 'not_dispatched'
  /** An operator gave the refund up. */
  | 'refund_cancelled'

/** Whose account or card the money came from. */
export interface Holder {
  name: string
  iban: string | null
  card_last4: string | null
}

export const paymentFiat = (payment: Pick<Payment, 'fiat'>): Asset => assetOf(payment.fiat)

export const paymentCoin = (payment: Pick<Payment, 'chain' | 'symbol'>): Asset =>
  assetOf(`${payment.chain}:${payment.symbol}`)

/** What came in and is neither converted nor on its way back. */
export const heldUnits = (
  payment: Pick<Payment, 'receivedUnits' | 'convertedUnits' | 'refundedUnits'>,
): bigint => payment.receivedUnits - payment.convertedUnits - payment.refundedUnits

/** Everything is on its way back, and that isn't over: nothing else may happen to the money. */
export const isRefunding = (
  payment: Pick<Payment, 'refund' | 'receivedUnits' | 'convertedUnits' | 'refundedUnits'>,
): boolean =>
  payment.refund?.whole === true && payment.refund.state !== 'confirmed' && heldUnits(payment) === 0n

/** The latest refund, unless all of it was taken back before it left. */
export const standingRefund = ({ refund }: Pick<Payment, 'refund'>): RefundRecord | null =>
  refund && BigInt(refund.units) > 0n ? refund : null

export const customerFiat = (paymentId: string): string => `customer:${paymentId}:fiat`
export const customerCoin = (paymentId: string): string => `customer:${paymentId}:coin`

/** What the effects of a payment refer to, and the stream of its events. */
export const paymentReference = (paymentId: string): string => `payment:${paymentId}`

/** The purpose of the one transfer of coins a payment has. */
export const coinsPurpose = (paymentId: string): string => `payment:${paymentId}:coins`

const PERCENT_DECIMALS = 8

export function writeTerms(fees: FeeTerms, networkFeeUnits: bigint): AgreedTerms {
  return {
    percent: formatDecimal(fees.percent, PERCENT_DECIMALS),
    fixedUnits: fees.fixedUnits.toString(),
    spread: formatDecimal(fees.spread, PERCENT_DECIMALS),
    networkFeeUnits: networkFeeUnits.toString(),
  }
}

export function readTerms(terms: AgreedTerms): FeeTerms & { networkFeeUnits: bigint } {
  return {
    percent: percentOf(terms.percent),
    fixedUnits: BigInt(terms.fixedUnits),
    spread: percentOf(terms.spread),
    networkFeeUnits: BigInt(terms.networkFeeUnits),
  }
}

/** The price the payment carries; it was written by us, so a text that is none is a mistake. */
export function priceOfPayment(payment: Pick<Payment, 'price'>): Price {
  const price = parsePrice(payment.price, 'nearest')
  if (!price) throw new Error(`The payment carries no price but ${JSON.stringify(payment.price)}.`)
  return price
}
