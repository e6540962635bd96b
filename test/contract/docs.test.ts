import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { configurationPage } from '../../scripts/write-configuration.ts'
import { isForIntegrators } from '../../src/server/docs/content.ts'
import { renderSite } from '../../src/server/docs/site.ts'
import { ENDPOINTS } from '../../src/server/endpoints.ts'
import { ERROR_REMEDIES } from '../../src/server/error-remedies.ts'
import { ERROR_TEXTS } from '../../src/server/error-texts.ts'
import { ERRORS, type ErrorCode } from '../../src/server/errors.ts'
import { NAMED, openApiDocument } from '../../src/server/openapi.ts'
import { EVENT_TYPES } from '../../src/webhooks/event-types.ts'
import { verifyStandardWebhook, verifyWebhook } from '../../src/webhooks/verify.ts'
import { type ApiAnswer, eventually, startTestApp, type TestApp } from '../support/app.ts'
import { blocksOf, paste, type ShownBlock } from './pasted.ts'

const ROOT = join(import.meta.dirname, '../..')
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8')

describe('the documentation says what is', () => {
  it('docs/configuration.md is the table that the program reads (node scripts/write-configuration.ts writes it)', () => {
    assert.equal(read('docs/configuration.md'), configurationPage())
  })

  it('every link between the pages leads somewhere', () => {
    const pages = [
      'README.md',
      ...readdirSync(join(ROOT, 'docs'))
        .filter((name) => name.endsWith('.md'))
        .map((name) => `docs/${name}`),
    ]
    const broken = pages.flatMap((page) =>
      [...read(page).matchAll(/\]\((?!https?:|#)([^)#]+)/g)]
        .map((match) => match[1] as string)
        .filter((target) => !existsSync(join(ROOT, dirname(page), target)))
        .map((target) => `${page} → ${target}`),
    )
    assert.deepEqual(broken, [])
  })

  it('every npm command of the README exists', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
    const named = [...read('README.md').matchAll(/npm (?:run )?([\w:]+)/g)].map((match) => match[1] as string)
    assert.deepEqual(
      named.filter((name) => !(name in scripts) && !['run', 'registry', 'and'].includes(name)),
      [],
    )
  })
})

describe('documentation = OpenAPI = code, in both directions', () => {
  const siteOf = (sandbox: boolean): Map<string, string> =>
    renderSite({
      endpoints: ENDPOINTS.filter(({ sandboxOnly }) => sandbox || !sandboxOnly),
      named: NAMED,
      publicUrl: 'https://ramp.example.com',
      version: '1.2.3',
      sandbox,
      assets: { style: '/docs/docs.css', script: '/docs/docs.js' },
    })
  const sandboxSite = siteOf(true)
  const productionSite = siteOf(false)
  const openApi = openApiDocument({ endpoints: ENDPOINTS, publicUrl: 'https://x.example', version: '1.2.3' })
  const page = (path: string): string => sandboxSite.get(path) ?? assert.fail(`there is no ${path}`)
  const names = (html: string, pattern: RegExp): string[] =>
    [...html.matchAll(pattern)].map((match) => match.slice(1).join(' ')).sort()
  const table = ENDPOINTS.map(({ method, path }) => `${method} ${path}`)

  it('docs/api.md lists each call of an integrator, and no other', () => {
    const listed = names(
      read('docs/api.md'),
      /^\| (GET|POST|PUT) \| `([^`]+)` \| (?:documented|chosen) \|$/gm,
    )
    const called = ENDPOINTS.filter(isForIntegrators).map(({ method, path }) => `${method} ${path}`)
    assert.deepEqual(listed, called.sort())
  })

  it('the pages show each endpoint of the table once, and no other', () => {
    const route = /<b class="method \w+">(\w+)<\/b> <code>([^<]+)<\/code>/g
    const shown = [...names(page('/docs/reference'), route), ...names(page('/docs/pages'), route)]
    assert.deepEqual(shown.sort(), [...table].sort())
  })

  it('OpenAPI has each endpoint of the table, and no other', () => {
    const paths = Object.entries(openApi.paths as Record<string, object>)
    const described = paths.flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    )
    assert.deepEqual(described.sort(), [...table].sort())
  })

  it('the errors page has each code of the table with its status, text and remedy, and no other', () => {
    const errors = page('/docs/errors')
    const shown = names(errors, /id="error-(\w+)">.*?<span class="status">(\d+)<\/span>/g)
    const codes = Object.keys(ERRORS) as ErrorCode[]
    assert.deepEqual(shown, codes.map((code) => `${code} ${ERRORS[code]}`).sort())
    assert.deepEqual(Object.keys(ERROR_TEXTS).sort(), [...codes].sort())
    assert.deepEqual(Object.keys(ERROR_REMEDIES).sort(), [...codes].sort())
    for (const code of codes) assert.ok(ERROR_REMEDIES[code].length > 10, code)
  })

  it('every code that an endpoint can answer is in OpenAPI, and OpenAPI has no other', () => {
    const inOpenApi = new Set<string>()
    collectCodes(openApi.paths, inOpenApi)
    // Codes that belong to no endpoint: for an address that does not exist, another method on one, or one that is not read.
    const everywhere = ['not_found', 'method_not_supported', 'headers_too_large']
    for (const code of inOpenApi) assert.ok(code in ERRORS, code)
    const used = new Set(ENDPOINTS.flatMap(({ errors }) => errors))
    for (const code of used) assert.ok(inOpenApi.has(code), code)
    const unused = Object.keys(ERRORS).filter((code) => !inOpenApi.has(code) && !everywhere.includes(code))
    assert.deepEqual(unused, [], 'codes that no endpoint lists')
  })

  it('the webhooks page and OpenAPI have each event type, and no other', () => {
    const types = Object.keys(EVENT_TYPES).sort()
    assert.deepEqual(names(page('/docs/webhooks'), /<article class="event" id="event-(\w+)"/g), types)
    assert.deepEqual(Object.keys(openApi.webhooks as object).sort(), types)
  })

  for (const [mode, site] of [
    ['sandbox', sandboxSite],
    ['production', productionSite],
  ] as const) {
    it(`${mode}: every link of every page leads somewhere, and every place has one name`, () => {
      const ids = new Map([...site].map(([path, html]) => [path, names(html, / id="([^"]+)"/g)]))
      for (const [path, html] of site) {
        const own = ids.get(path)!
        assert.equal(new Set(own).size, own.length, path)
        for (const [, link = ''] of html.matchAll(/href="([^"]+)"/g)) {
          const [target = '', anchor] = link.split('#')
          if (/^(https:|\/docs\/docs\.css|\/openapi\.json)/.test(link)) continue
          assert.ok(target === '' || site.has(target), `${path}: ${link}`)
          if (anchor) assert.ok(ids.get(target || path)!.includes(anchor), `${path}: ${link}`)
        }
      }
    })
  }
})

describe('what a provider’s callback is refused with', () => {
  const CALLBACKS = ENDPOINTS.filter(({ audience }) => audience === 'provider')
  const openApi = openApiDocument({ endpoints: ENDPOINTS, publicUrl: 'https://x.example', version: '1.2.3' })
  let test: TestApp
  const NO_PROVIDERS = Object.fromEntries(
    ['BANK', 'CARD', 'OPEN_BANKING', 'PAYPAL', 'LOCAL'].map((name) => [`${name}_PROVIDER`, 'none']),
  )
  /** Without any payment provider. */
  let bare: TestApp
  before(async () => {
    test = await startTestApp({ lanes: false, localChains: false })
    bare = await startTestApp({ lanes: false, localChains: false, env: NO_PROVIDERS })
  })
  after(() => Promise.all([test.stop(), bare.stop()]))

  for (const { path, raw } of CALLBACKS) {
    it(`${path}: OpenAPI has each refusal under its status`, async () => {
      const { responses } = (
        openApi.paths as Record<string, Record<string, { responses: Record<string, object> }>>
      )[path]!.post!
      const post = (app: TestApp, body: string): Promise<ApiAnswer> =>
        app.api('POST', path, { token: null, body, headers: { 'content-type': 'application/json' } })
      const unsigned = await post(test, '{"notifications":[]}')
      const large = await post(test, ' '.repeat(raw!.limitBytes + 1))
      assert.deepEqual([unsigned.status, unsigned.body.error], [401, 'authorization_incorrect'])
      assert.deepEqual([large.status, large.body.error], [413, 'body_too_large'])
      const absent = await post(bare, '{"notifications":[]}')
      // A verifier there is always: an integration’s customers are verified by one.
      const refused =
        path === '/providers/kyc/callback' ? [401, 'authorization_incorrect'] : [404, 'not_found']
      assert.deepEqual([absent.status, absent.body.error], refused)
      for (const { status, body } of [unsigned, large, absent]) {
        const codes = new Set<string>()
        collectCodes(responses[status], codes)
        assert.ok(codes.has(body.error), `${status} ${body.error}`)
      }
    })
  }
})

/** The codes below every `error: {enum}` of the document. */
function collectCodes(node: unknown, codes: Set<string>): void {
  if (typeof node !== 'object' || node === null) return
  const { error } = node as { error?: { enum?: string[] } }
  for (const code of error?.enum ?? []) codes.add(code)
  for (const inner of Object.values(node)) collectCodes(inner, codes)
}

describe('the six calls of the README, pasted', () => {
  let test: TestApp
  before(async () => {
    test = await startTestApp()
  })
  after(() => test.stop())

  it('end with coins in the wallet', async () => {
    const blocks = [...read('README.md').matchAll(/```sh\n([\s\S]*?)```/g)].map((match) => match[1] as string)
    const calls = blocks.filter((block) => block.includes('curl') || block.startsWith('API='))
    assert.equal(calls.length, 7)
    const [watch] = calls.splice(-1) as [string]
    const script = calls.join('\n').replaceAll('http://127.0.0.1:8080', test.url)
    const output = await paste(`${script}\necho "last:$TOKEN:$PAYMENT"`)
    const [, token, payment] = /last:([^:\s]+):(\w+)/.exec(output) ?? []
    assert.ok(token && payment, output)
    await eventually('the last call to say coins_sent', async () => {
      const answer = await paste(
        `API=${test.url}/api TOKEN=${token} PAYMENT=${payment}\n${watch.replace(/sleep \d+; /, '')}`,
      )
      return /"status":"coins_sent"/.test(answer) && /"txid":"0x[0-9a-f]{64}"/.test(answer)
    })
  })
})

/** Every block of a page in one shell, as a reader pastes them from top to bottom. */
describe('the pages, pasted from top to bottom', () => {
  let test: TestApp
  before(async () => {
    test = await startTestApp()
  })
  after(() => test.stop())

  const run = async (path: string, more = ''): Promise<{ output: string; blocks: ShownBlock[] }> => {
    const { body } = await test.api('GET', path)
    const blocks = blocksOf(body).filter(({ language }) => language === 'sh')
    const script = blocks.map(({ label, code }) => `echo; echo '## ${label}'\n${code}`).join('\n')
    return { blocks, output: await paste(`${script}\n${more}`) }
  }

  it('the guide ends with coins in the wallet and money for others, and leaves what the reference’s calls name', async () => {
    const { body: reference } = await test.api('GET', '/docs/reference')
    const variables = blocksOf(reference).find(({ label }) => label === 'Shell variables')!
    const { output } = await run(
      '/docs',
      `${variables.code}\necho "left:$USER_ID:$IBAN:$DOCUMENT_FRONT:$FACE_IMAGE"`,
    )
    assert.match(output, /evt_\w+\n\w{25}\nleft:\d+:ES\d{22}:(data:image\/png;base64,[\w+/=]+):\1\n/)
    const [, payment] = /## createGuidedPayment\n(\w{25})\n/.exec(output) ?? []
    assert.ok(payment, output)
    assert.ok(!output.includes('"status":"error"'), output)
    await eventually('coins_sent', async () => {
      const { body } = await test.api('GET', `/api/payment/${payment}`)
      return body.data.status === 'coins_sent'
    })
    const [, sale] = /## createRampoff\n(\w{25})\n/.exec(output) ?? []
    assert.ok(sale, output)
    await eventually('finished', async () => {
      const { body } = await test.api('GET', `/api/getRampoff?id=${sale}`)
      return body.data.status === 'finished'
    })
  })

  it('the sandbox’s instructions work by every method', async () => {
    const { output, blocks } = await run('/docs/sandbox')
    for (const { label } of blocks) {
      const [, answers = ''] = output.split(`## ${label}\n`)
      assert.match(
        answers.split('\n## ', 1)[0]!,
        /"status":"(ok|success|sucess)"|"result":"0x/,
        `${label}:\n${output}`,
      )
    }
    assert.ok(!/"status":"error"|"error":\{/.test(output), output)
  })

  it('the webhooks page’s calls work', async () => {
    const token = await test.authenticate('sandbox-key', 'sandbox-secret')
    const { body } = await test.api('GET', '/docs/webhooks')
    for (const { language, code, label } of blocksOf(body)) {
      if (language !== 'sh') continue
      assert.match(await paste(code, { TOKEN: token }), /"status":"ok"/, label)
    }
  })

  it('the refusals shown are what the calls that they name are answered', async () => {
    test.token = await test.authenticate('sandbox-key', 'sandbox-secret')
    const shown = async (path: string, label: string): Promise<unknown> => {
      const { body } = await test.api('GET', path)
      return JSON.parse(blocksOf(body).find((block) => block.label === label)!.code)
    }
    const quote = async (amount: string): Promise<unknown> =>
      (await test.api('GET', `/api/quote?amount=${amount}&symbol=USDC&payment_type=card`)).body
    const { body } = await test.api('POST', '/api/registerUser', { body: { name: 'Ana' } })
    assert.deepEqual(body, await shown('/docs/errors', 'registerUser without an e-mail address'))
    assert.deepEqual(await quote('5'), await shown('/docs/conventions', 'A quote of 5 EUR'))
    assert.deepEqual(await quote('150.505'), await shown('/docs/conventions', 'A quote of 150.505 EUR'))
  })

  it('the delivery on the webhooks page verifies with the secret it names', async () => {
    const { body } = await test.api('GET', '/docs/webhooks')
    const shown = blocksOf(body).find(({ label }) => label.startsWith('A delivery'))!
    const [head = '', rawBody = ''] = shown.code.split('\n\n')
    const headers = Object.fromEntries(
      head
        .split('\n')
        .slice(1)
        .map((line) => [line.split(': ', 1)[0]!.toLowerCase(), line.replace(/^[^:]+: /, '')]),
    )
    const now = new Date(Number(headers['x-timestamp']) * 1000)
    assert.deepEqual(verifyWebhook({ headers, rawBody, apiSecret: 'sandbox-secret', now }), { ok: true })
    assert.deepEqual(verifyStandardWebhook({ headers, rawBody, apiSecret: 'sandbox-secret', now }), {
      ok: true,
    })
  })
})
