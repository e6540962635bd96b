import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { CallbackRefused, type RawCallback } from '../callback.ts'
import { ProviderError } from '../provider-error.ts'
import type { CardChargeback, CardNotification, CardProvider, CardSessionRequest } from './port.ts'

/** A card provider with a customer at its page; a real one is driven through its test mode. */
export interface CardWorld {
  provider: CardProvider
  /** The platform's time, which sessions expire by. */
  now(): Date
  customer(
    providerRef: string,
    does: 'pays' | 'is declined' | 'gives up' | 'pays and takes it back' | 'pays and takes it back in vain',
  ): Promise<void>
  /** Lets the provider finish what it has under way, and answers what it has told us since the last call. */
  told(): Promise<RawCallback[]>
  /** Makes every open session older than its `expiresAt`. */
  letExpire(): Promise<void>
  close(): Promise<void>
}

/** What holds for every card provider. */
export function cardSuite(name: string, open: () => Promise<CardWorld>): void {
  describe(`card contract: ${name}`, () => {
    let world: CardWorld
    before(async () => {
      world = await open()
    })
    after(() => world.close())

    const request = (over: Partial<CardSessionRequest> = {}): CardSessionRequest => ({
      idempotencyKey: randomUUID(),
      reference: 'HkQ2vYp4nRw8sZx1cBf6mLt3J',
      units: 15_050n,
      currency: 'EUR',
      description: '150.50 EUR in USDC',
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
    const notifications = async (): Promise<CardNotification[]> =>
      (await world.told()).flatMap((callback) => world.provider.parseCallback(callback))

    test('a new session is open and has a page', async () => {
      const { providerRef, url } = await world.provider.createSession(request())
      assert.match(new URL(url).protocol, /^https?:$/)
      const session = await world.provider.getSession(providerRef)
      assert.deepEqual(
        [session.state, session.units, session.paidUnits, session.declines, session.cardLast4],
        ['open', 15_050n, 0n, 0, null],
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
      assert.match(ended.cardLast4 ?? '', /^\d{4}$/)
      assert.ok(ended.holderName)
      const paid = (await notifications()).find((one) => one.providerRef === providerRef)
      assert.ok(paid?.type === 'payment.paid')
      assert.deepEqual([paid.units, paid.currency, paid.last4], ['2000', 'EUR', ended.cardLast4])
    })

    test('a session that we ended cannot be paid any more', async () => {
      const { providerRef } = await world.provider.createSession(request())
      assert.equal((await world.provider.endSession(providerRef)).state, 'cancelled')
      await world.customer(providerRef, 'pays').catch(() => {})
      assert.equal((await world.provider.getSession(providerRef)).state, 'cancelled')
      assert.equal((await world.provider.endSession(providerRef)).state, 'cancelled')
    })

    test('after a decline another card may be tried', async () => {
      const { providerRef } = await world.provider.createSession(request())
      await world.customer(providerRef, 'is declined')
      const session = await world.provider.getSession(providerRef)
      assert.deepEqual([session.state, session.declines, session.paidUnits], ['open', 1, 0n])
      assert.ok(session.declineCode)
      const declined = (await notifications()).find((one) => one.providerRef === providerRef)
      assert.ok(declined?.type === 'payment.declined')
      assert.deepEqual([declined.final, declined.declines, declined.code], [false, 1, session.declineCode])
      await world.customer(providerRef, 'pays')
      assert.equal((await world.provider.getSession(providerRef)).state, 'paid')
    })

    test('a customer who gives up is told of', async () => {
      const { providerRef } = await world.provider.createSession(request())
      await world.customer(providerRef, 'gives up')
      assert.equal((await world.provider.getSession(providerRef)).state, 'cancelled')
      const told = (await notifications()).find((one) => one.providerRef === providerRef)
      assert.equal(told?.type, 'session.cancelled')
    })

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
      const told = (await notifications()).find(
        (one) => one.providerRef === providerRef && one.type === 'refund.done',
      )
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

    test('a callback that was forged, altered or kept for long is refused', async () => {
      await createPaid(2_500n)
      const [callback] = await world.told()
      assert.ok(callback)
      assert.equal(world.provider.parseCallback(callback).length > 0, true)
      const altered = Buffer.from(callback.rawBody.toString().replace('2500', '9900'))
      assert.throws(() => world.provider.parseCallback({ ...callback, rawBody: altered }), CallbackRefused)
      assert.throws(() => world.provider.parseCallback({ ...callback, headers: {} }), CallbackRefused)
    })

    test('what payers take back is told and listed, and so is what became of the dispute', async () => {
      const since = new Date(world.now().getTime() - 1_000)
      const { providerRef: taken } = await world.provider.createSession(request({ units: 4_100n }))
      const { providerRef: won } = await world.provider.createSession(request({ units: 4_200n }))
      await world.customer(taken, 'pays and takes it back')
      await world.customer(won, 'pays and takes it back in vain')
      const told = await notifications()
      const typesOf = (ref: string) =>
        told
          .filter((one) => one.providerRef === ref && one.type.startsWith('chargeback'))
          .map(({ type }) => type)
      assert.deepEqual(typesOf(taken), ['chargeback'])
      assert.deepEqual(typesOf(won), ['chargeback', 'chargeback.won'])
      const listed: CardChargeback[] = []
      for (let next: string | null = null; ; ) {
        const page = await world.provider.listChargebacks(since, next, 1)
        listed.push(...page.chargebacks)
        if ((next = page.next) === null) break
      }
      const own = listed.filter(({ providerRef }) => providerRef === taken || providerRef === won)
      assert.deepEqual(
        own
          .map(({ providerRef, state, units, currency }) => [providerRef === won, state, units, currency])
          .sort(),
        [
          [false, 'charged_back', 4_100n, 'EUR'],
          [true, 'won', 4_200n, 'EUR'],
        ],
      )
      const times = listed.map(({ changedAt }) => changedAt.getTime())
      assert.deepEqual(
        times,
        times.toSorted((a, b) => a - b),
      )
      const later = new Date(times.at(-1)! + 1)
      assert.deepEqual(await world.provider.listChargebacks(later, null), { chargebacks: [], next: null })
      assert.equal((await world.provider.getSession(taken)).chargedBack, true)
      assert.equal((await world.provider.getSession(won)).chargedBack, false)
    })

    // The last one: it lets time pass for all sessions.
    test('a session expires, is told of, and cannot be paid', async () => {
      const { providerRef } = await world.provider.createSession(request())
      await world.letExpire()
      assert.equal((await world.provider.getSession(providerRef)).state, 'expired')
      await world.customer(providerRef, 'pays').catch(() => {})
      assert.equal((await world.provider.endSession(providerRef)).state, 'expired')
      const told = (await notifications()).filter((one) => one.providerRef === providerRef)
      assert.deepEqual(
        told.map(({ type }) => type),
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
