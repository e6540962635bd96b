import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { pino } from 'pino'
import { createTestDatabase, type TestDatabase } from '../../../test/support/database.ts'
import { openDatabase } from '../../db/database.ts'
import { createClock } from '../../kernel/clock.ts'
import { createSecrets } from '../../kernel/secrets.ts'
import { listParkedCallbacks, receiveCallback, receiveCallbacks, retryParkedCallback } from './inbox.ts'
import { type Callback, type CallbackHandler, callbackLane } from './lane.ts'

let database: TestDatabase
let opened: ReturnType<typeof openDatabase>
const woken: string[] = []

before(async () => {
  database = await createTestDatabase()
  opened = openDatabase({ url: database.url, poolSize: 4, onPoolError: () => {} })
})
after(async () => {
  await opened.db.destroy()
  await database.drop()
})

const makeApp = () => ({
  db: opened.db,
  clock: createClock(),
  secrets: createSecrets(Buffer.alloc(32, 1)),
  log: pino({ level: 'silent' }),
  wake: (...names: string[]) => void woken.push(...names),
})

const payloads = (callbacks: readonly Callback<{ n: number }>[]) => callbacks.map(({ payload }) => payload.n)

async function drain(lane: { step(): Promise<number> }): Promise<number> {
  let total = 0
  for (let moved = -1; moved !== 0; total += moved) moved = await lane.step()
  return total
}

test('notifications are stored once, sealed, and worked off in batches in the order they came', async () => {
  const app = makeApp()
  const batches: number[][] = []
  const lane = callbackLane(app, { card: async (callbacks) => void batches.push(payloads(callbacks)) })
  const notifications = Array.from({ length: 250 }, (_, n) => ({
    provider: 'card',
    externalId: `a${n}`,
    payload: { n },
  }))
  assert.equal(await receiveCallbacks(app, notifications), 250)
  assert.deepEqual(woken.splice(0), ['provider-callbacks'])
  assert.equal(await receiveCallbacks(app, notifications), 0)
  await receiveCallback(app, notifications[7]!)
  assert.deepEqual(woken, [])
  const stored = await app.db
    .selectFrom('providerCallbacks')
    .select('payloadSealed')
    .limit(1)
    .executeTakeFirstOrThrow()
  assert.equal(stored.payloadSealed.includes('"n"'), false)
  assert.ok((await lane.nextDue())! <= app.clock.now())
  assert.equal(await drain(lane), 250)
  assert.deepEqual(
    batches.map(({ length }) => length),
    [100, 100, 50],
  )
  assert.deepEqual(
    batches.flat(),
    notifications.map(({ payload }) => payload.n),
  )
  assert.equal(await lane.nextDue(), null)
})

test('two processes never work off the same notification at once', async () => {
  const seen: number[] = []
  const handlers = {
    card: async (callbacks: Callback<{ n: number }>[]) => void seen.push(...payloads(callbacks)),
  }
  const apps = [makeApp(), makeApp()]
  await receiveCallbacks(
    apps[0]!,
    Array.from({ length: 300 }, (_, n) => ({ provider: 'card', externalId: `b${n}`, payload: { n } })),
  )
  await Promise.all(apps.map((app) => drain(callbackLane(app, handlers))))
  assert.equal(seen.length, 300)
  assert.equal(new Set(seen).size, 300)
})

test('one that throws holds up no other, backs off, and is parked with its reason until a person has it tried again', async () => {
  const app = makeApp()
  let broken = true
  const done: number[] = []
  const handler: CallbackHandler = async (callbacks) => {
    if (broken && payloads(callbacks).includes(13)) throw new Error('thirteen is not understood')
    done.push(...payloads(callbacks))
  }
  const lane = callbackLane(app, { kyc: handler })
  await receiveCallbacks(
    app,
    [12, 13, 14].map((n) => ({ provider: 'kyc', externalId: `c${n}`, payload: { n } })),
  )
  assert.equal(await drain(lane), 3)
  assert.deepEqual(done, [12, 14])
  let tries = 1
  for (let due = await lane.nextDue(); due; due = await lane.nextDue()) {
    assert.ok(due > app.clock.now(), 'it is not tried again before its pause is over')
    assert.equal(await lane.step(), 0)
    app.clock.setOffsetMs(app.clock.offsetMs() + due.getTime() - app.clock.now().getTime())
    assert.equal(await drain(lane), 1)
    tries += 1
    assert.ok(tries < 50)
  }
  assert.equal(tries, 9)
  const [parked, ...others] = await listParkedCallbacks(app)
  assert.equal(others.length, 0)
  assert.equal(parked?.externalId, 'c13')
  assert.equal(parked?.reason, 'thirteen is not understood')
  assert.equal(await retryParkedCallback(app, parked!.id), true)
  assert.equal(await retryParkedCallback(app, parked!.id), false)
  broken = false
  assert.equal(await drain(lane), 1)
  assert.deepEqual(done, [12, 14, 13])
  assert.deepEqual(await listParkedCallbacks(app), [])
})

test('a handler may name those that failed; a provider without a handler is not lost', async () => {
  const app = makeApp()
  const lane = callbackLane(app, {
    bank: async (callbacks) =>
      callbacks.filter(({ payload }) => payload.n === 2).map(({ id }) => ({ id, reason: 'not yet' })),
  })
  await receiveCallbacks(app, [
    { provider: 'bank', externalId: 'd1', payload: { n: 1 } },
    { provider: 'bank', externalId: 'd2', payload: { n: 2 } },
    { provider: 'unknown', externalId: 'd3', payload: { n: 3 } },
  ])
  assert.equal(await drain(lane), 3)
  const rows = await app.db
    .selectFrom('providerCallbacks')
    .select(['externalId', 'attempts', 'processedAt'])
    .where('externalId', 'in', ['d1', 'd2', 'd3'])
    .orderBy('id')
    .execute()
  assert.deepEqual(
    rows.map(({ externalId, attempts, processedAt }) => [externalId, attempts, processedAt !== null]),
    [
      ['d1', 0, true],
      ['d2', 1, false],
      ['d3', 1, false],
    ],
  )
})

test('what a crashed process had claimed is worked off when its lease has ended', async () => {
  const app = makeApp()
  const done: number[] = []
  const lane = callbackLane(app, { psd2: async (callbacks) => void done.push(...payloads(callbacks)) })
  await receiveCallback(app, { provider: 'psd2', externalId: 'e1', payload: { n: 1 } })
  const leased = app.db.updateTable('providerCallbacks').where('externalId', '=', 'e1')
  await leased.set({ leaseUntil: new Date(app.clock.real().getTime() + 60_000) }).execute()
  assert.equal(await lane.step(), 0)
  await leased.set({ leaseUntil: new Date(app.clock.real().getTime() - 1) }).execute()
  assert.equal(await drain(lane), 1)
  assert.deepEqual(done, [1])
})
