import type { App } from '../app.ts'
import type { Db, Trx } from '../db/database.ts'
import { randomText } from '../kernel/ids.ts'
import { sha256 } from '../kernel/secrets.ts'
import type { CompanyFile } from '../providers/kyc/port.ts'
import type { PictureProblem } from './image.ts'
import type { Verification } from './verification-store.ts'

type Key = Pick<Verification, 'integrationId' | 'id' | 'customerId'>

/** A paper of a company, or a photo of one of its people's documents. */
export interface StoredFile {
  /** The part of the form that it belongs to: `company_deed`, `people.2.document_front`. */
  part: string
  mime: string
  bytes: number
  /** Of a picture. */
  width: number | null
  height: number | null
  problems: PictureProblem[]
  storageKey: string
  uploadedAt: Date
}

export async function listFiles(db: Db | Trx, { integrationId, id, customerId }: Key): Promise<StoredFile[]> {
  const rows = await db
    .selectFrom('documents')
    .select(['type', 'mime', 'bytes', 'width', 'height', 'problems', 'storageKey', 'createdAt'])
    .where('integrationId', '=', integrationId)
    .where('customerId', '=', customerId)
    .where('verificationId', '=', id)
    .orderBy('type')
    .execute()
  return rows.map(({ type, createdAt, ...file }) => ({ ...file, part: type, uploadedAt: createdAt }))
}

/** What is to be kept: sealed in the storage already. */
export interface NewFile extends Omit<StoredFile, 'uploadedAt' | 'bytes'> {
  content: Buffer
}

/** Lets the form show this file; answers the storage keys of those it replaces, to be removed after the commit. */
export async function replaceFile(trx: Trx, now: Date, key: Key, file: NewFile): Promise<string[]> {
  const replaced = await removeFiles(trx, key, [file.part])
  const { part, content, problems, ...rest } = file
  await trx
    .insertInto('documents')
    .values({
      ...rest,
      integrationId: key.integrationId,
      id: `doc_${randomText(24)}`,
      customerId: key.customerId,
      verificationId: key.id,
      type: part,
      bytes: content.length,
      problems: JSON.stringify(problems),
      sha256: sha256(content),
      createdAt: now,
    })
    .execute()
  return replaced
}

/** Forgets files; answers their storage keys, to be removed after the commit. */
export async function removeFiles(
  trx: Trx,
  { integrationId, id }: Key,
  parts: readonly string[],
): Promise<string[]> {
  const rows = await trx
    .deleteFrom('documents')
    .where('integrationId', '=', integrationId)
    .where('verificationId', '=', id)
    .where('type', 'in', parts)
    .returning('storageKey')
    .execute()
  return rows.map(({ storageKey }) => storageKey)
}

/** The company's papers as a provider gets them, opened only when it reads them. */
export function papersForProvider(
  { providers, secrets }: Pick<App, 'providers' | 'secrets'>,
  keyWrapped: Buffer,
  files: readonly StoredFile[],
): CompanyFile[] {
  return files.map(({ part, mime, bytes, storageKey }) => ({
    kind: part,
    mime,
    bytes,
    read: async () => secrets.openFor(keyWrapped, await providers.storage.read(storageKey)),
  }))
}
