import { existsSync } from 'node:fs'
import { join } from 'node:path'
import helmet from '@fastify/helmet'
import staticFiles from '@fastify/static'
import type { FastifyInstance } from 'fastify'
import type { App } from '../app.ts'
import { openGateway } from '../hosted/gateway.ts'
import { ERRORS } from './errors.ts'

const FOLDER = join(import.meta.dirname, '../../dist/web')
/** Built file names carry a hash of their content, so they may be kept for ever. */
const YEAR_SECONDS = 31_536_000

/** The addresses of the customer's pages, and the built file behind each. */
const PAGES = [
  { url: '/kyc/:token', file: 'kyc.html', sandboxOnly: false },
  { url: '/kyb/:token', file: 'kyb.html', sandboxOnly: false },
  { url: '/onboarding/:token', file: 'onboarding.html', sandboxOnly: false },
  { url: '/payment/:id', file: 'payment.html', sandboxOnly: false },
  { url: '/simulators/card/:session', file: 'simulators/card.html', sandboxOnly: true },
  { url: '/simulators/bank/:session', file: 'simulators/bank.html', sandboxOnly: true },
  { url: '/simulators/paypal/:session', file: 'simulators/paypal.html', sandboxOnly: true },
  { url: '/simulators/local/:session', file: 'simulators/local.html', sandboxOnly: true },
] as const

/** The content policy of every page: nothing from another host, nothing inline, never inside a frame. */
export const PAGE_POLICY = {
  defaultSrc: ["'none'"],
  scriptSrc: ["'self'"],
  styleSrc: ["'self'"],
  imgSrc: ["'self'", 'data:', 'blob:'],
  mediaSrc: ["'self'", 'blob:'],
  connectSrc: ["'self'"],
  workerSrc: ["'self'"],
  formAction: ["'self'"],
  baseUri: ["'none'"],
  frameAncestors: ["'none'"],
}

/** Serves the built pages. The HTML is the same for everyone; what is personal comes by the JSON behind it. */
export async function registerPages(app: App, fastify: FastifyInstance): Promise<void> {
  if (!existsSync(FOLDER))
    throw new Error(`The pages are not built: ${FOLDER} is missing. Run "npm run build".`)
  await fastify.register(async (scope) => {
    await scope.register(helmet, {
      contentSecurityPolicy: { useDefaults: false, directives: PAGE_POLICY },
      referrerPolicy: { policy: 'no-referrer' },
      crossOriginEmbedderPolicy: false,
      frameguard: { action: 'deny' },
      strictTransportSecurity: app.config.mode === 'production' ? { maxAge: YEAR_SECONDS } : false,
    })
    scope.addHook('onSend', async (_request, reply) => {
      reply.header('Permissions-Policy', 'camera=(self), geolocation=(), microphone=(), payment=()')
    })
    await scope.register(staticFiles, {
      // Only hashed assets are reached by their own name; pages have addresses of their own below.
      root: join(FOLDER, 'assets'),
      serve: true,
      prefix: '/assets/',
      index: false,
      preCompressed: true,
      cacheControl: false,
      setHeaders(response, path) {
        const isPage = path.includes('.html')
        response.header('Cache-Control', isPage ? 'no-store' : `public, max-age=${YEAR_SECONDS}, immutable`)
      },
    })
    for (const { url, file, sandboxOnly } of PAGES) {
      if (sandboxOnly && app.config.mode !== 'sandbox') continue
      scope.get(url, async (_request, reply) => {
        return reply.sendFile(file, FOLDER)
      })
    }
    registerGateway(app, scope)
    scope.get('/', async (_request, reply) => reply.redirect('/docs', 302))
  })
}

/** The address that `createPayment` answers: on to the provider, or our own page, whatever happens. */
function registerGateway(app: App, scope: FastifyInstance): void {
  scope.get<{ Params: { method: string }; Querystring: { token?: string | string[] } }>(
    '/gateway/:method',
    async (request, reply) => {
      reply.header('Cache-Control', 'no-store')
      const token = String(request.query.token ?? '')
      const { allowed } = app.rateLimiter.take(`page:${request.ip}`, app.config.rateLimitPerMinute)
      const answer = allowed
        ? await openGateway(app, { method: request.params.method, token }).catch((error: unknown) => {
            app.metrics.internalErrors.inc()
            app.log.error({ err: error, requestId: request.id }, 'An unexpected error at the gateway.')
            return { status: ERRORS.unexpected_error }
          })
        : { status: ERRORS.too_many_requests }
      if ('location' in answer) {
        return reply.header('Set-Cookie', answer.cookie).redirect(answer.location, 303)
      }
      return reply.code(answer.status).sendFile('payment.html', FOLDER)
    },
  )
}
