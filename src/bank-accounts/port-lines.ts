import { sql } from 'kysely'
import type { App } from '../app.ts'
import type { Trx } from '../db/database.ts'
import { randomText } from '../kernel/ids.ts'
import { COUNTERPARTY_PURPOSE, type Counterparty } from '../onramp/refund-sources.ts'
import type { BankLine } from '../providers/bank/port.ts'
import { findPortBatches } from './batches/port-batches.ts'
import { payersReference } from './compare-words.ts'
import { completePayers, isSurelyOf } from './complete-payers.ts'
import { bankDay, knownNames, knownPrints, PORT_ZONE, type WordsRow, wordsOf } from './find-known-lines.ts'
import { findOtherDays } from './hold-other-days.ts'
import { hasDoubts, settleDoubts } from './line-doubts.ts'
import { lockBooks } from './lock-books.ts'
import { type Extent, type Finding, type KnownLine, pairLines, type ToldLine } from './pair-lines.ts'
import { payerIndex } from './record-lines.ts'

type Needs = Pick<App, 'clock' | 'secrets'>

/** A known line that a line of the port may be, or word that the line's day is known whole. */
interface Candidate extends WordsRow {
  /** Of the port's line among those given, from 0. */
  place: number
  /** Null: only the day is known. */
  id: string | null
  names: KnownLine['names']
  prints: string[]
  whole: boolean
  likely: boolean
  /** A line of the port near midnight that a statement told of: it may have been taken for this one. */
  swapped: boolean
  /** Told before, and in doubt since or decided by a person. */
  doubted: boolean
}

/**
 * Of lines that the bank's port tells, those that no statement has told of. What a statement had before gets the
 * port's name as well; what may be such a line, and may be another, waits in doubt.
 */
export async function leaveOutKnown(
  app: Needs,
  trx: Trx,
  lines: readonly BankLine[],
): Promise<readonly BankLine[]> {
  if (lines.length === 0) return lines
  await lockBooks(trx, 'shared')
  const candidates = Map.groupBy(await findCandidates(trx, lines), ({ place }) => place)
  if (candidates.size === 0) return leaveOutHeld(app, trx, lines)
  const fresh: BankLine[] = []
  const used = new Set<string>()
  const touched = new Set<string>()
  for (const [place, line] of lines.entries()) {
    const found = candidates.get(place)
    if (!found) {
      fresh.push(line)
      continue
    }
    if (found.some(({ doubted }) => doubted)) continue
    const left = found.filter(({ id, swapped }) => id !== null && !swapped && !used.has(id))
    const extent: Extent = found.every(({ whole }) => whole) ? 'covered' : 'partial'
    const known = left.map((row): KnownLine => ({ ...row, id: row.id!, ...wordsOf(app, row) }))
    const [finding] = pairLines([toldOf(app, line)], known, { toldBy: 'port', extent })
    touched.add(line.iban)
    if (finding?.is === 'known') {
      used.add(finding.id)
      await nameLine(trx, line, finding.id)
      await completeKnown(app, trx, line, { id: finding.id, among: found })
    } else if (finding?.is === 'doubt') await doubt(app, trx, line, finding.reason)
    else if (found.some(({ swapped }) => swapped)) await doubt(app, trx, line, 'other_words')
    else fresh.push(line)
  }
  for (const iban of [...touched].sort()) if (await hasDoubts(trx, iban)) await settleDoubts(app, trx, iban)
  return leaveOutHeld(app, trx, fresh)
}

/** What may be told already as a sum, or in its transfers, or under another day, waits. */
async function leaveOutHeld(app: Needs, trx: Trx, lines: readonly BankLine[]): Promise<readonly BankLine[]> {
  const batches = await findPortBatches(trx, lines)
  const isBatch = ({ iban, ref }: BankLine): boolean => batches.has(`${iban} ${ref}`)
  for (const line of lines) if (isBatch(line)) await doubt(app, trx, line, 'batch')
  const left = lines.filter((line) => !isBatch(line))
  const otherDays = await findOtherDays(app, trx, left)
  for (const place of otherDays) await doubt(app, trx, left[place]!, 'other_day')
  return left.filter((_, place) => !otherDays.has(place))
}

const toldOf = ({ secrets }: Needs, line: BankLine): ToldLine => ({
  number: 0,
  ref: line.ref,
  print: '',
  endToEndId: payersReference(line.endToEndId),
  concept: line.concept,
  payer: payerIndex(secrets, line.counterpartyIban)?.toString('hex') ?? null,
  name: () => line.counterpartyName,
})

/** Lines that statements told of, on the days that a line may be of; lines that the port itself told of are no news. */
async function findCandidates(trx: Trx, lines: readonly BankLine[]): Promise<Candidate[]> {
  const { rows } = await sql<Candidate>`
    with given as (
      select place::integer - 1 as place, iban, ref, direction, units, (booked_at at time zone 'UTC')::date as day,
             (booked_at at time zone ${sql.lit(PORT_ZONE)})::date as other_day, value_date
        from unnest(${lines.map(({ iban }) => iban)}::text[], ${lines.map(({ ref }) => ref)}::text[],
                    ${lines.map(({ direction }) => direction)}::text[],
                    ${lines.map(({ units }) => units.toString())}::numeric[],
                    ${lines.map(({ bookedAt }) => bookedAt)}::timestamptz[],
                    ${lines.map(({ valueDate }) => valueDate)}::date[])
             with ordinality given (iban, ref, direction, units, booked_at, value_date, place)
    ), judged as (
      select given.*,
             exists (select from statements s where s.iban = given.iban and given.day between s.whole_from and s.whole_to)
             and exists (select from statements s
                          where s.iban = given.iban and given.other_day between s.whole_from and s.whole_to) as whole,
             exists (select from bank_doubts d
                      where d.iban = given.iban and d.bank_ref = given.ref and d.told_by = 'port') as doubted
        from given
       where exists (select from statements s where s.iban = given.iban)
         and not exists (select from bank_transactions t where t.iban = given.iban and t.bank_ref = given.ref))
    select place, t.id, t.end_to_end_id, coalesce(t.concept, '') as concept, encode(t.payer_index, 'hex') as payer,
           t.counterparty_sealed, ${knownNames} as names, ${knownPrints} as prints, whole, doubted,
           coalesce(t.booked_on = judged.value_date or judged.value_date not in (day, other_day), true) as likely,
           coalesce(t.import_id is null, false) as swapped
      from judged left join bank_transactions t
        on t.iban = judged.iban and t.direction = judged.direction and t.units = judged.units
           and ((t.import_id is not null and t.booked_on in (day, other_day))
                or (t.import_id is null and abs(t.booked_on - day) <= 1
                    and ${bankDay} <> (t.booked_at at time zone 'UTC')::date
                    and exists (select from statement_lines s where s.iban = t.iban and s.transaction_id = t.id)))
     where t.id is not null or whole or doubted
     order by place, likely desc, t.booked_on, t.id`.execute(trx)
  return rows
}

/** Takes over what the port tells of who paid a line that a statement told of. */
async function completeKnown(
  app: Needs,
  trx: Trx,
  { iban, counterpartyName: name, counterpartyIban, ...told }: BankLine,
  { id, among }: { id: string; among: readonly Candidate[] },
): Promise<void> {
  const known = among.find((one) => one.id === id)!
  const isSure = isSurelyOf(
    {
      ...known,
      refs: known.names.map(({ ref }) => ref),
      ofDay: among.length,
      ofText: among.filter(({ concept }) => concept === known.concept).length,
    },
    told,
  )
  const counterparty = { name, iban: counterpartyIban }
  await completePayers(app, trx, iban, [{ transactionId: id, counterparty, isSure }])
}

async function nameLine(trx: Trx, { iban, ref }: BankLine, transactionId: string): Promise<void> {
  await trx
    .insertInto('bankLineRefs')
    .values({ iban, ref, transactionId })
    .onConflict((conflict) => conflict.columns(['iban', 'ref']).doNothing())
    .execute()
}

async function doubt(
  { clock, secrets }: Needs,
  trx: Trx,
  { ref, counterpartyName: name, counterpartyIban: theirs, balanceUnits: _, ...line }: BankLine,
  reason: Extract<Finding, { is: 'doubt' }>['reason'] | 'other_day',
): Promise<void> {
  const sealed = secrets.seal(
    COUNTERPARTY_PURPOSE,
    JSON.stringify({ name, iban: theirs } satisfies Counterparty),
  )
  await trx
    .insertInto('bankDoubts')
    .values({
      ...line,
      id: randomText(25),
      toldBy: 'port',
      importId: null,
      position: null,
      number: null,
      importLine: null,
      bankRef: ref,
      bookedOn: line.bookedAt.toISOString().slice(0, 10),
      counterpartySealed: sealed,
      payerIndex: payerIndex(secrets, theirs),
      print: Buffer.alloc(0),
      reason,
      transactionId: null,
      createdAt: clock.now(),
      decidedAt: null,
    })
    .onConflict((conflict) =>
      conflict.columns(['iban', 'bankRef']).where(sql<boolean>`told_by = 'port'`).doNothing(),
    )
    .execute()
}
