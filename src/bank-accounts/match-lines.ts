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
      const isFull = lines.length === BATCH * AT_ONCE
      const came = lines.filter(({ transferRef }) => transferRef === null)
      await Promise.all(
        splitLines(came).map(async (part) => {
          const left = await matchByNumber(app, part)
          await matchByScore(app, isFull ? await putOffFresh(app, left) : left)
        }),
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
