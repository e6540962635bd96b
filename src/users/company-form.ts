import type { KycReason, KycReasonCode, KycReasonField } from '../providers/kyc/port.ts'
import {
  COMPANY_DOCUMENTS,
  COMPANY_FIELDS,
  type CompanyData,
  type CompanyField,
  type CompanyFields,
  PERSON_PHOTOS,
  type PersonPhoto,
  personPart,
  splitPersonPart,
} from './company-data.ts'
import { findPersonFaults, PERSON_FIELDS, photosOfPerson, sumOfShares } from './company-people.ts'
import { isResidenceSupported, parseCountry } from './identity/countries.ts'
import { findIncorporationProblem } from './identity/dates.ts'
import { checkIdentification, findIdentificationType } from './identity/identification.ts'
import { type FormRules, isMendable, plain, type Read, readText } from './kyc-form.ts'

/** By the part of the form: a field, a document, `people`, or a part of one of them such as `people.2.birth_date`. */
export type CompanyErrors = Record<string, KycReasonCode[]>

export const OPTIONAL_COMPANY_FIELDS: readonly CompanyField[] = ['website', 'postal_code']

/** What hangs together: who must give another kind of number gives country, kind and number anew. */
const IDENTIFICATION: readonly string[] = ['country', 'identification_type', 'identification_number']
const PERSON_IDENTIFICATION: readonly string[] = [
  'identification_country',
  'identification_type',
  'identification_number',
]

const HUNDRED_PERCENT = 10_000n

/** Applies typed values to what is known: all of them, or none and what is wrong with each. Blank text clears a field. */
export function applyCompanyChanges(
  changes: Partial<Record<CompanyField, string>>,
  known: CompanyFields,
  rules: FormRules,
): { fields: CompanyFields; errors: CompanyErrors } {
  const fields = { ...known }
  const errors: CompanyErrors = {}
  const changed = COMPANY_FIELDS.filter((field) => changes[field] !== undefined)
  for (const field of changed) {
    const typed = plain(changes[field] as string)
    const read = typed === '' ? { value: null } : PARSERS[field](typed, rules)
    if ('problem' in read) errors[field] = [read.problem]
    else fields[field] = read.value
  }
  if (changed.includes('country') && !changed.includes('identification_type') && !typeOf(fields)) {
    // The old answer means nothing in another country.
    fields.identification_type = null
    if (!changed.includes('identification_number')) fields.identification_number = null
  }
  for (const field of changed) {
    if (fields[field] === null && !errors[field] && !OPTIONAL_COMPANY_FIELDS.includes(field)) {
      errors[field] = ['required']
    }
  }
  if (IDENTIFICATION.some((field) => changed.includes(field as CompanyField))) checkNumber(fields, errors)
  return Object.keys(errors).length > 0 ? { fields: known, errors } : { fields, errors }
}

/** Whether a part may be changed now: every part of a new form, of a rejected one those to mend. */
export function isPartAsked(reasons: readonly KycReason[], part: string): boolean {
  if (reasons.length === 0) return true
  if (isUnfinished(reasons) && OPTIONAL_COMPANY_FIELDS.some((field) => field === part)) return true
  const person = splitPersonPart(part)
  return reasons.filter(isMendable).some(({ field }) => {
    if (field === part || (field === 'people' && person)) return true
    if (field === 'identification_type' || field === 'country') return IDENTIFICATION.includes(part)
    const rejected = splitPersonPart(field ?? '')
    if (!rejected || rejected.id !== person?.id) return false
    const another = rejected.part === 'identification_type' || rejected.part === 'identification_country'
    return another && PERSON_IDENTIFICATION.includes(person.part)
  })
}

/** Sent back before it was finished: then nobody was asked yet for what may stay empty either. */
const isUnfinished = (reasons: readonly KycReason[]): boolean =>
  reasons.some(({ field, code }) => code === 'required' && COMPANY_FIELDS.some((known) => known === field))

/** All parts of the form that can be asked for. */
export function listParts({ people }: Pick<CompanyData, 'people'>): string[] {
  const ofPeople = people.flatMap(({ id }) =>
    [...PERSON_FIELDS, ...PERSON_PHOTOS].map((part) => personPart(id, part)),
  )
  return [...COMPANY_FIELDS, ...COMPANY_DOCUMENTS, 'people', ...ofPeople]
}

/** The rejected parts that are still as they were rejected. */
export function partsToMend(reasons: readonly KycReason[], data: CompanyData): string[] {
  const there = new Set(neededParts(data))
  return reasons.flatMap((reason) =>
    reason.field !== null &&
    isMendable(reason) &&
    there.has(reason.field) &&
    !data.mended.includes(reason.field)
      ? [reason.field]
      : [],
  )
}

/** What still keeps a form from being sent. `documents` names the papers and photos that are there. */
export function findCompanyFaults(
  data: CompanyData,
  documents: readonly string[],
  rules: FormRules,
): CompanyErrors {
  const { company, people } = data
  const given = Object.fromEntries(
    COMPANY_FIELDS.flatMap((field) => (company[field] === null ? [] : [[field, company[field]]])),
  )
  const { errors } = applyCompanyChanges(given, company, rules)
  for (const field of COMPANY_FIELDS) {
    if (company[field] === null && !OPTIONAL_COMPANY_FIELDS.includes(field)) errors[field] = ['required']
  }
  for (const person of people) {
    for (const [part, problems] of Object.entries(findPersonFaults(person, rules))) {
      errors[personPart(person.id, part)] = problems
    }
  }
  if (!people.some((person) => person.is_representative)) errors.people = ['representative_missing']
  else if (sumOfShares(people) > HUNDRED_PERCENT) errors.people = ['over_100']
  for (const part of neededFiles(data)) if (!documents.includes(part)) errors[part] = ['required']
  return errors
}

/** The papers and photos that must be there. */
export function neededFiles({ people }: Pick<CompanyData, 'people'>): string[] {
  const photos = people.flatMap((person) => photosOfPerson(person).map((kind) => personPart(person.id, kind)))
  return [...COMPANY_DOCUMENTS, ...photos]
}

/**
 * The reasons of a rejection as the form can mend them: with what follows from another document, with whatever else
 * keeps the form from being sent, and with `people` in place of somebody who is not there.
 */
export function companyReasonsToMend(
  reasons: readonly KycReason[],
  given: { data: CompanyData; documents: readonly string[] },
  rules: FormRules,
): KycReason[] {
  const known = reasons.map((reason) => {
    const person = splitPersonPart(reason.field ?? '')
    const there = !person || given.data.people.some(({ id }) => id === person.id)
    return there ? reason : ({ ...reason, field: 'people' } as const)
  })
  const following = known.flatMap((reason) => followingParts(reason, given.data))
  const faults = Object.entries(findCompanyFaults(given.data, given.documents, rules)).map(
    ([field, [code]]) => ({ field: field as KycReasonField, code: code as KycReasonCode }),
  )
  const all: KycReason[] = []
  for (const reason of [...known, ...following, ...faults]) {
    const once = reason.field !== null && all.some(({ field }) => field === reason.field)
    if (!once) all.push(reason)
  }
  return all
}

/** Another document of a person brings its number and its photos. */
function followingParts(reason: KycReason, { people }: CompanyData): KycReason[] {
  const rejected = splitPersonPart(reason.field ?? '')
  const person = people.find(({ id }) => id === rejected?.id)
  if (!rejected || !person || !isMendable(reason)) return []
  const another =
    reason.code === 'wrong_document' ||
    reason.code === 'document_expired' ||
    rejected.part === 'identification_type' ||
    rejected.part === 'identification_country'
  if (!another) return []
  return ['identification_type', 'identification_number', ...photosOfPerson(person)].map((part) => ({
    field: personPart(person.id, part),
    code: reason.code,
  }))
}

/** What a rejection can ask for anew: a passport's back is not among it. */
function neededParts(data: CompanyData): string[] {
  const files = neededFiles(data)
  return listParts(data).filter((part) => {
    const photo = PERSON_PHOTOS.includes(splitPersonPart(part)?.part as PersonPhoto)
    return !photo || files.includes(part)
  })
}

function typeOf({ country, identification_type: type }: CompanyFields) {
  return country === null || type === null ? undefined : findIdentificationType(country, 'company', type)
}

function checkNumber(fields: CompanyFields, errors: CompanyErrors): void {
  const { country, identification_type: type, identification_number: number } = fields
  if (country === null || type === null || errors.country || errors.identification_type) return
  const known = typeOf(fields)
  if (!known) {
    errors.identification_type = ['type_not_of_country']
    return
  }
  fields.identification_type = known.type
  if (number === null || errors.identification_number) return
  const checked = checkIdentification({ country, person: 'company', type, number })
  if (checked.ok) fields.identification_number = checked.number
  else errors.identification_number = [checked.problem]
}

const PARSERS: Record<CompanyField, (typed: string, rules: FormRules) => Read> = {
  company_name: (typed) => readText(typed, 255),
  country(typed, { acceptedCountries }) {
    const country = parseCountry(typed)
    if (country === undefined) return { problem: 'invalid' }
    return isResidenceSupported(country, acceptedCountries)
      ? { value: country }
      : { problem: 'country_not_supported' }
  },
  identification_type: (typed) => readText(typed, 40),
  identification_number: (typed) => readText(typed, 40),
  legal_form: (typed) => readText(typed, 100),
  incorporation_date(typed, { now }) {
    const problem = findIncorporationProblem(typed, now)
    return problem === null ? { value: typed } : { problem }
  },
  activity: (typed) => readText(typed, 500),
  website: readWebsite,
  address: (typed) => readText(typed, 200),
  postal_code: (typed) =>
    /^[A-Za-z0-9][A-Za-z0-9 -]{0,15}$/.test(typed) ? { value: typed.toUpperCase() } : { problem: 'invalid' },
  city: (typed) => readText(typed, 100),
}

/** People write `example.com`; what is kept says how to get there. */
function readWebsite(typed: string): Read {
  const url = URL.parse(/^https?:\/\//i.test(typed) ? typed : `https://${typed}`)
  const plainHost = url && /^([a-z0-9-]+\.)+[a-z0-9-]{2,}$/.test(url.hostname)
  if (!plainHost || url.username !== '' || url.password !== '') return { problem: 'invalid' }
  return typed.length > 200 ? { problem: 'too_long' } : { value: url.href.replace(/\/$/, '') }
}
