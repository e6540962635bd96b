import type { App } from '../app.ts'
import { recordAudit } from '../common/integration-store.ts'
import { findCustomerAnywhere } from './customer-store.ts'
import { findDocumentAnywhere, listDocuments, type StoredDocument } from './document-store.ts'
import { openEnhanced } from './enhanced-data.ts'
import type { Operator } from './review.ts'
import { findVerificationAnywhere } from './verification-store.ts'

/** A customer's documents without the files, oldest first; undefined when there is no such customer. */
export async function listCustomerDocuments(
  { db }: Pick<App, 'db'>,
  customerId: number,
): Promise<StoredDocument[] | undefined> {
  const customer = await findCustomerAnywhere(db, customerId)
  return customer && listDocuments(db, { integrationId: customer.integrationId, customerId })
}

/**
 * What a person has to look at to decide a verification, oldest first: its photos and papers, or the documents that
 * were declared with an enhanced one. Undefined when there is no such verification.
 */
export async function listVerificationDocuments(
  { db, secrets }: Pick<App, 'db' | 'secrets'>,
  verificationId: string,
): Promise<StoredDocument[] | undefined> {
  const verification = await findVerificationAnywhere(db, verificationId)
  if (!verification) return undefined
  const { integrationId, customerId, kind, dataSealed } = verification
  const documents = await listDocuments(db, { integrationId, customerId })
  if (kind !== 'reinforced') return documents.filter((document) => document.verificationId === verificationId)
  const key = (await findCustomerAnywhere(db, customerId))?.keyWrapped
  if (!key || !dataSealed) return []
  // They belong to the customer; which of them were declared stands in the declaration alone.
  const declared = new Set(openEnhanced(secrets, key, dataSealed).documents.map(({ id }) => id))
  return documents.filter(({ id }) => declared.has(id))
}

/**
 * Opens a document for an operator, which is recorded before anybody can see it. Undefined, and nothing recorded,
 * when there is none of that id, or its customer was forgotten. Throws `ProviderError` when the storage fails.
 */
export async function readDocument(
  { db, clock, secrets, providers }: Pick<App, 'db' | 'clock' | 'secrets' | 'providers'>,
  id: string,
  { who, why }: Operator,
): Promise<{ document: StoredDocument; bytes: Buffer } | undefined> {
  const document = await findDocumentAnywhere(db, id)
  const customer = document && (await findCustomerAnywhere(db, document.customerId))
  const keyWrapped = customer?.keyWrapped
  if (!document || !keyWrapped) return undefined
  const sealed = await providers.storage.read(document.storageKey)
  await db.transaction().execute((trx) =>
    recordAudit(trx, clock.now(), {
      who,
      why,
      action: 'document.read',
      target: `document:${id}`,
      after: { customer: document.customerId, type: document.type },
    }),
  )
  return { document, bytes: secrets.openFor(keyWrapped, sealed) }
}
