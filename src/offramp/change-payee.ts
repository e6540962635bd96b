import { sql } from 'kysely'
import type { Trx } from '../db/database.ts'
import { RefusedOperation } from '../effects/operate-effects.ts'
import { normaliseIban } from '../providers/bank/iban.ts'
import { localAccountRule, normaliseLocalAccount } from '../providers/bank/local-accounts.ts'
import { findPayoutIbanProblem } from './payee.ts'
import type { Payee } from './sale.ts'

/** What a person says of the account that a sale is paid to instead, as typed. */
export interface PayeeChange {
  iban?: string | undefined
  /** A local account's number. */
  account?: string | undefined
  /** The holder; as before unless told. */
  name?: string | undefined
}

/**
 * The payee that a change makes of the one before. The kind stays, as the sale's currency does: throws
 * `RefusedOperation` for an account of the other kind beside it or instead of it.
 */
export function changePayee(before: Payee, { iban, account, name = before.name }: PayeeChange): Payee {
  if (iban !== undefined && account !== undefined) {
    throw new RefusedOperation('A sale is paid to one account: give --iban or --account, not both.')
  }
  if (before.kind === 'local') {
    if (account === undefined)
      throw new RefusedOperation('This customer has a local account: name the new one with --account.')
    return { ...before, account, name }
  }
  if (iban === undefined)
    throw new RefusedOperation('This sale is paid to an IBAN: name the new one with --iban.')
  return { kind: 'iban', iban, name }
}

/**
 * Judges whom a sale is to be paid to as its creation does, and answers it as it is kept. Throws `RefusedOperation`
 * for an account that can't be one, or is ours, and for a holder without a name.
 */
export async function checkPayee(trx: Trx, payee: Payee): Promise<Payee> {
  const name = payee.name.trim()
  if (name === '' || /\p{Cc}/u.test(name) || name.length > LONGEST_NAME) {
    throw new RefusedOperation(
      `The holder's name must have 1 to ${LONGEST_NAME} characters that can be seen.`,
    )
  }
  if (payee.kind === 'local') {
    const account = normaliseLocalAccount(payee.account)
    const rule = localAccountRule(payee.country)
    const problem = rule ? rule.findProblem(account) : `is of ${payee.country}, where no local payouts go`
    if (problem) throw new RefusedOperation(`The ${rule?.name ?? 'account'} ${problem}.`)
    return { ...payee, account, name }
  }
  const iban = normaliseIban(payee.iban)
  const problem = findPayoutIbanProblem(iban, await isOurs(trx, iban))
  if (problem) throw new RefusedOperation(`The IBAN ${problem}.`)
  return { kind: 'iban', iban, name }
}

const LONGEST_NAME = 255

async function isOurs(trx: Trx, iban: string): Promise<boolean> {
  const { rows } = await sql`select from bank_accounts where iban = ${iban} limit 1`.execute(trx)
  return rows.length > 0
}
