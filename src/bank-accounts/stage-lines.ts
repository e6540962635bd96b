import { sql } from 'kysely'
import type { App } from '../app.ts'
import type { Trx } from '../db/database.ts'
import { randomTexts } from '../kernel/ids.ts'
import { COUNTERPARTY_PURPOSE, type Counterparty } from '../onramp/refund-sources.ts'
import { createBatchStage, emptyBatchStage, stageMarks } from './batches/told-batches.ts'
import { payersReference, plain } from './compare-words.ts'
import { payerIndex } from './record-lines.ts'
import type { StatementLine } from './statements/statement.ts'

/** Enough that few statements are sent, little enough to hold. */
const CHUNK = 2_000
const PRINT_BYTES = 16

/** What one statement tells, line by line, before it is known which lines are new; gone with the transaction. */
export async function createStage(trx: Trx): Promise<void> {
  await sql`
    create temporary table told_lines (
      number integer primary key, import_line integer not null, id text not null, ref text, booked_at timestamptz not null,
      booked_on date not null, value_date date not null, direction text not null, units numeric(78,0) not null,
      concept text not null, end_to_end_id text, counterparty_sealed bytea not null, payer_index bytea,
      return_code text, return_text text, transfer_ref text, reversal_refs jsonb, print bytea not null,
      found text not null default 'new', known_id text, reason text,
      settled boolean not null default false, same_as text
    ) on commit drop`.execute(trx)
  await sql`create index on told_lines (direction, units, booked_on)`.execute(trx)
  await sql`create index on told_lines (known_id) where known_id is not null`.execute(trx)
  await sql`
    create temporary table known_lines (
      id text not null, direction text not null, units numeric(78,0) not null, day date not null, booked_on date not null,
      end_to_end_id text, concept text not null, payer_index bytea, counterparty_sealed bytea not null,
      names jsonb not null, prints text[] not null, likely boolean not null, booked_at timestamptz not null,
      days integer not null, last_day date not null, apart text not null, part_of text, divided boolean not null
    ) on commit drop`.execute(trx)
  await sql`create index on known_lines (direction, units, day)`.execute(trx)
  await sql`
    create temporary table near_keys (
      id text not null, direction text not null, units numeric(78,0) not null, booked_on date not null, key text not null
    ) on commit drop`.execute(trx)
  await sql`create index on near_keys (direction, units, key)`.execute(trx)
  await createBatchStage(trx)
}

export async function emptyStage(trx: Trx, lines: number): Promise<void> {
  // To truncate costs more than to delete a few.
  if (lines > CHUNK) await sql`truncate told_lines, known_lines`.execute(trx)
  else await sql`with gone as (delete from told_lines) delete from known_lines`.execute(trx)
  await emptyBatchStage(trx)
}

/** Takes a statement's lines one by one and sends them to the stage by the chunk. */
export function stageLines(
  { clock, secrets }: Pick<App, 'clock' | 'secrets'>,
  trx: Trx,
): { add(line: StatementLine): Promise<void>; end(): Promise<number> } {
  let waiting: { line: StatementLine; number: number }[] = []
  let count = 0
  const now = clock.now()
  const seal = (name: string, iban: string | null): Buffer =>
    secrets.seal(COUNTERPARTY_PURPOSE, JSON.stringify({ name, iban } satisfies Counterparty))
  const print = (line: StatementLine): Buffer =>
    secrets
      .index(
        'statement-line',
        JSON.stringify([
          plain(line.concept),
          payersReference(line.endToEndId),
          line.counterpartyIban,
          plain(line.counterpartyName),
          line.returnCode,
        ]),
      )
      .subarray(0, PRINT_BYTES)
  async function send(): Promise<void> {
    const rows = waiting
    waiting = []
    if (rows.length === 0) return
    const of = <Value>(value: (line: StatementLine) => Value): Value[] => rows.map(({ line }) => value(line))
    await sql`
      insert into told_lines (number, import_line, id, ref, booked_at, booked_on, value_date, direction, units, concept,
                              end_to_end_id, counterparty_sealed, payer_index, return_code, return_text, reversal_refs, print)
      select * from unnest(
        ${rows.map(({ number }) => number)}::integer[], ${of(({ place }) => place.line)}::integer[],
        ${randomTexts(rows.length, 25)}::text[], ${of(({ bankRef }) => bankRef)}::text[],
        ${of((line) => bookingTime(line, now))}::timestamptz[], ${of(({ bookedOn }) => bookedOn)}::date[],
        ${of(({ valueDate }) => valueDate)}::date[], ${of(({ direction }) => direction)}::text[],
        ${of(({ units }) => units.toString())}::numeric[], ${of(({ concept }) => concept)}::text[],
        ${of(({ endToEndId }) => endToEndId)}::text[],
        ${of(({ counterpartyName, counterpartyIban }) => seal(counterpartyName, counterpartyIban))}::bytea[],
        ${of(({ counterpartyIban }) => payerIndex(secrets, counterpartyIban))}::bytea[],
        ${of(({ returnCode }) => returnCode)}::text[], ${of(({ returnText }) => returnText)}::text[],
        ${of(({ reverses }) => (reverses === undefined ? null : JSON.stringify(reverses)))}::jsonb[],
        ${of(print)}::bytea[])`.execute(trx)
    await stageMarks(trx, rows)
  }
  // The file is read on while the database takes a chunk; what fails is thrown with the next one.
  let sending: Promise<void> = Promise.resolve()
  return {
    async add(line) {
      count += 1
      waiting.push({ line, number: count })
      if (waiting.length < CHUNK) return
      await sending
      sending = send()
      // Should the file fail first, its transaction ends with that.
      sending.catch(() => {})
    },
    async end() {
      await sending
      await send()
      // Without figures of its own the planner takes a table of any size for a small one.
      if (count > CHUNK) await sql`analyze told_lines`.execute(trx)
      return count
    },
  }
}

/**
 * When a line counts as booked. Where only the day is known it is the end of that day, or now if that is earlier: who
 * paid after a price had run out is not taken for one who paid before.
 */
export function bookingTime(
  { bookedAt, bookedOn }: Pick<StatementLine, 'bookedAt' | 'bookedOn'>,
  now: Date,
): Date {
  const at = bookedAt ?? new Date(`${bookedOn}T23:59:59.999Z`)
  return at < now ? at : now
}
