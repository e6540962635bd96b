import { formatAmount } from '../money/amount.ts'
import { type Asset, chainName } from '../money/asset.ts'
import { type Payment, paymentCoin } from '../onramp/payment.ts'
import type { Money, TokenAmount } from './wire.ts'

export const money = (units: bigint, asset: Asset): Money => ({
  amount: formatAmount(units, asset),
  currency: asset.symbol,
})

export function tokenAmount(units: bigint, payment: Payment): TokenAmount {
  const coin = paymentCoin(payment)
  return {
    amount: formatAmount(units, coin),
    symbol: coin.symbol,
    name: coin.name,
    chain: payment.chain,
    chain_name: chainName(payment.chain),
  }
}
