import { sql } from 'kysely'
import type { Trx } from '../db/database.ts'
import { conceptOf } from './concept.ts'
import type { Payment } from './payment.ts'
import { type PaymentChanges, setFields } from './payment-changes.ts'

/**
 * Gives a payment the account and the concept to transfer with, once for its life. The account is the integration's
 * own, else one that several share. A concept is never used again on an account. Answers false when there is none.
 */
export async function giveInstructions(
  trx: Trx,
  changes: PaymentChanges,
  payment: Payment,
): Promise<boolean> {
  if (payment.concept !== null) return true
  const { rows } = await sql<{
    iban: string
    bic: string
    holderName: string
    bankName: string
    number: number
  }>`
    select iban, bic, holder_name, bank_name, nextval('concept_numbers') as number from bank_accounts
     where (integration_id = ${payment.integrationId} or integration_id is null)
       and currency = ${payment.fiat} and status = 'active'
     order by integration_id nulls last, iban limit 1`.execute(trx)
  const account = rows[0]
  if (!account) return false
  const { iban, bic, holderName, bankName, number } = account
  const concept = conceptOf(number)
  const { integrationId, id: paymentId } = payment
  await trx
    .insertInto('paymentConcepts')
    .values({ iban, concept, integrationId, paymentId, createdAt: changes.now })
    .execute()
  setFields(changes, payment, { accountIban: iban, concept, account: { bic, holderName, bankName } })
  return true
}
