import { sql } from 'kysely'
import type { App } from '../../app.ts'
import type { Trx } from '../../db/database.ts'
import { findReversed, type Reversal } from './find-reversed.ts'
import { lockOwners } from './lock-owners.ts'
import { undoFor } from './undo-for.ts'

/** Of the staged row `l`: what it takes back is a credit that the same statement tells, and that nobody told of before. */
const TAKES_NEW = sql`
  l.direction = 'debit' and l.reversal_refs is not null and exists (
    select from told_lines c
     where c.direction = 'credit' and c.found = 'new' and c.units = l.units and l.reversal_refs ? c.ref)`

/** A reversal of a credit that is new is new itself, whatever else of that day and amount is known or missing. */
export async function keepReversalsNew(trx: Trx, iban: string): Promise<void> {
  await sql`
    update told_lines l set found = 'new', reason = null, same_as = null, known_id = null
     where ${TAKES_NEW}
       and (found = 'doubt' or (found = 'known' and exists (
             -- That one took another credit back.
             select from bank_transactions t where t.iban = ${iban} and t.id = l.known_id and t.reverses is not null)))`.execute(
    trx,
  )
}

/**
 * Locks what the staged reversals may change, before any line of the statement is: transfers, then payments, as
 * everywhere.
 */
export async function lockToldOwners(
  app: Pick<App, 'secrets'>,
  trx: Trx,
  statement: { iban: string; currency: string },
): Promise<void> {
  const credits: string[] = []
  for (const { told } of await readTold(trx, statement)) {
    const credit = await findReversed(app, trx, told)
    if (credit !== undefined) credits.push(credit)
  }
  await lockOwners(trx, statement.iban, credits)
}

/** What a known debit is told to be now, and what wasn't said of it before: it takes a credit back. */
export async function markKnownReversals(trx: Trx, iban: string): Promise<void> {
  await sql`
    update bank_transactions t set reversal_refs = l.reversal_refs, reversal = 'waits'
      from told_lines l
     where l.found = 'known' and l.direction = 'debit' and l.reversal_refs is not null
       and t.iban = ${iban} and t.id = l.known_id and t.reversal is null
       and t.transfer_ref is null and t.state = 'unmatched' and t.matched_units = 0`.execute(trx)
}

/**
 * A credit that may have been taken back is nobody's until it is known whether that is so: what it was matched as is
 * undone where nothing has left, and nobody is given it. Answers what to do after the commit.
 */
export async function holdDoubtful(
  app: Pick<App, 'clock' | 'config' | 'secrets' | 'wake' | 'pageNews'>,
  trx: Trx,
  statement: { iban: string; currency: string },
): Promise<() => void> {
  const { iban } = statement
  const afters: (() => void)[] = []
  for (const { told, found, sameAs } of await readTold(trx, statement)) {
    const credit = found === 'doubt' ? await findReversed(app, trx, told) : undefined
    if (credit === undefined) continue
    const doubt = sameAs ?? told.id
    await sql`
      update bank_doubts set reverses = ${credit} where iban = ${iban} and id = ${doubt} and reverses is null`.execute(
      trx,
    )
    const reason = `The bank may have taken it back: doubt ${doubt}.`
    await lockOwners(trx, iban, [credit])
    for (const paymentId of await findPayments(trx, iban, credit)) {
      const change = { who: 'bank', why: reason }
      const match = { iban, transactionId: credit, paymentId }
      const undone = await undoFor(app, trx, match, { change, reason })
      if (undone) afters.push(undone)
    }
    await sql`
      with unproposed as (delete from bank_suggestions where iban = ${iban} and transaction_id = ${credit})
      update bank_transactions
         set due_at = null, lease_until = null, state = 'unmatched', match_score = null,
             match_reasons = ${JSON.stringify([reason])}::jsonb
       where iban = ${iban} and id = ${credit} and matched_units = 0`.execute(trx)
  }
  return () => {
    for (const after of afters) after()
  }
}

async function findPayments(trx: Trx, iban: string, credit: string): Promise<string[]> {
  const { rows } = await sql<{ paymentId: string }>`
    select payment_id from bank_matches
     where iban = ${iban} and transaction_id = ${credit} and units > 0 order by payment_id`.execute(trx)
  return rows.map(({ paymentId }) => paymentId)
}

interface Told {
  told: Reversal
  found: 'new' | 'known' | 'doubt'
  sameAs: string | null
}

async function readTold(trx: Trx, { iban, currency }: { iban: string; currency: string }): Promise<Told[]> {
  const { rows } = await sql<Omit<Reversal, 'iban' | 'currency'> & Pick<Told, 'found' | 'sameAs'>>`
    select id, units, booked_on, reversal_refs, payer_index, counterparty_sealed, concept, end_to_end_id, found, same_as
      from told_lines where direction = 'debit' and reversal_refs is not null and transfer_ref is null
     order by number`.execute(trx)
  return rows.map(({ found, sameAs, ...row }) => ({ told: { ...row, iban, currency }, found, sameAs }))
}
