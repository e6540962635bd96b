import { sql } from 'kysely'
import type { Trx } from '../db/database.ts'
import { coinsPurpose, heldUnits, isRefunding, type Payment } from '../onramp/payment.ts'
import { moveState, moveToReview, type PaymentChanges, setFields } from '../onramp/payment-changes.ts'
import { type CoinsEffect, cancelCoins } from '../onramp/payment-effects.ts'
import { lifetimeMs, type PaymentEvent, type PaymentState } from '../onramp/payment-states.ts'
import { reverseConversion } from '../onramp/reverse-conversion.ts'

/** Gives locked, undispatched coins up and reverses the conversion at its booked figures: the money is held again. */
export async function releaseConversion(
  trx: Trx,
  changes: PaymentChanges,
  payment: Payment,
  coins: CoinsEffect | undefined,
): Promise<void> {
  if (payment.convertedUnits === 0n) return
  if (coins) await cancelCoins(trx, coins, changes.now)
  await reverseConversion(trx, changes, payment, { keepFees: false })
}

const BACK: Partial<Record<PaymentState, PaymentEvent>> = {
  started: 'back_to_started',
  pending_bank: 'back_to_pending',
  expired: 'back_to_expired',
  cancelled: 'back_to_cancelled',
}

/**
 * A locked payment of which money was taken away, and nothing is converted any more, is what it was before its first
 * line came: it waits until the deadline that it had, which ends it at once when it has passed. One in review with
 * money that is still to be looked at stays there. To be called before the match is recorded as undone.
 */
export async function waitAgain(
  trx: Trx,
  changes: PaymentChanges,
  payment: Payment,
  coins: CoinsEffect | undefined,
): Promise<void> {
  const { state } = payment
  if (payment.convertedUnits > 0n || (state !== 'payment_received' && state !== 'in_review')) return
  if (isRefunding(payment) || (state === 'in_review' && heldUnits(payment) > 0n)) return
  if (coins) await freeConversion(trx, changes, payment, coins)
  if (await goBack(trx, changes, payment)) return
  // Its other money was before a person already when this line came.
  if (state === 'payment_received')
    moveToReview(changes, payment, 'undeliverable', 'A bank line was taken back.')
}

/** The payment is again what it was before its first line; answers false where that was before a person already. */
export async function goBack(trx: Trx, changes: PaymentChanges, payment: Payment): Promise<boolean> {
  const first = await findFirst(trx, payment)
  const back = BACK[first.state]
  if (back === undefined) return false
  const waits = first.state === 'started' || first.state === 'pending_bank'
  const deadline = waits ? (first.deadline ?? deadlineOf(changes, payment)) : null
  moveState(changes, payment, back, {
    expiresAt: deadline,
    dueAt: deadline,
    ...(waits ? {} : { endReason: first.state }),
  })
  // It is looked for by its customer's name again.
  if (waits)
    await sql`
      insert into unnamed_payments (iban, payment_id) values (${payment.accountIban}, ${payment.id}) on conflict do nothing`.execute(
      trx,
    )
  return true
}

/** Its conversion and its transfer are over for good; when it is paid again it gets others. */
async function freeConversion(
  trx: Trx,
  changes: PaymentChanges,
  payment: Payment,
  coins: CoinsEffect,
): Promise<void> {
  await trx
    .updateTable('effects')
    .set({ purpose: `${coinsPurpose(payment.id)}:undone:${payment.conversionRound}` })
    .where('id', '=', coins.id)
    .where('state', '=', 'cancelled')
    .execute()
  setFields(changes, payment, { conversionRound: payment.conversionRound + 1 })
}

/** What the payment was when the first of its lines came that are matched now. */
async function findFirst(
  trx: Trx,
  { integrationId, id }: Payment,
): Promise<{ state: PaymentState; deadline: Date | null }> {
  const { rows } = await sql<{ state: PaymentState | null; deadline: Date | null }>`
    select state_before as state, deadline_before as deadline from bank_matches
     where payment_id = ${id} and integration_id = ${integrationId} and units > 0
     order by created_at, booked_at limit 1`.execute(trx)
  const [first] = rows
  return { state: first?.state ?? 'started', deadline: first?.deadline ?? null }
}

function deadlineOf({ app }: PaymentChanges, { createdAt, paymentType }: Payment): Date {
  return new Date(createdAt.getTime() + (lifetimeMs('started', paymentType, app.config.durations) ?? 0))
}
