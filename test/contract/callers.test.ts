import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Endpoint } from '../../src/server/endpoint.ts'
import { ENDPOINTS } from '../../src/server/endpoints.ts'
import { eventually, startTestApp, type TestApp } from '../support/app.ts'

const API = ENDPOINTS.filter(({ audience }) => audience === 'token')
/** Answers that tell nothing of another integration's things: as if they did not exist. */
const UNKNOWN =
  /^(user_not_found|payment_not_found|event_not_found|account_not_found|user_not_in_integration)$/

describe('who may call what', () => {
  let test: TestApp
  let others: string
  /** Things of the first integration, which the second asks for. */
  let things: Record<string, string>
  before(async () => {
    test = await startTestApp({ lanes: true })
    others = await test.authenticate('sandbox-key-2', 'sandbox-secret-2')
    things = await makeThings(test)
  })
  after(() => test.stop())

  it('walks every endpoint', () => assert.ok(API.length >= 20))

  for (const endpoint of API) {
    const request = (): { path: string; body?: unknown } => ({
      path:
        endpoint.path.replaceAll(/\{(\w+)\}/g, 'x') +
        (endpoint.method === 'GET' ? `?${new URLSearchParams(exampleText(endpoint))}` : ''),
      ...(endpoint.method === 'GET' ? {} : { body: endpoint.examples.request ?? {} }),
    })

    it(`${endpoint.method} ${endpoint.path}: authorization_incorrect without, with an unknown, and with an empty token`, async () => {
      for (const token of [null, 'unknown', '']) {
        const { path, body } = request()
        const answer = await test.api(endpoint.method, path, { token, body, honest: true })
        assert.equal(answer.status, 401)
        assert.equal(answer.body.error, 'authorization_incorrect')
      }
    })
  }

  it('another integration’s customer, payment and event do not exist', async () => {
    const asked = [
      ['GET', `/api/kyc/check?user_id=${things.user_id}`],
      ['POST', '/api/kyc/retry', { user_id: things.user_id }],
      [
        'POST',
        '/api/createGuidedPayment',
        { user_id: things.user_id, coin_symbol: 'USDC', coin_chain: 'polygon', fiat_amount: 50 },
      ],
      ['GET', `/api/payment/${things.payment_id}`],
      ['POST', `/api/payment/${things.payment_id}/cancel`],
      ['POST', `/api/webhooks/events/${things.event_id}/redeliver`],
      ['POST', '/api/sandbox/kyc', { user_id: things.user_id, outcome: 'fail' }],
      ['POST', `/api/sandbox/payments/${things.payment_id}/pay`],
    ] as const
    for (const [method, path, body] of asked) {
      const theirs = await test.api(method, path, { token: others, body })
      assert.equal(theirs.status, 200, path)
      assert.match(theirs.body.error, UNKNOWN, `${path}: ${JSON.stringify(theirs.body)}`)
    }
    const events = await test.api('GET', '/api/webhooks/events', { token: others })
    assert.deepEqual(events.body.data, [])
    assert.equal((await test.api('GET', `/api/payment/${things.payment_id}`)).body.data.status, 'started')
  })

  it('an address outside the allowlist is nobody', async () => {
    const { id } = await test.app.db
      .selectFrom('credentials')
      .select('integrationId as id')
      .where('apiKey', '=', 'sandbox-key-2')
      .executeTakeFirstOrThrow()
    const { settings } = await test.app.db
      .selectFrom('integrations')
      .select('settings')
      .where('id', '=', id)
      .executeTakeFirstOrThrow()
    const set = async (ipAllowlist: string[]) => {
      await test.app.db
        .updateTable('integrations')
        .set({ settings: JSON.stringify({ ...settings, ipAllowlist }) })
        .where('id', '=', id)
        .execute()
      test.app.authenticator.forget()
    }
    await set(['203.0.113.0/24'])
    assert.equal(
      (await test.api('GET', '/api/available-assets', { token: others })).body.error,
      'authorization_incorrect',
    )
    await set(['127.0.0.0/8', '::1'])
    assert.equal((await test.api('GET', '/api/available-assets', { token: others })).body.status, 'ok')
  })

  it('an expired token is nobody’s', async () => {
    await test.app.moveClock(test.app.clock.offsetMs() + 86_400_001)
    assert.equal((await test.api('GET', '/api/available-assets')).body.error, 'authorization_incorrect')
    const token = await test.authenticate('sandbox-key', 'sandbox-secret')
    assert.equal((await test.api('GET', '/api/available-assets', { token })).body.status, 'ok')
  })
})

describe('Idempotency-Key', () => {
  let test: TestApp
  before(async () => {
    test = await startTestApp()
  })
  after(() => test.stop())

  it('two hundred duplicates at once make one customer, and all get its answer', async () => {
    const body = { name: 'Ana', email: 'once@example.com' }
    const headers = { 'idempotency-key': 'register-once' }
    const answers = await Promise.all(
      Array.from({ length: 200 }, async () => {
        for (;;) {
          const answer = await test.api('POST', '/api/registerUser', { body, headers })
          if (answer.body.error !== 'request_in_progress') return answer
          assert.ok(Number(answer.headers.get('retry-after')) > 0)
        }
      }),
    )
    assert.equal(new Set(answers.map((answer) => JSON.stringify(answer.body))).size, 1)
    assert.equal(answers[0]?.body.status, 'ok')
    assert.equal(answers.filter((answer) => answer.headers.get('idempotent-replayed') === 'true').length, 199)
  })

  it('refuses another body, and does not remember a refusal', async () => {
    const headers = { 'idempotency-key': 'k' }
    const refused = await test.api('POST', '/api/registerUser', { body: { name: 'Ana' }, headers })
    assert.equal(refused.body.error, 'fail_mandatory_field')
    const made = await test.api('POST', '/api/registerUser', {
      body: { name: 'Ana', email: 'k@example.com' },
      headers,
    })
    assert.equal(made.body.status, 'ok')
    const other = await test.api('POST', '/api/registerUser', {
      body: { name: 'Eva', email: 'k@example.com' },
      headers,
      honest: true,
    })
    assert.equal(other.status, 409)
    assert.equal(other.body.error, 'idempotency_key_reused')
    const elsewhere = await test.api('POST', '/api/kyc/retry', { body: { user_id: 1 }, headers })
    assert.equal(elsewhere.body.error, 'user_not_found')
  })
})

function exampleText(endpoint: Endpoint): Record<string, string> {
  return Object.fromEntries(
    Object.entries(endpoint.examples.request ?? {}).map(([name, value]) => [name, String(value)]),
  )
}

async function makeThings(test: TestApp): Promise<Record<string, string>> {
  const user = await test.api('POST', '/api/registerUser', {
    body: { name: 'Ana', email: 'ana@example.com', country: 'ES' },
  })
  const userId = user.body.data.id
  await test.api('POST', '/api/sandbox/kyc', { body: { user_id: userId, outcome: 'valid' } })
  const { body } = await test.api('POST', '/api/createGuidedPayment', {
    body: { user_id: userId, coin_symbol: 'USDC', coin_chain: 'polygon', fiat_amount: 50 },
  })
  const eventId = await eventually(
    'an event',
    async () => (await test.api('GET', '/api/webhooks/events')).body.data[0]?.id,
  )
  return { user_id: String(userId), payment_id: body.data.payment_id, event_id: eventId }
}
