import type { FastifyReply, FastifyRequest } from 'fastify'
import ipaddr from 'ipaddr.js'
import type { App } from '../app.ts'
import type { Integration } from '../common/integration.ts'
import { Failure } from './errors.ts'
import type { RateKey } from './rate-limit.ts'

type Needs = Pick<App, 'authenticator' | 'config' | 'rateLimiter'>
type SetHeader = (name: string, value: string) => unknown

/** Counts a call of a known caller, and tells what is left. Throws `too_many_requests`. */
export function countKnown(
  app: Needs,
  integration: Pick<Integration, 'id' | 'settings'>,
  setHeader: SetHeader,
): void {
  refuse(countIntegration(app, integration, setHeader))
}

/** Counts a call of a customer's page by its address. Throws `too_many_requests`. */
export function countPage(app: Needs, address: string, setHeader: SetHeader): void {
  const limit = app.config.rateLimitPerMinute
  refuse(count(app, { key: `page:${address}`, policy: 'minute', limit }, setHeader))
}

/** Whether the answer belongs to the partner API and its caller wasn't counted yet. */
export const isUncounted = (request: FastifyRequest, reply: FastifyReply): boolean =>
  /^\/api(?:[/?]|$)/.test(request.url) && !reply.hasHeader('RateLimit')

/**
 * Counts a call that was refused before anybody looked who calls: for its integration when its token is a right one,
 * else by its address, under a policy of its own, so that what strangers do never counts against an integration.
 * Answers what to refuse it with: for too many calls that, else what it was refused with.
 */
export async function countRefused(
  app: Needs,
  request: FastifyRequest,
  reply: FastifyReply,
  failure: Failure,
): Promise<Failure> {
  const setHeader: SetHeader = (name, value) => reply.header(name, value)
  const integration = failure.code === 'authorization_incorrect' ? undefined : await findCaller(app, request)
  const excess = integration
    ? countIntegration(app, integration, setHeader)
    : countStranger(app, request.ip, setHeader)
  if (!excess || failure.code === 'unexpected_error') return failure
  // Whoever held a token that has ended must hear so, however many strangers call from the same address.
  const wasOurs = failure.code === 'authorization_incorrect' && app.authenticator.hasMet(tokenOf(request))
  return wasOurs ? failure : excess
}

async function findCaller(
  { authenticator }: Needs,
  request: FastifyRequest,
): Promise<Integration | undefined> {
  try {
    return await authenticator.find(tokenOf(request), request.ip)
  } catch {
    // The database is away, which is answered and logged where it was met first.
    return undefined
  }
}

/** Empty, which is nobody's, when there is none. */
function tokenOf({ headers }: FastifyRequest): string {
  return typeof headers.auth === 'string' ? headers.auth : ''
}

function countIntegration(
  app: Needs,
  { id, settings }: Pick<Integration, 'id' | 'settings'>,
  setHeader: SetHeader,
): Failure | undefined {
  const limit = settings.ratePerMinute ?? app.config.rateLimitPerMinute
  return count(app, { key: `integration:${id}`, policy: 'minute', limit }, setHeader)
}

/** Counts a call of nobody that is known by its address, and tells what is left; answers the refusal of one too many. */
export function countStranger(
  app: Pick<Needs, 'config' | 'rateLimiter'>,
  address: string,
  setHeader: SetHeader,
): Failure | undefined {
  const limit = app.config.rateLimitPerMinute
  return count(app, { key: `address:${networkOf(address)}`, policy: 'address', limit }, setHeader)
}

/** One household or server has a whole /64 of IPv6 addresses; IPv4 inside IPv6 is counted as IPv4. */
export function networkOf(address: string): string {
  if (!ipaddr.isValid(address)) return address
  const parsed = ipaddr.process(address)
  if (!(parsed instanceof ipaddr.IPv6)) return parsed.toString()
  return parsed.parts
    .slice(0, 4)
    .map((part) => part.toString(16))
    .join(':')
}

function count(
  { rateLimiter }: Pick<Needs, 'rateLimiter'>,
  { key, policy, limit }: { key: RateKey; policy: 'minute' | 'address'; limit: number },
  setHeader: SetHeader,
): Failure | undefined {
  const { allowed, remaining, resetSeconds } = rateLimiter.take(key, limit)
  setHeader('RateLimit-Policy', `"${policy}";q=${limit};w=60`)
  setHeader('RateLimit', `"${policy}";r=${remaining};t=${resetSeconds}`)
  if (allowed) return undefined
  return new Failure(
    'too_many_requests',
    `More than ${limit} calls in a minute. Try again in ${resetSeconds} s.`,
    { retryAfterSeconds: resetSeconds },
  )
}

function refuse(failure: Failure | undefined): void {
  if (failure) throw failure
}
