import { Type } from 'typebox'
import { endpoint } from '../server/endpoint.ts'
import { fail } from '../server/errors.ts'
import { OneOf } from '../server/fields.ts'
import { parseCountry } from '../users/identity/countries.ts'
import { checkIdentification } from '../users/identity/identification.ts'
import { PICTURE_TYPES } from '../users/image.ts'
import { FORM_FIELDS, PHOTO_KINDS } from '../users/kyc-form.ts'
import { kycNews } from '../users/verification.ts'
import { saveFields, savePhoto, submitForm } from './kyc-changes.ts'
import { KYC_EXAMPLE } from './kyc-example.ts'
import { getVerification, getVersion, getView } from './kyc-scene.ts'
import { untilChanged } from './page-news.ts'
import type { IdentificationCheck, PhotoResult } from './wire.ts'

const MAX_PHOTO_BYTES = 10 * 1024 * 1024

const KycToken = Type.Object({
  token: Type.String({ maxLength: 128, description: 'The secret at the end of `kyc_form_url`.' }),
})

/** The page knows the shape from the types it shares with the server. */
const KycView = Type.Unsafe<object>({ type: 'object', description: 'All that the verification page shows.' })

export const showKycPage = endpoint({
  method: 'GET',
  path: '/hosted/kyc/{token}',
  section: 'hosted',
  name: 'showKycPage',
  summary: 'What the verification page shows',
  description:
    'With `after` the call waits until the version is another one, at most 25 seconds, and then answers what there is.',
  audience: 'page',
  params: KycToken,
  query: Type.Object({
    after: Type.Optional(Type.String({ maxLength: 128, description: 'The version the page has.' })),
  }),
  data: KycView,
  errors: ['verification_not_found'],
  examples: { answer: KYC_EXAMPLE },
  async handle(app, { params: { token }, query: { after }, signal }) {
    if (after !== undefined) {
      const key = kycNews(await getVerification(app, token))
      await untilChanged(app, { key, after, signal, readVersion: () => getVersion(app, token) })
    }
    return getView(app, token)
  },
})

export const saveKycData = endpoint({
  method: 'PUT',
  path: '/hosted/kyc/{token}/data',
  section: 'hosted',
  name: 'saveKycData',
  summary: 'Save typed fields',
  description: 'Any part of the fields, all or nothing. Blank text clears a field that may stay empty.',
  audience: 'page',
  params: KycToken,
  body: Type.Object(
    Object.fromEntries(FORM_FIELDS.map((field) => [field, Type.Optional(Type.String({ maxLength: 500 }))])),
  ),
  data: KycView,
  errors: [
    'verification_not_found',
    'action_not_allowed',
    'fail_mandatory_field',
    'invalid_field',
    'invalid_identification',
    'country_not_supported',
  ],
  examples: {
    request: { name: 'Ana', last_name: 'García López', birth_date: '1990-05-17' },
    answer: KYC_EXAMPLE,
  },
  async handle(app, { params: { token }, body }) {
    const typed = Object.fromEntries(Object.entries(body).filter(([field]) => FIELDS.has(field)))
    await saveFields(app, token, typed as Record<string, string>)
    return getView(app, token)
  },
})

/** Unknown fields are ignored, and so is `email`, which is shown and not changed. */
const FIELDS: ReadonlySet<string> = new Set(FORM_FIELDS)

export const checkKycIdentification = endpoint({
  method: 'POST',
  path: '/hosted/kyc/{token}/identification/check',
  section: 'hosted',
  name: 'checkKycIdentification',
  summary: 'Check a document number as it is typed',
  description: "By the country's own rule; nothing is saved.",
  audience: 'page',
  params: KycToken,
  body: Type.Object({
    country: Type.String({ maxLength: 8 }),
    type: Type.String({ maxLength: 64 }),
    number: Type.String({ maxLength: 200 }),
  }),
  data: Type.Object({
    ok: Type.Boolean(),
    number: Type.Union([Type.String(), Type.Null()], { description: 'As the country writes it, when `ok`.' }),
    problem: Type.Union([Type.String(), Type.Null()]),
  }),
  errors: ['verification_not_found', 'fail_mandatory_field', 'invalid_field'],
  examples: {
    request: { country: 'CL', type: 'RUT', number: '123456785' },
    answer: { ok: true, number: '12.345.678-5', problem: null },
  },
  async handle(app, { params: { token }, body }): Promise<IdentificationCheck> {
    await getVerification(app, token)
    const country = parseCountry(body.country)
    if (country === undefined) return { ok: false, number: null, problem: 'invalid' }
    if (body.number.trim() === '') return { ok: false, number: null, problem: 'required' }
    const checked = checkIdentification({
      country,
      person: 'individual',
      type: body.type,
      number: body.number,
    })
    if (!checked.ok) return { ok: false, number: null, problem: checked.problem }
    return { ok: true, number: checked.number, problem: null }
  },
})

export const uploadKycPhoto = endpoint({
  method: 'PUT',
  path: '/hosted/kyc/{token}/photos/{kind}',
  section: 'hosted',
  name: 'uploadKycPhoto',
  summary: 'Upload a photo',
  description:
    "The body is the picture itself, JPEG, PNG or WebP, judged by its content, at most 10 MiB. It is kept without its metadata, sealed under the customer's key. A poor photo is kept, too; `problems` says what is poor.",
  audience: 'page',
  params: Type.Object({
    token: KycToken.properties.token,
    kind: OneOf(PHOTO_KINDS),
  }),
  raw: { contentTypes: PICTURE_TYPES, limitBytes: MAX_PHOTO_BYTES },
  data: Type.Object({ photo: Type.Unsafe<object>({ type: 'object' }), view: KycView }),
  errors: ['verification_not_found', 'action_not_allowed', 'invalid_field', 'invalid_file', 'body_too_large'],
  examples: {
    answer: {
      photo: { kind: 'document_front', uploaded_at: '2026-06-26T10:31:00.000000Z', problems: [] },
      view: KYC_EXAMPLE,
    },
  },
  async handle(app, { params: { token, kind }, rawBody }): Promise<PhotoResult> {
    await savePhoto(app, token, kind, rawBody)
    const view = await getView(app, token)
    const photo = view.photos.find((one) => one.kind === kind)
    // Gone already: another device sent the form on, and it was decided meanwhile.
    return photo ? { photo, view } : fail('action_not_allowed', 'The form was sent meanwhile.')
  },
})

export const submitKyc = endpoint({
  method: 'POST',
  path: '/hosted/kyc/{token}/submit',
  section: 'hosted',
  name: 'submitKyc',
  summary: 'Send the form',
  description: 'Everything must be there. What happens then is shown by the page, live.',
  audience: 'page',
  params: KycToken,
  body: Type.Object({
    declare: Type.Literal(true, { description: 'The customer declares that all is true.' }),
  }),
  data: KycView,
  errors: [
    'verification_not_found',
    'action_not_allowed',
    'fail_mandatory_field',
    'invalid_field',
    'invalid_identification',
    'country_not_supported',
  ],
  examples: { request: { declare: true }, answer: { ...KYC_EXAMPLE, phase: 'processing' } },
  async handle(app, { params: { token } }) {
    await submitForm(app, token)
    return getView(app, token)
  },
})
