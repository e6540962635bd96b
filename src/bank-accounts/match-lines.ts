import { type Selectable, sql } from 'kysely'
import type { App } from '../app.ts'
import type { BankTransactionsTable } from '../db/schema.ts'
import type { Lane } from '../kernel/lanes.ts'
import { findNamed, matchByNumber } from './matching/match-by-number.ts'
import { matchByScore } from './matching/match-by-score.ts'
import { BANK_LINE_LANE } from './record-lines.ts'
import { takeBackTransfer } from './take-back-transfer.ts'

const BATCH = 500
/** Batches at once: while one waits for the database, another is judged. */
const AT_ONCE = 4
/** After so many batches one after the other the lane may be ended. */
const BATCHES = 8
const LEASE_MS = 30_000

type Needs = Pick<App, 'db' | 'clock' | 'config' | 'secrets' | 'pricing' | 'wake' | 'log' | 'pageNews'>
type Line = Selectable<BankTransactionsTable>

/**
 * Finds the payments that incoming transfers are for: by the number that the payer wrote, else by all that is known of
 * the payer and the amount. What isn't sure is proposed to a person.
 */
export function bankLineLane(app: Needs): Lane {
  return {
    name: BANK_LINE_LANE,
    async step() {
      const first = await claimLines(app)
      if (first.length < BATCH) {
        await matchLines(app, first, false)
        return first.length
      }
      const others = Array.from({ length: AT_ONCE - 1 }, () => matchBatches(app))
      // All end before one that failed is told of: none goes on behind the lane's back.
      const ended = await Promise.allSettled([matchBatches(app, first), ...others])
      const failed = ended.find((one) => one.status === 'rejected')
      if (failed) throw failed.reason
      return ended.reduce((sum, one) => sum + (one.status === 'fulfilled' ? one.value : 0), 0)
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

/** Batch after batch while full ones are due. Answers how many lines were looked at. */
async function matchBatches(app: Needs, first?: Line[]): Promise<number> {
  let count = 0
  let claimed = first
  for (let batch = 0; batch < BATCHES; batch += 1) {
    const lines = claimed ?? (await claimLines(app))
    claimed = undefined
    const isFull = lines.length === BATCH
    await matchLines(app, lines, isFull)
    count += lines.length
    if (!isFull) break
  }
  return count
}

async function matchLines(app: Needs, lines: readonly Line[], isFull: boolean): Promise<void> {
  const returned = lines.filter(({ transferRef }) => transferRef !== null)
  for (const line of returned) await takeBackTransfer(app, line)
  const came = lines.filter(({ transferRef }) => transferRef === null)
  const left = await matchByNumber(app, came, await findNamed(app, came))
  await matchByScore(app, isFull ? await putOffFresh(app, left) : left)
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

/**
 * While many lines wait, those that need a search come after all that don't: then most payments have their money, and
 * fewer are left to be taken for another. Each is put off once. Answers those that were before.
 */
async function putOffFresh({ db, clock }: Needs, lines: readonly Line[]): Promise<Line[]> {
  const isFresh = ({ dueAt, createdAt }: Line): boolean => dueAt !== null && dueAt <= createdAt
  const fresh = lines.filter(isFresh)
  if (fresh.length > 0) {
    await sql`
      update bank_transactions set due_at = greatest(${clock.now()}, created_at + interval '1 millisecond'),
                                   lease_until = null
       where (iban, id) in (select * from unnest(${fresh.map(({ iban }) => iban)}::text[],
                                                 ${fresh.map(({ id }) => id)}::text[]))
         and due_at <= created_at and matched_units = 0`.execute(db)
  }
  return lines.filter((line) => !isFresh(line))
}
