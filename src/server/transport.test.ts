import assert from 'node:assert/strict'
import { request } from 'node:http'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { after, before, describe, it } from 'node:test'
import { startTestApp, type TestApp } from '../../test/support/app.ts'
import { NO_CHAINS } from '../../test/support/hot-wallets.ts'
import { prefersHonestStatus } from './prefer.ts'

interface RawAnswer {
  status: number
  headers: Record<string, string | string[] | undefined>
  text: string
}

describe('at the edge of the protocol', () => {
  let test: TestApp
  before(async () => {
    test = await startTestApp({ lanes: false, localChains: false, env: NO_CHAINS })
  })
  after(() => test.stop())

  /** Sends a path as it is, where `fetch` would tidy it up or refuse the method. */
  async function send(method: string, path: string, token = test.token): Promise<RawAnswer> {
    const { hostname, port } = new URL(test.url)
    const asked = request({ hostname, port, method, path, headers: { auth: token } })
    return new Promise((resolve, reject) => {
      asked.on('error', reject)
      asked.on('response', (response) => {
        text(response).then(
          (body) => resolve({ status: response.statusCode ?? 0, headers: response.headers, text: body }),
          reject,
        )
      })
      asked.end()
    })
  }

  /** All that the server sends for these bytes until it ends the connection. */
  async function sendBytes(bytes: string): Promise<string> {
    const { hostname, port } = new URL(test.url)
    const socket = connect({ host: hostname, port: Number(port) })
    socket.write(bytes)
    return text(socket)
  }

  for (const [path, allowed] of [
    ['/api/quote', 'GET'],
    ['/api/authenticate', 'POST'],
    ['/api/payment/A1b2C3d4E5f6G7h8J9k0L1m2N', 'GET'],
    ['/api/customers/1/documents', 'POST'],
    ['/docs', 'GET, HEAD'],
    ['/livez', 'GET, HEAD'],
    ['/kyc/none', 'GET, HEAD'],
  ] as const) {
    for (const method of ['HEAD', 'OPTIONS', 'TRACE', 'DELETE', 'PATCH']) {
      if (allowed.includes(method)) continue
      it(`${method} ${path} is 405, with what is allowed`, async () => {
        const answer = await send(method, path)
        assert.deepEqual([answer.status, answer.headers.allow], [405, allowed])
        assert.ok(answer.headers['x-request-id'])
        if (path.startsWith('/api')) assert.ok(answer.headers.ratelimit)
        if (method !== 'HEAD') assert.equal(JSON.parse(answer.text).error, 'method_not_supported')
      })
    }
  }

  it('HEAD of what is a page answers as GET does, without a body', async () => {
    for (const path of ['/docs', '/livez']) {
      const { status, text: body } = await send('HEAD', path)
      assert.deepEqual([status, body], [200, ''])
    }
  })

  it('an unknown address stays 404, whatever the method', async () => {
    for (const method of ['HEAD', 'OPTIONS', 'TRACE', 'PUT'])
      assert.equal((await send(method, '/api/nothing')).status, 404)
  })

  it('a long id is judged as a short one is', async () => {
    const short = JSON.parse((await send('GET', `/api/payment/${'x'.repeat(100)}`)).text)
    const long = JSON.parse((await send('GET', `/api/payment/${'x'.repeat(5000)}`)).text)
    assert.equal(short.error, 'invalid_field')
    assert.deepEqual(long, short)
  })

  it('an address that climbs out of its folder is 404', async () => {
    for (const path of [
      '/assets/../../package.json',
      '/assets/..%2f..%2fpackage.json',
      '/assets//etc/passwd',
    ]) {
      const { status, text: body } = await send('GET', path)
      assert.deepEqual([status, JSON.parse(body).error], [404, 'not_found'], path)
    }
  })

  for (const [what, bytes, status, error] of [
    [
      'an address of 50,000 characters',
      `GET /api/quote?a=${'x'.repeat(50_000)} HTTP/1.1\r\n\r\n`,
      431,
      'headers_too_large',
    ],
    [
      'a header of 50,000 characters',
      `GET / HTTP/1.1\r\nHost: a\r\nb: ${'x'.repeat(50_000)}\r\n\r\n`,
      431,
      'headers_too_large',
    ],
    [
      'an address whose bytes are not escaped',
      'GET /api/quote?a=\u00f1 HTTP/1.1\r\nHost: a\r\n\r\n',
      400,
      'invalid_json',
    ],
    ['what is no HTTP', 'hello\r\n\r\n', 400, 'invalid_json'],
  ] as const) {
    it(`${what} is answered in the API’s form, and the connection ends`, async () => {
      const [head = '', body = ''] = (await sendBytes(bytes)).split('\r\n\r\n')
      assert.match(head, new RegExp(`^HTTP/1.1 ${status} `))
      assert.match(head, /^X-Request-Id: [0-9a-f-]{36}\r?$/m)
      assert.match(head, /^RateLimit: "address";/m)
      const { status: envelope, error: code, message } = JSON.parse(body)
      assert.deepEqual([envelope, code], ['error', error])
      assert.ok(message)
    })
  }

  it('a body that is nested deeply is told so, in our own words', async () => {
    const nested = (levels: number) => `{"name":${'['.repeat(levels)}"[["${']'.repeat(levels)}}`
    const register = async (body: string) =>
      (await test.api('POST', '/api/registerUser', { body, headers: { 'content-type': 'application/json' } }))
        .body
    for (const levels of [64, 20_000]) {
      const { error, message } = await register(nested(levels))
      assert.deepEqual(
        [error, message],
        ['invalid_json', 'The body is nested too deeply: at most 64 levels.'],
      )
    }
    // Its fields are judged.
    assert.equal((await register(nested(63))).error, 'fail_mandatory_field')
    const deep = { a: '['.repeat(100), b: '\\"'.repeat(3), c: '{'.repeat(100) }
    assert.equal((await register(JSON.stringify(deep))).error, 'fail_mandatory_field')
  })

  for (const value of ['%ED%A0%80', '%ff%fe', 'a%C3', '100%', 'a%00']) {
    it(`?external_id=${value} is no text, and the field is named`, async () => {
      const answer = await send('GET', `/api/payments/list?status=started&external_id=${value}`)
      const { error, errors } = JSON.parse(answer.text)
      assert.deepEqual([error, Object.keys(errors)], ['invalid_field', ['external_id']])
    })
  }

  it('a name that is no text is refused, too', async () => {
    const { error, errors } = JSON.parse((await send('GET', '/api/payments/list?%ff=1')).text)
    assert.deepEqual([error, Object.keys(errors)], ['invalid_field', ['\ufffd']])
  })

  it('text in any script is found', async () => {
    const name = 'pedido ñ 注文 😀+'
    const { body } = await test.api('POST', '/api/registerUser', {
      body: { name: 'Ana', email: 'query@example.com', external_id: name },
    })
    for (const value of [encodeURIComponent(name), encodeURIComponent(name).replaceAll('%20', '+')]) {
      const found = JSON.parse((await send('GET', `/api/customers/list?external_id=${value}`)).text)
      assert.deepEqual(
        found.data?.map(({ id }: { id: number }) => id),
        [body.data.id],
        value,
      )
    }
  })

  it('Prefer: http-status with parameters is obeyed', async () => {
    const headers = { prefer: 'http-status; foo=1' }
    const answer = await test.api('GET', '/api/quote', { headers })
    assert.deepEqual([answer.status, answer.headers.get('preference-applied')], [422, 'http-status'])
  })
})

describe('Prefer (RFC 7240)', () => {
  for (const prefer of [
    'http-status',
    ' HTTP-Status ',
    'http-status; foo=1',
    'http-status;foo="a, b"; bar',
    'wait=10, http-status',
    'respond-async;a="x;y" ,http-status;b',
    'http-status=""',
    ['wait=10', 'http-status'],
  ]) {
    it(`${JSON.stringify(prefer)} asks for it`, () => assert.equal(prefersHonestStatus(prefer), true))
  }

  for (const prefer of [
    undefined,
    '',
    'http-status=no',
    'http-statuses',
    'x-http-status',
    'note="a, http-status"',
    'note="a \\", http-status"',
    'wait; http-status',
  ]) {
    it(`${JSON.stringify(prefer)} does not`, () => assert.equal(prefersHonestStatus(prefer), false))
  }
})
