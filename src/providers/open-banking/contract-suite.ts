import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { CallbackRefused, type RawCallback } from '../callback.ts'
import { ProviderError } from '../provider-error.ts'
import type { OpenBankingNotification, OpenBankingProvider, OpenBankingSessionRequest } from './port.ts'

/** An open-banking provider with a customer at its page; a real one is driven through its test mode. */
export interface OpenBankingWorld {
  provider: OpenBankingProvider
  now(): Date
  /** An account of ours that can be paid to. */
  creditor: { iban: string; name: string }
  customer(providerRef: string, does: 'pays' | 'says no' | 'has too little' | 'gives up'): Promise<void>
  /** Lets the provider finish what it has under way, and answers what it has told us since the last call. */
  told(): Promise<RawCallback[]>
  /** The money that has arrived on our account with this concept, and from whom. */
  arrived(concept: string): Promise<{ units: bigint; name: string; iban: string | null }[]>
  /** Makes every open session older than its `expiresAt`. */
  letExpire(): Promise<void>
  close(): Promise<void>
}

/** What holds for every open-banking provider. */
export function openBankingSuite(name: string, open: () => Promise<OpenBankingWorld>): void {
  describe(`open banking contract: ${name}`, () => {
    let world: OpenBankingWorld
    before(async () => {
      world = await open()
    })
    after(() => world.close())

    const request = (over: Partial<OpenBankingSessionRequest> = {}): OpenBankingSessionRequest => ({
      idempotencyKey: randomUUID(),
      reference: 'HkQ2vYp4nRw8sZx1cBf6mLt3J',
      units: 15_050n,
      currency: 'EUR',
      description: '150.50 EUR in USDC',
      merchantName: 'Test Remittances',
      returnUrl: 'https://merchant.example/back',
      expiresAt: new Date(world.now().getTime() + 1_800_000),
      creditor: world.creditor,
      concept: randomUUID().slice(0, 8),
      customerName: 'Ana García',
      customerEmail: 'ana@example.com',
      language: 'es',
      ...over,
    })
    const notifications = async (providerRef: string): Promise<OpenBankingNotification[]> =>
      (await world.told())
        .flatMap((callback) => world.provider.parseCallback(callback))
        .filter((one) => one.providerRef === providerRef)

    test('a new session is open and has a page', async () => {
      const { providerRef, url } = await world.provider.createSession(request())
      assert.match(new URL(url).protocol, /^https?:$/)
      const session = await world.provider.getSession(providerRef)
      assert.deepEqual(
        [session.state, session.units, session.debtor, session.refusal],
        ['open', 15_050n, null, null],
      )
    })

    test('the same key answers the same session, and is refused for another order', async () => {
      const first = request()
      const created = await world.provider.createSession(first)
      assert.deepEqual(await world.provider.createSession(first), created)
      assert.equal((await world.provider.findSession(first.idempotencyKey))?.providerRef, created.providerRef)
      await assert.rejects(
        world.provider.createSession({ ...first, units: 1n }),
        rejected('idempotency_key_reused'),
      )
      assert.equal(await world.provider.findSession(randomUUID()), undefined)
    })

    test('a session that does not exist is not found', async () => {
      await assert.rejects(world.provider.getSession('nobody'), rejected('session_not_found'))
      await assert.rejects(world.provider.endSession('nobody'), rejected('session_not_found'))
    })

    test('initiated is told, wins over our ending it, and the money arrives once with the concept', async () => {
      const asked = request()
      const { providerRef } = await world.provider.createSession(asked)
      await world.customer(providerRef, 'pays')
      await world.customer(providerRef, 'pays').catch(() => {})
      const ended = await world.provider.endSession(providerRef)
      assert.equal(ended.state, 'initiated')
      assert.equal(ended.debtor?.name, 'Ana García')
      const [initiated, ...more] = await notifications(providerRef)
      assert.ok(initiated?.type === 'payment.initiated')
      assert.deepEqual(more, [])
      assert.deepEqual(
        [initiated.units, initiated.currency, initiated.debtor],
        ['15050', 'EUR', ended.debtor],
      )
      assert.deepEqual(await world.arrived(asked.concept), [{ units: 15_050n, ...ended.debtor }])
    })

    for (const [does, refusal] of [
      ['says no', 'refused_by_customer'],
      ['has too little', 'insufficient_funds'],
    ] as const) {
      test(`a customer who ${does}: refused, and no money comes`, async () => {
        const asked = request()
        const { providerRef } = await world.provider.createSession(asked)
        await world.customer(providerRef, does)
        const session = await world.provider.getSession(providerRef)
        assert.deepEqual([session.state, session.refusal], ['refused', refusal])
        const [refused] = await notifications(providerRef)
        assert.ok(refused?.type === 'payment.refused')
        assert.equal(refused.code, refusal)
        assert.deepEqual(await world.arrived(asked.concept), [])
      })
    }

    test('a session that we ended cannot be paid any more', async () => {
      const asked = request()
      const { providerRef } = await world.provider.createSession(asked)
      assert.equal((await world.provider.endSession(providerRef)).state, 'cancelled')
      await world.customer(providerRef, 'pays').catch(() => {})
      assert.equal((await world.provider.endSession(providerRef)).state, 'cancelled')
      assert.deepEqual(await notifications(providerRef), [])
      assert.deepEqual(await world.arrived(asked.concept), [])
    })

    test('a customer who gives up is told of', async () => {
      const { providerRef } = await world.provider.createSession(request())
      await world.customer(providerRef, 'gives up')
      assert.deepEqual(
        (await notifications(providerRef)).map(({ type }) => type),
        ['session.cancelled'],
      )
      assert.equal((await world.provider.getSession(providerRef)).state, 'cancelled')
    })

    test('an account that nobody can pay to is refused', async () => {
      const creditor = { iban: 'DE89370400440532013000', name: 'Nobody' }
      await assert.rejects(world.provider.createSession(request({ creditor })), rejected('creditor_unknown'))
    })

    test('a callback that was forged or altered is refused', async () => {
      const { providerRef } = await world.provider.createSession(request({ units: 7_777n }))
      await world.customer(providerRef, 'pays')
      const callback = (await world.told()).find(({ rawBody }) => rawBody.includes(providerRef))
      assert.ok(callback)
      const altered = Buffer.from(callback.rawBody.toString().replace('7777', '9777'))
      assert.throws(() => world.provider.parseCallback({ ...callback, rawBody: altered }), CallbackRefused)
      assert.throws(() => world.provider.parseCallback({ ...callback, headers: {} }), CallbackRefused)
    })

    // The last one: it lets time pass for all sessions.
    test('a session expires, is told of, and cannot be paid', async () => {
      const { providerRef } = await world.provider.createSession(request())
      await world.letExpire()
      assert.equal((await world.provider.getSession(providerRef)).state, 'expired')
      await world.customer(providerRef, 'pays').catch(() => {})
      assert.equal((await world.provider.endSession(providerRef)).state, 'expired')
      assert.deepEqual(
        (await notifications(providerRef)).map(({ type }) => type),
        ['session.expired'],
      )
    })
  })
}

const rejected = (code: string) => (error: unknown) => {
  assert.ok(error instanceof ProviderError, String(error))
  assert.deepEqual([error.outcome, error.code], ['rejected', code])
  return true
}
