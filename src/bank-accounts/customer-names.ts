import { sql } from 'kysely'
import type { App } from '../app.ts'
import type { Trx } from '../db/database.ts'
import type { Payment } from '../onramp/payment.ts'
import { openCustomerData } from '../users/personal-data.ts'
import type { CustomerName } from './same-person.ts'

/** The customers' names by payment; null for one who was forgotten. */
export async function findCustomerNames(
  trx: Trx,
  { secrets }: Pick<App, 'secrets'>,
  payments: readonly Payment[],
): Promise<Map<string, CustomerName | null>> {
  const names = new Map<string, CustomerName | null>()
  if (payments.length === 0) return names
  const { rows } = await sql<{ integrationId: number; id: number; personalSealed: Buffer }>`
    select integration_id, id, personal_sealed from customers
     where (integration_id, id) in (select * from unnest(
           ${payments.map(({ integrationId }) => integrationId)}::integer[],
           ${payments.map(({ customerId }) => customerId)}::bigint[]))`.execute(trx)
  const sealed = new Map(rows.map((row) => [`${row.integrationId} ${row.id}`, row.personalSealed]))
  for (const payment of payments) {
    const personal = sealed.get(`${payment.integrationId} ${payment.customerId}`)
    if (!personal || !payment.keyWrapped) names.set(payment.id, null)
    else {
      const { name, last_name, company_name } = openCustomerData(secrets, payment.keyWrapped, personal)
      const person = { given: name ?? '', surnames: last_name }
      names.set(payment.id, company_name ? { company: company_name } : person)
    }
  }
  return names
}
