import type { App } from '../app.ts'
import {
  ENHANCED_REASON_FIELDS,
  ENHANCED_REASON_TEXTS,
  type EnhancedReason,
  type EnhancedReasonCode,
} from '../providers/kyc/enhanced.ts'
import { fail } from '../server/errors.ts'
import { type Customer, findCustomer } from '../users/customer-store.ts'
import { applyDecision, type Decision } from '../users/decision.ts'
import { isMendable } from '../users/enhanced-form.ts'
import { openOnboarding } from '../users/enhanced-open.ts'
import { isOpen, kycNews } from '../users/verification.ts'
import { findLatestVerification, OPEN_PHASES } from '../users/verification-store.ts'

interface Wish {
  kind?: 'kyc' | 'kyb' | 'reinforced' | undefined
  outcome: Decision['outcome']
  reasons?: { field?: string | null; code: string }[] | undefined
}

/** Whether reasons may name this part of an enhanced verification. */
export const isEnhancedPart = (field: string): boolean =>
  (ENHANCED_REASON_FIELDS as readonly string[]).includes(field)

/**
 * Decides the customer's enhanced verification when that is the one meant: named by `kind`, or open while the first
 * one is over. Undefined when the first one is meant. Answers the customer as changed.
 */
export async function decideReinforced(
  app: App,
  customer: Customer,
  { kind, outcome, reasons: given }: Wish,
): Promise<Customer | undefined> {
  const { integrationId, id } = customer
  if (kind !== 'reinforced' && (kind !== undefined || customer.kycStatus !== 'valid')) return undefined
  const find = () =>
    findLatestVerification(app.db, { integrationId, customerId: id, kind: 'reinforced' as const })
  let latest = await find()
  const hasOpen = latest !== undefined && isOpen(latest, app.clock.now())
  if (!hasOpen && kind === undefined) return undefined
  const reasons = readReasons(outcome, given)
  if (!hasOpen) {
    if (!(await openOnboarding(app, customer))) {
      const text = 'is of a customer who is not verified yet, or has the level reinforced already'
      fail('invalid_field', `user_id ${text}.`, { errors: { user_id: [text] } })
    }
    latest = await find()
  }
  if (!latest) return undefined
  const target = latest
  const changed = await app.db
    .transaction()
    .execute((trx) => applyDecision(app, trx, target, { outcome, reasons, by: 'sandbox' }, OPEN_PHASES))
  // Undefined when the provider was faster: then its decision stands.
  if (!changed) return (await findCustomer(app.db, integrationId, id)) ?? customer
  app.pageNews.tell(kycNews(target))
  app.wake('event-sequencer')
  return changed
}

const USUAL_REASONS: Record<Decision['outcome'], EnhancedReason[]> = {
  valid: [],
  review: [],
  fail: [{ field: null, code: 'not_accepted' }],
  mend: [{ field: 'documents', code: 'insufficient' }],
}

function readReasons(outcome: Decision['outcome'], given: Wish['reasons'] = []): EnhancedReason[] {
  if (given.length === 0) return USUAL_REASONS[outcome]
  const reasons = given.map(({ field, code }) => {
    if (typeof field === 'string' && !isEnhancedPart(field)) {
      refuse(`must name parts of the enhanced verification: ${ENHANCED_REASON_FIELDS.join(', ')}`)
    }
    if (!Object.hasOwn(ENHANCED_REASON_TEXTS, code)) {
      refuse(`must have codes of the enhanced verification: ${Object.keys(ENHANCED_REASON_TEXTS).join(', ')}`)
    }
    return { field: (field ?? null) as EnhancedReason['field'], code: code as EnhancedReasonCode }
  })
  if (outcome === 'mend' && !reasons.some(isMendable)) {
    refuse('must name at least one field or the documents, or the customer has nothing to mend')
  }
  return reasons
}

function refuse(text: string): never {
  fail('invalid_field', `reasons ${text}.`, { errors: { reasons: [text] } })
}
