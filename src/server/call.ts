import { parseCookie } from 'cookie'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { App } from '../app.ts'
import type { Integration } from '../common/integration.ts'
import { decodeUtf8, parseJsonBody, readForm } from './body.ts'
import { countKnown, countPage } from './count-calls.ts'
import { type ApiRequest, type Endpoint, envelopeOf } from './endpoint.ts'
import { Failure, fail } from './errors.ts'
import { findFaults, refuseFaulty } from './faults.ts'
import type { FileBody } from './file-body.ts'
import { readFields } from './form.ts'
import {
  beginIdempotent,
  forgetCall,
  type IdempotentCall,
  recordResource,
  rememberAnswer,
} from './idempotency.ts'
import type { List } from './pagination.ts'
import { renderList, renderSuccess } from './render.ts'
import { compileValidator, type Validator } from './validate.ts'

export interface CompiledEndpoint {
  endpoint: Endpoint
  params: Validator
  query: Validator
  body: Validator
}

export function compileEndpoint(endpoint: Endpoint): CompiledEndpoint {
  return {
    endpoint,
    params: compileValidator(endpoint.params),
    query: compileValidator(endpoint.query),
    body: compileValidator(endpoint.body),
  }
}

const nobody = {} as Integration
const NO_BODY = Buffer.alloc(0)
const NO_COOKIES = {}
const NO_FILES: FileBody['files'] = new Map()

/**
 * Takes one request through its endpoint: caller, rate, fields, idempotency, handler. Answers the body's text. Throws
 * at once or later. Only what has to wait is a promise: each one that is not needed costs a quote half a microsecond.
 */
export function call(
  app: App,
  compiled: CompiledEndpoint,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<string> {
  if (compiled.endpoint.audience !== 'token') return callAs(app, compiled, request, reply, nobody)
  const caller = authenticate(app, request)
  return caller instanceof Promise
    ? caller.then((integration) => callAs(app, compiled, request, reply, integration))
    : callAs(app, compiled, request, reply, caller)
}

function callAs(
  app: App,
  compiled: CompiledEndpoint,
  request: FastifyRequest,
  reply: FastifyReply,
  integration: Integration,
): Promise<string> {
  const { endpoint } = compiled
  limitRate(app, endpoint, integration, request, reply)
  if (endpoint.audience === 'page' && request.headers['x-page'] !== '1') {
    fail('page_header_missing', "This call belongs to the customer's page, which sends the header X-Page: 1.")
  }
  const given = request.body as Buffer | FileBody | undefined
  const rawBody = Buffer.isBuffer(given) ? given : (given?.text ?? NO_BODY)
  const { body, asText } = readBody(endpoint, request, rawBody)
  const query = request.query as Record<string, unknown>
  const params = request.params as Record<string, unknown>
  const key = request.headers['idempotency-key']
  // As it was parsed, before amounts became the digits that were sent: 32 and 32.0 are equal.
  const parsed = key === undefined ? body : { ...body }
  const faulty = findFaults(app, compiled, { body, query, params }, asText, integration)
  if (faulty) return refuseFaulty(app, endpoint, faulty, { files: filesOf(request.body), integration })
  endpoint.refuse?.(body)
  const proceed = (idempotent: IdempotentCall | undefined) =>
    handle(
      app,
      endpoint,
      apiRequest(app, endpoint, { request, reply, integration, rawBody, body, query, params, idempotent }),
      idempotent,
    )
  if (typeof key !== 'string' || endpoint.method !== 'POST' || endpoint.audience !== 'token') {
    return proceed(undefined)
  }
  return onceForKey(app, { request, reply, integration, key, parsed }, proceed)
}

/** The answer remembered under the request's `Idempotency-Key`, or that of the handler, which is remembered then. */
async function onceForKey(
  app: App,
  given: {
    request: FastifyRequest
    reply: FastifyReply
    integration: Integration
    key: string
    parsed: Record<string, unknown>
  },
  proceed: (idempotent: IdempotentCall) => Promise<string>,
): Promise<string> {
  const { request, reply, integration, key, parsed } = given
  const begun = await beginIdempotent(app, {
    integrationId: integration.id,
    method: request.method,
    path: request.url.split('?', 1)[0] as string,
    key,
    body: parsed,
  })
  if (!('replay' in begun)) return proceed(begun.call)
  reply.header('Idempotent-Replayed', 'true')
  return begun.replay
}

/** Answers at once for a token that is known, so that most calls wait for nothing. */
export function authenticate(app: App, request: FastifyRequest): Integration | Promise<Integration> {
  const token = request.headers.auth
  if (typeof token !== 'string' || token === '') return refuseCaller()
  const found = app.authenticator.find(token, request.ip)
  return found instanceof Promise ? found.then((later) => later ?? refuseCaller()) : (found ?? refuseCaller())
}

function refuseCaller(): never {
  fail(
    'authorization_incorrect',
    'Missing, unknown or expired token, or an address outside the allowlist. Call POST /api/authenticate and send the token in the header `auth`.',
  )
}

/** A caller that nobody knows is counted with the answer, by the address. */
function limitRate(
  app: App,
  { audience }: Endpoint,
  integration: Integration,
  request: FastifyRequest,
  reply: FastifyReply,
): void {
  if (audience === 'token') countKnown(app, integration, (name, value) => reply.header(name, value))
  if (audience === 'page') countPage(app, request.ip, (name, value) => reply.header(name, value))
}

function readBody(
  endpoint: Endpoint,
  request: FastifyRequest,
  rawBody: Buffer,
): { body: Record<string, unknown>; asText: boolean } {
  if (endpoint.raw || endpoint.method === 'GET' || rawBody.length === 0) return { body: {}, asText: false }
  const contentType = (request.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? ''
  if (contentType === 'application/x-www-form-urlencoded') {
    return { body: readFields(readForm(decodeUtf8(rawBody))), asText: true }
  }
  if (contentType === 'application/json' || contentType.endsWith('+json')) {
    return { body: parseJsonBody(decodeUtf8(rawBody)), asText: false }
  }
  return fail(
    'unsupported_media_type',
    'Send application/json or application/x-www-form-urlencoded, and say so in Content-Type.',
  )
}

function apiRequest(
  app: App,
  endpoint: Endpoint,
  given: {
    request: FastifyRequest
    reply: FastifyReply
    integration: Integration
    rawBody: Buffer
    body: Record<string, unknown>
    query: Record<string, unknown>
    params: Record<string, unknown>
    idempotent: IdempotentCall | undefined
  },
): ApiRequest {
  const { request, reply, idempotent } = given
  // No getters here: V8 gives each object literal with one a shape of its own, which made every access slow and the
  // heap grow until a full collection; half the cost of a quote.
  return {
    params: given.params,
    query: given.query,
    body: given.body,
    integration: given.integration,
    rawBody: given.rawBody,
    files: filesOf(request.body),
    requestId: request.id,
    address: request.ip,
    headers: request.headers,
    cookies: endpoint.audience === 'page' ? parseCookie(request.headers.cookie ?? '') : NO_COOKIES,
    setHeader: (name, value) => void reply.header(name, value),
    async remember(trx, data) {
      if (idempotent)
        await rememberAnswer(app, trx, idempotent, renderSuccess(data, envelopeOf(endpoint, data)))
    },
    async record(trx, resourceId) {
      if (idempotent) await recordResource(trx, idempotent, resourceId)
    },
    recorded: idempotent?.recorded ?? null,
    signal: endpoint.audience === 'page' ? goneSignal(reply) : NEVER_GONE,
  }
}

function filesOf(body: unknown): FileBody['files'] {
  return !body || Buffer.isBuffer(body) ? NO_FILES : (body as FileBody).files
}

/** Only pages wait for news; making a signal for every call would cost more than most calls. */
const NEVER_GONE = new AbortController().signal

function goneSignal(reply: FastifyReply): AbortSignal {
  const gone = new AbortController()
  reply.raw.once('close', () => gone.abort())
  return gone.signal
}

async function handle(
  app: App,
  endpoint: Endpoint,
  request: ApiRequest,
  idempotent: IdempotentCall | undefined,
): Promise<string> {
  try {
    const result = await endpoint.handle(app, request)
    const answer = endpoint.list
      ? renderList(result as List)
      : renderSuccess(result, envelopeOf(endpoint, result))
    if (idempotent) await rememberAnswer(app, app.db, idempotent, answer)
    return answer
  } catch (error) {
    if (idempotent && error instanceof Failure) await forgetCall(app, idempotent)
    throw error
  }
}
