import { Type } from 'typebox'
import type { App } from '../app.ts'
import { wireTime } from '../kernel/clock.ts'
import { newSecret } from '../kernel/ids.ts'
import { equalInConstantTime, sha256 } from '../kernel/secrets.ts'
import { compileAllowlist } from '../server/auth.ts'
import { countKnown } from '../server/count-calls.ts'
import { endpoint } from '../server/endpoint.ts'
import { fail } from '../server/errors.ts'
import { Text, WireTime } from '../server/fields.ts'
import type { Integration, IntegrationSettings } from './integration.ts'

const MOST_FAILURES_A_MINUTE = 10

export const authenticate = endpoint({
  method: 'POST',
  path: '/api/authenticate',
  section: 'common',
  name: 'authenticate',
  summary: 'Get a token',
  description:
    'Exchanges the key pair for a token that is valid for 24 hours. Send it in the header `auth` of every other call, as it is, without `Bearer`. A new token does not end older ones. After ten failures in a minute for one key from one address that address waits. A right pair from outside your allowlist is answered as a wrong one.',
  audience: 'none',
  body: Type.Object({ api_key: Text('The public key.'), api_secret: Text('The secret that belongs to it.') }),
  data: Type.Object({
    token: Type.String(),
    expires_in: Type.Integer({ description: 'Seconds.' }),
    expires_at: WireTime,
  }),
  errors: ['authorization_incorrect'],
  examples: {
    request: { api_key: 'sandbox-key', api_secret: 'sandbox-secret' },
    answer: {
      token: 'pX0cN4Vq1m8Zr2Jt6Yw9Kb3Ld7Sf5Gh0Aq2We4Rt6Yu',
      expires_in: 86400,
      expires_at: '2026-06-27T10:30:00.000000Z',
    },
  },
  async handle(app, { body, address, setHeader }) {
    const integration = await findPair(app, body, address)
    // A right pair is never refused for another's failures, so what counts is looked at only after the comparison.
    if (!integration) {
      const { allowed, resetSeconds } = app.rateLimiter.take(
        `authenticate:${body.api_key}:${address}`,
        MOST_FAILURES_A_MINUTE,
      )
      if (!allowed) {
        fail('too_many_requests', `Too many failed attempts. Try again in ${resetSeconds} s.`, {
          retryAfterSeconds: resetSeconds,
        })
      }
      fail('authorization_incorrect', 'The key and the secret are not a pair we know.')
    }
    countKnown(app, integration, setHeader)
    return issueToken(app, integration.id, body.api_key)
  },
})

/**
 * The integration of a right pair that comes from an address on its allowlist. Same work and time whether the key, the
 * secret or the address is wrong: the comparison runs against a decoy when there is no key.
 */
async function findPair(
  app: Pick<App, 'db' | 'clock' | 'secrets'>,
  { api_key: apiKey, api_secret: apiSecret }: { api_key: string; api_secret: string },
  address: string,
): Promise<Pick<Integration, 'id' | 'settings'> | undefined> {
  const row = await app.db
    .selectFrom('credentials')
    .innerJoin('integrations', 'integrations.id', 'credentials.integrationId')
    .select(['integrations.id', 'integrations.settings', 'secretSealed'])
    .where('apiKey', '=', apiKey)
    .where((eb) => eb.or([eb('expiresAt', 'is', null), eb('expiresAt', '>', app.clock.now())]))
    .executeTakeFirst()
  const sealed = row?.secretSealed ?? app.secrets.seal('api-secret', newSecret())
  const equal = equalInConstantTime(app.secrets.open('api-secret', sealed).toString('utf8'), apiSecret)
  const settings = row?.settings as IntegrationSettings | undefined
  const comesFromWithin = compileAllowlist(settings?.ipAllowlist ?? [])(address)
  return row && settings && equal && comesFromWithin ? { id: row.id, settings } : undefined
}

async function issueToken(app: Pick<App, 'db' | 'clock' | 'config'>, integrationId: number, apiKey: string) {
  const token = newSecret()
  const now = app.clock.now()
  const lifetimeMs = app.config.durations.tokenLifetimeMs
  const expiresAt = new Date(now.getTime() + lifetimeMs)
  await app.db
    .insertInto('authTokens')
    .values({ tokenHash: sha256(token), integrationId, apiKey, expiresAt, createdAt: now })
    .execute()
  return { token, expires_in: Math.floor(lifetimeMs / 1000), expires_at: wireTime(expiresAt) }
}
