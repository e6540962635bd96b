import { sql } from 'kysely'
import type { App } from '../app.ts'
import type { Trx } from '../db/database.ts'
import type { CustomerAtPurchase } from '../onramp/customer-checks.ts'
import { type CustomerData, openCustomerData } from '../users/personal-data.ts'

/** A customer as a sale sees them, the sale that holds the wanted `external_id` already, and our side of it. */
export interface Seller extends CustomerAtPurchase {
  /** Null once the customer was forgotten, and then nothing can be paid. */
  keyWrapped: Buffer | null
  personalSealed: Buffer
  country: string | null
  /** The IBAN that the money is to go to is an account of ours. */
  isOurIban: boolean
  /** What accounts of ours pay in for the integration. */
  paidCurrencies: string[]
}

/**
 * The customer, who stays as they are until the transaction ends: nobody is banned meanwhile, and any number of
 * sales of one customer can be made at once. Undefined for a customer of another integration, exactly as for none.
 */
export async function lockSeller(
  trx: Trx,
  order: { integrationId: number; customerId: number; externalId: string | null; iban: string | null },
): Promise<Seller | undefined> {
  const { rows } = await sql<
    Omit<Seller, 'namesake'> & { saleId: string | null; requestHash: Buffer | null }
  >`
    select banned_at, kyc_status, kyc_level, key_wrapped, personal_sealed, country,
           namesake.id as sale_id, namesake.request_hash,
           exists(select from bank_accounts where iban = ${order.iban}) as is_our_iban,
           array(select currency from bank_accounts
                  where (integration_id = ${order.integrationId} or integration_id is null)
                    and status = 'active') as paid_currencies
      from customers left join (
             select id, request_hash from sales
              where integration_id = ${order.integrationId} and live_external_id = ${order.externalId}) namesake on true
     where integration_id = ${order.integrationId} and customers.id = ${order.customerId}
       for share of customers`.execute(trx)
  const row = rows[0]
  if (!row) return undefined
  const { saleId, requestHash, ...seller } = row
  const namesake =
    saleId === null ? null : { id: saleId, externalId: order.externalId, requestHash: requestHash! }
  return { ...seller, namesake }
}

/** What is known of the seller; throws when the customer was forgotten, as nothing is known then. */
export function openSeller(
  { secrets }: Pick<App, 'secrets'>,
  { keyWrapped, personalSealed }: Pick<Seller, 'keyWrapped' | 'personalSealed'>,
): { key: Buffer; data: CustomerData } {
  if (keyWrapped === null) throw new Error('A customer who was forgotten can sell nothing.')
  return { key: keyWrapped, data: openCustomerData(secrets, keyWrapped, personalSealed) }
}
