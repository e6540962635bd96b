import { type Selectable, sql } from 'kysely'
import type { App } from '../app.ts'
import type { BankTransactionsTable } from '../db/schema.ts'
import type { Lane } from '../kernel/lanes.ts'
import { findNamed, matchByNumber } from './matching/match-by-number.ts'
import { matchByScore } from './matching/match-by-score.ts'
import { splitLines } from './matching/split-lines.ts'
import { BANK_LINE_LANE } from './record-lines.ts'
import { takeBackTransfer } from './take-back-transfer.ts'

const BATCH = 500
/** Batches that are claimed together: each time, the last ones to be done have the machine to themselves. */
const CLAIMED = 4
/** Batches at once: while one waits for the database, another is judged. */
const AT_ONCE = 3
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
      const lines = await claimLines(app)
      if (lines.length === 0) return 0
      const returned = lines.filter(({ transferRef }) => transferRef !== null)
      for (const line of returned) await takeBackTransfer(app, line)
      const isFull = lines.length === BATCH * CLAIMED
      const came = lines.filter(({ transferRef }) => transferRef === null)
      const named = await findNamed(app, came)
      const left: Line[] = []
      await eachOf(splitLines(came, named, BATCH), async (part) => {
        left.push(...(await matchByNumber(app, part, named)))
      })
      const searched = (isFull ? await putOffFresh(app, left) : left).sort(byBooking)
      await eachOf(splitLines(searched, named, BATCH), (part) => matchByScore(app, part))
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
            order by due_at limit ${BATCH * CLAIMED} for update skip locked)
    returning *`.execute(db)
  return rows.sort(byBooking)
}

const byBooking = (a: Line, b: Line): number => a.bookedAt.getTime() - b.bookedAt.getTime()

/** Does something of each part, some of them at once. What fails is thrown when all that began have ended. */
async function eachOf(
  parts: readonly Line[][],
  work: (part: readonly Line[]) => Promise<void>,
): Promise<void> {
  const waiting = [...parts]
  const workers = Array.from({ length: AT_ONCE }, async () => {
    for (let part = waiting.shift(); part; part = waiting.shift()) await work(part)
  })
  const ended = await Promise.allSettled(workers)
  const failed = ended.find((one) => one.status === 'rejected')
  if (failed) throw failed.reason
}

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
