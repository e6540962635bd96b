import { Type } from 'typebox'
import type { App } from '../app.ts'
import { ENHANCED_REASON_FIELDS, ENHANCED_REASON_TEXTS } from '../providers/kyc/enhanced.ts'
import { KYC_REASON_TEXTS, type KycReason, type KycReasonCode } from '../providers/kyc/port.ts'
import { endpoint } from '../server/endpoint.ts'
import { type FieldErrors, fail } from '../server/errors.ts'
import { CustomerId, OneOf } from '../server/fields.ts'
import { type Customer, findCustomer } from '../users/customer-store.ts'
import { applyDecision, type Decision } from '../users/decision.ts'
import { isMendable } from '../users/kyc-form.ts'
import { KycObject, kycObject } from '../users/kyc-wire.ts'
import { describeReasonFields, parseReasonField } from '../users/reason-field.ts'
import { kindOf, kycNews, openVerification } from '../users/verification.ts'
import { findLatestVerification, OPEN_PHASES } from '../users/verification-store.ts'
import { decideReinforced, isEnhancedPart } from './kyc-reinforced.ts'

const Reason = Type.Object({
  field: Type.Optional(
    Type.Unsafe<string | null>({
      type: ['string', 'null'],
      maxLength: 64,
      description: `Null or absent: the person or company as a whole. Of a person one of ${describeReasonFields('individual')}; of a company one of ${describeReasonFields('company')}. Of an enhanced verification one of ${ENHANCED_REASON_FIELDS.join(', ')}.`,
    }),
  ),
  code: OneOf([
    ...new Set([...Object.keys(KYC_REASON_TEXTS), ...Object.keys(ENHANCED_REASON_TEXTS)]),
  ] as KycReasonCode[]),
})

const OUTCOMES = ['valid', 'fail', 'mend', 'review'] as const

export const decideSandboxKyc = endpoint({
  method: 'POST',
  path: '/api/sandbox/kyc',
  section: 'sandbox',
  name: 'decideSandboxKyc',
  summary: 'Decide a verification',
  description:
    '`valid` accepts the customer, whether the form was filled in or not. `fail` closes the verification. `mend` sends it back to the customer with the `reasons`, of which at least one must name a field or photo. `review` leaves it to a person. A customer who failed gets a new verification first; one who is valid stays so.\n\nWhile a verified customer has an enhanced verification open, that one is decided, by the same outcomes; with `kind` `reinforced` it is begun first where there is none. Its reasons name its own fields or `documents`.',
  audience: 'token',
  sandboxOnly: true,
  body: Type.Object({
    user_id: CustomerId(),
    outcome: OneOf(OUTCOMES),
    kind: Type.Optional(
      OneOf(
        ['kyc', 'kyb', 'reinforced'],
        'Which one is meant; the one that is open unless told. `kyc` and `kyb`: the first verification.',
      ),
    ),
    reasons: Type.Optional(Type.Array(Reason, { maxItems: 20 })),
  }),
  data: KycObject,
  errors: ['fail_mandatory_field', 'invalid_field', 'user_not_found'],
  examples: {
    request: { user_id: 100001, outcome: 'mend', reasons: [{ field: 'document_front', code: 'blurred' }] },
    answer: {
      user_id: 100001,
      kyc_status: 'processing',
      kyc_level: 'none',
      reasons: [{ field: 'document_front', code: 'blurred', text: 'The picture is blurred.' }],
      reinforced: null,
      updated_at: '2026-06-26T10:30:00.000000Z',
    },
  },
  check({ body }): FieldErrors {
    const unknown = (body.reasons ?? []).findIndex(
      ({ field }) => typeof field === 'string' && !parseReasonField(field) && !isEnhancedPart(field),
    )
    if (unknown >= 0) {
      return {
        [`reasons.${unknown}.field`]: [
          `must be one of: ${describeReasonFields('individual')}; of a company: ${describeReasonFields('company')}`,
        ],
      }
    }
    const reasons = (body.reasons ?? []).map(({ field, code }) => ({ field: field ?? null, code }))
    if (body.outcome !== 'mend' || reasons.length === 0 || reasons.some(isMendable)) return {}
    return { reasons: ['must name at least one field or photo, or the customer has nothing to mend'] }
  },
  async handle(app, { body, integration }) {
    const customer =
      (await findCustomer(app.db, integration.id, body.user_id)) ??
      fail('user_not_found', 'There is no such customer.')
    const raised = await decideReinforced(app, customer, body)
    if (raised) return kycObject(raised)
    if (customer.kycStatus === 'valid') {
      if (body.outcome === 'valid') return kycObject(customer)
      fail('invalid_field', 'user_id is of a customer who is verified already; that is final.', {
        errors: { user_id: ['is of a customer who is verified already'] },
      })
    }
    const other = (body.reasons ?? []).find(
      ({ field, code }) =>
        !Object.hasOwn(KYC_REASON_TEXTS, code) || (field && !parseReasonField(field, customer.type)),
    )
    if (other) {
      const text = `must name parts of this customer's form: ${describeReasonFields(customer.type)}`
      fail('invalid_field', `reasons ${text}.`, { errors: { reasons: [text] } })
    }
    const given = (body.reasons ?? []).map(asReason)
    const reasons = given.length > 0 ? given : usualReasons(body.outcome, customer)
    return kycObject(await decide(app, customer, { outcome: body.outcome, reasons, by: 'sandbox' }))
  },
})

const USUAL_REASONS: Record<Decision['outcome'], KycReason[]> = {
  valid: [],
  review: [],
  fail: [{ field: null, code: 'not_accepted' }],
  mend: [{ field: 'document_front', code: 'unreadable' }],
}

function usualReasons(outcome: Decision['outcome'], { type }: Customer): KycReason[] {
  if (outcome === 'mend' && type === 'company') return [{ field: 'company_deed', code: 'unreadable' }]
  return USUAL_REASONS[outcome]
}

const asReason = ({ field, code }: { field?: string | null; code: KycReasonCode }): KycReason => ({
  field: parseReasonField(field ?? '') ?? null,
  code,
})

async function decide(app: App, customer: Customer, decision: Decision): Promise<Customer> {
  const { integrationId, id } = customer
  await openVerification(app, customer)
  const latest = await findLatestVerification(app.db, {
    integrationId,
    customerId: id,
    kind: kindOf(customer),
  })
  const changed =
    latest &&
    (await app.db.transaction().execute((trx) => applyDecision(app, trx, latest, decision, OPEN_PHASES)))
  // Undefined when the provider was faster: then its decision stands.
  if (!changed) return (await findCustomer(app.db, integrationId, id)) ?? customer
  app.pageNews.tell(kycNews(latest))
  app.wake('event-sequencer')
  return changed
}
