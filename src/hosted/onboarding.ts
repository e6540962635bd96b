import { Type } from 'typebox'
import { ENHANCED_FIELDS } from '../providers/kyc/enhanced.ts'
import { endpoint } from '../server/endpoint.ts'
import { OneOf } from '../server/fields.ts'
import { PROOF_TYPES } from '../users/enhanced-choices.ts'
import { kycNews } from '../users/verification.ts'
import { getVersion } from './kyc-scene.ts'
import { addDocument, removeDocument, saveDeclared, submitDeclared } from './onboarding-changes.ts'
import { ONBOARDING_EXAMPLE } from './onboarding-example.ts'
import { getOnboarding, getOnboardingView } from './onboarding-scene.ts'
import { untilChanged } from './page-news.ts'

const MAX_DOCUMENT_BYTES = 10 * 1024 * 1024
const FILE_TYPES = ['application/pdf', 'image/jpeg', 'image/png', 'image/webp', 'application/octet-stream']

const Token = Type.Object({
  token: Type.String({ maxLength: 128, description: 'The secret at the end of `onboarding_link`.' }),
})

/** The page knows the shape from the types it shares with the server. */
const View = Type.Unsafe<object>({ type: 'object', description: 'All that the onboarding page shows.' })

export const showOnboardingPage = endpoint({
  method: 'GET',
  path: '/hosted/onboarding/{token}',
  section: 'hosted',
  name: 'showOnboardingPage',
  summary: 'What the onboarding page shows',
  description:
    'With `after` the call waits until the version is another one, at most 25 seconds, and then answers what there is.',
  audience: 'page',
  params: Token,
  query: Type.Object({
    after: Type.Optional(Type.String({ maxLength: 128, description: 'The version the page has.' })),
  }),
  data: View,
  errors: ['verification_not_found'],
  examples: { answer: ONBOARDING_EXAMPLE },
  async handle(app, { params: { token }, query: { after }, signal }) {
    if (after !== undefined) {
      const key = kycNews(await getOnboarding(app, token))
      await untilChanged(app, { key, after, signal, readVersion: () => getVersion(app, token) })
    }
    return getOnboardingView(app, token)
  },
})

export const saveOnboardingData = endpoint({
  method: 'PUT',
  path: '/hosted/onboarding/{token}/data',
  section: 'hosted',
  name: 'saveOnboardingData',
  summary: 'Save what was declared',
  description: 'Any part of the fields, all or nothing. Blank text clears a field that may stay empty.',
  audience: 'page',
  params: Token,
  body: Type.Object(
    Object.fromEntries(
      ENHANCED_FIELDS.map((field) => [field, Type.Optional(Type.String({ maxLength: 2000 }))]),
    ),
  ),
  data: View,
  errors: ['verification_not_found', 'action_not_allowed', 'fail_mandatory_field', 'invalid_field'],
  examples: {
    request: { employment_status: 'employed', occupation: 'Contable', employer: 'Panadería Sol, S.L.' },
    answer: ONBOARDING_EXAMPLE,
  },
  async handle(app, { params: { token }, body }) {
    const typed = Object.fromEntries(Object.entries(body).filter(([field]) => FIELDS.has(field)))
    await saveDeclared(app, token, typed as Record<string, string>)
    return getOnboardingView(app, token)
  },
})

/** Unknown fields are ignored. */
const FIELDS: ReadonlySet<string> = new Set(ENHANCED_FIELDS)

export const uploadOnboardingDocument = endpoint({
  method: 'POST',
  path: '/hosted/onboarding/{token}/documents/{type}',
  section: 'hosted',
  name: 'uploadOnboardingDocument',
  summary: 'Add a document',
  description:
    "The body is the file itself: PDF, JPEG, PNG or WebP, judged by its content, at most 10 MiB. Its name stands percent-encoded in the header `X-File-Name`. It is kept sealed under the customer's key, a picture without its metadata.",
  audience: 'page',
  params: Type.Object({ token: Token.properties.token, type: OneOf(PROOF_TYPES) }),
  raw: { contentTypes: FILE_TYPES, limitBytes: MAX_DOCUMENT_BYTES },
  data: View,
  errors: ['verification_not_found', 'action_not_allowed', 'invalid_field', 'invalid_file', 'body_too_large'],
  examples: { answer: ONBOARDING_EXAMPLE },
  async handle(app, { params: { token, type }, rawBody, headers }) {
    await addDocument(app, token, { type, name: fileName(headers['x-file-name']), bytes: rawBody })
    return getOnboardingView(app, token)
  },
})

export const removeOnboardingDocument = endpoint({
  method: 'POST',
  path: '/hosted/onboarding/{token}/remove-document',
  section: 'hosted',
  name: 'removeOnboardingDocument',
  summary: 'Take a document out',
  description: 'Of those that were not sent yet. One that is gone already is no error.',
  audience: 'page',
  params: Token,
  body: Type.Object({ document_id: Type.String({ maxLength: 64 }) }),
  data: View,
  errors: ['verification_not_found', 'action_not_allowed', 'fail_mandatory_field', 'invalid_field'],
  examples: {
    request: { document_id: 'doc_Zk3VqT9bX1LmN8sR4pYw2Ac6' },
    answer: { ...ONBOARDING_EXAMPLE, documents: [] },
  },
  async handle(app, { params: { token }, body }) {
    await removeDocument(app, token, body.document_id)
    return getOnboardingView(app, token)
  },
})

export const submitOnboarding = endpoint({
  method: 'POST',
  path: '/hosted/onboarding/{token}/submit',
  section: 'hosted',
  name: 'submitOnboarding',
  summary: 'Sign and send the declaration',
  description:
    'Everything must be there, a document at least. A person signs with the name that was verified, for a company whoever represents it. What happens then is shown by the page, live.',
  audience: 'page',
  params: Token,
  body: Type.Object({
    signature: Type.String({ maxLength: 500, description: 'The name of whoever signs.' }),
    declare: Type.Literal(true, { description: 'The customer declares that all is true.' }),
  }),
  data: View,
  errors: ['verification_not_found', 'action_not_allowed', 'fail_mandatory_field', 'invalid_field'],
  examples: {
    request: { signature: 'Ana García López', declare: true },
    answer: { ...ONBOARDING_EXAMPLE, phase: 'processing' },
  },
  async handle(app, { params: { token }, body }) {
    await submitDeclared(app, token, body.signature)
    return getOnboardingView(app, token)
  },
})

/** The name a file had on the customer's device; shown there again and used for nothing else. */
function fileName(header: string | string[] | undefined): string {
  const text = [header ?? ''].flat().join('')
  const name = decode(text)
    .normalize('NFC')
    // What isn't seen, or turns the direction of what follows, only disguises a name.
    .replaceAll(/[\p{Cc}\p{Cf}\p{Cs}]/gu, '')
    .trim()
  return name.slice(-120) || '—'
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    // No percent-encoding after all: the name as it came.
    return text
  }
}
