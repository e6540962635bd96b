import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import helmet from '@fastify/helmet'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { App } from '../app.ts'
import { pathsOfSite, renderSite } from './docs/site.ts'
import { ENDPOINTS } from './endpoints.ts'
import { NAMED, openApiDocument } from './openapi.ts'

const FOLDER = join(import.meta.dirname, 'docs')
const STYLE = readFileSync(join(FOLDER, 'docs.css'), 'utf8')
const SCRIPT = readFileSync(join(FOLDER, 'docs.js'), 'utf8')
const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8')) as {
  version: string
}

/** Text with its forms, made once. */
interface Served {
  type: string
  tag: string
  bodies: { br: Buffer; gzip: Buffer; identity: Buffer }
}

/** The documentation (`/docs` and the pages below it) and the OpenAPI document (`/openapi.json`), both from the endpoint table. */
export async function registerDocs(app: Pick<App, 'config'>, fastify: FastifyInstance): Promise<void> {
  const sandbox = app.config.mode === 'sandbox'
  const endpoints = ENDPOINTS.filter((endpoint) => sandbox || !endpoint.sandboxOnly)
  const style = serve('text/css; charset=utf-8', STYLE)
  const script = serve('text/javascript; charset=utf-8', SCRIPT)
  const assets = { style: `/docs/docs.css?v=${style.tag}`, script: `/docs/docs.js?v=${script.tag}` }
  // The public address is known once the server listens; what is written with it is made at the first call.
  const options = () => ({
    endpoints,
    named: NAMED,
    publicUrl: app.config.publicUrl,
    version,
    sandbox,
    assets,
  })
  const site = once(() => {
    const pages = [...renderSite(options())]
    return new Map(pages.map(([path, html]) => [path, serve('text/html; charset=utf-8', html)]))
  })
  const document = once(() =>
    serve(
      'application/json; charset=utf-8',
      JSON.stringify(openApiDocument({ endpoints, publicUrl: app.config.publicUrl, version })),
    ),
  )

  await fastify.register(async (scope) => {
    await scope.register(helmet, {
      contentSecurityPolicy: {
        useDefaults: false,
        directives: {
          defaultSrc: ["'none'"],
          styleSrc: ["'self'"],
          scriptSrc: ["'self'"],
          baseUri: ["'none'"],
          formAction: ["'none'"],
          frameAncestors: ["'none'"],
        },
      },
      referrerPolicy: { policy: 'no-referrer' },
      crossOriginEmbedderPolicy: false,
      frameguard: { action: 'deny' },
      strictTransportSecurity: sandbox ? false : { maxAge: 31_536_000 },
    })
    for (const path of pathsOfSite(options())) {
      scope.get(path, async (request, reply) => answer(request, reply, site().get(path)!, 'no-cache'))
    }
    scope.get('/docs/docs.css', async (request, reply) => answer(request, reply, style, KEEP))
    scope.get('/docs/docs.js', async (request, reply) => answer(request, reply, script, KEEP))
    scope.get('/openapi.json', async (request, reply) => {
      // Tools that run in a browser may read it from anywhere: it is public.
      reply.header('Access-Control-Allow-Origin', '*').header('Cross-Origin-Resource-Policy', 'cross-origin')
      return answer(request, reply, document(), 'no-cache')
    })
  })
}

const KEEP = 'public, max-age=31536000, immutable'

function once<T>(make: () => T): () => T {
  let made: T | undefined
  return () => (made ??= make())
}

function serve(type: string, text: string): Served {
  const identity = Buffer.from(text)
  return {
    type,
    tag: createHash('sha256').update(identity).digest('base64url').slice(0, 16),
    bodies: { identity, gzip: gzipSync(identity), br: brotliCompressSync(identity) },
  }
}

function answer(
  request: FastifyRequest,
  reply: FastifyReply,
  served: Served,
  cache: string,
): Buffer | string {
  const coding = codingFor(request.headers['accept-encoding'])
  const tag = `"${served.tag}-${coding}"`
  reply.header('Content-Type', served.type).header('Cache-Control', cache)
  reply.header('Vary', 'Accept-Encoding').header('ETag', tag)
  if (request.headers['if-none-match'] === tag) {
    reply.code(304)
    return ''
  }
  if (coding !== 'identity') reply.header('Content-Encoding', coding)
  return served.bodies[coding]
}

function codingFor(accepted: string | string[] | undefined): keyof Served['bodies'] {
  const codings = String(accepted ?? '')
    .split(',')
    .filter((item) => !/;\s*q=0(\.0*)?\s*$/.test(item))
    .map((item) => item.split(';', 1)[0]!.trim().toLowerCase())
  return codings.includes('br') ? 'br' : codings.includes('gzip') ? 'gzip' : 'identity'
}
