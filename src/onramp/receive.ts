import { sql } from 'kysely'
import type { App } from '../app.ts'
import type { IntegrationSettings } from '../common/integration.ts'
import type { Trx } from '../db/database.ts'
import { formatPrice, type Price } from '../money/rate.ts'
import { conversionPostings, conversionPurpose, quotePayment } from './conversion.ts'
import { decideReceived, mismatchPolicy, type ReceivedDecision } from './decide-received.ts'
import {
  coinsPurpose,
  customerCoin,
  customerFiat,
  type Holder,
  heldUnits,
  isRefunding,
  type Payment,
  paymentCoin,
  paymentFiat,
  paymentReference,
  priceOfPayment,
} from './payment.ts'
import { bookFor, moveState, moveToReview, type PaymentChanges, setFields } from './payment-changes.ts'
import type { PaymentEvent } from './payment-states.ts'
import { findTakenNames } from './payment-store.ts'
import { sealHolder } from './payment-wire.ts'
import { planRefund } from './plan-refund.ts'
import { loadSources, type RefundSource } from './refund-sources.ts'

/** Money that came for a payment, recorded once under the payment's lock before it gets here. */
export interface Arrival {
  paymentId: string
  units: bigint
  /** When it was booked: decides whether a transfer's quote still holds. */
  bookedAt: Date
  /** The ledger's account that the money stands on now: `card:<provider>` and the like, or the account's suspense. */
  fromAccount: string
  /** Unique for this arrival: the purpose of its journal. */
  purpose: string
  /** `card`: taken by a provider in a session, whichever the method. */
  kind: 'card' | 'bank'
  payer: Holder | null
  /** The payer's name is not the customer's. */
  thirdParty: boolean
}

export type ReceiveNeeds = Pick<App, 'pricing'>

/**
 * Books money that came and decides what becomes of it, for many locked payments at once. Several arrivals of one
 * payment are taken in turn. Fills the changes; the caller writes them.
 */
export async function receive(
  app: ReceiveNeeds & Pick<App, 'secrets'>,
  trx: Trx,
  changes: PaymentChanges,
  payments: ReadonlyMap<string, Payment>,
  arrivals: readonly Arrival[],
): Promise<void> {
  const facts = await loadFacts(app, trx, payments, arrivals)
  for (const arrival of arrivals) {
    const payment = payments.get(arrival.paymentId)!
    const decision = decide(payment, arrival, facts)
    bookArrival(changes, payment, arrival)
    apply(app, changes, payment, arrival, decision, facts)
  }
}

interface Facts {
  settings: ReadonlyMap<number, IntegrationSettings>
  taken: ReadonlySet<string>
  sources: ReadonlyMap<string, RefundSource[]>
}

const NO_FACTS: Facts = { settings: new Map(), taken: new Set(), sources: new Map() }

/** Nearly always exactly the amount comes, once, in time: then nothing more needs to be known. */
const isPlain = (payment: Payment, arrival: Arrival): boolean =>
  (payment.state === 'started' || payment.state === 'pending_bank') &&
  payment.receivedUnits === 0n &&
  arrival.units === payment.fiatUnits &&
  !arrival.thirdParty

async function loadFacts(
  app: Pick<App, 'secrets'>,
  trx: Trx,
  payments: ReadonlyMap<string, Payment>,
  arrivals: readonly Arrival[],
): Promise<Facts> {
  const paid = new Set<string>()
  const odd = new Set<Payment>()
  for (const arrival of arrivals) {
    const payment = payments.get(arrival.paymentId)!
    if (paid.has(payment.id) || !isPlain(payment, arrival)) odd.add(payment)
    paid.add(payment.id)
  }
  if (odd.size === 0) return NO_FACTS
  return {
    settings: await readSettings(
      trx,
      [...odd].map(({ integrationId }) => integrationId),
    ),
    taken: await findTakenNames(trx, [...odd]),
    sources: await loadSources(
      trx,
      app,
      [...odd].map(({ id }) => id),
    ),
  }
}

export async function readSettings(
  trx: Trx,
  ids: readonly number[],
): Promise<Map<number, IntegrationSettings>> {
  const rows = await trx
    .selectFrom('integrations')
    .select(['id', 'settings'])
    .where(sql<boolean>`id = any(${[...ids]}::integer[])`)
    .execute()
  return new Map(rows.map(({ id, settings }) => [id, settings as IntegrationSettings]))
}

function decide(payment: Payment, arrival: Arrival, facts: Facts): ReceivedDecision {
  const settings = facts.settings.get(payment.integrationId)
  if (!settings) return payment.customerBannedAt ? { do: 'review', reason: 'banned' } : fillAll(arrival.units)
  return decideReceived(
    {
      state: payment.state,
      fiatUnits: payment.fiatUnits,
      heldUnits: heldUnits(payment),
      units: arrival.units,
      converted: payment.convertedUnits > 0n,
      refunding: isRefunding(payment),
      banned: payment.customerBannedAt !== null,
      nameTaken: facts.taken.has(payment.id),
      thirdParty: arrival.thirdParty,
    },
    mismatchPolicy(settings, paymentFiat(payment)),
  )
}

const fillAll = (units: bigint): ReceivedDecision => ({ do: 'fill', fillUnits: units, excessUnits: 0n })

function bookArrival(changes: PaymentChanges, payment: Payment, arrival: Arrival): void {
  bookFor(changes, payment, {
    kind: arrival.kind === 'card' ? 'pay_in' : 'match',
    purpose: arrival.purpose,
    postings: [
      { account: arrival.fromAccount, asset: payment.fiat, units: arrival.units },
      { account: customerFiat(payment.id), asset: payment.fiat, units: -arrival.units },
    ],
  })
  const known = payment.holderSealed !== null || arrival.payer === null
  setFields(changes, payment, {
    receivedUnits: payment.receivedUnits + arrival.units,
    receivedAt: changes.now,
    ...(known ? {} : { holderSealed: sealHolder(changes.app.secrets, payment.keyWrapped, arrival.payer!) }),
  })
}

function apply(
  app: ReceiveNeeds,
  changes: PaymentChanges,
  payment: Payment,
  arrival: Arrival,
  decision: ReceivedDecision,
  facts: Facts,
): void {
  const sources = facts.sources.get(payment.id) ?? []
  if (decision.do === 'review') moveToReview(changes, payment, decision.reason)
  if (decision.do === 'return') {
    planRefund(changes, payment, { units: arrival.units, reason: decision.reason, sources })
  }
  if (decision.do !== 'fill') return
  const price = priceFor(app, payment, arrival)
  if (!price || !quotePayment(payment, decision.fillUnits, price)) {
    moveToReview(changes, payment, 'unpriceable')
    return
  }
  if (decision.excessUnits > 0n) {
    planRefund(changes, payment, { units: decision.excessUnits, reason: 'excess', sources })
  }
  fill(changes, payment, { units: decision.fillUnits, price, event: 'filled' })
}

/**
 * The price at which money that was booked then is converted; undefined when there is none now. A card's or an open
 * bank's session was started while the price held, and is honoured. A transfer gets its quote's price if it was
 * booked in time, else today's.
 */
function priceFor(app: ReceiveNeeds, payment: Payment, arrival: Arrival): Price | undefined {
  if (keepsPrice(payment, arrival)) return priceOfPayment(payment)
  return currentPrice(app, payment)
}

/** Whether the payment's own price is the one its money is converted at. */
export function keepsPrice(payment: Payment, arrival: Pick<Arrival, 'kind' | 'bookedAt'>): boolean {
  if (arrival.kind === 'card' || payment.paymentType === 'psd2') return true
  return payment.priceExpiresAt !== null && arrival.bookedAt <= payment.priceExpiresAt
}

export const currentPrice = (app: ReceiveNeeds, payment: Payment): Price | undefined =>
  app.pricing.price(paymentCoin(payment), paymentFiat(payment))?.price

/**
 * Converts held money and plans the coins' transfer: from here on `coin_amount` never changes. The caller has seen
 * that the money buys something at this price.
 */
export function fill(
  changes: PaymentChanges,
  payment: Payment,
  { units, price, event }: { units: bigint; price: Price; event: PaymentEvent },
): void {
  const quote = quotePayment(payment, units, price)
  if (!quote) throw new Error(`${units} of payment ${payment.id} buy nothing.`)
  if (payment.wallet === null) throw new Error(`Payment ${payment.id} was paid without a wallet.`)
  const coin = paymentCoin(payment)
  bookFor(changes, payment, {
    kind: 'conversion',
    purpose: conversionPurpose(payment),
    postings: conversionPostings(payment, units, quote),
  })
  changes.effects.push({
    integrationId: payment.integrationId,
    kind: 'coin_transfer',
    purpose: coinsPurpose(payment.id),
    reference: paymentReference(payment.id),
    door: null,
    asset: coin.id,
    units: quote.coinUnits,
    account: customerCoin(payment.id),
    destination: { address: payment.wallet },
  })
  const priceText = formatPrice(price)
  moveState(changes, payment, event, {
    convertedUnits: payment.convertedUnits + units,
    coinUnits: quote.coinUnits,
    feeUnits: quote.feeUnits,
    networkFeeUnits: quote.networkFeeUnits,
    walletFrozen: true,
    // Fixed for good now: a quote that it came too late for holds no longer.
    ...(priceText === payment.price
      ? {}
      : { price: priceText, priceFixedAt: changes.now, priceExpiresAt: null }),
  })
}
