import { type Static, Type } from 'typebox'
import type { Integration } from '../common/integration.ts'
import type { FieldErrors, Refusal } from '../server/errors.ts'
import { Text, WebAddress } from '../server/fields.ts'
import { isResidenceSupported, parseCountry } from './identity/countries.ts'
import {
  findBirthDateProblem,
  findIncorporationProblem,
  MAX_AGE_YEARS,
  MIN_AGE_YEARS,
} from './identity/dates.ts'
import { isDisposableEmail, parseEmail } from './identity/email.ts'
import { checkIdentification, listIdentificationTypes, type Person } from './identity/identification.ts'
import { parsePhone } from './identity/phone.ts'
import { type CustomerData, NOTHING_KNOWN } from './personal-data.ts'

const LANGUAGES = ['es', 'en', 'pt'] as const

/** The fields of `registerUser`. All but `name` and `email` may come later, from the customer's own form. */
export const RegistrationBody = Type.Object({
  name: Text('First name.', 100),
  email: Text('One customer per address and integration.', 254),
  callback_url: Type.Optional(WebAddress('Where the browser goes after the verification.')),
  last_name: Type.Optional(Text('Last name or names.', 100)),
  phone: Type.Optional(Text('E.164, such as `+34600123456`.', 40)),
  country: Type.Optional(Text('Where the customer lives: ISO 3166-1 alpha-2.', 8)),
  address: Type.Optional(Text('Street and number.', 200)),
  city: Type.Optional(Text('City.', 100)),
  postal_code: Type.Optional(Text('Postal code.', 16)),
  birth_date: Type.Optional(Text('`YYYY-MM-DD`; at least 18 years ago.', 10)),
  identification_type: Type.Optional(
    Text('One of the country, such as `GOVERNMENT_ID`; needs `country` and `identification_number`.', 40),
  ),
  identification_number: Type.Optional(Text("Checked by the country's own rule.", 40)),
  bank_account: Type.Optional(Text('For payouts in Latin America.', 64)),
  bank_name: Type.Optional(Text('For payouts in Latin America.', 100)),
  external_id: Type.Optional(Text('Your own id of the customer; unique.', 255)),
  language: Type.Optional(Text('`es`, `en` or `pt`, for the hosted pages.', 16)),
})

export type RegistrationBody = Static<typeof RegistrationBody>

export interface Registration {
  data: CustomerData & { email: string }
  country: string | null
  language: string | null
  callbackUrl: string | null
  externalId: string | null
}

/** What is wrong with the fields of a registration, those that a schema can't judge. */
export function findRegistrationFaults(
  body: Partial<RegistrationBody>,
  { integration, now }: { integration: Pick<Integration, 'settings'>; now: Date },
  person: Person = 'individual',
): FieldErrors {
  const errors: FieldErrors = {}
  const judge = (field: keyof RegistrationBody, parse: (text: string) => unknown, problem: string): void => {
    const text = body[field]
    if (text !== undefined && parse(text) === undefined) errors[field] = [problem]
  }
  judge('email', parseEmail, 'must be a valid e-mail address')
  judge('phone', parsePhone, 'must be a phone number in E.164, such as +34600123456')
  judge('country', parseCountry, 'must be an ISO 3166-1 alpha-2 code, such as ES')
  judge('language', parseLanguage, 'must be es, en or pt')
  if (body.birth_date !== undefined) {
    const problem =
      person === 'company' ? incorporationText(body.birth_date, now) : birthDateText(body.birth_date, now)
    if (problem !== null) errors.birth_date = [problem]
  }
  for (const [given, wanted] of [
    ['identification_type', 'identification_number'],
    ['identification_type', 'country'],
    ['identification_number', 'identification_type'],
  ] as const) {
    if (body[given] !== undefined && body[wanted] === undefined)
      errors[wanted] ??= [`must be given with ${given}`]
  }
  if (
    body.callback_url !== undefined &&
    !isAllowedHost(body.callback_url, integration.settings.callbackHosts)
  ) {
    errors.callback_url = ["must have one of the hosts in this integration's settings"]
  }
  return errors
}

/** Who is registered: a person or a company, and what stands before the names of the fields. */
interface Registrant {
  integration: Pick<Integration, 'settings'>
  person?: Person
  prefix?: string
}

/** What is right but not accepted, of fields that have nothing else against them; any may be absent. */
export function findRegistrationRefusals(
  body: Partial<RegistrationBody>,
  { integration, person = 'individual', prefix = '' }: Registrant,
): Refusal[] {
  const refusals: Refusal[] = []
  const email = parseEmail(body.email ?? '')
  const country = parseCountry(body.country ?? '')
  if (email !== undefined && isDisposableEmail(email)) {
    const errors = { [`${prefix}email`]: ['must not be of a throw-away domain'] }
    refusals.push({
      code: 'email_not_allowed',
      message: 'Throw-away e-mail addresses are not accepted.',
      errors,
    })
  }
  if (country !== undefined && !isResidenceSupported(country, integration.settings.countries)) {
    refusals.push({
      code: 'country_not_supported',
      message: `Customers who live in ${country} are not accepted.`,
      errors: { [`${prefix}country`]: ['is not supported'] },
    })
  }
  const fault = country === undefined ? undefined : findIdentificationFault(body, country, person)
  if (fault) {
    const field = `${prefix}${fault.field}`
    const message = `${field} ${fault.text}.`
    refusals.push({ code: 'invalid_identification', message, errors: { [field]: [fault.text] } })
  }
  return refusals
}

/** Reads a registration that has no faults and is not refused. */
export function readRegistration(body: RegistrationBody, person: Person = 'individual'): Registration {
  const text = (field: keyof RegistrationBody): string | null => body[field]?.normalize('NFC').trim() ?? null
  const email = parseEmail(body.email) ?? null
  const phone = parsePhone(body.phone ?? '') ?? null
  const country = parseCountry(body.country ?? '') ?? null
  const language = parseLanguage(body.language ?? '') ?? null
  if (email === null) throw new Error('A registration without an e-mail address passed the checks.')
  return {
    data: {
      ...NOTHING_KNOWN,
      name: text('name'),
      last_name: text('last_name'),
      email,
      phone,
      country,
      address: text('address'),
      city: text('city'),
      postal_code: text('postal_code'),
      birth_date: body.birth_date ?? null,
      ...readIdentification(body, country, person),
      bank_account: text('bank_account'),
      bank_name: text('bank_name'),
    },
    country,
    language,
    callbackUrl: body.callback_url ?? null,
    externalId: body.external_id ?? null,
  }
}

type Identified = Pick<
  Partial<RegistrationBody>,
  'identification_type' | 'identification_number' | 'birth_date'
>

/** The document that was named, its number as its country writes it. It was judged before. */
export function readIdentification(
  { identification_type: type, identification_number: number }: Identified,
  country: string | null,
  person: Person,
): Pick<CustomerData, 'identification_type' | 'identification_number'> {
  if (country === null || type === undefined || number === undefined) {
    return { identification_type: null, identification_number: null }
  }
  const checked = checkIdentification({ country, person, type: type.trim(), number })
  if (!checked.ok) throw new Error('An identification that is none passed the checks.')
  return { identification_type: checked.type, identification_number: checked.number }
}

/** What is wrong with the document that was named; undefined when nothing is, or when it was not named as a whole. */
function findIdentificationFault(
  { identification_type: type, identification_number: number, birth_date: birthDate }: Identified,
  country: string,
  person: Person,
): { field: string; text: string } | undefined {
  if (type === undefined || number === undefined) return undefined
  const checked = checkIdentification({ country, person, type: type.trim(), number })
  if (!checked.ok) {
    const types = listIdentificationTypes(country, person).map((known) => known.type)
    const [field, text] = {
      type_not_of_country: ['identification_type', `must be one of ${country}: ${types.join(', ')}`],
      wrong_format: ['identification_number', `does not have the form of a ${type} of ${country}`],
      wrong_check_digit: ['identification_number', 'has a wrong check digit'],
    }[checked.problem] as [string, string]
    return { field, text }
  }
  if (checked.birthDate === undefined || birthDate === undefined || checked.birthDate === birthDate)
    return undefined
  return { field: 'identification_number', text: `carries the birth date ${checked.birthDate}` }
}

function birthDateText(text: string, now: Date): string | null {
  switch (findBirthDateProblem(text, now)) {
    case null:
      return null
    case 'too_young':
      return `must be at least ${MIN_AGE_YEARS} years ago`
    case 'in_the_future':
      return 'must not be in the future'
    default:
      return `must be a real day, YYYY-MM-DD, at most ${MAX_AGE_YEARS} years ago`
  }
}

/** Of a company the day on which it was founded, which has no age to be of. */
function incorporationText(text: string, now: Date): string | null {
  switch (findIncorporationProblem(text, now)) {
    case null:
      return null
    case 'in_the_future':
      return 'must not be in the future'
    default:
      return 'must be a real day, YYYY-MM-DD, on which the company was founded'
  }
}

/** The language alone, of tags such as `es-MX` too. */
function parseLanguage(text: string): string | undefined {
  const [language] = text.trim().toLowerCase().split(/[-_]/)
  return LANGUAGES.find((known) => known === language)
}

/** Where the integration lists hosts, a return address must have one of them. */
export function isAllowedHost(url: string, hosts: readonly string[]): boolean {
  if (hosts.length === 0) return true
  const { host, hostname } = new URL(url)
  return hosts.some((allowed) => {
    const name = allowed.toLowerCase()
    return host === name || hostname === name
  })
}
