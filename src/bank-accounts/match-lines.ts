import { type Selectable, sql } from 'kysely'
import type { App } from '../app.ts'
import type { BankTransactionsTable } from '../db/schema.ts'
import type { Lane } from '../kernel/lanes.ts'
import { sha256 } from '../kernel/secrets.ts'
import { matchByNumber } from './matching/match-by-number.ts'
import { matchByScore } from './matching/match-by-score.ts'
import { BANK_LINE_LANE } from './record-lines.ts'
import { takeBackTransfer } from './take-back-transfer.ts'

const BATCH = 500
/** Batches at once: while one waits for the database, another is judged. */
const AT_ONCE = 2
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
      const came = lines.filter(({ transferRef }) => transferRef === null)
      await Promise.all(
        splitLines(came).map(async (part) => matchByScore(app, await matchByNumber(app, part))),
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
            order by due_at limit ${BATCH * AT_ONCE} for update skip locked)
    returning *`.execute(db)
  return rows.sort((a, b) => a.bookedAt.getTime() - b.bookedAt.getTime())
}

/** Lines of the same payer, or with the same text, stay together: they are judged in the order in which they came. */
function splitLines(lines: readonly Line[]): Line[][] {
  if (lines.length <= BATCH) return [[...lines]]
  const parts: Line[][] = Array.from({ length: AT_ONCE }, () => [])
  for (const line of lines) {
    const digest = sha256(line.payerIndex ?? line.concept)
    parts[digest[0]! % AT_ONCE]!.push(line)
  }
  return parts
}
