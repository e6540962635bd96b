import { sql } from 'kysely'
import type { App } from '../app.ts'
import { recordAudit } from '../common/integration-store.ts'
import type { Trx } from '../db/database.ts'
import { type Change, RefusedOperation } from '../effects/operate-effects.ts'
import { balanceOf } from '../ledger/book.ts'
import { formatAmount } from '../money/amount.ts'
import { assetOf } from '../money/asset.ts'
import { bankOf, suspenseOf, transitOutOf } from './record-lines.ts'
import { STATEMENT_LANE } from './statement-lane.ts'

/** What keeps an account in use: how many there are of each. */
export interface OpenOnAccount {
  /** Payments that payers may still transfer to it for, or that wait for a person. */
  payments: number
  /** Transfers out that have no end. */
  transfers: number
  /** Lines that belong to nobody, or are being matched. */
  lines: number
  /** Lines of which nobody knows whether they are known ones. */
  doubts: number
}

/** What is open on an account of ours. */
export async function readOpen(trx: Trx, iban: string): Promise<OpenOnAccount> {
  const { rows } = await sql<OpenOnAccount>`
    select (select count(*)::int from payment_concepts c join payments p on p.id = c.payment_id
             where c.iban = ${iban} and p.state in ('started', 'pending_bank', 'in_review')) as payments,
           (select count(*)::int from effects
             where door = ${bankOf(iban)} and state not in ('confirmed', 'cancelled')) as transfers,
           (select count(*)::int from bank_transactions
             where iban = ${iban}
               and (due_at is not null
                    or matched_units < units and (direction = 'credit' or transfer_ref is null or state = 'unmatched'))) as lines,
           (select count(*)::int from bank_doubts where iban = ${iban} and state = 'open') as doubts`.execute(
    trx,
  )
  return rows[0]!
}

/** What the books have of an account, in base units; all zero once nothing is left of it. */
export interface AccountBooks {
  heldUnits: bigint
  leavingUnits: bigint
  suspenseUnits: bigint
}

export async function readAccountBooks(trx: Trx, iban: string, currency: string): Promise<AccountBooks> {
  return {
    heldUnits: await balanceOf(trx, bankOf(iban), currency),
    leavingUnits: -(await balanceOf(trx, transitOutOf(iban), currency)),
    suspenseUnits: -(await balanceOf(trx, suspenseOf(iban), currency)),
  }
}

/**
 * Takes an account of ours out of use: no payer is given it, nothing is paid from it, and its bank is asked no more.
 * Only when its books are even and nothing is open; statements of it can still be imported. Doing it again changes
 * nothing. False: it was so already. Throws `RefusedOperation` with everything that is in the way.
 */
export async function retireAccount(
  { db, clock }: Pick<App, 'db' | 'clock'>,
  iban: string,
  { who, why }: Change,
): Promise<boolean> {
  return db.transaction().execute(async (trx) => {
    const account = await lockAccount(trx, iban)
    if (account.status === 'retired') return false
    const problems = [
      ...oddBooks(await readAccountBooks(trx, iban, account.currency), account.currency),
      ...tellOpen(await readOpen(trx, iban)),
    ]
    if (problems.length > 0) {
      throw new RefusedOperation(`${iban} can't be retired yet:\n${problems.join('\n')}`)
    }
    await setStatus(trx, iban, { status: 'retired', dueAt: null })
    await recordAudit(trx, clock.now(), {
      who,
      why,
      action: 'bank-account.retire',
      target: `bank-account:${iban}`,
    })
    return true
  })
}

/** Takes a retired account up again, as it was. False: it is in use already. Throws `RefusedOperation`. */
export async function reviveAccount(
  { db, clock, wake }: Pick<App, 'db' | 'clock' | 'wake'>,
  iban: string,
  { who, why }: Change,
): Promise<boolean> {
  const revived = await db.transaction().execute(async (trx) => {
    const { status, ordersBy } = await lockAccount(trx, iban)
    if (status === 'active') return false
    const now = clock.now()
    await setStatus(trx, iban, { status: 'active', dueAt: ordersBy === 'api' ? now : null })
    await recordAudit(trx, now, { who, why, action: 'bank-account.revive', target: `bank-account:${iban}` })
    return true
  })
  if (revived) wake(STATEMENT_LANE)
  return revived
}

interface LockedAccount {
  status: string
  currency: string
  ordersBy: 'api' | 'file'
}

/** Nobody is given the account, and no line is recorded on it, until the transaction ends. */
async function lockAccount(trx: Trx, iban: string): Promise<LockedAccount> {
  const account = await trx
    .selectFrom('bankAccounts')
    .select(['status', 'currency', 'ordersBy'])
    .where('iban', '=', iban)
    .forUpdate()
    .executeTakeFirst()
  if (!account) throw new RefusedOperation(`We have no account ${iban}. "bank account list" shows them.`)
  return account
}

async function setStatus(
  trx: Trx,
  iban: string,
  change: { status: 'active' | 'retired'; dueAt: Date | null },
): Promise<void> {
  await trx.updateTable('bankAccounts').set(change).where('iban', '=', iban).execute()
}

function oddBooks({ heldUnits, leavingUnits, suspenseUnits }: AccountBooks, currency: string): string[] {
  const text = (units: bigint) => `${formatAmount(units, assetOf(currency))} ${currency}`
  return [
    heldUnits !== 0n &&
      `It holds ${text(heldUnits)} by the books: transfer it away, import the line and claim it ("accounts claim … --as treasury").`,
    leavingUnits !== 0n && `${text(leavingUnits)} are on their way out of it.`,
    suspenseUnits !== 0n && `${text(suspenseUnits)} on it belong to nobody ("accounts lines").`,
  ].filter((problem) => problem !== false)
}

function tellOpen({ payments, transfers, lines, doubts }: OpenOnAccount): string[] {
  return [
    payments > 0 &&
      `${payments} payments may still be paid to it. Add the account that takes its place: payers are given the newest.`,
    transfers > 0 && `${transfers} transfers out of it have no end ("effects list").`,
    lines > 0 && `${lines} lines of it wait ("accounts lines").`,
    doubts > 0 && `${doubts} lines of it are in doubt ("bank doubts").`,
  ].filter((problem) => problem !== false)
}
