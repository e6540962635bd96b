import { sql } from 'kysely'
import type { Trx } from '../../db/database.ts'
import { planByKeys } from '../../db/plan-by-keys.ts'
import type { Payment } from '../../onramp/payment.ts'
import { beginChanges, wakeAfter } from '../../onramp/payment-changes.ts'
import { lockPayments } from '../../onramp/payment-store.ts'
import { bookMatches, type NewMatch, writeMatched } from '../book-match.ts'
import { COPIED, findCopiers } from './copied-number.ts'
import { findCandidates, isRight, keyOf, type Line, type ScoredCandidate } from './find-candidates.ts'
import { looksReturned } from './looks-returned.ts'
import { awaitPrice, canBePriced, isTextTheSame, type MatchNeeds } from './match-by-number.ts'
import { provesPerson } from './name-agreement.ts'
import { type Judgement, lockOpenLines, recordJudgements } from './record-judgements.ts'
import { judgeCandidates } from './score.ts'
import { findSum } from './sum-of-payments.ts'

const MANY = 100

/** What a line was found to be for, before anything is locked. */
interface Found {
  parts: readonly { candidate: ScoredCandidate['candidate']; units: bigint }[]
  score: number
  reasons: string[]
}

/** By line. */
type Outcomes = ReadonlyMap<string, Found | Judgement>
/** The lines as they were when they were judged. */
type Seen = ReadonlyMap<string, Line>

/** Judges lines by all that is known of them: matches what is sure, proposes the rest to a person. */
export async function matchByScore(app: MatchNeeds, lines: readonly Line[]): Promise<void> {
  if (lines.length === 0) return
  const seen = new Map(lines.map((line) => [keyOf(line), line]))
  const candidates = await findCandidates(app, lines)
  const undone = await findUndone(app, lines)
  const found: Map<string, Found | Judgement> = new Map()
  for (const line of lines) {
    const doubt = doubtOf(line, undone.has(keyOf(line)))
    found.set(keyOf(line), judgeLine(line, candidates.get(keyOf(line)) ?? [], doubt))
  }
  // Before what is matched, so that lines for which a payment is proposed that gets its money now are judged again.
  await propose(app, found, seen)
  await matchFound(app, found, seen)
}

/** Records what is for a person to decide. */
async function propose({ db, clock }: MatchNeeds, found: Outcomes, seen: Seen): Promise<void> {
  const judged = [...seen.values()].filter((line) => !('parts' in found.get(keyOf(line))!))
  if (judged.length === 0) return
  const judgementOf = (line: Line): Judgement => found.get(keyOf(line)) as Judgement
  await db.transaction().execute(async (trx) => {
    await holdPayments(
      trx,
      judged.flatMap((line) => paymentsOf(judgementOf(line))),
    )
    const open = await lockOpenLines(trx, judged)
    await recordJudgements(
      trx,
      open.map((line) => (isToldOtherwise(line, seen) ? judgeLater(line, clock.now()) : judgementOf(line))),
    )
  })
}

/** Rows that refer to payments lock them by themselves: in the order of all locks, and beside others that do the same. */
async function holdPayments(trx: Trx, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return
  await sql`
    select from payments where id = any(${[...new Set(ids)]}::text[]) order by id for key share`.execute(trx)
}

async function matchFound(app: MatchNeeds, outcomes: Outcomes, seen: Seen): Promise<void> {
  const found = new Map([...outcomes].filter((entry): entry is [string, Found] => 'parts' in entry[1]))
  const lines = [...seen.values()].filter((line) => found.has(keyOf(line)))
  if (lines.length === 0) return
  const changes = beginChanges(app)
  await app.db.transaction().execute(async (trx) => {
    await planByKeys(trx)
    const ids = [...new Set([...found.values()].flatMap(paymentsOf))]
    // Many don't wait for a payment that another batch has: its line is judged again, as the payment is by then.
    const payments = await lockPayments(trx, ids, { leaveBusy: lines.length >= MANY })
    const open = await lockOpenLines(trx, lines)
    const matches: NewMatch[] = []
    const judgements: Judgement[] = []
    const paid = new Set<string>()
    for (const line of open) {
      const one = found.get(keyOf(line))!
      if (isToldOtherwise(line, seen) || !isAsJudged(one, payments, paid))
        judgements.push(judgeLater(line, changes.now))
      else if (one.parts.some(({ candidate }) => !canBePriced(app, payments.get(candidate.paymentId)!, line)))
        judgements.push(awaitPrice(line, changes.now))
      else {
        for (const { candidate, units } of one.parts) {
          const payment = payments.get(candidate.paymentId)!
          paid.add(payment.id)
          const { score, reasons } = one
          const isProven = provesPerson(candidate.facts.name)
          matches.push({
            ...{ line, payment, units, matchedBy: 'automatic', score, reasons },
            ...(isProven ? { samePerson: true } : {}),
          })
        }
      }
    }
    await recordJudgements(trx, judgements)
    await bookMatches(app, trx, changes, payments, matches)
    await writeMatched(trx, changes, matches)
  })
  wakeAfter(app, changes)
}

function paymentsOf(one: Found | Judgement): string[] {
  const all = 'parts' in one ? one.parts : one.suggestions
  return all.map(({ candidate }) => candidate.paymentId)
}

function doubtOf(line: Line, undone: boolean): string | null {
  if (undone) return 'A person took it from a payment before.'
  return looksReturned(line) ? 'It reads like a transfer of ours that came back.' : null
}

const SEVERAL = 'The text holds the numbers of payments of several customers: a person has to choose.'

/** Whose money it is that names payments of two customers, nobody can tell but they. */
function namesSeveral(candidates: readonly ScoredCandidate[]): boolean {
  const named = candidates.filter(({ candidate: { facts } }) => isRight(facts.number))
  return new Set(named.map(({ candidate: one }) => `${one.integrationId} ${one.customerId}`)).size > 1
}

function judgeLine(
  line: Line,
  candidates: readonly ScoredCandidate[],
  doubt: string | null,
): Found | Judgement {
  const several = namesSeveral(candidates)
  const sum = doubt === null && !several ? findSum(line.units, candidates) : undefined
  if (sum) return sum
  const copiers = findCopiers(candidates.map(({ candidate }) => candidate))
  const why = doubt ?? (several ? SEVERAL : copiers.size > 0 ? COPIED : null)
  const verdict = judgeCandidates(
    candidates,
    why,
    (one) => copiers.has(one) || (several && isRight(one.facts.number)),
  )
  if (verdict.do === 'match') {
    const { candidate, score, reasons } = verdict.best
    return { parts: [{ candidate, units: line.units }], score, reasons }
  }
  if (verdict.do === 'leave') {
    const reasons = [doubt ?? 'No payment of this account fits.']
    const score = Math.max(0, ...candidates.map((one) => one.score))
    return { line, state: 'unmatched', reasons, score, dueAt: null, suggestions: [] }
  }
  const [best] = verdict.best
  return {
    line,
    state: 'suggested',
    reasons: [...best!.reasons, verdict.why],
    score: best!.score,
    dueAt: null,
    suggestions: verdict.best,
  }
}

/**
 * Whether the payments are still what they were when they were judged. One line of a batch changes what the next one
 * means for the same payment: that one is judged after it.
 */
function isAsJudged(
  { parts }: Found,
  payments: ReadonlyMap<string, Payment>,
  paid: ReadonlySet<string>,
): boolean {
  return parts.every(({ candidate: { paymentId, state, leftUnits } }) => {
    const payment = payments.get(paymentId)
    if (!payment || paid.has(paymentId) || payment.state !== state) return false
    return payment.fiatUnits - payment.receivedUnits + payment.refundedUnits === leftUnits
  })
}

/** Another source has told more of the line since it was judged, such as who paid. */
function isToldOtherwise(line: Line, seen: Seen): boolean {
  const before = seen.get(keyOf(line))!
  return (
    !before.counterpartySealed.equals(line.counterpartySealed) ||
    !isTextTheSame(line, before) ||
    before.endToEndId !== line.endToEndId
  )
}

const judgeLater = (line: Line, now: Date): Judgement => ({
  line,
  state: 'unmatched',
  reasons: [],
  score: null,
  dueAt: now,
  suggestions: [],
})

/** Lines that a person took from a payment: they know what we don't. */
async function findUndone({ db }: MatchNeeds, lines: readonly Line[]): Promise<Set<string>> {
  const { rows } = await sql<Pick<Line, 'iban' | 'id'>>`
    select distinct given.iban, given.id
      from unnest(${lines.map(({ iban }) => iban)}::text[], ${lines.map(({ id }) => id)}::text[]) given (iban, id)
      join bank_matches on bank_matches.iban = given.iban and transaction_id = given.id`.execute(db)
  return new Set(rows.map(keyOf))
}
