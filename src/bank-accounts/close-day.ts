import { sql } from 'kysely'
import type { App } from '../app.ts'
import type { Db, Trx } from '../db/database.ts'
import { RefusedOperation } from '../effects/operate-effects.ts'
import { balanceOf } from '../ledger/book.ts'
import { ProviderError } from '../providers/provider-error.ts'
import { compareDay, type DayComparison, type DayFacts, type NoWord } from './closing/compare-day.ts'
import { type AskedBank, askBank, readBank } from './closing/read-bank.ts'
import {
  type DayStanding,
  findDoubts,
  findLate,
  findMissingOrders,
  findUnexpected,
  readStanding,
} from './closing/read-beside.ts'
import { findChain, isCovered, readStatements, sumLines } from './closing/read-statements.ts'
import { dayAfter } from './closing/statement-chain.ts'
import { whileBooksRest } from './lock-books.ts'
import { bankOf } from './record-lines.ts'

type Needs = Pick<App, 'db' | 'clock'> & { providers: Pick<App['providers'], 'bank'> }

/** The bank and the books move while they are compared; what is left unexplained is looked at so often. */
const LOOKS = 4

/** How an account ended a day. Units are base units of its currency. */
export interface ClosedDay extends DayComparison {
  iban: string
  currency: string
  /** `YYYY-MM-DD` */
  day: string
  /** How often the day was closed, this time included. */
  run: number
  /** Who closed it the time before, and when; null of the first time. */
  closedBefore: { who: string; at: Date } | null
  closedAt: Date
  agreed: boolean
  standing: DayStanding
}

interface Account {
  iban: string
  currency: string
  statementRef: string | null
  dueAt: Date | null
  createdAt: Date
}

/**
 * Compares what each account, or one, held by its bank at the end of a day with what it held by the books, and
 * remembers what was found and who asked. It changes nothing else, and may be done again. Accounts that are younger
 * than the day and have no statement of it are left out, as are retired ones of which nothing is told on that day.
 * Throws `RefusedOperation` when the day isn't over or there is no such account.
 */
export async function closeDay(
  app: Needs,
  { day, iban }: { day: string; iban?: string | undefined },
  who: string,
): Promise<ClosedDay[]> {
  refuseDay(day, app.clock.now())
  const accounts = await app.db
    .selectFrom('bankAccounts')
    .select(['iban', 'currency', 'statementRef', 'dueAt', 'createdAt', 'status'])
    .$if(iban !== undefined, (all) => all.where('iban', '=', iban!))
    .orderBy('iban')
    .execute()
  if (iban !== undefined && accounts.length === 0) {
    throw new RefusedOperation(`We have no account ${iban}. "accounts list" shows them.`)
  }
  const closed: ClosedDay[] = []
  for (const account of accounts) {
    const isOver =
      iban === undefined && account.status === 'retired' && !(await isInUse(app.db, account, day))
    if (isOver) continue
    const one = await closeAccount(app, account, day, who)
    if (one) closed.push(one)
  }
  return closed
}

function refuseDay(day: string, now: Date): void {
  const time = Date.parse(`${day}T00:00:00Z`)
  if (
    !/^\d{4}-\d\d-\d\d$/.test(day) ||
    Number.isNaN(time) ||
    new Date(time).toISOString().slice(0, 10) !== day
  ) {
    throw new RefusedOperation(`${day} is no day. Write it like 2026-03-31.`)
  }
  if (day >= now.toISOString().slice(0, 10)) {
    throw new RefusedOperation(`${day} is not over (UTC): what it holds may still change.`)
  }
}

async function closeAccount(
  app: Needs,
  account: Account,
  day: string,
  who: string,
): Promise<ClosedDay | undefined> {
  for (let look = 1; ; look += 1) {
    const asked = await askIfNeeded(app, account, day)
    if (!asked) return undefined
    // A line that is not among those that are compared is recorded after `now`, and so known to have come later. Who closes the
    // same day at the same time comes after this, and sees what was found here.
    const closed = await whileBooksRest(app.db, (db) =>
      db
        .transaction()
        .setIsolationLevel('repeatable read')
        .execute(async (trx) => {
          const now = app.clock.now()
          const facts = await readFacts(trx, account, day, asked)
          const comparison = compareDay(day, facts)
          const again =
            comparison.toldBy === 'bank' &&
            comparison.differences.some(({ cause }) => cause === 'unexplained')
          if (again && look < LOOKS) return undefined
          return record(trx, { account, day, who, now }, comparison)
        }),
    )
    if (closed) return closed
  }
}

/** Nothing to ask: `statements`. Undefined: nothing is known of the account on that day. */
async function askIfNeeded(
  { db, providers }: Needs,
  account: Account,
  day: string,
): Promise<'statements' | AskedBank | NoWord | undefined> {
  const chain = await db.transaction().execute((trx) => findChain(trx, account.iban, day))
  if (isCovered(chain, day)) return 'statements'
  if (chain.links.length === 0 && (await isYounger(db, account, day))) return undefined
  if (account.dueAt !== null && providers.bank) {
    const current = await db
      .selectFrom('bankAccounts')
      .select('statementRef')
      .where('iban', '=', account.iban)
      .executeTakeFirstOrThrow()
    try {
      return await askBank(providers.bank, { ...account, ...current })
    } catch (error) {
      if (!(error instanceof ProviderError)) throw error
      return { by: 'none', reason: error.message }
    }
  }
  if (chain.links.length > 0) return 'statements'
  return { by: 'none', reason: 'no statement was imported up to this day' }
}

/** Whether the account came to us after that day, with nothing that happened before. */
async function isYounger(db: Db, { iban, createdAt }: Account, day: string): Promise<boolean> {
  if (createdAt.toISOString().slice(0, 10) <= day) return false
  const { rows } = await sql`
    select from bank_transactions where iban = ${iban} and booked_on <= ${day}::date limit 1`.execute(db)
  return rows.length === 0
}

/** Whether an account that was retired, perhaps since, had something on a day: money, lines, doubts or a statement. */
async function isInUse(db: Db, { iban, currency }: Account, day: string): Promise<boolean> {
  const { rows } = await sql`
    select where exists (select from bank_transactions where iban = ${iban} and booked_on = ${day}::date)
              or exists (select from bank_doubts
                          where iban = ${iban} and state = 'open' and booked_on <= ${day}::date)
              or exists (select from statements
                          where iban = ${iban} and complete and ${day}::date between from_on and to_on)`.execute(
    db,
  )
  if (rows.length > 0) return true
  return db
    .transaction()
    .execute(
      async (trx) =>
        (await readLedger(trx, { iban, currency }, day)) !== 0n ||
        (await findLate(trx, iban, day)).length > 0,
    )
}

/** What an account held at the end of a day by the books. */
async function readLedger(
  trx: Trx,
  { iban, currency }: Pick<Account, 'iban' | 'currency'>,
  on: string,
): Promise<bigint> {
  const balanceUnits = await balanceOf(trx, bankOf(iban), currency)
  return balanceUnits - (await sumLines(trx, iban, dayAfter(on), null))
}

async function readFacts(
  trx: Trx,
  account: Account,
  on: string,
  asked: 'statements' | AskedBank | NoWord,
): Promise<DayFacts> {
  const { iban } = account
  const ledgerUnits = await readLedger(trx, account, on)
  const late = await findLate(trx, iban, on)
  const unexpected = await findUnexpected(trx, iban, on)
  const scope = { iban, on, ledgerUnits }
  if (asked === 'statements') {
    const chain = await findChain(trx, iban, on)
    const { word, coveredTo } = (await readStatements(trx, scope, chain))!
    const doubts = await findDoubts(trx, scope, { chain })
    const orders = await findMissingOrders(trx, iban, coveredTo)
    return { ledgerUnits, word, doubts, orders, unexpected, late }
  }
  const doubts = await findDoubts(trx, scope, 'bank')
  const orders = await findMissingOrders(trx, iban, on)
  const word = 'by' in asked ? asked : await readBank(trx, scope, asked)
  return { ledgerUnits, word, doubts, orders, unexpected, late }
}

async function record(
  trx: Trx,
  { account: { iban, currency }, day, who, now }: { account: Account; day: string; who: string; now: Date },
  comparison: DayComparison,
): Promise<ClosedDay> {
  const { toldBy, bankUnits, ledgerUnits, differences } = comparison
  const agreed = differences.length === 0
  const before = await trx
    .selectFrom('bankCloses')
    .select(['run', 'closedBy as who', 'closedAt as at'])
    .where('iban', '=', iban)
    .where('day', '=', day)
    .orderBy('run', 'desc')
    .limit(1)
    .executeTakeFirst()
  const run = (before?.run ?? 0) + 1
  await sql`
    insert into bank_closes (iban, day, run, told_by, bank_units, ledger_units, agreed, differences, closed_by, closed_at)
    values (${iban}, ${day}::date, ${run}, ${toldBy}, ${bankUnits}, ${ledgerUnits}, ${agreed},
            ${toJson(differences)}::jsonb, ${who}, ${now})`.execute(trx)
  const standing = await readStanding(trx, { iban, currency, now })
  const closedBefore = before ? { who: before.who, at: before.at } : null
  return { ...comparison, iban, currency, day, run, closedBefore, closedAt: now, agreed, standing }
}

const toJson = (value: unknown): string =>
  JSON.stringify(value, (_, part) => (typeof part === 'bigint' ? part.toString() : part))
