import { sql } from 'kysely'
import type { App } from '../app.ts'
import type { Trx } from '../db/database.ts'
import type { Secrets } from '../kernel/secrets.ts'
import type { Payment } from '../onramp/payment.ts'
import { openCustomerData } from '../users/personal-data.ts'
import type { CustomerName } from './same-person.ts'

/** The customers' names by payment; null for one who was forgotten. */
export async function findCustomerNames(
  trx: Trx,
  { secrets }: Pick<App, 'secrets'>,
  payments: readonly Payment[],
): Promise<Map<string, CustomerName | null>> {
  if (payments.length === 0) return new Map()
  const customers = new Map(payments.map((payment) => [customerKey(payment), payment]))
  const { rows } = await sql<{ integrationId: number; id: number; personalSealed: Buffer }>`
    select integration_id, id, personal_sealed from customers
     where (integration_id, id) in (select * from unnest(
           ${[...customers.values()].map(({ integrationId }) => integrationId)}::integer[],
           ${[...customers.values()].map(({ customerId }) => customerId)}::bigint[]))`.execute(trx)
  // Each is opened once: many pay again and again.
  const names = new Map(
    rows.map(({ integrationId, id, personalSealed }): [string, CustomerName | null] => {
      const key = customerKey({ integrationId, customerId: id })
      return [key, openName(secrets, customers.get(key)!.keyWrapped, personalSealed)]
    }),
  )
  return new Map(payments.map((payment) => [payment.id, names.get(customerKey(payment)) ?? null]))
}

export const customerKey = ({
  integrationId,
  customerId,
}: Pick<Payment, 'integrationId' | 'customerId'>): string => `${integrationId} ${customerId}`

/** So many names are kept opened, twice: those that were wanted lately, and those before them. */
const MOST_OPENED = 15_000
/** Nonce and tag: no two sealings have the same. */
const SEALING_BYTES = 28

interface OpenedNames {
  latest: Map<string, CustomerName>
  before: Map<string, CustomerName>
}

/** Names opened lately, by the sealing of their key and their own: while lines are matched, the same customers are looked at again and again. */
const lately = new WeakMap<Secrets, OpenedNames>()

/** Null of a customer who was forgotten. */
export function openName(
  secrets: Secrets,
  keyWrapped: Buffer | null,
  personalSealed: Buffer,
): CustomerName | null {
  if (!keyWrapped) return null
  const opened = lately.get(secrets) ?? { latest: new Map(), before: new Map() }
  lately.set(secrets, opened)
  const sealing =
    keyWrapped.toString('latin1', 0, SEALING_BYTES) + personalSealed.toString('latin1', 0, SEALING_BYTES)
  const known = opened.latest.get(sealing)
  if (known) return known
  const name = opened.before.get(sealing) ?? nameOf(secrets, keyWrapped, personalSealed)
  if (opened.latest.size >= MOST_OPENED) {
    opened.before = opened.latest
    opened.latest = new Map()
  }
  opened.latest.set(sealing, name)
  return name
}

/** Whoever has looked at what there was keeps no name opened. */
export const forgetNames = (secrets: Secrets): boolean => lately.delete(secrets)

function nameOf(secrets: Secrets, keyWrapped: Buffer, personalSealed: Buffer): CustomerName {
  const { name, last_name, company_name } = openCustomerData(secrets, keyWrapped, personalSealed)
  return company_name ? { company: company_name } : { given: name ?? '', surnames: last_name }
}
