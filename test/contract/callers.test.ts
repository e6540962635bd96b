import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { sealPayee } from '../../src/offramp/sale-wire.ts'
import type { Endpoint } from '../../src/server/endpoint.ts'
import { ENDPOINTS } from '../../src/server/endpoints.ts'
import { type ApiAnswer, eventually, startTestApp, type TestApp } from '../support/app.ts'
import { tellLine } from '../support/bank.ts'
import { CUSTOMER_IBAN } from '../support/rampoff.ts'

const API = ENDPOINTS.filter(({ audience }) => audience === 'token')

/** Something of the first integration's and something that nobody has, of one shape. */
type Sample = readonly [real: string, unknown: string]

/** Fields that name something of the caller's own, or make a new name for it. */
const OWN = /^(external_id|quote_id|email|from_iban|iban)$/

/** Documented: a document is refused in words that tell of the other integration. */
const TELLS: Readonly<Record<string, string>> = { uploadDocument: 'user_not_in_integration' }

describe('who may call what', () => {
  let test: TestApp
  let others: string
  let samples: Record<string, Sample>
  before(async () => {
    test = await startTestApp({ lanes: true, localChains: false })
    others = await test.authenticate('sandbox-key-2', 'sandbox-secret-2')
    samples = await makeSamples(test)
  })
  after(() => test.stop())

  it('walks every endpoint, and those that name something by each of its names', () => {
    assert.ok(API.length >= 30)
    assert.ok(API.flatMap(namesIn).length >= 20)
  })

  for (const endpoint of API) {
    it(`${endpoint.method} ${endpoint.path}: authorization_incorrect without, with an unknown, and with an empty token`, async () => {
      for (const token of [null, 'unknown', '']) await assertRefused(test, endpoint, token)
    })

    for (const name of namesIn(endpoint)) {
      it(`${endpoint.method} ${endpoint.path}: another integration’s ${name} is answered like one that does not exist`, async () => {
        const sample = samples[`${endpoint.name}.${name}`] ?? samples[name]
        assert.ok(sample, `There is no sample of ${name} for ${endpoint.name}: add one to makeSamples.`)
        const before = await ownedRows(test)
        const [theirs, nobodys] = await Promise.all(
          [0, 1].map((which) => ask(test, endpoint, { name, samples, which, token: others })),
        )
        const told = TELLS[endpoint.name]
        if (told === undefined) {
          assert.deepEqual(theirs, nobodys)
          if (!endpoint.list || nobodys?.body.status === 'error')
            assert.match(nobodys?.body.error, /_not_found$/)
          else assert.deepEqual(nobodys?.body.data, [])
        } else assert.deepEqual([theirs?.status, theirs?.body.error], [403, told])
        assert.deepEqual(await ownedRows(test), before)
      })
    }
  }

  for (const endpoint of API.filter(({ list }) => list)) {
    it(`${endpoint.path}: nothing of another integration’s is in the list`, async () => {
      const path = endpoint.path.replaceAll(/\{(\w+)\}/g, (_, name) => samples[name]![0])
      const mine = await test.api('GET', path)
      const theirs = await test.api('GET', path, { token: others })
      assert.equal(mine.body.status, 'ok')
      assert.ok(mine.body.data.length > 0)
      assert.deepEqual(theirs.body.data ?? [], [])
    })
  }

  // After the others' attempts, as some of these change something.
  for (const endpoint of API.filter((one) => namesIn(one).length > 0)) {
    it(`${endpoint.method} ${endpoint.path}: its owner is answered otherwise`, async () => {
      for (const name of namesIn(endpoint)) {
        const mine = await ask(test, endpoint, { name, samples, which: 0, token: test.token })
        const nobodys = await ask(test, endpoint, { name, samples, which: 1, token: test.token })
        assert.notDeepEqual(mine, nobodys, name)
      }
    })
  }

  it('an address outside the allowlist is nobody, at every endpoint', async () => {
    const set = (ipAllowlist: string[]) => setAllowlist(test, 'sandbox-key-2', ipAllowlist)
    await set(['203.0.113.0/24'])
    for (const endpoint of API) await assertRefused(test, endpoint, others)
    await set(['127.0.0.0/8', '::1'])
    assert.equal((await test.api('GET', '/api/available-assets', { token: others })).body.status, 'ok')
  })

  it('a right pair from outside the allowlist is answered as a wrong one', async () => {
    const pair = { api_key: 'sandbox-key-2', api_secret: 'sandbox-secret-2' }
    const authenticate = (body: object) =>
      test.api('POST', '/api/authenticate', { token: null, body, honest: true })
    const set = (ipAllowlist: string[]) => setAllowlist(test, pair.api_key, ipAllowlist)
    await set(['203.0.113.0/24'])
    const wrong = await authenticate({ ...pair, api_secret: 'wrong' })
    for (let failures = 1; failures < 10; failures += 1) {
      const right = await authenticate(pair)
      assert.deepEqual([right.status, right.body], [401, wrong.body])
      assert.match(right.headers.get('ratelimit-policy') ?? '', /^"address"/)
    }
    assert.equal((await authenticate(pair)).status, 429)
    await set(['127.0.0.0/8', '::1'])
    assert.equal((await authenticate(pair)).body.status, 'ok')
  })

  it('an expired token is nobody’s, at every endpoint', async () => {
    await test.app.moveClock(test.app.clock.offsetMs() + 86_400_001)
    for (const endpoint of API) await assertRefused(test, endpoint, test.token)
    const token = await test.authenticate('sandbox-key', 'sandbox-secret')
    assert.equal((await test.api('GET', '/api/available-assets', { token })).body.status, 'ok')
  })
})

async function setAllowlist({ app }: TestApp, apiKey: string, ipAllowlist: string[]): Promise<void> {
  const { id, settings } = await app.db
    .selectFrom('credentials')
    .innerJoin('integrations', 'integrations.id', 'credentials.integrationId')
    .select(['integrations.id', 'integrations.settings'])
    .where('apiKey', '=', apiKey)
    .executeTakeFirstOrThrow()
  await app.db
    .updateTable('integrations')
    .set({ settings: JSON.stringify({ ...settings, ipAllowlist }) })
    .where('id', '=', id)
    .execute()
  app.authenticator.forget()
}

/** The fields by which the call names something that an integration has. */
function namesIn({ method, params, query, body }: Endpoint): string[] {
  const names = (schema: unknown): string[] =>
    Object.keys((schema as { properties?: object } | undefined)?.properties ?? {})
  const named = /(^|_)(id|uuid|iban)$/
  if (method === 'GET')
    return [...names(params), ...names(query)].filter((name) => named.test(name) || name === 'email')
  return [...names(params), ...names(body).filter((name) => named.test(name) && !OWN.test(name))]
}

interface Asked {
  name: string
  samples: Record<string, Sample>
  /** 0: what the first integration has; 1: what nobody has. */
  which: number
  token: string
}

/** The example's call with one name put in, true status asked for; the answer has 0 where the name stood. */
async function ask(test: TestApp, endpoint: Endpoint, { name, samples, which, token }: Asked) {
  const value = (samples[`${endpoint.name}.${name}`] ?? samples[name])![which]!
  const others = namesIn(endpoint)
  // Of a list's example the filters are left out, as they might fit nothing.
  const example = Object.fromEntries(
    Object.entries((!endpoint.list && endpoint.examples.request) || {}).filter(
      ([field]) => !others.includes(field),
    ),
  )
  const inPath = endpoint.path.includes(`{${name}}`)
  const fields: Record<string, unknown> = inPath ? example : { ...example, [name]: value }
  const path = endpoint.path.replaceAll(/\{(\w+)\}/g, () => value)
  // Before the other integration could read what it asks for, it must be a call that would be taken.
  if (endpoint.name === 'uploadDocument') fields.file = Buffer.from('%PDF-1.4\n%%EOF').toString('base64')
  if (endpoint.name === 'decideSandboxKyc') fields.outcome = 'valid'
  if (endpoint.name === 'reconcilePayment') for (const other of others) fields[other] ??= samples[other]![0]
  const asText = Object.entries(fields).map(([field, given]) => [field, String(given)])
  const answer =
    endpoint.method === 'GET'
      ? await test.api('GET', `${path}?${new URLSearchParams(asText)}`, { token, honest: true })
      : await test.api(endpoint.method, path, { token, honest: true, body: fields })
  return { status: answer.status, body: JSON.parse(JSON.stringify(answer.body).replaceAll(value, '0')) }
}

async function assertRefused(test: TestApp, endpoint: Endpoint, token: string | null): Promise<void> {
  const path = endpoint.path.replaceAll(/\{(\w+)\}/g, 'x')
  const body = endpoint.method === 'GET' ? undefined : (endpoint.examples.request ?? {})
  const answer: ApiAnswer = await test.api(endpoint.method, path, { token, body, honest: true })
  assert.deepEqual([answer.status, answer.body.error], [401, 'authorization_incorrect'], endpoint.name)
}

/** What another integration might have changed. */
async function ownedRows({ app: { db } }: TestApp): Promise<unknown> {
  return {
    customers: await db
      .selectFrom('customers')
      .select(['id', 'kycStatus', 'updatedAt'])
      .orderBy('id')
      .execute(),
    verifications: await db.selectFrom('verifications').select(['id', 'phase']).orderBy('id').execute(),
    payments: await db.selectFrom('payments').select(['id', 'state', 'version']).orderBy('id').execute(),
    sales: await db.selectFrom('sales').select(['id', 'state', 'version']).orderBy('id').execute(),
    documents: await db.selectFrom('documents').select('id').orderBy('id').execute(),
    events: await db.selectFrom('events').select('id').orderBy('id').execute(),
    deliveries: await db.selectFrom('deliveries').select('sequence').orderBy('sequence').execute(),
  }
}

/** By the name of the field, or `<endpoint>.<field>` where a name means several things. */
async function makeSamples(test: TestApp): Promise<Record<string, Sample>> {
  const user = await test.api('POST', '/api/registerUser', {
    body: { name: 'Ana', email: 'ana@example.com', country: 'ES', external_id: 'client-1' },
  })
  const { id, uuid } = user.body.data
  await test.api('POST', '/api/subscribeToWebhook', {
    body: { type: 'KYC_VALID', url: 'http://127.0.0.1:9/nobody-listens' },
  })
  await test.api('POST', '/api/sandbox/kyc', { body: { user_id: id, outcome: 'valid' } })
  const eventId = await eventually(
    'a delivery',
    async () => (await test.api('GET', '/api/webhooks/deliveries')).body.data[0]?.event_id,
  )
  // As if it had been paid: nothing more is asked of it than that it is there.
  const paymentId = 'Zk3VqT9bX1LmN8sR4pYw2Ac6D'
  const { integrationId } = await test.app.db
    .selectFrom('credentials')
    .select('integrationId')
    .where('apiKey', '=', 'sandbox-key')
    .executeTakeFirstOrThrow()
  const at = test.app.clock.now()
  await test.app.db
    .insertInto('payments')
    .values({
      integrationId,
      id: paymentId,
      customerId: id,
      externalId: 'order-1',
      liveExternalId: 'order-1',
      requestHash: Buffer.alloc(32),
      guided: true,
      paymentType: 'card',
      state: 'started',
      fiat: 'EUR',
      fiatUnits: 5000n,
      limitUnits: 5000n,
      symbol: 'USDC',
      chain: 'polygon',
      coinUnits: 50_000_000n,
      price: '0.920000',
      feeUnits: 100n,
      networkFeeUnits: 5n,
      terms: JSON.stringify({ percent: '0', fixedUnits: '0', spread: '0', networkFeeUnits: '5' }),
      createdAt: at,
      updatedAt: at,
    })
    .execute()
  const saleId = await addSale(test, { integrationId, customerId: id, at })
  const { iban } = await test.app.db
    .selectFrom('bankAccounts')
    .select('iban')
    .where('integrationId', '=', integrationId)
    .executeTakeFirstOrThrow()
  const event: Sample = [eventId, 'evt_000000000000000000000000']
  return {
    user_id: [String(id), '999999999'],
    'findUser.id': [String(id), '999999999'],
    'findUser.uuid': [uuid, '00000000-0000-4000-8000-000000000000'],
    email: ['ana@example.com', 'nobody@example.com'],
    external_id: ['client-1', 'client-0'],
    'listPayments.external_id': ['order-1', 'order-0'],
    payment_id: [paymentId, 'Zk3VqT9bX1LmN8sR4pYw2Ac00'],
    'getRampoff.id': [saleId, 'Rk3VqT9bX1LmN8sR4pYw2Ac00'],
    rampoff_id: [saleId, 'Rk3VqT9bX1LmN8sR4pYw2Ac00'],
    'listRampoffs.external_id': ['sale-1', 'sale-0'],
    event_id: event,
    'redeliverWebhookEvent.id': event,
    iban: [iban, 'ES9121000418450200051332'],
    transaction_id: [await tellLine(test.app, { iban }), 'Tx8VqT9bX1LmN8sR4pYw2Ac00'],
  }
}

/** A sale that waits for its coins. */
async function addSale(
  { app }: TestApp,
  { integrationId, customerId, at }: { integrationId: number; customerId: number; at: Date },
): Promise<string> {
  const { db } = app
  const id = 'Rk3VqT9bX1LmN8sR4pYw2Ac6D'
  const address = '0x8C8D7C46219D9205f056f28fee5950aD564d7465'
  await db
    .insertInto('chains')
    .values({ chain: 'polygon', genesisHash: '0x', checkpointHash: '0x', updatedAt: at })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
  await db
    .insertInto('wallets')
    .values({ chain: 'polygon', address, keyRef: 'm/0', role: 'deposit', epoch: 1 })
    .execute()
  const { keyWrapped } = await db
    .selectFrom('customers')
    .select('keyWrapped')
    .where('id', '=', customerId)
    .executeTakeFirstOrThrow()
  assert.ok(keyWrapped)
  await db
    .insertInto('sales')
    .values({
      integrationId,
      id,
      customerId,
      externalId: 'sale-1',
      liveExternalId: 'sale-1',
      requestHash: Buffer.alloc(32),
      state: 'started',
      chain: 'polygon',
      symbol: 'USDC',
      askedUnits: 100_000_000n,
      conversions: '[]',
      fiat: 'EUR',
      fiatUnits: 9000n,
      feeUnits: 100n,
      price: '0.920000',
      terms: JSON.stringify({ percent: '0', fixedUnits: '0', spread: '0' }),
      address,
      payeeSealed: sealPayee(app.secrets, keyWrapped, { kind: 'iban', iban: CUSTOMER_IBAN, name: 'Ana' }),
      createdAt: at,
      updatedAt: at,
    })
    .execute()
  return id
}
