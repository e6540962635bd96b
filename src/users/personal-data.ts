import type { Secrets } from '../kernel/secrets.ts'

/** The fields of a verification form, by their names on the wire, and of the registration, which prefills it. */
export const PERSONAL_FIELDS = [
  'name',
  'last_name',
  'birth_date',
  'email',
  'phone',
  'country',
  'address',
  'city',
  'postal_code',
  'identification_country',
  'identification_type',
  'identification_number',
  'identification_expires_on',
] as const

export type PersonalField = (typeof PERSONAL_FIELDS)[number]

/** What is known of a person; null: not yet. */
export type PersonalData = Record<PersonalField, string | null>

/** What `customers.personal_sealed` holds. */
export interface CustomerData extends PersonalData {
  bank_account: string | null
  bank_name: string | null
  /** Of a company, whose `name` and `last_name` are null. */
  company_name?: string | null
  /** Of a company, when it is known: `YYYY-MM-DD`. */
  incorporation_date?: string | null
}

/** What `verifications.data_sealed` holds. */
export interface VerificationData {
  fields: PersonalData
  /** Of the rejected fields and photos, those that the customer has mended since. */
  mended: string[]
}

export const NOTHING_KNOWN: PersonalData = {
  name: null,
  last_name: null,
  birth_date: null,
  email: null,
  phone: null,
  country: null,
  address: null,
  city: null,
  postal_code: null,
  identification_country: null,
  identification_type: null,
  identification_number: null,
  identification_expires_on: null,
}

/** Seals under the customer's own key. */
export function sealData(secrets: Secrets, key: Buffer, data: CustomerData | VerificationData): Buffer {
  return secrets.sealFor(key, JSON.stringify(data))
}

export function openCustomerData(secrets: Secrets, key: Buffer, sealed: Buffer): CustomerData {
  return JSON.parse(secrets.openFor(key, sealed).toString('utf8')) as CustomerData
}

export function openVerificationData(secrets: Secrets, key: Buffer, sealed: Buffer): VerificationData {
  return JSON.parse(secrets.openFor(key, sealed).toString('utf8')) as VerificationData
}

/** The part of a customer's data that a verification form asks for. */
export function personalPart(data: CustomerData): PersonalData {
  const part = { ...NOTHING_KNOWN }
  for (const field of PERSONAL_FIELDS) part[field] = data[field]
  return part
}
