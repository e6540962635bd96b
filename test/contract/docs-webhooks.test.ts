import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { EVENT_DATA, exampleEvent } from '../../src/server/docs/webhook-examples.ts'
import { EVENT_TYPES, type EventType } from '../../src/webhooks/event-types.ts'
import { eventually, startTestApp, type TestApp } from '../support/app.ts'
import { type Received, type Receiver, startReceiver } from '../support/webhook-world.ts'
import { unlike } from './alike.ts'
import { type Incoming, VERIFIERS, type Verifier } from './interpreters.ts'

const WALLET = '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed'
/** Sales come with the off-ramp; their events have no example yet. */
/** Ends of a sale whose events differ from those shown in the status alone. */
const APART = /^RAMPOFF_(IN_REVIEW|REVIEWED|REFUNDED|FAILED)$/
const SHOWN = Object.keys(EVENT_DATA) as EventType[]

let t: TestApp
let receiver: Receiver

before(async () => {
  t = await startTestApp()
  receiver = await startReceiver()
  for (const type of SHOWN) await call('POST', '/api/subscribeToWebhook', { type, url: receiver.url })
})
after(async () => {
  await t.stop()
  await receiver.close()
})

async function call(method: string, path: string, body?: unknown) {
  const answer = await t.api(method, path, { body })
  assert.notEqual(answer.body.status, 'error', `${path}: ${JSON.stringify(answer.body)}`)
  return answer.body.data
}

const delivered = (type: EventType, of: (data: Record<string, unknown>) => boolean): Promise<Received> =>
  eventually(
    `the delivery of ${type}`,
    async () => receiver.received.find(({ json }) => json.type === type && of(json.data)),
    30_000,
  )

let people = 0
async function customer(): Promise<number> {
  people += 1
  const body = { name: 'Ana', last_name: 'Pérez', email: `ana${people}@example.com`, country: 'ES' }
  return (await call('POST', '/api/registerUser', body)).id
}
const decide = (user_id: number, outcome: string, reasons?: object[]) =>
  call('POST', '/api/sandbox/kyc', { user_id, outcome, reasons })

let orders = 0
/** A payment such as the examples show. */
async function payment(user_id: number, payment_type = 'card'): Promise<string> {
  orders += 1
  const { payment_id } = await call('POST', '/api/createGuidedPayment', {
    user_id,
    payment_type,
    coin_symbol: 'USDC',
    coin_chain: 'polygon',
    fiat_amount: '150.50',
    wallet: WALLET,
    external_id: `order-abc-${String(orders).padStart(3, '0')}`,
  })
  return payment_id
}
async function sale(user: number): Promise<string> {
  orders += 1
  const { id } = await call('POST', '/api/createRampoff', {
    user_id: user,
    external_id: `sale-abc-${String(orders).padStart(3, '0')}`,
    amount: '5000',
    symbol: 'USDC',
    blockchain: 'polygon',
    iban: 'ES9121000418450200051332',
    refund_wallet: WALLET,
  })
  return id
}
const pay = (id: string, outcome: string) => call('POST', `/api/sandbox/payments/${id}/pay`, { outcome })
async function advance(by: string): Promise<void> {
  await call('POST', '/api/sandbox/clock', { advance: by })
  t.token = await t.authenticate('sandbox-key', 'sandbox-secret')
}

/** How each event comes about, and whose it is. */
const STORIES: Partial<
  Record<EventType, (verified: number) => Promise<(data: Record<string, unknown>) => boolean>>
> = {
  async KYC_PROCESSING() {
    const id = await customer()
    await decide(id, 'mend', [{ field: 'document_front', code: 'blurred' }])
    return (data) => data.user_id === id
  },
  async KYC_VALID() {
    const id = await customer()
    await decide(id, 'valid')
    return (data) => data.user_id === id
  },
  async KYC_FAIL() {
    const id = await customer()
    await decide(id, 'fail')
    return (data) => data.user_id === id
  },
  async PAY_IN(verified) {
    const id = await payment(verified)
    await pay(id, 'paid')
    return (data) => data.id === id
  },
  async COINS_SENT(verified) {
    const id = await payment(verified)
    await pay(id, 'paid')
    return (data) => data.id === id
  },
  async CRYPTO_RECEIVED(verified) {
    const id = await sale(verified)
    await call('POST', '/api/sandbox/chain/deposit', { rampoff_id: id })
    return (data) => data.id === id
  },
  async TRANSFER_RAMPOFF_FINISHED(verified) {
    const id = await sale(verified)
    await call('POST', '/api/sandbox/chain/deposit', { rampoff_id: id })
    return (data) => data.id === id
  },
  async RAMPOFF_EXPIRED(verified) {
    const id = await sale(verified)
    await advance('25h')
    return (data) => data.id === id
  },
  async PAYMENT_CANCELLED(verified) {
    const id = await payment(verified)
    await call('POST', `/api/payment/${id}/cancel`)
    return (data) => data.id === id
  },
  async PAYMENT_REJECTED(verified) {
    const id = await payment(verified)
    for (let tries = 0; tries < 5; tries += 1) await pay(id, 'declined')
    return (data) => data.id === id
  },
  async PAYMENT_IN_REVIEW(verified) {
    const id = await payment(verified, 'transfer')
    await pay(id, 'third_party')
    return (data) => data.id === id
  },
  async PAYMENT_REFUNDED(verified) {
    const id = await payment(verified, 'transfer')
    await pay(id, 'third_party')
    await delivered('PAYMENT_IN_REVIEW', (data) => data.id === id)
    await call('POST', `/api/payment/${id}/refund`)
    return (data) => data.id === id
  },
  async PAYMENT_CHARGED_BACK(verified) {
    const id = await payment(verified)
    await pay(id, 'charged_back')
    await delivered('COINS_SENT', (data) => data.id === id)
    await advance('3m')
    return (data) => data.id === id
  },
  async PAYMENT_EXPIRED(verified) {
    const id = await payment(verified)
    await advance('1h')
    return (data) => data.id === id
  },
}

describe('the webhooks page', () => {
  it('has an example of every type but of some ends of sales, and a story that proves it', () => {
    const types = (Object.keys(EVENT_TYPES) as EventType[]).filter((type) => !APART.test(type))
    assert.deepEqual(
      [...SHOWN].sort(),
      types.sort(),
      'add the type to EVENT_DATA in src/server/docs/webhook-examples.ts',
    )
    assert.deepEqual(
      Object.keys(STORIES).sort(),
      types,
      'add to STORIES, in this file, how the event comes about',
    )
  })

  for (const type of Object.keys(STORIES) as EventType[]) {
    it(`${type} is delivered as shown`, async () => {
      const verified = await customer()
      await decide(verified, 'valid')
      const mine = await STORIES[type]!(verified)
      const { json } = await delivered(type, mine)
      const shown = JSON.parse(JSON.stringify(exampleEvent(type)))
      assert.deepEqual(unlike(shown, json), [])
    })
  }
})

describe('the verification code of the webhooks page', () => {
  for (const [file, start] of Object.entries(VERIFIERS)) {
    it(`${file}: takes every real delivery, and refuses what it must`, async () => {
      const isGenuine = await start()
      assert.ok(receiver.received.length >= SHOWN.length)
      for (const delivery of receiver.received) assert.equal(await isGenuine(incoming(delivery)), true)
      await refusesTheRest(isGenuine, incoming(receiver.received[0]!))
    })
  }
})

const incoming = ({ body, headers }: Received): Incoming => ({
  rawBody: Buffer.from(body),
  headers: headers as Record<string, string>,
  apiSecret: 'sandbox-secret',
})

async function refusesTheRest(isGenuine: Verifier, real: Incoming): Promise<void> {
  const sentAt = Number(real.headers['x-timestamp'])
  const withHeader = (name: string, value: string): Incoming => ({
    ...real,
    headers: { ...real.headers, [name]: value },
  })
  const without = (name: string): Incoming => {
    const { [name]: _, ...headers } = real.headers
    return { ...real, headers }
  }
  const signature = real.headers['x-signature']!
  const cases: [what: string, incoming: Incoming, genuine: boolean][] = [
    ['as it came', real, true],
    ['300 seconds later', { ...real, nowSeconds: sentAt + 300 }, true],
    ['301 seconds later', { ...real, nowSeconds: sentAt + 301 }, false],
    ['301 seconds too early', { ...real, nowSeconds: sentAt - 301 }, false],
    ['an old delivery under a new timestamp', withHeader('x-timestamp', String(sentAt + 60)), false],
    [
      'a body with one byte more',
      { ...real, rawBody: Buffer.concat([real.rawBody, Buffer.from(' ')]) },
      false,
    ],
    [
      'another amount',
      { ...real, rawBody: Buffer.from(real.rawBody.toString().replace('"data":', '"data" :')) },
      false,
    ],
    ['another secret', { ...real, apiSecret: 'sandbox-secret-2' }, false],
    ['a cut signature', withHeader('x-signature', signature.slice(0, 32)), false],
    ['a signature that is no text of ours', withHeader('x-signature', 'ñ'), false],
    ['no signature', without('x-signature'), false],
    ['no timestamp', without('x-timestamp'), false],
    ['a timestamp that is no number', withHeader('x-timestamp', 'now'), false],
  ]
  for (const [what, given, genuine] of cases) assert.equal(await isGenuine(given), genuine, what)
}
