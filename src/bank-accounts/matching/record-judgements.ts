import { sql } from 'kysely'
import type { Trx } from '../../db/database.ts'
import { LINE_COLUMNS, type Line, type ScoredCandidate } from './find-candidates.ts'

/** What becomes of a line that is not matched now. */
export interface Judgement {
  line: Line
  state: 'unmatched' | 'suggested'
  reasons: readonly string[]
  /** Of the best candidate; null when the line was not judged. */
  score: number | null
  /** When it is looked at again; null: when a person or another line changes something. */
  dueAt: Date | null
  /** For a person to choose from, best first. */
  suggestions: readonly ScoredCandidate[]
}

/** Locks lines that nobody has matched meanwhile, such as a person, in the order in which the money came. */
export async function lockOpenLines(
  trx: Trx,
  lines: readonly Pick<Line, 'iban' | 'id' | 'bookedAt'>[],
): Promise<Line[]> {
  const sorted = lines.toSorted(
    (a, b) => a.bookedAt.getTime() - b.bookedAt.getTime() || (a.id < b.id ? -1 : 1),
  )
  // One by one through their key, and only by it: that few lines are due the planner may believe when it reads all of them for each.
  const { rows } = await sql<Line>`
    select locked.*
      from unnest(${sorted.map(({ iban }) => iban)}::text[], ${sorted.map(({ id }) => id)}::text[]) given (iban, id),
           lateral (select ${LINE_COLUMNS} from bank_transactions lines
                     where lines.iban = given.iban and lines.id = given.id for update) locked`.execute(trx)
  return rows.filter(({ matchedUnits, dueAt }) => matchedUnits === 0n && dueAt !== null)
}

/** Writes what was found of locked lines; what was suggested for them before is replaced. */
export async function recordJudgements(trx: Trx, judgements: readonly Judgement[]): Promise<void> {
  if (judgements.length === 0) return
  await sql`
    with given as (
      select * from unnest(
        ${judgements.map(({ line }) => line.iban)}::text[], ${judgements.map(({ line }) => line.id)}::text[],
        ${judgements.map(({ state }) => state)}::text[], ${judgements.map(({ score }) => score)}::smallint[],
        ${judgements.map(({ reasons }) => JSON.stringify(reasons))}::jsonb[],
        ${judgements.map(({ dueAt }) => dueAt)}::timestamptz[]) given (iban, id, state, score, reasons, due_at)
    ), unproposed as (
      delete from bank_suggestions using given
       where bank_suggestions.iban = given.iban and bank_suggestions.transaction_id = given.id
    )
    update bank_transactions lines
       set state = given.state, match_score = given.score, match_reasons = given.reasons, due_at = given.due_at,
           lease_until = null
      from given where lines.iban = given.iban and lines.id = given.id`.execute(trx)
  const proposed = judgements.flatMap(({ line, suggestions }) => suggestions.map((one) => ({ line, ...one })))
  if (proposed.length === 0) return
  await sql`
    insert into bank_suggestions (iban, transaction_id, integration_id, payment_id, score, reasons, payment_state)
    select * from unnest(
      ${proposed.map(({ line }) => line.iban)}::text[], ${proposed.map(({ line }) => line.id)}::text[],
      ${proposed.map(({ candidate }) => candidate.integrationId)}::integer[],
      ${proposed.map(({ candidate }) => candidate.paymentId)}::text[],
      ${proposed.map(({ score }) => score)}::smallint[],
      ${proposed.map(({ reasons }) => JSON.stringify(reasons))}::jsonb[],
      ${proposed.map(({ candidate }) => candidate.state)}::text[])`.execute(trx)
}

/** Lines for which these payments are proposed are judged again: money came for them, or they ended. */
export async function judgeAgain(trx: Trx, paymentIds: readonly string[], now: Date): Promise<void> {
  if (paymentIds.length === 0) return
  // By the payments first, and each line by its key: that few lines are proposed anything the planner can't know.
  await sql`
    with proposed as materialized (
      select distinct iban, transaction_id as id from bank_suggestions where payment_id = any(${[...paymentIds]}::text[])
    ), again as (
      select lines.iban, lines.id
        from proposed, lateral (select iban, id from bank_transactions
                                 where iban = proposed.iban and id = proposed.id and state = 'suggested' and due_at is null
                                   for update skip locked) lines
    )
    update bank_transactions set due_at = ${now} from again
     where bank_transactions.iban = again.iban and bank_transactions.id = again.id`.execute(trx)
}
