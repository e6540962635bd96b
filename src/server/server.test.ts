import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { startTestApp, type TestApp } from '../../test/support/app.ts'

describe('every call', () => {
  let test: TestApp
  before(async () => {
    test = await startTestApp({ lanes: false })
  })
  after(() => test.stop())

  const authenticate = (body: unknown, more: object = {}) =>
    test.api('POST', '/api/authenticate', { token: null, body, ...more })

  it('answers a right pair with a token that works', async () => {
    const { status, body, headers } = await authenticate({
      api_key: 'sandbox-key',
      api_secret: 'sandbox-secret',
    })
    assert.equal(status, 200)
    assert.equal(body.status, 'ok')
    assert.equal(body.data.expires_in, 86_400)
    assert.match(body.data.expires_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/)
    assert.match(headers.get('x-request-id') ?? '', /^[0-9a-f-]{36}$/)
    assert.equal(headers.get('content-type'), 'application/json; charset=utf-8')
    assert.match(headers.get('ratelimit') ?? '', /^"minute";r=\d+;t=\d+$/)
  })

  it('takes a form as well as JSON', async () => {
    const { body } = await authenticate('api_key=sandbox-key&api_secret=sandbox-secret', {
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    })
    assert.equal(body.status, 'ok')
  })

  it('answers a wrong key and a wrong secret alike: 200, and 401 under Prefer', async () => {
    const wrongKey = await authenticate({ api_key: 'nobody', api_secret: 'sandbox-secret' })
    const wrongSecret = await authenticate({ api_key: 'sandbox-key', api_secret: 'wrong' }, { honest: true })
    assert.equal(wrongKey.status, 200)
    assert.equal(wrongSecret.status, 401)
    assert.equal(wrongSecret.headers.get('preference-applied'), 'http-status')
    assert.deepEqual(wrongKey.body, wrongSecret.body)
  })

  it('names all missing and all invalid fields at once', async () => {
    const missing = await authenticate({})
    assert.equal(missing.status, 200)
    assert.equal(missing.body.error, 'fail_mandatory_field')
    assert.deepEqual(Object.keys(missing.body.errors), ['api_key', 'api_secret'])
    const invalid = await authenticate({ api_key: 5, api_secret: ' ' })
    assert.equal(invalid.body.error, 'invalid_field')
    assert.deepEqual(Object.keys(invalid.body.errors), ['api_key', 'api_secret'])
  })

  for (const [what, body, contentType, status, error] of [
    ['unreadable JSON', '{"api_key":', 'application/json', 400, 'invalid_json'],
    ['invalid UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), 'application/json', 400, 'invalid_json'],
    ['an array', '[]', 'application/json', 400, 'invalid_json'],
    ['XML', '<a/>', 'text/xml', 415, 'unsupported_media_type'],
    ['a NUL', '{"api_key":"a\\u0000","api_secret":"b"}', 'application/json', 200, 'invalid_field'],
    ['half a character', '{"api_key":"a\\ud800","api_secret":"b"}', 'application/json', 200, 'invalid_field'],
    [
      'a field named like a method',
      '{"hasOwnProperty":"a\\u0000","__proto__":"a\\u0000"}',
      'application/json',
      200,
      'fail_mandatory_field',
    ],
    ['a large body', 'x'.repeat(10 * 1024 * 1024), 'application/json', 413, 'body_too_large'],
  ] as const) {
    it(`${status} ${error} for ${what}`, async () => {
      const answer = await authenticate(body, { headers: { 'content-type': contentType } })
      assert.equal(answer.status, status)
      assert.equal(answer.body.error, error)
      assert.ok(answer.body.message)
    })
  }

  it('takes whole numbers of a query or a form in plain digits alone, by the field’s name', async () => {
    for (const [field, path] of [
      ['page', '/api/payments/list?page=1e1'],
      ['page', '/api/payments/list?page=%2B1'],
      ['per_page', '/api/payments/list?per_page=0x2'],
      ['per_page', '/api/webhooks/events?per_page=01'],
      ['after', '/api/webhooks/events?after=1e0'],
      ['after', '/api/webhooks/events?after=1.0'],
    ] as const) {
      const { body } = await test.api('GET', path)
      assert.deepEqual([body.error, Object.keys(body.errors)], ['invalid_field', [field]], path)
    }
    const { body } = await test.api('POST', '/api/sandbox/faults', {
      body: 'provider=price&kind=stale&count=1e0',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    })
    assert.deepEqual([body.error, Object.keys(body.errors)], ['invalid_field', ['count']])
    const { body: plain } = await test.api('GET', '/api/webhooks/events?after=0&per_page=10')
    assert.equal(plain.status, 'ok')
  })

  it('404 for an unknown route, 405 for a wrong method', async () => {
    assert.deepEqual((await test.api('GET', '/api/nothing')).body.error, 'not_found')
    const wrong = await test.api('GET', '/api/authenticate')
    assert.equal(wrong.status, 405)
    assert.equal(wrong.body.error, 'method_not_supported')
  })

  it('429 for the eleventh failure in a minute, but never for a right pair', async () => {
    const attempt = () => authenticate({ api_key: 'sandbox-key-2', api_secret: 'wrong' })
    for (let n = 0; n < 10; n += 1) assert.equal((await attempt()).body.error, 'authorization_incorrect')
    const eleventh = await attempt()
    assert.equal(eleventh.status, 429)
    assert.ok(Number(eleventh.headers.get('retry-after')) > 0)
    const right = await authenticate({ api_key: 'sandbox-key-2', api_secret: 'sandbox-secret-2' })
    assert.equal(right.body.status, 'ok')
  })

  it('says that it lives and is ready', async () => {
    assert.equal((await test.api('GET', '/livez')).status, 200)
    assert.match((await test.api('GET', '/metrics')).body, /internal_errors_total 0/)
  })
})
