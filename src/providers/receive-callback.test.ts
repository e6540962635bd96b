import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { eventually, startTestApp, type TestApp } from '../../test/support/app.ts'
import { readCard } from './card/simulated/card-rules.ts'
import { tryCard } from './card/simulated/session.ts'
import { SIGNATURE_HEADER, signCallback } from './simulated/signature.ts'

describe('callbacks of providers', () => {
  let test: TestApp
  before(async () => {
    test = await startTestApp()
  })
  after(() => test.stop())

  const body = JSON.stringify({
    notifications: [
      {
        id: 'ntf_1',
        type: 'session.expired',
        at: '2026-06-26T10:30:00.000Z',
        providerRef: 'x',
        reference: 'y',
      },
      {
        id: 'ntf_2',
        type: 'session.expired',
        at: '2026-06-26T10:30:00.000Z',
        providerRef: 'z',
        reference: 'y',
      },
    ],
  })
  const post = (path: string, signature: string | undefined, sent: string | Buffer = body) =>
    test.api('POST', path, {
      token: null,
      body: sent,
      headers: { 'content-type': 'application/json', ...(signature && { [SIGNATURE_HEADER]: signature }) },
    })

  for (const [provider, path] of [
    ['card', '/providers/card/callback'],
    ['open_banking', '/providers/open-banking/callback'],
    ['bank', '/providers/bank/callback'],
  ] as const) {
    it(`${path}: every notification of a signed body is stored once, however often it comes`, async () => {
      for (const received of [2, 0]) {
        const answer = await post(path, signCallback(test.app, provider, body))
        assert.deepEqual([answer.status, answer.body.data], [200, { received }])
      }
    })

    it(`${path}: 401 for a body that was altered, unsigned, or signed by another provider`, async () => {
      const signature = signCallback(test.app, provider, body)
      const other = signCallback(test.app, provider === 'bank' ? 'card' : 'bank', body)
      for (const answer of [
        await post(path, signature, body.replace('ntf_1', 'ntf_9')),
        await post(path, undefined),
        await post(path, other),
        await post(path, 't=1,v1=00'),
        await post(path, signature, Buffer.alloc(0)),
      ]) {
        assert.deepEqual([answer.status, answer.body.error], [401, 'authorization_incorrect'])
      }
    })
  }

  it('401 for a signature older than five minutes', async () => {
    const then = { real: () => new Date(test.app.clock.real().getTime() - 301_000) }
    const old = signCallback({ ...test.app, clock: { ...test.app.clock, ...then } }, 'card', body)
    assert.equal((await post('/providers/card/callback', old)).status, 401)
  })

  it('what the simulated provider has to tell arrives by itself', async () => {
    const { app } = test
    const now = app.clock.now()
    const { providerRef } = await app.providers.card!.createSession({
      idempotencyKey: 'one',
      reference: 'payment',
      units: 100n,
      currency: 'EUR',
      description: 'coins',
      merchantName: 'Shop',
      returnUrl: 'https://merchant.example/',
      expiresAt: new Date(now.getTime() + 60_000),
      customerName: 'Ana García',
      customerEmail: null,
      language: null,
    })
    const read = readCard({ number: '4242424242424242', expiry: '12/39', code: '123', name: 'Ana' }, now)
    assert.ok('card' in read)
    await tryCard(app.db, providerRef, read.card, now)
    app.wake('simulated-callbacks')
    const left = () => app.db.selectFrom('simulated.callbacks').select('id').execute()
    await eventually('the callback is delivered', async () => (await left()).length === 0)
    const rows = await app.db.selectFrom('providerCallbacks').select('provider').execute()
    assert.equal(rows.filter(({ provider }) => provider === 'card').length, 3)
  })
})
