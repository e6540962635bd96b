import type { App } from '../app.ts'
import type { Trx } from '../db/database.ts'
import { Failure, fail } from '../server/errors.ts'
import {
  COMPANY_FIELDS,
  type CompanyData,
  type CompanyField,
  type CompanyFields,
  type CompanyPerson,
  openCompany,
  PERSON_PHOTOS,
  type PersonPhoto,
  personPart,
  sealCompany,
  splitPersonPart,
} from '../users/company-data.ts'
import { listFiles, type NewFile, removeFiles, replaceFile } from '../users/company-files.ts'
import { applyCompanyChanges, findCompanyFaults, isPartAsked, partsToMend } from '../users/company-form.ts'
import {
  MOST_PEOPLE,
  nextPersonId,
  PERSON_FIELDS,
  readPerson,
  type TypedPerson,
} from '../users/company-people.ts'
import { type Customer, lockCustomer } from '../users/customer-store.ts'
import { changeStatus } from '../users/decision.ts'
import { judgeProof, storeProof } from '../users/enhanced-documents.ts'
import { judgePicture } from '../users/image.ts'
import { type FormRules, plain } from '../users/kyc-form.ts'
import { KYC_LANE } from '../users/kyc-lane.ts'
import { kycNews } from '../users/verification.ts'
import { lockVerification, updateVerification, type Verification } from '../users/verification-store.ts'
import { getOpenScene, type KybScene, type Visitor } from './kyb-scene.ts'
import { notNow, refuse, refuseUnlessForm } from './kyc-changes.ts'

type Needs = Pick<App, 'db' | 'clock' | 'secrets' | 'config' | 'providers' | 'pageNews' | 'wake'>

/** Saves what was typed about the company: all of it, or none. */
export async function saveCompany(
  app: Needs,
  visitor: Visitor,
  token: string,
  typed: Partial<Record<CompanyField, string>>,
): Promise<void> {
  const scene = await getOpenScene(app, visitor, token)
  await changeForm(app, scene, async (_trx, { verification, data }) => {
    const changes = askedChanges(typed, COMPANY_FIELDS, verification, data.company, (field) => field)
    const { fields, errors } = applyCompanyChanges(changes, data.company, rulesOf(app, scene))
    refuse(errors)
    return {
      data: { ...data, company: fields as CompanyFields, mended: [...data.mended, ...Object.keys(changes)] },
    }
  })
}

/** Adds a person, or changes the one of that id; answers the id. */
export async function savePerson(
  app: Needs,
  visitor: Visitor,
  token: string,
  typed: TypedPerson,
  personId?: string,
): Promise<string> {
  const scene = await getOpenScene(app, visitor, token)
  const rules = rulesOf(app, scene)
  let saved = ''
  await changeForm(app, scene, async (_trx, { verification, data }) => {
    const { people } = data
    const known = personId === undefined ? undefined : personOf(people, personId)
    if (!known) refuseNewPerson(verification, people)
    const id = known?.id ?? nextPersonId(people)
    const of = (field: string): string => personPart(id, field)
    const changes = known ? askedChanges(typed, PERSON_FIELDS, verification, known, of) : typed
    const read = readPerson(changes as TypedPerson, known, rules, id)
    if ('errors' in read) return refuseAll(read.errors)
    saved = id
    const mended = [...data.mended, 'people', ...Object.keys(changes).map(of)]
    return { data: { ...data, people: withPerson(people, read.person), mended } }
  })
  return saved
}

/** Takes a person out, with the photos of the document. */
export async function removePerson(app: Needs, visitor: Visitor, token: string, id: string): Promise<void> {
  const scene = await getOpenScene(app, visitor, token)
  await changeForm(app, scene, async (trx, { verification, data }) => {
    personOf(data.people, id)
    if (!isPartAsked(verification.reasons, 'people')) notNow('Nobody is to be taken out any more.')
    const photos = PERSON_PHOTOS.map((kind) => personPart(id, kind))
    const removed = await removeFiles(trx, verification, photos)
    const people = data.people.filter((person) => person.id !== id)
    return { data: { ...data, people, mended: [...data.mended, 'people'] }, removed }
  })
}

/** Judges a paper by its content, keeps it sealed, and lets the form show it in place of an earlier one. */
export async function saveDocument(
  app: Needs,
  visitor: Visitor,
  token: string,
  kind: string,
  bytes: Buffer,
): Promise<void> {
  const scene = await getOpenScene(app, visitor, token)
  refuseUnaskedFile(app, scene.verification, kind)
  const judged = await judgeProof(bytes)
  if (!judged.ok) {
    fail('invalid_file', 'The file is no readable PDF, JPEG, PNG or WebP, judged by its content.', {
      errors: { [kind]: ['not_a_document'] },
    })
  }
  const { bytes: content, mime } = judged
  await keepFile(app, scene, { part: kind, content, mime, width: null, height: null, problems: [] })
}

/** The same for the photo of a person's document, which must be a picture. */
export async function savePersonPhoto(
  app: Needs,
  visitor: Visitor,
  token: string,
  { person, kind }: { person: string; kind: PersonPhoto },
  bytes: Buffer,
): Promise<void> {
  const scene = await getOpenScene(app, visitor, token)
  personOf(scene.data.people, person)
  const part = personPart(person, kind)
  refuseUnaskedFile(app, scene.verification, part)
  const picture = await judgePicture(bytes)
  if (!picture.ok) {
    fail('invalid_file', 'The file is no readable JPEG, PNG or WebP picture, judged by its content.', {
      errors: { [kind]: ['not_an_image'] },
    })
  }
  const { jpeg: content, width, height, problems } = picture
  await keepFile(app, scene, { part, content, mime: 'image/jpeg', width, height, problems })
}

/** Sends the form: from now on it is being decided. */
export async function submitCompanyForm(
  app: Needs,
  visitor: Visitor,
  token: string,
  typed: { name: string; role: string },
): Promise<void> {
  const scene = await getOpenScene(app, visitor, token)
  const declaration = { name: plain(typed.name), role: plain(typed.role) }
  await app.db.transaction().execute(async (trx) => {
    const { customer, verification, data } = await lockForm(app, trx, scene)
    const documents = (await listFiles(trx, verification)).map(({ part }) => part)
    const errors = findCompanyFaults(data, documents, rulesOf(app, scene))
    for (const part of partsToMend(verification.reasons, data)) errors[part] ??= ['required']
    for (const field of ['name', 'role'] as const) {
      if (!/\p{L}/u.test(declaration[field])) errors[field] = [declaration[field] ? 'invalid' : 'required']
    }
    refuse(errors)
    const now = app.clock.now()
    const dataSealed = sealCompany(app.secrets, scene.keyWrapped, { ...data, declaration })
    await updateVerification(trx, now, verification, {
      phase: 'submitted',
      reasons: [],
      dueAt: now,
      dataSealed,
    })
    await changeStatus(app, trx, customer, { kycStatus: 'processing', kycReasons: [] })
  })
  app.pageNews.tell(kycNews(scene.verification))
  app.wake(KYC_LANE, 'event-sequencer')
}

/** Of what was typed, what may be changed; what was accepted may be sent along as it is. */
function askedChanges<Field extends string>(
  typed: Partial<Record<Field, string | boolean>>,
  fields: readonly Field[],
  { reasons }: Verification,
  known: Partial<Record<Field, string | boolean | null>>,
  partOf: (field: Field) => string,
): Record<string, never> {
  const changes = fields.filter((field) => {
    const value = typed[field]
    if (value === undefined) return false
    if (isPartAsked(reasons, partOf(field))) return true
    const before = known[field] ?? ''
    const isSame = typeof value === 'string' ? plain(value) === before : value === before
    return isSame ? false : notNow(`${field} is not to be changed any more.`)
  })
  return Object.fromEntries(changes.map((field) => [field, typed[field]])) as Record<string, never>
}

function personOf(people: readonly CompanyPerson[], id: string): CompanyPerson {
  return people.find((person) => person.id === id) ?? notNow('This person is not in the form any more.')
}

function withPerson(people: readonly CompanyPerson[], person: CompanyPerson): CompanyPerson[] {
  const isKnown = people.some(({ id }) => id === person.id)
  return isKnown ? people.map((one) => (one.id === person.id ? person : one)) : [...people, person]
}

function refuseNewPerson({ reasons }: Verification, people: readonly CompanyPerson[]): void {
  if (!isPartAsked(reasons, 'people')) notNow('Nobody is to be added any more.')
  if (people.length >= MOST_PEOPLE) notNow(`The form takes ${MOST_PEOPLE} people at most.`)
}

function refuseAll(errors: Parameters<typeof refuse>[0]): never {
  refuse(errors)
  throw new Error('A person was refused without a fault.')
}

function refuseUnaskedFile(app: Needs, verification: Verification, part: string): void {
  refuseUnlessForm(app, verification)
  if (!isPartAsked(verification.reasons, part)) notNow(`${part} is not to be changed any more.`)
}

async function keepFile(app: Needs, scene: KybScene, file: Omit<NewFile, 'storageKey'>): Promise<void> {
  const storageKey = await storeProof(app, scene.verification, scene.keyWrapped, file.content)
  try {
    await changeForm(app, scene, async (trx, { verification, data }) => {
      if (!isPartAsked(verification.reasons, file.part)) notNow(`${file.part} is not to be changed any more.`)
      const person = splitPersonPart(file.part)
      // Taken out while the photo was on its way.
      if (person) personOf(data.people, person.id)
      const removed = await replaceFile(trx, app.clock.now(), verification, { ...file, storageKey })
      return { data: { ...data, mended: [...data.mended, file.part] }, removed }
    })
  } catch (error) {
    // Only what was refused is surely not pointed to: a connection that broke may have broken after the commit.
    if (error instanceof Failure) await app.providers.storage.remove(storageKey)
    throw error
  }
}

interface LockedForm {
  customer: Customer
  verification: Verification
  data: CompanyData
}

/** Changes the form's data under the lock, then removes the files that are no longer needed. */
async function changeForm(
  app: Needs,
  scene: KybScene,
  change: (trx: Trx, form: LockedForm) => Promise<{ data: CompanyData; removed?: string[] }>,
): Promise<void> {
  const removed = await app.db.transaction().execute(async (trx) => {
    const form = await lockForm(app, trx, scene)
    const { data, removed: keys } = await change(trx, form)
    const dataSealed = sealCompany(app.secrets, scene.keyWrapped, {
      ...data,
      mended: [...new Set(data.mended)],
    })
    await updateVerification(trx, app.clock.now(), form.verification, { dataSealed })
    return keys ?? []
  })
  app.pageNews.tell(kycNews(scene.verification))
  await Promise.all(removed.map((key) => app.providers.storage.remove(key)))
}

/** The form as it is now, locked. Throws `action_not_allowed` when it isn't one any more. */
async function lockForm(app: Needs, trx: Trx, scene: KybScene): Promise<LockedForm> {
  const { integrationId, customerId, id } = scene.verification
  const customer = await lockCustomer(trx, integrationId, customerId)
  const verification = await lockVerification(trx, integrationId, id)
  if (!customer || !verification?.dataSealed) return notNow('There is nothing to be changed.')
  refuseUnlessForm(app, verification)
  const data = openCompany(app.secrets, scene.keyWrapped, verification.dataSealed)
  return { customer, verification, data }
}

const rulesOf = ({ clock }: Pick<App, 'clock'>, { settings }: Pick<KybScene, 'settings'>): FormRules => ({
  now: clock.now(),
  acceptedCountries: settings.countries,
})
