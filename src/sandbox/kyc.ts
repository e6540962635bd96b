import { Type } from 'typebox'
import type { App } from '../app.ts'
import {
  KYC_REASON_FIELDS,
  KYC_REASON_TEXTS,
  type KycReason,
  type KycReasonCode,
  type KycReasonField,
} from '../providers/kyc/port.ts'
import { endpoint } from '../server/endpoint.ts'
import { type FieldErrors, fail } from '../server/errors.ts'
import { CustomerId, OneOf } from '../server/fields.ts'
import { type Customer, findCustomer } from '../users/customer-store.ts'
import { applyDecision, type Decision } from '../users/decision.ts'
import { isMendable } from '../users/kyc-form.ts'
import { KycObject, kycObject } from '../users/kyc-wire.ts'
import { kycNews, openVerification } from '../users/verification.ts'
import { findLatestVerification, OPEN_PHASES } from '../users/verification-store.ts'

const Reason = Type.Object({
  field: Type.Optional(
    Type.Unsafe<KycReasonField | null>({
      enum: [...KYC_REASON_FIELDS, null],
      description: 'Null or absent: the person as a whole.',
    }),
  ),
  code: OneOf(Object.keys(KYC_REASON_TEXTS) as KycReasonCode[]),
})

const OUTCOMES = ['valid', 'fail', 'mend', 'review'] as const

export const decideSandboxKyc = endpoint({
  method: 'POST',
  path: '/api/sandbox/kyc',
  section: 'sandbox',
  name: 'decideSandboxKyc',
  summary: 'Decide a verification',
  description:
    '`valid` accepts the customer, whether the form was filled in or not. `fail` closes the verification. `mend` sends it back to the customer with the `reasons`, of which at least one must name a field or photo. `review` leaves it to a person. A customer who failed gets a new verification first; one who is valid stays so.',
  audience: 'token',
  sandboxOnly: true,
  body: Type.Object({
    user_id: CustomerId(),
    outcome: OneOf(OUTCOMES),
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
      updated_at: '2026-06-26T10:30:00.000000Z',
    },
  },
  check({ body }): FieldErrors {
    const reasons = (body.reasons ?? []).map(asReason)
    if (body.outcome !== 'mend' || reasons.length === 0 || reasons.some(isMendable)) return {}
    return { reasons: ['must name at least one field or photo, or the customer has nothing to mend'] }
  },
  async handle(app, { body, integration }) {
    const customer =
      (await findCustomer(app.db, integration.id, body.user_id)) ??
      fail('user_not_found', 'There is no such customer.')
    if (customer.kycStatus === 'valid') {
      if (body.outcome === 'valid') return kycObject(customer)
      fail('invalid_field', 'user_id is of a customer who is verified already; that is final.', {
        errors: { user_id: ['is of a customer who is verified already'] },
      })
    }
    const given = (body.reasons ?? []).map(asReason)
    const reasons = given.length > 0 ? given : USUAL_REASONS[body.outcome]
    return kycObject(await decide(app, customer, { outcome: body.outcome, reasons, by: 'sandbox' }))
  },
})

const USUAL_REASONS: Record<Decision['outcome'], KycReason[]> = {
  valid: [],
  review: [],
  fail: [{ field: null, code: 'not_accepted' }],
  mend: [{ field: 'document_front', code: 'unreadable' }],
}

const asReason = ({ field, code }: { field?: KycReasonField | null; code: KycReasonCode }): KycReason => ({
  field: field ?? null,
  code,
})

async function decide(app: App, customer: Customer, decision: Decision): Promise<Customer> {
  const { integrationId, id } = customer
  await openVerification(app, customer)
  const latest = await findLatestVerification(app.db, { integrationId, customerId: id, kind: 'kyc' })
  const changed =
    latest &&
    (await app.db.transaction().execute((trx) => applyDecision(app, trx, latest, decision, OPEN_PHASES)))
  // Undefined when the provider was faster: then its decision stands.
  if (!changed) return (await findCustomer(app.db, integrationId, id)) ?? customer
  app.pageNews.tell(kycNews(latest))
  app.wake('event-sequencer')
  return changed
}
