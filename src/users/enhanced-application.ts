import type { App } from '../app.ts'
import type { EnhancedApplication } from '../providers/kyc/enhanced.ts'
import { ProviderError } from '../providers/provider-error.ts'
import { findCustomer, getPersonalSealed } from './customer-store.ts'
import { openEnhanced } from './enhanced-data.ts'
import { listProofs } from './enhanced-documents.ts'
import { openCustomerData } from './personal-data.ts'
import type { Verification } from './verification-store.ts'

/** What was declared, as the provider gets it. The same key for the same sending, however often it is tried. */
export async function makeEnhancedApplication(
  app: Pick<App, 'db' | 'secrets' | 'providers'>,
  verification: Verification,
): Promise<EnhancedApplication> {
  const { integrationId, customerId, id, dataSealed } = verification
  const customer = await findCustomer(app.db, integrationId, customerId)
  const key = customer?.keyWrapped
  if (!key || !dataSealed) throw new ProviderError('kyc', 'rejected', `the data of ${id} is forgotten`)
  const { fields, signature, documents } = openEnhanced(app.secrets, key, dataSealed)
  if (!signature) throw new ProviderError('kyc', 'rejected', `${id} is not signed`)
  const person = openCustomerData(
    app.secrets,
    key,
    await getPersonalSealed(app.db, integrationId, customerId),
  )
  const proofs = await listProofs(app.db, verification, documents)
  return {
    idempotencyKey: `${id}:${verification.version}`,
    customer: {
      type: customer.type,
      name: fullName(person),
      email: person.email ?? '',
      country: person.country ?? customer.country,
    },
    declared: fields,
    documents: proofs.map(({ type, mime, bytes, storageKey }) => ({
      type,
      mime,
      bytes,
      read: async () => app.secrets.openFor(key, await app.providers.storage.read(storageKey)),
    })),
    signature,
  }
}

/** As it was verified: a person's first and last names, or the company's. */
export function fullName({
  name,
  last_name,
  company_name,
}: Pick<ReturnType<typeof openCustomerData>, 'name' | 'last_name' | 'company_name'>): string {
  return company_name ?? [name, last_name].filter(Boolean).join(' ')
}
