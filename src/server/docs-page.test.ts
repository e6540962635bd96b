import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { brotliDecompressSync } from 'node:zlib'
import { request } from 'undici'
import { startTestApp, type TestApp } from '../../test/support/app.ts'
import { NO_CHAINS } from '../../test/support/hot-wallets.ts'
import { ENDPOINTS } from './endpoints.ts'
import { ERRORS } from './errors.ts'

let t: TestApp
let page: string

before(async () => {
  t = await startTestApp({ lanes: false, env: NO_CHAINS })
  page = (await t.api('GET', '/docs')).body
})
after(() => t.stop())

describe('GET /docs', () => {
  test('shows every endpoint with a call, and every error', () => {
    for (const { name, method, path, summary } of ENDPOINTS) {
      assert.ok(page.includes(`id="${name}"`), name)
      assert.ok(page.includes(`>${method}</b> <code>${path}</code>`), path)
      assert.ok(page.includes(summary.replaceAll("'", '&#39;')), summary)
    }
    for (const code of Object.keys(ERRORS)) assert.ok(page.includes(`id="error-${code}"`), code)
  })

  test('every link inside the page leads somewhere, and every place has one name', () => {
    const ids = [...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id)
    assert.equal(new Set(ids).size, ids.length)
    const links = new Set([...page.matchAll(/href="#([^"]+)"/g)].map(([, id]) => id))
    for (const link of links) assert.ok(ids.includes(link), `#${link}`)
    assert.ok(links.size > ENDPOINTS.length)
  })

  test('names the address it is served under', () => {
    assert.ok(page.includes(`<code>${t.url}/api</code>`))
    assert.ok(page.includes(`curl &quot;${t.url}/api/quote?amount=150.50`))
    assert.ok(!page.includes(':0/'))
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
