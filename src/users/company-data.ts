import type { Secrets } from '../kernel/secrets.ts'

/** What a company's form asks of the company itself, in the order of the page. */
export const COMPANY_FIELDS = [
  'company_name',
  'country',
  'identification_type',
  'identification_number',
  'legal_form',
  'incorporation_date',
  'activity',
  'website',
  'address',
  'postal_code',
  'city',
] as const

export type CompanyField = (typeof COMPANY_FIELDS)[number]

/** What is known of a company; null: not yet. */
export type CompanyFields = Record<CompanyField, string | null>

/** The papers that every company gives: PDF or picture. */
export const COMPANY_DOCUMENTS = ['company_deed', 'company_tax_document', 'company_proof_of_address'] as const

export type CompanyDocument = (typeof COMPANY_DOCUMENTS)[number]

/** The photos that are asked of each person's document. */
export const PERSON_PHOTOS = ['document_front', 'document_back'] as const

export type PersonPhoto = (typeof PERSON_PHOTOS)[number]

/** Somebody who represents the company, or owns more than a quarter of it. */
export interface CompanyPerson {
  /** `1`, `2` …: names the person in reasons and documents. Never another person's while this one is there. */
  id: string
  name: string
  last_name: string
  /** `YYYY-MM-DD` */
  birth_date: string
  /** Where the person lives. */
  country: string
  /** Which country issued the document; null: the one the person lives in. */
  identification_country: string | null
  identification_type: string
  identification_number: string
  is_representative: boolean
  is_owner: boolean
  /** Of an owner: above 0, at most 100, two decimals. Null for who owns nothing. */
  ownership_percent: string | null
  is_politically_exposed: boolean
}

/** What `verifications.data_sealed` holds of a company. */
export interface CompanyData {
  email: string
  company: CompanyFields
  people: CompanyPerson[]
  /** Who sent the form, declaring that all is true. */
  declaration: { name: string; role: string } | null
  /** Of the rejected parts, those that were mended since. */
  mended: string[]
}

export const NO_COMPANY: CompanyFields = {
  company_name: null,
  country: null,
  identification_type: null,
  identification_number: null,
  legal_form: null,
  incorporation_date: null,
  activity: null,
  website: null,
  address: null,
  postal_code: null,
  city: null,
}

/** Seals under the company's own key. */
export function sealCompany(secrets: Secrets, key: Buffer, data: CompanyData): Buffer {
  return secrets.sealFor(key, JSON.stringify(data))
}

export function openCompany(secrets: Secrets, key: Buffer, sealed: Buffer): CompanyData {
  return JSON.parse(secrets.openFor(key, sealed).toString('utf8')) as CompanyData
}

/** A part of a person, as reasons and documents name it: `people.2.birth_date`. */
export const personPart = (id: string, part: string): `people.${string}` => `people.${id}.${part}`

/** The person and the part that `people.2.birth_date` names. */
export function splitPersonPart(part: string): { id: string; part: string } | undefined {
  const [, id, name] = /^people\.(\d{1,4})\.(\w+)$/.exec(part) ?? []
  return id === undefined || name === undefined ? undefined : { id, part: name }
}
