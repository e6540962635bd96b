import {
  COMPANY_REASON_FIELDS,
  KYC_REASON_FIELDS,
  type KycReasonField,
  PERSON_REASON_FIELDS,
} from '../providers/kyc/port.ts'
import { splitPersonPart } from './company-data.ts'

/** What the reasons about a customer of that kind may name, for people. */
export function describeReasonFields(type: 'individual' | 'company'): string {
  if (type === 'individual') return KYC_REASON_FIELDS.join(', ')
  return `${COMPANY_REASON_FIELDS.join(', ')}, or people.<number>. and one of ${PERSON_REASON_FIELDS.join(', ')}`
}

/** Reads the name of a rejected part, of a person's form or a company's; undefined when there is no such part. */
export function parseReasonField(text: string, type?: 'individual' | 'company'): KycReasonField | undefined {
  if (type !== 'company') {
    const field = KYC_REASON_FIELDS.find((known) => known === text)
    if (field) return field
  }
  if (type === 'individual') return undefined
  const field = COMPANY_REASON_FIELDS.find((known) => known === text)
  if (field) return field
  const part = PERSON_REASON_FIELDS.find((known) => known === splitPersonPart(text)?.part)
  return part && (text as KycReasonField)
}
