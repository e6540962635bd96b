import type { App } from '../app.ts'
import type { Db, Trx } from '../db/database.ts'
import { randomText } from '../kernel/ids.ts'
import { sha256 } from '../kernel/secrets.ts'
import type { ProofType } from './enhanced-choices.ts'
import type { EnhancedData } from './enhanced-data.ts'
import { judgePicture } from './image.ts'
import { judgeDocument } from './judge-document.ts'
import type { Verification } from './verification-store.ts'

/** A document that proves something declared, as it is kept. */
export interface Proof {
  id: string
  /** The name that the customer's file had. */
  name: string
  type: ProofType
  mime: string
  bytes: number
  storageKey: string
  uploadedAt: Date
}

export type JudgedProof =
  | { ok: true; bytes: Buffer; mime: 'application/pdf' | 'image/jpeg' }
  | { ok: false; problem: 'empty' | 'not_a_document' }

/**
 * Judges a file by its content alone: a PDF is kept as it is, a picture (JPEG, PNG, WebP) upright and without its
 * metadata. Light and sharpness are not judged: a scan of white paper is bright, and that is right.
 */
export async function judgeProof(file: Buffer): Promise<JudgedProof> {
  if (file.length === 0) return { ok: false, problem: 'empty' }
  const document = await judgeDocument(file)
  if (!document.ok) return { ok: false, problem: 'not_a_document' }
  if (document.mime === 'application/pdf') return { ok: true, bytes: file, mime: document.mime }
  const picture = await judgePicture(file)
  if (!picture.ok) return { ok: false, problem: 'not_a_document' }
  return { ok: true, bytes: picture.jpeg, mime: 'image/jpeg' }
}

/** Seals a document under the customer's key and keeps it in the storage; no row points to it yet. */
export async function storeProof(
  { providers, secrets }: Pick<App, 'providers' | 'secrets'>,
  { integrationId, customerId }: Pick<Verification, 'integrationId' | 'customerId'>,
  keyWrapped: Buffer,
  bytes: Buffer,
): Promise<string> {
  const storageKey = `documents/${integrationId}/${customerId}/${randomText(32)}`
  await providers.storage.write(storageKey, secrets.sealFor(keyWrapped, bytes))
  return storageKey
}

/**
 * Writes the row of a stored document and answers its id. It belongs to the customer, like those of the documents
 * API; the declaration lists the ids of its own.
 */
export async function insertProof(
  trx: Trx,
  now: Date,
  { integrationId, customerId }: Pick<Verification, 'integrationId' | 'customerId'>,
  { type, judged, storageKey }: { type: ProofType; judged: JudgedProof & { ok: true }; storageKey: string },
): Promise<string> {
  const id = `doc_${randomText(24)}`
  await trx
    .insertInto('documents')
    .values({
      integrationId,
      id,
      customerId,
      verificationId: null,
      type,
      mime: judged.mime,
      bytes: judged.bytes.length,
      problems: '[]',
      sha256: sha256(judged.bytes),
      storageKey,
      createdAt: now,
    })
    .execute()
  return id
}

/** Forgets a document; answers its storage key, to be removed after the commit. */
export async function deleteProof(
  trx: Trx,
  { integrationId, customerId }: Pick<Verification, 'integrationId' | 'customerId'>,
  id: string,
): Promise<string | undefined> {
  const deleted = await trx
    .deleteFrom('documents')
    .where('integrationId', '=', integrationId)
    .where('customerId', '=', customerId)
    .where('id', '=', id)
    .returning('storageKey')
    .executeTakeFirst()
  return deleted?.storageKey
}

/** The declaration's documents, oldest first. */
export async function listProofs(
  db: Db | Trx,
  { integrationId, customerId }: Pick<Verification, 'integrationId' | 'customerId'>,
  documents: EnhancedData['documents'],
): Promise<Proof[]> {
  if (documents.length === 0) return []
  const rows = await db
    .selectFrom('documents')
    .select(['id', 'type', 'mime', 'bytes', 'storageKey', 'createdAt'])
    .where('integrationId', '=', integrationId)
    .where('customerId', '=', customerId)
    .where(
      'id',
      'in',
      documents.map(({ id }) => id),
    )
    .execute()
  return documents.flatMap(({ id, name }) => {
    const row = rows.find((one) => one.id === id)
    if (!row) return []
    const { createdAt, type, ...rest } = row
    return [{ ...rest, type: type as ProofType, name, uploadedAt: createdAt }]
  })
}
