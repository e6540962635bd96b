import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import {
  createWebhookWorld,
  eventually,
  type Receiver,
  startReceiver,
  type WebhookApp,
  type WebhookWorld,
} from '../../test/support/webhook-world.ts'
import type { EventType } from './event-types.ts'
import { verifyStandardWebhook, verifyWebhook } from './verify.ts'

let world: WebhookWorld
const receivers: Receiver[] = []

before(async () => {
  world = await createWebhookWorld()
  world.app.lanes.start()
})
after(async () => {
  await world.close()
  for (const receiver of receivers) await receiver.close()
})

async function newReceiver(): Promise<Receiver> {
  const receiver = await startReceiver()
  receivers.push(receiver)
  return receiver
}

async function subscribe(
  integrationId: number,
  url: string,
  types: readonly EventType[] = ['PAY_IN', 'COINS_SENT'],
) {
  const now = world.app.clock.now()
  await world.app.db
    .insertInto('webhookSubscriptions')
    .values(
      types.map((type) => ({ integrationId, type, sentType: type, url, createdAt: now, updatedAt: now })),
    )
    .onConflict((conflict) =>
      conflict.columns(['integrationId', 'type']).doUpdateSet({ url, updatedAt: now }),
    )
    .execute()
}

const deliveriesOf = (integrationId: number, app: WebhookApp = world.app) =>
  app.db
    .selectFrom('deliveries')
    .selectAll()
    .where('integrationId', '=', integrationId)
    .orderBy('sequence')
    .execute()

const attemptsOf = (integrationId: number) =>
  world.app.db
    .selectFrom('deliveryAttempts')
    .selectAll()
    .where('integrationId', '=', integrationId)
    .orderBy('sequence')
    .orderBy('attempt')
    .execute()

const settled = (integrationId: number, count: number) =>
  eventually(`${count} deliveries of ${integrationId} are settled`, async () => {
    const states = await deliveriesOf(integrationId)
    return states.length === count && states.every(({ state }) => state !== 'pending')
  })

test('an event arrives once, signed both ways, with its number and frozen data', async () => {
  const { id, apiKey, apiSecret } = await world.newIntegration()
  const receiver = await newReceiver()
  await subscribe(id, receiver.url)
  await world.emitEach(id, [{ stream: 'payment:1', data: { id: '1', name: 'Åsa 🙂', fiat_amount: 15050 } }])
  await settled(id, 1)
  assert.equal(receiver.received.length, 1)
  const [{ json, headers, body }] = receiver.received as [(typeof receiver.received)[0]]
  assert.match(json.id, /^evt_[A-Za-z0-9]{24}$/)
  assert.deepEqual(Object.keys(json), ['id', 'type', 'sequence', 'created_at', 'data'])
  assert.equal(json.type, 'PAY_IN')
  assert.equal(json.sequence, 1)
  assert.match(json.created_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/)
  assert.deepEqual(json.data, { id: '1', name: 'Åsa 🙂', fiat_amount: 15050 })
  assert.equal(headers['x-api-key'], apiKey)
  assert.equal(headers['webhook-id'], json.id)
  assert.equal(headers['content-type'], 'application/json; charset=utf-8')
  const given = { headers, rawBody: body, apiSecret, now: world.app.clock.real() }
  assert.deepEqual(verifyWebhook(given), { ok: true })
  assert.deepEqual(verifyStandardWebhook(given), { ok: true })
  const [delivery] = await deliveriesOf(id)
  assert.equal(delivery?.state, 'delivered')
  assert.equal(delivery?.attempts, 1)
  const attempts = await attemptsOf(id)
  assert.deepEqual(
    attempts.map(({ attempt, url, status, error }) => ({ attempt, url, status, error })),
    [{ attempt: 1, url: receiver.url, status: 200, error: null }],
  )
})

test('without a subscription an event is numbered and not sent', async () => {
  const { id } = await world.newIntegration()
  await world.emitEach(id, [{ stream: 'payment:1' }])
  await eventually('it is numbered', async () => {
    const event = await world.app.db
      .selectFrom('events')
      .select('sequence')
      .where('integrationId', '=', id)
      .executeTakeFirst()
    return event?.sequence === 1
  })
  assert.deepEqual(await deliveriesOf(id), [])
})

test('any 2xx is success; a redirect and a failure are not, and are tried again with the same body and a new signature', async () => {
  const { id } = await world.newIntegration()
  const receiver = await newReceiver()
  const elsewhere = await newReceiver()
  await subscribe(id, receiver.url)
  const answers = [302, 307, 404, 500, 204]
  receiver.answer = (response) =>
    response.writeHead(answers.shift() ?? 500, { Location: elsewhere.url }).end()
  await world.emitEach(id, [{ stream: 'payment:1' }])
  for (let attempt = 1; attempt <= 4; attempt += 1) {
    await eventually(`attempt ${attempt} is recorded`, async () => (await attemptsOf(id)).length === attempt)
    const [delivery] = await deliveriesOf(id)
    assert.equal(delivery?.state, 'pending')
    assert.ok(delivery.dueAt! > world.app.clock.now())
    world.advance(delivery.dueAt!.getTime() - world.app.clock.now().getTime())
  }
  await settled(id, 1)
  assert.equal(elsewhere.received.length, 0)
  assert.equal(new Set(receiver.received.map(({ body }) => body)).size, 1)
  assert.deepEqual(
    (await attemptsOf(id)).map(({ status }) => status),
    [302, 307, 404, 500, 204],
  )
})

test('the sequence is given in the order of writing, without a gap, and late commits are not passed over', async () => {
  const { id } = await world.newIntegration()
  const { emit } = await import('./emit.ts')
  const event = (stream: string) => ({
    integrationId: id,
    type: 'PAY_IN' as const,
    stream,
    data: {},
    keyWrapped: null,
  })
  const { promise: committable, resolve: commit } = Promise.withResolvers<void>()
  const { promise: written, resolve: wrote } = Promise.withResolvers<void>()
  const late = world.app.db.transaction().execute(async (trx) => {
    await emit(trx, [event('payment:late')], world.app)
    wrote()
    await committable
  })
  await written
  await world.emitEach(id, [{ stream: 'payment:a' }, { stream: 'payment:b' }])
  const log = () =>
    world.app.db
      .selectFrom('events')
      .select(['stream', 'sequence'])
      .where('integrationId', '=', id)
      .where('sequence', 'is not', null)
      .orderBy('sequence')
      .execute()
  // A transaction that stays open holds nobody up.
  await eventually('two are numbered', async () => (await log()).length === 2)
  commit()
  await late
  world.app.wake('event-sequencer')
  await eventually('the late one is numbered', async () => (await log()).length === 3)
  assert.deepEqual(await log(), [
    { stream: 'payment:a', sequence: 1 },
    { stream: 'payment:b', sequence: 2 },
    { stream: 'payment:late', sequence: 3 },
  ])
})

test('events of one payment go to a URL in their order, whatever happens to the first; other payments go on', async () => {
  const { id } = await world.newIntegration()
  const receiver = await newReceiver()
  await subscribe(id, receiver.url)
  let refusals = 2
  receiver.answer = (response, { json }) => {
    const refused = json.data.payment === 'held' && json.type === 'PAY_IN' && refusals-- > 0
    response.writeHead(refused ? 503 : 200).end()
  }
  await world.emitEach(id, [
    { type: 'PAY_IN', stream: 'payment:held', data: { payment: 'held' } },
    { type: 'COINS_SENT', stream: 'payment:held', data: { payment: 'held' } },
    { type: 'PAY_IN', stream: 'payment:other', data: { payment: 'other' } },
    { type: 'COINS_SENT', stream: 'payment:other', data: { payment: 'other' } },
  ])
  const sent = (payment: string) =>
    receiver.received.filter(({ json }) => json.data.payment === payment).map(({ json }) => json.type)
  await eventually('the other payment is told of', () => sent('other').length === 2)
  await eventually('the first attempt is recorded', async () =>
    (await attemptsOf(id)).some(({ status }) => status === 503),
  )
  assert.deepEqual(sent('other'), ['PAY_IN', 'COINS_SENT'])
  assert.deepEqual(sent('held'), ['PAY_IN'])
  world.advance(10_000)
  await eventually('a second attempt', () => sent('held').length === 2)
  await eventually(
    'it is recorded',
    async () => (await attemptsOf(id)).filter(({ status }) => status === 503).length === 2,
  )
  world.advance(60_000)
  await settled(id, 4)
  assert.deepEqual(sent('held'), ['PAY_IN', 'PAY_IN', 'PAY_IN', 'COINS_SENT'])
})

test('after seven days the event is failed and the next of its payment goes on', async () => {
  const { id } = await world.newIntegration()
  const receiver = await newReceiver()
  await subscribe(id, receiver.url)
  receiver.answer = (response, { json }) => response.writeHead(json.type === 'PAY_IN' ? 500 : 200).end()
  const startedAt = world.app.clock.now()
  await world.emitEach(id, [
    { type: 'PAY_IN', stream: 'payment:1' },
    { type: 'COINS_SENT', stream: 'payment:1' },
  ])
  await eventually('the deliveries are made', async () => (await deliveriesOf(id)).length === 2)
  const lane = world.app.lanes.lanes.find(({ name }) => name === 'webhook-deliveries')!
  let steps = 0
  await eventually(
    'the deliveries are settled',
    async () => {
      const due = await lane.nextDue()
      if (due && due > world.app.clock.now()) {
        steps += 1
        world.advance(due.getTime() - world.app.clock.now().getTime())
      }
      return (await deliveriesOf(id)).every(({ state }) => state !== 'pending')
    },
    20_000,
  )
  const states = (await deliveriesOf(id)).map(({ state }) => state)
  assert.deepEqual(states, ['failed', 'delivered'])
  const attempts = (await attemptsOf(id)).filter(({ sequence }) => sequence === 1)
  assert.ok(attempts.length >= 10, `${attempts.length} attempts`)
  const lastAt = attempts.at(-1)!.at.getTime() - startedAt.getTime()
  assert.ok(lastAt >= 7 * 86_400_000 && lastAt < 7 * 86_400_000 + 3_600_000, `the last after ${lastAt} ms`)
  assert.ok(steps < 100, `${steps} steps`)
})

test('a delivery to a changed URL goes to the one in force; after unsubscribing nothing is sent', async () => {
  const { id } = await world.newIntegration()
  const old = await newReceiver()
  const fresh = await newReceiver()
  await subscribe(id, old.url)
  old.answer = (response) => response.writeHead(500).end()
  await world.emitEach(id, [{ stream: 'payment:1' }])
  await eventually('the first attempt is recorded', async () => (await attemptsOf(id)).length === 1)
  await subscribe(id, fresh.url)
  await world.app.db
    .insertInto('webhookDestinations')
    .values({ integrationId: id, url: fresh.url, dueAt: world.app.clock.now() })
    .execute()
  world.advance(10_000)
  await settled(id, 1)
  assert.equal(old.received.length, 1)
  assert.equal(fresh.received.length, 1)
})

test('both pairs are valid while one is rotated: the new one signs, both sign by Standard Webhooks', async () => {
  const { id, apiSecret } = await world.newIntegration()
  const { app } = world
  const receiver = await newReceiver()
  await subscribe(id, receiver.url)
  const now = app.clock.now()
  await app.db
    .updateTable('credentials')
    .set({ expiresAt: new Date(now.getTime() + 86_400_000) })
    .where('integrationId', '=', id)
    .execute()
  await app.db
    .insertInto('credentials')
    .values({
      apiKey: `new-${id}`,
      integrationId: id,
      secretSealed: app.secrets.seal('api-secret', 'fresh'),
      createdAt: now,
    })
    .execute()
  await world.emitEach(id, [{ stream: 'payment:1' }])
  await settled(id, 1)
  const [{ headers, body }] = receiver.received as [(typeof receiver.received)[0]]
  assert.equal(headers['x-api-key'], `new-${id}`)
  const given = { headers, rawBody: body, now: app.clock.real() }
  assert.deepEqual(verifyWebhook({ ...given, apiSecret: 'fresh' }), { ok: true })
  assert.deepEqual(verifyStandardWebhook({ ...given, apiSecret: 'fresh' }), { ok: true })
  assert.deepEqual(verifyStandardWebhook({ ...given, apiSecret }), { ok: true })
})

test('an event whose customer was forgotten is not sent, and the rest goes on', async () => {
  const { id } = await world.newIntegration()
  const receiver = await newReceiver()
  receiver.answer = (response) => response.writeHead(500).end()
  await subscribe(id, receiver.url)
  await world.emitEach(id, [{ stream: 'customer:1', data: { name: 'gone' } }, { stream: 'customer:2' }])
  await eventually('both were tried', async () => (await attemptsOf(id)).length === 2)
  await world.app.db
    .updateTable('events')
    .set({ keyWrapped: null })
    .where('integrationId', '=', id)
    .where('stream', '=', 'customer:1')
    .execute()
  receiver.answer = (response) => response.end()
  world.advance(10_000)
  await settled(id, 2)
  const [forgotten, kept] = await deliveriesOf(id)
  assert.equal(forgotten?.state, 'failed')
  assert.equal(kept?.state, 'delivered')
  assert.match(
    (await attemptsOf(id)).find(({ sequence, attempt }) => sequence === 1 && attempt === 2)?.error ?? '',
    /forgotten/,
  )
})

test('results that can not be recorded while deliveries are looked up end nothing: they are recorded later', async () => {
  const integration = await world.newIntegration()
  const receiver = await newReceiver()
  await subscribe(integration.id, receiver.url)
  let answer = (): void => {}
  receiver.answer = (response) => {
    answer = () => void response.end()
  }
  await world.emitEach(integration.id, [{ stream: 'payment:unrecorded' }])
  await eventually('the attempt', () => receiver.received.length === 1)
  const { pool } = world.app
  const client = await pool.connect()
  await pool.query('alter table delivery_attempts rename to away')
  await client.query('begin; lock table webhook_destinations in access exclusive mode')
  answer()
  // A recording fails at once, while the looking up that began beside it waits for the lock.
  world.app.lanes.wake('webhook-deliveries')
  await eventually('a look that waits', async () => {
    const { rows } = await pool.query(
      "select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()",
    )
    return rows.length > 0
  })
  await new Promise((resolve) => setImmediate(resolve))
  await client.query('commit')
  client.release()
  await pool.query('alter table away rename to delivery_attempts')
  await eventually('the record', async () => (await attemptsOf(integration.id)).length === 1)
  assert.deepEqual(
    (await deliveriesOf(integration.id)).map(({ state, attempts }) => [state, attempts]),
    [['delivered', 1]],
  )
})
