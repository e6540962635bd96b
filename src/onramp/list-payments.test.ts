import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { sql } from 'kysely'
import { readByCursor, readByPage, readList } from '../../test/support/lists.ts'
import {
  addCustomer,
  createGuided,
  getPayment,
  type PaymentWorld,
  startPaymentWorld,
} from '../../test/support/payments.ts'
import { createRandom } from '../../test/support/random.ts'

const PATH = '/api/payments/list'
const STATES = ['started', 'in_review', 'coins_sent', 'cancelled'] as const
const TYPES = ['card', 'transfer', 'khipu'] as const

let t: PaymentWorld
let customers: number[]
before(async () => {
  t = await startPaymentWorld()
  customers = [await addCustomer(t.app), await addCustomer(t.app), await addCustomer(t.app)]
  await fill(240)
})
after(() => t.stop())

/** Rows of every state and type, many of them made at the same moment, in an order that is not that of their ids. */
async function fill(count: number): Promise<void> {
  const integration = await t.app.db
    .selectFrom('credentials')
    .select('integrationId')
    .where('apiKey', '=', 'sandbox-key')
    .executeTakeFirstOrThrow()
  const random = createRandom(7)
  for (let n = 0; n < count; n += 1) {
    const state = random.pick(STATES)
    const name = random.below(3) === 0 ? `order-${random.below(20)}` : null
    const at = new Date(Date.UTC(2026, 0, 1 + random.below(30), 12))
    await sql`
      insert into payments (integration_id, id, customer_id, external_id, live_external_id, request_hash, guided, payment_type,
                            state, fiat, fiat_units, limit_units, symbol, chain, coin_units, price, fee_units,
                            network_fee_units, terms, created_at, updated_at)
      values (${integration.integrationId}, ${`p${random.below(1e9).toString(36)}x${n}`}, ${random.pick(customers)}, ${name}, null, '\\x00', true,
              ${random.pick(TYPES)}, ${state}, 'EUR', 5000, 5000, 'USDC', 'polygon', 1000000, '0.920000', 100, 5, '{}', ${at}, ${at})`.execute(
      t.app.db,
    )
  }
}

/** What a list should have, read from the table and judged here. */
async function expected(filters: Record<string, string>): Promise<string[]> {
  const rows = await t.app.db.selectFrom('payments').selectAll().execute()
  return rows
    .filter(
      (row) =>
        (filters.status ?? row.state) === row.state &&
        (filters.user_id ?? String(row.customerId)) === String(row.customerId) &&
        (filters.external_id ?? row.externalId) === row.externalId &&
        (filters.payment_type?.toLowerCase() ?? row.paymentType) === row.paymentType &&
        (filters.from === undefined || row.createdAt >= new Date(filters.from)) &&
        (filters.to === undefined || row.createdAt < new Date(filters.to)),
    )
    .toSorted((a, b) => b.createdAt.getTime() - a.createdAt.getTime() || (a.id < b.id ? 1 : -1))
    .map(({ id }) => id)
}

/** Every set of these filters, each taken or left. */
function everySet(filters: Record<string, string>): Record<string, string>[] {
  const entries = Object.entries(filters)
  return Array.from({ length: 2 ** entries.length }, (_, set) =>
    Object.fromEntries(entries.filter((_entry, place) => (set >> place) & 1)),
  )
}

test('every combination of filters, by page and by cursor, is what the table has, newest first', async () => {
  const sets = everySet({
    status: 'coins_sent',
    user_id: String(customers[1]),
    payment_type: 'KHIPU',
    from: '2026-01-08T12:00:00.000000Z',
    to: '2026-01-24T12:00:00Z',
  })
  assert.equal(sets.length, 32)
  for (const set of sets) {
    const path = `${PATH}?${new URLSearchParams(set)}`
    const ids = await expected(set)
    const paged = await readByPage(t, path, 13)
    assert.deepEqual(
      paged.map(({ id }) => id),
      ids,
      path,
    )
    const walked = await readByCursor(t, path, 17)
    assert.deepEqual(
      walked.map(({ id }) => id),
      ids,
      path,
    )
  }
  assert.equal((await expected({})).length, 240)
})

test('by external_id, with every other filter or without', async () => {
  for (const set of everySet({ status: 'cancelled', user_id: String(customers[0]), payment_type: 'card' })) {
    const wanted = { ...set, external_id: 'order-7' }
    const found = await readByPage(t, `${PATH}?${new URLSearchParams(wanted)}`, 3)
    assert.deepEqual(
      found.map(({ id }) => id),
      await expected(wanted),
    )
  }
  assert.ok((await expected({ external_id: 'order-7' })).length > 1)
})

test('items are payment objects exactly as GET /payment gives them', async () => {
  const id = await createGuided(t, customers[0]!, { external_id: 'listed-1' })
  const { data } = await readList(t, PATH, { external_id: 'listed-1' })
  assert.deepEqual(data, [await getPayment(t, id)])
  const [newest] = (await readList(t, PATH, { per_page: 1 })).data
  assert.deepEqual(newest, await getPayment(t, id))
})

test('nothing fits: an empty page, which is the first and the last', async () => {
  for (const filter of [
    'status=payment_rejected',
    'user_id=999999999',
    'external_id=none',
    'from=2031-01-01',
  ])
    assert.deepEqual(await readList(t, `${PATH}?${filter}`, {}), {
      status: 'ok',
      data: [],
      pagination: {
        current_page: 1,
        per_page: 25,
        total: 0,
        total_is_exact: true,
        last_page: 1,
        next_cursor: null,
      },
    })
  const { data, pagination } = await readList(t, PATH, { page: 400 })
  assert.deepEqual([data.length, pagination.last_page], [0, 10])
})

test('another integration’s customer and payments are not there', async () => {
  const token = await t.authenticate('sandbox-key-2', 'sandbox-secret-2')
  for (const filter of ['', `user_id=${customers[0]}`, 'external_id=order-7']) {
    const { body } = await t.api('GET', `${PATH}?${filter}`, { token })
    assert.deepEqual(body.data, [])
    assert.equal(body.pagination.total, 0)
  }
  // A cursor leads nowhere else than the list it came from.
  const { pagination } = await readList(t, PATH, { per_page: 5 })
  const { body } = await t.api('GET', `${PATH}?cursor=${pagination.next_cursor}`, { token })
  assert.deepEqual(body.data, [])
})

test('wrong filters are named all at once', async () => {
  const query =
    'status=paid&user_id=x&payment_type=cash&from=yesterday&to=2026-02-30T00:00:00Z&per_page=101&page=0'
  const { status, body } = await t.api('GET', `${PATH}?${query}`, { honest: true })
  assert.deepEqual([status, body.error], [422, 'invalid_field'])
  assert.deepEqual(Object.keys(body.errors).sort(), [
    'from',
    'page',
    'payment_type',
    'per_page',
    'status',
    'to',
    'user_id',
  ])
  for (const cursor of ['', 'x', 'MTIz', Buffer.from('99999999999999999.a').toString('base64url')]) {
    const refused = await t.api('GET', `${PATH}?cursor=${cursor}`)
    assert.deepEqual(Object.keys(refused.body.errors ?? {}), ['cursor'], JSON.stringify(refused.body))
  }
  const both = await t.api('GET', `${PATH}?page=1&cursor=MTIz`)
  assert.equal(both.body.error, 'invalid_field')
  const beyond = await t.api('GET', `${PATH}?page=101&per_page=100`)
  assert.deepEqual(Object.keys(beyond.body.errors), ['page'])
})
