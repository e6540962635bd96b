import { lookup, Resolver } from 'node:dns/promises'
import { isIP } from 'node:net'
import { buildConnector } from 'undici'
import { judgeAddress } from './address-rules.ts'

export type OutgoingReason =
  | 'invalid_url'
  | 'forbidden_address'
  | 'unknown_host'
  | 'connection_failed'
  | 'connection_lost'
  | 'timed_out'
  | 'too_large'
  | 'too_many_redirects'
  | 'refused'

/** Why a request to the outside has no answer. The message is fit to be shown to whoever gave the URL. */
export class OutgoingError extends Error {
  readonly reason: OutgoingReason
  constructor(reason: OutgoingReason, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'OutgoingError'
    this.reason = reason
  }
}

/** Answers the addresses of a name; none when it does not exist. */
export type ResolveName = (name: string) => Promise<string[]>

const DNS_TIMEOUT_MS = 2_000
const MOST_ADDRESSES_TRIED = 4

/** Asks the name servers without the system's thread pool, where a few slow names would block everything else. */
export function createResolver(): ResolveName {
  const resolver = new Resolver({ timeout: DNS_TIMEOUT_MS, tries: 2 })
  return async (name) => {
    const found = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)])
    return found.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []))
  }
}

/** For development: also finds names of the hosts file, one at a time so that at most one thread waits. */
export function createDevelopmentResolver(): ResolveName {
  const ask = createResolver()
  let last: Promise<unknown> = Promise.resolve()
  return async (name) => {
    const addresses = await ask(name)
    if (addresses.length > 0) return addresses
    const found = last.then(() => lookup(name, { all: true, order: 'ipv4first' }))
    last = found.catch(() => undefined)
    return found.then(
      (answers) => answers.map(({ address }) => address),
      () => [],
    )
  }
}

export interface ConnectRules {
  allowLoopback: boolean
  resolve: ResolveName
}

/**
 * The addresses that may be connected to for a host of a parsed URL. One forbidden address among them refuses the
 * host: a name that also points inside is not to be trusted with the choice.
 */
export async function findAllowedAddresses(
  hostname: string,
  { allowLoopback, resolve }: ConnectRules,
): Promise<string[]> {
  const host = hostname.replace(/^\[|\]$/g, '').replace(/\.+$/, '')
  const named = isIP(host) === 0
  let addresses = [host]
  if (named) addresses = /(^|\.)localhost$/i.test(host) ? ['127.0.0.1', '::1'] : await resolve(host)
  if (addresses.length === 0) throw new OutgoingError('unknown_host', `The host ${host} has no address.`)
  for (const address of addresses) {
    const kind = judgeAddress(address)
    if (kind === 'public' || (kind === 'loopback' && allowLoopback)) continue
    const told = named ? `The host ${host} leads` : 'This leads'
    throw new OutgoingError(
      'forbidden_address',
      `${told} to a private, local or reserved address; only public ones are allowed.`,
    )
  }
  return addresses.slice(0, MOST_ADDRESSES_TRIED)
}

/**
 * undici's `connect` that judges whatever it is about to connect to, literal addresses included (which a `lookup`
 * hook never sees), and connects to exactly the address it judged, so that a name can't change in between.
 */
export function createGuardedConnect(rules: ConnectRules, timeoutMs: number): buildConnector.connector {
  const connectTo = buildConnector({ timeout: timeoutMs, allowH2: false, maxCachedSessions: 100 })
  return (options, callback) => {
    const attempt = async (): Promise<Parameters<buildConnector.Callback>> => {
      const addresses = await findAllowedAddresses(options.hostname, rules)
      // A name's certificate is checked against the name; a literal address has no server name to send.
      const name = options.hostname.replace(/\.+$/, '')
      const servername =
        options.protocol === 'https:' && isIP(name.replace(/^\[|\]$/g, '')) === 0 ? name : undefined
      let failure: Error | undefined
      for (const address of addresses) {
        const [error, socket] = await new Promise<Parameters<buildConnector.Callback>>((resolve) => {
          connectTo({ ...options, hostname: address, servername }, (...result) => resolve(result as never))
        })
        if (socket) return [null, socket]
        failure = error ?? undefined
      }
      return [connectionFailure(failure), null]
    }
    attempt().then(
      ([error, socket]) => (socket ? callback(null, socket) : callback(error as Error, null)),
      (error) => callback(error, null),
    )
  }
}

function connectionFailure(cause: Error | undefined): OutgoingError {
  const code = (cause as NodeJS.ErrnoException | undefined)?.code ?? 'unknown'
  if (code === 'UND_ERR_CONNECT_TIMEOUT')
    return new OutgoingError('timed_out', 'The connection was not accepted in time.', { cause })
  if (code === 'ECONNREFUSED')
    return new OutgoingError('connection_failed', 'The connection was refused.', { cause })
  return new OutgoingError('connection_failed', `The connection failed (${code}).`, { cause })
}
