/**
 * The JSON between the company's verification page and the server, under `/hosted/kyb/…`. Types only. What holds for
 * every call stands in `wire.ts`.
 *
 * | Call | Body | `data` |
 * |---|---|---|
 * | `GET /hosted/kyb/:token?after=` | | `KybView` |
 * | `POST /hosted/kyb/:token/open` | `{password}` | `KybView` |
 * | `PUT /hosted/kyb/:token/company` | `CompanyRequest` | `KybView` |
 * | `POST /hosted/kyb/:token/identification/check` | `NumberCheckRequest` | `IdentificationCheck` |
 * | `PUT /hosted/kyb/:token/documents/:kind` | the file's bytes, PDF or picture, ≤ 10 MiB | `KybView` |
 * | `POST /hosted/kyb/:token/people` | `PersonRequest` | `PersonResult` |
 * | `PUT /hosted/kyb/:token/people/:person` | `PersonRequest` | `PersonResult` |
 * | `POST /hosted/kyb/:token/people/:person/remove` | `{}` | `KybView` |
 * | `PUT /hosted/kyb/:token/people/:person/photos/:kind` | the picture's bytes, ≤ 10 MiB | `KybView` |
 * | `POST /hosted/kyb/:token/submit` | `SubmitRequest` | `KybView` |
 *
 * The link alone shows who asks, and the field for the password. `open` sets a cookie (HttpOnly, SameSite=Lax, its path
 * this form's calls) that lasts twelve hours, and ends with the password. Errors: 404 `verification_not_found`; 401
 * `password_required`; 403 `password_incorrect`; 429 `too_many_requests` with `Retry-After` after wrong ones; then those
 * of the person's form. `errors` are by part, each a `KybProblem`.
 */
import type { FieldProblem, Iso, KycPhase, PageView, PhotoProblem } from './wire.ts'

/** `password`: nobody has opened the form in this browser. Nothing of the company is in the view then. */
export type KybPhase = 'password' | KycPhase

export type CompanyField =
  | 'company_name'
  | 'country'
  | 'identification_type'
  | 'identification_number'
  | 'legal_form'
  | 'incorporation_date'
  | 'activity'
  | 'website'
  | 'address'
  | 'postal_code'
  | 'city'

export type CompanyDocumentKind = 'company_deed' | 'company_tax_document' | 'company_proof_of_address'

export type PersonPhotoKind = 'document_front' | 'document_back'

export type PersonTextField =
  | 'name'
  | 'last_name'
  | 'birth_date'
  /** Where the person lives. */
  | 'country'
  /** Which country issued the document; null: `country`. */
  | 'identification_country'
  | 'identification_type'
  | 'identification_number'
  /** Of an owner: `"25.5"`. */
  | 'ownership_percent'

export type PersonChoice = 'is_representative' | 'is_owner' | 'is_politically_exposed'

export type PersonField = PersonTextField | PersonChoice

export type KybProblem =
  | FieldProblem
  | 'not_a_document'
  | 'too_old'
  | 'role_missing'
  | 'representative_missing'
  | 'over_100'

export interface KybView extends PageView {
  phase: KybPhase
  company: Record<CompanyField, string | null>
  /** The parts that may be changed now: `city`, `company_deed`, `people`, `people.2.birth_date` … */
  asked: string[]
  optional: CompanyField[]
  /** Where a company or person may be. */
  countries: KybCountry[]
  /** By country, `*` for all others. */
  identification: Record<string, { company: NumberType[]; individual: NumberType[] }>
  documents: KybDocument[]
  people: KybPerson[]
  /** Whoever sent it before, when it came back. */
  declaration: { name: string; role: string } | null
  /** By part, as in `asked`; `field` null: about the company as a whole. */
  reasons: { field: string | null; code: KybProblem; text: string }[]
  /** When the link ends. */
  expires_at: Iso
  min_age: number
  most_people: number
  page_url: string
  callback_url: string | null
  sandbox: KybSandbox | null
}

export interface KybCountry {
  /** ISO 3166-1 alpha-2; the page names it in its own language. */
  code: string
  /** Whether the company may be registered there. */
  company: boolean
  /** Whether its people may live there; else the country can only have issued a document. */
  residence: boolean
}

export interface NumberType {
  type: string
  /** A passport has one side. */
  needs_back: boolean
  example: string
}

export interface KybDocument {
  kind: CompanyDocumentKind
  mime: string
  bytes: number
  uploaded_at: Iso
}

export interface KybPerson extends Record<PersonChoice, boolean> {
  id: string
  name: string
  last_name: string
  birth_date: string
  country: string
  identification_country: string | null
  identification_type: string
  identification_number: string
  ownership_percent: string | null
  /** The photos that must be there. */
  needs: PersonPhotoKind[]
  photos: { kind: PersonPhotoKind; uploaded_at: Iso; problems: PhotoProblem[] }[]
}

export type CompanyRequest = Partial<Record<CompanyField, string>>

/** All of a new person; of one that is there what changes. Blank text clears what may be empty. */
export type PersonRequest = Partial<Record<PersonTextField, string> & Record<PersonChoice, boolean>>

export interface PersonResult {
  /** The id of the person that was added or changed. */
  person: string
  view: KybView
}

export interface NumberCheckRequest {
  person: 'company' | 'individual'
  country: string
  type: string
  number: string
}

export interface SubmitRequest {
  name: string
  role: string
  declare: true
}

/** Values that the sandbox band offers: they pass every check. */
export interface KybSandbox {
  company: CompanyRequest
  person: PersonRequest
}
