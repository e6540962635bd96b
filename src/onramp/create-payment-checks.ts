import type { App } from '../app.ts'
import type { Integration } from '../common/integration.ts'
import type { Trx } from '../db/database.ts'
import { isUniqueViolation } from '../db/unique-violation.ts'
import { newPaymentId } from '../kernel/ids.ts'
import { sha256 } from '../kernel/secrets.ts'
import type { Asset } from '../money/asset.ts'
import { formatPrice } from '../money/rate.ts'
import { isServed } from '../pricing/payment-methods.ts'
import { type ActiveCoin, findActiveCoin, findTerms, type Terms } from '../pricing/terms.ts'
import { type ErrorCode, Failure, fail } from '../server/errors.ts'
import { kycForm } from '../users/kyc-form-url.ts'
import { type Instructions, takeConcept } from './bank-instructions.ts'
import { judgeCustomer, lockCustomer, refuseOverLimits } from './customer-checks.ts'
import { insertGateway } from './gateway-token.ts'
import { offerOnboarding } from './offer-onboarding.ts'
import { writeTerms } from './payment.ts'
import { lifetimeMs } from './payment-states.ts'
import { findLivePayment, insertPayment, type NewPayment } from './payment-store.ts'
import { priceLifetime } from './price-lifetime.ts'
import { type PricedOrder, priceOrder, type Quoted, readQuote } from './price-order.ts'
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
  /** False for a payment that was there already. */
  isNew: boolean
  /** Of a new payment on the integrator's own page by transfer: where the money goes. */
  instructions?: Instructions
  /** Of a new payment on the integrator's own page: the customer's way in. */
  gatewayToken?: string
}

type Needs = Pick<App, 'db' | 'clock' | 'config' | 'secrets' | 'pricing' | 'providers'>

const TAKEN_NAME = 'payments_integration_id_live_external_id_idx'
const USED_QUOTE = 'payments_integration_id_quote_id_idx'

/** The codes that creating a payment may answer, on whichever page. */
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
  const customer = { integrationId: order.integration.id, id: order.customerId }
  const created = await offerOnboarding(app, customer, () =>
    insertChecked(app, order, { quoted, wallet, fixed: wallet.address !== null }, within),
  )
  if (created !== 'require_kyc') return created
  // Only now, as it may begin a verification of its own.
  return fail('require_kyc', 'The customer has to be verified first. Send the customer to kyc_form_url.', {
    data: await kycForm(app, order.integration.id, order.customerId),
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
      const id = newPaymentId()
      const instructions = await instruct(app, trx, order, id)
      const address = wallet.address
      await insertPayment(trx, rowOf(app, order, { id, priced, wallet: address, fixed, instructions }))
      const payment: CreatedPayment = {
        id,
        externalId: order.externalId,
        isNew: true,
        ...(instructions && { instructions }),
        ...(!order.guided && { gatewayToken: await insertGateway(app, trx, order.integration.id, id) }),
      }
      await within(trx, payment)
      return payment
    })
  } catch (error) {
    if (isUniqueViolation(error, USED_QUOTE) || (await cameAfterUsedQuote(app, order, error))) {
      fail('quote_expired', 'This quote was used. Ask for a new one.')
    }
    if (!isUniqueViolation(error, TAKEN_NAME)) throw error
    // The same name was given at the same moment to another request, which won.
    const winner = await findLivePayment(app.db, order.integration.id, order.externalId!)
    if (!winner) throw error
    return sameRequest(order, winner)
  }
}

/** What is looked at after the quote. That the quote was used shows at the end, but is told before these. */
const AFTER_QUOTE: ReadonlySet<string> = new Set<ErrorCode>([
  'price_unavailable',
  'min_purchase',
  'max_purchase',
  'coin_unavailable',
  'limit_exceded',
  'kyc_reinforced_required',
  'error_payment_creation',
])

async function cameAfterUsedQuote({ db }: Needs, order: PaymentOrder, error: unknown): Promise<boolean> {
  if (order.quoteId === null || !(error instanceof Failure) || !AFTER_QUOTE.has(error.code)) return false
  const used = await db
    .selectFrom('payments')
    .select('id')
    .where('integrationId', '=', order.integration.id)
    .where('quoteId', '=', storedQuote(order.quoteId))
    .executeTakeFirst()
  return used !== undefined
}

const storedQuote = (quoteId: string): string => sha256(quoteId).toString('base64url')

/** A transfer's instructions are its answer; on the guided page they are given when the customer chooses to pay so. */
async function instruct(
  { clock }: Needs,
  trx: Trx,
  { integration, fiat, guided, paymentType }: PaymentOrder,
  id: string,
): Promise<Instructions | undefined> {
  if (guided || paymentType !== 'transfer') return undefined
  const order = { integrationId: integration.id, id, fiat: fiat.id, now: clock.now() }
  const taken = await takeConcept(trx, order)
  return taken ?? fail('error_payment_creation', `There is no account in ${fiat.symbol} to pay to.`)
}

async function findNamesake(
  trx: Trx,
  { integration, externalId }: PaymentOrder,
): Promise<Namesake | undefined> {
  return externalId === null ? undefined : findLivePayment(trx, integration.id, externalId)
}

type Namesake = { id: string; externalId: string | null; requestHash: Buffer }

function sameRequest(order: PaymentOrder, { id, externalId, requestHash }: Namesake): CreatedPayment {
  if (requestHash.equals(order.requestHash)) return { id, externalId, isNew: false }
  return fail(
    'external_id_already_used',
    `Another payment has the external_id ${order.externalId}. Use a new one, or send the same body again.`,
  )
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

function rowOf(
  app: Needs,
  order: PaymentOrder,
  given: {
    id: string
    priced: PricedOrder
    wallet: string | null
    fixed: boolean
    instructions: Instructions | undefined
  },
): NewPayment {
  const { id, priced, wallet, fixed, instructions } = given
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
    quoteId: order.quoteId === null ? null : storedQuote(order.quoteId),
    wallet,
    walletFixed: fixed,
    walletFrozen: instructions !== undefined,
    accountIban: instructions?.iban ?? null,
    concept: instructions?.concept ?? null,
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
