import { findIbanProblem, ibanOf, normaliseIban, spanishIban } from '../../providers/bank/iban.ts'
import { type Place, StatementError } from './statement.ts'

/**
 * The account of a statement as the file names it, without spaces. An IBAN whose length or check digits don't fit, of
 * whatever country, is refused with code `account`: the file is damaged or was typed by hand.
 */
export function accountOf(text: string, place: Place): string {
  const account = normaliseIban(text)
  if (account === '') throw new StatementError('account', place, 'The account of the statement is missing.')
  if (!/^[A-Z]{2}\d{2}[A-Z0-9]{10,30}$/.test(account)) return account
  const problem = findIbanProblem(account)
  if (problem === null) return account
  // Outside of SEPA the registry's lengths are not known here, but the check digits are everybody's.
  const fits = ibanOf(account.slice(0, 2), account.slice(4)) === account
  if (fits && problem.includes('no country of SEPA')) return account
  throw new StatementError('account', place, `The account ${account} ${problem}. Download the file again.`)
}

/**
 * The IBAN of a Spanish account of 20 digits (CCC: bank, branch, two check digits, account); null when it has another
 * form or its own check digits don't fit.
 */
export function ibanOfCcc(ccc: string): string | null {
  const digits = ccc.replaceAll(/[\s-]/g, '')
  if (!/^\d{20}$/.test(digits)) return null
  const iban = spanishIban(digits.slice(0, 4), digits.slice(4, 8), digits.slice(10))
  return iban.slice(4) === digits ? iban : null
}

/**
 * The IBAN of an account as a statement names it: itself, the one of a CCC, or the one of a German bank code and
 * account (`50880050/194777100`) by the rule that nearly all German banks follow; null when none can be told.
 */
export function ibanOfAccount(account: string): string | null {
  const plain = normaliseIban(account)
  if (findIbanProblem(plain) === null) return plain
  const german = /^(\d{8})\/(\d{1,10})$/.exec(plain)
  if (german !== null) return ibanOf('DE', german[1]! + german[2]!.padStart(10, '0'))
  return ibanOfCcc(plain)
}
