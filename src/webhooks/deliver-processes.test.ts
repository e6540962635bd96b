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
import { recordAttempts } from './delivery-store.ts'
import { claimDestinations } from './destination-store.ts'

/** Several processes on one database, and processes that die. */

let world: WebhookWorld
let receiver: Receiver

before(async () => {
  world = await createWebhookWorld()
  receiver = await startReceiver()
})
after(async () => {
  await world.close()
  await receiver.close()
})

async function newSubscribed(path: string): Promise<{ id: number; url: string }> {
  const { id } = await world.newIntegration()
  const url = receiver.url.replace('/hook', path)
  const now = world.app.clock.now()
  for (const type of ['PAY_IN', 'COINS_SENT']) {
    await world.app.db
      .insertInto('webhookSubscriptions')
      .values({ integrationId: id, type, sentType: type, url, createdAt: now, updatedAt: now })
      .execute()
  }
  return { id, url }
}

const receivedAt = (path: string) => receiver.received.filter((request) => request.path === path)

const countDelivered = async (id: number) => {
  const { count } = await world.app.db
    .selectFrom('deliveries')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('integrationId', '=', id)
    .where('state', '=', 'delivered')
    .executeTakeFirstOrThrow()
  return count
}

test('two processes number and deliver the events of many integrations, each once and in its order', async () => {
  const other = world.startAnother()
  world.app.lanes.start()
  other.lanes.start()
  const integrations = await Promise.all(Array.from({ length: 6 }, (_, n) => newSubscribed(`/two-${n}`)))
  await Promise.all(
    integrations.map(({ id }) =>
      world.emitEach(
        id,
        Array.from({ length: 60 }, (_, n) => ({
          type: n % 2 ? ('COINS_SENT' as const) : ('PAY_IN' as const),
          stream: `payment:${Math.floor(n / 2)}`,
        })),
      ),
    ),
  )
  other.wake('event-sequencer')
  for (const [n, { id }] of integrations.entries()) {
    await eventually(`all of ${n} are delivered`, async () => (await countDelivered(id)) === 60)
    const requests = receivedAt(`/two-${n}`)
    assert.equal(requests.length, 60)
    assert.deepEqual(
      requests.map(({ json }) => json.sequence).toSorted((a, b) => a - b),
      Array.from({ length: 60 }, (_, place) => place + 1),
    )
    const { rows } = await world.app.pool.query(
      `select count(*)::int as wrong from events a join events b using (integration_id, stream)
        where integration_id = $1 and a.position < b.position and a.sequence > b.sequence`,
      [id],
    )
    assert.equal(rows[0].wrong, 0)
  }
  // Stopped processes give their destinations back at once.
  await world.app.lanes.stop()
  await other.lanes.stop()
  const held = await world.app.db
    .selectFrom('webhookDestinations')
    .select('url')
    .where('owner', 'is not', null)
    .execute()
  assert.deepEqual(held, [])
})

async function takeAsDeadProcess(app: WebhookApp, id: number) {
  const owner = '00000000-0000-4000-8000-000000000001'
  const claimed = await claimDestinations(app.db, { owner, now: app.clock.now(), limit: 100 })
  assert.deepEqual(
    claimed.map(({ integrationId }) => integrationId),
    [id],
  )
}

test('what a dead process had taken is delivered by another under the same id when the lease has ended', async () => {
  const { id, url } = await newSubscribed('/dead-process')
  const first = world.startAnother()
  await world.emitEach(id, [{ stream: 'payment:1' }])
  const [sequencer] = first.lanes.lanes
  assert.equal(await sequencer!.step(), 1)
  await takeAsDeadProcess(first, id)
  const second = world.startAnother()
  second.lanes.start()
  // The lease is the database's; the platform's clock may leap.
  world.advance(86_400_000)
  const leaseEnds = await world.app.db
    .selectFrom('webhookDestinations')
    .select('leaseUntil')
    .where('integrationId', '=', id)
    .where('url', '=', url)
    .executeTakeFirstOrThrow()
  await eventually('it is delivered', async () => (await countDelivered(id)) === 1, 15_000)
  assert.ok(second.clock.real() >= leaseEnds.leaseUntil!)
  assert.equal(receivedAt('/dead-process').length, 1)
  await second.lanes.stop()
})

test('an attempt recorded late, by a process that lost its lease, is kept and changes no end', async () => {
  const { id, url } = await newSubscribed('/late')
  const app = world.startAnother()
  app.lanes.start()
  await world.emitEach(id, [{ stream: 'payment:1' }])
  app.wake('event-sequencer')
  await eventually('it is delivered', async () => (await countDelivered(id)) === 1)
  const now = app.clock.now()
  await recordAttempts(
    app.db,
    [
      {
        integrationId: id,
        sequence: 1,
        redeliveries: 0,
        state: 'pending',
        dueAt: now,
        retryUntil: now,
        url,
        status: 500,
        error: null,
        durationMs: 1,
        at: now,
      },
    ],
    now,
  )
  const delivery = await app.db
    .selectFrom('deliveries')
    .select(['state', 'dueAt', 'attempts'])
    .where('integrationId', '=', id)
    .executeTakeFirstOrThrow()
  assert.deepEqual(delivery, { state: 'delivered', dueAt: null, attempts: 2 })
  await app.lanes.stop()
})

test('while the database is away attempts are kept, and recorded when it is back', async () => {
  const { id } = await newSubscribed('/restart')
  const app = world.startAnother()
  app.lanes.start()
  const { promise: answerable, resolve: answer } = Promise.withResolvers<void>()
  receiver.answer = (response) => void answerable.then(() => response.end())
  await world.emitEach(id, [{ stream: 'payment:1' }, { stream: 'payment:2' }])
  app.wake('event-sequencer')
  await eventually('both are on the wire', () => receivedAt('/restart').length === 2)
  const { rows } = await world.app.pool.query(
    `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`,
  )
  assert.ok(rows.length > 0)
  answer()
  await eventually('both are recorded', async () => (await countDelivered(id)) === 2)
  receiver.answer = (response) => response.end()
  await app.lanes.stop()
})
