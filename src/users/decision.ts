import type { App } from '../app.ts'
import type { Trx } from '../db/database.ts'
import type { EnhancedReason } from '../providers/kyc/enhanced.ts'
import type { KycCheck, KycDecision, KycReason } from '../providers/kyc/port.ts'
import { emit } from '../webhooks/emit.ts'
import type { EventType } from '../webhooks/event-types.ts'
import { companyToMend, verifiedCompany } from './company-decision.ts'
import {
  type Customer,
  getPersonalSealed,
  type KycChange,
  lockCustomer,
  updateKyc,
} from './customer-store.ts'
import { decideEnhanced } from './enhanced-decision.ts'
import { isMendable, withFollowingParts, withMissingParts } from './kyc-form.ts'
import { kycObject, withText } from './kyc-wire.ts'
import { openCustomerData, openVerificationData, sealData } from './personal-data.ts'
import { listPhotos } from './verification-photos.ts'
import { lockVerification, type Phase, updateVerification, type Verification } from './verification-store.ts'

type Needs = Pick<App, 'clock' | 'secrets'>

/** However old the link is: who must mend something has at least this long for it. */
const MENDING_MS = 7 * 86_400_000

export interface Decision {
  outcome: Exclude<KycDecision['outcome'], 'pending'>
  /** Of the kind of the verification. */
  reasons: (KycReason | EnhancedReason)[]
  /** Replaces the checks recorded before; left as they are when absent. */
  checks?: KycCheck[]
  /** The provider's name, `operator:<who>`, `sandbox`. */
  by: string
}

/**
 * Applies a decision to a verification that is in one of the phases `from`, together with the customer's status and
 * the event, and answers the customer as changed. Undefined, and nothing changed, when the verification is
 * elsewhere by now: another's decision came first. Wake `event-sequencer` after the commit.
 */
export async function applyDecision(
  app: Needs,
  trx: Trx,
  target: Pick<Verification, 'integrationId' | 'id' | 'customerId'>,
  decision: Decision,
  from: readonly Phase[],
): Promise<Customer | undefined> {
  const customer = await lockCustomer(trx, target.integrationId, target.customerId)
  const verification = await lockVerification(trx, target.integrationId, target.id)
  if (!customer || !verification || !from.includes(verification.phase)) return undefined
  if (verification.kind === 'reinforced') {
    return decideEnhanced(app, trx, { customer, verification }, decision)
  }
  const { outcome, checks, by } = decision
  const reasons = decision.reasons as KycReason[]
  const now = app.clock.now()
  const decided = { ...(checks && { checks }), decidedBy: by, decidedAt: now }
  const { keyWrapped } = customer
  const told = reasons.map(withText)
  if (outcome === 'review') {
    await updateVerification(trx, now, verification, {
      ...decided,
      phase: 'review',
      reasons: told,
      dueAt: null,
    })
    return changeStatus(app, trx, customer, { kycStatus: 'processing', kycReasons: [] })
  }
  if (outcome === 'valid') {
    await updateVerification(trx, now, verification, { ...decided, phase: 'valid', reasons: [], dueAt: null })
    const kycLevel = customer.kycLevel === 'none' ? 'basic' : customer.kycLevel
    const read = verification.kind === 'kyb' ? verifiedCompany : verifiedData
    const verified = keyWrapped ? await read(app, trx, customer, keyWrapped, verification) : {}
    return changeStatus(app, trx, customer, { kycStatus: 'valid', kycLevel, kycReasons: [], ...verified })
  }
  // Nobody has a delegated verification's form open: it ends, and a new form may be asked for.
  const { kind } = verification
  if (outcome === 'mend' && kind !== 'delegated' && keyWrapped && reasons.some(isMendable)) {
    const read = kind === 'kyb' ? companyToMend : personToMend
    const { reasons: asked, dataSealed } = await read(app, trx, keyWrapped, verification, reasons)
    const toMend = asked.map(withText)
    const expiresAt = new Date(Math.max(verification.expiresAt.getTime(), now.getTime() + MENDING_MS))
    const back = { phase: 'form', reasons: toMend, dataSealed, expiresAt, dueAt: expiresAt } as const
    await updateVerification(trx, now, verification, { ...decided, ...back })
    return changeStatus(app, trx, customer, { kycStatus: 'processing', kycReasons: toMend })
  }
  await updateVerification(trx, now, verification, { ...decided, phase: 'fail', reasons: told, dueAt: null })
  return changeStatus(app, trx, customer, { kycStatus: 'fail', kycReasons: told })
}

/** The reasons as the customer can mend them, and the form with nothing mended yet. */
async function personToMend(
  { clock, secrets }: Needs,
  trx: Trx,
  key: Buffer,
  verification: Verification,
  reasons: readonly KycReason[],
): Promise<{ reasons: KycReason[]; dataSealed: Buffer }> {
  const { fields } = openVerificationData(secrets, key, verification.dataSealed as Buffer)
  const photos = (await listPhotos(trx, verification)).map(({ kind }) => kind)
  const following = withFollowingParts(reasons, fields)
  const rules = { now: clock.now(), acceptedCountries: [] }
  return {
    reasons: withMissingParts(following, { fields, photos }, rules),
    dataSealed: sealData(secrets, key, { fields, mended: [] }),
  }
}

/** What was verified is from now on what the customer is. */
async function verifiedData(
  { secrets }: Needs,
  trx: Trx,
  { integrationId, id, type, country }: Customer,
  key: Buffer,
  { dataSealed }: Verification,
): Promise<Pick<KycChange, 'personalSealed' | 'country'>> {
  // What was verified of a company by delegation is who represents it.
  if (!dataSealed || type === 'company') return {}
  const known = openCustomerData(secrets, key, await getPersonalSealed(trx, integrationId, id))
  const { fields } = openVerificationData(secrets, key, dataSealed)
  return {
    personalSealed: sealData(secrets, key, { ...known, ...fields, email: known.email }),
    country: fields.country ?? country,
  }
}

const EVENTS: Record<Customer['kycStatus'], EventType | undefined> = {
  unused: undefined,
  processing: 'KYC_PROCESSING',
  valid: 'KYC_VALID',
  fail: 'KYC_FAIL',
}

/** Changes the status that the integrator sees, and tells of it when there is something new in it. */
export async function changeStatus(
  app: Needs,
  trx: Trx,
  customer: Customer,
  change: KycChange,
): Promise<Customer> {
  const same = customer.kycStatus === change.kycStatus && isSame(customer.kycReasons, change.kycReasons)
  const changed = await updateKyc(trx, app.clock.now(), customer, change)
  const type = same ? undefined : EVENTS[changed.kycStatus]
  if (type) {
    const { integrationId, id, keyWrapped } = customer
    await emit(
      trx,
      [{ integrationId, type, stream: `customer:${id}`, data: kycObject(changed), keyWrapped }],
      app,
    )
  }
  return changed
}

function isSame(a: readonly KycReason[], b: readonly KycReason[]): boolean {
  return (
    a.length === b.length && a.every(({ field, code }, at) => field === b[at]?.field && code === b[at].code)
  )
}
