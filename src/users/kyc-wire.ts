import { Type } from 'typebox'
import { wireTime } from '../kernel/clock.ts'
import {
  type EnhancedReason as BareEnhancedReason,
  ENHANCED_REASON_TEXTS,
} from '../providers/kyc/enhanced.ts'
import { type KycReason as BareReason, KYC_REASON_TEXTS } from '../providers/kyc/port.ts'
import { nullable, OneOf, WireTime } from '../server/fields.ts'
import type { Customer } from './customer-store.ts'

/** Why something was rejected, as the API and the webhooks tell it. */
export interface KycReason extends BareReason {
  /** For people, in English. */
  text: string
}

/** The same of an enhanced verification. */
export interface EnhancedReasonOnWire extends BareEnhancedReason {
  /** For people, in English. */
  text: string
}

const Reasons = Type.Array(
  Type.Object({
    field: nullable(
      Type.String({ description: 'The rejected field or photo; null: the person as a whole.' }),
    ),
    code: Type.String(),
    text: Type.String({ description: 'For people, in English.' }),
  }),
)

/** The KYC object: the answer of `kyc/check`, and the data of the KYC webhooks. */
export const KycObject = Type.Object({
  user_id: Type.Integer(),
  kyc_status: OneOf(
    ['unused', 'processing', 'valid', 'fail'],
    '`unused`: the form was not used. `processing`: being decided, or parts must be mended, which `reasons` names. `valid` and `fail` are final.',
  ),
  kyc_level: OneOf(['none', 'basic', 'reinforced']),
  reasons: Reasons,
  reinforced: Type.Optional(
    Type.Union(
      [
        Type.Object({
          status: OneOf(
            ['unused', 'processing', 'valid', 'fail'],
            'As `kyc_status`, of the enhanced verification. Whatever it is, `kyc_status` stays `valid`; with `valid` the level is `reinforced`.',
          ),
          reasons: Reasons,
        }),
        Type.Null(),
      ],
      { description: 'How the enhanced verification stands; null until `onboarding-form` began one.' },
    ),
  ),
  updated_at: WireTime,
})

export function kycObject(
  customer: Pick<
    Customer,
    'id' | 'kycStatus' | 'kycLevel' | 'kycReasons' | 'kycUpdatedAt' | 'reinforcedStatus' | 'reinforcedReasons'
  >,
) {
  return {
    user_id: customer.id,
    kyc_status: customer.kycStatus,
    kyc_level: customer.kycLevel,
    reasons: customer.kycReasons.map(({ field, code, text }) => ({ field, code, text })),
    reinforced: customer.reinforcedStatus && {
      status: customer.reinforcedStatus,
      reasons: customer.reinforcedReasons.map(({ field, code, text }) => ({ field, code, text })),
    },
    updated_at: wireTime(customer.kycUpdatedAt),
  }
}

export const withText = ({ field, code }: BareReason): KycReason => ({
  field,
  code,
  text: KYC_REASON_TEXTS[code],
})

export const withEnhancedText = ({ field, code }: BareEnhancedReason): EnhancedReasonOnWire => ({
  field,
  code,
  text: ENHANCED_REASON_TEXTS[code],
})
