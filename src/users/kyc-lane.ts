import type { App } from '../app.ts'
import type { Lane } from '../kernel/lanes.ts'
import type { KycApplication, KycCheck, KycDecision, KycSubmission } from '../providers/kyc/port.ts'
import { ProviderError } from '../providers/provider-error.ts'
import { makeCompanyApplication } from './company-application.ts'
import { findCustomer } from './customer-store.ts'
import { applyDecision, type Decision } from './decision.ts'
import { makeEnhancedApplication } from './enhanced-application.ts'
import { documentCountry, neededPhotos } from './kyc-form.ts'
import { openVerificationData, type PersonalData } from './personal-data.ts'
import { kycNews } from './verification.ts'
import { listPhotos, photosForProvider } from './verification-photos.ts'
import {
  claimDue,
  findNextDue,
  lockVerification,
  type Phase,
  putOff,
  updateVerification,
  type Verification,
} from './verification-store.ts'

export const KYC_LANE = 'kyc'

const PHASES = ['submitted', 'deciding'] as const satisfies readonly Phase[]
const BATCH = 20
const LEASE_MS = 60_000
/** Pauses after a call that failed; after the last one a person decides. */
const RETRY_MS = [2_000, 5_000, 15_000, 60_000, 300_000, 900_000, 3_600_000, 3_600_000, 7_200_000] as const
/** A provider that has not decided is asked again after as long as it has had, between these. */
const ASK_AGAIN_MS = { least: 2_000, most: 3_600_000 } as const

type Needs = Pick<App, 'db' | 'clock' | 'secrets' | 'log' | 'providers' | 'pageNews' | 'wake'>

/** Hands verifications that were sent to the provider, and asks for its decisions. */
export function kycLane(app: Needs): Lane {
  return {
    name: KYC_LANE,
    async step() {
      const now = app.clock.now()
      const claimed = await claimDue(app.db, { phases: PHASES, now, limit: BATCH, leaseMs: LEASE_MS })
      await Promise.all(claimed.map((verification) => move(app, verification)))
      return claimed.length
    },
    nextDue: () => findNextDue(app.db, PHASES),
  }
}

async function move(app: Needs, verification: Verification): Promise<void> {
  try {
    if (verification.phase === 'submitted') await handIn(app, verification)
    else await ask(app, verification)
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error
    await recover(app, verification, error)
  }
}

async function handIn(app: Needs, verification: Verification): Promise<void> {
  const { providerRef, askAfterMs, decision } = await submit(app, verification)
  const now = app.clock.now()
  const handedIn = await app.db.transaction().execute(async (trx) => {
    const current = await lockVerification(trx, verification.integrationId, verification.id)
    if (current?.phase !== 'submitted') return false
    const dueAt = new Date(now.getTime() + askAfterMs)
    await updateVerification(trx, now, current, { phase: 'deciding', providerRef, dueAt })
    return true
  })
  if (handedIn && decision) await decide(app, verification, decision)
}

async function submit(app: Needs, verification: Verification): Promise<KycSubmission> {
  const { kyc } = app.providers
  if (verification.kind === 'reinforced') {
    return kyc.submitEnhanced(await makeEnhancedApplication(app, verification))
  }
  if (verification.kind === 'kyb') return kyc.submitCompany(await makeCompanyApplication(app, verification))
  return kyc.submit(await makeApplication(app, verification))
}

async function ask(app: Needs, verification: Verification): Promise<void> {
  const decision = await app.providers.kyc.getDecision(verification.providerRef as string)
  if (decision.outcome !== 'pending') return decide(app, verification, decision)
  const now = app.clock.now()
  const had = now.getTime() - verification.updatedAt.getTime()
  const pauseMs = Math.min(Math.max(had, ASK_AGAIN_MS.least), ASK_AGAIN_MS.most)
  await putOff(app.db, verification, { dueAt: new Date(now.getTime() + pauseMs), failed: false })
}

async function decide(app: Needs, verification: Verification, decision: KycDecision): Promise<void> {
  const { outcome, reasons, checks } = decision
  if (outcome === 'pending') return
  const by = app.providers.kyc.name
  const changed = await app.db
    .transaction()
    .execute((trx) => applyDecision(app, trx, verification, { outcome, reasons, checks, by }, ['deciding']))
  if (!changed) return
  app.pageNews.tell(kycNews(verification))
  app.wake('event-sequencer')
}

/** What was sent, as the provider gets it. The same key for the same sending, however often it is tried. */
async function makeApplication(app: Needs, verification: Verification): Promise<KycApplication> {
  const { integrationId, customerId, id, dataSealed } = verification
  const customer = await findCustomer(app.db, integrationId, customerId)
  const key = customer?.keyWrapped
  if (!key || !dataSealed) throw new ProviderError('kyc', 'rejected', `the data of ${id} is forgotten`)
  const { fields } = openVerificationData(app.secrets, key, dataSealed)
  const needed = neededPhotos(fields)
  const photos = (await listPhotos(app.db, verification)).filter(({ kind }) => needed.includes(kind))
  return {
    idempotencyKey: `${id}:${verification.version}`,
    person: personOf(fields, id),
    photos: photosForProvider(app, key, photos),
  }
}

function personOf(fields: PersonalData, id: string): KycApplication['person'] {
  const get = (field: keyof PersonalData): string => {
    const value = fields[field]
    if (value === null) throw new ProviderError('kyc', 'rejected', `${field} of ${id} is missing`)
    return value
  }
  return {
    name: get('name'),
    lastName: fields.last_name ?? '',
    birthDate: get('birth_date'),
    email: get('email'),
    phone: fields.phone,
    country: get('country'),
    address: get('address'),
    city: get('city'),
    postalCode: fields.postal_code,
    identification: {
      country: documentCountry(fields) as string,
      type: get('identification_type'),
      number: get('identification_number'),
      expiresOn: fields.identification_expires_on,
    },
  }
}

/**
 * A call that failed is made again after a while: submitting is idempotent and asking changes nothing. What the
 * provider refuses, or fails at for too long, is left to a person, with the reason among the checks.
 */
async function recover(app: Needs, verification: Verification, error: ProviderError): Promise<void> {
  app.log.warn({ err: error, verification: verification.id }, 'The verification provider failed.')
  const pauseMs = RETRY_MS[verification.attempts]
  if (error.outcome !== 'rejected' && pauseMs !== undefined) {
    const dueAt = new Date(app.clock.now().getTime() + pauseMs)
    return putOff(app.db, verification, { dueAt, failed: true })
  }
  const failed: KycCheck = { check: 'provider', result: 'failed', detail: error.message }
  const decision: Decision = {
    outcome: 'review',
    reasons: [],
    checks: [...verification.checks, failed],
    by: app.providers.kyc.name,
  }
  await app.db.transaction().execute((trx) => applyDecision(app, trx, verification, decision, PHASES))
  app.pageNews.tell(kycNews(verification))
}
