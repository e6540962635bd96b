import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { Pool } from 'undici'
import { ENDPOINTS } from '../../src/server/endpoints.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { createRandom } from '../support/random.ts'
import { type FuzzedRequest, fuzzRequest, type World } from './requests.ts'

const REQUESTS = 10_000
const AT_ONCE = 16
/** The first is the suite's own; a seed that ever found something is added for good. */
const SEEDS = process.env.FUZZ_SEED ? [Number(process.env.FUZZ_SEED)] : [20_260_626]
/** A page's long poll may wait for its news; nobody waits for it here. */
const PATIENCE_MS = 3_000

describe('10,000 random and mutated requests', () => {
  let test: TestApp
  let pool: Pool
  before(async () => {
    test = await startTestApp({ env: { RATE_LIMIT_PER_MINUTE: '10000000' } })
    pool = new Pool(test.url, { connections: AT_ONCE })
  })
  after(async () => {
    await pool.destroy()
    await test.stop()
  })

  for (const seed of SEEDS) {
    it(`never end in an internal error (seed ${seed})`, async () => {
      const random = createRandom(seed)
      const world = await makeWorld(test)
      const requests = Array.from({ length: REQUESTS }, () =>
        fuzzRequest(random.pick(ENDPOINTS), world, random),
      )
      const wrong: string[] = []
      let answered = 0
      let next = 0
      await Promise.all(
        Array.from({ length: AT_ONCE }, async () => {
          while (next < requests.length) {
            const request = requests[next] as FuzzedRequest
            next += 1
            const problem = await judge(pool, request)
            answered += 1
            if (problem) wrong.push(`${problem}\n  ${describeRequest(request)}`)
          }
        }),
      )
      assert.equal(answered, REQUESTS)
      assert.deepEqual(wrong.slice(0, 10), [])
      const metrics = await (await fetch(`${test.url}/metrics`)).text()
      assert.match(metrics, /^internal_errors_total 0$/m)
    })
  }
})

async function makeWorld(test: TestApp): Promise<World> {
  const other = await test.authenticate('sandbox-key-2', 'sandbox-secret-2')
  const registered = await test.api('POST', '/api/registerUser', {
    body: { name: 'Fuzz', email: 'fuzz@example.com', country: 'ES' },
  })
  const { id, kyc_form_url: formUrl } = registered.body.data
  await test.api('POST', '/api/sandbox/kyc', { body: { user_id: id, outcome: 'valid' } })
  const created = await test.api('POST', '/api/createGuidedPayment', {
    body: { user_id: id, coin_symbol: 'USDC', coin_chain: 'polygon', fiat_amount: '50.00' },
  })
  const sold = await test.api('POST', '/api/createRampoff', {
    body: {
      user_id: id,
      amount: '50',
      symbol: 'USDC',
      blockchain: 'polygon',
      iban: 'ES9121000418450200051332',
    },
  })
  const saleId = sold.body.data?.id ?? 'x'.repeat(25)
  const paymentId = created.body.data?.payment_id ?? 'x'.repeat(25)
  return {
    tokens: [test.token, test.token, test.token, other],
    known: {
      user_id: [String(id), '1', '999999'],
      payment_id: [paymentId, 'A'.repeat(25)],
      id: [paymentId, saleId, String(id), 'evt_x'],
      rampoff_id: [saleId, 'A'.repeat(25)],
      blockchain: ['polygon', 'bsc', 'BSC'],
      iban: ['ES9121000418450200051332', 'ES00'],
      token: [String(formUrl).split('/').pop() as string],
      kind: ['document_front', 'face_image'],
      chain: ['polygon', 'bsc', 'POLYGON'],
      coin_chain: ['polygon', 'bsc'],
      symbol: ['USDC', 'usdt', 'BUSD'],
      coin_symbol: ['USDC', 'USDT'],
      payment_type: ['card', 'psd2', 'transfer', 'PSD2'],
      type: ['PAY_IN', 'COINS_SENT', 'RAMPOFF_FINISHED'],
      advance: ['1s'],
      // No provider is made to fail: then a 502 or 503 would be right.
      provider: ['nobody'],
      wallet: ['0x52908400098527886E0F7030069857D2E4169EE7'],
    },
  }
}

/** What is wrong with the answer, if anything. */
async function judge(
  pool: Pool,
  { method, path, headers, body }: FuzzedRequest,
): Promise<string | undefined> {
  let status: number
  let text: string
  try {
    const answer = await pool.request({
      method: method as 'GET',
      path,
      headers,
      body: body ?? null,
      signal: AbortSignal.timeout(path.startsWith('/hosted/') && method === 'GET' ? PATIENCE_MS : 60_000),
    })
    status = answer.statusCode
    text = await answer.body.text()
  } catch (error) {
    if ((error as Error).name === 'TimeoutError' && path.startsWith('/hosted/')) return undefined
    return `no answer: ${(error as Error).message}`
  }
  if (status >= 500) return `${status}: ${text.slice(0, 300)}`
  if (text.includes('unexpected_error')) return `unexpected_error: ${text.slice(0, 300)}`
  if (
    /\bat [\w.<>]+ \(.*:\d+:\d+\)|node_modules|SQLSTATE|syntax error at/.test(text) &&
    !path.startsWith('/docs')
  )
    return `tells of its inside: ${text.slice(0, 300)}`
  return undefined
}

function describeRequest({ method, path, headers, body }: FuzzedRequest): string {
  return `${method} ${path.slice(0, 300)} ${JSON.stringify(headers).slice(0, 300)} ${body?.toString('utf8').slice(0, 500) ?? ''}`
}
