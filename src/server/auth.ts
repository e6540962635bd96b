import ipaddr from 'ipaddr.js'
import type { Integration, IntegrationSettings } from '../common/integration.ts'
import type { Db } from '../db/database.ts'
import type { Clock } from '../kernel/clock.ts'
import { sha256 } from '../kernel/secrets.ts'

/** How long a process may go on with what it knows of a token and its integration. */
const FRESH_MS = 2_000
const MOST_TOKENS = 50_000

interface Known {
  integration: Integration
  expiresAt: Date
  allows: (address: string) => boolean
  readAtMs: number
}

/** Finds the integration that an `auth` token speaks for. */
export interface Authenticator {
  /** At once when the token is fresh in memory: a promise that is not needed costs a quote a microsecond. */
  find(token: string, address: string): Promise<Integration | undefined> | Integration | undefined
  /** Whether `find` met the token as one of ours, though it may have ended or be used from a wrong address. */
  hasMet(token: string): boolean
  /** Forgets what is known, after a change in this process. */
  forget(): void
}

/**
 * Tokens are looked up by their hash and remembered for two seconds, settings included, so that a quote needs no
 * query; a revoked token or a changed setting is noticed after that at the latest, in every process.
 */
export function createAuthenticator({ db, clock }: { db: Db; clock: Clock }): Authenticator {
  const known = new Map<string, Known>()

  async function read(token: string): Promise<Known | undefined> {
    const row = await db
      .selectFrom('authTokens')
      .innerJoin('integrations', 'integrations.id', 'authTokens.integrationId')
      .innerJoin('credentials', 'credentials.apiKey', 'authTokens.apiKey')
      .select([
        'integrations.id',
        'integrations.name',
        'integrations.settings',
        'authTokens.apiKey',
        'authTokens.expiresAt',
      ])
      .where('authTokens.tokenHash', '=', sha256(token))
      .where('authTokens.revokedAt', 'is', null)
      .where((eb) =>
        eb.or([eb('credentials.expiresAt', 'is', null), eb('credentials.expiresAt', '>', clock.now())]),
      )
      .executeTakeFirst()
    if (!row) return undefined
    const settings = row.settings as IntegrationSettings
    return {
      integration: { id: row.id, name: row.name, settings, apiKey: row.apiKey },
      expiresAt: row.expiresAt,
      allows: compileAllowlist(settings.ipAllowlist),
      readAtMs: clock.real().getTime(),
    }
  }

  const isFresh = (entry: Known): boolean => clock.real().getTime() - entry.readAtMs <= FRESH_MS

  function judge(entry: Known | undefined, address: string): Integration | undefined {
    if (!entry || entry.expiresAt <= clock.now() || !entry.allows(address)) return undefined
    return entry.integration
  }

  async function readAnew(token: string, address: string): Promise<Integration | undefined> {
    const entry = await read(token)
    if (known.size >= MOST_TOKENS) known.clear()
    if (entry) known.set(token, entry)
    else known.delete(token)
    return judge(entry, address)
  }

  return {
    find(token, address) {
      const entry = known.get(token)
      return entry && isFresh(entry) ? judge(entry, address) : readAnew(token, address)
    },
    hasMet: (token) => known.has(token),
    forget: () => known.clear(),
  }
}

/** Turns addresses and CIDR ranges into a test; an empty list allows all. IPv4 inside IPv6 is judged as IPv4. */
export function compileAllowlist(list: readonly string[]): (address: string) => boolean {
  if (list.length === 0) return () => true
  const ranges = list.map((text) =>
    text.includes('/')
      ? ipaddr.parseCIDR(text)
      : ([ipaddr.process(text), ipaddr.process(text).kind() === 'ipv4' ? 32 : 128] as const),
  )
  return (address) => {
    if (!ipaddr.isValid(address)) return false
    const caller = ipaddr.process(address)
    return ranges.some(
      ([network, bits]) => network.kind() === caller.kind() && caller.match(network as never, bits),
    )
  }
}
