import { sql } from 'kysely'
import type { App } from '../app.ts'
import type { Trx } from '../db/database.ts'
import type { Payment } from '../onramp/payment.ts'
import { type PaymentChanges, writeChanges } from '../onramp/payment-changes.ts'
import { type Arrival, receive } from '../onramp/receive.ts'
import { type Counterparty, openCounterparty } from '../onramp/refund-sources.ts'
import { hurrySessions } from '../onramp/session-store.ts'
import { findCustomerNames } from './customer-names.ts'
import { dropNames } from './matching/payment-names.ts'
import { judgeAgain } from './matching/record-judgements.ts'
import { suspenseOf } from './record-lines.ts'
import { type CustomerName, isSamePerson } from './same-person.ts'

/** The line that is matched, as its row has it. */
export interface MatchedLine {
  iban: string
  id: string
  bookedAt: Date
  currency: string
  counterpartySealed: Buffer
  payerIndex: Buffer | null
}

/** So much of a line is for a payment. */
export interface NewMatch {
  line: MatchedLine
  payment: Payment
  /** Base units of the line's currency, above zero. */
  units: bigint
  /** `automatic`, `integration` or `operator`. */
  matchedBy: string
  /** Stored with the line, see `bank_transactions.match_reasons`. */
  reasons: readonly string[]
  /** 0 to 100; null where a person decided. */
  score: number | null
  /** Who paid, where the caller has opened it. */
  payer?: Counterparty
  /** Whether the payer is the customer (`isSamePerson`), where the caller knows. */
  samePerson?: boolean
}

type Needs = Pick<App, 'secrets' | 'pricing'>

/**
 * Books that lines, or parts of them, are for payments: the one way from suspense to a customer, whoever found it out.
 * The caller holds the locks of the payments (`lockPayments`) and of the lines, in this order, has seen that each line
 * has as much left and the payment's currency, and that no match of the same pair is alive, and ends with `writeMatched`.
 * The database refuses more than a line has. `names` are the customers' by payment, where the caller has them already.
 */
export async function bookMatches(
  app: Needs,
  trx: Trx,
  changes: PaymentChanges,
  payments: ReadonlyMap<string, Payment>,
  matches: readonly NewMatch[],
  names?: ReadonlyMap<string, CustomerName | null>,
): Promise<void> {
  if (matches.length === 0) return
  // Before the lines change: a match refers to its line, which would be locked anew for it.
  const rounds = await insertMatches(trx, matches, changes.now)
  await takeFromLines(trx, matches)
  const unsure = matches.filter(({ samePerson }) => samePerson === undefined)
  const customers =
    names ??
    (await findCustomerNames(
      trx,
      app,
      unsure.map(({ payment }) => payment),
    ))
  await receive(app, trx, changes, payments, describeArrivals(app, matches, rounds, customers))
  await recordStates(trx, matches)
  const ids = matches.map(({ payment }) => payment.id)
  await hurrySessions(trx, ids, changes.now)
}

/** Ends a transaction that booked matches, or saw that there are none: writes what they changed of anything else. */
export async function writeMatched(
  trx: Trx,
  changes: PaymentChanges,
  matches: readonly NewMatch[],
): Promise<void> {
  const payments = [...new Set(matches.map(({ payment }) => payment))]
  await dropNames(trx, payments)
  // What was proposed for them may be for others now.
  await judgeAgain(
    trx,
    payments.map(({ id }) => id),
    changes.now,
  )
  await writeChanges(trx, changes)
  // Last: other batches have the same payers, and wait for whoever has named them until it is committed.
  await rememberPayers(trx, matches, changes.now)
}

/** The purpose of a match's journal; one that was undone before has another. */
export const matchPurpose = (
  paymentId: string,
  { iban, id }: Pick<MatchedLine, 'iban' | 'id'>,
  round: number,
): string => `payment:${paymentId}:matched:${iban}:${id}${round > 1 ? `:${round}` : ''}`

async function takeFromLines(trx: Trx, matches: readonly NewMatch[]): Promise<void> {
  const lines = [...Map.groupBy(matches, ({ line }) => lineKey(line)).values()].map((parts) => ({
    ...parts.at(-1)!,
    units: parts.reduce((sum, { units }) => sum + units, 0n),
  }))
  // A part that is left waits for a person; what was proposed for the line is for the rest of it no more.
  await sql`
    with given as (
      select * from unnest(
        ${lines.map(({ line }) => line.iban)}::text[], ${lines.map(({ line }) => line.id)}::text[],
        ${lines.map(({ units }) => units.toString())}::numeric[],
        ${lines.map(({ reasons }) => JSON.stringify(reasons))}::jsonb[],
        ${lines.map(({ score }) => score)}::smallint[]) given (iban, id, units, reasons, score)
    ), unproposed as (
      delete from bank_suggestions using given
       where bank_suggestions.iban = given.iban and bank_suggestions.transaction_id = given.id
    )
    update bank_transactions lines
       set matched_units = lines.matched_units + given.units, match_reasons = given.reasons,
           match_score = given.score, due_at = null, lease_until = null,
           state = case when lines.matched_units + given.units = lines.units then 'matched' else 'unmatched' end
      from given where lines.iban = given.iban and lines.id = given.id`.execute(trx)
}

/** Answers each match's round, in their order. */
async function insertMatches(trx: Trx, matches: readonly NewMatch[], now: Date): Promise<number[]> {
  const { rows } = await sql<{ iban: string; transactionId: string; paymentId: string; round: number }>`
    insert into bank_matches as known (iban, transaction_id, integration_id, payment_id, units, matched_by,
                                       difference_units, state_before, deadline_before, booked_at, created_at)
    select given.*, ${now}
      from unnest(
        ${matches.map(({ line }) => line.iban)}::text[], ${matches.map(({ line }) => line.id)}::text[],
        ${matches.map(({ payment }) => payment.integrationId)}::integer[],
        ${matches.map(({ payment }) => payment.id)}::text[],
        ${matches.map(({ units }) => units.toString())}::numeric[],
        ${matches.map(({ matchedBy }) => matchedBy)}::text[],
        ${differencesOf(matches).map(String)}::numeric[],
        ${matches.map(({ payment }) => payment.state)}::text[],
        ${matches.map(({ payment }) => payment.expiresAt)}::timestamptz[],
        ${matches.map(({ line }) => line.bookedAt)}::timestamptz[]) given
    on conflict (iban, transaction_id, integration_id, payment_id) do update
       set units = excluded.units, matched_by = excluded.matched_by, difference_units = excluded.difference_units,
           payment_state = excluded.payment_state, state_before = excluded.state_before, deadline_before = excluded.deadline_before,
           round = known.round + 1, created_at = excluded.created_at
     where known.units = 0
    returning iban, transaction_id, payment_id, round`.execute(trx)
  const rounds = new Map(
    rows.map(({ iban, transactionId, paymentId, round }) => [`${iban} ${transactionId} ${paymentId}`, round]),
  )
  return matches.map(({ line, payment }) => {
    const round = rounds.get(`${lineKey(line)} ${payment.id}`)
    if (round === undefined) throw new Error(`Line ${line.id} is matched to payment ${payment.id} already.`)
    return round
  })
}

/** By how much each match leaves its payment above or below what was asked. */
function differencesOf(matches: readonly NewMatch[]): bigint[] {
  const came = new Map<string, bigint>()
  return matches.map(({ payment, units }) => {
    const before = came.get(payment.id) ?? 0n
    came.set(payment.id, before + units)
    return differenceOf(payment, before + units)
  })
}

/** By how much a payment is above or below what was asked when `units` more come; what went back doesn't count. */
export const differenceOf = (
  { receivedUnits, refundedUnits, fiatUnits }: Pick<Payment, 'receivedUnits' | 'refundedUnits' | 'fiatUnits'>,
  units: bigint,
): bigint => receivedUnits - refundedUnits + units - fiatUnits

/** Whoever paid for a customer is known again: it tells whose payment a later line is for. */
export async function rememberPayers(
  trx: Trx,
  matches: readonly { line: Pick<MatchedLine, 'payerIndex'>; payment: Payment }[],
  now: Date,
): Promise<void> {
  const known = Map.groupBy(
    matches.filter(({ line }) => line.payerIndex !== null),
    ({ line, payment }) =>
      `${payment.integrationId} ${payment.customerId} ${line.payerIndex!.toString('base64')}`,
  )
  const payers = [...known].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, same]) => same)
  if (payers.length === 0) return
  await sql`
    insert into known_payers as known (integration_id, payer_index, customer_id, payments, last_paid_at)
    select given.*, ${now}
      from unnest(${payers.map(([one]) => one!.payment.integrationId)}::integer[],
                  ${payers.map(([one]) => one!.line.payerIndex)}::bytea[],
                  ${payers.map(([one]) => String(one!.payment.customerId))}::text[],
                  ${payers.map(({ length }) => length)}::integer[]) given
    on conflict (integration_id, payer_index, customer_id) do update
       set payments = known.payments + excluded.payments, last_paid_at = excluded.last_paid_at`.execute(trx)
}

function describeArrivals(
  app: Pick<App, 'secrets'>,
  matches: readonly NewMatch[],
  rounds: readonly number[],
  names: ReadonlyMap<string, CustomerName | null>,
): Arrival[] {
  return matches.map(({ line, payment, units, payer, samePerson }, index) => {
    const { name, iban } = payer ?? openCounterparty(app.secrets, line.counterpartySealed)
    const customer = names.get(payment.id) ?? null
    return {
      paymentId: payment.id,
      units,
      bookedAt: line.bookedAt,
      fromAccount: suspenseOf(line.iban),
      purpose: matchPurpose(payment.id, line, rounds[index]!),
      kind: 'bank',
      payer: { name, iban, card_last4: null },
      thirdParty: !(samePerson ?? (customer !== null && isSamePerson(customer, name))),
    }
  })
}

/** What became of the payments, for whoever asks again. */
async function recordStates(trx: Trx, all: readonly NewMatch[]): Promise<void> {
  // Nearly always the money is all there: that is what the row says from the beginning.
  const matches = all.filter(({ payment }) => payment.state !== 'payment_received')
  if (matches.length === 0) return
  await sql`
    update bank_matches set payment_state = given.state
      from unnest(${matches.map(({ line }) => line.iban)}::text[], ${matches.map(({ line }) => line.id)}::text[],
                  ${matches.map(({ payment }) => payment.integrationId)}::integer[],
                  ${matches.map(({ payment }) => payment.id)}::text[],
                  ${matches.map(({ payment }) => payment.state)}::text[])
           given (iban, transaction_id, integration_id, payment_id, state)
     where bank_matches.iban = given.iban and bank_matches.transaction_id = given.transaction_id
       and bank_matches.integration_id = given.integration_id
       and bank_matches.payment_id = given.payment_id`.execute(trx)
}

const lineKey = ({ iban, id }: Pick<MatchedLine, 'iban' | 'id'>): string => `${iban} ${id}`
