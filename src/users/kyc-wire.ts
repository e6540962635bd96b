import { Type } from 'typebox'
import { wireTime } from '../kernel/clock.ts'
import { type KycReason as BareReason, KYC_REASON_TEXTS } from '../providers/kyc/port.ts'
import { nullable, OneOf, WireTime } from '../server/fields.ts'
import type { Customer } from './customer-store.ts'

/** Why something was rejected, as the API and the webhooks tell it. */
export interface KycReason extends BareReason {
  /** For people, in English. */
  text: string
}

/** The KYC object: the answer of `kyc/check`, and the data of the KYC webhooks. */
export const KycObject = Type.Object({
  user_id: Type.Integer(),
  kyc_status: OneOf(
    ['unused', 'processing', 'valid', 'fail'],
    '`unused`: the form was not used. `processing`: being decided, or parts must be mended, which `reasons` names. `valid` and `fail` are final.',
  ),
  kyc_level: OneOf(['none', 'basic', 'reinforced']),
  reasons: Type.Array(
    Type.Object({
      field: nullable(
        Type.String({ description: 'The rejected field or photo; null: the person as a whole.' }),
      ),
      code: Type.String(),
      text: Type.String({ description: 'For people, in English.' }),
    }),
  ),
  updated_at: WireTime,
})

export function kycObject(
  customer: Pick<Customer, 'id' | 'kycStatus' | 'kycLevel' | 'kycReasons' | 'kycUpdatedAt'>,
) {
  return {
    user_id: customer.id,
    kyc_status: customer.kycStatus,
    kyc_level: customer.kycLevel,
    reasons: customer.kycReasons.map(({ field, code, text }) => ({ field, code, text })),
    updated_at: wireTime(customer.kycUpdatedAt),
  }
}

export const withText = ({ field, code }: BareReason): KycReason => ({
  field,
  code,
  text: KYC_REASON_TEXTS[code],
})
