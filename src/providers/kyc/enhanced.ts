/**
 * The enhanced verification as a provider sees it: what a verified customer declares of activity, income and source
 * of funds, with the documents that prove it.
 */
export interface EnhancedApplication {
  /** One for each time the customer hands in. */
  idempotencyKey: string
  customer: {
    type: 'individual' | 'company'
    /** As it was verified before. */
    name: string
    email: string
    country: string | null
  }
  /** The form's fields by their names on the wire; null: not asked of this customer, or left empty. */
  declared: Readonly<Record<EnhancedField, string | null>>
  documents: EnhancedDocument[]
  /** Whoever signed, as the name was typed, and when. */
  signature: { name: string; at: string }
}

export interface EnhancedDocument {
  /** One of the documents API's types, such as `payslip`. */
  type: string
  mime: string
  bytes: number
  /** The file itself. A provider that looks at documents reads it; it may take long. */
  read(): Promise<Buffer>
}

/** The fields of the declaration, in the order the page asks for them. */
export const ENHANCED_FIELDS = [
  'employment_status',
  'occupation',
  'employer',
  'sector',
  'income_currency',
  'income_range',
  'source_of_funds',
  'source_details',
  'purpose',
  'purpose_details',
  'monthly_volume',
  'pep',
  'pep_details',
  'tax_residence',
  'tax_number',
] as const

export type EnhancedField = (typeof ENHANCED_FIELDS)[number]

/** What can be rejected: a field, or the documents as a whole. */
export const ENHANCED_REASON_FIELDS = [...ENHANCED_FIELDS, 'documents'] as const

export type EnhancedReasonField = (typeof ENHANCED_REASON_FIELDS)[number]

export interface EnhancedReason {
  /** Null: about the customer as a whole. */
  field: EnhancedReasonField | null
  code: EnhancedReasonCode
}

/** Each with its text for people; the page has texts of its own, in each language. */
export const ENHANCED_REASON_TEXTS = {
  required: 'This is missing.',
  invalid: 'This is not valid.',
  too_long: 'This is too long.',
  country_not_supported: 'This country is not accepted.',
  does_not_match_document: 'This differs from what the documents say.',
  insufficient: 'The documents do not prove enough.',
  outdated: 'The documents are too old.',
  unreadable: 'The documents cannot be read.',
  wrong_document: 'These are other documents than were asked for.',
  not_accepted: 'The customer cannot be accepted for higher limits.',
} as const

export type EnhancedReasonCode = keyof typeof ENHANCED_REASON_TEXTS
