import { type Selectable, sql } from 'kysely'
import type { App } from '../app.ts'
import { recordAudit } from '../common/integration-store.ts'
import type { Trx } from '../db/database.ts'
import type { PaymentsTable } from '../db/schema.ts'
import { refuseTaken } from '../effects/given-up-money.ts'
import { laneOfEffect } from '../effects/model.ts'
import { type Change, RefusedOperation } from '../effects/operate-effects.ts'
import { planAnew } from '../effects/settle.ts'
import type { Price } from '../money/rate.ts'
import { findIbanProblem, normaliseIban } from '../providers/bank/iban.ts'
import { quotePayment } from './conversion.ts'
import { mismatchPolicy } from './decide-received.ts'
import {
  heldUnits,
  isRefunding,
  type Payment,
  paymentCoin,
  paymentFiat,
  paymentReference,
  priceOfPayment,
  type RefundReason,
} from './payment.ts'
import { beginChanges, moveState, type PaymentChanges, wakeAfter, writeChanges } from './payment-changes.ts'
import { type CoinsEffect, isUndispatched, lockCoins } from './payment-effects.ts'
import { lockPayments } from './payment-store.ts'
import { openHolder } from './payment-wire.ts'
import { planRefund } from './plan-refund.ts'
import { currentPrice, fill, keepsPrice, type ReceiveNeeds, readSettings } from './receive.ts'
import { refundEverything } from './refund-everything.ts'
import { loadSources } from './refund-sources.ts'

type Needs = Pick<App, 'db' | 'clock' | 'config' | 'secrets' | 'pricing' | 'wake' | 'log' | 'pageNews'>

/** What an operator has to look at. */
export type ReviewedPayment = Pick<
  Selectable<PaymentsTable>,
  | 'id'
  | 'integrationId'
  | 'customerId'
  | 'state'
  | 'reviewReason'
  | 'reviewDetail'
  | 'paymentType'
  | 'fiat'
  | 'fiatUnits'
  | 'receivedUnits'
  | 'convertedUnits'
  | 'refundedUnits'
  | 'refund'
  | 'wallet'
  | 'expiresAt'
  | 'createdAt'
> & {
  /** Why its last refund did not go out, in the words of whoever refused it; null when none was refused. */
  refundReason: string | null
  /** Whose account or card the money came from, as far as it is known. */
  payer: string | null
}

/** Payments that wait for a person, oldest first: those in review, and those whose refund failed or came back. */
export async function listReviews({ db, secrets }: Pick<App, 'db' | 'secrets'>): Promise<ReviewedPayment[]> {
  const rows = await db
    .selectFrom('payments')
    .select([
      'id',
      'integrationId',
      'customerId',
      'state',
      'reviewReason',
      'reviewDetail',
      'paymentType',
      'fiat',
      'fiatUnits',
      'receivedUnits',
      'convertedUnits',
      'refundedUnits',
      'refund',
      'wallet',
      'expiresAt',
      'createdAt',
      'holderSealed',
    ])
    .select(
      sql<Buffer | null>`(
        select key_wrapped from customers
         where customers.integration_id = payments.integration_id and customers.id = payments.customer_id)`.as(
        'keyWrapped',
      ),
    )
    .select(
      sql<string | null>`(
        select reason from effects
         where reference = 'payment:' || payments.id and kind in ('bank_transfer', 'card_refund')
           and state in ('failed', 'cancelled')
         order by updated_at desc limit 1)`.as('refundReason'),
    )
    .where((eb) => eb.or([eb('state', '=', 'in_review'), eb(sql<string>`refund ->> 'state'`, '=', 'failed')]))
    .orderBy('createdAt')
    .limit(1_000)
    .execute()
  return rows.map(({ holderSealed, keyWrapped, ...row }) => ({
    ...row,
    payer: openHolder(secrets, { holderSealed, keyWrapped })?.name || null,
  }))
}

/**
 * Lets a payment in review go on. Money that was converted before keeps its figures and its coins are planned anew;
 * money that wasn't is converted now, late money at today's price. What is over the amount goes back.
 */
export async function releasePayment(app: Needs, id: string, change: Change): Promise<void> {
  const changes = beginChanges(app)
  const payment = await app.db.transaction().execute(async (trx) => {
    const coins = await lockCoins(trx, id)
    const locked = await getInReview(trx, id)
    await refuseTaken(trx, paymentReference(id))
    if (!isUndispatched(coins))
      throw new RefusedOperation(`The coins of payment ${id} are on their way already.`)
    if (locked.convertedUnits > 0n) await dispatchAnew(trx, changes, locked, coins, change)
    else await fillNow(app, trx, changes, locked, coins)
    await audit(trx, changes, locked, 'payment.release', change)
    await writeChanges(trx, changes)
    return locked
  })
  wakeAfter(app, changes)
  app.wake(laneOfEffect('coin_transfer', paymentCoin(payment).id))
}

async function getInReview(trx: Trx, id: string): Promise<Payment> {
  const payment = (await lockPayments(trx, [id])).get(id)
  if (!payment) {
    throw new RefusedOperation(
      `There is no payment or verification ${id}. "review list" shows what waits for a person.`,
    )
  }
  if (payment.state !== 'in_review')
    throw new RefusedOperation(`Payment ${id} is ${payment.state}, not in review.`)
  if (isRefunding(payment))
    throw new RefusedOperation(`The money of payment ${id} is on its way back already.`)
  await refuseDoubtful(trx, id)
  return payment
}

/** A bank may have taken its money back: neither coins nor money leave for it before that is known. */
async function refuseDoubtful(trx: Trx, id: string): Promise<void> {
  const { rows } = await sql<{ doubt: string }>`
    select d.id as doubt from bank_matches m
      join bank_doubts d on d.iban = m.iban and d.reverses = m.transaction_id and d.state = 'open'
     where m.payment_id = ${id} and m.units > 0 limit 1`.execute(trx)
  if (rows[0])
    throw new RefusedOperation(
      `The bank may have taken the money of payment ${id} back: "bank doubts" shows ${rows[0].doubt}, which is to be decided first.`,
    )
}

async function dispatchAnew(
  trx: Trx,
  changes: PaymentChanges,
  payment: Payment,
  coins: CoinsEffect | undefined,
  { who }: Change,
): Promise<void> {
  if (!coins) throw new Error(`Payment ${payment.id} was converted and has no transfer.`)
  if (coins.state !== 'planned') {
    await planAnew(trx, [{ id: coins.id, reason: `released by ${who}` }], changes.now)
  }
  moveState(changes, payment, 'released')
}

async function fillNow(
  app: Needs,
  trx: Trx,
  changes: PaymentChanges,
  payment: Payment,
  coins: CoinsEffect | undefined,
): Promise<void> {
  if (coins) throw new RefusedOperation(`Payment ${payment.id} was given up before; it can only be refused.`)
  const price = releasePrice(app, payment)
  if (!price) throw new RefusedOperation(`There is no fresh price of ${payment.symbol}. Try again.`)
  const settings = (await readSettings(trx, [payment.integrationId])).get(payment.integrationId)!
  const { toleranceUnits } = mismatchPolicy(settings, paymentFiat(payment))
  const held = heldUnits(payment)
  const over = held > payment.fiatUnits + toleranceUnits
  const units = over ? payment.fiatUnits : held
  if (!quotePayment(payment, units, price)) {
    throw new RefusedOperation(`The fees take all of what came for payment ${payment.id}.`)
  }
  if (over) {
    const sources = (await loadSources(trx, app, [payment.id])).get(payment.id)!
    planRefund(changes, payment, { units: held - units, reason: 'excess', sources })
  }
  fill(changes, payment, { units, price, event: 'released' })
}

/** The price at which held money is converted when a review ends; undefined when there is no fresh one. */
export const releasePrice = (app: ReceiveNeeds, payment: Payment): Price | undefined =>
  keepsItsPrice(payment) ? priceOfPayment(payment) : currentPrice(app, payment)

/** Late money is converted at today's price: nobody promised that the old one holds for ever. */
function keepsItsPrice(payment: Payment): boolean {
  if (payment.reviewReason === 'late' || !payment.receivedAt) return false
  const kind = payment.paymentType === 'transfer' ? 'bank' : 'card'
  return keepsPrice(payment, { kind, bookedAt: payment.receivedAt })
}

/**
 * Refuses a payment in review, or has a refund that failed tried once more: all of its money goes back to where it
 * came from. `toIban` is where a bank transfer goes when that account takes none.
 */
export async function refusePayment(
  app: Needs,
  id: string,
  { who, why, toIban }: Change & { toIban?: string },
): Promise<void> {
  const target = toIban === undefined ? undefined : normaliseIban(toIban)
  const problem = target === undefined ? null : findIbanProblem(target)
  if (problem) throw new RefusedOperation(`${target} ${problem}.`)
  const reason = ({ reviewReason }: Payment): RefundReason => REASONS[reviewReason ?? ''] ?? 'review_refused'
  const refunded = await refundEverything(app, id, {
    reason,
    audit: { who, why },
    ...(target ? { toIban: target } : {}),
  })
  if (!refunded) {
    throw new RefusedOperation(
      `Payment ${id} has no money that could go back: it is not in review, is being refunded, or its coins have left.`,
    )
  }
}

const REASONS: Readonly<Record<string, RefundReason>> = {
  third_party: 'third_party',
  late: 'late',
  undeliverable: 'undeliverable',
  not_dispatched: 'undeliverable',
}

async function audit(
  trx: Trx,
  changes: PaymentChanges,
  payment: Payment,
  action: string,
  { who, why }: Change,
): Promise<void> {
  await recordAudit(trx, changes.now, {
    who,
    why,
    action,
    target: `payment:${payment.id}`,
    before: { state: 'in_review' },
    after: { state: payment.state },
  })
}
