import assert from 'node:assert/strict'
import { request } from 'node:http'
import { after, before, describe, it } from 'node:test'
import { startTestApp, type TestApp } from '../../test/support/app.ts'
import { createClock } from '../kernel/clock.ts'
import { networkOf } from './count-calls.ts'
import { createRateLimiter } from './rate-limit.ts'

const LIMIT = 60

const LARGE = 'x'.repeat(1024 * 1024)
const JSON_TYPE = { 'content-type': 'application/json' }

/** Every kind of answer that doesn't come from an endpoint itself. */
const REFUSALS: [what: string, status: number, error: string, call: Parameters<TestApp['api']>][] = [
  ['an unknown route', 404, 'not_found', ['GET', '/api/nothing']],
  ['nothing but the prefix', 404, 'not_found', ['POST', '/api']],
  ['an address that can’t be read', 404, 'not_found', ['GET', '/api/%zz']],
  ['a wrong method', 405, 'method_not_supported', ['DELETE', '/api/createPayment']],
  ['a large body', 413, 'body_too_large', ['POST', '/api/registerUser', { body: LARGE, headers: JSON_TYPE }]],
  [
    'another content type',
    415,
    'unsupported_media_type',
    ['POST', '/api/registerUser', { body: '<a/>', headers: { 'content-type': 'text/xml' } }],
  ],
  [
    'a file in another content type',
    415,
    'unsupported_media_type',
    ['POST', '/api/customers/1/documents', { body: '<a/>', headers: { 'content-type': 'text/xml' } }],
  ],
  ['broken JSON', 400, 'invalid_json', ['POST', '/api/registerUser', { body: '{', headers: JSON_TYPE }]],
]

describe('every answer is counted', () => {
  let test: TestApp
  before(async () => {
    test = await startTestApp({ lanes: false, env: { RATE_LIMIT_PER_MINUTE: '100000' } })
  })
  after(() => test.stop())

  for (const [what, status, error, [method, path, options]] of REFUSALS) {
    it(`${status} ${error} for ${what}: for the integration whose token is right`, async () => {
      const answer = await test.api(method, path, options)
      assert.deepEqual([answer.status, answer.body.error], [status, error])
      assertCounted(answer.headers, 'minute')
    })

    it(`${what}, by a stranger: for the address`, async () => {
      for (const token of [null, 'unknown']) {
        const answer = await test.api(method, path, { ...options, token })
        assert.equal(answer.body.status, 'error')
        assertCounted(answer.headers, 'address')
      }
    })
  }

  it('authorization_incorrect, of a call and of authenticate: for the address', async () => {
    const wrong = { api_key: 'sandbox-key', api_secret: 'wrong' }
    for (const answer of [
      await test.api('GET', '/api/available-assets', { token: 'unknown' }),
      await test.api('POST', '/api/authenticate', { token: null, body: wrong }),
    ]) {
      assert.equal(answer.body.error, 'authorization_incorrect')
      assertCounted(answer.headers, 'address')
    }
  })

  it('success, a business error and a right pair: for the integration', async () => {
    const pair = { api_key: 'sandbox-key', api_secret: 'sandbox-secret' }
    for (const answer of [
      await test.api('GET', '/api/available-assets'),
      await test.api('GET', '/api/payment/0000000000000000000000000'),
      await test.api('POST', '/api/authenticate', { token: null, body: pair }),
    ]) {
      assertCounted(answer.headers, 'minute')
    }
  })

  it('an unexpected error is counted and stays what it is', async () => {
    const { find } = test.app.authenticator
    test.app.authenticator.find = () => Promise.reject(new Error('The database is away.'))
    const answer = await test.api('GET', '/api/available-assets')
    test.app.authenticator.find = find
    assert.equal(answer.body.error, 'unexpected_error')
    assertCounted(answer.headers, 'address')
  })

  it('each call once', async () => {
    const left = async (path: string): Promise<number> =>
      Number(/r=(\d+)/.exec((await test.api('GET', path)).headers.get('ratelimit')!)![1])
    const first = await left('/api/nothing')
    assert.equal(await left('/api/available-assets'), first - 1)
    assert.equal(await left('/api/nothing'), first - 2)
  })

  it('pages and probes have no rate of the API', async () => {
    assert.equal((await test.api('GET', '/nothing', { token: null })).headers.get('ratelimit'), null)
  })
})

describe('too many calls', () => {
  let test: TestApp
  before(async () => {
    test = await startTestApp({ lanes: false, env: { RATE_LIMIT_PER_MINUTE: String(LIMIT) } })
  })
  after(() => test.stop())

  it('strangers are refused, and take nothing from those who are known, at the same address', async () => {
    const ended = await test.authenticate('sandbox-key-2', 'sandbox-secret-2')
    await test.app.moveClock(test.app.clock.offsetMs() + 86_400_001)
    const token = await test.authenticate('sandbox-key', 'sandbox-secret')
    const stranger = () => test.api('GET', '/api/nothing', { token: null })
    const guessAfterStrangers = async () => {
      for (let n = 0; n <= 2 * LIMIT && (await stranger()).status !== 429; n += 1);
      return (await test.api('GET', '/api/available-assets', { token: 'guess' })).status
    }
    const answers = []
    // A window may end on the way: twice as many are enough for one of them.
    for (let n = 0; n <= 2 * LIMIT; n += 1) answers.push(await stranger())
    const refused = answers.find(({ status }) => status === 429)
    assert.equal(refused?.body.error, 'too_many_requests')
    assert.ok(Number(refused.headers.get('retry-after')) > 0)
    assert.match(refused.headers.get('ratelimit')!, /^"address";r=0;/)
    assert.ok(answers.some(({ status }) => status === 404))
    assert.equal((await test.api('GET', '/api/available-assets', { token })).body.status, 'ok')
    assert.equal((await test.api('GET', '/api/nothing', { token })).status, 404)
    assert.ok(await test.authenticate('sandbox-key-2', 'sandbox-secret-2'))
    // One who must authenticate again hears so.
    const late = await test.api('GET', '/api/available-assets', { token: ended })
    assert.equal(late.body.error, 'authorization_incorrect')
    // Of two that guess right after strangers were refused, the minute may end for one.
    const guessed = [await guessAfterStrangers(), await guessAfterStrangers()]
    assert.ok(guessed.includes(429), guessed.join())
  })

  it('an integration’s calls to what does not exist count as its others do', async () => {
    const token = await test.authenticate('sandbox-key-2', 'sandbox-secret-2')
    const statuses = []
    for (let n = 0; n <= 2 * LIMIT; n += 1) {
      statuses.push((await test.api('GET', '/api/nothing', { token })).status)
    }
    assert.deepEqual(new Set(statuses), new Set([404, 429]))
  })

  it('a connection that is cut leaves the server well', async () => {
    await new Promise<void>((resolve) => {
      const cut = request(`${test.url}/api/nothing`, { method: 'POST', headers: { 'content-length': '10' } })
      cut.on('error', () => resolve())
      cut.write('half', () => cut.destroy(new Error('gone')))
    })
    assert.equal((await test.api('GET', '/livez')).status, 200)
  })
})

describe('the rate limiter', () => {
  it('keeps no more strangers than it may, and never forgets an integration for them', () => {
    const limiter = createRateLimiter(createClock(), 3)
    assert.equal(limiter.take('integration:1', 10).remaining, 9)
    for (let n = 0; n < 50; n += 1) limiter.take(`address:192.0.2.${n}`, 10)
    assert.equal(limiter.take('integration:1', 10).remaining, 8)
  })

  it('counts a /64 of IPv6 as one, and IPv4 inside IPv6 as IPv4', () => {
    assert.equal(networkOf('2001:db8:1:2::1'), networkOf('2001:db8:1:2:ffff::9'))
    assert.notEqual(networkOf('2001:db8:1:2::1'), networkOf('2001:db8:1:3::1'))
    assert.equal(networkOf('::ffff:192.0.2.1'), '192.0.2.1')
    assert.equal(networkOf('192.0.2.1'), '192.0.2.1')
  })
})

function assertCounted(headers: Headers, policy: 'minute' | 'address'): void {
  assert.match(headers.get('ratelimit-policy') ?? '', new RegExp(`^"${policy}";q=\\d+;w=60$`))
  assert.match(headers.get('ratelimit') ?? '', new RegExp(`^"${policy}";r=\\d+;t=\\d+$`))
  assert.match(headers.get('x-request-id') ?? '', /^[0-9a-f-]{36}$/)
}
