import { type Selectable, sql } from 'kysely'
import type { Trx } from '../db/database.ts'
import type { JournalSealsTable } from '../db/schema.ts'
import type { Secrets } from '../kernel/secrets.ts'
import { readJournalTexts } from './journal-texts.ts'
import {
  CHAIN_START,
  chainHash,
  hashHeader,
  hashLine,
  type JournalText,
  ROW_HASH_BYTES,
} from './seal-hash.ts'
import type { Problem } from './verify.ts'

export interface SealHead {
  position: number
  /** Hex. */
  hash: string
}

type Seal = Selectable<JournalSealsTable>

const PAGE = 1_000
const MOST_NAMED = 1_000

/** Computes the chain of seals again, over the rows as they are now, and names every row that doesn't fit. */
export async function findSealProblems(
  trx: Trx,
  secrets: Secrets,
): Promise<{ problems: Problem[]; journals: number; head: SealHead | null }> {
  const problems: Problem[] = []
  let before: Buffer = CHAIN_START
  let position = 0
  for (;;) {
    const seals = await trx
      .selectFrom('journalSeals')
      .selectAll()
      .where('position', '>', position)
      .orderBy('position')
      .limit(PAGE)
      .execute()
    if (seals.length === 0) break
    const journals = await readJournalTexts(
      trx,
      sql`(select unnest(${seals.map(({ journalId }) => journalId)}::bigint[]))`,
    )
    const byId = new Map(journals.map((journal) => [journal.id, journal]))
    for (const seal of seals) {
      problems.push(...checkPlace(secrets, seal, { position, before }))
      problems.push(...checkJournal(secrets, seal, byId.get(seal.journalId)))
      before = seal.chainHash
      position = seal.position
    }
  }
  problems.push(...(await findUnsealed(trx)), ...(await findCutEnd(trx, position)))
  const counted = await sql<{ journals: number }>`select count(*) as journals from journals`.execute(trx)
  return {
    problems,
    journals: counted.rows[0]?.journals ?? 0,
    head: position === 0 ? null : { position, hash: before.toString('hex') },
  }
}

/** Whether a seal follows the one before it. */
function checkPlace(secrets: Secrets, seal: Seal, last: { position: number; before: Buffer }): Problem[] {
  const where = `seal ${seal.position} (journal ${seal.journalId})`
  if (seal.position !== last.position + 1) {
    const missing =
      seal.position === last.position + 2
        ? `${last.position + 1}`
        : `${last.position + 1} to ${seal.position - 1}`
    return [{ where: `seal ${missing}`, what: 'was deleted: it is missing from the chain' }]
  }
  if (chainHash(secrets, seal, last.before).equals(seal.chainHash)) return []
  return [{ where, what: 'was changed: it does not follow from the seal before it' }]
}

/** Whether a journal is as it was when it was sealed; if not, which of its rows are not. */
function checkJournal(secrets: Secrets, seal: Seal, journal: JournalText | undefined): Problem[] {
  const name = `journal ${seal.journalId}`
  if (!journal) return [{ where: name, what: `was deleted: seal ${seal.position} says that it was booked` }]
  const problems: Problem[] = []
  const sealedLines = seal.lineHashes.length / ROW_HASH_BYTES
  const present = new Map(journal.lines.map((line) => [line.line, line]))
  for (let line = 0; line < sealedLines; line += 1) {
    const sealed = seal.lineHashes.subarray(line * ROW_HASH_BYTES, (line + 1) * ROW_HASH_BYTES)
    const entry = present.get(line)
    if (!entry)
      problems.push({
        where: `${name}, line ${line}`,
        what: 'was deleted: the entry was sealed with its journal',
      })
    else if (!hashLine(secrets, journal.id, entry).equals(sealed)) {
      const now = `${entry.account} ${entry.units} ${entry.asset}`
      problems.push({
        where: `${name}, line ${line}`,
        what: `was changed: it now says ${now}, which is not what was sealed`,
      })
    }
  }
  for (const { line, account, units, asset } of journal.lines) {
    if (line >= 0 && line < sealedLines) continue
    const what = `was inserted: ${account} ${units} ${asset} was not there when the journal was sealed`
    problems.push({ where: `${name}, line ${line}`, what })
  }
  // With the number of entries as sealed: those that were added or deleted are named above.
  if (!hashHeader(secrets, journal, sealedLines).equals(seal.headerHash)) {
    const what = `was changed: ${journal.kind} ${journal.purpose} is not what was sealed`
    problems.push({ where: name, what })
  }
  return problems
}

/** Journals that the program doesn't know to be booked, and booked ones that vanished before they were sealed. */
async function findUnsealed(trx: Trx): Promise<Problem[]> {
  const inserted = await sql<{ id: number; purpose: string }>`
    select id, purpose from journals j
     where not exists (select from journal_seals s where s.journal_id = j.id)
       and not exists (select from unsealed_journals u where u.journal_id = j.id)
     order by id limit ${MOST_NAMED}`.execute(trx)
  const vanished = await sql<{ journalId: number }>`
    select journal_id from unsealed_journals u
     where not exists (select from journals j where j.id = u.journal_id) order by journal_id limit ${MOST_NAMED}`.execute(
    trx,
  )
  const orphans = await sql<{ journalId: number; line: number }>`
    select journal_id, line from postings p
     where not exists (select from journals j where j.id = p.journal_id)
       and not exists (select from journal_seals s where s.journal_id = p.journal_id)
     order by journal_id, line limit ${MOST_NAMED}`.execute(trx)
  return [
    ...inserted.rows.map(({ id, purpose }) => ({
      where: `journal ${id}`,
      what: `was inserted: ${purpose} was neither sealed nor booked by the program`,
    })),
    ...vanished.rows.map(({ journalId }) => ({
      where: `journal ${journalId}`,
      what: 'was deleted before it was sealed',
    })),
    ...orphans.rows.map(({ journalId, line }) => ({
      where: `journal ${journalId}, line ${line}`,
      what: 'was inserted: it belongs to no journal',
    })),
  ]
}

/** Balances were carried further than the chain goes now: its end was cut off. */
async function findCutEnd(trx: Trx, position: number): Promise<Problem[]> {
  const { rows } = await sql<{ position: number }>`
    select max(position) as position from balance_checkpoints having max(position) > ${position}`.execute(trx)
  return rows.map((carried) => ({
    where:
      carried.position === position + 1
        ? `seal ${carried.position}`
        : `seal ${position + 1} to ${carried.position}`,
    what: 'was deleted from the end of the chain: balances were carried that far',
  }))
}
