import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { CallbackRefused, type RawCallback } from '../callback.ts'
import { ProviderError } from '../provider-error.ts'
import type { RedirectNotification, RedirectProvider, RedirectSessionRequest } from './port.ts'

/** A provider with a customer at its page; a real one is driven through its test mode. */
export interface RedirectWorld {
  provider: RedirectProvider
  /** A method of the provider, and a currency that it takes. */
  method: string
  currency: string
  /** The platform's time, which sessions expire by. */
  now(): Date
  customer(providerRef: string, does: 'pays' | 'is declined' | 'gives up'): Promise<void>
  /** Lets the provider finish what it has under way, and answers what it has told us since the last call. */
  told(): Promise<RawCallback[]>
  /** Makes every open session older than its `expiresAt`. */
  letExpire(): Promise<void>
  close(): Promise<void>
}

/** What holds for every provider that takes money on a page of its own. */
export function redirectSuite(name: string, open: () => Promise<RedirectWorld>): void {
  describe(`redirect contract: ${name}`, () => {
    let world: RedirectWorld
    before(async () => {
      world = await open()
    })
    after(() => world.close())

    const request = (over: Partial<RedirectSessionRequest> = {}): RedirectSessionRequest => ({
      idempotencyKey: randomUUID(),
      method: world.method,
      reference: 'HkQ2vYp4nRw8sZx1cBf6mLt3J',
      units: 15_050n,
      currency: world.currency,
      description: 'USDC for Test Remittances',
      merchantName: 'Test Remittances',
      returnUrl: 'https://merchant.example/back',
      expiresAt: new Date(world.now().getTime() + 1_800_000),
      customerName: 'Ana García',
      customerEmail: 'ana@example.com',
      language: 'es',
      ...over,
    })
    const createPaid = async (units: bigint): Promise<string> => {
      const { providerRef } = await world.provider.createSession(request({ units }))
      await world.customer(providerRef, 'pays')
      return providerRef
    }
    const notifications = async (providerRef: string): Promise<RedirectNotification[]> =>
      (await world.told())
        .flatMap((callback) => world.provider.parseCallback(callback))
        .filter((one) => one.providerRef === providerRef)

    test('a new session is open and has a page', async () => {
      const { providerRef, url } = await world.provider.createSession(request())
      assert.match(new URL(url).protocol, /^https?:$/)
      const session = await world.provider.getSession(providerRef)
      assert.deepEqual(
        [session.state, session.units, session.paidUnits, session.declineCode, session.chargedBack],
        ['open', 15_050n, 0n, null, null],
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

    test('paid is told by a notification and by asking, and wins over our ending it', async () => {
      const providerRef = await createPaid(2_000n)
      const ended = await world.provider.endSession(providerRef)
      assert.deepEqual([ended.state, ended.paidUnits], ['paid', 2_000n])
      assert.ok(ended.payerName)
      const [paid, ...more] = await notifications(providerRef)
      assert.ok(paid?.type === 'payment.paid')
      assert.deepEqual(more, [])
      assert.deepEqual([paid.paidUnits, paid.currency, paid.payer], ['2000', world.currency, ended.payerName])
    })

    test('a session that we ended cannot be paid on its page any more', async () => {
      const { providerRef } = await world.provider.createSession(request())
      assert.equal((await world.provider.endSession(providerRef)).state, 'cancelled')
      await world.customer(providerRef, 'pays').catch(() => {})
      assert.equal((await world.provider.getSession(providerRef)).state, 'cancelled')
      assert.equal((await world.provider.endSession(providerRef)).state, 'cancelled')
    })

    for (const [does, state, type] of [
      ['is declined', 'declined', 'payment.declined'],
      ['gives up', 'cancelled', 'session.cancelled'],
    ] as const) {
      test(`a customer who ${does} is told of, and the session is over`, async () => {
        const { providerRef } = await world.provider.createSession(request())
        await world.customer(providerRef, does)
        await world.customer(providerRef, 'pays').catch(() => {})
        const session = await world.provider.getSession(providerRef)
        assert.deepEqual([session.state, session.paidUnits], [state, 0n])
        assert.equal(session.declineCode !== null, state === 'declined')
        assert.deepEqual(
          (await notifications(providerRef)).map((one) => one.type),
          [type],
        )
      })
    }

    test('a refund in parts never gives back more than was paid', async () => {
      const providerRef = await createPaid(3_000n)
      const { provider } = world
      const part = { idempotencyKey: randomUUID(), providerRef, units: 1_000n }
      const refund = await provider.refund(part)
      assert.equal((await provider.refund(part)).refundRef, refund.refundRef)
      assert.equal((await provider.findRefund(part.idempotencyKey))?.refundRef, refund.refundRef)
      await assert.rejects(provider.refund({ ...part, units: 999n }), rejected('idempotency_key_reused'))
      const tooMuch = { idempotencyKey: randomUUID(), providerRef, units: 2_001n }
      await assert.rejects(provider.refund(tooMuch), rejected('not_refundable'))
      assert.equal(await provider.findRefund(tooMuch.idempotencyKey), undefined)
      await provider.refund({ idempotencyKey: randomUUID(), providerRef, units: 2_000n })
    })

    test('one refund ordered many times at once is one refund', async () => {
      const providerRef = await createPaid(3_000n)
      const order = { idempotencyKey: randomUUID(), providerRef, units: 3_000n }
      const refunds = await Promise.all(Array.from({ length: 5 }, () => world.provider.refund(order)))
      assert.equal(new Set(refunds.map(({ refundRef }) => refundRef)).size, 1)
    })

    test('a refund is done later and told', async () => {
      const providerRef = await createPaid(1_200n)
      const order = { idempotencyKey: randomUUID(), providerRef, units: 1_200n }
      const { refundRef } = await world.provider.refund(order)
      const told = (await notifications(providerRef)).find(({ type }) => type === 'refund.done')
      assert.ok(told?.type === 'refund.done')
      assert.deepEqual(
        [told.refundRef, told.idempotencyKey, told.units],
        [refundRef, order.idempotencyKey, '1200'],
      )
      assert.equal((await world.provider.findRefund(order.idempotencyKey))?.state, 'done')
    })

    test('what was not paid is not refunded', async () => {
      const { providerRef } = await world.provider.createSession(request())
      const order = { idempotencyKey: randomUUID(), providerRef, units: 1n }
      await assert.rejects(world.provider.refund(order), rejected('not_refundable'))
    })

    test('a callback that was forged or altered is refused', async () => {
      await world.told()
      await createPaid(2_500n)
      const [callback] = await world.told()
      assert.ok(callback)
      assert.equal(world.provider.parseCallback(callback).length > 0, true)
      const altered = Buffer.from(callback.rawBody.toString().replace('2500', '9900'))
      assert.throws(() => world.provider.parseCallback({ ...callback, rawBody: altered }), CallbackRefused)
      assert.throws(() => world.provider.parseCallback({ ...callback, headers: {} }), CallbackRefused)
    })

    // The last one: it lets time pass for all sessions.
    test('a session expires, is told of, and cannot be paid on its page', async () => {
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
