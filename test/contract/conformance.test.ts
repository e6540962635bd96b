import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { runConformance } from '../../conformance/conformance.ts'
import type { Result } from '../../conformance/model.ts'
import {
  type AlteringProxy,
  type Deviation,
  type Passing,
  startAlteringProxy,
} from '../support/altering-proxy.ts'
import { startTestApp, type TestApp } from '../support/app.ts'

const ROOT = join(import.meta.dirname, '../..')
const FIRST = { apiKey: 'sandbox-key', apiSecret: 'sandbox-secret' }
const SECOND = { apiKey: 'sandbox-key-2', apiSecret: 'sandbox-secret-2' }
/** A line of a stack trace. */
const STACK = /\n\s+at /
const SILENT = { begin() {}, section() {}, running() {}, done() {} }

let test: TestApp
before(async () => {
  test = await startTestApp()
})
after(() => test.stop())

describe('the conformance kit', () => {
  let folder: string
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'cryptopocket-conformance-'))
  })
  after(() => rmSync(folder, { recursive: true, force: true }))

  it('is green on this server, and writes JUnit and HTML', async () => {
    const [junit, html] = [join(folder, 'report.xml'), join(folder, 'report.html')]
    const { code, output } = await runKit(['--base-url', `${test.url}/api`, '--junit', junit, '--html', html])
    assert.equal(code, 0, output)
    assert.doesNotMatch(output, /Skipped/, output)
    const xml = readFileSync(junit, 'utf8')
    const [, tests, failures, skipped] =
      /<testsuites [^>]*tests="(\d+)" failures="(\d+)" errors="0" skipped="(\d+)"/.exec(xml) ?? []
    assert.ok(Number(tests) > 200, `only ${tests} were tried`)
    assert.deepEqual([failures, skipped], ['0', '0'])
    assert.equal(xml.match(/<testcase /g)?.length, Number(tests))
    const page = readFileSync(html, 'utf8')
    assert.match(page, /All that was tried holds/)
    // One file that fetches nothing, and tells no secret.
    assert.doesNotMatch(page, /<script|<link|src="|@import/)
    for (const report of [page, xml, output]) {
      assert.ok(!report.includes(test.token))
      assert.ok(!report.includes('sandbox-secret'))
    }
  })

  it('ends with 1 and says why when the server is not there, the pair is wrong, or an option is', async () => {
    const wrong = ['--api-key', 'nobody', '--api-secret', 'nothing']
    const nobody = await runKit(['--base-url', test.url, ...wrong])
    assert.equal(nobody.code, 1)
    assert.match(nobody.output, /authenticate refuses the key nobody/)
    const away = await runKit(['--base-url', 'http://127.0.0.1:9'])
    assert.equal(away.code, 1)
    assert.match(away.output, /No answer from http:\/\/127\.0\.0\.1:9/)
    const unknown = await runKit(['--base-url', test.url, '--colour'])
    assert.equal(unknown.code, 1)
    assert.match(unknown.output, /--colour/)
    assert.equal(
      (await runKit(['--base-url', test.url, '--only', 'no such case at all xyzzy'.replaceAll(' ', '_')]))
        .code,
      1,
    )
  })

  it('writes its reports also when it could not begin, with one failing case that says why', async () => {
    const [junit, html] = [join(folder, 'away.xml'), join(folder, 'away.html')]
    const { code, output } = await runKit([
      ...['--base-url', 'http://127.0.0.1:9'],
      ...['--junit', junit, '--html', html],
    ])
    assert.equal(code, 1)
    assert.doesNotMatch(output, STACK)
    const xml = readFileSync(junit, 'utf8')
    assert.match(xml, /<testsuites [^>]*tests="1" failures="1" errors="0" skipped="0"/)
    assert.match(xml, /<failure message="[^"]*No answer from http:\/\/127\.0\.0\.1:9/)
    const page = readFileSync(html, 'utf8')
    assert.match(page, /1 failed/)
    assert.match(page, /No answer from http:\/\/127\.0\.0\.1:9/)
  })

  it('says before the run that a report can’t be written, or that its port is taken', async () => {
    let calls = 0
    const other = createServer((_request, response) => {
      calls += 1
      response.end()
    })
    const port = await listenOn(other)
    const base = ['--base-url', `http://127.0.0.1:${port}`]
    try {
      for (const name of ['junit', 'html']) {
        for (const file of [join(folder, 'no-such-folder', 'report'), folder]) {
          const { code, output } = await runKit([...base, `--${name}`, file])
          assert.equal(code, 1)
          assert.match(output, new RegExp(`--${name} can't be written: .*(ENOENT|EISDIR)`))
          assert.doesNotMatch(output, STACK)
        }
      }
      assert.equal(calls, 0)
      const taken = await runKit(['--base-url', test.url, '--receiver-port', String(port)])
      assert.equal(taken.code, 1)
      assert.match(taken.output, /The webhook receiver can't listen on port \d+: .*EADDRINUSE/)
      assert.doesNotMatch(taken.output, STACK)
    } finally {
      other.close()
    }
  })

  it('tells in one sentence that a server is not one of this API, whatever it answers', async () => {
    let answer = { status: 404, type: 'text/html; charset=utf-8', body: '<!doctype html><h1>Not here</h1>' }
    const other = createServer((_request, response) => {
      response.writeHead(answer.status, { 'content-type': answer.type }).end(answer.body)
    })
    const url = `http://127.0.0.1:${await listenOn(other)}`
    const report = join(folder, 'other.xml')
    try {
      for (const given of [
        answer,
        { status: 200, type: 'text/html', body: '<html><body>An application</body></html>' },
        { status: 200, type: 'application/json', body: '{"echo":"sandbox-secret"}' },
        { status: 200, type: 'application/json', body: 'null' },
        { status: 200, type: 'application/json', body: '{"data":null}' },
      ]) {
        answer = given
        const { code, output } = await runKit(['--base-url', url, '--junit', report])
        assert.equal(code, 1)
        const told = `${url} does not speak the partner API: POST /api/authenticate answers ${given.status} (${given.type.split(';')[0]})`
        for (const text of [output, readFileSync(report, 'utf8')]) {
          assert.ok(text.includes(told), text)
          assert.doesNotMatch(text, /doctype|<html|An application|sandbox-secret|\n\s+at /)
        }
      }
    } finally {
      other.close()
    }
  })

  it('lists its cases and explains itself without a server', async () => {
    const list = await runKit(['--list'])
    assert.equal(list.code, 0)
    assert.match(list.output, /create_payment\.transfer/)
    const help = await runKit(['--help'])
    assert.equal(help.code, 0)
    assert.match(help.output, /--second-secret/)
  })

  it('puts back the subscriptions that it found', async () => {
    const url = 'http://127.0.0.1:9/mine'
    await test.api('POST', '/api/subscribeToWebhook', {
      body: { type: 'PAY_IN', url },
      token: await test.authenticate(SECOND.apiKey, SECOND.apiSecret),
    })
    await runConformance({ baseUrl: test.url, first: SECOND, second: FIRST, only: ['subscribe.'] }, SILENT)
    const { body } = await test.api('GET', '/api/webhooks/subscriptions', {
      token: await test.authenticate(SECOND.apiKey, SECOND.apiSecret),
    })
    assert.deepEqual(
      body.data.map((one: { type: string; url: string }) => [one.type, one.url]),
      [['PAY_IN', url]],
    )
  })

  it('says what it skips where there is no sandbox and no second pair', async () => {
    const proxy = await startAlteringProxy(test.url)
    proxy.deviation = {
      request: (request) =>
        void (request.path = request.path.replace(/^\/api\/sandbox.*/, '/api/no-sandbox')),
    }
    try {
      const results = await runConformance(
        { baseUrl: proxy.url, first: FIRST, second: undefined, only: ['tenancy', 'kyc', 'quote'] },
        SILENT,
      )
      const skipped = results.filter(({ outcome }) => outcome === 'skipped')
      assert.ok(skipped.some(({ reason }) => /GET \/api\/sandbox answers 404/.test(reason ?? '')))
      assert.ok(skipped.some(({ reason }) => /no second pair/.test(reason ?? '')))
      assert.ok(results.some(({ id, outcome }) => id === 'quote.success' && outcome === 'passed'))
    } finally {
      await proxy.close()
    }
  })
})

/** What each deviation is, the cases it is tried on, and the case that must catch it. */
const DEVIATIONS: [what: string, only: string, caughtBy: string, deviation: Deviation][] = [
  [
    'success for sucess',
    'create_payment.transfer',
    'create_payment.transfer',
    replaceIn('createPayment', '"sucess"', '"success"'),
  ],
  [
    'limit_exceeded for limit_exceded',
    'limit_exceded',
    'create_payment.limit_exceded',
    replaceIn('createPayment', 'limit_exceded', 'limit_exceeded'),
  ],
  [
    'euros for cents',
    'payment.object',
    'payment.object',
    change('/api/payment/', (body) => void (body.data && (body.data.fiat_amount /= 100))),
  ],
  [
    'HTTP 422 for the 200 of a business error',
    'honest.business',
    'honest.business_200',
    { answer: (passing) => void (errorOf(passing) && (passing.status = 422)) },
  ],
  [
    'HTTP 200 for the 422 of register/company',
    'company.validation',
    'company.validation',
    statusOf('/api/register/company', 200),
  ],
  [
    'the usual errors in place of register/company’s',
    'company.validation',
    'company.validation',
    {
      answer: (passing) =>
        void (
          passing.path === '/api/register/company' &&
          passing.status === 422 &&
          (passing.text =
            '{"status":"error","error":"fail_mandatory_field","message":"Missing: email.","errors":{"email":["is missing"]}}')
        ),
    },
  ],
  [
    'a missing field',
    'payment.object',
    'payment.object',
    change('/api/payment/', (body) => void delete body.data?.holder),
  ],
  [
    'a missing message',
    'honest.business',
    'every_answer.error_and_message',
    change('/api/', (body) => void delete body.message),
  ],
  [
    'a number for a text: user_id of a payment',
    'payment.object',
    'payment.object',
    change('/api/payment/', (body) => void (body.data && (body.data.user_id = Number(body.data.user_id)))),
  ],
  [
    'a text for a number: tokens of a quote',
    'quote.success',
    'quote.success',
    change('/api/quote', (body) => void (body.data && (body.data.tokens = String(body.data.tokens)))),
  ],
  [
    'tokens that are not the exact ones',
    'quote.success',
    'quote.success',
    change('/api/quote', (body) => void (body.data && (body.data.tokens = Math.floor(body.data.tokens)))),
  ],
  [
    'fees that are hidden in the price',
    'quote.success',
    'quote.success',
    change('/api/quote', (body) => void (body.data && (body.data.fee = '0.00'))),
  ],
  [
    'a text for the integer concept',
    'create_payment.transfer',
    'create_payment.transfer',
    change(
      '/api/createPayment',
      (body) => void (body.data && (body.data.concept = String(body.data.concept))),
    ),
  ],
  [
    'ids of 24 characters',
    'guided.success',
    'guided.success',
    change(
      '/api/createGuidedPayment',
      (body) => void (body.data && (body.data.payment_id = body.data.payment_id.slice(1))),
    ),
  ],
  [
    'times of three decimals',
    'kyc_check.unused',
    'every_answer.times',
    { answer: (passing) => void (passing.text = passing.text.replaceAll(/\.(\d{3})\d{3}Z/g, '.$1Z')) },
  ],
  [
    'camelCase',
    'kyc_check.unused',
    'every_answer.snake_case',
    { answer: (passing) => void (passing.text = passing.text.replaceAll('"kyc_level"', '"kycLevel"')) },
  ],
  [
    'an envelope more',
    'available_assets',
    'available_assets.success',
    change('/api/available-assets', (body) => void (body.data = { data: body.data })),
  ],
  [
    'a list that is not newest first',
    'payments.walk',
    'payments.walk',
    change('/api/payments/list', (body) => void body.data?.reverse()),
  ],
  ['a cursor that repeats a row', 'payments.walk', 'payments.walk', repeatRows()],
  [
    'a replay that is not byte for byte',
    'idempotency.replay',
    'idempotency.replay',
    {
      answer: (passing) =>
        void (passing.headers['idempotent-replayed'] && (passing.text = passing.text.replace('{', '{ '))),
    },
  ],
  [
    'an Idempotency-Key that is ignored',
    'idempotency.at_once',
    'idempotency.at_once',
    { request: (request) => void delete request.headers['idempotency-key'] },
  ],
  [
    'no Preference-Applied',
    'honest.statuses',
    'honest.statuses',
    { answer: (passing) => void delete passing.headers['preference-applied'] },
  ],
  [
    'HTTP 200 for an unknown route',
    'unknown_route',
    'transport.unknown_route',
    { answer: (passing) => void (passing.status === 404 && (passing.status = 200)) },
  ],
  [
    'no X-Request-Id',
    'quote.success',
    'every_answer.request_id',
    { answer: (passing) => void delete passing.headers['x-request-id'] },
  ],
  [
    'no rate-limit headers',
    'quote.success',
    'every_answer.rate_headers',
    { answer: (passing) => void delete passing.headers.ratelimit },
  ],
  [
    'no rate-limit headers where the caller is not known',
    'rates.refusals',
    'rates.refusals',
    {
      answer(passing) {
        if (passing.text.includes('authorization_incorrect')) delete passing.headers['ratelimit-policy']
      },
    },
  ],
  [
    'another integration’s payment that is forbidden, not unknown',
    'tenancy.payment',
    'tenancy.payment',
    replaceIn('/api/payment/', 'payment_not_found', 'payment_not_yours'),
  ],
  ['tokens that open every integration', 'tenancy.payment', 'tenancy.payment', oneIntegration()],
  [
    'a wrong X-Signature',
    'delivery.pay_in',
    'delivery.pay_in',
    { webhook: ({ headers }) => void (headers['x-signature'] = 'ab'.repeat(32)) },
  ],
  [
    'a signature of the body alone in base64',
    'delivery.pay_in',
    'delivery.pay_in',
    {
      webhook: ({ headers }) =>
        void (headers['x-signature'] = Buffer.from(headers['x-signature'] ?? '', 'hex').toString('base64')),
    },
  ],
  [
    'X-Timestamp in milliseconds',
    'delivery.pay_in',
    'delivery.pay_in',
    { webhook: ({ headers }) => void (headers['x-timestamp'] += '000') },
  ],
  [
    'no Standard Webhooks headers',
    'delivery.pay_in',
    'delivery.pay_in',
    { webhook: ({ headers }) => void delete headers['webhook-signature'] },
  ],
  [
    'a Standard Webhooks signature by the text of whsec_, not by what it holds',
    'delivery.pay_in',
    'delivery.pay_in',
    {
      webhook({ headers, text }) {
        const key = `whsec_${Buffer.from('sandbox-secret').toString('base64')}`
        const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${text}`
        headers['webhook-signature'] = `v1,${createHmac('sha256', key).update(signed).digest('base64')}`
      },
    },
  ],
  [
    'a payment although its provider refused',
    'faults.error_payment_creation',
    'faults.error_payment_creation',
    {
      answer(passing) {
        if (passing.text.includes('error_payment_creation')) {
          passing.text = '{"status":"sucess","message":"payment_created","data":{"payment_id":"x"}}'
        }
      },
    },
  ],
  [
    'another code where there is no fresh price',
    'faults.price_unavailable',
    'faults.price_unavailable',
    replaceIn('/api/', 'price_unavailable', 'unexpected_problem'),
  ],
  [
    'a reconcile without saying by how much it is off',
    'banking.reconcile',
    'banking.reconcile',
    change('/api/banking/reconcile', (body) => void delete body.data?.difference),
  ],
  [
    'a bank line that stays open though it is for a payment',
    'banking.reconcile',
    'banking.reconcile',
    replaceIn('/transactions', '"reconciled":true', '"reconciled":false'),
  ],
  [
    'an IBAN that is taken to the letter alone',
    'banking.iban',
    'banking.iban',
    { request: (passing) => void (passing.path = passing.path.replace('/%20', '/x')) },
  ],
  ['a redelivery under another id', 'delivery.redelivered', 'delivery.redelivered', newIdEachTime()],
]

describe('a server that deviates is caught', () => {
  let proxy: AlteringProxy
  before(async () => {
    proxy = await startAlteringProxy(test.url)
  })
  after(() => proxy.close())

  const run = (only: readonly string[], deviation?: Deviation): Promise<Result[]> => {
    proxy.deviation = deviation
    return runConformance({ baseUrl: proxy.url, first: FIRST, second: SECOND, only }, SILENT)
  }

  it('the untouched proxy is green on all that the deviations are tried on', async () => {
    const results = await run([...new Set(DEVIATIONS.map(([, only]) => only))])
    assert.deepEqual(
      results.filter(({ outcome }) => outcome !== 'passed').map(({ id, problems }) => [id, problems[0]]),
      [],
    )
  })

  for (const [what, only, caughtBy, deviation] of DEVIATIONS) {
    it(what, async () => {
      const results = await run([only], deviation)
      const failed = results.filter(({ outcome }) => outcome === 'failed')
      assert.ok(
        failed.some(({ id }) => id === caughtBy),
        `${caughtBy} did not fail; failed: ${failed.map(({ id }) => id).join(' ') || 'nothing'}`,
      )
      for (const { problems } of failed) assert.ok(problems.every(({ expected, got }) => expected !== got))
    })
  }
})

function runKit(args: readonly string[]): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, [join(ROOT, 'conformance/run.ts'), ...args], { cwd: ROOT })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString('utf8')
    })
  }
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, output }))
  })
}

async function listenOn(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

const errorOf = ({ text }: Passing): boolean => text.startsWith('{"status":"error"')

/** Changes the JSON of every answer from paths that begin so. */
// biome-ignore lint/suspicious/noExplicitAny: a deviation changes whatever it likes.
function change(path: string, alter: (body: any) => void): Deviation {
  return {
    answer(passing) {
      if (!passing.path.startsWith(path) || !passing.text.startsWith('{')) return
      const body = JSON.parse(passing.text)
      alter(body)
      passing.text = JSON.stringify(body)
    },
  }
}

function replaceIn(path: string, text: string, by: string): Deviation {
  return {
    answer(passing) {
      if (passing.path.includes(path)) passing.text = passing.text.replaceAll(text, by)
    },
  }
}

function statusOf(path: string, status: number): Deviation {
  return {
    answer(passing) {
      if (passing.path === path && passing.status === 422) passing.status = status
    },
  }
}

/** Each page by cursor begins with the last row of the one before. */
function repeatRows(): Deviation {
  let last: unknown
  return {
    answer(passing) {
      if (!passing.path.startsWith('/api/payments/list')) return
      const body = JSON.parse(passing.text)
      if (passing.path.includes('cursor=')) body.data.unshift(last)
      last = body.data.at(-1)
      passing.text = JSON.stringify(body)
    },
  }
}

/** Whoever calls is taken for the first integration. */
function oneIntegration(): Deviation {
  let token: string | undefined
  return {
    request({ headers }) {
      if (headers.auth !== undefined && token !== undefined) headers.auth = token
    },
    answer({ path, asked, text }) {
      if (path === '/api/authenticate' && asked?.api_key === FIRST.apiKey) token = JSON.parse(text).data.token
    },
  }
}

/** Every delivery is an event of its own, signed as it should be. */
function newIdEachTime(): Deviation {
  let count = 0
  return {
    webhook(passing) {
      count += 1
      const id = `evt_another${count}`
      passing.text = JSON.stringify({ ...JSON.parse(passing.text), id })
      const timestamp = passing.headers['x-timestamp'] ?? ''
      const sign = (text: string) => createHmac('sha256', FIRST.apiSecret).update(text)
      passing.headers['webhook-id'] = id
      passing.headers['x-signature'] = sign(passing.text + timestamp).digest('hex')
      passing.headers['webhook-signature'] =
        `v1,${sign(`${id}.${timestamp}.${passing.text}`).digest('base64')}`
    },
  }
}
