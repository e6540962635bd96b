import type { KycPhotoKind, KycReason, KycReasonField } from '../providers/kyc/port.ts'
import { isResidenceSupported, parseCountry } from './identity/countries.ts'
import { findBirthDateProblem, findExpiryProblem } from './identity/dates.ts'
import { checkIdentification, findIdentificationType } from './identity/identification.ts'
import { parsePhone } from './identity/phone.ts'
import type { PersonalData, PersonalField } from './personal-data.ts'

/** The fields of the form in the order the page asks for them. The e-mail address is shown, never changed here. */
export const FORM_FIELDS = [
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
] as const satisfies readonly PersonalField[]

export type FormField = (typeof FORM_FIELDS)[number]

export const PHOTO_KINDS = [
  'document_front',
  'document_back',
  'face_image',
] as const satisfies readonly KycPhotoKind[]

const DOCUMENT_FIELDS: readonly FormField[] = [
  'identification_country',
  'identification_type',
  'identification_number',
  'identification_expires_on',
]

export type FormProblem =
  | 'required'
  | 'invalid'
  | 'too_long'
  | 'too_young'
  | 'in_the_future'
  | 'document_expired'
  | 'wrong_format'
  | 'wrong_check_digit'
  | 'country_not_supported'
  | 'type_not_of_country'
  | 'does_not_match_document'
  | 'over_100'

export type FormErrors = Partial<Record<FormField | KycPhotoKind, FormProblem[]>>

/** What a form is judged by. */
export interface FormRules {
  now: Date
  /** The integration's countries of residence; empty: all that the platform takes. */
  acceptedCountries: readonly string[]
}

/** Which country issued the document. */
export const documentCountry = (fields: PersonalData): string | null =>
  fields.identification_country ?? fields.country

/** The kind of paper that was chosen, if it is one of its country. */
export function chosenType(fields: PersonalData) {
  const country = documentCountry(fields)
  if (country === null || fields.identification_type === null) return undefined
  return findIdentificationType(country, 'individual', fields.identification_type)
}

/** Whether a rejected part can be mended by the customer; what is about the person as a whole can't. */
export const isMendable = ({ field, code }: { field: string | null; code: string }): boolean =>
  field !== null && code !== 'not_accepted'

/** Another document must be given: then all that was said of the old one may change, and its photos must. */
const replacesDocument = ({ field, code }: KycReason): boolean =>
  code === 'wrong_document' ||
  code === 'document_expired' ||
  field === 'identification_type' ||
  field === 'identification_country'

/**
 * The reasons, and what follows from them: who must give another document gives its number, its last day and its
 * photos as well.
 */
export function withFollowingParts(reasons: readonly KycReason[], fields: PersonalData): KycReason[] {
  const cause = reasons.find((reason) => isMendable(reason) && replacesDocument(reason))
  if (!cause) return [...reasons]
  const photos = neededPhotos(fields).filter((kind) => kind !== 'face_image')
  const parts = [
    'identification_number',
    ...(chosenType(fields)?.expires ? ['identification_expires_on'] : []),
    ...photos,
  ]
  const unnamed = parts.filter((part) => !reasons.some(({ field }) => field === part)) as KycReasonField[]
  return [...reasons, ...unnamed.map((field) => ({ field, code: cause.code }))]
}

/** The fields that may be changed now: all of a new form, of a rejected one those to mend. */
export function askedFields(reasons: readonly KycReason[]): FormField[] {
  if (reasons.length === 0) return [...FORM_FIELDS]
  const rejected = new Set(reasons.filter(isMendable).map(({ field }) => field))
  const anew = reasons.some((reason) => isMendable(reason) && replacesDocument(reason))
  return FORM_FIELDS.filter((field) => rejected.has(field) || (anew && DOCUMENT_FIELDS.includes(field)))
}

export function askedPhotos(reasons: readonly KycReason[]): KycPhotoKind[] {
  if (reasons.length === 0) return [...PHOTO_KINDS]
  return PHOTO_KINDS.filter((kind) => reasons.some((reason) => isMendable(reason) && reason.field === kind))
}

/** May stay empty. */
export function optionalFields(fields: PersonalData): FormField[] {
  const expires = chosenType(fields)?.expires ?? false
  return [
    'phone',
    'postal_code',
    'identification_country',
    ...(expires ? [] : (['identification_expires_on'] as const)),
  ]
}

/** The photos that must be there: a passport has no back. */
export function neededPhotos(fields: PersonalData): KycPhotoKind[] {
  const needsBack = chosenType(fields)?.needsBack ?? true
  return PHOTO_KINDS.filter((kind) => kind !== 'document_back' || needsBack)
}

/** Applies typed values to what is known: all of them, or none and what is wrong with each. Blank text clears a field. */
export function applyChanges(
  changes: Partial<Record<FormField, string>>,
  known: PersonalData,
  rules: FormRules,
): { fields: PersonalData; errors: FormErrors } {
  const fields = { ...known }
  const errors: FormErrors = {}
  const changed = FORM_FIELDS.filter((field) => changes[field] !== undefined)
  for (const field of changed) {
    const typed = plain(changes[field] as string)
    const read = typed === '' ? { value: null } : PARSERS[field](typed, rules)
    if ('problem' in read) errors[field] = [read.problem]
    else fields[field] = read.value
  }
  forgetOtherCountrysPaper(fields, changed)
  const optional = optionalFields(fields)
  for (const field of changed) {
    if (fields[field] === null && !errors[field] && !optional.includes(field)) errors[field] = ['required']
  }
  checkDocument(fields, changed, errors)
  return Object.keys(errors).length > 0 ? { fields: known, errors } : { fields, errors }
}

/** What still keeps a form from being sent. */
export function findFaults(fields: PersonalData, rules: FormRules): FormErrors {
  const given = Object.fromEntries(
    FORM_FIELDS.flatMap((field) => (fields[field] === null ? [] : [[field, fields[field]]])),
  )
  const { errors } = applyChanges(given, fields, rules)
  const optional = optionalFields(fields)
  for (const field of FORM_FIELDS) {
    if (fields[field] === null && !optional.includes(field)) errors[field] = ['required']
  }
  return errors
}

/** The reasons, and whatever else keeps the form from being sent: a form sent back must be one that can be mended. */
export function withMissingParts(
  reasons: readonly KycReason[],
  { fields, photos }: { fields: PersonalData; photos: readonly KycPhotoKind[] },
  rules: FormRules,
): KycReason[] {
  const faults: KycReason[] = Object.entries(findFaults(fields, rules)).map(([field, [code]]) => ({
    field: field as FormField,
    code: code as FormProblem,
  }))
  for (const kind of neededPhotos(fields)) {
    if (!photos.includes(kind)) faults.push({ field: kind, code: 'required' })
  }
  return [...reasons, ...faults.filter((fault) => !reasons.some(({ field }) => field === fault.field))]
}

/** Another country was chosen without saying which of its papers: the old answer means nothing there. */
function forgetOtherCountrysPaper(fields: PersonalData, changed: readonly FormField[]): void {
  const movesCountry = changed.includes('country') || changed.includes('identification_country')
  if (!movesCountry || changed.includes('identification_type') || chosenType(fields)) return
  for (const field of DOCUMENT_FIELDS) {
    if (field !== 'identification_country' && !changed.includes(field)) fields[field] = null
  }
}

/** The rules between the document's fields. The fault stands at a field of this change, where the customer looks. */
function checkDocument(fields: PersonalData, changed: readonly FormField[], errors: FormErrors): void {
  const touched = DOCUMENT_FIELDS.some((field) => changed.includes(field)) || changed.includes('birth_date')
  const country = documentCountry(fields)
  const type = chosenType(fields)
  if (!touched || country === null || fields.identification_type === null) return
  if (!type) {
    errors.identification_type ??= ['type_not_of_country']
    return
  }
  fields.identification_type = type.type
  if (!type.expires) fields.identification_expires_on = null
  else if (fields.identification_expires_on === null && changed.includes('identification_type')) {
    errors.identification_expires_on ??= ['required']
  }
  if (fields.identification_number === null || errors.identification_number) return
  const checked = checkIdentification({
    country,
    person: 'individual',
    type: type.type,
    number: fields.identification_number,
  })
  if (!checked.ok) {
    errors.identification_number = [checked.problem]
    return
  }
  fields.identification_number = checked.number
  if (
    checked.birthDate !== undefined &&
    fields.birth_date !== null &&
    checked.birthDate !== fields.birth_date
  ) {
    const at = changed.includes('birth_date') ? 'birth_date' : 'identification_number'
    errors[at] ??= ['does_not_match_document']
  }
}

/** What was typed, as it is kept, or what is wrong with it. */
export type Read = { value: string } | { problem: FormProblem }

const PARSERS: Record<FormField, (typed: string, rules: FormRules) => Read> = {
  name: readName,
  last_name: readName,
  birth_date(typed, { now }) {
    const problem = findBirthDateProblem(typed, now)
    return problem === null ? { value: typed } : { problem }
  },
  phone(typed) {
    const phone = parsePhone(typed)
    return phone === undefined ? { problem: 'invalid' } : { value: phone }
  },
  country(typed, { acceptedCountries }) {
    const country = parseCountry(typed)
    if (country === undefined) return { problem: 'invalid' }
    return isResidenceSupported(country, acceptedCountries)
      ? { value: country }
      : { problem: 'country_not_supported' }
  },
  address: (typed) => readText(typed, 200),
  city: (typed) => readText(typed, 100),
  postal_code: (typed) =>
    /^[A-Za-z0-9][A-Za-z0-9 -]{0,15}$/.test(typed) ? { value: typed.toUpperCase() } : { problem: 'invalid' },
  identification_country(typed) {
    const country = parseCountry(typed)
    return country === undefined ? { problem: 'invalid' } : { value: country }
  },
  identification_type: (typed) => readText(typed, 40),
  identification_number: (typed) => readText(typed, 40),
  identification_expires_on(typed, { now }) {
    const problem = findExpiryProblem(typed, now)
    return problem === null ? { value: typed } : { problem }
  },
}

/** A name of a person. */
export function readName(typed: string): Read {
  if (!/\p{L}/u.test(typed) || /[<>{}[\]\\|@#$%^*=_~]/u.test(typed)) return { problem: 'invalid' }
  return readText(typed, 100)
}

/** Text that says something, without control characters. */
export function readText(typed: string, maxLength: number): Read {
  if (/\p{Cc}/u.test(typed) || !/[\p{L}\p{N}]/u.test(typed)) return { problem: 'invalid' }
  return typed.length > maxLength ? { problem: 'too_long' } : { value: typed }
}

/** One way of writing the same text. */
export const plain = (text: string): string => text.normalize('NFC').trim().replace(/ {2,}/g, ' ')
