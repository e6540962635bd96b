import type { FastifyInstance } from 'fastify'
import type { App } from '../app.ts'
import { proxyRpc } from './chain/proxy-rpc.ts'

const LIMIT_BYTES = 1024 * 1024
/** Calls a minute from one address. */
const RATE = 6_000

/** Where a client of the sandbox reaches a local chain. */
export function rpcUrl({ config }: Pick<App, 'config'>, chain: string): string {
  return `${config.publicUrl}/sandbox/rpc/${chain}`
}

/**
 * `POST /sandbox/rpc/<chain>`: the local chain as JSON-RPC has it, so that a client can look for itself with the
 * tools it knows. It speaks JSON-RPC's own envelope, not the API's. Nothing of it exists in production.
 */
export function registerRpcProxy(app: App, fastify: FastifyInstance): void {
  if (app.config.mode !== 'sandbox') return
  fastify.post<{ Params: { chain: string } }>(
    '/sandbox/rpc/:chain',
    { bodyLimit: LIMIT_BYTES },
    async (request, reply) => {
      const chain = app.providers.sandboxChains.find((one) => one.chain === request.params.chain)
      reply.header('Cache-Control', 'no-store').type('application/json; charset=utf-8')
      if (!chain) return reply.code(404).send(failure(-32601, 'There is no such local chain.'))
      const { allowed, resetSeconds } = app.rateLimiter.take(`rpc:${request.ip}`, RATE)
      if (!allowed) {
        return reply.code(429).header('Retry-After', resetSeconds).send(failure(-32005, 'Too many calls.'))
      }
      const body = readJson(request.body)
      if (body === undefined) return failure(-32700, 'The body is not readable JSON.')
      const answer = await proxyRpc(chain.node().rpc, body)
      return answer === null ? reply.code(204).send() : JSON.stringify(answer)
    },
  )
}

const failure = (code: number, message: string): string =>
  JSON.stringify({ jsonrpc: '2.0', id: null, error: { code, message } })

function readJson(body: unknown): unknown {
  try {
    return Buffer.isBuffer(body) ? JSON.parse(body.toString('utf8')) : undefined
  } catch {
    // What can't be read is answered in JSON-RPC's own words.
    return undefined
  }
}
