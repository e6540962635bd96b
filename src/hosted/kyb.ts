import { Type } from 'typebox'
import { endpoint } from '../server/endpoint.ts'
import { OneOf } from '../server/fields.ts'
import { COMPANY_DOCUMENTS, COMPANY_FIELDS, PERSON_PHOTOS } from '../users/company-data.ts'
import { PERSON_FIELDS, type TypedPerson } from '../users/company-people.ts'
import { parseCountry } from '../users/identity/countries.ts'
import { checkIdentification } from '../users/identity/identification.ts'
import { PICTURE_TYPES } from '../users/image.ts'
import { kycNews } from '../users/verification.ts'
import {
  removePerson,
  saveCompany,
  saveDocument,
  savePerson,
  savePersonPhoto,
  submitCompanyForm,
} from './kyb-changes.ts'
import { KYB_EXAMPLE } from './kyb-example.ts'
import {
  getCompanyVerification,
  getKybVersion,
  getKybView,
  getOpenScene,
  getViewWithin,
} from './kyb-scene.ts'
import { openSession } from './kyb-session.ts'
import type { PersonResult } from './kyb-wire.ts'
import { untilChanged } from './page-news.ts'
import type { IdentificationCheck } from './wire.ts'

const MAX_FILE_BYTES = 10 * 1024 * 1024

const Token = Type.String({ maxLength: 128, description: 'The secret at the end of `kyb_link`.' })
const KybToken = Type.Object({ token: Token })
const Person = Type.String({ maxLength: 8, description: 'The number of the person.' })

/** The page knows the shape from the types it shares with the server. */
const KybView = Type.Unsafe<object>({
  type: 'object',
  description: 'All that the company’s verification page shows.',
})
const Saved = Type.Object({ person: Type.String(), view: KybView })

const typedText = (fields: readonly string[]) =>
  Object.fromEntries(fields.map((field) => [field, Type.Optional(Type.String({ maxLength: 600 }))]))

const CompanyBody = Type.Object(typedText(COMPANY_FIELDS))

const isChoice = (field: string): boolean => field.startsWith('is_')

const PersonBody = Type.Object({
  ...typedText(PERSON_FIELDS.filter((field) => !isChoice(field))),
  ...Object.fromEntries(
    PERSON_FIELDS.filter(isChoice).map((field) => [field, Type.Optional(Type.Boolean())]),
  ),
})

const PERSON_EXAMPLE = {
  name: 'Ana',
  last_name: 'García López',
  birth_date: '1990-05-17',
  country: 'ES',
  identification_type: 'GOVERNMENT_ID',
  identification_number: '12345678Z',
  is_representative: true,
  is_owner: true,
  ownership_percent: '60',
  is_politically_exposed: false,
}

const CHANGE_ERRORS = [
  'verification_not_found',
  'password_required',
  'action_not_allowed',
  'fail_mandatory_field',
  'invalid_field',
  'invalid_identification',
  'country_not_supported',
] as const

const FILE_ERRORS = [
  'verification_not_found',
  'password_required',
  'action_not_allowed',
  'invalid_field',
  'invalid_file',
  'body_too_large',
] as const

export const showKybPage = endpoint({
  method: 'GET',
  path: '/hosted/kyb/{token}',
  section: 'hosted',
  name: 'showKybPage',
  summary: 'What the company’s verification page shows',
  description:
    'Until the password was given no more than who asks. With `after` the call waits until the version is another one, at most 25 seconds, and then answers what there is.',
  audience: 'page',
  params: KybToken,
  query: Type.Object({
    after: Type.Optional(Type.String({ maxLength: 128, description: 'The version the page has.' })),
  }),
  data: KybView,
  errors: ['verification_not_found'],
  examples: { answer: KYB_EXAMPLE },
  async handle(app, { params: { token }, query: { after }, signal, cookies }) {
    if (after !== undefined) {
      const key = kycNews(await getCompanyVerification(app, token))
      const readVersion = () => getKybVersion(app, { cookies }, token)
      await untilChanged(app, { key, after, signal, readVersion })
    }
    return getKybView(app, { cookies }, token)
  },
})

export const openKybPage = endpoint({
  method: 'POST',
  path: '/hosted/kyb/{token}/open',
  section: 'hosted',
  name: 'openKybPage',
  summary: 'Open the form with its password',
  description:
    'Sets a cookie for this form alone, which lasts twelve hours. After each wrong password nobody may try for a while from where it came, which grows.',
  audience: 'page',
  params: KybToken,
  body: Type.Object({ password: Type.String({ maxLength: 200 }) }),
  data: KybView,
  errors: ['verification_not_found', 'password_incorrect', 'fail_mandatory_field', 'invalid_field'],
  examples: { request: { password: 'xK9mP2nQ4rTv' }, answer: KYB_EXAMPLE },
  async handle(app, { params: { token }, body: { password }, address, setHeader }) {
    const verification = await getCompanyVerification(app, token)
    await openSession(app, { address, setHeader }, verification, { token, password })
    return getViewWithin(app, token)
  },
})

export const saveKybCompany = endpoint({
  method: 'PUT',
  path: '/hosted/kyb/{token}/company',
  section: 'hosted',
  name: 'saveKybCompany',
  summary: 'Save what was typed about the company',
  description: 'Any part of the fields, all or nothing. Blank text clears a field that may stay empty.',
  audience: 'page',
  params: KybToken,
  body: CompanyBody,
  data: KybView,
  errors: CHANGE_ERRORS,
  examples: { request: { legal_form: 'Sociedad Limitada', city: 'Madrid' }, answer: KYB_EXAMPLE },
  async handle(app, { params: { token }, body, cookies }) {
    await saveCompany(app, { cookies }, token, body as Parameters<typeof saveCompany>[3])
    return getKybView(app, { cookies }, token)
  },
})

export const checkKybNumber = endpoint({
  method: 'POST',
  path: '/hosted/kyb/{token}/identification/check',
  section: 'hosted',
  name: 'checkKybNumber',
  summary: 'Check a number of the company or of a person as it is typed',
  description: "By the country's own rule; nothing is saved.",
  audience: 'page',
  params: KybToken,
  body: Type.Object({
    person: OneOf(['company', 'individual']),
    country: Type.String({ maxLength: 8 }),
    type: Type.String({ maxLength: 64 }),
    number: Type.String({ maxLength: 200 }),
  }),
  data: Type.Object({
    ok: Type.Boolean(),
    number: Type.Union([Type.String(), Type.Null()], { description: 'As the country writes it, when `ok`.' }),
    problem: Type.Union([Type.String(), Type.Null()]),
  }),
  errors: ['verification_not_found', 'password_required', 'fail_mandatory_field', 'invalid_field'],
  examples: {
    request: { person: 'company', country: 'CL', type: 'RUT', number: '760864285' },
    answer: { ok: true, number: '76.086.428-5', problem: null },
  },
  async handle(app, { params: { token }, body, cookies }): Promise<IdentificationCheck> {
    await getOpenScene(app, { cookies }, token)
    const country = parseCountry(body.country)
    if (country === undefined) return { ok: false, number: null, problem: 'invalid' }
    if (body.number.trim() === '') return { ok: false, number: null, problem: 'required' }
    const { person, type, number } = body
    const checked = checkIdentification({ country, person, type, number })
    if (!checked.ok) return { ok: false, number: null, problem: checked.problem }
    return { ok: true, number: checked.number, problem: null }
  },
})

export const uploadKybDocument = endpoint({
  method: 'PUT',
  path: '/hosted/kyb/{token}/documents/{kind}',
  section: 'hosted',
  name: 'uploadKybDocument',
  summary: 'Upload a paper of the company',
  description:
    "The body is the file itself, PDF, JPEG, PNG or WebP, judged by its content, at most 10 MiB. It is kept sealed under the company's key, a picture without its metadata.",
  audience: 'page',
  params: Type.Object({ token: Token, kind: OneOf(COMPANY_DOCUMENTS) }),
  raw: { contentTypes: ['application/pdf', ...PICTURE_TYPES], limitBytes: MAX_FILE_BYTES },
  data: KybView,
  errors: FILE_ERRORS,
  examples: { answer: KYB_EXAMPLE },
  async handle(app, { params: { token, kind }, rawBody, cookies }) {
    await saveDocument(app, { cookies }, token, kind, rawBody)
    return getKybView(app, { cookies }, token)
  },
})

export const addKybPerson = endpoint({
  method: 'POST',
  path: '/hosted/kyb/{token}/people',
  section: 'hosted',
  name: 'addKybPerson',
  summary: 'Add a representative or owner',
  description: 'All fields at once. The answer names the person for the photos of the document.',
  audience: 'page',
  params: KybToken,
  body: PersonBody,
  data: Saved,
  errors: CHANGE_ERRORS,
  examples: { request: PERSON_EXAMPLE, answer: { person: '1', view: KYB_EXAMPLE } },
  async handle(app, { params: { token }, body, cookies }): Promise<PersonResult> {
    const person = await savePerson(app, { cookies }, token, body as TypedPerson)
    return { person, view: await getKybView(app, { cookies }, token) }
  },
})

export const changeKybPerson = endpoint({
  method: 'PUT',
  path: '/hosted/kyb/{token}/people/{person}',
  section: 'hosted',
  name: 'changeKybPerson',
  summary: 'Change a representative or owner',
  description: 'Any part of the fields, all or nothing.',
  audience: 'page',
  params: Type.Object({ token: Token, person: Person }),
  body: PersonBody,
  data: Saved,
  errors: CHANGE_ERRORS,
  examples: { request: { ownership_percent: '40' }, answer: { person: '1', view: KYB_EXAMPLE } },
  async handle(app, { params: { token, person }, body, cookies }): Promise<PersonResult> {
    await savePerson(app, { cookies }, token, body as TypedPerson, person)
    return { person, view: await getKybView(app, { cookies }, token) }
  },
})

export const removeKybPerson = endpoint({
  method: 'POST',
  path: '/hosted/kyb/{token}/people/{person}/remove',
  section: 'hosted',
  name: 'removeKybPerson',
  summary: 'Take a person out',
  description: 'With the photos of the document.',
  audience: 'page',
  params: Type.Object({ token: Token, person: Person }),
  body: Type.Object({}),
  data: KybView,
  errors: ['verification_not_found', 'password_required', 'action_not_allowed'],
  examples: { request: {}, answer: KYB_EXAMPLE },
  async handle(app, { params: { token, person }, cookies }) {
    await removePerson(app, { cookies }, token, person)
    return getKybView(app, { cookies }, token)
  },
})

export const uploadKybPersonPhoto = endpoint({
  method: 'PUT',
  path: '/hosted/kyb/{token}/people/{person}/photos/{kind}',
  section: 'hosted',
  name: 'uploadKybPersonPhoto',
  summary: 'Upload a photo of a person’s document',
  description:
    "The body is the picture itself, JPEG, PNG or WebP, judged by its content, at most 10 MiB. It is kept without its metadata, sealed under the company's key.",
  audience: 'page',
  params: Type.Object({ token: Token, person: Person, kind: OneOf(PERSON_PHOTOS) }),
  raw: { contentTypes: PICTURE_TYPES, limitBytes: MAX_FILE_BYTES },
  data: KybView,
  errors: FILE_ERRORS,
  examples: { answer: KYB_EXAMPLE },
  async handle(app, { params: { token, person, kind }, rawBody, cookies }) {
    await savePersonPhoto(app, { cookies }, token, { person, kind }, rawBody)
    return getKybView(app, { cookies }, token)
  },
})

export const submitKyb = endpoint({
  method: 'POST',
  path: '/hosted/kyb/{token}/submit',
  section: 'hosted',
  name: 'submitKyb',
  summary: 'Send the company’s form',
  description: 'Everything must be there. What happens then is shown by the page, live.',
  audience: 'page',
  params: KybToken,
  body: Type.Object({
    name: Type.String({ maxLength: 200, description: 'Who declares.' }),
    role: Type.String({ maxLength: 100, description: 'As what: director, attorney …' }),
    declare: Type.Literal(true, { description: 'Everything given is true and complete.' }),
  }),
  data: KybView,
  errors: CHANGE_ERRORS,
  examples: {
    request: { name: 'Ana García López', role: 'Director', declare: true },
    answer: { ...KYB_EXAMPLE, phase: 'processing' },
  },
  async handle(app, { params: { token }, body, cookies }) {
    await submitCompanyForm(app, { cookies }, token, body)
    return getKybView(app, { cookies }, token)
  },
})
