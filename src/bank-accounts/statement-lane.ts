import { sql } from 'kysely'
import type { App } from '../app.ts'
import type { Db, Trx } from '../db/database.ts'
import type { Lane } from '../kernel/lanes.ts'
import { recordBankLines } from './record-lines.ts'

/** On the platform's clock. */
const READ_AGAIN_MS = 60_000
/** After the bank did not answer. */
const TRY_AGAIN_MS = 10_000
const LEASE_MS = 60_000
const PAGE = 200

export const STATEMENT_LANE = 'bank-statements'

type Needs = Pick<App, 'db' | 'clock' | 'config' | 'secrets' | 'wake' | 'providers' | 'log' | 'pageNews'>

interface Account {
  iban: string
  statementRef: string | null
}

/**
 * Reads what the bank has booked on each account, from the last line read on: a notification may be lost for good,
 * the statement has every line. Lines that a notification told of already are recorded once.
 */
export function statementLane(app: Needs): Lane {
  return {
    name: STATEMENT_LANE,
    pollMs: 10_000,
    recurring: true,
    async step() {
      if (!app.providers.bank) return 0
      const [account] = await claimAccount(app)
      if (!account) return 0
      try {
        await readOn(app, account)
      } catch (error) {
        // The bank is asked again soon, after the other accounts; the lane says that it failed.
        await putOff(app, account)
        throw error
      }
      return 1
    },
    async nextDue() {
      if (!app.providers.bank) return null
      const row = await app.db
        .selectFrom('bankAccounts')
        .select('dueAt')
        .where('dueAt', 'is not', null)
        .orderBy('dueAt')
        .limit(1)
        .executeTakeFirst()
      return row?.dueAt ?? null
    },
  }
}

/** The statements of these accounts are read now: there is news that a notification may not bring. */
export async function hurryStatements(db: Db | Trx, ibans: readonly string[], now: Date): Promise<void> {
  await db
    .updateTable('bankAccounts')
    .set({ dueAt: now })
    .where('iban', 'in', [...ibans])
    .where('dueAt', '>', now)
    .execute()
}

async function claimAccount({ db, clock }: Needs): Promise<Account[]> {
  const { rows } = await sql<Account>`
    update bank_accounts set lease_until = clock_timestamp() + ${LEASE_MS} * interval '1 millisecond'
     where iban = (select iban from bank_accounts
                    where due_at <= ${clock.now()} and (lease_until is null or lease_until < clock_timestamp())
                    order by due_at limit 1 for update skip locked)
    returning iban, statement_ref`.execute(db)
  return rows
}

/** An account may have been told to go by files alone, or retired, while its bank was asked. */
const unlessByFile = (dueAt: Date) =>
  sql<Date | null>`case when orders_by = 'api' and status = 'active' then ${dueAt}::timestamptz end`

async function putOff({ db, clock }: Needs, { iban }: Account): Promise<void> {
  await db
    .updateTable('bankAccounts')
    .set({ dueAt: unlessByFile(new Date(clock.now().getTime() + TRY_AGAIN_MS)), leaseUntil: null })
    .where('iban', '=', iban)
    .execute()
}

async function readOn(app: Needs, { iban, statementRef }: Account): Promise<void> {
  let last = statementRef
  for (;;) {
    const lines = await app.providers.bank!.listTransactions(iban, last, PAGE)
    if (lines.length > 0) await recordBankLines(app, lines)
    last = lines.at(-1)?.ref ?? last
    const full = lines.length === PAGE
    const dueAt = new Date(app.clock.now().getTime() + READ_AGAIN_MS)
    await app.db
      .updateTable('bankAccounts')
      .set({ statementRef: last, ...(full ? {} : { dueAt: unlessByFile(dueAt), leaseUntil: null }) })
      .where('iban', '=', iban)
      .execute()
    if (!full) return
  }
}
