import type { App } from '../app.ts'
import type { Trx } from '../db/database.ts'
import { wireTime } from '../kernel/clock.ts'
import type { EnhancedField } from '../providers/kyc/enhanced.ts'
import { Failure, fail } from '../server/errors.ts'
import { type Customer, lockCustomer } from '../users/customer-store.ts'
import type { ProofType } from '../users/enhanced-choices.ts'
import { type EnhancedData, openEnhanced, sealEnhanced } from '../users/enhanced-data.ts'
import { changeReinforced } from '../users/enhanced-decision.ts'
import { deleteProof, insertProof, judgeProof, listProofs, storeProof } from '../users/enhanced-documents.ts'
import {
  applyChanges,
  areDocumentsAsked,
  askedFields,
  type EnhancedErrors,
  findFaults,
  isWanted,
  judgeSignature,
  MOST_DOCUMENTS,
  plain,
} from '../users/enhanced-form.ts'
import { KYC_LANE } from '../users/kyc-lane.ts'
import { isOpen, kycNews } from '../users/verification.ts'
import { lockVerification, updateVerification, type Verification } from '../users/verification-store.ts'
import { getOnboardingScene, type OnboardingScene } from './onboarding-scene.ts'
import { isRemovable, reasonsOf } from './onboarding-view.ts'

type Needs = Pick<App, 'db' | 'clock' | 'secrets' | 'config' | 'providers' | 'pageNews' | 'wake'>

/** Saves typed fields: all of them, or none. */
export async function saveDeclared(
  app: Needs,
  token: string,
  typed: Partial<Record<EnhancedField, string>>,
): Promise<void> {
  const scene = await getOnboardingScene(app, token)
  const { type } = scene.customer
  await changeDeclared(app, scene, async (_trx, { verification, data }) => {
    const asked = askedFields(type, reasonsOf(verification))
    const changes = Object.fromEntries(
      Object.entries(typed).filter(([field, value]) => {
        if (asked.includes(field as EnhancedField)) return true
        // A page may send what it shows; what was accepted stays as it is.
        if (plain(value) === (data.fields[field as EnhancedField] ?? '')) return false
        return notNow(`${field} is not to be changed.`)
      }),
    )
    const { fields, errors } = applyChanges(type, changes, data.fields)
    refuse(errors)
    return { ...data, fields, mended: withMended(data, Object.keys(changes)) }
  })
}

/** Judges a file by its content, keeps it sealed, and adds it to the declaration. */
export async function addDocument(
  app: Needs,
  token: string,
  { type, name, bytes }: { type: ProofType; name: string; bytes: Buffer },
): Promise<void> {
  const scene = await getOnboardingScene(app, token)
  refuseUnlessForm(app, scene.verification)
  refuseMoreDocuments(scene.verification, scene.data)
  const judged = await judgeProof(bytes)
  if (!judged.ok) {
    const text =
      judged.problem === 'empty'
        ? 'The file is empty.'
        : 'The file is neither a PDF nor a readable JPEG, PNG or WebP picture, judged by its content.'
    fail('invalid_file', text, { errors: { documents: [judged.problem] } })
  }
  const storageKey = await storeProof(app, scene.verification, scene.keyWrapped, judged.bytes)
  try {
    await changeDeclared(app, scene, async (trx, { verification, data }) => {
      refuseMoreDocuments(verification, data)
      const id = await insertProof(trx, app.clock.now(), verification, { type, judged, storageKey })
      return {
        ...data,
        documents: [...data.documents, { id, name }],
        mended: withMended(data, ['documents']),
      }
    })
  } catch (error) {
    // Only what was refused is surely not pointed to: a connection that broke may have broken after the commit.
    if (error instanceof Failure) await app.providers.storage.remove(storageKey)
    throw error
  }
}

/** Takes a document out that was not sent yet. One that is gone already is no error: two fingers, one wish. */
export async function removeDocument(app: Needs, token: string, id: string): Promise<void> {
  const scene = await getOnboardingScene(app, token)
  let storageKey: string | undefined
  await changeDeclared(app, scene, async (trx, { verification, data }) => {
    const proofs = await listProofs(trx, verification, data.documents)
    const proof = proofs.find((one) => one.id === id)
    if (!proof) return data
    if (!isRemovable(proof, verification)) notNow('This document was sent already.')
    storageKey = await deleteProof(trx, verification, id)
    const documents = data.documents.filter((one) => one.id !== id)
    const added = proofs.some((one) => one.id !== id && isRemovable(one, verification))
    const mended = added ? data.mended : data.mended.filter((part) => part !== 'documents')
    return { ...data, documents, mended }
  })
  if (storageKey) await app.providers.storage.remove(storageKey)
}

/** Signs and sends the declaration: from now on it is being decided. */
export async function submitDeclared(app: Needs, token: string, signature: string): Promise<void> {
  const scene = await getOnboardingScene(app, token)
  const { person } = scene
  await app.db.transaction().execute(async (trx) => {
    const { customer, verification, data } = await lockDeclared(app, trx, scene)
    const { type } = customer
    const errors: EnhancedErrors = findFaults(type, data.fields)
    if (data.documents.length === 0) errors.documents = ['required']
    for (const part of partsToMend(type, verification, data)) errors[part] ??= ['required']
    const problem = judgeSignature(signature, { type, name: person.name, lastName: person.last_name })
    if (problem) errors.signature = [problem]
    refuse(errors)
    const now = app.clock.now()
    const signed = { ...data, signature: { name: plain(signature), at: wireTime(now) } }
    const dataSealed = sealEnhanced(app.secrets, scene.keyWrapped, signed)
    await updateVerification(trx, now, verification, {
      phase: 'submitted',
      dataSealed,
      reasons: [],
      dueAt: now,
    })
    await changeReinforced(app, trx, customer, { reinforcedStatus: 'processing', reinforcedReasons: [] })
  })
  app.pageNews.tell(kycNews(scene.verification))
  app.wake(KYC_LANE, 'event-sequencer')
}

/** The rejected parts that are still as they were rejected. */
function partsToMend(
  type: Customer['type'],
  verification: Verification,
  { fields, mended }: EnhancedData,
): (EnhancedField | 'documents')[] {
  const reasons = reasonsOf(verification)
  if (reasons.length === 0) return []
  const parts: (EnhancedField | 'documents')[] = askedFields(type, reasons).filter((field) =>
    isWanted(type, fields, field),
  )
  if (areDocumentsAsked(reasons)) parts.push('documents')
  return parts.filter((part) => reasons.some(({ field }) => field === part) && !mended.includes(part))
}

interface LockedForm {
  customer: Customer
  verification: Verification
  data: EnhancedData
}

async function changeDeclared(
  app: Needs,
  scene: OnboardingScene,
  change: (trx: Trx, form: LockedForm) => Promise<EnhancedData>,
): Promise<void> {
  await app.db.transaction().execute(async (trx) => {
    const form = await lockDeclared(app, trx, scene)
    const dataSealed = sealEnhanced(app.secrets, scene.keyWrapped, await change(trx, form))
    await updateVerification(trx, app.clock.now(), form.verification, { dataSealed })
  })
  app.pageNews.tell(kycNews(scene.verification))
}

/** The form as it is now, locked. Throws `action_not_allowed` when it isn't one any more. */
async function lockDeclared(app: Needs, trx: Trx, scene: OnboardingScene): Promise<LockedForm> {
  const { integrationId, customerId, id } = scene.verification
  const customer = await lockCustomer(trx, integrationId, customerId)
  const verification = await lockVerification(trx, integrationId, id)
  if (!customer || !verification?.dataSealed) return notNow('There is nothing to be changed.')
  refuseUnlessForm(app, verification)
  return {
    customer,
    verification,
    data: openEnhanced(app.secrets, scene.keyWrapped, verification.dataSealed),
  }
}

function refuseUnlessForm({ clock }: Pick<App, 'clock'>, verification: Verification): void {
  if (verification.phase !== 'form') notNow('The form was sent already.')
  if (!isOpen(verification, clock.now())) notNow('The link has expired.')
}

function refuseMoreDocuments(verification: Verification, { documents }: EnhancedData): void {
  if (!areDocumentsAsked(reasonsOf(verification))) notNow('No documents are asked for.')
  // What was sent before and found wanting must not leave too little room for better.
  const most = verification.decidedAt === null ? MOST_DOCUMENTS : 2 * MOST_DOCUMENTS
  if (documents.length >= most) notNow(`There are ${most} documents already.`)
}

const withMended = ({ mended }: EnhancedData, parts: readonly string[]): string[] => [
  ...new Set([...mended, ...parts]),
]

function notNow(message: string): never {
  fail('action_not_allowed', message)
}

/** All faults at once; the code names the kind when something is only missing. */
function refuse(errors: EnhancedErrors): void {
  const faults = Object.entries(errors)
  if (faults.length === 0) return
  const detail = { errors: errors as Record<string, string[]> }
  const names = faults.map(([field]) => field).join(', ')
  if (faults.every(([, problems]) => problems.every((problem) => problem === 'required'))) {
    fail('fail_mandatory_field', `Missing: ${names}.`, detail)
  }
  fail('invalid_field', `Not valid: ${names}.`, detail)
}
