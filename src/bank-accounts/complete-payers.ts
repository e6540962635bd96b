import { sql } from 'kysely'
import type { App } from '../app.ts'
import type { Trx } from '../db/database.ts'
import { COUNTERPARTY_PURPOSE, type Counterparty, openCounterparty } from '../onramp/refund-sources.ts'
import type { BankLine } from '../providers/bank/port.ts'
import { areTextsAlike, payersReference } from './compare-words.ts'
import { payerIndex } from './record-lines.ts'
import { isHeld } from './reversals/find-taker.ts'
import { isNamed, mayBeOnePayer, readToldPayer } from './same-payer.ts'

/** Who paid is told to the payments of a line by this lane. */
export const PAYER_NEWS_LANE = 'payer-news'

/** Lines that are completed at a time. */
const CHUNK = 2_000

type Needs = Pick<App, 'clock' | 'secrets'>

/** What one more source says of a known line. */
export interface Retelling {
  transactionId: string
  counterparty: Counterparty
  /** Whether it is told of this very line, not of one that only looks like it (`isSurelyOf`). */
  isSure: boolean
}

interface Lacking {
  id: string
  counterpartySealed: Buffer
  payerIndex: Buffer | null
  matchedUnits: bigint
}

/**
 * Takes over what another source tells of the other party of known lines: a name where there was none, an account where
 * there was none. What differs from what is known stays out. Lines without an owner are matched again; payments that
 * were paid by the others hear of it (`payerNewsLane`). Of a line that has an owner only what is told of surely is taken,
 * as money may go out by it. The caller holds the lock of the books. Answers how many lines were completed.
 */
export async function completePayers(
  { clock, secrets }: Needs,
  trx: Trx,
  iban: string,
  told: readonly Retelling[],
): Promise<number> {
  if (told.length === 0) return 0
  const retellings = new Map(told.map((one) => [one.transactionId, one]))
  const { rows } = await sql<Lacking>`
    select id, counterparty_sealed, payer_index, matched_units from bank_transactions
     where iban = ${iban} and id = any(${[...retellings.keys()]}::text[])
     order by booked_at, id for update`.execute(trx)
  const completed = rows.flatMap((line) => {
    const { counterparty, isSure } = retellings.get(line.id)!
    if (line.matchedUnits > 0n && !isSure) return []
    const known = openCounterparty(secrets, line.counterpartySealed)
    const whole = completeCounterparty(known, counterparty)
    return whole ? [{ line, known, whole }] : []
  })
  if (completed.length === 0) return 0
  const now = clock.now()
  await sql`
    update bank_transactions t
       set counterparty_sealed = given.sealed, payer_index = given.payer_index,
           due_at = case when direction = 'credit' and matched_units = 0 and transfer_ref is null and not ${isHeld}
                         then ${now}::timestamptz else due_at end
      from unnest(${completed.map(({ line }) => line.id)}::text[],
                  ${completed.map(({ whole }) => secrets.seal(COUNTERPARTY_PURPOSE, JSON.stringify(whole)))}::bytea[],
                  ${completed.map(({ whole }) => payerIndex(secrets, whole.iban))}::bytea[])
           given (id, sealed, payer_index)
     where t.iban = ${iban} and t.id = given.id`.execute(trx)
  await sql`
    insert into payer_news as known (iban, transaction_id, integration_id, payment_id, learned_name, learned_account, due_at)
    select m.iban, m.transaction_id, m.integration_id, m.payment_id, given.learned_name, given.learned_account, ${now}
      from unnest(${completed.map(({ line }) => line.id)}::text[],
                  ${completed.map(({ known, whole }) => known.name !== whole.name)}::boolean[],
                  ${completed.map(({ line, whole }) => line.payerIndex === null && whole.iban !== null)}::boolean[])
             given (id, learned_name, learned_account)
      join bank_matches m on m.iban = ${iban} and m.transaction_id = given.id and m.units > 0
    on conflict (iban, transaction_id, integration_id, payment_id) do update
       set learned_name = known.learned_name or excluded.learned_name,
           learned_account = known.learned_account or excluded.learned_account, due_at = excluded.due_at`.execute(
    trx,
  )
  return completed.length
}

/** What is known with what is told besides; undefined where that is nothing, or says that it is somebody else. */
export function completeCounterparty(known: Counterparty, told: Counterparty): Counterparty | undefined {
  const [ours, theirs] = [known.iban, told.iban].map((iban) => iban?.replaceAll(/\s/g, '').toUpperCase())
  if (ours !== undefined && theirs !== undefined && ours !== theirs) return undefined
  if (
    isNamed(known.name) &&
    isNamed(told.name) &&
    !mayBeOnePayer(readToldPayer(known.name), readToldPayer(told.name))
  )
    return undefined
  const name = !isNamed(known.name) && isNamed(told.name) ? told.name : known.name
  const iban = known.iban ?? told.iban
  return name === known.name && iban === known.iban ? undefined : { name, iban }
}

/** A line in words, as one source has them. */
interface Words {
  endToEndId: string | null
  concept: string
}

/**
 * Whether what is told of a known line is told of it, and not of another one of its day and amount: lines alike are
 * paired in their order, which says nothing about who paid which. `refs` are the known line's references; `ofDay` counts
 * the lines of its day, direction and amount, it among them, and `ofText` those of these that say the same. `ofText` of
 * what is told counts the lines told then of the same text, while they name one payer: whichever is which, they paid.
 */
export function isSurelyOf(
  known: Words & { refs: readonly string[]; ofDay: number; ofText: number },
  told: Words & { ref: string | null; ofText?: number },
): boolean {
  if (known.ofDay <= 1 || (told.ref !== null && known.refs.includes(told.ref))) return true
  const [ours, theirs] = [payersReference(known.endToEndId), payersReference(told.endToEndId)]
  if (ours !== null && ours === theirs) return true
  return known.ofText <= (told.ofText ?? 1) && areTextsAlike(known.concept, told.concept)
}

/** A sealed text is as long as what it holds: one of this length has neither name nor account, nor has a shorter one. */
const blankBytes = ({ secrets }: Needs): number =>
  secrets.seal(COUNTERPARTY_PURPOSE, JSON.stringify({ name: '', iban: null } satisfies Counterparty)).length

/** So much longer is one with what stands for no name; with an account besides, so much again. */
const NO_NAME_BYTES = 'NOTPROVIDED'.length
const MOST_IBAN_BYTES = 32

interface StagedRow extends Group {
  number: number
  transactionId: string
  knownSealed: Buffer
  knownEndToEndId: string | null
  knownConcept: string
  matchedUnits: bigint
  ref: string | null
  endToEndId: string | null
  concept: string
  counterpartySealed: Buffer
}

/** `completePayers` with all that a staged statement tells of known lines. */
export async function completeTold(app: Needs, trx: Trx, iban: string): Promise<void> {
  const blank = blankBytes(app)
  // Locked all at once, in the order in which all others lock lines; read by amount, so that each amount's are counted once.
  const { rows } = await sql<{ number: number }>`
    with telling as materialized (
      select l.number, l.direction, l.units, l.booked_on
        from told_lines l join bank_transactions t on t.iban = ${iban} and t.id = l.known_id
       where l.found = 'known' and octet_length(l.counterparty_sealed) > ${blank}::integer
         and ((t.payer_index is null and l.payer_index is not null)
              or octet_length(t.counterparty_sealed) <= ${blank + NO_NAME_BYTES}::integer
                   + case when t.payer_index is null then 0 else ${MOST_IBAN_BYTES}::integer end)
       order by t.booked_at, t.id for update of t)
    select number from telling order by direction, units, booked_on, number`.execute(trx)
  for (let at = 0; at < rows.length; at += CHUNK) {
    const numbers = rows.slice(at, at + CHUNK).map(({ number }) => number)
    await completePayers(app, trx, iban, await readRetellings(app, trx, { iban, numbers }))
  }
}

async function readRetellings(
  { secrets }: Needs,
  trx: Trx,
  { iban, numbers }: { iban: string; numbers: readonly number[] },
): Promise<Retelling[]> {
  const { rows } = await sql<StagedRow>`
    select l.number, t.id as transaction_id, l.direction, l.units, l.booked_on as day, t.counterparty_sealed as known_sealed,
           t.end_to_end_id as known_end_to_end_id, t.concept as known_concept, t.matched_units, l.ref, l.end_to_end_id,
           l.concept, l.counterparty_sealed
      from (select * from told_lines where number = any(${[...numbers]}::integer[]) offset 0) l
     -- One by one by its key: the planner knows too little of a stage to choose that by itself.
     cross join lateral (select * from bank_transactions where iban = ${iban} and id = l.known_id offset 0) t`.execute(
    trx,
  )
  const telling = rows
    .map((row) => ({ row, counterparty: openCounterparty(secrets, row.counterpartySealed) }))
    .filter(({ row, counterparty }) =>
      completeCounterparty(openCounterparty(secrets, row.knownSealed), counterparty),
    )
  const owned = telling.map(({ row }) => row).filter(({ matchedUnits }) => matchedUnits > 0n)
  const sure = await findSure(trx, owned)
  return telling.map(({ row: { number, transactionId }, counterparty }) => ({
    transactionId,
    counterparty,
    isSure: sure.has(number),
  }))
}

/** The numbers of those told lines that are surely of the known ones that they were paired with. */
async function findSure(trx: Trx, pairs: readonly StagedRow[]): Promise<Set<number>> {
  if (pairs.length === 0) return new Set()
  const groups = [...new Map(pairs.map((pair) => [groupKey(pair), pair])).values()]
  const asked = sql`
    (select * from unnest(${groups.map(({ direction }) => direction)}::text[],
                          ${groups.map(({ units }) => units.toString())}::numeric[], ${groups.map(({ day }) => day)}::date[]))`
  const known = await sql<Counted>`
    select direction, units, day, concept, count(*)::integer as lines from known_lines
     where (direction, units, day) in ${asked} group by direction, units, day, concept`.execute(trx)
  const told = await sql<Counted>`
    select direction, units, booked_on as day, concept,
           case when count(distinct print) = 1 then count(*) else 1 end::integer as lines
      from told_lines where (direction, units, booked_on) in ${asked} group by direction, units, booked_on, concept`.execute(
    trx,
  )
  const { rows } = await sql<{ id: string; day: string; concept: string; refs: string[] }>`
    select id, day, concept, array(select jsonb_array_elements(names)->>'ref') as refs
      from unnest(${pairs.map(({ transactionId }) => transactionId)}::text[]) asked (id) join known_lines using (id)`.execute(
    trx,
  )
  const ofDay = new Map<string, number>()
  for (const row of known.rows) ofDay.set(groupKey(row), (ofDay.get(groupKey(row)) ?? 0) + row.lines)
  const [ofText, toldOfText] = [known, told].map(
    (counted) => new Map(counted.rows.map((row) => [textKey(row), row.lines])),
  ) as [Map<string, number>, Map<string, number>]
  const among = new Map(rows.map((row) => [`${row.id} ${row.day}`, row]))
  const sure = pairs.filter((pair) => {
    const found = among.get(`${pair.transactionId} ${pair.day}`)
    const words = { endToEndId: pair.knownEndToEndId, concept: pair.knownConcept }
    // One that was found by its reference on another day has no other beside it there.
    const line = found
      ? {
          ...words,
          refs: found.refs,
          ofDay: ofDay.get(groupKey(pair))!,
          ofText: ofText.get(textKey({ ...pair, concept: found.concept }))!,
        }
      : { ...words, ...ALONE }
    return isSurelyOf(line, { ...pair, ofText: toldOfText.get(textKey(pair))! })
  })
  return new Set(sure.map(({ number }) => number))
}

interface Group {
  direction: string
  units: bigint
  day: string
}

/** How many lines of a day, direction and amount say the same. */
interface Counted extends Group {
  concept: string
  lines: number
}

const groupKey = ({ direction, units, day }: Group): string => `${direction} ${units} ${day}`
const textKey = ({ concept, ...group }: Group & { concept: string }): string =>
  `${groupKey(group)} ${concept}`

const ALONE = { refs: [], ofDay: 1, ofText: 1 }

/** `completePayers` with what the port tells of lines that it told before: under the same reference it is the same line. */
export async function completeRetold(app: Needs, trx: Trx, lines: readonly BankLine[]): Promise<number> {
  const telling = lines.filter(({ counterpartyName: name, counterpartyIban: iban }) => isNamed(name) || iban)
  if (telling.length === 0) return 0
  const blank = blankBytes(app)
  const { rows } = await sql<{ at: number; id: string }>`
    select at::integer - 1 as at, t.id
      from unnest(${telling.map(({ iban }) => iban)}::text[], ${telling.map(({ ref }) => ref)}::text[],
                  ${telling.map(({ counterpartyName }) => isNamed(counterpartyName))}::boolean[],
                  ${telling.map(({ counterpartyIban }) => counterpartyIban !== null)}::boolean[])
             with ordinality given (iban, ref, has_name, has_account, at)
      join bank_transactions t on t.iban = given.iban and t.bank_ref = given.ref
     where (has_account and t.payer_index is null)
        or (has_name and octet_length(t.counterparty_sealed) <= ${blank + NO_NAME_BYTES}::integer
                 + case when t.payer_index is null then 0 else ${MOST_IBAN_BYTES}::integer end)`.execute(trx)
  let completed = 0
  const byAccount = Map.groupBy(rows, ({ at }) => telling[at]!.iban)
  for (const [iban, same] of [...byAccount].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const told = same.map(({ at, id }): Retelling => {
      const { counterpartyName: name, counterpartyIban } = telling[at]!
      return { transactionId: id, counterparty: { name, iban: counterpartyIban }, isSure: true }
    })
    completed += await completePayers(app, trx, iban, told)
  }
  return completed
}
