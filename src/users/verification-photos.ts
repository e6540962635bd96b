import type { App } from '../app.ts'
import type { Db, Trx } from '../db/database.ts'
import { randomText } from '../kernel/ids.ts'
import { sha256 } from '../kernel/secrets.ts'
import type { KycPhoto, KycPhotoKind } from '../providers/kyc/port.ts'
import type { JudgedPicture, PictureProblem } from './image.ts'
import { PHOTO_KINDS } from './kyc-form.ts'
import type { Verification } from './verification-store.ts'

/** A photo of a verification, as it was judged. */
export interface VerificationPhoto {
  kind: KycPhotoKind
  width: number
  height: number
  problems: PictureProblem[]
  storageKey: string
  uploadedAt: Date
}

export async function listPhotos(
  db: Db | Trx,
  { integrationId, id, customerId }: Pick<Verification, 'integrationId' | 'id' | 'customerId'>,
): Promise<VerificationPhoto[]> {
  const rows = await db
    .selectFrom('documents')
    .select(['type', 'width', 'height', 'problems', 'storageKey', 'createdAt'])
    .where('integrationId', '=', integrationId)
    .where('customerId', '=', customerId)
    .where('verificationId', '=', id)
    .where('type', 'in', PHOTO_KINDS)
    .orderBy('type')
    .execute()
  return rows.map(({ type, createdAt, ...photo }) => ({
    ...photo,
    kind: type as KycPhotoKind,
    width: photo.width ?? 0,
    height: photo.height ?? 0,
    uploadedAt: createdAt,
  }))
}

/** Seals a picture under the customer's key and keeps it in the storage; no row points to it yet. */
export async function storePhoto(
  { providers, secrets }: Pick<App, 'providers' | 'secrets'>,
  { integrationId, customerId }: Pick<Verification, 'integrationId' | 'customerId'>,
  keyWrapped: Buffer,
  jpeg: Buffer,
): Promise<string> {
  const storageKey = `documents/${integrationId}/${customerId}/${randomText(32)}`
  await providers.storage.write(storageKey, secrets.sealFor(keyWrapped, jpeg))
  return storageKey
}

/** Lets the verification show this photo; answers the storage key of the one it replaces, to be removed after the commit. */
export async function replacePhoto(
  trx: Trx,
  now: Date,
  { integrationId, id, customerId }: Pick<Verification, 'integrationId' | 'id' | 'customerId'>,
  photo: { kind: KycPhotoKind; picture: JudgedPicture & { ok: true }; storageKey: string },
): Promise<string | undefined> {
  const replaced = await trx
    .deleteFrom('documents')
    .where('integrationId', '=', integrationId)
    .where('verificationId', '=', id)
    .where('type', '=', photo.kind)
    .returning('storageKey')
    .executeTakeFirst()
  const { jpeg, width, height, problems } = photo.picture
  await trx
    .insertInto('documents')
    .values({
      integrationId,
      id: `doc_${randomText(24)}`,
      customerId,
      verificationId: id,
      type: photo.kind,
      mime: 'image/jpeg',
      bytes: jpeg.length,
      width,
      height,
      problems: JSON.stringify(problems),
      sha256: sha256(jpeg),
      storageKey: photo.storageKey,
      createdAt: now,
    })
    .execute()
  return replaced?.storageKey
}

/** The photos as a provider gets them, opened only when it reads them. */
export function photosForProvider(
  { providers, secrets }: Pick<App, 'providers' | 'secrets'>,
  keyWrapped: Buffer,
  photos: readonly VerificationPhoto[],
): KycPhoto[] {
  return photos.map(({ kind, width, height, problems, storageKey }) => ({
    kind,
    width,
    height,
    problems,
    read: async () => secrets.openFor(keyWrapped, await providers.storage.read(storageKey)),
  }))
}
