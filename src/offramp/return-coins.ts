import {
  coinReturnPurpose,
  customerCoinOf,
  heldCoins,
  returnsOf,
  type Sale,
  type SaleReturnReason,
  saleCoin,
  saleReference,
} from './sale.ts'
import { bookForSale, type SaleChanges, setSaleFields } from './sale-changes.ts'

/** The sale's coins that came before are on their way back, and that isn't over. */
export const isReturning = (sale: Pick<Sale, 'coinReturn' | 'chain' | 'symbol'>): boolean =>
  (sale.coinReturn?.state === 'planned' || sale.coinReturn?.state === 'failed') &&
  sale.coinReturn.asset === saleCoin(sale).id

/**
 * Decides that coins of a sale go back, out of a hot wallet: of those that were counted and are held, or others that
 * came by mistake. Answers the round, which names the return.
 */
export function planCoinReturn(changes: SaleChanges, sale: Sale, order: CoinReturnOrder): number {
  const { asset, units, counted, reason, to, isDeposit = false } = order
  if (units <= 0n || (counted && (units > heldCoins(sale) || asset !== saleCoin(sale).id))) {
    throw new Error(`Sale ${sale.id} holds ${heldCoins(sale)} units, not the ${units} to give back.`)
  }
  const round = (sale.coinReturn?.round ?? 0) + 1
  changes.effects.push({
    integrationId: sale.integrationId,
    kind: 'coin_transfer',
    purpose: coinReturnPurpose(sale.id, round),
    reference: saleReference(sale.id),
    door: null,
    asset,
    units,
    account: customerCoinOf(sale.id),
    destination: { address: to },
  })
  setSaleFields(changes, sale, {
    ...(counted ? { returnedUnits: sale.returnedUnits + units } : {}),
    earlierReturns: returnsOf(sale),
    coinReturn: {
      round,
      state: 'planned',
      asset,
      units: units.toString(),
      reason,
      createdAt: changes.now.toISOString(),
    },
  })
  if (counted && !isDeposit) changes.returned.push({ sale, round, units })
  return round
}

export interface CoinReturnOrder {
  asset: string
  units: bigint
  counted: boolean
  reason: SaleReturnReason
  to: string
  /** It gives back one counted deposit, with which the caller records the round; else the last ones that it covers. */
  isDeposit?: boolean
}

/** Writes off coins of a sale: they stay with us, and nothing is owed for them. */
export function keepCoins(
  changes: SaleChanges,
  sale: Sale,
  { asset, units, counted, to, purpose }: WriteOff,
): void {
  bookForSale(changes, sale, {
    kind: 'written_off',
    purpose,
    postings: [
      { account: customerCoinOf(sale.id), asset, units },
      { account: to, asset, units: -units },
    ],
  })
  if (counted) setSaleFields(changes, sale, { keptUnits: sale.keptUnits + units })
}

export interface WriteOff {
  asset: string
  units: bigint
  counted: boolean
  /** The ledger's account that says why we keep them. */
  to: string
  purpose: string
}

/** Coins that a person decided to keep, such as those that nobody may give back. */
export const ABANDONED_ACCOUNT = 'unclaimed:sales'

/** Coins that are worth less than moving them costs. */
export const DUST_ACCOUNT = 'fee:dust'
