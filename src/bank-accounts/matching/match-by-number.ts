import { sql } from 'kysely'
import type { App } from '../../app.ts'
import { planByKeys } from '../../db/plan-by-keys.ts'
import { readConcepts } from '../../onramp/concept.ts'
import type { Payment } from '../../onramp/payment.ts'
import { beginChanges, wakeAfter } from '../../onramp/payment-changes.ts'
import { lockPayments } from '../../onramp/payment-store.ts'
import { currentPrice, keepsPrice } from '../../onramp/receive.ts'
import { openCounterparty } from '../../onramp/refund-sources.ts'
import { bookMatches, type NewMatch, writeMatched } from '../book-match.ts'
import { findCustomerNames } from '../customer-names.ts'
import { isAskedBefore, keyOf, type Line } from './find-candidates.ts'
import { looksReturned } from './looks-returned.ts'
import { compareNames, provesPerson, readPayer } from './name-agreement.ts'
import { isAlone } from './numbers.ts'
import { type Judgement, lockOpenLines, recordJudgements } from './record-judgements.ts'
import { AUTOMATIC_FROM, scoreCandidate } from './score.ts'

export type MatchNeeds = Pick<
  App,
  'db' | 'clock' | 'config' | 'secrets' | 'pricing' | 'wake' | 'log' | 'pageNews'
>

/** A line that can't be priced now waits this long. */
const PRICE_PAUSE_MS = 15_000

/** What a line is found by its payment's number with. */
export type NumberedLine = Pick<Line, 'iban' | 'id' | 'bookedAt' | 'concept' | 'returnCode' | 'transferRef'>

/**
 * Matches the lines that need no search, which are nearly all: the text has the number of one payment, and the amount is
 * right. `named` are the payments, see `findNamed`. Answers the other lines.
 */
export async function matchByNumber<Asked extends NumberedLine>(
  app: MatchNeeds,
  all: readonly Asked[],
  named: ReadonlyMap<string, string>,
): Promise<Asked[]> {
  const lines = all.filter((line) => named.has(keyOf(line)))
  if (lines.length === 0) return [...all]
  const changes = beginChanges(app)
  const taken = new Set<string>()
  await app.db.transaction().execute(async (trx) => {
    await planByKeys(trx)
    const ids = [...new Set(lines.map((line) => named.get(keyOf(line))!))]
    // A payment that another batch has is not waited for: whatever it leaves of it is found by the search.
    const payments = await lockPayments(trx, ids, { leaveBusy: true })
    const open = await lockOpenLines(trx, lines)
    const names = await findCustomerNames(trx, app, [...payments.values()])
    const matches: NewMatch[] = []
    const waiting: Judgement[] = []
    const asked = new Map(lines.map((line) => [keyOf(line), line]))
    for (const line of lines) taken.add(keyOf(line))
    for (const line of open) {
      const payment = isTextTheSame(line, asked.get(keyOf(line))!)
        ? payments.get(named.get(keyOf(line))!)
        : undefined
      const found = payment && judge(app, line, payment, names.get(payment.id) ?? null)
      if (!found) taken.delete(keyOf(line))
      else if (!canBePriced(app, payment, line)) waiting.push(awaitPrice(line, changes.now))
      else matches.push({ line, payment, units: line.units, matchedBy: 'automatic', ...found })
    }
    await recordJudgements(trx, waiting)
    await bookMatches(app, trx, changes, payments, matches, names)
    await writeMatched(trx, changes, matches)
  })
  wakeAfter(app, changes)
  return all.filter((line) => !taken.has(keyOf(line)))
}

/** Another source may tell more of a line before it is locked: above all, that it is a transfer of ours that came back. */
export const isTextTheSame = (line: NumberedLine, before: NumberedLine): boolean =>
  line.concept === before.concept &&
  line.returnCode === before.returnCode &&
  line.transferRef === before.transferRef

/** The one payment that each line's text names, by the line; lines that name none or several are left out. */
export async function findNamed(
  { db }: Pick<MatchNeeds, 'db'>,
  lines: readonly NumberedLine[],
): Promise<Map<string, string>> {
  const asked = lines.flatMap((line) =>
    looksReturned(line) ? [] : readConcepts(line.concept).map((concept) => ({ line, concept })),
  )
  if (asked.length === 0) return new Map()
  // A match that a person undid is not made again.
  const { rows } = await sql<{ at: number; paymentId: string; undone: boolean }>`
    select at, payment_id,
           exists (select 1 from bank_matches
                    where bank_matches.iban = given.iban and transaction_id = given.id) as undone
      from unnest(${asked.map((_, at) => at)}::integer[], ${asked.map(({ line }) => line.iban)}::text[],
                  ${asked.map(({ line }) => line.id)}::text[],
                  ${asked.map(({ concept }) => concept)}::bigint[]) given (at, iban, id, concept)
      join payment_concepts on payment_concepts.iban = given.iban and payment_concepts.concept = given.concept`.execute(
    db,
  )
  const found = Map.groupBy(rows, ({ at }) => keyOf(asked[at]!.line))
  const single = [...found].filter(
    ([, all]) => new Set(all.map(({ paymentId }) => paymentId)).size === 1 && !all[0]!.undone,
  )
  return new Map(single.map(([key, all]) => [key, all[0]!.paymentId]))
}

function judge(
  { secrets }: MatchNeeds,
  line: Line,
  payment: Payment,
  customer: Parameters<typeof compareNames>[0],
): Pick<NewMatch, 'score' | 'reasons' | 'payer' | 'samePerson'> | undefined {
  const leftUnits = payment.fiatUnits - payment.receivedUnits + payment.refundedUnits
  const isWhole = line.units === leftUnits || line.units === payment.fiatUnits
  if (payment.fiat !== line.currency || !isWhole) return undefined
  const payer = openCounterparty(secrets, line.counterpartySealed)
  const name = compareNames(customer, readPayer(payer.name))
  const { score, reasons } = scoreCandidate({
    number: { found: isAlone(line.concept) ? 'alone' : 'sentence' },
    namesAnother: false,
    otherPurpose: false,
    amount: 'same',
    askedBefore: isAskedBefore(line.units, { ...payment, leftUnits }),
    name,
    account: 'new',
    state: payment.state,
    bookedBefore: false,
  })
  if (score < AUTOMATIC_FROM) return undefined
  return { score, reasons, payer, ...(provesPerson(name) ? { samePerson: true } : {}) }
}

/** Whether money for it can be converted now, where it would be. */
export function canBePriced(app: MatchNeeds, payment: Payment, line: Line): boolean {
  if (payment.state !== 'started' && payment.state !== 'pending_bank') return true
  return (
    keepsPrice(payment, { kind: 'bank', bookedAt: line.bookedAt }) || currentPrice(app, payment) !== undefined
  )
}

export const awaitPrice = (line: Line, now: Date): Judgement => ({
  line,
  state: 'unmatched',
  reasons: ['There is no fresh price to convert the money at; it is tried again.'],
  score: null,
  dueAt: new Date(now.getTime() + PRICE_PAUSE_MS),
  suggestions: [],
})
