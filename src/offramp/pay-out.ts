import type { Trx } from '../db/database.ts'
import { formatPrice } from '../money/rate.ts'
import {
  changedPayout,
  conversionPurpose,
  customerFiatOf,
  heldCoins,
  heldFiat,
  payoutPurpose,
  payoutsOf,
  type Sale,
  saleReference,
} from './sale.ts'
import { bookForSale, moveSale, type SaleChanges, setSaleFields } from './sale-changes.ts'
import { type SaleQuote, saleConversionPostings } from './sale-conversion.ts'
import { openPayee } from './sale-wire.ts'

/** A payout is with the bank, or about to be: another must not be ordered beside it. */
export const isPayingOut = ({ payout }: Pick<Sale, 'payout'>): boolean =>
  payout?.state === 'planned' || payout?.state === 'sent'

/**
 * Converts held coins and orders the bank transfer of what they were worth, together with money of the sale that came
 * back before. From here on `fiat_amount` is exact.
 */
export function convertAndPay(changes: SaleChanges, sale: Sale, quote: SaleQuote, account: string): void {
  if (quote.units > heldCoins(sale)) {
    throw new Error(`Sale ${sale.id} holds ${heldCoins(sale)} units, not the ${quote.units} to convert.`)
  }
  const number = (sale.payout?.round ?? 0) + 1
  bookForSale(changes, sale, {
    kind: 'conversion',
    purpose: conversionPurpose(sale.id, number),
    postings: saleConversionPostings(sale, quote),
  })
  const { units, fiatUnits, feeUnits } = quote
  const conversion = {
    number,
    round: null,
    units: units.toString(),
    fiatUnits: fiatUnits.toString(),
    feeUnits: feeUnits.toString(),
  }
  const conversions = [...sale.conversions, conversion]
  setSaleFields(changes, sale, {
    convertedUnits: sale.convertedUnits + units,
    conversions,
    ...sumOf(conversions),
    ...(quote.atSalePrice
      ? {}
      : { price: formatPrice(quote.price), priceFixedAt: changes.now, priceExpiresAt: null }),
  })
  orderPayout(changes, sale, account)
}

/** Orders the transfer of all money of the sale that no payout takes to the customer yet. */
export function orderPayout(changes: SaleChanges, sale: Sale, account: string): void {
  const units = heldFiat(sale)
  if (units <= 0n || isPayingOut(sale)) {
    throw new Error(`Sale ${sale.id} has ${units} units to pay out, and ${sale.payout?.state} before.`)
  }
  const payee = openPayee(changes.app.secrets, sale)
  if (!payee) throw new Error(`Nobody knows any more whom the money of sale ${sale.id} goes to.`)
  const round = (sale.payout?.round ?? 0) + 1
  bookForSale(changes, sale, {
    kind: 'payout',
    purpose: payoutPurpose(sale.id, round),
    postings: [
      { account: customerFiatOf(sale.id), asset: sale.fiat, units },
      { account: `transit:out:${account}`, asset: sale.fiat, units: -units },
    ],
  })
  const { kind: _kind, ...destination } = payee
  changes.effects.push({
    integrationId: sale.integrationId,
    kind: 'bank_transfer',
    purpose: payoutPurpose(sale.id, round),
    reference: saleReference(sale.id),
    door: `bank:${account}`,
    asset: sale.fiat,
    units,
    account: null,
    destination: { ...destination, concept: `Sale ${sale.id}` },
  })
  const conversions = sale.conversions.map((one) => (one.round === null ? { ...one, round } : one))
  const payout = {
    round,
    state: 'planned' as const,
    units: units.toString(),
    reason: null,
    createdAt: changes.now.toISOString(),
  }
  moveSale(changes, sale, 'converted', { conversions, payout, earlierPayouts: payoutsOf(sale) })
}

/** The money of a payout is the sale's again; `from` is the ledger's account that it stands on. */
export function takeMoneyBack(
  changes: SaleChanges,
  sale: Sale,
  payout: { round: number; units: bigint; from: string; reason: string | null },
): void {
  const { round, units, from, reason } = payout
  bookForSale(changes, sale, {
    kind: 'payout_returned',
    purpose: `${payoutPurpose(sale.id, round)}:returned`,
    postings: [
      { account: from, asset: sale.fiat, units },
      { account: customerFiatOf(sale.id), asset: sale.fiat, units: -units },
    ],
  })
  setSaleFields(changes, sale, {
    conversions: sale.conversions.map((one) => (one.round === round ? { ...one, round: null } : one)),
    ...changedPayout(sale, round, { state: 'failed', reason }),
  })
}

/**
 * Takes the conversions back whose money is the sale's again, at their booked figures: the coins are held, nothing is
 * owed in money. Answers whether there were any.
 */
export async function reverseConversions(trx: Trx, changes: SaleChanges, sale: Sale): Promise<boolean> {
  const unpaid = sale.conversions.filter(({ round }) => round === null)
  if (unpaid.length === 0) return false
  const purposes = unpaid.map(({ number }) => conversionPurpose(sale.id, number))
  const booked = await trx
    .selectFrom('postings')
    .innerJoin('journals', 'journals.id', 'postings.journalId')
    .select(['purpose', 'account', 'asset', 'units'])
    .where('journals.purpose', 'in', purposes)
    .orderBy('journals.id')
    .orderBy('line')
    .execute()
  for (const purpose of purposes) {
    const postings = booked.filter((posting) => posting.purpose === purpose)
    if (postings.length === 0) throw new Error(`There is no journal ${purpose} to reverse.`)
    bookForSale(changes, sale, {
      kind: 'conversion_reversed',
      purpose: `${purpose}:reversed`,
      postings: postings.map(({ account, asset, units }) => ({ account, asset, units: -units })),
    })
  }
  const conversions = sale.conversions.filter(({ round }) => round !== null)
  setSaleFields(changes, sale, {
    conversions,
    convertedUnits: conversions.reduce((sum, { units }) => sum + BigInt(units), 0n),
    // With none left the figures stay: they are what the sale would have brought.
    ...(conversions.length > 0 ? sumOf(conversions) : {}),
  })
  return true
}

const sumOf = (conversions: readonly Sale['conversions'][number][]) => ({
  fiatUnits: conversions.reduce((sum, { fiatUnits }) => sum + BigInt(fiatUnits), 0n),
  feeUnits: conversions.reduce((sum, { feeUnits }) => sum + BigInt(feeUnits), 0n),
})
