import type { App } from '../app.ts'
import type { Trx } from '../db/database.ts'
import { Failure, fail } from '../server/errors.ts'
import { type Customer, lockCustomer } from '../users/customer-store.ts'
import { changeStatus } from '../users/decision.ts'
import { judgePicture } from '../users/image.ts'
import {
  applyChanges,
  askedFields,
  askedPhotos,
  type FormErrors,
  type FormField,
  type FormRules,
  findFaults,
  neededPhotos,
} from '../users/kyc-form.ts'
import { KYC_LANE } from '../users/kyc-lane.ts'
import { type KycReason, withText } from '../users/kyc-wire.ts'
import {
  openVerificationData,
  type PersonalData,
  sealData,
  type VerificationData,
} from '../users/personal-data.ts'
import { isOpen, kycNews } from '../users/verification.ts'
import { listPhotos, replacePhoto, storePhoto } from '../users/verification-photos.ts'
import { lockVerification, updateVerification, type Verification } from '../users/verification-store.ts'
import { getScene } from './kyc-scene.ts'
import type { KycScene } from './kyc-view.ts'
import type { PhotoKind } from './wire.ts'

type Needs = Pick<App, 'db' | 'clock' | 'secrets' | 'config' | 'providers' | 'pageNews' | 'wake'>
type Scene = KycScene & { keyWrapped: Buffer }

/** Saves typed fields: all of them, or none. */
export async function saveFields(
  app: Needs,
  token: string,
  typed: Partial<Record<FormField, string>>,
): Promise<void> {
  const scene = await getScene(app, token)
  await changeForm(app, scene, async (trx, { verification, data }) => {
    const asked = askedFields(verification.reasons)
    const changes = Object.fromEntries(
      Object.entries(typed).filter(([field, value]) => {
        if (asked.includes(field as FormField)) return true
        // A page may send what it shows; what was accepted stays as it is.
        if (value.trim() === (data.fields[field as FormField] ?? '')) return false
        return notNow(`${field} is not to be changed any more.`)
      }),
    )
    const { fields, errors } = applyChanges(changes, data.fields, rulesOf(app, scene))
    refuse(errors)
    const mended = [...new Set([...data.mended, ...Object.keys(changes)])]
    return { data: { fields, mended }, reasons: await withMissingBack(trx, verification, fields) }
  })
}

/** Judges a picture by its content, keeps it sealed, and lets the form show it in place of an earlier one. */
export async function savePhoto(app: Needs, token: string, kind: PhotoKind, bytes: Buffer): Promise<void> {
  const scene = await getScene(app, token)
  refuseUnasked(scene.verification, kind)
  refuseUnlessForm(app, scene.verification)
  const picture = await judgePicture(bytes)
  if (!picture.ok) {
    const text =
      picture.reason === 'too_many_pixels'
        ? 'The picture is larger than 50 megapixels.'
        : 'The file is no readable JPEG, PNG or WebP picture, judged by its content.'
    fail('invalid_file', text, { errors: { [kind]: ['not_an_image'] } })
  }
  const storageKey = await storePhoto(app, scene.verification, scene.keyWrapped, picture.jpeg)
  let replaced: string | undefined
  try {
    replaced = await changeForm(app, scene, async (trx, { verification, data }) => {
      refuseUnasked(verification, kind)
      const earlier = await replacePhoto(trx, app.clock.now(), verification, { kind, picture, storageKey })
      return { data: { ...data, mended: [...new Set([...data.mended, kind])] }, replaced: earlier }
    })
  } catch (error) {
    // Only what was refused is surely not pointed to: a connection that broke may have broken after the commit.
    if (error instanceof Failure) await app.providers.storage.remove(storageKey)
    throw error
  }
  if (replaced) await app.providers.storage.remove(replaced)
}

/** Sends the form: from now on it is being decided. */
export async function submitForm(app: Needs, token: string): Promise<void> {
  const scene = await getScene(app, token)
  await app.db.transaction().execute(async (trx) => {
    const { customer, verification, data } = await lockForm(app, trx, scene)
    const errors: FormErrors = findFaults(data.fields, rulesOf(app, scene))
    const given = (await listPhotos(trx, verification)).map(({ kind }) => kind)
    for (const kind of neededPhotos(data.fields)) if (!given.includes(kind)) errors[kind] = ['required']
    for (const part of partsToMend(verification.reasons, data)) errors[part] ??= ['required']
    refuse(errors)
    const now = app.clock.now()
    await updateVerification(trx, now, verification, { phase: 'submitted', reasons: [], dueAt: now })
    await changeStatus(app, trx, customer, { kycStatus: 'processing', kycReasons: [] })
  })
  app.pageNews.tell(kycNews(scene.verification))
  app.wake(KYC_LANE, 'event-sequencer')
}

interface LockedForm {
  customer: Customer
  verification: Verification
  data: VerificationData
}

/** The rejected parts that are still as they were rejected. */
function partsToMend(
  reasons: readonly KycReason[],
  { fields, mended }: VerificationData,
): (FormField | PhotoKind)[] {
  if (reasons.length === 0) return []
  const needed: readonly string[] = neededPhotos(fields)
  const parts = [...askedFields(reasons), ...askedPhotos(reasons).filter((kind) => needed.includes(kind))]
  return parts.filter((part) => reasons.some(({ field }) => field === part) && !mended.includes(part))
}

/** A rejected passport may be mended by giving a card, whose back nobody has seen: then it is asked for, too. */
async function withMissingBack(
  trx: Trx,
  verification: Verification,
  fields: PersonalData,
): Promise<KycReason[] | undefined> {
  const { reasons } = verification
  if (reasons.length === 0 || !neededPhotos(fields).includes('document_back')) return undefined
  if (askedPhotos(reasons).includes('document_back')) return undefined
  const photos = await listPhotos(trx, verification)
  if (photos.some(({ kind }) => kind === 'document_back')) return undefined
  return [...reasons, withText({ field: 'document_back', code: 'required' })]
}

interface FormChange {
  data: VerificationData
  /** When there is more to mend than before. */
  reasons?: KycReason[] | undefined
  /** The storage key that is no longer needed. */
  replaced?: string | undefined
}

/** Changes the form's data under the lock, and answers the storage key that is no longer needed. */
async function changeForm(
  app: Needs,
  scene: Scene,
  change: (trx: Trx, form: LockedForm) => Promise<FormChange>,
): Promise<string | undefined> {
  const replaced = await app.db.transaction().execute(async (trx) => {
    const form = await lockForm(app, trx, scene)
    const { data, reasons, replaced: key } = await change(trx, form)
    const dataSealed = sealData(app.secrets, scene.keyWrapped, data)
    await updateVerification(trx, app.clock.now(), form.verification, {
      dataSealed,
      ...(reasons && { reasons }),
    })
    return key
  })
  app.pageNews.tell(kycNews(scene.verification))
  return replaced
}

/** The form as it is now, locked. Throws `action_not_allowed` when it isn't one any more. */
async function lockForm(app: Needs, trx: Trx, scene: Scene): Promise<LockedForm> {
  const { integrationId, customerId, id } = scene.verification
  const customer = await lockCustomer(trx, integrationId, customerId)
  const verification = await lockVerification(trx, integrationId, id)
  if (!customer || !verification?.dataSealed) return notNow('There is nothing to be changed.')
  refuseUnlessForm(app, verification)
  return {
    customer,
    verification,
    data: openVerificationData(app.secrets, scene.keyWrapped, verification.dataSealed),
  }
}

export function refuseUnlessForm({ clock }: Pick<App, 'clock'>, verification: Verification): void {
  if (verification.phase !== 'form') notNow('The form was sent already.')
  if (!isOpen(verification, clock.now())) notNow('The link has expired.')
}

function refuseUnasked({ reasons }: Verification, kind: PhotoKind): void {
  if (!askedPhotos(reasons).includes(kind)) notNow(`${kind} is not to be changed any more.`)
}

export function notNow(message: string): never {
  fail('action_not_allowed', message)
}

const rulesOf = ({ clock }: Pick<App, 'clock'>, { settings }: Pick<KycScene, 'settings'>): FormRules => ({
  now: clock.now(),
  acceptedCountries: settings.countries,
})

/** All faults at once; the code names the kind when they are all of one. */
export function refuse(errors: Partial<Record<string, string[]>>): void {
  const faults = Object.entries(errors).map(([field, problems]) => [field, problems ?? []] as const)
  if (faults.length === 0) return
  const all = (test: (field: string, problem: string) => boolean): boolean =>
    faults.every(([field, problems]) => problems.every((problem) => test(field, problem)))
  const detail = { errors: errors as Record<string, string[]> }
  const names = faults.map(([field]) => field).join(', ')
  if (all((_, problem) => problem === 'required')) fail('fail_mandatory_field', `Missing: ${names}.`, detail)
  if (all((field, problem) => field === 'country' && problem === 'country_not_supported')) {
    fail('country_not_supported', 'Customers who live in this country are not accepted.', detail)
  }
  if (all((field) => field === 'identification_number' || field === 'identification_type')) {
    fail('invalid_identification', 'The document can not be of this kind or have this number.', detail)
  }
  fail('invalid_field', `Not valid: ${names}.`, detail)
}
