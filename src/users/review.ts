import type { App } from '../app.ts'
import { recordAudit } from '../common/integration-store.ts'
import {
  ENHANCED_REASON_FIELDS,
  ENHANCED_REASON_TEXTS,
  type EnhancedReasonCode,
} from '../providers/kyc/enhanced.ts'
import { KYC_REASON_TEXTS, type KycReason } from '../providers/kyc/port.ts'
import { applyDecision, type Decision } from './decision.ts'
import { parseReasonField } from './reason-field.ts'
import { kycNews } from './verification.ts'
import {
  findVerificationAnywhere,
  listVerificationsInReview,
  type Verification,
} from './verification-store.ts'

type Needs = Pick<App, 'db' | 'clock' | 'secrets' | 'pageNews' | 'wake'>

export interface Operator {
  who: string
  why: string
}

/** What an operator must look at. */
export function listReviews({ db }: Pick<App, 'db'>): Promise<Verification[]> {
  return listVerificationsInReview(db)
}

/** A person accepts a verification in review. False when there is none of that id in review. */
export function releaseVerification(app: Needs, id: string, operator: Operator): Promise<boolean> {
  return decideReview(app, id, operator, { outcome: 'valid', reasons: [] })
}

/**
 * A person refuses a verification in review: for good, or, when `reasons` name fields or photos, until the customer
 * has mended them. False when there is none of that id in review.
 */
export function refuseVerification(
  app: Needs,
  id: string,
  { reasons = [], ...operator }: Operator & { reasons?: Decision['reasons'] },
): Promise<boolean> {
  const decision: Pick<Decision, 'outcome' | 'reasons'> =
    reasons.length > 0
      ? { outcome: 'mend', reasons }
      : { outcome: 'fail', reasons: [{ field: null, code: 'not_accepted' }] }
  return decideReview(app, id, operator, decision)
}

async function decideReview(
  app: Needs,
  id: string,
  { who, why }: Operator,
  decision: Pick<Decision, 'outcome' | 'reasons'>,
): Promise<boolean> {
  const verification = await findVerificationAnywhere(app.db, id)
  if (!verification) return false
  refuseMisfits(verification, decision.reasons)
  const decided = await app.db.transaction().execute(async (trx) => {
    const by = `operator:${who}`
    const customer = await applyDecision(app, trx, verification, { ...decision, by }, ['review'])
    if (!customer) return false
    await recordAudit(trx, app.clock.now(), {
      who,
      why,
      action: decision.outcome === 'valid' ? 'verification.release' : 'verification.refuse',
      target: `verification:${id}`,
      before: { phase: 'review' },
      after: { outcome: decision.outcome, reasons: decision.reasons, customer: customer.id },
    })
    return true
  })
  if (!decided) return false
  app.pageNews.tell(kycNews(verification))
  app.wake('event-sequencer')
  return true
}

/** Throws when a reason is none of this kind of verification: its page could not ask for it. */
function refuseMisfits({ id, kind }: Verification, reasons: Decision['reasons']): void {
  const isEnhanced = kind === 'reinforced'
  const fields: readonly string[] = ENHANCED_REASON_FIELDS
  const texts: Readonly<Record<string, string>> = isEnhanced ? ENHANCED_REASON_TEXTS : KYC_REASON_TEXTS
  const misfit = reasons.find(
    ({ field, code }) =>
      !Object.hasOwn(texts, code) ||
      (field !== null && (isEnhanced ? !fields.includes(field) : parseReasonField(field) === undefined)),
  )
  if (misfit) {
    throw new Error(
      `${misfit.field ?? ''}:${misfit.code} is no reason of ${id}, which is of the kind ${kind}.`,
    )
  }
}

/** Reads a reason as an operator types it: `field:code`, or a code alone about the person as a whole. */
export function parseReason(text: string): Decision['reasons'][number] | undefined {
  const [code, field] = text.split(':', 2).reverse()
  const enhanced = ENHANCED_REASON_FIELDS.find((one) => one === field)
  if (enhanced && code !== undefined && Object.hasOwn(ENHANCED_REASON_TEXTS, code)) {
    return { field: enhanced, code: code as EnhancedReasonCode }
  }
  if (code === undefined || !Object.hasOwn(KYC_REASON_TEXTS, code)) return undefined
  const known = field === undefined ? undefined : parseReasonField(field)
  if (field !== undefined && known === undefined) return undefined
  return { field: known ?? null, code: code as KycReason['code'] }
}
