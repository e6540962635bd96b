import type { TSchema } from 'typebox'
import { type Endpoint, type Envelope, envelopeOf } from './endpoint.ts'
import { ERROR_TEXTS } from './error-texts.ts'
import { ERRORS, type ErrorCode, TRANSPORT_ERRORS } from './errors.ts'
import { type NamedSchemas, type Schema, toOpenApi } from './openapi-schema.ts'
import { sectionName } from './sections.ts'

/** All codes that an endpoint can answer: its own, and those that calls of its kind have. */
export function codesOf(endpoint: Endpoint): ErrorCode[] {
  const { audience, method } = endpoint
  const codes = new Set<ErrorCode>(endpoint.errors)
  const takesBody = method !== 'GET'
  if (audience === 'token' || audience === 'provider') codes.add('authorization_incorrect')
  if (audience === 'page') codes.add('page_header_missing')
  if (hasRequired(endpoint.query) || (hasRequired(endpoint.body) && !endpoint.judgeBody)) {
    codes.add('fail_mandatory_field')
  }
  if (endpoint.query || endpoint.body || endpoint.params) codes.add('invalid_field')
  if (isIdempotent(endpoint)) codes.add('idempotency_key_reused').add('request_in_progress')
  if (takesBody) codes.add('body_too_large')
  if (takesBody && !endpoint.raw) codes.add('invalid_json').add('unsupported_media_type')
  if (audience !== 'provider') codes.add('too_many_requests')
  return [...codes.add('unexpected_error')]
}

/** Whether the call takes an `Idempotency-Key`. */
export function isIdempotent({ audience, method }: Endpoint): boolean {
  return audience === 'token' && method === 'POST'
}

const hasRequired = (schema: TSchema | undefined): boolean =>
  ((schema as { required?: string[] } | undefined)?.required ?? []).length > 0

export function operationOf(endpoint: Endpoint, named: NamedSchemas): Schema {
  const { body, raw } = endpoint
  return {
    operationId: endpoint.name,
    tags: [sectionName(endpoint.section)],
    summary: endpoint.summary,
    description: endpoint.description,
    ...(endpoint.audience === 'token' ? {} : { security: [] }),
    parameters: parametersOf(endpoint, named),
    ...(raw
      ? { requestBody: rawBody(raw.contentTypes) }
      : body
        ? { requestBody: fieldsBody(endpoint, body, named) }
        : {}),
    responses: responsesOf(endpoint, named),
  }
}

function parametersOf(endpoint: Endpoint, named: NamedSchemas): Schema[] {
  const { audience, examples } = endpoint
  const parameters = [
    ...fieldParameters('path', endpoint.params, named),
    ...fieldParameters(
      'query',
      endpoint.query,
      named,
      endpoint.method === 'GET' ? examples.request : undefined,
    ),
  ]
  if (audience === 'page') parameters.push({ $ref: '#/components/parameters/Page' })
  if (audience === 'token' || audience === 'none') parameters.push({ $ref: '#/components/parameters/Prefer' })
  if (isIdempotent(endpoint)) parameters.push({ $ref: '#/components/parameters/IdempotencyKey' })
  return parameters
}

function fieldParameters(
  place: 'path' | 'query',
  schema: TSchema | undefined,
  named: NamedSchemas,
  example: Record<string, unknown> = {},
): Schema[] {
  const { properties = {}, required = [] } = (schema ?? {}) as {
    properties?: Record<string, TSchema>
    required?: string[]
  }
  return Object.entries(properties).map(([name, field]) => {
    const { description, ...rest } = toOpenApi(field, named)
    return {
      name,
      in: place,
      required: place === 'path' || required.includes(name),
      ...(description ? { description } : {}),
      schema: rest,
      ...(name in example ? { example: example[name] } : {}),
    }
  })
}

function rawBody(contentTypes: readonly string[]): Schema {
  return { required: true, content: Object.fromEntries(contentTypes.map((type) => [type, {}])) }
}

function fieldsBody({ audience, examples, method }: Endpoint, body: TSchema, named: NamedSchemas): Schema {
  const schema = toOpenApi(body, named)
  const example = method === 'GET' || !examples.request ? {} : { example: examples.request }
  const types =
    audience === 'page' ? ['application/json'] : ['application/json', 'application/x-www-form-urlencoded']
  return {
    required: hasRequired(body),
    content: Object.fromEntries(
      types.map((type, index) => [type, index === 0 ? { schema, ...example } : { schema }]),
    ),
  }
}

function responsesOf(endpoint: Endpoint, named: NamedSchemas): Schema {
  const codes = codesOf(endpoint)
  const honestAlways = endpoint.audience === 'page' || endpoint.audience === 'provider'
  const isUnasked = (code: ErrorCode): boolean =>
    TRANSPORT_ERRORS.has(code) || endpoint.honest?.includes(code) === true
  const inSuccess = honestAlways ? [] : codes.filter((code) => !isUnasked(code))
  const responses: Record<string, Schema> = { '200': successOf(endpoint, inSuccess, named) }
  for (const status of [...new Set(codes.map((code) => ERRORS[code]))].sort((a, b) => a - b)) {
    const answered = codes.filter((code) => ERRORS[code] === status)
    responses[status] = failureOf(answered, (code) => honestAlways || isUnasked(code))
  }
  if (endpoint.judgeBody) responses['422'] = FAULTS_IN_SENTENCES
  return responses
}

/** What `judgeBody` finds is answered so, whatever the caller prefers. */
const FAULTS_IN_SENTENCES: Schema = {
  description: [
    'Fields are missing or wrong: always with this status, and without a code.',
    '',
    'Under `Prefer: http-status` of an unusable `Idempotency-Key`:',
    '',
    `- \`invalid_field\`: ${ERROR_TEXTS.invalid_field}`,
  ].join('\n'),
  content: {
    'application/json': {
      schema: {
        oneOf: [
          {
            type: 'object',
            required: ['message', 'errors'],
            properties: {
              message: { type: 'string', description: 'The first sentence, and how many more there are.' },
              errors: { type: 'object', additionalProperties: { type: 'array', items: { type: 'string' } } },
            },
          },
          errorSchema(['invalid_field']),
        ],
      },
      example: {
        message: 'The email field is required. (and 1 more error)',
        errors: {
          email: ['The email field is required.'],
          company_name: ['The company name field is required.'],
        },
      },
    },
  },
}

function successOf(endpoint: Endpoint, errors: readonly ErrorCode[], named: NamedSchemas): Schema {
  const { envelope, forms, data } = endpoint
  const successes = forms
    ? forms.map((form) => ({
        title: form.title,
        ...successForm(endpoint, form.envelope, form.data, named),
      }))
    : [successForm(endpoint, envelope, data, named)]
  const schemas = errors.length === 0 ? successes : [...successes, errorSchema(errors)]
  const schema = schemas.length === 1 ? schemas[0] : { oneOf: schemas }
  return {
    description:
      errors.length === 0 ? 'Done.' : 'Done; or a business error, unless `Prefer: http-status` was sent.',
    headers: headersOf(endpoint),
    content: { 'application/json': { schema, example: exampleAnswer(endpoint) } },
  }
}

function successForm(
  { examples, list }: Endpoint,
  envelope: Envelope | undefined,
  data: TSchema,
  named: NamedSchemas,
): Schema {
  const hasData = examples.answer !== undefined
  return {
    type: 'object',
    required: [
      'status',
      ...(envelope ? ['message'] : []),
      ...(hasData ? ['data'] : []),
      ...(list ? ['pagination'] : []),
    ],
    properties: {
      status: { const: envelope?.status ?? 'ok' },
      ...(envelope ? { message: { const: envelope.message } } : {}),
      ...(hasData ? { data: toOpenApi(data, named) } : {}),
      ...(list ? { pagination: { $ref: '#/components/schemas/Pagination' } } : {}),
    },
  }
}

/** The example in its envelope, as the endpoint answers it. */
export function exampleAnswer(endpoint: Endpoint, answer: unknown = endpoint.examples.answer): Schema {
  const { list, query } = endpoint
  const status = envelopeOf(endpoint, answer) ?? { status: 'ok' }
  if (answer === undefined) return { ...status }
  return list
    ? { ...status, data: answer, pagination: examplePage(answer as unknown[], query) }
    : { ...status, data: answer }
}

function examplePage(rows: readonly unknown[], query: TSchema | undefined): Schema {
  const hasPages = 'page' in ((query as { properties?: object } | undefined)?.properties ?? {})
  return {
    current_page: hasPages ? 1 : null,
    per_page: 25,
    total: hasPages ? rows.length : null,
    total_is_exact: hasPages,
    last_page: hasPages ? 1 : null,
    next_cursor: null,
  }
}

function headersOf(endpoint: Endpoint): Schema {
  const header = (name: string): Schema => ({ $ref: `#/components/headers/${name}` })
  return {
    'X-Request-Id': header('XRequestId'),
    ...(endpoint.audience === 'provider'
      ? {}
      : { RateLimit: header('RateLimit'), 'RateLimit-Policy': header('RateLimitPolicy') }),
    ...(isIdempotent(endpoint) ? { 'Idempotent-Replayed': header('IdempotentReplayed') } : {}),
  }
}

function failureOf(codes: readonly ErrorCode[], isUnasked: (code: ErrorCode) => boolean): Schema {
  const unasked = codes.every(isUnasked)
  const lines = codes.map((code) => {
    const always = !unasked && isUnasked(code) ? ' (with this status always)' : ''
    return `- \`${code}\`${always}: ${ERROR_TEXTS[code]}`
  })
  const retries = codes.some((code) => code === 'too_many_requests' || code === 'request_in_progress')
  return {
    description: [...(unasked ? [] : ['Under `Prefer: http-status`:', '']), ...lines].join('\n'),
    ...(retries ? { headers: { 'Retry-After': { $ref: '#/components/headers/RetryAfter' } } } : {}),
    content: { 'application/json': { schema: errorSchema(codes) } },
  }
}

function errorSchema(codes: readonly ErrorCode[]): Schema {
  return {
    allOf: [{ $ref: '#/components/schemas/Error' }, { properties: { error: { enum: codes } } }],
  }
}
