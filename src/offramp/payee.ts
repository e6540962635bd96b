import { findIbanProblem } from '../providers/bank/iban.ts'
import { localAccountRule, normaliseLocalAccount } from '../providers/bank/local-accounts.ts'
import { type FieldErrors, fail } from '../server/errors.ts'
import type { CustomerData } from '../users/personal-data.ts'
import type { Payee } from './sale.ts'

/** Whom the money of a sale is to go to, as far as the call says it. */
export interface PayoutOrder {
  /** Normalised, and found right; null: the account that the customer registered with. */
  iban: string | null
  bankName: string | null
}

/** The currency that sales of customers of that country are paid in without an IBAN; undefined where there is none. */
export const localCurrency = (country: string | null): string | undefined =>
  country === null ? undefined : localAccountRule(country)?.currency

/** Why nothing can be paid to a normalised IBAN, for people; null when it can. */
export const findPayoutIbanProblem = (iban: string, isOurs: boolean): string | null =>
  findIbanProblem(iban) ?? (isOurs ? 'is an account of ours' : null)

/** Throws `invalid_iban` for what is no IBAN of SEPA, or is an account of ours. */
export function refuseIban(iban: string, isOurs: boolean): void {
  const problem = findPayoutIbanProblem(iban, isOurs)
  if (problem) fail('invalid_iban', `The iban ${problem}.`, { errors: { iban: [problem] } })
}

/** What lacks of the account of a customer's registration. */
export function findMissingAccount(bankName: string | null, data: CustomerData): FieldErrors {
  const missing: FieldErrors = {}
  if (data.bank_account === null) missing.bank_account = ['The customer was registered without one.']
  if ((bankName ?? data.bank_name) === null)
    missing.bank_name = ['The customer was registered without one; send it with the call.']
  return missing
}

/**
 * Whom the money goes to: the IBAN, which was found right, or the account of the customer's registration. Throws
 * `fail_mandatory_field` where that is missing, and `invalid_field` where it can't be an account of the country.
 */
export function readPayee(
  { iban, bankName }: PayoutOrder,
  customer: { country: string | null; data: CustomerData },
): Payee {
  const name = nameOf(customer.data)
  if (iban !== null) return { kind: 'iban', iban, name }
  const { country, data } = customer
  const bank = bankName ?? data.bank_name
  const missing = findMissingAccount(bankName, data)
  if (data.bank_account === null || bank === null || country === null) {
    return fail(
      'fail_mandatory_field',
      `Missing: ${Object.keys(missing).join(', ')}. Without an iban the sale is paid to the account given at registration.`,
      { errors: missing },
    )
  }
  const account = normaliseLocalAccount(data.bank_account)
  const problem = localAccountRule(country)?.findProblem(account)
  if (problem) {
    fail('invalid_field', `The bank_account that the customer was registered with ${problem}.`, {
      errors: { bank_account: [problem] },
    })
  }
  return { kind: 'local', account, bankName: bank, country, name }
}

const nameOf = ({ name, last_name, company_name }: CustomerData): string =>
  company_name ?? [name, last_name].filter((part) => part !== null).join(' ')
