import { Type } from 'typebox'
import type { App } from '../app.ts'
import { wireTime } from '../kernel/clock.ts'
import { formatAmount } from '../money/amount.ts'
import { assetOf } from '../money/asset.ts'
import { nullable, WireTime } from '../server/fields.ts'
import { type Payee, payoutsOf, returnsOf, type Sale, saleCoin, saleFiat } from './sale.ts'
import { SALE_STATES } from './sale-states.ts'
import { DepositObject, type ShownDeposits, wireDeposits } from './shown-deposits.ts'

const Exact = (description: string) => Type.String({ description, examples: ['4800.24'] })
const Units = (description: string) => Type.String({ description, examples: ['20000000000000000000'] })

const PayoutObject = Type.Object({
  state: Type.String({ enum: ['planned', 'sent', 'confirmed', 'failed'] }),
  amount: Type.String(),
  reason: nullable(Type.String()),
  created_at: WireTime,
})

const RefundObject = Type.Object({
  state: Type.String({ enum: ['planned', 'confirmed', 'failed', 'cancelled'] }),
  crypto: Type.String({ description: 'The symbol of the coin that goes back.' }),
  amount: Units('Coins that go back, in base units.'),
  reason: Type.String(),
  created_at: WireTime,
})

/** The sale object, the same in `GET /api/getRampoff`, lists and webhooks. */
export const SaleObject = Type.Object({
  id: Type.String(),
  external_id: nullable(Type.String()),
  user_id: Type.String({ description: 'The customer, as text.' }),
  status: Type.String({ enum: SALE_STATES }),
  blockchain: Type.String(),
  crypto: Type.String({ description: 'The symbol of the coin.' }),
  amount: Units('What was asked, in base units of the coin.'),
  decimals: Type.Integer({ description: 'Decimals of the coin on this chain.' }),
  received_amount: Units('What arrived and is final, in base units of the coin.'),
  fiat_amount: Exact('What the customer gets, in major units: an estimate until `processing`, then exact.'),
  fiat_symbol: Type.String(),
  price: Exact('Fiat per token, mid price.'),
  fee: Exact('Percent, fixed part and spread together, in major units.'),
  wallet: Type.String({ description: 'The address of this sale alone, which the coins are sent to.' }),
  refund_wallet: nullable(Type.String()),
  txid: nullable(Type.String({ description: 'The transaction of the last deposit that counted.' })),
  iban: nullable(Type.String({ description: 'Where the money goes; null for a local account.' })),
  payout: nullable(PayoutObject),
  payouts: Type.Array(PayoutObject, {
    description:
      'All orders to the bank, oldest first, as after one that came back; `payout` is the last of them.',
  }),
  refund: nullable(RefundObject),
  refunds: Type.Array(RefundObject, {
    description: 'All returns of coins, oldest first; `refund` is the last of them.',
  }),
  deposits: Type.Array(DepositObject, {
    description:
      'What came to the address, counted or not, oldest first: at most 100, those worth less than moving them last.',
  }),
  expires_at: nullable(WireTime),
  created_at: WireTime,
  updated_at: WireTime,
})

/** The sale as the API writes it, at this moment; `deposits` as `loadShownDeposits` answers them. */
export function wireSale(sale: Sale, app: Pick<App, 'secrets'>, deposits: ShownDeposits) {
  const fiat = saleFiat(sale)
  const payee = openPayee(app.secrets, sale)
  const payouts = payoutsOf(sale).map(({ state, units, reason, createdAt }) => ({
    state,
    amount: formatAmount(BigInt(units), fiat),
    reason,
    created_at: wireTime(new Date(createdAt)),
  }))
  const refunds = returnsOf(sale).map(({ state, asset, units, reason, createdAt }) => ({
    state,
    crypto: assetOf(asset).symbol,
    amount: units,
    reason,
    created_at: wireTime(new Date(createdAt)),
  }))
  const changing = wireDeposits(sale, deposits)
  return {
    id: sale.id,
    external_id: sale.externalId,
    user_id: String(sale.customerId),
    status: sale.state,
    blockchain: sale.chain,
    crypto: sale.symbol,
    amount: sale.askedUnits.toString(),
    decimals: saleCoin(sale).decimals,
    received_amount: sale.receivedUnits.toString(),
    fiat_amount: formatAmount(sale.fiatUnits, fiat),
    fiat_symbol: sale.fiat,
    price: sale.price,
    fee: formatAmount(sale.feeUnits, fiat),
    wallet: sale.address,
    refund_wallet: sale.refundWallet,
    txid: sale.txid,
    iban: payee?.kind === 'iban' ? payee.iban : null,
    payout: payouts.at(-1) ?? null,
    payouts,
    refund: refunds.at(-1) ?? null,
    refunds,
    deposits: changing.deposits,
    expires_at: sale.expiresAt && wireTime(sale.expiresAt),
    created_at: wireTime(sale.createdAt),
    updated_at: changing.updated_at,
  }
}

/** Whom the money goes to; null after the customer was forgotten. */
export function openPayee(
  secrets: App['secrets'],
  { payeeSealed, keyWrapped }: Pick<Sale, 'payeeSealed' | 'keyWrapped'>,
): Payee | null {
  if (!keyWrapped) return null
  return JSON.parse(secrets.openFor(keyWrapped, payeeSealed).toString('utf8'))
}

export const sealPayee = (secrets: App['secrets'], keyWrapped: Buffer, payee: Payee): Buffer =>
  secrets.sealFor(keyWrapped, JSON.stringify(payee))
