import type { App } from '../app.ts'
import type { Trx } from '../db/database.ts'
import type { EnhancedReason } from '../providers/kyc/enhanced.ts'
import { emit } from '../webhooks/emit.ts'
import type { EventType } from '../webhooks/event-types.ts'
import { type Customer, type ReinforcedChange, updateReinforced } from './customer-store.ts'
import type { Decision } from './decision.ts'
import { openEnhanced, sealEnhanced } from './enhanced-data.ts'
import { findFaults, isMendable } from './enhanced-form.ts'
import { type EnhancedReasonOnWire, kycObject, withEnhancedText } from './kyc-wire.ts'
import { updateVerification, type Verification } from './verification-store.ts'

type Needs = Pick<App, 'clock' | 'secrets'>

/** However old the link is: who must mend something has at least this long for it. */
const MENDING_MS = 7 * 86_400_000

/**
 * Applies a decision to a locked enhanced verification of a locked customer. It raises the level or leaves it as it
 * is: whatever the outcome, the customer stays `valid` at the level that was reached before.
 */
export async function decideEnhanced(
  app: Needs,
  trx: Trx,
  { customer, verification }: { customer: Customer; verification: Verification },
  { outcome, checks, by, ...decision }: Decision,
): Promise<Customer> {
  const reasons = decision.reasons as EnhancedReason[]
  const now = app.clock.now()
  const decided = { ...(checks && { checks }), decidedBy: by, decidedAt: now }
  const told = reasons.map(withEnhancedText)
  if (outcome === 'review') {
    await updateEnhanced(trx, now, verification, { ...decided, phase: 'review', reasons: told, dueAt: null })
    return changeReinforced(app, trx, customer, { reinforcedStatus: 'processing', reinforcedReasons: [] })
  }
  if (outcome === 'valid') {
    await updateEnhanced(trx, now, verification, { ...decided, phase: 'valid', reasons: [], dueAt: null })
    return changeReinforced(app, trx, customer, {
      reinforcedStatus: 'valid',
      reinforcedReasons: [],
      kycLevel: 'reinforced',
    })
  }
  const { keyWrapped } = customer
  if (outcome === 'mend' && keyWrapped && verification.dataSealed && reasons.some(isMendable)) {
    const data = openEnhanced(app.secrets, keyWrapped, verification.dataSealed)
    const toMend = withMissingParts(customer.type, reasons, data).map(withEnhancedText)
    const expiresAt = new Date(Math.max(verification.expiresAt.getTime(), now.getTime() + MENDING_MS))
    const dataSealed = sealEnhanced(app.secrets, keyWrapped, { ...data, mended: [] })
    const back = { phase: 'form', reasons: toMend, dataSealed, expiresAt, dueAt: expiresAt } as const
    await updateEnhanced(trx, now, verification, { ...decided, ...back })
    return changeReinforced(app, trx, customer, { reinforcedStatus: 'processing', reinforcedReasons: toMend })
  }
  await updateEnhanced(trx, now, verification, { ...decided, phase: 'fail', reasons: told, dueAt: null })
  return changeReinforced(app, trx, customer, { reinforcedStatus: 'fail', reinforcedReasons: told })
}

/** A form sent back must be one that can be mended: whatever else is missing is asked for with it. */
function withMissingParts(
  type: Customer['type'],
  reasons: readonly EnhancedReason[],
  { fields, documents }: ReturnType<typeof openEnhanced>,
): EnhancedReason[] {
  const missing: EnhancedReason[] = Object.keys(findFaults(type, fields)).map((field) => ({
    field: field as EnhancedReason['field'],
    code: 'required',
  }))
  if (documents.length === 0) missing.push({ field: 'documents', code: 'required' })
  return [...reasons, ...missing.filter(({ field }) => !reasons.some((known) => known.field === field))]
}

type EnhancedChange = Omit<NonNullable<Parameters<typeof updateVerification>[3]>, 'reasons'> & {
  reasons: EnhancedReasonOnWire[]
}

/** Reasons are kept as JSON, of either kind. */
const updateEnhanced = (trx: Trx, now: Date, verification: Verification, change: EnhancedChange) =>
  updateVerification(trx, now, verification, change as Parameters<typeof updateVerification>[3])

const EVENTS: Record<ReinforcedChange['reinforcedStatus'], EventType | undefined> = {
  unused: undefined,
  processing: 'KYC_PROCESSING',
  valid: 'KYC_VALID',
  fail: 'KYC_FAIL',
}

/** Changes what the integrator sees of the enhanced verification, and tells of it when there is something new in it. */
export async function changeReinforced(
  app: Needs,
  trx: Trx,
  customer: Customer,
  change: ReinforcedChange,
): Promise<Customer> {
  const isSame =
    customer.reinforcedStatus === change.reinforcedStatus &&
    textOf(customer.reinforcedReasons) === textOf(change.reinforcedReasons)
  const changed = await updateReinforced(trx, app.clock.now(), customer, change)
  const type = isSame ? undefined : EVENTS[change.reinforcedStatus]
  if (type) {
    const { integrationId, id, keyWrapped } = customer
    const data = kycObject(changed)
    await emit(trx, [{ integrationId, type, stream: `customer:${id}`, data, keyWrapped }], app)
  }
  return changed
}

const textOf = (reasons: readonly EnhancedReason[]): string =>
  reasons.map(({ field, code }) => `${field}:${code}`).join()
