import { Type } from 'typebox'
import type { App } from '../app.ts'
import { wireTime } from '../kernel/clock.ts'
import { formatAmount } from '../money/amount.ts'
import { assetOf } from '../money/asset.ts'
import { nullable, WireTime } from '../server/fields.ts'
import { type Payee, type Sale, saleCoin, saleFiat } from './sale.ts'
import { SALE_STATES } from './sale-states.ts'

const Exact = (description: string) => Type.String({ description, examples: ['4800.24'] })
const Units = (description: string) => Type.String({ description, examples: ['20000000000000000000'] })

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
  payout: nullable(
    Type.Object({
      state: Type.String({ enum: ['planned', 'sent', 'confirmed', 'failed'] }),
      amount: Type.String(),
      reason: nullable(Type.String()),
      created_at: WireTime,
    }),
  ),
  refund: nullable(
    Type.Object({
      state: Type.String({ enum: ['planned', 'confirmed', 'failed', 'cancelled'] }),
      crypto: Type.String({ description: 'The symbol of the coin that goes back.' }),
      amount: Units('Coins that go back, in base units.'),
      reason: Type.String(),
      created_at: WireTime,
    }),
  ),
  expires_at: nullable(WireTime),
  created_at: WireTime,
  updated_at: WireTime,
})

/** The sale as the API writes it, at this moment. */
export function wireSale(sale: Sale, app: Pick<App, 'secrets'>) {
  const fiat = saleFiat(sale)
  const payee = openPayee(app.secrets, sale)
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
    payout: sale.payout && {
      state: sale.payout.state,
      amount: formatAmount(BigInt(sale.payout.units), fiat),
      reason: sale.payout.reason,
      created_at: wireTime(new Date(sale.payout.createdAt)),
    },
    refund: sale.coinReturn && {
      state: sale.coinReturn.state,
      crypto: assetOf(sale.coinReturn.asset).symbol,
      amount: sale.coinReturn.units,
      reason: sale.coinReturn.reason,
      created_at: wireTime(new Date(sale.coinReturn.createdAt)),
    },
    expires_at: sale.expiresAt && wireTime(sale.expiresAt),
    created_at: wireTime(sale.createdAt),
    updated_at: wireTime(sale.updatedAt),
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
