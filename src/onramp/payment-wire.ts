import { Type } from 'typebox'
import type { App } from '../app.ts'
import { wireTime } from '../kernel/clock.ts'
import type { Secrets } from '../kernel/secrets.ts'
import { formatAmount, wireHundredths, wireNumber } from '../money/amount.ts'
import type { Asset } from '../money/asset.ts'
import { findPaymentMethod } from '../pricing/payment-methods.ts'
import { nullable, WireTime } from '../server/fields.ts'
import { type Holder, type Payment, paymentCoin, paymentFiat, standingRefund } from './payment.ts'
import { PAYMENT_STATES } from './payment-states.ts'

const Exact = (description: string) => Type.String({ description, examples: ['148.320000'] })

/** The payment object, the same in `GET /api/payment/{payment_id}`, lists and webhooks. */
export const PaymentObject = Type.Object({
  id: Type.String({ description: 'The payment_id.' }),
  external_id: nullable(Type.String()),
  user_id: Type.String({ description: 'The customer, as text.' }),
  status: Type.String({ enum: PAYMENT_STATES }),
  fiat_amount: Type.Integer({ description: 'What was asked, in cents (hundredths, whatever the currency).' }),
  fiat_amount_exact: Exact('The same in major units.'),
  fiat_amount_received: Exact('What came in so far, in major units.'),
  fiat_symbol: Type.String(),
  coin_symbol: Type.String(),
  coin_chain: Type.String(),
  coin_amount: Type.Number({ description: 'The tokens. Exact in `coin_amount_exact`.' }),
  coin_amount_exact: Exact('The tokens, with all of their decimals.'),
  price: Exact('Fiat per token, mid price.'),
  price_fixed_at: nullable(WireTime),
  price_expires_at: nullable(WireTime),
  fee: Exact('Percent, fixed part and spread together, in major units; inside the amount.'),
  network_fee: Exact('Delivery on the chain, in major units; inside the amount.'),
  wallet: nullable(Type.String()),
  payment_type: Type.String(),
  txid: Type.Optional(Type.String({ description: 'Only when `coins_sent`.' })),
  holder: nullable(
    Type.Object({
      name: Type.String(),
      iban: nullable(Type.String()),
      card_last4: nullable(Type.String()),
    }),
  ),
  bank_transfer: nullable(
    Type.Object({
      iban: Type.String(),
      bic: Type.String(),
      concept: Type.Integer(),
      destination_name: Type.String(),
      amount: Type.String(),
    }),
  ),
  refund: nullable(
    Type.Object({
      state: Type.String({
        enum: ['planned', 'sent', 'confirmed', 'failed'],
        description:
          '`sent`: the bank or the payment provider has the order, which was `planned` until then.',
      }),
      amount: Type.String(),
      reason: Type.String(),
      created_at: WireTime,
    }),
  ),
  chargeback: nullable(
    Type.Object({
      amount: Type.String(),
      reason: Type.String(),
      state: Type.String({
        enum: ['charged_back', 'won'],
        description:
          '`won`: the dispute was decided against the payer; nothing is taken back any more. Told of cards alone.',
      }),
      created_at: WireTime,
    }),
  ),
  gateway_url: nullable(
    Type.String({
      description:
        "The customer's page of a guided payment. Null for others: the way in to theirs is a secret that only the answer of their creation holds.",
    }),
  ),
  expires_at: nullable(WireTime),
  created_at: WireTime,
  updated_at: WireTime,
})

/** The payment as the API writes it, at this moment. */
export function wirePayment(payment: Payment, app: Pick<App, 'config' | 'secrets'>) {
  const fiat = paymentFiat(payment)
  const coin = paymentCoin(payment)
  return {
    id: payment.id,
    external_id: payment.externalId,
    user_id: String(payment.customerId),
    status: payment.state,
    fiat_amount: wireHundredths(payment.fiatUnits, fiat),
    fiat_amount_exact: formatAmount(payment.fiatUnits, fiat),
    fiat_amount_received: formatAmount(payment.receivedUnits, fiat),
    fiat_symbol: payment.fiat,
    coin_symbol: payment.symbol,
    coin_chain: payment.chain,
    coin_amount: wireNumber(payment.coinUnits, coin),
    coin_amount_exact: formatAmount(payment.coinUnits, coin),
    price: payment.price,
    price_fixed_at: wireTimeOrNull(payment.priceFixedAt),
    price_expires_at: wireTimeOrNull(payment.priceExpiresAt),
    fee: formatAmount(payment.feeUnits, fiat),
    network_fee: formatAmount(payment.networkFeeUnits, fiat),
    wallet: payment.wallet,
    payment_type: findPaymentMethod(payment.paymentType)?.wireType ?? payment.paymentType,
    ...(payment.state === 'coins_sent' && payment.txid !== null ? { txid: payment.txid } : {}),
    holder: openHolder(app.secrets, payment),
    bank_transfer: wireBankTransfer(payment, fiat),
    refund: wireRefund(payment, fiat),
    chargeback: payment.chargeback && {
      amount: formatAmount(BigInt(payment.chargeback.units), fiat),
      reason: payment.chargeback.reason,
      state: payment.chargeback.state ?? 'charged_back',
      created_at: wireTime(new Date(payment.chargeback.at)),
    },
    gateway_url: payment.guided ? gatewayUrl(app, payment.id) : null,
    expires_at: wireTimeOrNull(payment.expiresAt),
    created_at: wireTime(payment.createdAt),
    updated_at: wireTime(payment.updatedAt),
  }
}

/** Where the customer of a guided payment pays. */
export const gatewayUrl = ({ config }: Pick<App, 'config'>, paymentId: string): string =>
  `${config.publicUrl}/payment/${paymentId}`

/** Whoever seals a holder mostly tells of the payment next: he goes with the sealing. */
const sealed = new WeakMap<Buffer, Holder>()

/** Who paid, once known; unreadable for good after the customer was forgotten. */
export function openHolder(
  secrets: Secrets,
  { holderSealed, keyWrapped }: Pick<Payment, 'holderSealed' | 'keyWrapped'>,
): Readonly<Holder> | null {
  if (!holderSealed || !keyWrapped) return null
  return sealed.get(holderSealed) ?? JSON.parse(secrets.openFor(keyWrapped, holderSealed).toString('utf8'))
}

export function sealHolder(secrets: Secrets, keyWrapped: Buffer | null, holder: Holder): Buffer | null {
  if (!keyWrapped) return null
  const holderSealed = secrets.sealFor(keyWrapped, JSON.stringify(holder))
  sealed.set(holderSealed, holder)
  return holderSealed
}

function wireBankTransfer(payment: Payment, fiat: Asset) {
  const { account, accountIban, concept } = payment
  if (payment.paymentType !== 'transfer' || !account || accountIban === null || concept === null) return null
  return {
    iban: accountIban,
    bic: account.bic,
    concept,
    destination_name: account.holderName,
    amount: formatAmount(payment.fiatUnits, fiat),
  }
}

function wireRefund(payment: Payment, fiat: Asset) {
  const refund = standingRefund(payment)
  return (
    refund && {
      state: refund.state,
      amount: formatAmount(BigInt(refund.units), fiat),
      reason: refund.reason,
      created_at: wireTime(new Date(refund.createdAt)),
    }
  )
}

const wireTimeOrNull = (time: Date | null): string | null => time && wireTime(time)
