import type { App } from '../app.ts'
import type { Integration } from '../common/integration.ts'
import type { Trx } from '../db/database.ts'
import { isUniqueViolation } from '../db/unique-violation.ts'
import { newPaymentId } from '../kernel/ids.ts'
import { sha256 } from '../kernel/secrets.ts'
import { type Asset, fiatAsset } from '../money/asset.ts'
import { formatPrice } from '../money/rate.ts'
import { judgeCustomer } from '../onramp/customer-checks.ts'
import { type JudgedWallet, judgeWallet } from '../onramp/wallet-checks.ts'
import { contractOf } from '../pricing/deliverable.ts'
import { isServed } from '../pricing/payment-methods.ts'
import { findActiveCoin, findSellTerms, type SellTerms } from '../pricing/terms.ts'
import { type FieldErrors, fail } from '../server/errors.ts'
import { kycForm } from '../users/kyc-form-url.ts'
import { type AddressAt, depositKeyRef, openDepositAddresses } from './deposit-address.ts'
import { PAYOUT_TYPE, refusePayout } from './get-quote.ts'
import { findMissingAccount, localCurrency, type PayoutOrder, readPayee, refuseIban } from './payee.ts'
import { type PricedSale, priceSale, type QuotedSale, readSaleQuote } from './price-sale.ts'
import type { Payee } from './sale.ts'
import { saleLifetimeMs } from './sale-states.ts'
import {
  findLiveSale,
  findSale,
  insertDepositWallet,
  insertSale,
  type NewSale,
  takeDepositPlace,
} from './sale-store.ts'
import { sealPayee } from './sale-wire.ts'
import { lockSeller, openSeller, type Seller } from './seller-checks.ts'

/** A sale as it was asked for, its fields read and right by themselves. */
export interface SaleOrder extends PayoutOrder {
  integration: Integration
  customerId: number
  externalId: string | null
  /** Equal for equal bodies. */
  requestHash: Buffer
  symbol: string
  /** Null where the call names none: a customer of Latin America needs none. */
  askedChain: string | null
  chain: string
  /** Undefined for a coin that nobody knows. */
  askedUnits: bigint | undefined
  /** As given; null: EUR to an IBAN, else the currency of the customer's country. */
  fiat: Asset | null
  /** As given. */
  refundWallet: string | null
  quoteId: string | null
}

export interface CreatedSale {
  id: string
  address: string
  askedUnits: bigint
  expiresAt: Date | null
}

type Needs = Pick<App, 'db' | 'clock' | 'config' | 'secrets' | 'pricing' | 'providers'>

const TAKEN_NAME = 'sales_integration_id_live_external_id_idx'
const USED_QUOTE = 'sales_integration_id_quote_id_idx'

/**
 * Creates a sale with an address of its own, or answers the one that holds its `external_id` already. The checks come
 * in the order of the contract. `within` runs in the transaction of the creation.
 */
export async function createSale(
  app: Needs,
  order: SaleOrder,
  within: (trx: Trx, sale: CreatedSale) => Promise<void>,
): Promise<CreatedSale> {
  const quoted = readSaleQuote(app, order)
  const [wallet, addressAt] = await Promise.all([
    judgeWallet(app, order.chain, order.refundWallet, 'refund_wallet'),
    openDepositAddresses(app.providers.custody),
  ])
  const created = await insertChecked(app, order, { quoted, wallet, addressAt }, within)
  if (created !== 'require_kyc') return created
  // Only now, as it may begin a verification of its own.
  return fail('require_kyc', 'The customer has to be verified first. Send the customer to kyc_form_url.', {
    data: await kycForm(app, order.integration.id, order.customerId),
  })
}

interface Judged {
  quoted: QuotedSale
  wallet: JudgedWallet
  addressAt: AddressAt
}

async function insertChecked(
  app: Needs,
  order: SaleOrder,
  judged: Judged,
  within: (trx: Trx, sale: CreatedSale) => Promise<void>,
): Promise<CreatedSale | 'require_kyc'> {
  const integrationId = order.integration.id
  try {
    return await app.db.transaction().execute(async (trx) => {
      const seller = await lockSeller(trx, { ...order, integrationId })
      // A sale that holds the name is answered before the customer is looked at, whoever the customer is.
      const namesake = seller ? seller.namesake : await findNamesake(trx, order)
      if (namesake) return sameRequest(trx, order, namesake)
      const agreed = judge(app, order, judged, seller)
      if (agreed === 'require_kyc') return agreed
      const place = await takeDepositPlace(trx)
      const address = judged.addressAt(place)
      const row = rowOf(app, order, { ...agreed, address, refundWallet: judged.wallet.address })
      const isKnown = await insertDepositWallet(trx, { ...row, keyRef: depositKeyRef(place) })
      if (!isKnown) refuseCoin(order)
      await insertSale(trx, row)
      const sale = { id: row.id, address, askedUnits: agreed.askedUnits, expiresAt: row.expiresAt as Date }
      await within(trx, sale)
      return sale
    })
  } catch (error) {
    if (isUniqueViolation(error, USED_QUOTE)) fail('quote_expired', 'This quote was used. Ask for a new one.')
    if (!isUniqueViolation(error, TAKEN_NAME)) throw error
    // The same name was given at the same moment to another request, which won.
    const winner = await findLiveSale(app.db, integrationId, order.externalId!)
    if (!winner) throw error
    return sameRequest(app.db, order, winner)
  }
}

interface Agreed {
  seller: Seller
  askedUnits: bigint
  terms: SellTerms
  payee: Payee
  priced: PricedSale
}

/** All that a new sale is refused for, in the contract's order. */
function judge(
  app: Needs,
  order: SaleOrder,
  { quoted, wallet }: Judged,
  found: Seller | undefined,
): Agreed | 'require_kyc' {
  // Of a customer who was forgotten nobody knows to whom to pay.
  const seller = found?.keyWrapped ? found : undefined
  const fiat = seller ? payoutCurrency(order, seller) : fiatAsset('EUR')!
  if (judgeCustomer(seller) === 'require_kyc' || !seller) return 'require_kyc'
  const coin = sellableCoin(app, order)
  if (order.iban !== null) refuseIban(order.iban, seller.isOurIban)
  const payee = readPayee(order, { country: seller.country, data: openSeller(app, seller).data })
  wallet.refuse()
  const terms = findSellTerms(order.integration.settings, fiat) ?? refusePayout(fiat)
  if (!isServed(app.config, PAYOUT_TYPE) || !seller.paidCurrencies.includes(fiat.id)) refusePayout(fiat)
  const askedUnits = order.askedUnits!
  return { seller, askedUnits, terms, payee, priced: priceSale(app, { coin, askedUnits, terms }, quoted) }
}

/**
 * What the sale is paid in: EUR to an IBAN, else the currency of the customer's country. Throws for a customer whose
 * country has none, and so must name an IBAN: `fail_mandatory_field`.
 */
function payoutCurrency(order: SaleOrder, { country }: Seller): Asset {
  const symbol = order.iban === null ? localCurrency(country) : 'EUR'
  if (symbol === undefined) {
    const errors = missingForIban(order)
    fail('fail_mandatory_field', `Missing: ${Object.keys(errors).join(', ')}.`, { errors })
  }
  if (order.fiat && order.fiat.id !== symbol) {
    fail('fiat_not_supported', `Sales of this customer are paid in ${symbol}, not ${order.fiat.symbol}.`)
  }
  return fiatAsset(symbol)!
}

/** What a sale lacks that can only be paid to an IBAN and names none. */
function missingForIban({ askedChain }: Pick<SaleOrder, 'askedChain'>): FieldErrors {
  const lacking = ['iban', ...(askedChain === null ? ['blockchain'] : [])]
  return Object.fromEntries(lacking.map((field) => [field, [`The ${field} field is required.`]]))
}

/** What a sale to no IBAN lacks by what is known of the customer; nothing of one whom nobody knows. */
export async function findMissingOfCustomer(
  { db, secrets }: Pick<App, 'db' | 'secrets'>,
  order: Pick<SaleOrder, 'customerId' | 'askedChain' | 'bankName'> & { integrationId: number },
): Promise<FieldErrors> {
  const customer = await db
    .selectFrom('customers')
    .select(['country', 'keyWrapped', 'personalSealed'])
    .where('integrationId', '=', order.integrationId)
    .where('id', '=', order.customerId)
    .executeTakeFirst()
  if (!customer?.keyWrapped) return {}
  if (localCurrency(customer.country) === undefined) return missingForIban(order)
  return findMissingAccount(order.bankName, openSeller({ secrets }, customer).data)
}

function sellableCoin(app: Needs, order: SaleOrder): Asset {
  const coin = findActiveCoin(order.integration.settings, order.chain, order.symbol)?.asset
  if (!coin || contractOf(app.providers.chains, coin) === undefined) refuseCoin(order)
  return coin
}

function refuseCoin({ chain, symbol }: SaleOrder): never {
  fail('coin_not_supported', `${symbol} on ${chain} can't be sold now. See available-assets.`)
}

async function findNamesake(
  trx: Trx,
  { integration, externalId }: SaleOrder,
): Promise<Seller['namesake'] | undefined> {
  return externalId === null ? undefined : findLiveSale(trx, integration.id, externalId)
}

async function sameRequest(
  db: Trx | App['db'],
  order: SaleOrder,
  { id, requestHash }: NonNullable<Seller['namesake']>,
): Promise<CreatedSale> {
  if (requestHash.equals(order.requestHash)) {
    const sale = await findSale(db, order.integration.id, id)
    if (sale) return sale
  }
  return fail(
    'external_id_already_used',
    `Another sale has the external_id ${order.externalId}. Use a new one, or send the same body again.`,
  )
}

function rowOf(
  app: Needs,
  order: SaleOrder,
  given: Agreed & { address: string; refundWallet: string | null },
): NewSale {
  const { seller, askedUnits, terms, payee, priced, address, refundWallet } = given
  const now = app.clock.now()
  const deadline = new Date(now.getTime() + saleLifetimeMs('started', app.config.durations)!)
  return {
    integrationId: order.integration.id,
    id: newPaymentId(),
    customerId: order.customerId,
    externalId: order.externalId,
    liveExternalId: order.externalId,
    requestHash: order.requestHash,
    state: 'started',
    chain: order.chain,
    symbol: order.symbol,
    askedUnits,
    fiat: terms.fiat.id,
    fiatUnits: priced.quote.fiatUnits,
    feeUnits: priced.quote.feeUnits,
    price: formatPrice(priced.price),
    priceFixedAt: priced.expiresAt && now,
    priceExpiresAt: priced.expiresAt,
    terms: JSON.stringify(priced.terms),
    quoteId: order.quoteId === null ? null : sha256(order.quoteId).toString('base64url'),
    address,
    refundWallet,
    payeeSealed: sealPayee(app.secrets, seller.keyWrapped!, payee),
    expiresAt: deadline,
    dueAt: deadline,
    createdAt: now,
    updatedAt: now,
  }
}
