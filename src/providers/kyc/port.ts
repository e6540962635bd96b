import type { ProviderNotification, RawCallback } from '../callback.ts'
import type { EnhancedApplication, EnhancedReason } from './enhanced.ts'

/**
 * Whoever decides verifications for us. We hand in what the customer gave; the decision comes at once, or later: the
 * provider's signed callback says that there is news, and asking says what it is. Callbacks come twice, late or
 * never, so that the platform asks by itself as well.
 *
 * Every method throws `ProviderError`. Submitting is idempotent by its key: the same key again answers what it
 * answered first, so that an `unknown` outcome is mended by submitting again.
 */
export interface KycProvider {
  /** Names the provider in `verifications.decided_by`. */
  readonly name: string
  submit(application: KycApplication): Promise<KycSubmission>
  /** As `submit`, for a company. */
  submitCompany(application: CompanyApplication): Promise<KycSubmission>
  /** The same for the enhanced verification of a customer who is verified already. */
  submitEnhanced(application: EnhancedApplication): Promise<KycSubmission>
  /** `rejected` with code `application_not_found` when the provider doesn't know it. */
  getDecision(providerRef: string): Promise<KycDecision>
  /** Checks the signature and the time of a callback and reads it. Throws `CallbackRefused`. */
  parseCallback(callback: RawCallback): KycNotification[]
}

export interface KycApplication {
  /** One for each time the customer hands in. */
  idempotencyKey: string
  person: KycPerson
  photos: KycPhoto[]
}

export interface KycPerson {
  name: string
  /** Empty when `name` holds all of it. */
  lastName: string
  /** `YYYY-MM-DD` */
  birthDate: string
  email: string
  phone: string | null
  /** Where the person lives; countries are ISO 3166-1 alpha-2. */
  country: string
  address: string
  city: string
  postalCode: string | null
  identification: {
    country: string
    type: string
    number: string
    /** Last valid day, or null for papers that don't expire. */
    expiresOn: string | null
  }
}

export interface KycPhoto {
  kind: KycPhotoKind
  width: number
  height: number
  /** What our own look at the picture found wanting. */
  problems: string[]
  /** The JPEG itself. A provider that looks at pictures reads it; it may take long. */
  read(): Promise<Buffer>
}

export type KycPhotoKind = 'document_front' | 'document_back' | 'face_image'

export interface CompanyApplication {
  /** One for each time the company hands in. */
  idempotencyKey: string
  company: {
    name: string
    email: string
    /** Where it is registered; countries are ISO 3166-1 alpha-2. */
    country: string
    identification: { type: string; number: string }
    legalForm: string
    /** `YYYY-MM-DD` */
    incorporatedOn: string
    activity: string
    website: string | null
    address: string
    city: string
    postalCode: string | null
  }
  documents: CompanyFile[]
  people: CompanyApplicant[]
  declaration: { name: string; role: string }
}

/** A paper of the company: a PDF as it was given, or a picture as it is kept. */
export interface CompanyFile {
  kind: string
  mime: string
  bytes: number
  /** The file itself. A provider that looks at documents reads it; it may take long. */
  read(): Promise<Buffer>
}

/** Somebody who represents the company or owns more than a quarter of it. */
export interface CompanyApplicant {
  /** As reasons name the person: `people.<id>.…`. */
  id: string
  name: string
  lastName: string
  birthDate: string
  country: string
  identification: { country: string; type: string; number: string }
  isRepresentative: boolean
  isOwner: boolean
  ownershipPercent: string | null
  isPoliticallyExposed: boolean
  photos: KycPhoto[]
}

export interface KycSubmission {
  providerRef: string
  /** How long the provider usually needs; we ask after that. */
  askAfterMs: number
  /** When it was decided at once; else it is asked for. */
  decision?: KycDecision
}

/**
 * `pending`: not yet. `mend`: refused in parts that the customer may mend. `fail`: refused for good. `review`: the
 * provider leaves it to a person of ours.
 */
export interface KycDecision {
  outcome: 'pending' | 'valid' | 'mend' | 'fail' | 'review'
  /** Of the kind of verification that was handed in. */
  reasons: (KycReason | EnhancedReason)[]
  checks: KycCheck[]
}

/** What our own look at an application finds, for providers that have none of their own. */
export interface KycFindings {
  /** What the customer must mend; empty when nothing is wrong. */
  reasons: KycReason[]
  /** A person must look at it: the name is like one on the sanctions list. */
  needsReview: boolean
  checks: KycCheck[]
}

export type Examine = (application: KycApplication, now: Date) => KycFindings

export type ExamineCompany = (application: CompanyApplication, now: Date) => KycFindings

/** The same of an enhanced verification. */
export interface EnhancedFindings extends Omit<KycFindings, 'reasons'> {
  reasons: EnhancedReason[]
}

export type ExamineEnhanced = (application: EnhancedApplication, now: Date) => EnhancedFindings

export interface KycReason {
  /** A field of the form or a photo; null: about the person as a whole. */
  field: KycReasonField | null
  code: KycReasonCode
}

export const KYC_REASON_FIELDS = [
  'name',
  'last_name',
  'birth_date',
  'phone',
  'country',
  'address',
  'city',
  'postal_code',
  'identification_country',
  'identification_type',
  'identification_number',
  'identification_expires_on',
  'document_front',
  'document_back',
  'face_image',
] as const

/** The parts of a company's form. `people`: somebody is missing, or is there who should not be. */
export const COMPANY_REASON_FIELDS = [
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
  'company_deed',
  'company_tax_document',
  'company_proof_of_address',
  'people',
] as const

/** What can be wrong with one of the company's people, who are named by number: `people.2.birth_date`. */
export const PERSON_REASON_FIELDS = [
  'name',
  'last_name',
  'birth_date',
  'country',
  'identification_country',
  'identification_type',
  'identification_number',
  'is_representative',
  'is_owner',
  'ownership_percent',
  'is_politically_exposed',
  'document_front',
  'document_back',
] as const

export type KycReasonField =
  | (typeof KYC_REASON_FIELDS)[number]
  | (typeof COMPANY_REASON_FIELDS)[number]
  | `people.${string}`

/** Each with its text for people; the pages have texts of their own, in each language. */
export const KYC_REASON_TEXTS = {
  required: 'This is missing.',
  invalid: 'This is not valid.',
  too_long: 'This is too long.',
  in_the_future: 'This day is yet to come.',
  too_young: 'The customer is too young.',
  document_expired: 'The document has expired.',
  wrong_format: 'The number does not have the form of this document.',
  wrong_check_digit: 'The number has a wrong digit: its check digit does not fit.',
  country_not_supported: 'Customers of this country are not accepted.',
  type_not_of_country: 'This country gives no such document.',
  does_not_match_document: 'This differs from what the document says.',
  unreadable: 'The picture shows nothing that can be read.',
  blurred: 'The picture is blurred.',
  too_dark: 'The picture is too dark.',
  too_bright: 'The picture is too bright.',
  too_small: 'The picture is too small to be read.',
  wrong_document: 'The picture shows another document.',
  document_cropped: 'Part of the document is outside of the picture.',
  face_not_visible: 'The face cannot be seen.',
  face_does_not_match: 'The face is not the one on the document.',
  not_an_image: 'This is not a picture.',
  not_a_document: 'This is neither a PDF nor a picture.',
  too_old: 'The document is too old.',
  role_missing: 'This person neither represents nor owns the company.',
  representative_missing: 'Nobody represents the company.',
  over_100: 'The owners have more than 100 % together.',
  not_accepted: 'The customer cannot be accepted.',
} as const

export type KycReasonCode = keyof typeof KYC_REASON_TEXTS

/** One thing that was looked at. `not_proven` names what nobody looked at, so that no one takes it for granted. */
export interface KycCheck {
  check: string
  result: 'passed' | 'failed' | 'warned' | 'not_proven'
  detail: string | null
}

export interface KycNotification extends ProviderNotification {
  type: 'verification.decided'
  providerRef: string
}
