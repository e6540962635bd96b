import { sql } from 'kysely'
import type { App } from '../app.ts'
import type { Trx } from '../db/database.ts'
import type { Lane } from '../kernel/lanes.ts'
import type { Secrets } from '../kernel/secrets.ts'
import { CUSTOMER_ACCOUNTS } from './book.ts'
import { readJournalTexts } from './journal-texts.ts'
import { CHAIN_START, chainHash, hashJournal, type JournalText } from './seal-hash.ts'

const BATCH = 500
/** One sealer at a time in all processes: the chain has one end. */
const LOCK = 7_264_011
/** Nobody waits for it, and a batch of many costs less than many of one. */
const POLL_MS = 1_000

/**
 * Seals committed journals in a hash chain, some seconds after they were booked, and carries the balances forward
 * that many journals touch. What is changed, deleted or added behind the program's back is found by `verifyBooks`.
 */
export function sealLane({ db, secrets }: Pick<App, 'db' | 'secrets'>): Lane {
  return {
    name: 'ledger-seal',
    pollMs: POLL_MS,
    step: () => db.transaction().execute((trx) => sealBatch(trx, secrets)),
    // It follows no platform time: nothing that happens later is different for it.
    nextDue: async () => null,
  }
}

async function sealBatch(trx: Trx, secrets: Secrets): Promise<number> {
  const lock = await sql<{ taken: boolean }>`select pg_try_advisory_xact_lock(${LOCK}) as taken`.execute(trx)
  if (!lock.rows[0]?.taken) return 0
  // One that is gone before it was sealed stays in the list, where the verification finds it.
  const { rows } = await sql<{ journalId: number }>`
    delete from unsealed_journals where journal_id in (
      select journal_id from unsealed_journals
       where exists (select from journals where id = journal_id) order by journal_id limit ${BATCH})
    returning journal_id`.execute(trx)
  if (rows.length === 0) return 0
  const ids = rows.map(({ journalId }) => journalId)
  const journals = await readJournalTexts(trx, sql`(select unnest(${ids}::bigint[]))`)
  await appendSeals(trx, secrets, journals)
  return journals.length
}

async function appendSeals(trx: Trx, secrets: Secrets, journals: readonly JournalText[]): Promise<void> {
  const last = await trx
    .selectFrom('journalSeals')
    .select(['position', 'chainHash'])
    .orderBy('position', 'desc')
    .limit(1)
    .executeTakeFirst()
  let position = last?.position ?? 0
  let before = last?.chainHash ?? CHAIN_START
  const seals = journals.map((journal) => {
    const { header, lines } = hashJournal(secrets, journal)
    position += 1
    const seal = { position, journalId: journal.id, headerHash: header, lineHashes: Buffer.concat(lines) }
    before = chainHash(secrets, seal, before)
    return { ...seal, chainHash: before }
  })
  await sql`
    insert into journal_seals (position, journal_id, header_hash, line_hashes, chain_hash)
    select * from unnest(
      ${seals.map((seal) => seal.position)}::bigint[], ${seals.map((seal) => seal.journalId)}::bigint[],
      ${seals.map((seal) => seal.headerHash)}::bytea[], ${seals.map((seal) => seal.lineHashes)}::bytea[],
      ${seals.map((seal) => seal.chainHash)}::bytea[])`.execute(trx)
  await carryBalances(trx, journals, position)
}

async function carryBalances(trx: Trx, journals: readonly JournalText[], position: number): Promise<void> {
  await sql`
    insert into balance_checkpoints as known (account, asset, units, position)
    select account, asset, sum(units), ${position}::bigint from postings
     where journal_id = any(${journals.map(({ id }) => id)}::bigint[]) and not starts_with(account, ${CUSTOMER_ACCOUNTS})
     group by account, asset
    on conflict (account, asset) do update
      set units = known.units + excluded.units, position = excluded.position`.execute(trx)
}
