import { sql } from 'kysely'
import type { Trx } from '../db/database.ts'
import { conceptOf } from './concept.ts'
import type { Payment } from './payment.ts'
import { type PaymentChanges, setFields } from './payment-changes.ts'

/** Where a bank transfer goes, and what the payer writes in it. */
export interface Instructions {
  iban: string
  bic: string
  holderName: string
  bankName: string
  concept: number
}

/**
 * Takes a concept for a payment on the integration's own account, else on one that several share, the newest of them. A
 * concept is never used again on an account. Undefined when there is no account in the currency.
 */
export async function takeConcept(
  trx: Trx,
  { integrationId, id, fiat, now }: { integrationId: number; id: string; fiat: string; now: Date },
): Promise<Instructions | undefined> {
  const { rows } = await sql<Omit<Instructions, 'concept'> & { number: number }>`
    select iban, bic, holder_name, bank_name, nextval('concept_numbers') as number from bank_accounts
     where (integration_id = (select coalesce(replaced_by, id) from integrations where id = ${integrationId})
            or integration_id is null)
       and currency = ${fiat} and status = 'active'
     order by integration_id nulls last, created_at desc, iban limit 1 for key share`.execute(trx)
  const account = rows[0]
  if (!account) return undefined
  const { number, ...where } = account
  const concept = conceptOf(number)
  await sql`
    with unnamed as (insert into unnamed_payments (iban, payment_id) values (${where.iban}, ${id}))
    insert into payment_concepts (iban, concept, integration_id, payment_id, created_at)
    values (${where.iban}, ${concept}, ${integrationId}, ${id}, ${now})`.execute(trx)
  return { ...where, concept }
}

/** Gives a payment the account and the concept to transfer with, once for its life. False when there is no account. */
export async function giveInstructions(
  trx: Trx,
  changes: PaymentChanges,
  payment: Payment,
): Promise<boolean> {
  if (payment.concept !== null) return true
  const taken = await takeConcept(trx, { ...payment, now: changes.now })
  if (!taken) return false
  const { iban, bic, holderName, bankName, concept } = taken
  setFields(changes, payment, { accountIban: iban, concept, account: { bic, holderName, bankName } })
  return true
}
