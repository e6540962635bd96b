import { sql } from 'kysely'
import type { Trx } from '../db/database.ts'
import type { OpenDeposit } from './deposit-store.ts'
import { isPayingOut } from './pay-out.ts'
import { heldCoins, heldFiat, type Sale, type SaleReviewReason, saleReference } from './sale.ts'
import { moveSale, moveSaleToReview, type SaleChanges, setSaleFields } from './sale-changes.ts'
import { nextSaleState, type SaleState } from './sale-states.ts'

/** What else is open of a sale when a payout or a return has ended. */
export interface OpenMatters {
  deposits: readonly OpenDeposit[]
  /** Returns of coins that are neither confirmed nor given up. */
  returns: number
}

/** How many returns of coins of these sales are open. */
export async function countOpenReturns(trx: Trx, sales: readonly Sale[]): Promise<Map<string, number>> {
  if (sales.length === 0) return new Map()
  const { rows } = await sql<{ reference: string; open: number }>`
    select reference, count(*)::integer as open from effects
     where reference = any(${sales.map(({ id }) => saleReference(id))}::text[])
       and kind = 'coin_transfer' and state not in ('confirmed', 'cancelled')
     group by reference`.execute(trx)
  const open = new Map(rows.map((row) => [row.reference, row.open]))
  return new Map(sales.map(({ id }) => [id, open.get(saleReference(id)) ?? 0]))
}

/** Why a person has to look at a sale, whatever else it is about; undefined when nothing of it is open. */
export function findDoubt(sale: Sale, { deposits }: OpenMatters): SaleReviewReason | undefined {
  if (heldFiat(sale) > 0n || isRefused(sale)) return 'payout_failed'
  if (sale.coinReturn?.state === 'failed') return 'return_failed'
  const undecided = deposits.filter(({ returnRound }) => returnRound === null)
  if (undecided.some(({ outcome }) => outcome === 'blocked')) return 'blocked_sender'
  if (undecided.length > 0) return 'wrong_asset'
  return heldCoins(sale) > 0n ? 'excess' : undefined
}

/** A payout that was refused, and not given up, keeps its money until a person has decided. */
const isRefused = ({ payout, conversions }: Sale): boolean =>
  payout?.state === 'failed' && conversions.some(({ round }) => round === payout.round)

/** The bank sent the transfer: the sale is finished, but for what came besides. */
export function settlePaidOut(changes: SaleChanges, sale: Sale, open: OpenMatters): void {
  moveSale(changes, sale, 'paid_out')
  const doubt = findDoubt(sale, open)
  if (doubt) moveSaleToReview(changes, sale, doubt)
}

const WAITING_FOR_RETURN: ReadonlySet<SaleState> = new Set(['crypto_received', 'in_review', 'expired'])

/** Coins are back for good: if they were the last that was open, the sale ends. */
export function settleReturned(changes: SaleChanges, sale: Sale, open: OpenMatters): void {
  if (open.returns > 0) return
  const doubt = findDoubt(sale, open)
  if (doubt) {
    // What came while it was being given back: nobody has looked at that yet.
    if (sale.state === 'in_review' && sale.dueAt === null) reviewAgain(changes, sale, doubt, null)
    return
  }
  if (sale.conversions.length > 0) {
    // Its money has been paid out; what a person looked at was something else.
    if (sale.state === 'in_review' && !isPayingOut(sale)) moveSale(changes, sale, 'settled')
    return
  }
  if (WAITING_FOR_RETURN.has(sale.state)) {
    moveSale(changes, sale, 'returned', { endReason: sale.coinReturn?.reason ?? null })
  }
}

/** Puts a sale before a person, with this as what to look at, and the time to do so. */
export function reviewAgain(
  changes: SaleChanges,
  sale: Sale,
  reviewReason: SaleReviewReason,
  reviewDetail: string | null,
): void {
  if (sale.state === 'in_review') {
    const deadline = new Date(changes.now.getTime() + changes.app.config.durations.reviewLifetimeMs)
    setSaleFields(changes, sale, { reviewReason, reviewDetail, expiresAt: deadline, dueAt: deadline })
  } else if (nextSaleState(sale.state, 'doubted') && !isPayingOut(sale)) {
    moveSaleToReview(changes, sale, reviewReason, reviewDetail)
  }
}
