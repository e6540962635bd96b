import { sql } from 'kysely'
import type { App } from '../app.ts'
import { lanesAfter } from '../common/money-changes.ts'
import type { Trx } from '../db/database.ts'
import type { EffectRoom, EndedEffect } from '../effects/model.ts'
import { holdAgain } from './cancel-refunds.ts'
import { chargeBackUndelivered } from './chargeback.ts'
import { heldUnits, isChargedBack, type Payment, paymentReference, type RefundRecord } from './payment.ts'
import {
  beginChanges,
  moveState,
  moveToReview,
  type PaymentChanges,
  setFields,
  writeChanges,
} from './payment-changes.ts'
import { nextState } from './payment-states.ts'
import { lockPayments } from './payment-store.ts'

type Needs = Pick<App, 'clock' | 'config' | 'secrets'>

/** What payments do when money that they planned has left, or couldn't. It runs in the effects' own transaction. */
export function paymentRoom(app: Needs): EffectRoom {
  return {
    onConfirmed: (trx, effects) => hear(app, trx, effects, deliver),
    onFailed: (trx, effects) => hear(app, trx, effects, giveUp),
    onSent: (trx, effects) => hear(app, trx, effects, async () => {}),
  }
}

type Hearing = (trx: Trx, changes: PaymentChanges, payment: Payment, coins: EndedEffect) => Promise<void>

async function hear(
  app: Needs,
  trx: Trx,
  effects: readonly EndedEffect[],
  hearCoins: Hearing,
): Promise<readonly string[]> {
  const changes = beginChanges(app)
  const payments = await lockPayments(trx, [...new Set(effects.map(paymentIdOf))])
  const refunds = new Set<Payment>()
  for (const effect of effects) {
    const payment = payments.get(paymentIdOf(effect))!
    if (effect.kind === 'coin_transfer') await hearCoins(trx, changes, payment, effect)
    else refunds.add(payment)
    if (effect.kind !== 'coin_transfer' && effect.state === 'cancelled')
      giveUpRefund(changes, payment, effect)
  }
  await settleRefunds(trx, changes, [...refunds])
  await writeChanges(trx, changes)
  return lanesAfter(changes)
}

const paymentIdOf = ({ reference }: Pick<EndedEffect, 'reference'>): string =>
  reference.slice('payment:'.length)

async function deliver(
  _trx: Trx,
  changes: PaymentChanges,
  payment: Payment,
  coins: EndedEffect,
): Promise<void> {
  moveState(changes, payment, 'delivered', { txid: coins.txid })
}

/** The coins stay owed, at the figures booked, until a person has decided; a charged-back payment just ends. */
async function giveUp(
  trx: Trx,
  changes: PaymentChanges,
  payment: Payment,
  coins: EndedEffect,
): Promise<void> {
  if (isChargedBack(payment)) await chargeBackUndelivered(trx, changes, payment, coins)
  else if (payment.state === 'payment_received') moveToReview(changes, payment, 'undeliverable', coins.reason)
  else setFields(changes, payment, { reviewDetail: coins.reason })
}

/** An operator gave a refund up: the money is held again, and somebody has to say what becomes of it. */
function giveUpRefund(changes: PaymentChanges, payment: Payment, effect: EndedEffect): void {
  holdAgain(changes, payment, effect)
  setFields(changes, payment, { refund: payment.refund && { ...payment.refund, state: 'failed' } })
  if (payment.state === 'in_review') {
    const deadline = new Date(changes.now.getTime() + changes.app.config.durations.reviewLifetimeMs)
    setFields(changes, payment, { reviewReason: 'refund_cancelled', expiresAt: deadline, dueAt: deadline })
  } else if (payment.state === 'payment_received') {
    moveToReview(changes, payment, 'refund_cancelled', effect.reason)
  }
}

/**
 * Orders that waited were taken into a file for their bank: the refunds among them are `sent` from now on. The
 * caller has locked their orders; their effects are locked here, before the payments, as everywhere.
 */
export async function tellHandedOver(
  app: Needs,
  trx: Trx,
  idempotencyKeys: readonly string[],
): Promise<void> {
  const { rows } = await sql<{ id: string }>`
    with ordered as (
      select reference from effects
       where idempotency_key = any(${[...idempotencyKeys]}::text[]) and starts_with(reference, 'payment:')
       order by id for update
    ) select distinct substr(reference, length('payment:') + 1) as id from ordered`.execute(trx)
  const changes = beginChanges(app)
  const payments = await lockPayments(
    trx,
    rows.map(({ id }) => id),
  )
  await settleRefunds(trx, changes, [...payments.values()])
  await writeChanges(trx, changes)
}

/**
 * A refund is as far as all of its parts are; confirmed as a whole, it ends the payment. An order to a bank without an
 * API is only planned until it is in a file: before that nobody but us has it.
 */
export async function settleRefunds(
  trx: Trx,
  changes: PaymentChanges,
  payments: readonly Payment[],
): Promise<void> {
  if (payments.length === 0) return
  const { rows } = await sql<{ reference: string; states: string[] }>`
    select reference, array_agg(distinct case when waiting.idempotency_key is null then e.state else 'planned' end) as states
      from effects e
           left join file_orders waiting
                  on waiting.idempotency_key = e.idempotency_key and waiting.file_id is null and e.state = 'sent'
     where reference = any(${payments.map(({ id }) => paymentReference(id))}::text[])
       and kind in ('bank_transfer', 'card_refund') and e.state <> 'cancelled'
     group by reference`.execute(trx)
  const byReference = new Map(rows.map(({ reference, states }) => [reference, states]))
  for (const payment of payments) {
    const states = byReference.get(paymentReference(payment.id)) ?? []
    if (!payment.refund || states.length === 0) continue
    const state = refundState(states)
    setFields(changes, payment, { refund: { ...payment.refund, state } })
    const ended = state === 'confirmed' && payment.refund.whole && heldUnits(payment) === 0n
    if (ended && nextState(payment.state, 'refund_confirmed')) {
      moveState(changes, payment, 'refund_confirmed', { endReason: payment.refund.reason })
    }
  }
}

export function refundState(states: readonly string[]): RefundRecord['state'] {
  if (states.includes('failed')) return 'failed'
  if (states.every((state) => state === 'confirmed')) return 'confirmed'
  return states.every((state) => state === 'planned') ? 'planned' : 'sent'
}
