import { randomUUID } from 'node:crypto'
import Fastify, {
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type RouteOptions,
} from 'fastify'
import type { App } from '../app.ts'
import { call, compileEndpoint } from './call.ts'
import { countRefused, isUncounted } from './count-calls.ts'
import type { Endpoint } from './endpoint.ts'
import { ENDPOINTS } from './endpoints.ts'
import { type ErrorCode, Failure } from './errors.ts'
import { awaitRoomForPage, receiveFiles } from './file-routes.ts'
import { watchMethods } from './methods.ts'
import { prefersHonestStatus } from './prefer.ts'
import { parseQuery } from './query.ts'
import { renderFailure, UNEXPECTED } from './render.ts'
import { answerUnreadable } from './unreadable.ts'

const BODY_LIMIT_BYTES = 256 * 1024
/** Of a request's address and headers together. */
const LONGEST_HEAD_BYTES = 16 * 1024

/** The HTTP server: every endpoint of the table, and what the caller of `mount` adds (pages, documentation, health). */
export async function createServer(
  app: App,
  mount?: (fastify: FastifyInstance) => Promise<void>,
): Promise<FastifyInstance> {
  const fastify = Fastify({
    logger: false,
    genReqId: () => randomUUID(),
    trustProxy: app.config.trustProxy.length > 0 ? app.config.trustProxy : false,
    bodyLimit: BODY_LIMIT_BYTES,
    requestTimeout: 60_000,
    keepAliveTimeout: 75_000,
    forceCloseConnections: 'idle',
    routerOptions: {
      maxParamLength: LONGEST_HEAD_BYTES,
      ignoreTrailingSlash: true,
      querystringParser: parseQuery,
    },
    http: { maxHeaderSize: LONGEST_HEAD_BYTES },
    frameworkErrors: (error, request, reply) => answerError(app, error, request, reply as never),
    clientErrorHandler: (error, socket) => answerUnreadable(app, error, socket),
  })
  const refuseOtherMethods = watchMethods(fastify)
  fastify.removeAllContentTypeParsers()
  fastify.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
  fastify.addHook('onRequest', (request, reply, done) => {
    reply.header('X-Request-Id', request.id)
    reply.header('X-Content-Type-Options', 'nosniff')
    reply.header('Referrer-Policy', 'no-referrer')
    done()
  })
  fastify.addHook('onResponse', (request, reply, done) => {
    logRequest(app, request, reply)
    done()
  })
  fastify.setErrorHandler((error: FastifyError, request, reply) => answerError(app, error, request, reply))
  fastify.setNotFoundHandler((request, reply) =>
    answerError(
      app,
      new Failure('not_found', `There is no ${request.method} ${request.url.split('?', 1)[0]}. See /docs.`),
      request,
      reply,
    ),
  )
  registerEndpoints(
    app,
    fastify,
    ENDPOINTS.filter((endpoint) => app.config.mode === 'sandbox' || !endpoint.sandboxOnly),
  )
  await mount?.(fastify)
  // Scopes of their own add their routes now.
  await fastify.after()
  refuseOtherMethods()
  return fastify
}

let turn: Promise<void> | undefined

/**
 * Resolves when this turn of the event loop has read all that had come. Answers wait for it, so that many are written
 * one after the other: handling, then writing, each stays in the processor's caches, and a caller that waits is woken
 * once for all. A third more quotes a second; a single call waits for nothing.
 */
function endOfTurn(): Promise<void> {
  turn ??= new Promise((resolve) => {
    setImmediate(() => {
      turn = undefined
      resolve()
    })
  })
  return turn
}

interface RouteConfig {
  /** Answers every error with its true status. */
  honestAlways?: boolean
  /** Answers these so. */
  honest?: readonly ErrorCode[]
}

function registerEndpoints(app: App, fastify: FastifyInstance, endpoints: readonly Endpoint[]): void {
  for (const endpoint of endpoints) {
    const compiled = compileEndpoint(endpoint)
    const url = endpoint.path.replaceAll(/\{(\w+)\}/g, ':$1')
    const honestAlways = endpoint.audience === 'page' || endpoint.audience === 'provider'
    const observe = app.metrics.httpSeconds.series(endpoint.name)
    const route: RouteOptions = {
      method: endpoint.method,
      url,
      exposeHeadRoute: false,
      bodyLimit: endpoint.raw?.limitBytes ?? endpoint.bodyLimitBytes ?? BODY_LIMIT_BYTES,
      config: { honestAlways, honest: endpoint.honest },
      onResponse(_request, reply, done) {
        observe(reply.elapsedTime / 1000)
        done()
      },
      handler: async (request, reply) => {
        reply.header('Content-Type', 'application/json; charset=utf-8')
        reply.header('Cache-Control', 'no-store')
        if (prefersHonestStatus(request.headers.prefer)) reply.header('Preference-Applied', 'http-status')
        const turn = endOfTurn()
        const answer = await call(app, compiled, request, reply)
        // Over long ago for a call that waited for the database.
        await turn
        return answer
      },
    }
    const { files, raw } = endpoint
    if (raw) route.preParsing = awaitRoomForPage(app, raw.limitBytes)
    if (!files) fastify.route(route)
    else {
      fastify.register(async (scope) => {
        receiveFiles(app, scope, files)
        scope.route(route)
      })
    }
  }
}

/** One line a request, by its route: an address may hold a page's secret. */
function logRequest(app: App, request: FastifyRequest, reply: FastifyReply): void {
  if (!app.log.isLevelEnabled('info')) return
  app.log.info(
    {
      requestId: request.id,
      method: request.method,
      route: request.routeOptions.url ?? 'unknown',
      status: reply.statusCode,
      durationMs: Math.round(reply.elapsedTime),
    },
    'answered',
  )
}

function answerError(app: App, error: Error, request: FastifyRequest, reply: FastifyReply): void {
  const failure =
    error instanceof Failure
      ? error
      : (fromFramework(error as FastifyError, request) ?? unexpected(app, error, request))
  if (isUncounted(request, reply)) {
    void countRefused(app, request, reply, failure).then((counted) =>
      answerFailure(app, counted, request, reply),
    )
  } else answerFailure(app, failure, request, reply)
}

function answerFailure(app: App, failure: Failure, request: FastifyRequest, reply: FastifyReply): void {
  const config = request.routeOptions?.config as RouteConfig | undefined
  const prefers = prefersHonestStatus(request.headers.prefer)
  const honest = config?.honestAlways === true || config?.honest?.includes(failure.code) === true
  const { status, body } = renderFailure(failure, honest || prefers)
  if (prefers) reply.header('Preference-Applied', 'http-status')
  if (failure.detail.retryAfterSeconds) reply.header('Retry-After', String(failure.detail.retryAfterSeconds))
  reply.header('X-Request-Id', request.id)
  app.metrics.httpErrors.inc({ code: failure.code })
  reply
    .code(status)
    .header('Content-Type', 'application/json; charset=utf-8')
    .header('Cache-Control', 'no-store')
    .send(body)
}

/** What Fastify itself refuses, in the API's own words. */
function fromFramework(error: FastifyError, { method }: FastifyRequest): Failure | undefined {
  const known: Record<string, [ErrorCode, string]> = {
    FST_ERR_CTP_BODY_TOO_LARGE: ['body_too_large', 'The body is larger than this endpoint takes.'],
    FST_ERR_CTP_INVALID_MEDIA_TYPE: [
      'unsupported_media_type',
      'Send application/json and say so in Content-Type.',
    ],
    FST_ERR_CTP_INVALID_CONTENT_LENGTH: [
      'invalid_json',
      'The body does not have the length that Content-Length says.',
    ],
    FST_ERR_CTP_EMPTY_TYPE: ['unsupported_media_type', 'Send application/json and say so in Content-Type.'],
    FST_ERR_BAD_URL: ['not_found', 'The address is not a readable one.'],
  }
  const found = known[error.code]
  if (found) return new Failure(...found)
  if (error.statusCode === undefined || error.statusCode < 400 || error.statusCode >= 500) return undefined
  // What has no body is refused for its address, such as one with `..` in it.
  if (method === 'GET' || method === 'HEAD') return new Failure('not_found', 'There is no such address.')
  // The connection broke or the client sent half a body: the client's doing, and nobody is left to read the answer.
  return new Failure('invalid_json', 'The request could not be read.')
}

function unexpected(app: App, error: unknown, request: FastifyRequest): Failure {
  app.metrics.internalErrors.inc()
  app.log.error(
    { err: error, requestId: request.id, method: request.method, route: request.routeOptions?.url },
    'An unexpected error.',
  )
  return new Failure(UNEXPECTED.code, UNEXPECTED.message)
}
