import { type Static, Type } from 'typebox'
import type { Integration } from '../common/integration.ts'
import type { FieldErrors, Refusal } from '../server/errors.ts'
import { OneOf, Text } from '../server/fields.ts'
import { parseCountry } from './identity/countries.ts'
import { findIdentificationType } from './identity/identification.ts'
import { parsePhone } from './identity/phone.ts'
import { NOTHING_KNOWN, type PersonalData } from './personal-data.ts'
import {
  findRegistrationFaults,
  findRegistrationRefusals,
  type Registration,
  RegistrationBody,
  readIdentification,
  readRegistration,
} from './registration.ts'

const File = (description: string) =>
  Type.String({ description: `${description} A data-URI, plain base64, or an http(s) address.` })

/** The files of a person, by their fields. */
export const PERSON_FILES = ['document_front', 'document_back', 'face_image', 'face_video'] as const

export type PersonFile = (typeof PERSON_FILES)[number]

const FILES = {
  document_front: Type.Optional(File('The front of the document.')),
  document_back: Type.Optional(File('The back of the document; mandatory but for papers with one side.')),
  face_image: Type.Optional(File('A photo of the face.')),
  face_video: Type.Optional(File('A video of the face: MP4 or WebM.')),
}

const { name, last_name, phone, birth_date, ...rest } = RegistrationBody.properties

const Representative = Type.Object({
  name,
  last_name,
  phone,
  birth_date: Text('`YYYY-MM-DD`; at least 18 years ago.', 10),
  country: Text('Where the person lives: ISO 3166-1 alpha-2.', 8),
  address: Text('Street and number.', 200),
  city: Text('City.', 100),
  postal_code: Text('Postal code.', 16),
  identification_type: Text('One of the country.', 40),
  identification_number: Text("Checked by the country's own rule.", 40),
  document_front: File('The front of the document.'),
  document_back: FILES.document_back,
  face_image: File('A photo of the face.'),
  face_video: FILES.face_video,
})

export const DelegatedBody = Type.Object({
  type: Type.Optional(OneOf(['individual', 'company'], '`individual` unless told.')),
  ...rest,
  name: Type.Optional(Text('First name; of a person.', 100)),
  last_name,
  phone,
  birth_date: Type.Optional(
    Text(
      '`YYYY-MM-DD`. Mandatory of a person: at least 18 years ago. Of a company: the day on which it was founded; not in the future.',
      10,
    ),
  ),
  country: Text('Where the customer lives, or is registered: ISO 3166-1 alpha-2.', 8),
  address: Text('Street and number.', 200),
  city: Text('City.', 100),
  postal_code: Text('Postal code.', 16),
  identification_type: Text('One of the country, such as `GOVERNMENT_ID`, or of a company `CIF`.', 40),
  identification_number: Text("Checked by the country's own rule.", 40),
  ...FILES,
  company_name: Type.Optional(Text('Of a company.', 255)),
  legal_representative: Type.Optional(Representative),
})

export type DelegatedBody = Static<typeof DelegatedBody>
type Representative = Static<typeof Representative>

const isCompany = ({ type }: Partial<DelegatedBody>): boolean => type === 'company'

const backNeeded = (person: Pick<Partial<DelegatedBody>, 'country' | 'identification_type'>): boolean => {
  const country = parseCountry(person.country ?? '')
  const type = person.identification_type?.trim() ?? ''
  return country !== undefined && findIdentificationType(country, 'individual', type)?.needsBack === true
}

/** The fields that are mandatory because of the type, and of the document. */
export function findRequired(body: Partial<DelegatedBody>): readonly string[] {
  if (isCompany(body)) {
    const { legal_representative: person } = body
    const back = person && backNeeded(person) ? ['legal_representative.document_back'] : []
    return ['company_name', 'legal_representative', ...back]
  }
  const files = backNeeded(body) ? PERSON_FILES.slice(0, 3) : ['document_front', 'face_image']
  return ['name', 'birth_date', ...files]
}

/** What a schema can't judge, of the representative too. */
export function findDelegatedFaults(
  body: Partial<DelegatedBody>,
  context: { integration: Pick<Integration, 'settings'>; now: Date },
): FieldErrors {
  const errors = findRegistrationFaults(body, context, isCompany(body) ? 'company' : 'individual')
  const person = body.legal_representative
  if (!isCompany(body) || person === undefined) return errors
  for (const [field, texts] of Object.entries(findRegistrationFaults(person, context))) {
    errors[`legal_representative.${field}`] = texts
  }
  return errors
}

/** What is right but not accepted, of the representative too. */
export function findDelegatedRefusals(
  body: Partial<DelegatedBody>,
  { integration }: { integration: Pick<Integration, 'settings'> },
): Refusal[] {
  if (!isCompany(body)) return findRegistrationRefusals(body, { integration })
  const { legal_representative: person = {} } = body
  return [
    ...findRegistrationRefusals(body, { integration, person: 'company' }),
    ...findRegistrationRefusals(person, { integration, prefix: 'legal_representative.' }),
  ]
}

/** The fields that hold the files of whose identity is to be verified, as the caller names them, with their texts. */
export function filesOf(body: Partial<DelegatedBody>): Delegated['files'] {
  const [person, prefix] = isCompany(body)
    ? [body.legal_representative ?? {}, 'legal_representative.']
    : [body, '']
  return PERSON_FILES.flatMap((kind) => {
    const text = person[kind]
    return text === undefined ? [] : [{ kind, field: `${prefix}${kind}`, text }]
  })
}

/** A registration and the person whose identity is to be verified: the customer, or who represents the company. */
export interface Delegated extends Registration {
  type: 'individual' | 'company'
  person: PersonalData
  /** The fields that hold the person's files, as the caller names them, with their texts. */
  files: { kind: PersonFile; field: string; text: string }[]
}

/** Reads a body that has no faults and is not refused. The files are not looked at. */
export function readDelegated(body: DelegatedBody): Delegated {
  const files = filesOf(body)
  if (!isCompany(body)) {
    const registration = readRegistration({ ...body, name: body.name ?? '' })
    const { bank_account, bank_name, ...person } = registration.data
    return { ...registration, type: 'individual', person, files }
  }
  const companyName = (body.company_name ?? '').normalize('NFC').trim()
  const registration = readRegistration({ ...body, name: companyName }, 'company')
  const data = {
    ...registration.data,
    name: null,
    last_name: null,
    birth_date: null,
    company_name: companyName,
    incorporation_date: registration.data.birth_date,
  }
  const person = readRepresentative(body.legal_representative as Representative, registration.data.email)
  return { ...registration, data, type: 'company', person, files }
}

function readRepresentative(person: Representative, email: string): PersonalData {
  const text = (value: string | undefined): string | null => value?.normalize('NFC').trim() ?? null
  const country = parseCountry(person.country) ?? null
  return {
    ...NOTHING_KNOWN,
    name: text(person.name),
    last_name: text(person.last_name),
    birth_date: person.birth_date,
    email,
    phone: parsePhone(person.phone ?? '') ?? null,
    country,
    address: text(person.address),
    city: text(person.city),
    postal_code: text(person.postal_code),
    ...readIdentification(person, country, 'individual'),
  }
}
