import type { Iso, KycPhase, PageView } from './wire.ts'

/**
 * The JSON behind `/onboarding/<token>`, the enhanced verification. Types only; what holds for every call stands in
 * `wire.ts`.
 *
 * | Call | Body | `data` |
 * |---|---|---|
 * | `GET /hosted/onboarding/:token?after=` | | `OnboardingView` |
 * | `PUT /hosted/onboarding/:token/data` | `OnboardingDataRequest` | `OnboardingView` |
 * | `POST /hosted/onboarding/:token/documents/:type` | the file's bytes, `Content-Type` of a PDF, JPEG, PNG or WebP, ≤ 10 MiB; its name percent-encoded in `X-File-Name` | `OnboardingView` |
 * | `POST /hosted/onboarding/:token/remove-document` | `{document_id}` | `OnboardingView` |
 * | `POST /hosted/onboarding/:token/submit` | `OnboardingSubmitRequest` | `OnboardingView` |
 *
 * The token is the secret; whoever has the link may fill the form, on whichever device.
 *
 * Errors: 404 `verification_not_found`; 409 `action_not_allowed` (the phase is no longer `form` or `mend`, or the part
 * is not one to mend, or there are too many documents); 422 `fail_mandatory_field`, `invalid_field` with `errors` by
 * `OnboardingPart`, each an `OnboardingProblem`; 422 `invalid_file` with `errors.documents`; 413 `body_too_large`.
 */
export interface OnboardingView extends PageView {
  /** As in the first verification. In `mend` only what `asked` and `documents_asked` name can be changed. */
  phase: KycPhase
  customer_type: 'individual' | 'company'
  /** As it was verified: a person signs with this name. */
  customer_name: string
  data: Record<OnboardingField, string | null>
  /** The fields to ask for, in their order; those in `optional` may stay empty. */
  asked: OnboardingField[]
  optional: OnboardingField[]
  /** A field with a condition is asked only while the other field has one of the values. */
  conditions: Partial<Record<OnboardingField, { field: OnboardingField; values: string[] }>>
  choices: Record<ChoiceField, string[]>
  /** In the order to show them. */
  income_currencies: string[]
  /** By currency. */
  income_ranges: Record<string, AmountRange[]>
  /** In EUR. */
  monthly_volumes: AmountRange[]
  /** ISO 3166-1 alpha-2. */
  countries: string[]
  document_types: DocumentType[]
  /** By source of funds: which documents best prove it. */
  usual_documents: Record<string, DocumentType[]>
  documents: OnboardingDocument[]
  documents_asked: boolean
  most_documents: number
  reasons: OnboardingReason[]
  expires_at: Iso
  /** The address of this page for the QR code "go on on your phone". */
  page_url: string
  /** Where the customer goes back to, query with `user_id` and `status` already in it. */
  callback_url: string | null
  sandbox: OnboardingSandbox | null
}

export type OnboardingField =
  | ChoiceField
  | 'occupation'
  | 'employer'
  | 'income_currency'
  | 'income_range'
  | 'source_details'
  | 'purpose_details'
  | 'monthly_volume'
  | 'pep_details'
  | 'tax_residence'
  | 'tax_number'

export type ChoiceField = 'employment_status' | 'sector' | 'source_of_funds' | 'purpose' | 'pep'

/** What an error or a reason may be about. */
export type OnboardingPart = OnboardingField | 'documents' | 'signature'

/** Any part of the fields; saved all or nothing. Blank strings clear a field. */
export type OnboardingDataRequest = Partial<Record<OnboardingField, string>>

export interface OnboardingSubmitRequest {
  /** The name of whoever signs. */
  signature: string
  /** "All of this is true", ticked. */
  declare: true
}

export interface AmountRange {
  code: string
  /** Major units. */
  from: string
  /** Null: no end. */
  to: string | null
}

/** Those of the documents API but for the form itself. */
export type DocumentType =
  | 'bank_statement'
  | 'payslip'
  | 'employment_contract'
  | 'tax_return'
  | 'tax_certificate'
  | 'company_accounts'
  | 'dividend_statement'
  | 'investment_statement'
  | 'crypto_wallet_statement'
  | 'sale_of_property'
  | 'sale_of_vehicle'
  | 'sale_of_company_shares'
  | 'inheritance_document'
  | 'gift_declaration'
  | 'loan_agreement'
  | 'savings_evidence'
  | 'invoice'
  | 'freelance_income_evidence'
  | 'pension_statement'
  | 'unemployment_benefit_statement'
  | 'source_of_funds_declaration'
  | 'other'

export interface OnboardingDocument {
  id: string
  type: DocumentType
  /** As the customer's file was called. */
  name: string
  mime: string
  bytes: number
  uploaded_at: Iso
  /** False for what was sent already: it was looked at. */
  removable: boolean
}

export type OnboardingProblem =
  | 'required'
  | 'invalid'
  | 'too_long'
  | 'does_not_match_name'
  | 'empty'
  | 'not_a_document'
  /** Reasons of a rejection: */
  | 'country_not_supported'
  | 'does_not_match_document'
  | 'insufficient'
  | 'outdated'
  | 'unreadable'
  | 'wrong_document'
  /** Reason of a final no: */
  | 'not_accepted'

export interface OnboardingReason {
  /** Null: about the customer as a whole. */
  field: OnboardingField | 'documents' | null
  code: OnboardingProblem
  /** For people, in the API's words; shown only when the page doesn't know the code. */
  text: string
}

/** Values that the sandbox band offers: data which pass every check. */
export interface OnboardingSandbox {
  data: OnboardingDataRequest
  signature: string
}
