import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { sql } from 'kysely'
import { eventually, startTestApp, type TestApp } from '../../test/support/app.ts'
import { type Receiver, startReceiver } from '../../test/support/webhook-world.ts'
import { recordAttempts } from './delivery-store.ts'
import { emit } from './emit.ts'
import type { EventType } from './event-types.ts'

let platform: TestApp
let other: string
let integrationId: number
const receivers: Receiver[] = []

before(async () => {
  platform = await startTestApp()
  other = await platform.authenticate('sandbox-key-2', 'sandbox-secret-2')
  const row = await platform.app.db
    .selectFrom('credentials')
    .select('integrationId')
    .where('apiKey', '=', 'sandbox-key')
    .executeTakeFirstOrThrow()
  integrationId = row.integrationId
})
after(async () => {
  await platform.stop()
  for (const receiver of receivers) await receiver.close()
})

async function newReceiver(): Promise<Receiver> {
  const receiver = await startReceiver()
  receivers.push(receiver)
  return receiver
}

const form = { 'content-type': 'application/x-www-form-urlencoded' }

async function tell(type: EventType, stream: string, data: object = {}): Promise<void> {
  const { app } = platform
  const event = { integrationId, type, stream, data, keyWrapped: null }
  await app.db.transaction().execute((trx) => emit(trx, [event], app))
  app.wake('event-sequencer')
}

const post = async (path: string, body: unknown, options: object = {}) =>
  (await platform.api('POST', path, { body, ...options })).body

test('subscribing by form and by JSON, again, with another url, updating, ending', async () => {
  const url = 'http://127.0.0.1:9/a'
  const encoded = new URLSearchParams({ type: 'KYC_VALID', url }).toString()
  const created = { status: 'ok', data: 'subscription_created' }
  assert.deepEqual(await post('/api/subscribeToWebhook', encoded, { headers: form }), created)
  assert.deepEqual(await post('/api/subscribeToWebhook', { type: 'KYC_VALID', url }), created)
  const twice = await post('/api/subscribeToWebhook', { type: 'KYC_VALID', url: `${url}b` })
  assert.equal(twice.error, 'subscription_already_exists')
  const updated = await post('/api/updateWebhookSubscription', { type: 'KYC_VALID', url: `${url}b` })
  assert.deepEqual(updated, { status: 'ok', data: 'subscription_updated' })
  const { body } = await platform.api('GET', '/api/webhooks/subscriptions')
  const [subscription] = body.data.filter(({ type }: { type: string }) => type === 'KYC_VALID')
  assert.equal(subscription.url, `${url}b`)
  assert.match(subscription.created_at, /\.\d{6}Z$/)
  const ended = await post(
    '/api/unsubscribeFromWebhook',
    new URLSearchParams({ type: 'KYC_VALID' }).toString(),
    { headers: form },
  )
  assert.deepEqual(ended, { status: 'ok', data: 'subscription_deleted' })
  assert.equal(
    (await post('/api/unsubscribeFromWebhook', { type: 'KYC_VALID' })).error,
    'subscription_not_found',
  )
  assert.equal(
    (await post('/api/updateWebhookSubscription', { type: 'KYC_VALID', url })).error,
    'subscription_not_found',
  )
})

test('what is missing, unknown or dangerous is refused by its code', async () => {
  const path = '/api/subscribeToWebhook'
  const missing = await post(path, {})
  assert.equal(missing.error, 'fail_mandatory_field')
  assert.deepEqual(Object.keys(missing.errors), ['type', 'url'])
  assert.equal((await post(path, { type: 7, url: 'https://example.com' })).error, 'invalid_field')
  assert.equal(
    (await post(path, { type: 'NO_SUCH', url: 'https://example.com' })).error,
    'invalid_webhook_type',
  )
  assert.equal(
    (await post(path, { type: 'constructor', url: 'https://example.com' })).error,
    'invalid_webhook_type',
  )
  for (const call of [path, '/api/updateWebhookSubscription']) {
    const both = await post(call, { type: 'NOPE', url: 'x' })
    assert.equal(both.error, 'invalid_webhook_type')
    assert.deepEqual(Object.keys(both.errors), ['type', 'url'])
    assert.doesNotMatch(JSON.stringify(both), /\.\./)
    const { error, errors } = await post(call, { type: 'NOPE' })
    assert.deepEqual([error, Object.keys(errors)], ['fail_mandatory_field', ['url', 'type']])
    const wrong = await post(call, { type: 7, url: 'http://10.0.0.1/' })
    assert.deepEqual([wrong.error, Object.keys(wrong.errors)], ['invalid_field', ['type', 'url']])
  }
  const log = (await platform.api('GET', '/api/webhooks/events?type=NOPE&per_page=0')).body
  assert.deepEqual([log.error, Object.keys(log.errors)], ['invalid_field', ['per_page', 'type']])
  for (const url of [
    'example.com/hook',
    'ftp://example.com/',
    'https://user:word@example.com/',
    'http://10.0.0.1/',
    'http://169.254.169.254/latest/meta-data',
    'http://[fd00::1]/',
    'http://0x0a000001/',
  ]) {
    const refused = await platform.api('POST', path, { body: { type: 'PAY_IN', url }, honest: true })
    assert.equal(refused.body.error, 'invalid_webhook_url', url)
    assert.deepEqual(Object.keys(refused.body.errors), ['url'])
    assert.equal(refused.status, 422)
  }
  assert.equal((await platform.api('GET', '/api/webhooks/subscriptions')).body.data.length, 0)
})

test('every type can be subscribed to; an older name is accepted and sent as it is', async () => {
  const { body } = await platform.api('GET', '/api/webhooks/available')
  const names = body.data.map(({ type }: { type: string }) => type)
  assert.equal(names.length, 19)
  assert.ok(names.includes('RAMPOFF_FINISHED'))
  const receiver = await newReceiver()
  for (const type of names) {
    const answer = await post('/api/subscribeToWebhook', { type, url: receiver.url })
    // The older name comes last: it is the same subscription, which keeps the name that it has.
    if (type === 'RAMPOFF_FINISHED') assert.equal(answer.error, 'subscription_already_exists')
    else assert.equal(answer.data, 'subscription_created', type)
  }
  await tell('TRANSFER_RAMPOFF_FINISHED', 'rampoff:0')
  await eventually('it is received', async () => receiver.received.length === 1)
  assert.equal(receiver.received.pop()?.json.type, 'TRANSFER_RAMPOFF_FINISHED')
  const older = { type: 'RAMPOFF_FINISHED', url: receiver.url }
  assert.equal((await post('/api/updateWebhookSubscription', older)).data, 'subscription_updated')
  assert.equal((await post('/api/subscribeToWebhook', older)).data, 'subscription_created')
  const { body: mine } = await platform.api('GET', '/api/webhooks/subscriptions')
  assert.equal(mine.data.length, 18)
  await tell('TRANSFER_RAMPOFF_FINISHED', 'rampoff:1')
  await eventually('it is received', async () => receiver.received.length === 1)
  assert.equal(receiver.received[0]?.json.type, 'RAMPOFF_FINISHED')
  for (const type of names) await post('/api/unsubscribeFromWebhook', { type })
})

test('the log goes oldest first and skips nothing; the other integration sees none of it', async () => {
  const { body: before } = await platform.api('GET', '/api/webhooks/events?per_page=100')
  const start = before.data.at(-1)?.sequence ?? 0
  for (let count = 0; count < 7; count += 1)
    await tell(count % 2 ? 'COINS_SENT' : 'PAY_IN', `payment:${count}`, { count })
  const read = async (query: string) => (await platform.api('GET', `/api/webhooks/events?${query}`)).body
  await eventually('all are numbered', async () => (await read(`after=${start}`)).data.length === 7)
  const counts: number[] = []
  let after = start
  for (;;) {
    const { data, pagination } = await read(`after=${after}&per_page=3`)
    counts.push(...data.map((event: { data: { count: number } }) => event.data.count))
    assert.equal(pagination.per_page, 3)
    assert.equal(pagination.total, null)
    if (pagination.next_cursor === null) break
    after = data.at(-1).sequence
  }
  assert.deepEqual(counts, [0, 1, 2, 3, 4, 5, 6])
  const sent = await read(`after=${start}&type=COINS_SENT`)
  assert.deepEqual(
    sent.data.map((event: { sequence: number }) => event.sequence - start),
    [2, 4, 6],
  )
  const walked: number[] = []
  for (let place: string | null = `after=${start}`; place !== null; ) {
    const { data, pagination } = await read(`${place}&per_page=2`)
    walked.push(...data.map((event: { data: { count: number } }) => event.data.count))
    place = pagination.next_cursor && `cursor=${pagination.next_cursor}`
  }
  assert.deepEqual(walked, [0, 1, 2, 3, 4, 5, 6])
  assert.deepEqual(Object.keys((await read('cursor=x')).errors), ['cursor'])
  assert.deepEqual(Object.keys((await read('cursor=1&after=1')).errors), ['cursor'])
  assert.equal((await read('after=-1')).error, 'invalid_field')
  assert.equal((await read('after=x')).error, 'invalid_field')
  assert.equal((await read('type=NO_SUCH')).error, 'invalid_webhook_type')
  const foreign = await platform.api('GET', '/api/webhooks/events', { token: other })
  assert.deepEqual(foreign.body.data, [])
})

test('the deliveries tell every attempt; a redelivery sends the same event again', async () => {
  const receiver = await newReceiver()
  receiver.answer = (response) => response.writeHead(500).end()
  await post('/api/subscribeToWebhook', { type: 'PAY_IN', url: receiver.url })
  await tell('PAY_IN', 'payment:x', { id: 'x' })
  const list = async (query: string) => (await platform.api('GET', `/api/webhooks/deliveries?${query}`)).body
  const first = await eventually('the attempt is told', async () => {
    const { data } = await list('per_page=1')
    return data[0]?.type === 'PAY_IN' && data[0].attempts.length === 1 && data[0]
  })
  assert.equal(first.state, 'pending')
  assert.ok(first.next_attempt_at > first.created_at)
  assert.deepEqual(
    { ...first.attempts[0], at: null, duration_ms: null },
    { attempt: 1, at: null, url: receiver.url, status: 500, error: null, duration_ms: null },
  )
  receiver.answer = (response) => response.end()
  const path = `/api/webhooks/events/${first.event_id}/redeliver`
  assert.deepEqual(await post(path, {}), {
    status: 'ok',
    data: { event_id: first.event_id, state: 'pending' },
  })
  const done = await eventually('it is delivered', async () => {
    const { data } = await list(`event_id=${first.event_id}`)
    return data[0].state === 'delivered' && data[0]
  })
  assert.equal(done.attempts.length, 2)
  assert.equal(receiver.received[1]?.body, receiver.received[0]?.body)
  await post(path, {})
  await eventually('once more', async () => receiver.received.length === 3)
  assert.equal(receiver.received[2]?.json.id, first.event_id)

  const foreign = await platform.api('POST', path, { body: {}, token: other })
  assert.equal(foreign.body.error, 'event_not_found')
  assert.equal(
    (await platform.api('GET', `/api/webhooks/deliveries?event_id=${first.event_id}`, { token: other })).body
      .error,
    'event_not_found',
  )
  await post('/api/unsubscribeFromWebhook', { type: 'PAY_IN' })
  assert.equal((await post(path, {})).error, 'subscription_not_found')
})

test('a delivery and its attempts are told as of one moment', async () => {
  const { db } = platform.app
  const receiver = await newReceiver()
  const { promise: answerable, resolve: answer } = Promise.withResolvers<void>()
  receiver.answer = (response) => void answerable.then(() => response.end())
  await post('/api/subscribeToWebhook', { type: 'PAY_IN', url: receiver.url })
  await tell('PAY_IN', 'payment:moment')
  await eventually('it is on the wire', async () => receiver.received.length === 1)
  const { id } = receiver.received[0]!.json
  const at = new Date(platform.app.clock.now().getTime() + 1_000)
  const failed = { redeliveries: 0, url: receiver.url, status: 500, error: null, durationMs: 1, at }
  const list = async () => (await platform.api('GET', `/api/webhooks/deliveries?event_id=${id}`)).body.data[0]
  const before = await list()
  const reading = await db.transaction().execute(async (trx) => {
    await sql`lock table delivery_attempts in access exclusive mode`.execute(trx)
    const reading = list()
    await eventually('the row is read, its attempts are waited for', async () => {
      const { rows } = await sql`
        select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()
           and query like 'select%delivery_attempts%'`.execute(db)
      return rows.length > 0
    })
    const { sequence } = before
    const later = { state: 'pending', dueAt: at, retryUntil: at } as const
    await recordAttempts(trx, [{ integrationId, sequence, ...failed, ...later }], at)
    return { answer: reading }
  })
  assert.deepEqual(await reading.answer, before)
  const after = await list()
  assert.deepEqual([after.attempts.length, after.next_attempt_at > after.created_at], [1, true])
  answer()
  await eventually('the attempt on the wire', async () => (await list()).attempts.length === 2)
  await post('/api/unsubscribeFromWebhook', { type: 'PAY_IN' })
})

test('a redelivery asked for while an attempt is on the wire is one of its own, whatever comes of that attempt', async () => {
  const list = async (eventId: string) =>
    (await platform.api('GET', `/api/webhooks/deliveries?event_id=${eventId}`)).body.data[0]
  for (const status of [200, 500]) {
    const receiver = await newReceiver()
    const { promise: answerable, resolve: answer } = Promise.withResolvers<void>()
    receiver.answer = (response) => void answerable.then(() => response.writeHead(status).end())
    await post('/api/subscribeToWebhook', { type: 'PAY_IN', url: receiver.url })
    await tell('PAY_IN', `payment:asked-${status}`, { id: 'x' })
    await eventually('the first is on the wire', async () => receiver.received.length === 1)
    const { id } = receiver.received[0]!.json
    const asked = await post(`/api/webhooks/events/${id}/redeliver`, {})
    assert.equal(asked.data.state, 'pending')
    receiver.answer = (response) => response.end()
    answer()
    const done = await eventually('it is delivered once more', async () => {
      const delivery = await list(id)
      return delivery.attempts.length === 2 && delivery
    })
    assert.deepEqual(
      done.attempts.map((attempt: { status: number }) => attempt.status),
      [status, 200],
    )
    assert.equal(done.state, 'delivered')
    assert.equal(receiver.received[1]?.body, receiver.received[0]?.body)
    // The first attempt left no pause and no period behind: the redelivery went at once, with its own.
    const { tries, retryUntil } = await platform.app.db
      .selectFrom('deliveries')
      .select(['tries', 'retryUntil'])
      .where('eventId', '=', id)
      .executeTakeFirstOrThrow()
    assert.deepEqual([tries, retryUntil], [1, null])
    await post('/api/unsubscribeFromWebhook', { type: 'PAY_IN' })
  }
})

test('deliveries come newest first, by page and by cursor, and end where page mode ends', async () => {
  const receiver = await newReceiver()
  await post('/api/subscribeToWebhook', { type: 'PAY_IN', url: receiver.url })
  for (let count = 0; count < 5; count += 1) await tell('PAY_IN', `payment:page${count}`)
  const list = async (query: string) => (await platform.api('GET', `/api/webhooks/deliveries?${query}`)).body
  await eventually('all are delivered', async () => receiver.received.length === 5)
  const everything = await list('per_page=100')
  const all = everything.data.map(({ sequence }: { sequence: number }) => sequence)
  assert.deepEqual(
    all,
    all.toSorted((a: number, b: number) => b - a),
  )
  assert.equal(everything.pagination.total, all.length)
  const paged: number[] = []
  const { pagination } = await list('per_page=2')
  for (let page = 1; page <= pagination.last_page; page += 1) {
    const { data } = await list(`per_page=2&page=${page}`)
    paged.push(...data.map(({ sequence }: { sequence: number }) => sequence))
  }
  assert.deepEqual(paged, all)
  const walked: number[] = []
  for (let cursor = pagination.next_cursor; cursor; ) {
    const { data, pagination: next } = await list(`per_page=2&cursor=${cursor}`)
    walked.push(...data.map(({ sequence }: { sequence: number }) => sequence))
    assert.equal(next.total, null)
    cursor = next.next_cursor
  }
  assert.deepEqual([...all.slice(0, 2), ...walked], all)
  assert.equal((await list('page=101&per_page=100')).error, 'invalid_field')
  assert.equal((await list('cursor=abc')).error, 'invalid_field')
  await post('/api/unsubscribeFromWebhook', { type: 'PAY_IN' })
})

test('after unsubscribing nothing more is sent, and the deliveries say so', async () => {
  const receiver = await newReceiver()
  receiver.answer = (response) => response.writeHead(500).end()
  await post('/api/subscribeToWebhook', { type: 'COINS_SENT', url: receiver.url })
  await tell('COINS_SENT', 'payment:drop')
  const newest = async () => (await platform.api('GET', '/api/webhooks/deliveries?per_page=1')).body.data[0]
  await eventually(
    'it was tried',
    async () => (await newest())?.state === 'pending' && (await newest()).attempts.length === 1,
  )
  await post('/api/unsubscribeFromWebhook', { type: 'COINS_SENT' })
  const { state, next_attempt_at } = await newest()
  assert.deepEqual([state, next_attempt_at], ['dropped', null])
})

test('a repeated call with one Idempotency-Key answers the same and changes nothing', async () => {
  const headers = { 'idempotency-key': 'subscribe-1' }
  const body = { type: 'KYC_FAIL', url: 'http://127.0.0.1:9/idempotent' }
  const first = await platform.api('POST', '/api/subscribeToWebhook', { body, headers })
  assert.equal(first.body.data, 'subscription_created')
  await post('/api/unsubscribeFromWebhook', { type: 'KYC_FAIL' })
  const again = await platform.api('POST', '/api/subscribeToWebhook', { body, headers })
  assert.equal(again.body.data, 'subscription_created')
  assert.equal(again.headers.get('idempotent-replayed'), 'true')
  assert.deepEqual((await platform.api('GET', '/api/webhooks/subscriptions')).body.data, [])
})
