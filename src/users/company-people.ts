import type { CompanyPerson, PersonPhoto } from './company-data.ts'
import type { CompanyErrors } from './company-form.ts'
import { isResidenceSupported, parseCountry } from './identity/countries.ts'
import { findBirthDateProblem } from './identity/dates.ts'
import { checkIdentification, findIdentificationType } from './identity/identification.ts'
import { type FormRules, plain, type Read, readName, readText } from './kyc-form.ts'

/** The form takes no more: whoever has more owners above a quarter can't count. */
export const MOST_PEOPLE = 20

const TEXT_FIELDS = [
  'name',
  'last_name',
  'birth_date',
  'country',
  'identification_country',
  'identification_type',
  'identification_number',
  'ownership_percent',
] as const

const CHOICES = ['is_representative', 'is_owner', 'is_politically_exposed'] as const

/** What is asked of a person, in the order of the page. */
export const PERSON_FIELDS = [...TEXT_FIELDS, ...CHOICES] as const

type TextField = (typeof TEXT_FIELDS)[number]

/** What the page sends of a person; what is absent stays as it is. */
export type TypedPerson = Partial<Record<TextField, string> & Record<(typeof CHOICES)[number], boolean>>

/** Reads a person: all of it, or what is wrong with each field. */
export function readPerson(
  typed: TypedPerson,
  known: CompanyPerson | undefined,
  rules: FormRules,
  id: string,
): { person: CompanyPerson } | { errors: CompanyErrors } {
  const errors: CompanyErrors = {}
  const text = (field: TextField): string | null => {
    const value = plain(typed[field] ?? known?.[field] ?? '')
    if (value === '') {
      if (field !== 'identification_country' && field !== 'ownership_percent') errors[field] = ['required']
      return null
    }
    const read = PARSERS[field](value, rules)
    if ('value' in read) return read.value
    errors[field] = [read.problem]
    return null
  }
  const choice = (field: (typeof CHOICES)[number]): boolean => {
    const value = typed[field] ?? known?.[field]
    if (value === undefined) errors[field] = ['required']
    return value ?? false
  }
  const values = Object.fromEntries(TEXT_FIELDS.map((field) => [field, text(field)]))
  const choices = Object.fromEntries(CHOICES.map((field) => [field, choice(field)]))
  const person = { id, ...values, ...choices } as unknown as CompanyPerson
  checkRoles(person, errors)
  checkPaper(person, errors)
  return Object.keys(errors).length > 0 ? { errors } : { person }
}

/** What became wrong with a person since: a list of countries grew shorter, a rule stricter. */
export function findPersonFaults(person: CompanyPerson, rules: FormRules): CompanyErrors {
  const read = readPerson({}, person, rules, person.id)
  return 'errors' in read ? read.errors : {}
}

/** The photos that are asked of a person: a passport has no back. */
export function photosOfPerson(person: CompanyPerson): PersonPhoto[] {
  const type = findIdentificationType(paperCountry(person), 'individual', person.identification_type)
  return (type?.needsBack ?? true) ? ['document_front', 'document_back'] : ['document_front']
}

/** Which country issued the person's document. */
export const paperCountry = (person: Pick<CompanyPerson, 'country' | 'identification_country'>): string =>
  person.identification_country ?? person.country

/** What the owners have together, in hundredths of a percent. */
export function sumOfShares(people: readonly CompanyPerson[]): bigint {
  return people.reduce((sum, { ownership_percent: share }) => sum + (shareOf(share ?? '0') ?? 0n), 0n)
}

/** The number after the highest that is there. */
export function nextPersonId(people: readonly Pick<CompanyPerson, 'id'>[]): string {
  return String(Math.max(0, ...people.map(({ id }) => Number(id))) + 1)
}

function checkRoles(person: CompanyPerson, errors: CompanyErrors): void {
  if (errors.is_representative || errors.is_owner) return
  if (!person.is_representative && !person.is_owner) errors.is_representative = ['role_missing']
  if (!person.is_owner) {
    person.ownership_percent = null
    delete errors.ownership_percent
  } else if (person.ownership_percent === null) errors.ownership_percent ??= ['required']
}

/** The rules between country, paper, number and birth date. */
function checkPaper(person: CompanyPerson, errors: CompanyErrors): void {
  const { identification_type: type, identification_number: number } = person
  if (errors.country || errors.identification_country || errors.identification_type) return
  const country = paperCountry(person)
  const known = findIdentificationType(country, 'individual', type)
  if (!known) {
    errors.identification_type = ['type_not_of_country']
    return
  }
  person.identification_type = known.type
  if (errors.identification_number) return
  const checked = checkIdentification({ country, person: 'individual', type, number })
  if (!checked.ok) {
    errors.identification_number = [checked.problem]
    return
  }
  person.identification_number = checked.number
  if (checked.birthDate !== undefined && !errors.birth_date && checked.birthDate !== person.birth_date) {
    errors.birth_date = ['does_not_match_document']
  }
}

const PARSERS: Record<TextField, (typed: string, rules: FormRules) => Read> = {
  name: readName,
  last_name: readName,
  birth_date(typed, { now }) {
    const problem = findBirthDateProblem(typed, now)
    return problem === null ? { value: typed } : { problem }
  },
  country(typed) {
    const country = parseCountry(typed)
    if (country === undefined) return { problem: 'invalid' }
    // The integration's own list is about its customers, not about their owners.
    return isResidenceSupported(country, []) ? { value: country } : { problem: 'country_not_supported' }
  },
  identification_country(typed) {
    const country = parseCountry(typed)
    return country === undefined ? { problem: 'invalid' } : { value: country }
  },
  identification_type: (typed) => readText(typed, 40),
  identification_number: (typed) => readText(typed, 40),
  ownership_percent(typed) {
    const units = shareOf(typed)
    if (units === undefined || units <= 0n) return { problem: 'invalid' }
    return units > 10_000n ? { problem: 'over_100' } : { value: writeShare(units) }
  },
}

/** `25,5` → 2550n hundredths of a percent; a point or a comma, at most two decimals. */
function shareOf(text: string): bigint | undefined {
  const [, whole, part = ''] = /^(\d{1,3})(?:[.,](\d{1,2}))?\s?%?$/.exec(text) ?? []
  return whole === undefined ? undefined : BigInt(whole) * 100n + BigInt(part.padEnd(2, '0'))
}

function writeShare(units: bigint): string {
  const part = String(units % 100n)
    .padStart(2, '0')
    .replace(/0+$/, '')
  return part === '' ? String(units / 100n) : `${units / 100n}.${part}`
}
