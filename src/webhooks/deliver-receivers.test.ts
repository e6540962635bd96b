import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { after, before, test } from 'node:test'
import {
  createWebhookWorld,
  eventually,
  type Receiver,
  startReceiver,
  type WebhookWorld,
} from '../../test/support/webhook-world.ts'
import type { EventType } from './event-types.ts'

/** What receivers do to us: silence, slowness, refusals, storms; each with a world of its own. */

const open: { close(): Promise<void> }[] = []
let world: WebhookWorld

before(async () => {
  world = await createWebhookWorld()
  world.app.lanes.start()
})
after(async () => {
  await world.close()
  for (const each of open) await each.close()
})

async function newReceiver(): Promise<Receiver> {
  const receiver = await startReceiver()
  open.push(receiver)
  return receiver
}

/** An address where nothing listens. */
async function deadUrl(): Promise<string> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return `http://127.0.0.1:${port}/dead`
}

async function subscribe(integrationId: number, urls: Partial<Record<EventType, string>>, from = world) {
  const now = from.app.clock.now()
  const rows = Object.entries(urls).map(([type, url]) => ({
    integrationId,
    type,
    sentType: type,
    url,
    createdAt: now,
    updatedAt: now,
  }))
  await from.app.db.insertInto('webhookSubscriptions').values(rows).execute()
}

const streams = (count: number, type: EventType) =>
  Array.from({ length: count }, (_, n) => ({ type, stream: `payment:${type}${n}` }))

const attemptsTo = async (integrationId: number, url: string, from = world) =>
  await from.app.db
    .selectFrom('deliveryAttempts')
    .select(['status', 'error', 'durationMs', 'sequence'])
    .where('integrationId', '=', integrationId)
    .where('url', '=', url)
    .execute()

test('a receiver that hangs is given up after ten seconds, and delays nobody else', {
  concurrency: true,
}, async () => {
  const { id } = await world.newIntegration()
  const hanging = await newReceiver()
  const quick = await newReceiver()
  hanging.answer = () => {}
  await subscribe(id, { PAY_IN: hanging.url, COINS_SENT: quick.url })
  await world.emitEach(id, streams(20, 'PAY_IN'))
  await eventually('the hanging one has its first', () => hanging.received.length > 0)
  const startedMs = performance.now()
  await world.emitEach(id, streams(50, 'COINS_SENT'))
  await eventually('the quick one has all of its own', () => quick.received.length === 50)
  assert.ok(performance.now() - startedMs < 3_000)
  assert.deepEqual(await attemptsTo(id, hanging.url), [])
  // Few are on the wire to one that hasn't answered yet.
  assert.ok(hanging.received.length <= 8, `${hanging.received.length}`)
  await eventually(
    'the first attempts are given up',
    async () => (await attemptsTo(id, hanging.url)).length > 0,
    15_000,
  )
  const [attempt] = await attemptsTo(id, hanging.url)
  assert.match(attempt?.error ?? '', /within 10 s/)
  assert.equal(attempt?.status, null)
  assert.ok(attempt!.durationMs >= 9_900 && attempt!.durationMs < 13_000, `${attempt?.durationMs}`)
})

test('the address is judged at each attempt: one that leads inside is never reached', async () => {
  const { id } = await world.newIntegration()
  // As if the name had pointed elsewhere when it was subscribed.
  await subscribe(id, { PAY_IN: 'http://169.254.169.254/latest/meta-data' })
  await world.emitEach(id, streams(1, 'PAY_IN'))
  await eventually(
    'the attempt is recorded',
    async () => (await attemptsTo(id, 'http://169.254.169.254/latest/meta-data')).length === 1,
  )
  const [attempt] = await attemptsTo(id, 'http://169.254.169.254/latest/meta-data')
  assert.match(attempt?.error ?? '', /private, local or reserved/)
})

test('a dead receiver is tried less and less, one at a time, and everything arrives when it is back', async () => {
  const { id } = await world.newIntegration()
  const receiver = await newReceiver()
  receiver.answer = (response) => response.destroy()
  await subscribe(id, { PAY_IN: receiver.url })
  await world.emitEach(id, streams(200, 'PAY_IN'))
  const leftAlone = async () => {
    const destination = await world.app.db
      .selectFrom('webhookDestinations')
      .select(['owner', 'resumeAt'])
      .where('url', '=', receiver.url)
      .executeTakeFirst()
    return (
      destination?.owner === null &&
      destination.resumeAt !== null &&
      destination.resumeAt > world.app.clock.now()
    )
  }
  await eventually('it is left alone', leftAlone)
  const tried = receiver.received.length
  assert.ok(tried < 40, `${tried} attempts before it was left alone`)
  for (let probe = 0; probe < 5; probe += 1) {
    const known = receiver.received.length
    world.advance(90_000)
    await eventually('it is probed', () => receiver.received.length > known)
    assert.ok(receiver.received.length <= known + 2, `${receiver.received.length - known} at once`)
    await eventually('it is left alone again', leftAlone)
  }
  receiver.answer = (response) => response.end()
  await eventually(
    'all are delivered',
    async () => {
      world.advance(60_000)
      const { pending } = await world.app.db
        .selectFrom('deliveries')
        .select((eb) => eb.fn.countAll<number>().as('pending'))
        .where('integrationId', '=', id)
        .where('state', '=', 'pending')
        .executeTakeFirstOrThrow()
      return pending === 0
    },
    20_000,
  )
  const delivered = await attemptsTo(id, receiver.url)
  assert.equal(
    new Set(delivered.filter(({ status }) => status === 200).map(({ sequence }) => sequence)).size,
    200,
  )
})

test('a receiver that fails at random gets everything, each payment in its order', async () => {
  const { id } = await world.newIntegration()
  const receiver = await newReceiver()
  let seed = 42
  const random = (): number => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647
  const accepted: { stream: unknown; step: unknown }[] = []
  receiver.answer = (response, { json }) => {
    const mood = random()
    if (mood < 0.15) return response.destroy()
    if (mood < 0.3) return response.writeHead(500).end()
    accepted.push({ stream: json.data.stream, step: json.data.step })
    // Accepted, and the answer is lost: it will come again.
    if (mood < 0.35) return response.destroy()
    response.end()
  }
  await subscribe(id, { PAY_IN: receiver.url, COINS_SENT: receiver.url })
  const order = Array.from({ length: 120 }, (_, n) => ({
    type: n % 2 ? ('COINS_SENT' as const) : ('PAY_IN' as const),
    stream: `payment:flap${n % 30}`,
    data: { stream: n % 30, step: Math.floor(n / 30) },
  }))
  await world.emitEach(id, order)
  await eventually(
    'all are delivered',
    async () => {
      world.advance(600_000)
      const states = await world.app.db
        .selectFrom('deliveries')
        .select('state')
        .where('integrationId', '=', id)
        .execute()
      return states.length === 120 && states.every(({ state }) => state === 'delivered')
    },
    30_000,
  )
  for (let stream = 0; stream < 30; stream += 1) {
    const steps = accepted.filter((event) => event.stream === stream).map(({ step }) => step as number)
    assert.deepEqual([...new Set(steps)], [0, 1, 2, 3])
    assert.deepEqual(steps, steps.toSorted())
  }
})

test('one dead receiver with 10,000 waiting takes no time from nine others', async () => {
  const perReceiver = 400
  const types: EventType[] = [
    'PAY_IN',
    'COINS_SENT',
    'KYC_VALID',
    'KYC_FAIL',
    'KYC_PROCESSING',
    'PAYMENT_EXPIRED',
    'PAYMENT_REJECTED',
    'PAYMENT_CANCELLED',
    'PAYMENT_REFUNDED',
  ]

  async function measure(dead: string | null): Promise<number> {
    const own = await createWebhookWorld()
    open.push(own)
    const { id } = await own.newIntegration()
    const receivers = await Promise.all(types.map(newReceiver))
    await subscribe(id, Object.fromEntries(types.map((type, place) => [type, receivers[place]!.url])), own)
    if (dead) await subscribe(id, { CRYPTO_RECEIVED: dead }, own)
    const { emit } = await import('./emit.ts')
    const event = (type: EventType, n: number) => ({
      integrationId: id,
      type,
      stream: `payment:${type}${n}`,
      data: { n },
      keyWrapped: null,
    })
    const events = types.flatMap((type) => Array.from({ length: perReceiver }, (_, n) => event(type, n)))
    if (dead) events.push(...Array.from({ length: 10_000 }, (_, n) => event('CRYPTO_RECEIVED', n)))
    await own.app.db.transaction().execute((trx) => emit(trx, events, own.app))
    const [sequencer] = own.app.lanes.lanes
    while ((await sequencer!.step()) > 0);
    const startedMs = performance.now()
    own.app.lanes.start()
    await eventually(
      'all are received',
      () => receivers.every(({ received }) => received.length >= perReceiver),
      30_000,
    )
    const tookMs = performance.now() - startedMs
    await own.app.lanes.stop()
    // Of all attempts that were made, the dead one has had a few in a hundred.
    if (dead) assert.ok((await attemptsTo(id, dead, own)).length < 100)
    return tookMs
  }

  // The benchmark measures it; here, where other tests run beside, only a disaster is told from noise.
  const without = await measure(null)
  const withDead = await measure(await deadUrl())
  assert.ok(withDead < without * 2 + 500, `${withDead.toFixed(0)} ms against ${without.toFixed(0)} ms`)
})
