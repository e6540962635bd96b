import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { openSimulatorWorld, type SimulatorWorld } from '../../../../test/support/simulator.ts'
import { addFaults, listFaults } from '../../faults.ts'
import { ProviderError } from '../../provider-error.ts'
import { redirectSuite } from '../contract-suite.ts'
import type { RedirectNotification, RedirectProvider } from '../port.ts'
import { newCode } from './codes.ts'
import { simulatedRedirectLane } from './lane.ts'
import { createSimulatedRedirectProvider } from './provider.ts'
import {
  approve,
  cancelSession,
  decline,
  findSession,
  payByCode,
  payLater,
  type RedirectKind,
} from './session.ts'

const openWorld = () => openSimulatorWorld((simulator) => [simulatedRedirectLane(simulator)])

for (const [kind, method, currency] of [
  ['paypal', 'paypal', 'EUR'],
  ['local', 'khipu', 'CLP'],
  ['local', 'spei', 'MXN'],
] as const) {
  redirectSuite(`simulated ${method}`, async () => {
    const world = await openWorld()
    const { simulator } = world
    return {
      provider: createSimulatedRedirectProvider(simulator, kind),
      method,
      currency,
      now: () => simulator.clock.now(),
      async customer(providerRef, does) {
        const now = simulator.clock.now()
        if (does === 'pays') await approve(simulator.db, providerRef, now)
        else if (does === 'gives up') await cancelSession(simulator.db, providerRef, now)
        else await decline(simulator.db, providerRef, 'bank_refused', now)
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
}

describe('the simulated local methods', () => {
  let world: SimulatorWorld
  before(async () => {
    world = await openWorld()
  })
  after(() => world.close())

  const provider = (kind: RedirectKind): RedirectProvider =>
    createSimulatedRedirectProvider(world.simulator, kind)
  const now = () => world.simulator.clock.now()
  const order = (method: string) => ({
    idempotencyKey: randomUUID(),
    method,
    reference: 'payment-1',
    units: 10_000n,
    currency: 'MXN',
    description: 'coins',
    merchantName: 'Shop',
    returnUrl: 'https://merchant.example/',
    expiresAt: new Date(now().getTime() + 86_400_000),
    customerName: 'Ana García',
    customerEmail: null,
    language: null,
  })
  const create = async (method: string): Promise<string> =>
    (await provider('local').createSession(order(method))).providerRef
  const told = async (id: string): Promise<RedirectNotification[]> => {
    await world.settle()
    return world.delivered
      .splice(0)
      .flatMap((callback) => provider('local').parseCallback(callback))
      .filter(({ providerRef }) => providerRef === id)
  }

  test('codes have the form and the check digits of their country', () => {
    for (let time = 0; time < 50; time += 1) {
      const clabe = newCode('spei')!
      assert.match(clabe, /^\d{18}$/)
      const sum = [...clabe.slice(0, 17)].reduce(
        (total, digit, index) => total + ((Number(digit) * [3, 7, 1][index % 3]!) % 10),
        0,
      )
      assert.equal((sum + Number(clabe[17])) % 10, 0)
      const cvu = newCode('cvu')!
      assert.match(cvu, /^0{8}\d{14}$/)
      const weights = [3, 9, 7, 1, 3, 9, 7, 1, 3, 9, 7, 1, 3, 1]
      const block = [...cvu.slice(8)].reduce(
        (total, digit, index) => total + Number(digit) * weights[index]!,
        0,
      )
      assert.equal(block % 10, 0)
      assert.match(newCode('pagoefectivo')!, /^\d{9}$/)
    }
    for (const method of ['khipu', 'pse', 'paypal']) assert.equal(newCode(method), null)
  })

  test('a page sent ten times at once pays once', async () => {
    const id = await create('khipu')
    const tries = await Promise.all(Array.from({ length: 10 }, () => approve(world.simulator.db, id, now())))
    assert.equal(tries.filter(Boolean).length, 1)
    assert.equal((await told(id)).length, 1)
  })

  test('a code that is paid twice tells the whole each time', async () => {
    const id = await create('pagoefectivo')
    const { db } = world.simulator
    await payByCode(db, id, now())
    await payByCode(db, id, now())
    const paid = await told(id)
    assert.deepEqual(
      paid.map((one) => one.type === 'payment.paid' && one.paidUnits),
      ['10000', '20000'],
    )
    assert.equal((await provider('local').getSession(id)).paidUnits, 20_000n)
    await provider('local').refund({ idempotencyKey: randomUUID(), providerRef: id, units: 20_000n })
  })

  test('a code that is paid after the session expired is paid', async () => {
    const id = await create('spei')
    await payLater(world.simulator.db, id, new Date(now().getTime() + 86_460_000))
    world.advance(86_400_000)
    assert.deepEqual(
      (await told(id)).map(({ type }) => type),
      ['session.expired'],
    )
    world.advance(60_000)
    assert.deepEqual(
      (await told(id)).map(({ type }) => type),
      ['payment.paid'],
    )
    assert.equal((await provider('local').getSession(id)).state, 'paid')
    assert.deepEqual(await told(id), [], 'once')
  })

  test('a method without a code is paid on its page alone', async () => {
    const id = await create('pse')
    assert.equal(await payByCode(world.simulator.db, id, now()), undefined)
    assert.equal(await payLater(world.simulator.db, id, now()), undefined)
  })

  test('PayPal knows nothing of a local session', async () => {
    const id = await create('pse')
    assert.equal(await findSession(world.simulator.db, 'paypal', id), undefined)
    await assert.rejects(provider('paypal').getSession(id), { code: 'session_not_found' })
  })

  test('a refund that fails gives its units back', async () => {
    const id = await create('khipu')
    await approve(world.simulator.db, id, now())
    await addFaults(world.simulator, { provider: 'local', kind: 'return', count: 1 })
    const refund = { idempotencyKey: randomUUID(), providerRef: id, units: 10_000n }
    await provider('local').refund(refund)
    world.advance(5_000)
    assert.deepEqual((await told(id)).map(({ type }) => type).sort(), ['payment.paid', 'refund.failed'])
    assert.equal((await provider('local').findRefund(refund.idempotencyKey))?.reason, 'account_closed')
    assert.equal(
      (await provider('local').refund({ ...refund, idempotencyKey: randomUUID() })).state,
      'pending',
    )
  })

  for (const kind of ['paypal', 'local'] as const) {
    for (const [fault, outcome, made] of [
      ['fail', 'not_sent', false],
      ['reject', 'rejected', false],
      ['hang', 'unknown', false],
      ['lost_answer', 'unknown', true],
    ] as const) {
      test(`${kind}: the fault ${fault} ends a creation as ${outcome}, once`, async () => {
        await addFaults(world.simulator, { provider: kind, kind: fault, count: 1 })
        const asked = order(kind === 'paypal' ? 'paypal' : 'pse')
        await assert.rejects(
          provider(kind).createSession(asked),
          (error: ProviderError) => error instanceof ProviderError && error.outcome === outcome,
        )
        assert.equal((await provider(kind).findSession(asked.idempotencyKey)) !== undefined, made)
        assert.ok((await provider(kind).createSession(asked)).providerRef)
        assert.deepEqual(await listFaults(world.simulator.db), [])
      })
    }
  }
})
