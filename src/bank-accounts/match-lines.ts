import { type Selectable, sql } from 'kysely'
import type { App } from '../app.ts'
import type { Trx } from '../db/database.ts'
import type { BankTransactionsTable } from '../db/schema.ts'
import type { Lane } from '../kernel/lanes.ts'
import { readConcepts } from '../onramp/concept.ts'
import type { Payment } from '../onramp/payment.ts'
import { beginChanges, wakeAfter, writeChanges } from '../onramp/payment-changes.ts'
import { lockPayments } from '../onramp/payment-store.ts'
import { currentPrice, keepsPrice } from '../onramp/receive.ts'
import { bookMatches, type NewMatch } from './book-match.ts'
import { BANK_LINE_LANE } from './record-lines.ts'
import { takeBackTransfer } from './take-back-transfer.ts'

const BATCH = 100
const LEASE_MS = 30_000
/** A line that can't be priced now waits this long. */
const PRICE_PAUSE_MS = 15_000

type Needs = Pick<App, 'db' | 'clock' | 'config' | 'secrets' | 'pricing' | 'wake' | 'log' | 'pageNews'>
type Line = Selectable<BankTransactionsTable>

/** Finds the payments that incoming transfers are for, by the concept alone: nothing is guessed with money. */
export function bankLineLane(app: Needs): Lane {
  return {
    name: BANK_LINE_LANE,
    async step() {
      const lines = await claimLines(app)
      if (lines.length === 0) return 0
      const returned = lines.filter(({ transferRef }) => transferRef !== null)
      for (const line of returned) await takeBackTransfer(app, line)
      await matchLines(
        app,
        lines.filter(({ transferRef }) => transferRef === null),
      )
      return lines.length
    },
    async nextDue() {
      const row = await app.db
        .selectFrom('bankTransactions')
        .select('dueAt')
        .where('dueAt', 'is not', null)
        .orderBy('dueAt')
        .limit(1)
        .executeTakeFirst()
      return row?.dueAt ?? null
    },
  }
}

async function claimLines({ db, clock }: Needs): Promise<Line[]> {
  const { rows } = await sql<Line>`
    update bank_transactions set lease_until = clock_timestamp() + ${LEASE_MS} * interval '1 millisecond'
     where (iban, id) in (
           select iban, id from bank_transactions
            where due_at <= ${clock.now()} and (lease_until is null or lease_until < clock_timestamp())
            order by due_at limit ${BATCH} for update skip locked)
    returning *`.execute(db)
  return rows.sort((a, b) => a.bookedAt.getTime() - b.bookedAt.getTime())
}

async function matchLines(app: Needs, lines: readonly Line[]): Promise<void> {
  if (lines.length === 0) return
  const candidates = await findCandidates(app, lines)
  const changes = beginChanges(app)
  await app.db.transaction().execute(async (trx) => {
    const ids = [...candidates.values()].filter((found) => found.length === 1).flat()
    const payments = await lockPayments(trx, [...new Set(ids)])
    const open = await lockOpenLines(trx, lines)
    const outcomes: Outcome[] = []
    const matches: NewMatch[] = []
    for (const line of open) {
      const found = candidates.get(line.id) ?? []
      const payment = found.length === 1 ? payments.get(found[0]!) : undefined
      if (!payment || payment.fiat !== line.currency) outcomes.push(leaveUnmatched(line, found))
      else if (!canBePriced(app, payment, line)) {
        outcomes.push({ line, state: 'unmatched', reasons: [], dueAt: after(changes.now, PRICE_PAUSE_MS) })
      } else {
        const how = { matchedBy: 'automatic', reasons: ['concept'], score: 100 }
        matches.push({ line, payment, units: line.units, ...how })
      }
    }
    await recordOutcomes(trx, outcomes)
    await bookMatches(app, trx, changes, payments, matches)
    await writeChanges(trx, changes)
  })
  wakeAfter(app, changes)
}

/** The payments that each line's text names, on the account it came to; more than one is as good as none. */
async function findCandidates({ db }: Needs, lines: readonly Line[]): Promise<Map<string, string[]>> {
  const asked = lines.flatMap((line) => readConcepts(line.concept).map((concept) => ({ line, concept })))
  if (asked.length === 0) return new Map()
  const { rows } = await sql<{ id: string; paymentId: string }>`
    select given.id, payment_id
      from unnest(${asked.map(({ line }) => line.id)}::text[], ${asked.map(({ line }) => line.iban)}::text[],
                  ${asked.map(({ concept }) => concept)}::bigint[]) given (id, iban, concept)
      join payment_concepts using (iban, concept)`.execute(db)
  const found = Map.groupBy(rows, ({ id }) => id)
  return new Map([...found].map(([id, same]) => [id, [...new Set(same.map(({ paymentId }) => paymentId))]]))
}

/** Lines that nobody else has matched meanwhile, such as a person. */
async function lockOpenLines(trx: Trx, lines: readonly Line[]): Promise<Line[]> {
  const { rows } = await sql<Line>`
    select bank_transactions.* from bank_transactions
      join unnest(${lines.map(({ iban }) => iban)}::text[], ${lines.map(({ id }) => id)}::text[]) given (iban, id)
     using (iban, id)
     where matched_units = 0 and due_at is not null
     order by booked_at, id for update of bank_transactions`.execute(trx)
  return rows
}

function canBePriced(app: Needs, payment: Payment, line: Line): boolean {
  if (payment.state !== 'started' && payment.state !== 'pending_bank') return true
  return (
    keepsPrice(payment, { kind: 'bank', bookedAt: line.bookedAt }) || currentPrice(app, payment) !== undefined
  )
}

interface Outcome {
  line: Line
  state: 'unmatched' | 'suggested'
  reasons: string[]
  dueAt: Date | null
}

const leaveUnmatched = (line: Line, found: readonly string[]): Outcome => ({
  line,
  state: found.length > 0 ? 'suggested' : 'unmatched',
  reasons: found.map((paymentId) => `concept:${paymentId}`),
  dueAt: null,
})

async function recordOutcomes(trx: Trx, outcomes: readonly Outcome[]): Promise<void> {
  if (outcomes.length === 0) return
  await sql`
    update bank_transactions
       set state = given.state, match_reasons = given.reasons, due_at = given.due_at, lease_until = null
      from unnest(${outcomes.map(({ line }) => line.iban)}::text[], ${outcomes.map(({ line }) => line.id)}::text[],
                  ${outcomes.map(({ state }) => state)}::text[],
                  ${outcomes.map(({ reasons }) => JSON.stringify(reasons))}::jsonb[],
                  ${outcomes.map(({ dueAt }) => dueAt)}::timestamptz[]) given (iban, id, state, reasons, due_at)
     where bank_transactions.iban = given.iban and bank_transactions.id = given.id`.execute(trx)
}

const after = (now: Date, ms: number): Date => new Date(now.getTime() + ms)
