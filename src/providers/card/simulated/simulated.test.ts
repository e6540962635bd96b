import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { openSimulatorWorld, type SimulatorWorld } from '../../../../test/support/simulator.ts'
import type { RawCallback } from '../../callback.ts'
import { addFaults, listFaults } from '../../faults.ts'
import { ProviderError } from '../../provider-error.ts'
import { cardSuite } from '../contract-suite.ts'
import type { CardNotification, CardProvider } from '../port.ts'
import { readCard } from './card-rules.ts'
import { simulatedCardLane } from './lane.ts'
import { createSimulatedCardProvider } from './provider.ts'
import { answerThreeDSecure, cancelSession, countWrongCode, tryCard } from './session.ts'

const NUMBERS = {
  paid: '4242 4242 4242 4242',
  threeDSecure: '4000 0027 6000 3184',
  declined: '4000 0000 0000 0002',
  insufficientFunds: '4000 0000 0000 9995',
  chargedBack: '4000 0000 0000 0259',
  disputeWon: '4000 0000 0000 1976',
} as const

const openWorld = () => openSimulatorWorld((simulator) => [simulatedCardLane(simulator)])

function typeCard({ simulator }: SimulatorWorld, id: string, kind: keyof typeof NUMBERS) {
  const now = simulator.clock.now()
  const read = readCard({ number: NUMBERS[kind], expiry: '12/39', code: '123', name: 'Ana García' }, now)
  assert.ok('card' in read)
  return tryCard(simulator.db, id, read.card, now)
}

const CARD_OF = {
  pays: 'paid',
  'is declined': 'declined',
  'pays and takes it back': 'chargedBack',
  'pays and takes it back in vain': 'disputeWon',
} as const

cardSuite('simulated', async () => {
  const world = await openWorld()
  const { simulator } = world
  return {
    provider: createSimulatedCardProvider(simulator),
    now: () => simulator.clock.now(),
    async customer(providerRef, does) {
      if (does === 'gives up') await cancelSession(simulator.db, providerRef, simulator.clock.now())
      else await typeCard(world, providerRef, CARD_OF[does])
      if (!does.startsWith('pays and')) return
      world.advance(121_000)
      await world.settle()
      world.advance(121_000)
      await world.settle()
    },
    async told() {
      world.advance(5_000)
      await world.settle()
      return world.delivered.splice(0)
    },
    async letExpire() {
      world.advance(3_600_000)
    },
    close: world.close,
  }
})

describe('the simulated card provider', () => {
  let world: SimulatorWorld
  let provider: CardProvider
  before(async () => {
    world = await openWorld()
    provider = createSimulatedCardProvider(world.simulator)
  })
  after(() => world.close())

  const createSession = async (): Promise<string> => {
    const { providerRef } = await provider.createSession({
      idempotencyKey: randomUUID(),
      reference: 'payment-1',
      units: 10_000n,
      currency: 'EUR',
      description: 'coins',
      merchantName: 'Shop',
      returnUrl: 'https://merchant.example/',
      expiresAt: new Date(world.simulator.clock.now().getTime() + 86_400_000),
      customerName: 'Ana García',
      customerEmail: null,
      language: null,
    })
    return providerRef
  }
  const read = (callbacks: RawCallback[]): CardNotification[] =>
    callbacks.flatMap((callback) => provider.parseCallback(callback))
  /** What was told since the last call, about one session or all. */
  const told = async (id?: string): Promise<CardNotification[]> => {
    await world.settle()
    return read(world.delivered.splice(0)).filter(({ providerRef }) => !id || providerRef === id)
  }
  const now = () => world.simulator.clock.now()

  test('a form sent ten times at once charges once', async () => {
    const id = await createSession()
    const tries = await Promise.all(Array.from({ length: 10 }, () => typeCard(world, id, 'paid')))
    assert.equal(tries.filter(Boolean).length, 1)
    assert.equal((await told(id)).length, 1)
  })

  test('the fifth decline is the last', async () => {
    const id = await createSession()
    for (let attempt = 1; attempt <= 5; attempt++) await typeCard(world, id, 'insufficientFunds')
    assert.equal(await typeCard(world, id, 'paid'), undefined)
    const session = await provider.getSession(id)
    assert.deepEqual([session.state, session.declines, session.triesLeft], ['declined', 5, 0])
    const finals = (await told(id)).map((one) => one.type === 'payment.declined' && one.final)
    assert.deepEqual(finals, [false, false, false, false, true])
  })

  test('3-D Secure: asked, passed, paid', async () => {
    const id = await createSession()
    assert.equal((await typeCard(world, id, 'threeDSecure'))?.threeDSecure, 'required')
    assert.equal(await typeCard(world, id, 'paid'), undefined, 'no other card while the bank waits')
    assert.equal((await provider.getSession(id)).paidUnits, 0n)
    assert.equal((await answerThreeDSecure(world.simulator.db, id, true, now()))?.state, 'paid')
    const [paid] = await told(id)
    assert.ok(paid?.type === 'payment.paid' && paid.threeDSecure === 'passed' && paid.last4 === '3184')
  })

  test('3-D Secure: three wrong codes are a decline, after which another card pays', async () => {
    const id = await createSession()
    await typeCard(world, id, 'threeDSecure')
    const { db } = world.simulator
    assert.equal((await countWrongCode(db, id, now()))?.threeDSecure, 'required')
    await countWrongCode(db, id, now())
    assert.equal((await countWrongCode(db, id, now()))?.declineCode, 'three_d_secure_failed')
    assert.equal(await answerThreeDSecure(db, id, true, now()), undefined)
    assert.equal((await typeCard(world, id, 'paid'))?.state, 'paid')
  })

  test('a charged-back card takes the money back some time after it was paid', async () => {
    const id = await createSession()
    await typeCard(world, id, 'chargedBack')
    assert.deepEqual(
      (await told(id)).map(({ type }) => type),
      ['payment.paid'],
    )
    world.advance(120_000)
    const [chargeback] = await told(id)
    assert.ok(chargeback?.type === 'chargeback')
    assert.equal(chargeback.units, '10000')
    assert.equal((await provider.getSession(id)).chargedBack, true)
    const refund = provider.refund({ idempotencyKey: randomUUID(), providerRef: id, units: 1n })
    await assert.rejects(refund, { code: 'not_refundable' })
  })

  test('what was refunded whole is not charged back too', async () => {
    const id = await createSession()
    await typeCard(world, id, 'chargedBack')
    await provider.refund({ idempotencyKey: randomUUID(), providerRef: id, units: 10_000n })
    world.advance(120_000)
    assert.deepEqual((await told(id)).map(({ type }) => type).sort(), ['payment.paid', 'refund.done'])
  })

  test('a refund that fails gives its units back', async () => {
    const id = await createSession()
    await typeCard(world, id, 'paid')
    await addFaults(world.simulator, { provider: 'card', kind: 'return', count: 1 })
    const order = { idempotencyKey: randomUUID(), providerRef: id, units: 10_000n }
    await provider.refund(order)
    world.advance(5_000)
    assert.deepEqual((await told(id)).map(({ type }) => type).sort(), ['payment.paid', 'refund.failed'])
    assert.equal((await provider.findRefund(order.idempotencyKey))?.reason, 'card_account_closed')
    assert.equal((await provider.refund({ ...order, idempotencyKey: randomUUID() })).state, 'pending')
  })

  for (const [kind, outcome, made] of [
    ['fail', 'not_sent', false],
    ['reject', 'rejected', false],
    ['hang', 'unknown', false],
    ['lost_answer', 'unknown', true],
  ] as const) {
    test(`the fault ${kind} ends a creation as ${outcome}, once`, async () => {
      await addFaults(world.simulator, { provider: 'card', kind, count: 1 })
      const idempotencyKey = randomUUID()
      const create = () =>
        provider.createSession({
          idempotencyKey,
          reference: 'payment-2',
          units: 100n,
          currency: 'EUR',
          description: 'coins',
          merchantName: 'Shop',
          returnUrl: 'https://merchant.example/',
          expiresAt: new Date(now().getTime() + 86_400_000),
          customerName: 'Ana García',
          customerEmail: null,
          language: null,
        })
      await assert.rejects(
        create(),
        (error: ProviderError) => error instanceof ProviderError && error.outcome === outcome,
      )
      assert.equal((await provider.findSession(idempotencyKey)) !== undefined, made)
      assert.ok((await create()).providerRef)
      assert.deepEqual(await listFaults(world.simulator.db), [])
    })
  }

  test('the fault twice tells the same notification twice', async () => {
    await told()
    await addFaults(world.simulator, { provider: 'card', kind: 'twice', count: 1 })
    await typeCard(world, await createSession(), 'paid')
    const ids = (await told()).map(({ id }) => id)
    assert.equal(ids.length, 2)
    assert.equal(ids[0], ids[1])
  })

  test('the fault late lets a later notification overtake', async () => {
    const id = await createSession()
    await addFaults(world.simulator, { provider: 'card', kind: 'late', count: 1 })
    await typeCard(world, id, 'declined')
    assert.deepEqual(await told(id), [])
    await typeCard(world, id, 'paid')
    assert.deepEqual(
      (await told(id)).map(({ type }) => type),
      ['payment.paid'],
    )
    world.advance(30_000)
    assert.deepEqual(
      (await told(id)).map(({ type }) => type),
      ['payment.declined'],
    )
  })

  test('what our side does not take is told again until it does, in one POST for many', async () => {
    await told()
    world.answerWith(503)
    for (let count = 0; count < 3; count++) await typeCard(world, await createSession(), 'paid')
    assert.equal((await told()).length, 3)
    assert.equal((await told()).length, 0, 'not before the pause is over')
    world.answerWith(204)
    world.advance(1_000)
    await world.settle()
    assert.equal(world.delivered.length, 1)
    assert.equal(world.delivered[0]?.path, '/providers/card/callback')
    assert.equal(read(world.delivered.splice(0)).length, 3)
    assert.equal((await told()).length, 0)
  })
})
