import { type RawBuilder, sql } from 'kysely'
import type { Db, Trx } from '../db/database.ts'

/** One signed entry: debit is +, credit is −. Units are the asset's base units. */
export interface Posting {
  account: string
  asset: string
  units: bigint
}

/** What happened, with its entries; per asset they sum to zero. */
export interface Journal {
  kind: string
  /** What it is for, e.g. `payment:<id>:conversion`; the same purpose is never booked twice. */
  purpose: string
  integrationId: number | null
  reference: string | null
  at: Date
  postings: Posting[]
}

/** Thrown before anything is sent to the database; the database itself would refuse it as well. */
export class UnbalancedJournal extends Error {}

/** Appends one journal. See `bookAll`. */
export async function book(trx: Trx, journal: Journal): Promise<void> {
  await bookAll(trx, [journal])
}

/**
 * Appends journals in one statement. Zero postings are left out, as they say nothing. A journal that doesn't sum to
 * zero is refused here and by the database; a purpose that was booked before fails the transaction
 * (`unique_violation` on journals_purpose_key).
 */
export async function bookAll(trx: Trx, journals: readonly Journal[]): Promise<void> {
  const filled = journals
    .map((journal) => ({ ...journal, postings: journal.postings.filter((posting) => posting.units !== 0n) }))
    .filter((journal) => journal.postings.length > 0)
  if (filled.length === 0) return
  for (const journal of filled) refuseUnbalanced(journal)
  const lines = filled.flatMap((journal, at) =>
    journal.postings.map((posting, line) => ({ ...posting, line, at: at + 1 })),
  )
  // Entries name their journal by its place: its purpose is long, and would be sent and compared with each.
  await sql`
    with given as (
      select * from unnest(
        ${filled.map((journal) => journal.kind)}::text[], ${filled.map((journal) => journal.purpose)}::text[],
        ${filled.map((journal) => journal.integrationId)}::integer[], ${filled.map((journal) => journal.reference)}::text[],
        ${filled.map((journal) => journal.at)}::timestamptz[])
        with ordinality as given (kind, purpose, integration_id, reference, at, place)
    ), booked as (
      insert into journals (kind, purpose, integration_id, reference, at)
      select kind, purpose, integration_id, reference, at from given order by place
      returning id, purpose
    ), unsealed as (
      insert into unsealed_journals (journal_id) select id from booked
    )
    insert into postings (journal_id, line, account, asset, units)
    select booked.id, entry.line, entry.account, entry.asset, entry.units
    from unnest(
      ${lines.map((line) => line.at)}::integer[], ${lines.map((line) => line.line)}::smallint[],
      ${lines.map((line) => line.account)}::text[], ${lines.map((line) => line.asset)}::text[],
      ${lines.map((line) => line.units.toString())}::numeric[]) as entry (place, line, account, asset, units)
    join given on given.place = entry.place
    join booked on booked.purpose = given.purpose`.execute(trx)
}

/**
 * Appends a journal of two entries for each row that `rows` selects, in its order, in one statement and without sending them
 * here: `kind`, `purpose`, `reference`, `at`, `debit` and `credit` (the accounts), `asset`, and `units`. Rows of zero are left out;
 * fails as `bookAll` does.
 */
export async function bookSelected(trx: Trx, rows: RawBuilder<unknown>): Promise<void> {
  await sql`
    with given as materialized (${rows}), booked as (
      insert into journals (kind, purpose, integration_id, reference, at)
      select kind, purpose, null, reference, at from given where units <> 0
      returning id, purpose
    ), unsealed as (
      insert into unsealed_journals (journal_id) select id from booked
    )
    insert into postings (journal_id, line, account, asset, units)
    select booked.id, entry.line, entry.account, given.asset, entry.units
      from given join booked using (purpose),
           lateral (values (0, given.debit, given.units), (1, given.credit, -given.units)) entry (line, account, units)`.execute(
    trx,
  )
}

function refuseUnbalanced(journal: Journal): void {
  const sums = new Map<string, bigint>()
  for (const { asset, units } of journal.postings) sums.set(asset, (sums.get(asset) ?? 0n) + units)
  for (const [asset, sum] of sums) {
    if (sum !== 0n)
      throw new UnbalancedJournal(`Journal ${journal.purpose} sums to ${sum} in ${asset}, not to zero.`)
  }
}

/**
 * The account's sum in base units. For accounts that many journals touch it is the sealed checkpoint plus the few
 * journals that aren't sealed yet; a customer's account has a handful of entries, which are summed as they are.
 */
export async function balanceOf(db: Db | Trx, account: string, asset: string): Promise<bigint> {
  const { rows } = await sql<{
    units: bigint
  }>`${isCheckpointed(account) ? sumFromCheckpoint(account, asset) : sumOf(account, asset)}`.execute(db)
  return rows[0]?.units ?? 0n
}

/** Whether the sealing lane keeps a checkpoint for this account. */
export const isCheckpointed = (account: string): boolean => !account.startsWith(CUSTOMER_ACCOUNTS)

export const CUSTOMER_ACCOUNTS = 'customer:'

/**
 * For a `where` on postings beside `account = …`: that it is one of the accounts whose entries are found by it, those of customers,
 * of wallets and at banks. In the words of the index, `postings_of_account`.
 */
export const IS_INDEXED = sql<boolean>`split_part(account, ':', 1) in ('customer', 'wallet', 'bank')`

const sumOf = (account: string, asset: string) => sql`
  select coalesce(sum(units), 0) as units from postings where account = ${account} and asset = ${asset} and ${IS_INDEXED}`

/**
 * To select from: the entries that no checkpoint carries yet, found journal by journal. Few journals wait to be sealed; a planner
 * that believes otherwise, as just after a busy minute, would read all entries there are.
 */
export const UNSEALED_POSTINGS = sql`
  (select p.* from unsealed_journals u
    cross join lateral (select * from postings where journal_id = u.journal_id offset 0) p)`

/** The sum of an account that isn't a customer's, to be read with others in one statement; also of columns of it. */
export const sumFromCheckpoint = (
  account: string | RawBuilder<unknown>,
  asset: string | RawBuilder<unknown>,
) => sql`
  select coalesce((select units from balance_checkpoints where account = ${account} and asset = ${asset}), 0)
       + coalesce((select sum(p.units) from ${UNSEALED_POSTINGS} p
                    where p.account = ${account} and p.asset = ${asset}), 0) as units`
