import { sql } from 'kysely'
import type { App } from '../app.ts'
import type { Trx } from '../db/database.ts'
import { recheckShort } from '../effects/payout-store.ts'
import { bookSelected } from '../ledger/book.ts'
import { divideSums } from './batches/divide-sums.ts'
import { findKnownBatches } from './batches/find-known-batches.ts'
import { holdLikelyBatches } from './batches/hold-likely-batches.ts'
import { insertBatches } from './batches/told-batches.ts'
import { completeTold } from './complete-payers.ts'
import { findKnownLines } from './find-known-lines.ts'
import { holdOtherDays } from './hold-other-days.ts'
import { settleDoubts } from './line-doubts.ts'
import { addToKnown, nameTransfers } from './name-transfers.ts'
import { bankLineJournals } from './record-lines.ts'
import { settleReversals } from './reversals/settle-reversals.ts'
import {
  holdDoubtful,
  keepReversalsNew,
  lockToldOwners,
  markKnownReversals,
} from './reversals/told-reversals.ts'
import { findExtent, findGap, proveNeighbours, type StatementExtent } from './statement-extent.ts'
import { findToldDoubts } from './told-doubts.ts'
import { askAboutTaken, lockToldOrders, markGivenUpLines, reviewGivenUp } from './unexpected-debits.ts'

/** Lines that are booked at a time. */
const CHUNK = 10_000
/** So many lines that a statement doesn't hold are named one by one. */
const MOST_NAMED = 50

type Needs = Pick<App, 'db' | 'clock' | 'secrets' | 'config' | 'wake' | 'log' | 'pageNews'>

/** One statement whose lines stand in the stage and that agrees with itself. */
export interface StagedStatement {
  importId: string
  /** From 1, in the file. */
  position: number
  /** Such as `camt.053`. */
  toldBy: string
  iban: string
  currency: string
  statementRef: string | null
  fromOn: string | null
  toOn: string | null
  openingUnits: bigint | null
  closingUnits: bigint | null
  complete: boolean
  lines: number
}

/** What a person should know of a statement that was taken. Units are base units of the account's currency. */
export type StatementFinding =
  /** The statement before it closed otherwise than this one opens: one is missing between them. */
  | { kind: 'gap'; closingUnits: string; closedOn: string; openingUnits: string }
  /** A known line of its days that it doesn't hold. */
  | { kind: 'not_on_statement'; transactionId: string; bookedOn: string; direction: string; units: string }
  /** Only the first of these are named. */
  | { kind: 'not_on_statement_more'; count: number }

export interface SettledStatement extends StagedStatement {
  added: number
  /** Lines that were known before. */
  known: number
  /** Lines that may be known ones: they wait for a person, or for a statement that tells. */
  doubts: number
  findings: StatementFinding[]
  /** What to do when all is committed. */
  after: () => void
}

/** Finds which staged lines are new, books these, and remembers which line each of them is. */
export async function settleStatement(
  app: Needs,
  trx: Trx,
  statement: StagedStatement,
): Promise<SettledStatement> {
  const extent = await findExtent(trx, statement, app.clock.now())
  await insertStatement(trx, statement, extent)
  await findKnownBatches(app, trx, statement)
  await findKnownLines(app, trx, statement, extent)
  await holdLikelyBatches(trx, statement)
  await holdOtherDays(app, trx, statement, extent)
  await findToldDoubts(trx, statement, extent)
  await keepReversalsNew(trx, statement.iban)
  const taken = await lockToldOrders(trx, statement)
  await nameTransfers(trx, statement)
  await lockToldOwners(app, trx, statement)
  await insertFound(app, trx, statement)
  // So many lines of an account that the planner knows little of: it would look for each among all of them.
  // Whoever vacuums it just now is not waited for: the books are locked.
  if (statement.lines > CHUNK) await sql`analyze (skip_locked) bank_transactions`.execute(trx)
  const divided = await divideTold(app, trx, statement)
  await addToKnown(trx, statement, app.clock.now())
  const givenUp = taken.filter(({ state }) => state === 'cancelled')
  await askAboutTaken(trx, taken, app.clock.now())
  await markGivenUpLines(trx, statement.iban, givenUp)
  const reviewed = await reviewGivenUp(app, trx, givenUp)
  await completeTold(app, trx, statement.iban)
  const findings = await findFindings(trx, statement, extent)
  const counts = await countFound(trx, statement, findings)
  if (statement.complete) await proveNeighbours(trx, statement, extent)
  await settleDoubts(app, trx, statement.iban)
  await markKnownReversals(trx, statement.iban)
  const reversed = await settleReversals(app, trx, statement.iban)
  const held = await holdDoubtful(app, trx, statement)
  const after = (): void => {
    reviewed()
    divided()
    reversed()
    held()
  }
  return { ...statement, ...counts, findings, after }
}

/** Transfers whose sum was divided for them are booked with the statement. */
async function divideTold(app: Needs, trx: Trx, statement: StagedStatement): Promise<() => void> {
  const { booked, after } = await divideSums(app, trx, statement)
  if (booked.length === 0) return after
  await sql`
    update told_lines set found = case when same_as is null then 'new' else 'known' end, known_id = same_as, reason = null
     where coalesce(same_as, id) = any(${booked}::text[])`.execute(trx)
  return after
}

async function insertStatement(
  trx: Trx,
  { importId, position, iban, currency, statementRef, lines, ...statement }: StagedStatement,
  { firstOn, lastOn, wholeFrom, wholeTo }: StatementExtent,
): Promise<void> {
  await trx
    .insertInto('statements')
    .values({
      importId,
      position,
      iban,
      currency,
      statementRef,
      fromOn: firstOn,
      toOn: lastOn,
      openingUnits: statement.openingUnits,
      closingUnits: statement.closingUnits,
      lines,
      added: 0,
      complete: statement.complete,
      wholeFrom,
      wholeTo,
    })
    .execute()
}

async function insertFound(app: Needs, trx: Trx, statement: StagedStatement): Promise<void> {
  const { importId, position, iban, currency, toldBy } = statement
  const now = app.clock.now()
  const ref = sql`${importId}::text || '/' || ${position}::integer || '/' || number`
  await sql`
    insert into bank_transactions (iban, id, bank_ref, booked_at, booked_on, value_date, direction, units, currency,
                                   counterparty_sealed, payer_index, concept, end_to_end_id, transfer_ref, return_code,
                                   return_text, reversal_refs, reversal, import_id, import_line, state, due_at, created_at)
    select ${iban}, id, ${ref}, booked_at, booked_on, value_date, direction, units, ${currency}, counterparty_sealed,
           payer_index, concept, end_to_end_id, transfer_ref, return_code, return_text, reversal_refs,
           case when reversal_refs is not null and transfer_ref is null then 'waits' end, ${importId}, import_line,
           case when direction = 'debit' and transfer_ref is not null then 'matched' else 'unmatched' end,
           case when direction = 'credit' then ${now}::timestamptz end, ${now}
      from told_lines where found = 'new' order by number`.execute(trx)
  await sql`
    insert into statement_lines (import_id, position, number, iban, transaction_id, ref, print, told_on)
    select ${importId}, ${position}, l.number, ${iban}, coalesce(l.known_id, l.id), l.ref, l.print,
           case when l.known_id is not null
                 and l.booked_on <> (select booked_on from bank_transactions where iban = ${iban} and id = l.known_id)
                then l.booked_on end
      from told_lines l where l.found <> 'doubt' order by l.number`.execute(trx)
  await sql`
    insert into bank_doubts (iban, id, told_by, import_id, position, number, import_line, bank_ref, booked_at, booked_on,
                             value_date, direction, units, currency, counterparty_sealed, payer_index, concept,
                             end_to_end_id, transfer_ref, return_code, return_text, reversal_refs, print, reason, state,
                             same_as, created_at)
    select ${iban}, id, ${toldBy}, ${importId}, ${position}, number, import_line, ref, booked_at, booked_on, value_date,
           direction, units, ${currency}, counterparty_sealed, payer_index, concept, end_to_end_id, transfer_ref,
           return_code, return_text, reversal_refs, print, reason, case when same_as is null then 'open' else 'again' end, same_as, ${now}
      from told_lines where found = 'doubt'`.execute(trx)
  await insertBatches(trx, statement)
  await bookNew(trx, statement, now)
}

async function bookNew(
  trx: Trx,
  { importId, position, iban, currency }: StagedStatement,
  now: Date,
): Promise<void> {
  const ref = sql`${importId}::text || '/' || ${position}::integer || '/' || number`
  const { rows } = await sql<{ last: number | null; credited: boolean }>`
    select max(number) as last, coalesce(bool_or(direction = 'credit'), false) as credited
      from told_lines where found = 'new'`.execute(trx)
  const { last, credited } = rows[0]!
  for (let after = 0; after < (last ?? 0); after += CHUNK) {
    await bookSelected(
      trx,
      sql`select ${bankLineJournals({ iban, currency }, now)}
            from (select number, ${ref} as ref, direction, units, transfer_ref from told_lines
                   where found = 'new' and number > ${after}::integer and number <= ${after + CHUNK}::integer) l
           order by number`,
    )
  }
  if (credited) await recheckShort(trx, [iban], now)
}

async function findFindings(
  trx: Trx,
  statement: StagedStatement,
  extent: StatementExtent,
): Promise<StatementFinding[]> {
  if (!statement.complete) return []
  const gap = await findGap(trx, statement, extent)
  const findings: StatementFinding[] = gap ? [{ kind: 'gap', ...gap }] : []
  const { rows } = await sql<{
    id: string
    bookedOn: string
    direction: string
    units: bigint
    count: number
  }>`
    select id, booked_on, direction, units, count(*) over () as count
      from (select distinct on (id) * from known_lines
             where apart = 'no' and booked_on between ${extent.firstOn}::date and ${extent.lastOn}::date) known
     where not exists (select from told_lines l where l.known_id = known.id)
     order by booked_on, id limit ${MOST_NAMED}`.execute(trx)
  for (const { id, bookedOn, direction, units } of rows) {
    findings.push({
      kind: 'not_on_statement',
      transactionId: id,
      bookedOn,
      direction,
      units: units.toString(),
    })
  }
  const more = (rows[0]?.count ?? 0) - rows.length
  return more > 0 ? [...findings, { kind: 'not_on_statement_more', count: more }] : findings
}

async function countFound(
  trx: Trx,
  { importId, position }: StagedStatement,
  findings: readonly StatementFinding[],
): Promise<{ added: number; known: number; doubts: number }> {
  const { rows } = await sql<{ added: number; known: number; doubts: number }>`
    select count(*) filter (where found = 'new') as added, count(*) filter (where found = 'known') as known,
           count(*) filter (where found = 'doubt') as doubts from told_lines`.execute(trx)
  const counts = rows[0]!
  await sql`
    update statements set added = ${counts.added}, doubts = ${counts.doubts}, findings = ${JSON.stringify(findings)}::jsonb
     where import_id = ${importId} and position = ${position}`.execute(trx)
  return counts
}
