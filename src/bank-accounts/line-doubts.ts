import { sql } from 'kysely'
import type { App } from '../app.ts'
import { recordAudit } from '../common/integration-store.ts'
import type { Db, Trx } from '../db/database.ts'
import { type Change, RefusedOperation } from '../effects/operate-effects.ts'
import { recheckShort } from '../effects/payout-store.ts'
import { openCounterparty } from '../onramp/refund-sources.ts'
import { findFittingSums, findFittingTransfers } from './batches/decide-parts.ts'
import { divideSums, findSums, isPart } from './batches/divide-sums.ts'
import { type BookingNeeds, bookDoubts, closeDoubts, type Doubt } from './book-doubts.ts'
import { completePayers, isSurelyOf, PAYER_NEWS_LANE } from './complete-payers.ts'
import { knownNames, knownPrints, PORT_ZONE, type WordsRow, wordsOf } from './find-known-lines.ts'
import { lockBooks } from './lock-books.ts'
import { type KnownLine, pairLines } from './pair-lines.ts'
import { BANK_LINE_LANE } from './record-lines.ts'
import { reopenDoubts } from './reopen-doubts.ts'
import { settleReversals } from './reversals/settle-reversals.ts'

const LISTED = 200

/** What banks told of and is not in the books: it may be a known line, or a person decided that it is none. Oldest first. */
export const listDoubts = ({ db }: Pick<App, 'db'>, state: 'open' | 'dismissed' = 'open'): Promise<Doubt[]> =>
  db
    .selectFrom('bankDoubts')
    .selectAll()
    .where('state', '=', state)
    .orderBy('bookedOn')
    .orderBy('id')
    .limit(LISTED)
    .execute()

/** Lines of the books that a doubt may be: of its account, days about its own, direction and amount. */
export async function listDoubtLines(
  db: Db | Trx,
  { iban, bookedOn, direction, units }: Pick<Doubt, 'iban' | 'bookedOn' | 'direction' | 'units'>,
): Promise<{ id: string; bookedOn: string; concept: string }[]> {
  const { rows } = await sql<{ id: string; bookedOn: string; concept: string }>`
    select id, booked_on, concept from bank_transactions
     where iban = ${iban} and direction = ${direction} and units = ${units}
       and booked_on between ${bookedOn}::date - 4 and ${bookedOn}::date + 4
     order by booked_on, id limit 20`.execute(db)
  return rows
}

export async function hasDoubts(trx: Trx, iban: string): Promise<boolean> {
  const { rows } = await sql`select from bank_doubts where iban = ${iban} and state = 'open' limit 1`.execute(
    trx,
  )
  return rows.length > 0
}

interface DoubtCandidate extends WordsRow {
  doubtId: string
  id: string
  names: KnownLine['names']
  prints: string[]
  whole: boolean
  likely: boolean
}

/** Doubts that what was learned since has settled: the line that each is. A doubt never becomes a new line by itself. */
export async function settleDoubts(
  app: Pick<App, 'clock' | 'secrets'>,
  trx: Trx,
  iban: string,
): Promise<void> {
  const candidates = Map.groupBy(await findCandidates(trx, iban), ({ doubtId }) => doubtId)
  if (candidates.size === 0) return
  const doubts = await trx
    .selectFrom('bankDoubts')
    .selectAll()
    .where('iban', '=', iban)
    .where('id', 'in', [...candidates.keys()])
    .orderBy('bookedOn')
    .orderBy('number')
    .orderBy('id')
    .execute()
  const sourcesOf = await findSources(trx, iban, doubts)
  const used = new Set<string>()
  for (const doubt of doubts) {
    // Whoever told of it, then or again, told of no line twice.
    const sources = sourcesOf.get(doubt.id)!
    const isUsed = (id: string): boolean => sources.some((source) => used.has(`${source} ${id}`))
    const found = candidates.get(doubt.id)!.filter(({ id }) => !isUsed(id))
    const payer = doubt.payerIndex?.toString('hex') ?? null
    const words = wordsOf(app, { ...doubt, payer })
    const told = { number: 0, ref: doubt.bankRef, print: doubt.print.toString('hex'), ...words }
    const known = found.map((row): KnownLine => ({ ...row, ...wordsOf(app, row) }))
    const extent = found.some(({ whole }) => whole) ? 'covered' : 'partial'
    const [finding] = pairLines([told], known, { toldBy: doubt.toldBy, extent })
    if (finding?.is !== 'known') continue
    for (const source of sources) used.add(`${source} ${finding.id}`)
    const closing = { iban, ids: [doubt.id], state: 'same', now: app.clock.now() } as const
    await closeDoubts(trx, { ...closing, transactionId: finding.id })
    const line = found.find(({ id }) => id === finding.id)!
    const isSure = isSurelyOf(
      {
        ...line,
        refs: line.names.map(({ ref }) => ref),
        ofDay: candidates.get(doubt.id)!.length,
        ofText: candidates.get(doubt.id)!.filter(({ concept }) => concept === line.concept).length,
      },
      { ...doubt, ref: doubt.bankRef },
    )
    await completeFrom(app, trx, doubt, { transactionId: line.id, isSure })
  }
}

/** Of doubts: which statements told of each, first and again. */
async function findSources(trx: Trx, iban: string, doubts: readonly Doubt[]): Promise<Map<string, string[]>> {
  const { rows } = await sql<{ id: string; source: string }>`
    select coalesce(same_as, id) as id, coalesce(import_id || '/' || position, 'port') as source from bank_doubts
     where iban = ${iban} and (id = any(${doubts.map(({ id }) => id)}::text[])
                               or (same_as = any(${doubts.map(({ id }) => id)}::text[]) and state = 'again'))`.execute(
    trx,
  )
  return new Map(
    [...Map.groupBy(rows, ({ id }) => id)].map(([id, of]) => [id, of.map(({ source }) => source)]),
  )
}

async function findCandidates(trx: Trx, iban: string): Promise<DoubtCandidate[]> {
  const { rows } = await sql<DoubtCandidate>`
    select d.id as doubt_id, t.id, t.end_to_end_id, t.concept, encode(t.payer_index, 'hex') as payer,
           t.counterparty_sealed, ${knownNames} as names, ${knownPrints} as prints,
           exists (select from statements s where s.iban = d.iban and t.booked_on between s.whole_from and s.whole_to) as whole,
           d.told_by <> 'port' or t.booked_on = d.value_date
             or d.value_date not in (d.booked_on, (d.booked_at at time zone ${sql.lit(PORT_ZONE)})::date) as likely
      from bank_doubts d join bank_transactions t
        on t.iban = d.iban and (t.booked_on = d.booked_on or (
             d.told_by = 'port' and t.booked_on = (d.booked_at at time zone ${sql.lit(PORT_ZONE)})::date)) and t.direction = d.direction and t.units = d.units
     where d.iban = ${iban} and d.state = 'open'
       -- Its own source told of these as other lines.
       and not exists (select from statement_lines s
                        where s.iban = t.iban and s.transaction_id = t.id and s.import_id = d.import_id
                          and s.position = d.position)
       and not exists (select from bank_doubts again
                         join statement_lines s on s.import_id = again.import_id and s.position = again.position
                        where again.iban = d.iban and again.same_as = d.id
                          and s.iban = t.iban and s.transaction_id = t.id)
       -- A transfer of a known sum is none of the lines beside it.
       and (d.reason <> 'batch' or t.part_of is not null or not ${isPart})
       -- What may be told again by one kind of statement is known from another kind.
       and (d.reason <> 'told_again' or not exists (
             select from statement_lines s join statement_imports i on i.id = s.import_id
              where s.iban = t.iban and s.transaction_id = t.id
                and coalesce(substring(i.format from '^camt\\.[0-9]+'), i.format) = d.told_by))
       and (d.told_by <> 'port' or (t.import_id is not null and not exists (
             select from bank_line_refs r where r.iban = t.iban and r.transaction_id = t.id)))
     order by d.booked_on, d.number, d.id, likely desc, t.id`.execute(trx)
  return rows
}

/** Takes over what a doubt says of who paid the line that it turned out to be. */
async function completeFrom(
  app: Pick<App, 'clock' | 'secrets'>,
  trx: Trx,
  { iban, counterpartySealed }: Doubt,
  line: { transactionId: string; isSure: boolean },
): Promise<void> {
  const counterparty = openCounterparty(app.secrets, counterpartySealed)
  await completePayers(app, trx, iban, [{ ...line, counterparty }])
}

/**
 * What a person found out of a doubt: it is a line of its own (also beside the lines of these ids, which fit as its sum or
 * its transfers), the known line of that id, or no line at all.
 */
export type DoubtDecision =
  | { is: 'new'; beside?: readonly string[] }
  | { is: 'same'; transactionId: string }
  | { is: 'dismissed' }

/**
 * What was dismissed may be decided anew. Throws `RefusedOperation` when there is no such doubt, when it is decided
 * otherwise, and when the line named isn't of its account and amount.
 */
export async function decideDoubt(
  app: Pick<App, 'db' | 'clock' | 'config' | 'secrets' | 'wake' | 'log' | 'pageNews'>,
  id: string,
  decision: DoubtDecision,
  { who, why }: Change,
): Promise<void> {
  const now = app.clock.now()
  const after = await app.db.transaction().execute(async (trx) => {
    await lockBooks(trx, 'alone')
    const doubt = await trx
      .selectFrom('bankDoubts')
      .selectAll()
      .where('id', '=', id)
      .where('state', 'in', ['open', 'dismissed'])
      .forUpdate()
      .executeTakeFirst()
    if (!doubt) throw new RefusedOperation(`There is no open doubt ${id}. "bank doubts" shows them.`)
    const before = { state: doubt.state, decidedAt: doubt.decidedAt }
    if (doubt.state === 'dismissed') {
      if (decision.is === 'dismissed') throw new RefusedOperation(`Doubt ${id} is dismissed already.`)
      await reopenDoubts(trx, [doubt])
    }
    let booked = (): void => {}
    if (decision.is === 'new') booked = await bookDoubt(app, trx, doubt, decision.beside)
    else if (decision.is === 'same')
      await sameAs(app, trx, doubt, { transactionId: decision.transactionId, now })
    else {
      await trx
        .updateTable('bankDoubts')
        .set({ state: 'dismissed', decidedAt: now })
        .where('iban', '=', doubt.iban)
        .where('id', '=', id)
        .execute()
    }
    const target = `bank-doubt:${doubt.iban}:${id}`
    await recordAudit(trx, now, { who, why, action: 'bank-doubt.decide', target, before, after: decision })
    const reversed = await settleReversals(app, trx, doubt.iban)
    return () => {
      booked()
      reversed()
    }
  })
  after()
  app.wake(BANK_LINE_LANE, PAYER_NEWS_LANE, 'payouts')
}

async function sameAs(
  app: Pick<App, 'clock' | 'secrets'>,
  trx: Trx,
  doubt: Doubt,
  { transactionId, now }: { transactionId: string; now: Date },
): Promise<void> {
  const { rows } = await sql`
    select from bank_transactions t
     where iban = ${doubt.iban} and id = ${transactionId} and direction = ${doubt.direction} and units = ${doubt.units}
       and not exists (select from statement_lines s join bank_doubts d using (iban, import_id, position)
                        where s.iban = t.iban and s.transaction_id = t.id
                          and (d.id = ${doubt.id} or (d.same_as = ${doubt.id} and d.state = 'again')))
       -- Nor does the bank's interface tell of a line by two references.
       and (${doubt.toldBy} <> 'port' or (t.import_id is not null and not exists (
             select from bank_line_refs r where r.iban = t.iban and r.transaction_id = t.id)))`.execute(trx)
  if (rows.length === 0) {
    throw new RefusedOperation(
      `${transactionId} is no line of ${doubt.iban} of that amount that the same source doesn't tell of already.`,
    )
  }
  await closeDoubts(trx, { iban: doubt.iban, ids: [doubt.id], state: 'same', transactionId, now })
  await completeFrom(app, trx, doubt, { transactionId, isSure: true })
}

const besides = (lines: readonly string[]): string => lines.map((line) => `--beside ${line}`).join(' ')

async function bookDoubt(
  app: BookingNeeds,
  trx: Trx,
  { iban, id, currency, direction }: Doubt,
  beside: readonly string[] = [],
): Promise<() => void> {
  const now = app.clock.now()
  // Of what isn't told to be several transfers a person may say that it is none of its own sum's.
  const sums = await findSums(trx, { iban, id })
  const sum = sums.find((one) => one.transfers !== null || !beside.includes(one.id))
  if (sum) {
    // Booked beside its sum it would be there twice.
    const { booked, after } = await divideSums(app, trx, { iban, currency })
    if (booked.includes(id)) return after
    throw new RefusedOperation(
      `${id} is told as part of line ${sum.id}, which is in the books. Undo what was done with that line, or dismiss the doubt.` +
        (sum.transfers === null ? ` If it is other money: --new ${besides(sums.map((one) => one.id))}.` : ''),
    )
  }
  const fitting = await findFittingSums(trx, { iban, id })
  const unnamed = fitting.find((one) => !beside.includes(one))
  if (unnamed !== undefined) {
    throw new RefusedOperation(
      `${id} may be a transfer of line ${unnamed}, which is in the books. If it is, name all of its transfers: ` +
        `"bank doubts decide <doubt>… --part-of ${unnamed}", or --dismiss them. If it is other money: --new ${besides(fitting)}.`,
    )
  }
  const transfers = await findFittingTransfers(trx, { iban, id })
  if (transfers.some((lines) => !lines.some((one) => beside.includes(one)))) {
    throw new RefusedOperation(
      `${id} may be the sum of lines that are in the books, such as ${transfers[0]![0]}. If it is, --dismiss it. ` +
        `If it is other money: --new ${besides(transfers.map(([first]) => first!))}.`,
    )
  }
  const after = await bookDoubts(app, trx, { iban, currency, ids: [id], partOf: null })
  await closeDoubts(trx, { iban, ids: [id], state: 'new', now })
  if (direction === 'credit') await recheckShort(trx, [iban], now)
  return after
}
