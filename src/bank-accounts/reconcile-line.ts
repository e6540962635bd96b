import { type Selectable, sql } from 'kysely'
import type { App } from '../app.ts'
import type { Trx } from '../db/database.ts'
import type { BankTransactionsTable } from '../db/schema.ts'
import { findTaken } from '../effects/given-up-money.ts'
import { formatAmount, parseAmount } from '../money/amount.ts'
import { type Asset, assetOf } from '../money/asset.ts'
import type { Payment } from '../onramp/payment.ts'
import { beginChanges, wakeAfter } from '../onramp/payment-changes.ts'
import type { PaymentState } from '../onramp/payment-states.ts'
import { lockPayments } from '../onramp/payment-store.ts'
import { currentPrice, keepsPrice } from '../onramp/receive.ts'
import { fail } from '../server/errors.ts'
import { bookMatches, differenceOf, writeMatched } from './book-match.ts'
import { BANK_LINE_LANE } from './record-lines.ts'
import { lineReference } from './refund-line.ts'
import { findTaker } from './reversals/find-taker.ts'

export interface Reconciling {
  iban: string
  transactionId: string
  paymentId: string
  /** How much of the line, decimal text in its currency; all that is left of it unless told. */
  amount?: string | undefined
  /** Whether a sum other than the one asked is taken, by the integration's policy. */
  acceptDifference: boolean
  by: 'integration' | 'operator'
  /** Only what is matched already can be asked for: the rest of the line is somebody else's to decide. */
  knownOnly?: boolean
  /** Runs in the transaction of the change. */
  within?: (trx: Trx, reconciled: Reconciled) => Promise<void>
}

export interface Reconciled {
  /** Right after this line was booked. */
  paymentState: PaymentState
  /** By how much the payment was then above or below what was asked, in base units. */
  differenceUnits: bigint
  fiat: Asset
}

type Needs = Pick<App, 'db' | 'clock' | 'config' | 'secrets' | 'pricing' | 'wake' | 'pageNews'>
type Line = Selectable<BankTransactionsTable>

const REASONS = { integration: 'The integration said so.', operator: 'An operator said so.' } as const
const AWAITED: ReadonlySet<PaymentState> = new Set(['started', 'pending_bank'])
const RECONCILABLE: ReadonlySet<PaymentState> = new Set([...AWAITED, 'in_review', 'expired'])

/**
 * A person says that a line, or so much of it, is for a payment: booked as the automatic match is, with the
 * integration's policies. The same pair again is answered as it was the first time. The caller has seen that line and
 * payment are of those who may be brought together. Fails with the codes of `POST /api/banking/reconcile`.
 */
export async function reconcileLine(app: Needs, asked: Reconciling): Promise<Reconciled> {
  const changes = beginChanges(app)
  const reconciled = await app.db.transaction().execute(async (trx) => {
    const payments = await lockPayments(trx, [asked.paymentId])
    const payment = payments.get(asked.paymentId)
    const line = await lockLine(trx, asked)
    if (!payment) fail('payment_not_found', 'There is no such payment.')
    if (!line) fail('transaction_not_found', 'There is no such transaction.')
    const known = await findMatch(trx, asked, payment)
    if (known) return answerKnown(known, line, asked)
    const takenBack = await findTaker(trx, line.iban, line.id)
    if (takenBack) fail('already_reconciled', `This transaction ${takenBack}`)
    await refuseGoneBack(trx, line, asked)
    const units = judge(app, payment, line, asked)
    const differenceUnits = differenceOf(payment, units)
    const how = { matchedBy: asked.by, reasons: [REASONS[asked.by]], score: null }
    const matches = [{ line, payment, units, ...how }]
    await bookMatches(app, trx, changes, payments, matches)
    await writeMatched(trx, changes, matches)
    const made = { paymentState: payment.state, differenceUnits, fiat: assetOf(payment.fiat) }
    await asked.within?.(trx, made)
    return made
  })
  wakeAfter(app, changes)
  app.wake(BANK_LINE_LANE)
  return reconciled
}

/** It may have gone back by a refund that was given up, and coins for it would be given for nothing. */
async function refuseGoneBack(trx: Trx, { iban, id }: Line, { by }: Reconciling): Promise<void> {
  const taken = await findTaken(trx, lineReference(iban, id))
  if (!taken) return
  fail(
    'already_reconciled',
    by === 'operator'
      ? taken.message
      : 'A refund of this transaction was given up, and its money left all the same. The operator settles that first.',
  )
}

function lockLine(trx: Trx, { iban, transactionId }: Reconciling): Promise<Line | undefined> {
  return trx
    .selectFrom('bankTransactions')
    .selectAll()
    .where('iban', '=', iban)
    .where('id', '=', transactionId)
    .forUpdate()
    .executeTakeFirst()
}

interface KnownMatch {
  units: bigint
  differenceUnits: bigint
  paymentState: PaymentState
}

/** The match of this very pair, unless it was undone. */
async function findMatch(
  trx: Trx,
  { iban, transactionId }: Reconciling,
  { integrationId, id }: Payment,
): Promise<KnownMatch | undefined> {
  const { rows } = await sql<KnownMatch>`
    select units, difference_units, payment_state from bank_matches
     where iban = ${iban} and transaction_id = ${transactionId}
       and integration_id = ${integrationId} and payment_id = ${id} and units > 0`.execute(trx)
  return rows[0]
}

function answerKnown(known: KnownMatch, line: Line, { amount }: Reconciling): Reconciled {
  const fiat = assetOf(line.currency)
  if (amount !== undefined && readUnits(amount, fiat) !== known.units) {
    const had = formatAmount(known.units, fiat)
    fail('already_reconciled', `${had} ${fiat.symbol} of this transaction is the payment’s already.`)
  }
  return { ...known, fiat }
}

/** How much of the line the payment gets; refuses what can't be. */
function judge(app: Needs, payment: Payment, line: Line, asked: Reconciling): bigint {
  const fiat = assetOf(line.currency)
  if (line.direction === 'debit') {
    const problem = 'must be money that came; this went out'
    fail('invalid_field', `transaction_id ${problem}.`, { errors: { transaction_id: [problem] } })
  }
  if (line.transferRef !== null) {
    fail('already_reconciled', 'This transaction gives a transfer of ours back; it belongs to that one.')
  }
  const leftUnits = asked.knownOnly ? 0n : line.units - line.matchedUnits
  if (leftUnits === 0n) fail('already_reconciled', 'Nothing is left of this transaction.')
  if (payment.fiat !== line.currency) {
    fail('currency_mismatch', `The payment is in ${payment.fiat}, the transaction in ${line.currency}.`)
  }
  const units = asked.amount === undefined ? leftUnits : readUnits(asked.amount, fiat)
  if (units > leftUnits) {
    const problem = `must be at most the ${formatAmount(leftUnits, fiat)} that is left of the transaction`
    fail('invalid_field', `amount ${problem}.`, { errors: { amount: [problem] } })
  }
  refuseUnlessPending(app, payment, line)
  const differenceUnits = differenceOf(payment, units)
  if (differenceUnits !== 0n && !asked.acceptDifference) refuseDifference(payment, differenceUnits)
  return units
}

function readUnits(amount: string, fiat: Asset): bigint {
  const { units, problem } = parseAmount(amount, fiat)
  if (units === undefined)
    fail('invalid_field', `amount ${problem}.`, { errors: { amount: [problem ?? ''] } })
  return units
}

function refuseUnlessPending(app: Needs, payment: Payment, line: Line): void {
  const { state } = payment
  if (!RECONCILABLE.has(state)) {
    fail('payment_not_pending', `The payment is ${state}; it does not wait for money.`)
  }
  if (payment.wallet === null) {
    fail('payment_not_pending', 'The customer has not said yet which wallet the coins go to.')
  }
  const priced = keepsPrice(payment, { kind: 'bank', bookedAt: line.bookedAt })
  if (AWAITED.has(state) && !priced && !currentPrice(app, payment)) {
    fail('price_unavailable', `There is no fresh price of ${payment.symbol}. Try again in a moment.`)
  }
}

function refuseDifference({ fiat, fiatUnits }: Payment, differenceUnits: bigint): never {
  const asset = assetOf(fiat)
  const difference = formatAmount(differenceUnits, asset)
  const would = formatAmount(fiatUnits + differenceUnits, asset)
  fail(
    'amount_mismatch',
    `${formatAmount(fiatUnits, asset)} ${fiat} is asked and ${would} would have come: a difference of ${difference}. With accept_difference it is taken by your policy.`,
    { data: { difference } },
  )
}
