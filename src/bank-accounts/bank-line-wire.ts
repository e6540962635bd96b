import { sql } from 'kysely'
import { type Static, Type } from 'typebox'
import type { App } from '../app.ts'
import type { Db } from '../db/database.ts'
import { wireTime } from '../kernel/clock.ts'
import { formatAmount } from '../money/amount.ts'
import { assetOf } from '../money/asset.ts'
import { openCounterparty } from '../onramp/refund-sources.ts'
import { nullable, OneOf, WireTime } from '../server/fields.ts'
import type { OwnAccount } from './own-accounts.ts'

export const DIRECTIONS = ['credit', 'debit'] as const

const Exact = (description: string) => Type.String({ description, examples: ['100.00'] })
const Day = Type.String({ description: '`YYYY-MM-DD`', examples: ['2026-06-26'] })
const Score = nullable(Type.Integer({ description: '0 to 100; null where nothing was judged.' }))

/** A line of an account, as the list has it. */
export const BankTransactionObject = Type.Object({
  id: Type.String({ description: 'The `transaction_id` to reconcile it by.' }),
  iban: Type.String({ description: 'The account of yours.' }),
  booked_at: WireTime,
  value_date: Day,
  direction: OneOf(DIRECTIONS),
  amount: Exact('Of a shared account’s line: so much of it as is for your payments.'),
  currency: Type.String(),
  counterparty_name: Type.String(),
  counterparty_iban: nullable(Type.String({ description: 'Null where the bank does not tell it.' })),
  concept: Type.String({ description: 'What the sender wrote.' }),
  end_to_end_id: nullable(Type.String()),
  reconciled: Type.Boolean({ description: 'Nothing of it is left to be reconciled.' }),
  payment_id: nullable(
    Type.String({ description: 'The payment of yours that it is for; the first where it is divided.' }),
  ),
  match: Type.Object({
    state: OneOf(['unmatched', 'suggested', 'matched']),
    score: Score,
    reasons: Type.Array(Type.String(), { description: 'Why, in words.' }),
    payments: Type.Array(Type.Object({ payment_id: Type.String(), amount: Exact('Of this line.') }), {
      description: 'Payments of yours that it is for.',
    }),
    suggestions: Type.Array(
      Type.Object({
        payment_id: Type.String(),
        score: Type.Integer(),
        reasons: Type.Array(Type.String()),
      }),
      { description: 'Payments of yours that it may be for, the likeliest first.' },
    ),
  }),
})

export type BankTransaction = Static<typeof BankTransactionObject>

interface Row {
  id: string
  iban: string
  bookedAt: Date
  valueDate: string
  direction: 'credit' | 'debit'
  units: bigint
  currency: string
  counterpartySealed: Buffer
  concept: string
  endToEndId: string | null
  state: 'unmatched' | 'suggested' | 'matched' | 'returned' | 'divided'
  matchScore: number | null
  matchReasons: string[]
}

interface Match {
  transactionId: string
  paymentId: string
  units: bigint
}

interface Suggestion {
  transactionId: string
  paymentId: string
  score: number
  reasons: string[]
}

/** The lines of these ids of one account, as this integration sees them. */
export async function readLines(
  { db, secrets }: Pick<App, 'db' | 'secrets'>,
  integrationId: number,
  { iban, isShared }: Pick<OwnAccount, 'iban' | 'isShared'>,
  ids: readonly string[],
): Promise<Map<string, BankTransaction>> {
  if (ids.length === 0) return new Map()
  const of = { integrationId, iban, ids }
  const [{ rows }, matches, suggestions] = await Promise.all([
    sql<Row>`
      select id, iban, booked_at, value_date, direction, units, currency, counterparty_sealed, concept, end_to_end_id,
             state, match_score, match_reasons
        from bank_transactions where iban = ${iban} and id = any(${[...ids]}::text[])`.execute(db),
    readMatches(db, of),
    isShared ? [] : readSuggestions(db, of),
  ])
  const matched = Map.groupBy(matches, ({ transactionId }) => transactionId)
  const suggested = Map.groupBy(suggestions, ({ transactionId }) => transactionId)
  return new Map(
    rows.map((row) => [
      row.id,
      wireLine(secrets, row, {
        matches: matched.get(row.id) ?? [],
        suggestions: suggested.get(row.id) ?? [],
        isShared,
      }),
    ]),
  )
}

interface Lines {
  integrationId: number
  iban: string
  ids: readonly string[]
}

async function readMatches(db: Db, { integrationId, iban, ids }: Lines): Promise<Match[]> {
  const { rows } = await sql<Match>`
    select transaction_id, payment_id, units from bank_matches
     where iban = ${iban} and transaction_id = any(${[...ids]}::text[]) and integration_id = ${integrationId} and units > 0
     order by created_at, payment_id`.execute(db)
  return rows
}

async function readSuggestions(db: Db, { integrationId, iban, ids }: Lines): Promise<Suggestion[]> {
  const { rows } = await sql<Suggestion>`
    select transaction_id, payment_id, score, reasons from bank_suggestions
     where iban = ${iban} and transaction_id = any(${[...ids]}::text[]) and integration_id = ${integrationId}
     order by score desc, payment_id`.execute(db)
  return rows
}

function wireLine(
  secrets: App['secrets'],
  row: Row,
  { matches, suggestions, isShared }: { matches: Match[]; suggestions: Suggestion[]; isShared: boolean },
): BankTransaction {
  const text = (units: bigint) => formatAmount(units, assetOf(row.currency))
  const counterparty = openCounterparty(secrets, row.counterpartySealed)
  // Of a shared account's line the rest may be somebody else's: this integration's part is all that there is for it.
  const units = isShared ? matches.reduce((sum, one) => sum + one.units, 0n) : row.units
  const isMatched = isShared || (row.state !== 'unmatched' && row.state !== 'suggested')
  return {
    id: row.id,
    iban: row.iban,
    booked_at: wireTime(row.bookedAt),
    value_date: row.valueDate,
    direction: row.direction,
    amount: text(units),
    currency: row.currency,
    counterparty_name: counterparty.name,
    counterparty_iban: counterparty.iban,
    concept: row.concept,
    end_to_end_id: row.endToEndId,
    reconciled: isMatched,
    payment_id: matches[0]?.paymentId ?? null,
    match: {
      state: isMatched ? 'matched' : (row.state as 'unmatched' | 'suggested'),
      score: row.matchScore,
      reasons: row.matchReasons.map(tellReason),
      payments: matches.map((one) => ({ payment_id: one.paymentId, amount: text(one.units) })),
      suggestions: suggestions.map(({ paymentId, score, reasons }) => ({
        payment_id: paymentId,
        score,
        reasons,
      })),
    },
  }
}

/** What the operator's records name by a code, in words; the rest are words already. */
function tellReason(reason: string): string {
  if (reason.startsWith('return:')) return 'It gives back a transfer of the account.'
  if (reason.startsWith('debit:')) return 'The bank took it for an order of the account, but not as ordered.'
  if (reason.startsWith('refund_failed:')) return 'It could not be paid back.'
  return OWNERS[reason] ?? reason
}

const OWNERS: Readonly<Record<string, string>> = {
  concept: "The text holds the payment's number.",
  treasury: "It is the operator's own money.",
  cost: "It is a cost of the bank's.",
  divided: 'It is the sum of transfers that are transactions of their own.',
  settlement: 'A payment provider paid it out.',
  refund: 'What was left of it goes back to where it came from.',
}
