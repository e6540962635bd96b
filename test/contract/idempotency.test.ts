import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { sql } from 'kysely'
import { ENDPOINTS } from '../../src/server/endpoints.ts'
import { isIdempotent } from '../../src/server/openapi-operation.ts'
import type { ApiAnswer } from '../support/app.ts'
import { tellLine } from '../support/bank.ts'
import { makePdf } from '../support/documents.ts'
import { drawDocument } from '../support/kyc.ts'
import {
  addCustomer,
  createGuided,
  findIban,
  guidedBody,
  type PaymentWorld,
  payCard,
  rowOf,
  startPaymentWorld,
} from '../support/payments.ts'
import { saleBody } from '../support/rampoff.ts'

const POSTS = ENDPOINTS.filter(isIdempotent)
const URL = 'http://127.0.0.1:9/nobody-listens'

interface Kind {
  path?: string
  body?: object
  /** What one call adds one to; whatever can be counted. */
  counts: string
}

let t: PaymentWorld
before(async () => {
  t = await startPaymentWorld({ RATE_LIMIT_PER_MINUTE: '1000000' })
})
after(() => t.stop())

/**
 * Sends so many at once, and those again that came while the first still ran, until all have its answer. Bodies as
 * they were sent, byte for byte.
 */
async function sendAtOnce(count: number, path: string, body: object, key: string): Promise<ApiAnswer[]> {
  const answers: ApiAnswer[] = []
  for (let waiting = count; waiting > 0; ) {
    const wave = await Promise.all(
      Array.from({ length: waiting }, () =>
        t.api('POST', path, { body, headers: { 'idempotency-key': key }, asText: true }),
      ),
    )
    const done = wave.filter(({ body: text }) => !text.includes('"request_in_progress"'))
    for (const early of wave.filter((one) => !done.includes(one)))
      assert.ok(Number(early.headers.get('retry-after')) > 0)
    assert.ok(done.length > 0, 'the first of each wave ends before the wave does')
    answers.push(...done)
    waiting -= done.length
  }
  return answers
}

/** All answers are one, and all but the first say that they are repeated. */
function assertOneAnswer(answers: readonly ApiAnswer[]): void {
  const [text] = new Set(answers.map(({ body }) => body as string))
  for (const { body } of answers) assert.equal(body, text)
  assert.doesNotMatch(text!, /^\{"status":"error"/)
  const replayed = answers.filter(({ headers }) => headers.get('idempotent-replayed') === 'true')
  assert.equal(replayed.length, answers.length - 1)
}

describe('Idempotency-Key', () => {
  it('a thousand duplicates at once make one customer, and all get its answer byte for byte', async () => {
    const body = { name: 'Ana', email: 'once@example.com', external_id: 'once' }
    const before = await count('customers')
    const answers = await sendAtOnce(1000, '/api/registerUser', body, 'register-once')
    assertOneAnswer(answers)
    assert.equal(answers.length, 1000)
    assert.equal(await count('customers'), before + 1)
    assert.equal(await count('verifications'), before + 1)
  })

  // One of these is alone below; the other moves coins on a local chain, of which there is none here.
  const apart = ['resetSandbox', 'depositOnChain']
  for (const endpoint of POSTS.filter(({ name }) => !apart.includes(name))) {
    it(`${endpoint.path}: a hundred duplicates at once have one effect and one answer`, async () => {
      const make = KINDS[endpoint.name]
      assert.ok(make, `There is no sample for ${endpoint.name}: add one to KINDS.`)
      const { path = endpoint.path, body = {}, counts } = await make()
      const before = await count(counts)
      assertOneAnswer(await sendAtOnce(100, path, body, `hundred-${endpoint.name}`))
      assert.equal(await count(counts), before + 1)
    })
  }

  it('/api/sandbox/reset: a hundred duplicates at once make one beginning', async () => {
    const before = await count('integrations')
    const answers = await sendAtOnce(100, '/api/sandbox/reset', {}, 'reset')
    assert.deepEqual(
      new Set(answers.map(({ body }) => body)),
      new Set(['{"status":"ok","data":{"reset":true}}']),
    )
    assert.equal(await count('integrations'), before + 1)
  })

  it('refuses another body, and does not remember a refusal', async () => {
    const headers = { 'idempotency-key': 'k' }
    const refused = await t.api('POST', '/api/registerUser', { body: { name: 'Ana' }, headers })
    assert.equal(refused.body.error, 'fail_mandatory_field')
    const made = await t.api('POST', '/api/registerUser', {
      body: { name: 'Ana', email: 'k@example.com' },
      headers,
    })
    assert.equal(made.body.status, 'ok')
    const other = await t.api('POST', '/api/registerUser', {
      body: { name: 'Eva', email: 'k@example.com' },
      headers,
      honest: true,
    })
    assert.equal(other.status, 409)
    assert.equal(other.body.error, 'idempotency_key_reused')
    const elsewhere = await t.api('POST', '/api/kyc/retry', { body: { user_id: 1 }, headers })
    assert.equal(elsewhere.body.error, 'user_not_found')
  })
})

/** Rows of a table, or what a whole query counts. */
async function count(what: string): Promise<number> {
  const query = what.startsWith('select') ? what : `select count(*) from ${what}`
  const { rows } = await sql<{ count: number }>`${sql.raw(query)}`.execute(t.app.db)
  return Number(Object.values(rows[0]!)[0])
}

const payment = async (): Promise<string> => createGuided(t, await addCustomer(t.app))

/** One call of each kind that has an effect. A new kind of POST fails the test until it is here. */
const KINDS: Readonly<Record<string, () => Promise<Kind>>> = {
  registerUser: async () => ({ body: { name: 'Eva', email: 'hundred@example.com' }, counts: 'customers' }),
  registerUserKycDelegated: async () => {
    const photo = (await drawDocument()).toString('base64')
    return {
      body: {
        name: 'Ana',
        last_name: 'García López',
        email: 'delegated@example.com',
        birth_date: '1990-05-17',
        country: 'ES',
        address: 'Calle Mayor 1',
        city: 'Madrid',
        postal_code: '28013',
        identification_type: 'GOVERNMENT_ID',
        identification_number: '12345678Z',
        document_front: photo,
        document_back: photo,
        face_image: photo,
      },
      counts: 'customers',
    }
  },
  registerCompany: async () => ({
    body: { email: 'company@example.com', company_name: 'Remesas Sol' },
    counts: 'customers',
  }),
  retryKyc: async () => ({
    body: { user_id: await addCustomer(t.app, { kycStatus: 'fail' }) },
    counts: 'verifications',
  }),
  createOnboardingForm: async () => ({
    body: { user_id: await addCustomer(t.app) },
    counts: 'verifications',
  }),
  uploadDocument: async () => ({
    path: `/api/customers/${await addCustomer(t.app)}/documents`,
    body: { type: 'payslip', file: makePdf().toString('base64') },
    counts: 'documents',
  }),
  createPayment: async () => ({
    body: guidedBody(await addCustomer(t.app), { fiat_symbol: 'EUR', payment_type: 'transfer' }),
    counts: 'payments',
  }),
  createGuidedPayment: async () => ({ body: guidedBody(await addCustomer(t.app)), counts: 'payments' }),
  createRampoff: async () => ({ body: saleBody(await addCustomer(t.app)), counts: 'sales' }),
  cancelPayment: async () => ({
    path: `/api/payment/${await payment()}/cancel`,
    counts: "select count(*) from payments where state = 'cancelled'",
  }),
  subscribeToWebhook: async () => ({
    body: { type: 'PAY_IN', url: URL },
    counts: 'webhook_subscriptions',
  }),
  updateWebhookSubscription: async () => {
    await t.api('POST', '/api/subscribeToWebhook', { body: { type: 'COINS_SENT', url: URL } })
    return {
      body: { type: 'COINS_SENT', url: `${URL}/new` },
      counts: `select count(*) from webhook_subscriptions where url = '${URL}/new'`,
    }
  },
  unsubscribeFromWebhook: async () => {
    await t.api('POST', '/api/subscribeToWebhook', { body: { type: 'KYC_FAIL', url: URL } })
    return { body: { type: 'KYC_FAIL' }, counts: 'select -count(*) from webhook_subscriptions' }
  },
  redeliverWebhookEvent: async () => {
    const userId = await addCustomer(t.app, { kycStatus: 'unused' })
    await t.api('POST', '/api/sandbox/kyc', { body: { user_id: userId, outcome: 'review' } })
    await t.runLanes('event-sequencer')
    await t.api('POST', '/api/subscribeToWebhook', { body: { type: 'KYC_PROCESSING', url: URL } })
    const { body } = await t.api('GET', '/api/webhooks/events?type=KYC_PROCESSING')
    return { path: `/api/webhooks/events/${body.data.at(-1).id}/redeliver`, counts: 'deliveries' }
  },
  refundPayment: async () => {
    const id = await payment()
    await payCard(t, id)
    return {
      path: `/api/payment/${id}/refund`,
      counts: "select count(*) from effects where kind = 'card_refund'",
    }
  },
  decideSandboxKyc: async () => ({
    body: { user_id: await addCustomer(t.app, { kycStatus: 'unused' }), outcome: 'valid' },
    counts: "select count(*) from events where type = 'KYC_VALID'",
  }),
  paySandboxPayment: async () => ({
    path: `/api/sandbox/payments/${await payment()}/pay`,
    body: { outcome: 'paid' },
    counts: "select count(*) from payment_sessions where payment_type = 'card'",
  }),
  sendBankTransfer: async () => ({
    body: { iban: await findIban(t.app), amount: '12.34', name: 'Ana García', concept: 'a gift' },
    counts: 'select count(*) from simulated.bank_transfers',
  }),
  reconcilePayment: async () => {
    const id = await payment()
    const units = (await rowOf(t.app, id)).fiatUnits
    // Somebody else's money waits for a person: no coins are to be moved here.
    const counterpartyName = 'Luis Romero Gil'
    const transaction_id = await tellLine(t.app, { iban: await findIban(t.app), units, counterpartyName })
    return { body: { payment_id: id, transaction_id }, counts: 'bank_matches' }
  },
  orderFaults: async () => ({
    body: { provider: 'open_banking', kind: 'late', count: 1 },
    counts: 'select coalesce(sum(remaining), 0) from provider_faults',
  }),
  advanceSandboxClock: async () => ({
    body: { advance: '1s' },
    counts: 'select clock_offset_ms / 1000 from platform',
  }),
}
