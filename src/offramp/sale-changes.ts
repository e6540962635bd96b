import type { App } from '../app.ts'
import { beginMoney, lanesAfter, type MoneyChanges, writeMoney } from '../common/money-changes.ts'
import type { Trx } from '../db/database.ts'
import type { Journal } from '../ledger/book.ts'
import type { NewEvent } from '../webhooks/emit.ts'
import { linkReturn } from './deposit-store.ts'
import { type Sale, type SaleReviewReason, saleReference, saleStream } from './sale.ts'
import {
  ENDED_WITHOUT_MONEY,
  eventOfSaleMove,
  nextSaleState,
  type SaleEvent,
  saleLifetimeMs,
} from './sale-states.ts'
import { updateSales } from './sale-store.ts'
import { wireSale } from './sale-wire.ts'
import { loadShownDeposits, NOTHING_SHOWN, wireDeposits } from './shown-deposits.ts'

type Needs = Pick<App, 'clock' | 'config' | 'secrets'>

/**
 * What one transaction does to its locked sales: their new fields, the ledger's journals, money and coins that are to
 * go out, events. Gathered in memory by pure steps, written at the end in few statements whatever the number of sales.
 */
export interface SaleChanges extends MoneyChanges {
  app: Needs
  touched: Set<Sale>
  /** The fields that change of any of them. */
  fields: Set<keyof Sale>
  /** Whom each event is about: its deposits are added when everything is written. */
  told: { event: NewEvent; sale: Sale }[]
  /** Returns of counted coins: which deposits they give back is recorded when everything is written. */
  returned: { sale: Sale; round: number; units: bigint }[]
}

export const beginSaleChanges = (app: Needs): SaleChanges => ({
  ...beginMoney(app.clock),
  app,
  touched: new Set(),
  fields: new Set(['failure', 'version', 'updatedAt', 'leaseUntil']),
  told: [],
  returned: [],
})

/** Changes fields of a sale. */
export function setSaleFields(changes: SaleChanges, sale: Sale, fields: Partial<Sale>): void {
  Object.assign(sale, fields)
  for (const field in fields) changes.fields.add(field as keyof Sale)
  // What changes it went well: a failure before is over.
  sale.failure = null
  if (changes.touched.has(sale)) return
  changes.touched.add(sale)
  sale.version += 1
  sale.updatedAt = changes.now
  sale.leaseUntil = null
}

/** Thrown where the table of states knows no way: the caller should have asked before. */
export class ImpossibleSaleTransition extends Error {}

/**
 * Moves a sale along the table of states, with the fields that go with it, and tells the integrator what there is to
 * tell. The new state brings its deadline; what ended without money gives its `external_id` back.
 */
export function moveSale(
  changes: SaleChanges,
  sale: Sale,
  event: SaleEvent,
  fields: Partial<Sale> = {},
): void {
  const from = sale.state
  const state = nextSaleState(from, event)
  if (state === undefined) {
    throw new ImpossibleSaleTransition(`Sale ${sale.id} is ${from}: ${event} can't happen to it.`)
  }
  const lifetime = saleLifetimeMs(state, changes.app.config.durations)
  const deadline = lifetime === null ? null : new Date(changes.now.getTime() + lifetime)
  setSaleFields(changes, sale, {
    state,
    // A payout that is late changes what we do, not what the integrator waits for.
    expiresAt: state === 'processing' ? null : deadline,
    dueAt: deadline,
    ...(ENDED_WITHOUT_MONEY.has(state) ? { liveExternalId: null } : { endReason: null }),
    ...(state === 'in_review' ? {} : { reviewReason: null, reviewDetail: null }),
    ...fields,
  })
  const type = eventOfSaleMove({ from, event, to: state })
  if (type) tellOfSale(changes, sale, type)
}

/** Puts a sale before a person, and says why. One that is there already keeps its first reason. */
export function moveSaleToReview(
  changes: SaleChanges,
  sale: Sale,
  reviewReason: SaleReviewReason,
  reviewDetail: string | null = null,
  fields: Partial<Sale> = {},
): void {
  if (sale.state === 'in_review') return
  const canFail = nextSaleState(sale.state, 'payout_failed') !== undefined
  const event = reviewReason === 'payout_failed' && canFail ? 'payout_failed' : 'doubted'
  moveSale(changes, sale, event, { ...fields, reviewReason, reviewDetail })
}

/** An event with the sale as it is now. */
export function tellOfSale(changes: SaleChanges, sale: Sale, type: NewEvent['type']): void {
  const event: NewEvent = {
    integrationId: sale.integrationId,
    type,
    stream: saleStream(sale.id),
    data: wireSale(sale, changes.app, NOTHING_SHOWN),
    keyWrapped: sale.keyWrapped,
  }
  changes.events.push(event)
  changes.told.push({ event, sale })
}

/** Coins count for the sale. The first of them are told of, whatever state it is in, and no others ever again. */
export function countCoins(
  changes: SaleChanges,
  sale: Sale,
  units: bigint,
  fields: Pick<Partial<Sale>, 'txid'> = {},
): void {
  const areFirst = sale.receivedUnits === 0n
  setSaleFields(changes, sale, { receivedUnits: sale.receivedUnits + units, ...fields })
  if (areFirst) tellOfSale(changes, sale, 'CRYPTO_RECEIVED')
}

export function bookForSale(
  changes: SaleChanges,
  sale: Sale,
  journal: Pick<Journal, 'kind' | 'purpose' | 'postings'>,
): void {
  changes.journals.push({
    ...journal,
    integrationId: sale.integrationId,
    reference: saleReference(sale.id),
    at: changes.now,
  })
}

/** A step of sales went well, whether it changed them or not. */
export function clearFailures(changes: SaleChanges, sales: Iterable<Sale>): void {
  for (const sale of sales) if (sale.failure !== null) setSaleFields(changes, sale, { failure: null })
}

/** After what becomes of the sales' deposits was written: the events show that as well. */
export async function writeSaleChanges(trx: Trx, changes: SaleChanges): Promise<void> {
  for (const { sale, ...given } of changes.returned) await linkReturn(trx, sale, given, changes.now)
  const shown = await loadShownDeposits(trx, [...new Set(changes.told.map(({ sale }) => sale))])
  for (const { event, sale } of changes.told) {
    event.data = { ...event.data, ...wireDeposits(sale, shown.get(sale.id)!) }
  }
  await updateSales(trx, [...changes.touched], changes.fields)
  await writeMoney(trx, changes, changes.app)
}

/** After the commit: whoever goes on with it. */
export function wakeAfterSales(app: Pick<App, 'wake'>, changes: SaleChanges): void {
  const lanes = lanesAfter(changes)
  if (lanes.length > 0) app.wake(...lanes)
}
