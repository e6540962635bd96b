import { sql } from 'kysely'
import type { App } from '../app.ts'
import { recordAudit } from '../common/integration-store.ts'
import type { Trx } from '../db/database.ts'
import { type Change, RefusedOperation } from '../effects/operate-effects.ts'
import { isUnordered, lockWaitingOrders } from '../effects/withdraw-order.ts'
import { formatAmount } from '../money/amount.ts'
import { assetOf } from '../money/asset.ts'
import { cancelRefunds, type PlannedRefund } from '../onramp/cancel-refunds.ts'
import { customerFiat, heldUnits, type Payment, paymentReference } from '../onramp/payment.ts'
import {
  beginChanges,
  bookFor,
  type PaymentChanges,
  setFields,
  wakeAfter,
  writeChanges,
} from '../onramp/payment-changes.ts'
import { type CoinsEffect, isUndispatched, lockCoins } from '../onramp/payment-effects.ts'
import type { PaymentState } from '../onramp/payment-states.ts'
import { lockPayments } from '../onramp/payment-store.ts'
import { bankSourceKey } from '../onramp/refund-sources.ts'
import { type MatchedLine, matchPurpose } from './book-match.ts'
import { judgeAgain } from './matching/record-judgements.ts'
import { BANK_LINE_LANE, suspenseOf } from './record-lines.ts'
import { releaseConversion, waitAgain } from './reopen-payment.ts'

type Needs = Pick<App, 'db' | 'clock' | 'config' | 'secrets' | 'wake' | 'pageNews'>

export interface Undone {
  paymentId: string
  /** In base units of `currency`. */
  units: bigint
  currency: string
  paymentState: PaymentState
}

interface Match {
  line: MatchedLine
  paymentId: string
  integrationId: number
  units: bigint
  round: number
}

/**
 * An operator takes back what a line was matched as, until coins were sent: the transfer of coins is given up, the
 * conversion reversed at its booked figures, the money in suspense again, and the payment what it was before. The line
 * waits for a person: nothing matches it by itself again. `paymentId` is needed where the line is several payments'.
 */
export async function undoMatch(
  app: Needs,
  { iban, transactionId, paymentId }: { iban: string; transactionId: string; paymentId?: string | undefined },
  change: Change,
): Promise<Undone> {
  const chosen = paymentId ?? (await findOnlyPayment(app, iban, transactionId))
  const changes = beginChanges(app)
  const undone = await app.db.transaction().execute(async (trx) => {
    const told = { change, reason: 'An operator took back what it was matched as.' }
    const done = await undoWithin(trx, changes, { iban, transactionId, paymentId: chosen }, told)
    await writeChanges(trx, changes)
    return done
  })
  wakeAfter(app, changes)
  app.wake('payment-expiry', BANK_LINE_LANE)
  return undone
}

/**
 * The same in a transaction of the caller's, who writes `changes`; `reason` is what the line says then. Throws
 * `RefusedOperation` when coins or money have left: what was done until then must not stay.
 */
export async function undoWithin(
  trx: Trx,
  changes: PaymentChanges,
  { iban, transactionId, paymentId: chosen }: { iban: string; transactionId: string; paymentId: string },
  told: { change: Change; reason: string },
): Promise<Undone> {
  await lockWaitingOrders(trx, [paymentReference(chosen)])
  const coins = await lockCoins(trx, chosen)
  const allRefunds = await lockRefunds(trx, chosen)
  const payment = (await lockPayments(trx, [chosen])).get(chosen)
  const match = payment && (await lockMatch(trx, { iban, transactionId, paymentId: chosen }))
  if (!match) throw new RefusedOperation(`Line ${transactionId} of ${iban} is not matched to ${chosen}.`)
  const before = payment.state
  const source = bankSourceKey(iban, transactionId)
  const refunds = allRefunds.filter(({ purpose }) => purpose.endsWith(`:${source}`))
  refuseWhatLeft(payment, payment.refund?.whole ? allRefunds : refunds)
  await cancelRefunds(trx, changes, payment, refunds)
  setFields(changes, payment, { refund: lessRefund(payment, refunds) })
  if (heldUnits(payment) < match.units) {
    refuseSentCoins(payment, coins)
    await releaseConversion(trx, changes, payment, coins)
  }
  if (heldUnits(payment) < match.units) {
    throw new RefusedOperation(
      `Of line ${transactionId} not all is held any more: money of payment ${chosen} went back otherwise.`,
    )
  }
  bookFor(changes, payment, {
    kind: 'match_undone',
    purpose: `${matchPurpose(chosen, match.line, match.round)}:undone`,
    postings: [
      { account: customerFiat(chosen), asset: payment.fiat, units: match.units },
      { account: suspenseOf(iban), asset: payment.fiat, units: -match.units },
    ],
  })
  const receivedUnits = payment.receivedUnits - match.units
  // Whoever pays next is the payer then.
  const nothing = receivedUnits === 0n ? { holderSealed: null, receivedAt: null } : {}
  setFields(changes, payment, { receivedUnits, ...nothing })
  if (heldUnits(payment) === 0n) setFields(changes, payment, { refund: withoutFailure(payment) })
  await waitAgain(trx, changes, payment, coins)
  await releaseLine(trx, match, told.reason)
  await judgeAgain(trx, [chosen], changes.now)
  await recordAudit(trx, changes.now, {
    ...told.change,
    action: 'bank-line.undo',
    target: `bank-line:${iban}:${transactionId}`,
    before: { payment: chosen, state: before, units: match.units.toString() },
    after: { state: payment.state },
  })
  return { paymentId: chosen, units: match.units, currency: payment.fiat, paymentState: payment.state }
}

async function findOnlyPayment(
  { db }: Pick<App, 'db'>,
  iban: string,
  transactionId: string,
): Promise<string> {
  const matches = await db
    .selectFrom('bankMatches')
    .select('paymentId')
    .where('iban', '=', iban)
    .where('transactionId', '=', transactionId)
    .where('units', '>', 0n)
    .orderBy('createdAt')
    .execute()
  const [first, ...more] = matches.map(({ paymentId }) => paymentId)
  if (first === undefined) {
    throw new RefusedOperation(`Line ${transactionId} of ${iban} is matched to no payment.`)
  }
  if (more.length > 0) {
    throw new RefusedOperation(
      `Line ${transactionId} is matched to several payments; name one: ${[first, ...more].join(', ')}.`,
    )
  }
  return first
}

interface Refund extends PlannedRefund {
  state: string
}

/** What goes or went back of the payment's money; an order that waits for a file is only planned still. */
function lockRefunds(trx: Trx, paymentId: string): Promise<Refund[]> {
  return trx
    .selectFrom('effects')
    .select(['id', 'purpose', 'door', 'units'])
    .select(sql<string>`case when ${isUnordered} then 'planned' else effects.state end`.as('state'))
    .where('reference', '=', paymentReference(paymentId))
    .where('kind', 'in', ['bank_transfer', 'card_refund'])
    .where('state', '<>', 'cancelled')
    .orderBy('id')
    .forUpdate()
    .execute()
}

async function lockMatch(
  trx: Trx,
  { iban, transactionId, paymentId }: { iban: string; transactionId: string; paymentId: string },
): Promise<Match | undefined> {
  const line = await trx
    .selectFrom('bankTransactions')
    .select(['iban', 'id', 'bookedAt', 'currency', 'counterpartySealed', 'payerIndex'])
    .where('iban', '=', iban)
    .where('id', '=', transactionId)
    .forUpdate()
    .executeTakeFirst()
  if (!line) return undefined
  const match = await trx
    .selectFrom('bankMatches')
    .select(['paymentId', 'integrationId', 'units', 'round'])
    .where('iban', '=', iban)
    .where('transactionId', '=', transactionId)
    .where('paymentId', '=', paymentId)
    .where('units', '>', 0n)
    .executeTakeFirst()
  return match && { line, ...match }
}

function refuseWhatLeft(payment: Payment, refunds: readonly Refund[]): void {
  const left = refunds.find(({ state }) => state !== 'planned')
  if (left) {
    const text = formatAmount(left.units, assetOf(payment.fiat))
    throw new RefusedOperation(
      `${text} ${payment.fiat} went back or is about to (effect ${left.id}, ${left.state}); the match stays.`,
    )
  }
  if (payment.refund?.whole && payment.convertedUnits > 0n) {
    throw new RefusedOperation(`Payment ${payment.id} is refunded less fees that are kept; the match stays.`)
  }
  if (payment.chargeback !== null) {
    throw new RefusedOperation(`Payment ${payment.id} was charged back; the match stays.`)
  }
}

function refuseSentCoins({ id }: Payment, coins: CoinsEffect | undefined): void {
  if (!isUndispatched(coins)) {
    throw new RefusedOperation(
      `The coins of payment ${id} were sent or are about to be (effect ${coins!.id}, ${coins!.state}); the match stays.`,
    )
  }
}

/** The record of the latest refund, less what was taken back of it; its number is never used again. */
function lessRefund({ refund }: Payment, refunds: readonly Refund[]): Payment['refund'] {
  if (!refund || refunds.length === 0) return refund
  const latest = refunds.filter(({ purpose }) => purpose.includes(`:refund:${refund.round}:`))
  const units = latest.reduce((rest, one) => rest - one.units, BigInt(refund.units))
  return { ...refund, units: units.toString(), whole: refund.whole && units > 0n }
}

/** A refund that came back holds nobody up any more once its money is a bank line's again. */
const withoutFailure = ({ refund }: Payment): Payment['refund'] =>
  refund?.state === 'failed' ? { ...refund, state: 'confirmed', units: '0', whole: false } : refund

async function releaseLine(
  trx: Trx,
  { line, paymentId, integrationId, units }: Match,
  reason: string,
): Promise<void> {
  await sql`
    update bank_transactions
       set matched_units = matched_units - ${units.toString()}::numeric, state = 'unmatched',
           match_reasons = ${JSON.stringify([reason])}::jsonb, match_score = null, due_at = null, lease_until = null
     where iban = ${line.iban} and id = ${line.id}`.execute(trx)
  await sql`
    update bank_matches set units = 0
     where iban = ${line.iban} and transaction_id = ${line.id}
       and integration_id = ${integrationId} and payment_id = ${paymentId}`.execute(trx)
  const { rows } = await sql<{ learnedAccount: boolean }>`
    delete from payer_news
     where iban = ${line.iban} and transaction_id = ${line.id}
       and integration_id = ${integrationId} and payment_id = ${paymentId}
    returning learned_account`.execute(trx)
  // The customer was not known by the account yet.
  if (line.payerIndex === null || rows[0]?.learnedAccount) return
  await sql`
    update known_payers set payments = payments - 1 from payments of
     where of.integration_id = ${integrationId} and of.id = ${paymentId}
       and known_payers.integration_id = of.integration_id and payer_index = ${line.payerIndex}
       and known_payers.customer_id = of.customer_id::text`.execute(trx)
  await sql`
    delete from known_payers
     where integration_id = ${integrationId} and payer_index = ${line.payerIndex} and payments <= 0`.execute(
    trx,
  )
}
