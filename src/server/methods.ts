import type { FastifyInstance, HTTPMethods } from 'fastify'
import { Failure } from './errors.ts'

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE'] as const

/**
 * Remembers the routes that are added from now on. What it answers makes every address among them refuse the methods
 * that it has no route for: 405, and in `Allow` those that it has.
 */
export function watchMethods(fastify: FastifyInstance): () => void {
  const known = new Map<string, Set<string>>()
  fastify.addHook('onRoute', ({ url, method }) => {
    const methods = known.get(url) ?? new Set()
    known.set(url, methods)
    for (const one of [method].flat()) methods.add(one)
  })
  return () => {
    // As it is now: the routes of the refusals are heard of, too.
    for (const [url, methods] of [...known]) refuseOthers(fastify, url, new Set(methods))
  }
}

function refuseOthers(fastify: FastifyInstance, url: string, known: ReadonlySet<string>): void {
  const others = METHODS.filter((method) => !known.has(method))
  if (others.length === 0) return
  const allowed = [...known].join(', ')
  fastify.route({
    method: others as HTTPMethods[],
    url,
    exposeHeadRoute: false,
    // Told before a byte of the body is held.
    onRequest: async (request, reply) => {
      reply.header('Allow', allowed)
      const path = request.url.split('?', 1)[0]
      throw new Failure('method_not_supported', `${path} takes ${allowed}, not ${request.method}.`)
    },
    handler: async () => {},
  })
}
