import type { App } from '../app.ts'
import type { Db, Trx } from '../db/database.ts'
import { freeBytes } from '../kernel/encoded-file.ts'
import { randomText } from '../kernel/ids.ts'
import { sha256 } from '../kernel/secrets.ts'

/** A document as it is listed; the file itself is in the storage. */
export interface StoredDocument {
  integrationId: number
  id: string
  customerId: number
  /** Null for one that was sent by the documents API, or declared with an enhanced verification. */
  verificationId: string | null
  type: string
  mime: string
  bytes: number
  sha256: Buffer
  storageKey: string
  createdAt: Date
}

/** A file that was judged and lies sealed in the storage; no row points to it yet. */
export interface SealedFile {
  mime: string
  bytes: number
  sha256: Buffer
  storageKey: string
  width: number | null
  height: number | null
  problems: readonly string[]
}

/**
 * Seals a judged file under the customer's key and keeps it in the storage. `owner` names the customer in the key of
 * the storage and nowhere else. The bytes' memory is given back: nobody may look at them afterwards.
 */
export async function sealFile(
  { providers, secrets }: Pick<App, 'providers' | 'secrets'>,
  { integrationId, owner, keyWrapped }: { integrationId: number; owner: number | string; keyWrapped: Buffer },
  file: {
    bytes: Buffer
    mime: string
    width: number | null
    height: number | null
    problems?: readonly string[]
  },
): Promise<SealedFile> {
  const { bytes, problems = [], ...rest } = file
  const storageKey = `documents/${integrationId}/${owner}/${randomText(32)}`
  const digest = sha256(bytes)
  const sealed = secrets.sealFor(keyWrapped, bytes)
  const size = bytes.length
  freeBytes(bytes)
  await providers.storage.write(storageKey, sealed)
  freeBytes(sealed)
  return { ...rest, problems, bytes: size, sha256: digest, storageKey }
}

/** Writes the row of a sealed file and answers its id. */
export async function insertDocument(
  trx: Trx,
  now: Date,
  { integrationId, customerId, verificationId = null }: DocumentOwner,
  { type, file }: { type: string; file: SealedFile },
): Promise<string> {
  const id = `doc_${randomText(24)}`
  await trx
    .insertInto('documents')
    .values({
      ...file,
      integrationId,
      id,
      customerId,
      verificationId,
      type,
      problems: JSON.stringify(file.problems),
      createdAt: now,
    })
    .execute()
  return id
}

export interface DocumentOwner {
  integrationId: number
  customerId: number
  /** The verification it belongs to, which has at most one document of a type. */
  verificationId?: string | null
}

const COLUMNS = [
  'integrationId',
  'id',
  'customerId',
  'verificationId',
  'type',
  'mime',
  'bytes',
  'sha256',
  'storageKey',
  'createdAt',
] as const

/** All documents of a customer, oldest first. */
export function listDocuments(
  db: Db | Trx,
  { integrationId, customerId }: Pick<DocumentOwner, 'integrationId' | 'customerId'>,
): Promise<StoredDocument[]> {
  return db
    .selectFrom('documents')
    .select(COLUMNS)
    .where('integrationId', '=', integrationId)
    .where('customerId', '=', customerId)
    .orderBy('createdAt')
    .orderBy('id')
    .execute()
}

/** The document of that id, whatever the integration: for the operator, as no index leads there. */
export function findDocumentAnywhere(db: Db | Trx, id: string): Promise<StoredDocument | undefined> {
  return db.selectFrom('documents').select(COLUMNS).where('id', '=', id).executeTakeFirst()
}
