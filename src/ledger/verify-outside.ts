import { type Selectable, sql } from 'kysely'
import type { Db } from '../db/database.ts'
import type { BankAccountsTable } from '../db/schema.ts'
import type { BankLine, BankProvider } from '../providers/bank/port.ts'
import { IS_INDEXED } from './book.ts'
import type { Problem } from './verify.ts'

/** A wallet's account in the books beside what its chain says, less what left and isn't booked yet. */
export interface WalletComparison {
  door: string
  asset: string
  ledgerUnits: bigint
  chainUnits: bigint
  /** Chain less books; 0 when they agree. */
  differenceUnits: bigint
}

export function findWalletProblems(wallets: readonly WalletComparison[]): Problem[] {
  return wallets
    .filter(({ differenceUnits }) => differenceUnits !== 0n)
    .map(({ door, asset, ledgerUnits, chainUnits, differenceUnits }) => ({
      where: `account ${door} (${asset})`,
      what: `has ${ledgerUnits}, but the chain says ${chainUnits}: ${differenceUnits} are not explained by what is on its way`,
    }))
}

/** Bank and books move while they are compared; a difference counts when it is seen this often. */
const LOOKS = 4
const PAGE = 500

/** Whether each account of ours is in the books as the bank has it, but for lines that were not read yet. */
export async function findBankProblems(
  db: Db,
  bank: Pick<BankProvider, 'getBalance' | 'listTransactions'>,
): Promise<Problem[]> {
  // Of an account that isn't read by the API only its statements tell.
  const accounts = await db
    .selectFrom('bankAccounts')
    .selectAll()
    .where('dueAt', 'is not', null)
    .orderBy('iban')
    .execute()
  const problems: Problem[] = []
  for (const account of accounts) {
    let difference: Problem | undefined
    for (let look = 0; look < LOOKS; look += 1) {
      difference = await compareAccount(db, bank, account)
      if (!difference) break
    }
    if (difference) problems.push(difference)
  }
  return problems
}

async function compareAccount(
  db: Db,
  bank: Pick<BankProvider, 'getBalance' | 'listTransactions'>,
  { iban, currency, statementRef }: Selectable<BankAccountsTable>,
): Promise<Problem | undefined> {
  const lines: BankLine[] = []
  for (let last = statementRef; ; last = lines.at(-1)!.ref) {
    const page = await bank.listTransactions(iban, last, PAGE)
    lines.push(...page)
    if (page.length < PAGE) break
  }
  const balance = await bank.getBalance(iban)
  const { rows } = await sql<{ booked: bigint; known: string[] }>`
    select (select coalesce(sum(units), 0) from postings
             where account = ${`bank:${iban}`} and asset = ${currency} and ${IS_INDEXED}) as booked,
           array(select bank_ref from bank_transactions
                  where iban = ${iban} and bank_ref = any(${lines.map(({ ref }) => ref)}::text[])
                 union
                 select ref from bank_line_refs
                  where iban = ${iban} and ref = any(${lines.map(({ ref }) => ref)}::text[])) as known`.execute(
    db,
  )
  const { booked, known } = rows[0]!
  const read = new Set(known)
  let unreadUnits = 0n
  for (const { ref, direction, units } of lines) {
    if (!read.has(ref)) unreadUnits += direction === 'credit' ? units : -units
  }
  const differenceUnits = balance.units - unreadUnits - booked
  if (differenceUnits === 0n) return undefined
  return {
    where: `account bank:${iban} (${currency})`,
    what: `has ${booked}, but by the bank it should have ${balance.units - unreadUnits}`,
  }
}
