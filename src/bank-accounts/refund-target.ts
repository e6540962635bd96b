import { RefusedOperation } from '../effects/operate-effects.ts'
import type { Counterparty } from '../onramp/refund-sources.ts'
import { findIbanProblem, normaliseIban } from '../providers/bank/iban.ts'
import {
  LOCAL_ACCOUNTS,
  type LocalAccountRule,
  normaliseLocalAccount,
} from '../providers/bank/local-accounts.ts'

/** Where a person has money go instead of where it came from, as typed. */
export interface TypedTarget {
  /** Of euros. */
  toIban?: string | undefined
  /** Of the other currencies: the number of an account as their country writes it. */
  toAccount?: string | undefined
  /** The bank of that account. */
  bankName?: string | undefined
  /** Whose account it is; the payer's name unless told. */
  name?: string | undefined
}

/**
 * Where money of a currency goes back to, as an effect's destination: euros by SEPA, the currencies of Latin America to
 * an account of their country. To the payer's account, where the bank named one that takes it, unless a person named
 * another. Throws `RefusedOperation` that says which option to give.
 */
export function targetOf(currency: string, payer: Counterparty, typed: TypedTarget): Record<string, string> {
  const name = (typed.name ?? payer.name).trim()
  if (name === '') throw new RefusedOperation('The bank did not say who sent it: name whom to pay (--name).')
  if (currency === 'EUR') return { iban: ibanOf(payer, typed), name }
  const [country, rule] = Object.entries(LOCAL_ACCOUNTS).find(([, one]) => one.currency === currency) ?? []
  if (!country || !rule) {
    throw new RefusedOperation(`No transfer of ours carries ${currency}; pay it back at the bank itself.`)
  }
  const { account, bankName } = localOf(payer, typed, { currency, country, rule })
  return { account, bankName, country, name }
}

function ibanOf({ iban }: Counterparty, { toIban, toAccount, bankName }: TypedTarget): string {
  if (toAccount !== undefined || bankName !== undefined) {
    throw new RefusedOperation('Euros go to an IBAN: name it with --to-iban.')
  }
  const typed = toIban ?? iban
  if (typed === null)
    throw new RefusedOperation('The bank did not say which account it came from: name one (--to-iban).')
  const normal = normaliseIban(typed)
  const problem = findIbanProblem(normal)
  if (problem) throw new RefusedOperation(`${normal} ${problem}. Name another account (--to-iban).`)
  return normal
}

function localOf(
  { iban }: Counterparty,
  { toIban, toAccount, bankName }: TypedTarget,
  { currency, country, rule }: { currency: string; country: string; rule: LocalAccountRule },
): { account: string; bankName: string } {
  const wanted = `${currency} goes to a ${rule.name} of a bank in ${country}`
  if (toIban !== undefined)
    throw new RefusedOperation(`${wanted}, not to an IBAN: name it with --to-account.`)
  const account = normaliseLocalAccount(toAccount ?? iban ?? '')
  const problem = rule.findProblem(account)
  if (problem) {
    throw new RefusedOperation(
      toAccount === undefined
        ? `${wanted}, and the bank did not say which one it came from: name it with --to-account and --bank.`
        : `The ${rule.name} ${account} ${problem}.`,
    )
  }
  if (!bankName?.trim()) throw new RefusedOperation(`Say at which bank ${account} is (--bank).`)
  return { account, bankName: bankName.trim() }
}
