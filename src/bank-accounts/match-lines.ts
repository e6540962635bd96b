import { type Selectable, sql } from 'kysely'
import type { App } from '../app.ts'
import type { BankTransactionsTable } from '../db/schema.ts'
import type { Lane } from '../kernel/lanes.ts'
import { forgetNames } from './customer-names.ts'
import { findNamed, matchByNumber, type NumberedLine } from './matching/match-by-number.ts'
import { matchByScore } from './matching/match-by-score.ts'
import { BANK_LINE_LANE } from './record-lines.ts'
import { takeBackTransfer } from './take-back-transfer.ts'

const BATCH = 1_000
/** Batches at once: while one waits for the database, another is judged. */
const AT_ONCE = 4
/** After so many batches one after the other the lane may be ended. */
const BATCHES = 4
const LEASE_MS = 30_000
/** The number means nothing. */
const SWEEPING = 7_264_013

type Needs = Pick<App, 'db' | 'clock' | 'config' | 'secrets' | 'pricing' | 'wake' | 'log' | 'pageNews'>
type Line = Selectable<BankTransactionsTable>

/**
 * Finds the payments that incoming transfers are for: by the number that the payer wrote, else by all that is known of
 * the payer and the amount. What isn't sure is proposed to a person. While many lines wait, those that need a search
 * come after all that don't: then most payments have their money, and fewer are left to be taken for another.
 */
export function bankLineLane(app: Needs): Lane {
  let sweptTo: SweptTo | null = null
  return {
    name: BANK_LINE_LANE,
    async step() {
      const fresh = await listFresh(app, sweptTo)
      if (fresh.length >= BATCH) {
        // Lines of a sweep that fails are claimed later: it keeps no other from being looked at.
        const before = sweptTo
        const { iban, id, dueAt } = fresh.at(-1)!
        sweptTo = { iban, id, dueAt }
        const count = await sweep(app, fresh)
        if (count === 0) sweptTo = before
        return count
      }
      const first = await claimLines(app)
      if (first.length < BATCH) {
        await matchLines(app, first)
        forgetNames(app.secrets)
        return first.length
      }
      const claimed = [first]
      return sideBySide(async () => {
        const lines = claimed.pop() ?? (await claimLines(app))
        await matchLines(app, lines)
        return lines.length
      })
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

/** Some workers, each at batch after batch while they are full. Answers how many lines were looked at. */
async function sideBySide(work: () => Promise<number>): Promise<number> {
  const one = async (): Promise<number> => {
    let count = 0
    for (let batch = 0; batch < BATCHES; batch += 1) {
      const lines = await work()
      count += lines
      if (lines < BATCH) break
    }
    return count
  }
  // All end before one that failed is told of: none goes on behind the lane's back.
  const ended = await Promise.allSettled(Array.from({ length: AT_ONCE }, one))
  const failed = ended.find((each) => each.status === 'rejected')
  if (failed) throw failed.reason
  return ended.reduce((sum, each) => sum + (each.status === 'fulfilled' ? each.value : 0), 0)
}

async function matchLines(app: Needs, lines: readonly Line[]): Promise<void> {
  const returned = lines.filter(({ transferRef }) => transferRef !== null)
  for (const line of returned) await takeBackTransfer(app, line)
  const came = lines.filter(({ transferRef }) => transferRef === null)
  await matchByScore(app, await matchByNumber(app, came, await findNamed(app, came)))
}

async function claimLines({ db, clock }: Needs): Promise<Line[]> {
  const { rows } = await sql<Line>`
    update bank_transactions set lease_until = clock_timestamp() + ${LEASE_MS} * interval '1 millisecond'
     where (iban, id) in (
           select iban, id from bank_transactions
            where due_at <= ${clock.now()} and (lease_until is null or lease_until < clock_timestamp())
            order by due_at limit ${BATCH} for update skip locked)
    returning *`.execute(db)
  return rows.sort(byBooking)
}

const byBooking = (a: Line, b: Line): number => a.bookedAt.getTime() - b.bookedAt.getTime()

type FreshLine = NumberedLine & { dueAt: Date }
/** The last line that a sweep has looked at: what comes after it, by when it is due, was not. */
type SweptTo = Pick<FreshLine, 'iban' | 'id' | 'dueAt'>

/** Lines that came and that nobody has looked at yet, with what is asked of them at first. */
async function listFresh({ db, clock }: Needs, after: SweptTo | null): Promise<FreshLine[]> {
  const isAfter = after
    ? sql`and due_at >= ${after.dueAt} and (due_at, iban, id) > (${after.dueAt}, ${after.iban}, ${after.id})`
    : sql``
  const { rows } = await sql<FreshLine>`
    select iban, id, booked_at, concept, return_code, transfer_ref, due_at from bank_transactions
     where due_at <= ${clock.now()} and due_at <= created_at and transfer_ref is null
       and (lease_until is null or lease_until < clock_timestamp()) ${isAfter}
     order by due_at, iban, id limit ${AT_ONCE * BATCHES * BATCH}`.execute(db)
  return rows
}

/**
 * Matches all of these that need no search; the others are claimed when all were looked at. Nothing is claimed here: one
 * process does it at a time, and a line that was matched meanwhile is seen when it is locked. Answers how many lines
 * were looked at.
 */
function sweep(app: Needs, lines: NumberedLine[]): Promise<number> {
  return app.db.transaction().execute(async (trx) => {
    const { rows } = await sql<{ isOurs: boolean }>`
      select pg_try_advisory_xact_lock(${SWEEPING}) as is_ours`.execute(trx)
    if (!rows[0]!.isOurs) return 0
    return sideBySide(async () => {
      const batch = lines.splice(0, BATCH)
      await matchByNumber(app, batch, await findNamed(app, batch))
      return batch.length
    })
  })
}
