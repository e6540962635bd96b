import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { pino } from 'pino'
import { eventually, startTestApp, type TestApp } from '../../test/support/app.ts'
import { createApp, type RunningApp } from '../app.ts'

/** One process that answers requests, another that does the due work, over one database. */
describe('the sandbox in two processes', () => {
  let front: TestApp
  let worker: RunningApp
  before(async () => {
    front = await startTestApp({ lanes: false, localChains: false })
    worker = await createApp({
      config: { ...front.config, role: 'worker' },
      log: pino({ level: 'silent' }),
      databaseUrl: front.app.pool.options.connectionString!,
      localChains: false,
    })
    await worker.start()
  })
  after(async () => {
    await worker.stop()
    await front.stop()
  })

  const openSession = async (): Promise<string> => {
    const { app } = front
    const { providerRef } = await app.providers.card!.createSession({
      idempotencyKey: `session ${app.clock.now().getTime()}`,
      reference: 'payment',
      units: 100n,
      currency: 'EUR',
      description: 'coins',
      merchantName: 'Shop',
      returnUrl: 'https://merchant.example/',
      expiresAt: new Date(app.clock.now().getTime() + 3_600_000),
      customerName: null,
      customerEmail: null,
      language: null,
    })
    return providerRef
  }

  it('the clock is one for both, and what is due is done once', async () => {
    const providerRef = await openSession()
    const { body } = await front.api('POST', '/api/sandbox/clock', { body: { advance: '2h' } })
    assert.equal(body.status, 'ok', JSON.stringify(body))
    assert.equal((await worker.app.providers.card!.getSession(providerRef)).state, 'expired')
    await eventually('the other process knows the time', async () => {
      return worker.app.clock.offsetMs() === front.app.clock.offsetMs()
    })
    const told = await front.app.db.selectFrom('providerCallbacks').select('id').execute()
    assert.equal(told.length, 1)
  })

  it('a reset is noticed by both at once', async () => {
    const before = await worker.app.authenticator.find(front.token, '127.0.0.1')
    await front.api('POST', '/api/sandbox/reset', { body: {} })
    const here = await front.app.authenticator.find(front.token, '127.0.0.1')
    assert.notEqual(here?.id, before?.id)
    // Sooner than what a process remembers of a token grows old by itself.
    await eventually(
      'the other process reads the integration anew',
      async () => (await worker.app.authenticator.find(front.token, '127.0.0.1'))?.id === here?.id,
      1_000,
    )
  })
})
