import type { App } from '../app.ts'
import type { Payment } from '../onramp/payment.ts'
import { getPersonalSealed } from '../users/customer-store.ts'
import { openCustomerData } from '../users/personal-data.ts'

/** The customer's own name, as a card or a bank account of theirs would carry it. */
export async function payerName(
  { db, secrets }: Pick<App, 'db' | 'secrets'>,
  { integrationId, customerId, keyWrapped }: Payment,
): Promise<string> {
  if (!keyWrapped) return 'Forgotten Customer'
  const person = openCustomerData(secrets, keyWrapped, await getPersonalSealed(db, integrationId, customerId))
  const name = [person.name, person.last_name].filter((part) => part !== null).join(' ')
  return person.company_name ?? (name || 'Nameless Customer')
}
