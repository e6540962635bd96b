import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { brotliDecompressSync } from 'node:zlib'
import { request } from 'undici'
import { startTestApp, type TestApp } from '../../test/support/app.ts'
import { NO_CHAINS } from '../../test/support/hot-wallets.ts'
import { renderSite } from './docs/site.ts'
import { ENDPOINTS } from './endpoints.ts'
import { NAMED } from './openapi.ts'

let t: TestApp
let page: string

before(async () => {
  t = await startTestApp({ lanes: false, env: NO_CHAINS })
  page = (await t.api('GET', '/docs')).body
})
after(() => t.stop())

const PAGES = [
  '/docs',
  '/docs/sandbox',
  '/docs/reference',
  '/docs/webhooks',
  '/docs/errors',
  '/docs/conventions',
  '/docs/pages',
]

describe('GET /docs', () => {
  test('each page leads to all of them', async () => {
    for (const path of PAGES) {
      const { status, body, headers } = await t.api('GET', path)
      assert.equal(status, 200, path)
      assert.match(headers.get('content-type')!, /^text\/html/)
      for (const other of PAGES) assert.ok(body.includes(`href="${other}"`), `${path} → ${other}`)
      assert.equal(body.match(/<a class="page" href="[^"]*" aria-current="page">/g)?.length, 2, path)
    }
  })

  test('names the address it is served under', async () => {
    const { body } = await t.api('GET', '/docs/reference')
    assert.ok(body.includes(`<code>${t.url}/api</code>`))
    assert.ok(body.includes(`curl &quot;${t.url}/api/quote?amount=150.50`))
    assert.ok(!body.includes(':0/'))
  })

  test('in production says nothing of the sandbox', () => {
    const options = { named: NAMED, publicUrl: 'https://ramp.example.com', version: '1.2.3' }
    const site = renderSite({
      ...options,
      endpoints: ENDPOINTS.filter(({ sandboxOnly }) => !sandboxOnly),
      sandbox: false,
      assets: { style: '/docs/docs.css', script: '/docs/docs.js' },
    })
    assert.ok(!site.has('/docs/sandbox'))
    for (const path of ['/docs', '/docs/reference', '/docs/webhooks', '/docs/conventions']) {
      assert.ok(!/api\/sandbox/.test(site.get(path)!), path)
    }
  })

  test('nothing on it is inline or from elsewhere, and the policy says so', async () => {
    const { headers } = await t.api('GET', '/docs')
    const policy = headers.get('content-security-policy')!
    assert.ok(policy.includes("default-src 'none'") && policy.includes("frame-ancestors 'none'"))
    assert.ok(!policy.includes('unsafe'))
    assert.ok(!/<style|<script(?! src="\/docs\/docs\.js)| style=| on\w+=/.test(page))
    for (const [, address] of page.matchAll(/(?:src|link rel="stylesheet" href)="([^"]+)"/g)) {
      const { status, headers } = await t.api('GET', address!)
      assert.equal(status, 200)
      assert.match(headers.get('cache-control')!, /immutable/)
    }
  })

  test('comes compressed, and only once', async () => {
    const answer = await request(`${t.url}/docs`, { headers: { 'accept-encoding': 'gzip;q=0, br' } })
    assert.equal(answer.headers['content-encoding'], 'br')
    const body = brotliDecompressSync(Buffer.from(await answer.body.arrayBuffer()))
    assert.equal(body.toString(), page)
    const again = await request(`${t.url}/docs`, {
      headers: { 'accept-encoding': 'br', 'if-none-match': String(answer.headers.etag) },
    })
    assert.equal(again.statusCode, 304)
    assert.equal(await again.body.text(), '')
  })

  test('the address alone leads there', async () => {
    const { status, headers } = await t.api('GET', '/')
    assert.deepEqual([status, headers.get('location')], [302, '/docs'])
  })
})

describe('GET /openapi.json', () => {
  test('is the document, readable from anywhere', async () => {
    const { status, headers, body } = await t.api('GET', '/openapi.json')
    assert.equal(status, 200)
    assert.equal(body.openapi, '3.1.0')
    assert.deepEqual(body.servers, [{ url: t.url }])
    assert.equal(headers.get('access-control-allow-origin'), '*')
  })
})
