import type { Insertable } from 'kysely'
import type { App } from '../app.ts'
import type { Integration } from '../common/integration.ts'
import type { Trx } from '../db/database.ts'
import type { PaymentsTable } from '../db/schema.ts'
import { isUniqueViolation } from '../db/unique-violation.ts'
import { newPaymentId } from '../kernel/ids.ts'
import { sha256 } from '../kernel/secrets.ts'
import { formatAmount } from '../money/amount.ts'
import type { Asset } from '../money/asset.ts'
import type { FeeTerms } from '../money/fee.ts'
import { formatPrice } from '../money/rate.ts'
import { isServed } from '../pricing/payment-methods.ts'
import type { Pricing } from '../pricing/pricing.ts'
import type { Quote } from '../pricing/quote.ts'
import type { QuoteTerms } from '../pricing/quote-id.ts'
import { type ActiveCoin, findActiveCoin, findTerms, type Terms } from '../pricing/terms.ts'
import { fail } from '../server/errors.ts'
import { kycFormUrl } from '../users/kyc-form-url.ts'
import { judgeCustomer, lockCustomer, refuseOverLimits } from './customer-checks.ts'
import { writeTerms } from './payment.ts'
import { lifetimeMs } from './payment-states.ts'
import { findLivePayment, insertPayment } from './payment-store.ts'
import { priceLifetime } from './price-lifetime.ts'
import { type JudgedWallet, judgeWallet } from './wallet-checks.ts'

/** A payment as it was asked for, its fields read and right by themselves. */
export interface PaymentOrder {
  integration: Integration
  customerId: number
  externalId: string | null
  /** Equal for equal bodies. */
  requestHash: Buffer
  guided: boolean
  fiat: Asset
  fiatUnits: bigint
  symbol: string
  chain: string
  /** Lower case. */
  paymentType: string
  /** As given; the integration's own wallet for the chain goes before it. */
  wallet: string | null
  quoteId: string | null
  callbackUrl: string | null
}

export interface CreatedPayment {
  id: string
  externalId: string | null
}

type Needs = Pick<App, 'db' | 'clock' | 'config' | 'secrets' | 'pricing' | 'providers'>

const TAKEN_NAME = 'payments_integration_id_live_external_id_idx'
const USED_QUOTE = 'payments_integration_id_quote_id_idx'

/** The codes that creating a payment may answer. */
export const CREATION_ERRORS = [
  'external_id_already_used',
  'user_not_found',
  'user_banned',
  'require_kyc',
  'kyc_reinforced_required',
  'coin_not_supported',
  'invalid_wallet',
  'wallet_blocked',
  'method_not_allowed',
  'quote_expired',
  'price_unavailable',
  'min_purchase',
  'max_purchase',
  'coin_unavailable',
  'limit_exceded',
] as const

/**
 * Creates a payment, or answers the one that holds its `external_id` already. The checks come in the order of the
 * contract; the limits are counted under the customer's row lock, so that two payments at once both count. `within`
 * runs in the transaction of the creation.
 */
export async function createPayment(
  app: Needs,
  order: PaymentOrder,
  within: (trx: Trx, payment: CreatedPayment) => Promise<void>,
): Promise<CreatedPayment> {
  const quoted = readQuote(app.pricing, order)
  const ownWallet = order.integration.settings.wallets[order.chain]
  const wallet = await judgeWallet(app, order.chain, ownWallet ?? order.wallet)
  const created = await insertChecked(app, order, { quoted, wallet, fixed: wallet.address !== null }, within)
  if (created !== 'require_kyc') return created
  // Only now, as it may begin a verification of its own.
  return fail('require_kyc', 'The customer has to be verified first. Send the customer to kyc_form_url.', {
    data: {
      kyc_form_url: await kycFormUrl(app, order.integration.id, order.customerId),
    },
  })
}

async function insertChecked(
  app: Needs,
  order: PaymentOrder,
  { quoted, wallet, fixed }: { quoted: Quoted; wallet: JudgedWallet; fixed: boolean },
  within: (trx: Trx, payment: CreatedPayment) => Promise<void>,
): Promise<CreatedPayment | 'require_kyc'> {
  try {
    return await app.db.transaction().execute(async (trx) => {
      const customer = await lockCustomer(trx, order)
      // A payment that holds the name is answered before the customer is looked at, whoever the customer is.
      const namesake = customer ? customer.namesake : await findNamesake(trx, order)
      if (namesake) return sameRequest(order, namesake)
      const level = judgeCustomer(customer)
      if (level === 'require_kyc') return level
      const coin = activeCoin(order)
      wallet.refuse()
      const terms = allowedTerms(app, order)
      const priced = priceOrder(app, order, { coin, terms, quoted })
      await refuseOverLimits(app, trx, { ...order, level, limitUnits: priced.limitUnits })
      const payment = { id: newPaymentId(), externalId: order.externalId }
      await insertPayment(trx, rowOf(app, order, { id: payment.id, priced, wallet: wallet.address, fixed }))
      await within(trx, payment)
      return payment
    })
  } catch (error) {
    if (isUniqueViolation(error, USED_QUOTE)) fail('quote_expired', 'This quote was used. Ask for a new one.')
    if (!isUniqueViolation(error, TAKEN_NAME)) throw error
    // The same name was given at the same moment to another request, which won.
    const winner = await findLivePayment(app.db, order.integration.id, order.externalId!)
    if (!winner) throw error
    return sameRequest(order, winner)
  }
}

async function findNamesake(
  trx: Trx,
  { integration, externalId }: PaymentOrder,
): Promise<Namesake | undefined> {
  return externalId === null ? undefined : findLivePayment(trx, integration.id, externalId)
}

type Namesake = { id: string; externalId: string | null; requestHash: Buffer }

function sameRequest(order: PaymentOrder, { id, externalId, requestHash }: Namesake): CreatedPayment {
  if (requestHash.equals(order.requestHash)) return { id, externalId }
  return fail(
    'external_id_already_used',
    `Another payment has the external_id ${order.externalId}. Use a new one, or send the same body again.`,
  )
}

/** The quote's terms; undefined without a quote. `expired` is answered later, in the contract's order. */
type Quoted = { terms: QuoteTerms; expired?: undefined } | { expired: true; terms?: undefined } | undefined

function readQuote(pricing: Pricing, order: PaymentOrder): Quoted {
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

function activeCoin({ integration, chain, symbol }: PaymentOrder): ActiveCoin {
  return (
    findActiveCoin(integration.settings, chain, symbol) ??
    fail(
      'coin_not_supported',
      `${symbol} on ${chain} is not active for this integration. See available-assets.`,
    )
  )
}

function allowedTerms(app: Pick<App, 'config'>, order: PaymentOrder): Terms {
  const terms = findTerms(order.integration.settings, order.paymentType, order.fiat)
  if (terms && (!order.guided || terms.method.guided) && isServed(app.config, terms.method.type)) return terms
  return fail(
    'method_not_allowed',
    `${order.paymentType} can't be used for this payment. See payment-methods.`,
  )
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

/** The price, by the quote or of now, and whether the amount is within the integration's bounds. */
function priceOrder(
  app: Needs,
  order: PaymentOrder,
  { coin, terms, quoted }: { coin: ActiveCoin; terms: Terms; quoted: Quoted },
): PricedOrder {
  if (quoted?.expired) fail('quote_expired', 'This quote has expired. Ask for a new one.')
  const { pricing } = app
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

function rowOf(
  app: Needs,
  order: PaymentOrder,
  { id, priced, wallet, fixed }: { id: string; priced: PricedOrder; wallet: string | null; fixed: boolean },
): Insertable<PaymentsTable> {
  const { quote, quotedAt } = priced
  const now = app.clock.now()
  const { durations } = app.config
  const deadline = new Date(now.getTime() + lifetimeMs('started', order.paymentType, durations)!)
  return {
    integrationId: order.integration.id,
    id,
    customerId: order.customerId,
    externalId: order.externalId,
    liveExternalId: order.externalId,
    requestHash: order.requestHash,
    guided: order.guided,
    paymentType: order.paymentType,
    state: 'started',
    fiat: order.fiat.id,
    fiatUnits: order.fiatUnits,
    limitUnits: priced.limitUnits,
    symbol: order.symbol,
    chain: order.chain,
    coinUnits: quote.coinUnits,
    price: formatPrice(priced.price),
    feeUnits: quote.feeUnits,
    networkFeeUnits: quote.networkFeeUnits,
    terms: JSON.stringify(writeTerms(priced.fees, quote.networkFeeUnits)),
    ...priceLifetime(
      { paymentType: order.paymentType, guided: order.guided, fixedAt: now, quotedAt },
      durations,
    ),
    quoteId: order.quoteId === null ? null : sha256(order.quoteId).toString('base64url'),
    wallet,
    walletFixed: fixed,
    callbackUrl: order.callbackUrl,
    expiresAt: deadline,
    dueAt: deadline,
    createdAt: now,
    updatedAt: now,
  }
}

/** Throws when the integration lists the hosts of its return addresses and this one is none of them. */
export function callbackHostProblem(
  { settings }: Pick<Integration, 'settings'>,
  callbackUrl: string | undefined,
): string | undefined {
  const { callbackHosts } = settings
  if (callbackUrl === undefined || callbackHosts.length === 0) return undefined
  const { host, hostname } = new URL(callbackUrl)
  if (callbackHosts.includes(host) || callbackHosts.includes(hostname)) return undefined
  return `must be on one of: ${callbackHosts.join(', ')}`
}
