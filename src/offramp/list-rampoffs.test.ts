import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { sql } from 'kysely'
import { readByCursor, readByPage, readList } from '../../test/support/lists.ts'
import { addCustomer, type PaymentWorld } from '../../test/support/payments.ts'
import { createRampoff, getRampoff } from '../../test/support/rampoff.ts'
import { createRandom } from '../../test/support/random.ts'
import { startSaleWorld } from '../../test/support/sales.ts'

const PATH = '/api/rampoff/list'
const STATES = ['started', 'in_review', 'finished', 'expired'] as const

let t: PaymentWorld
let customers: number[]
before(async () => {
  t = await startSaleWorld()
  customers = [await addCustomer(t.app), await addCustomer(t.app), await addCustomer(t.app)]
  await fill(120)
})
after(() => t.stop())

/** Sales of every state, many of them made at the same moment, in an order that is not that of their ids. */
async function fill(count: number): Promise<void> {
  const random = createRandom(7)
  for (let n = 0; n < count; n += 1) {
    const name = random.below(3) === 0 ? `sale-${random.below(12)}` : null
    const { id } = await createRampoff(t, random.pick(customers))
    const at = new Date(Date.UTC(2026, 0, 1 + random.below(30), 12))
    await sql`
      update sales set state = ${random.pick(STATES)}, external_id = ${name}, created_at = ${at} where id = ${id}`.execute(
      t.app.db,
    )
  }
}

/** What a list should have, read from the table and judged here. */
async function expected(filters: Record<string, string>): Promise<string[]> {
  const rows = await t.app.db.selectFrom('sales').selectAll().execute()
  return rows
    .filter(
      (row) =>
        (filters.status ?? row.state) === row.state &&
        (filters.user_id ?? String(row.customerId)) === String(row.customerId) &&
        (filters.external_id ?? row.externalId) === row.externalId &&
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
    status: 'finished',
    user_id: String(customers[1]),
    external_id: 'sale-7',
    from: '2026-01-04T12:00:00.000000Z',
    to: '2026-01-28T12:00:00Z',
  })
  assert.equal(sets.length, 32)
  for (const set of sets) {
    const path = `${PATH}?${new URLSearchParams(set)}`
    const ids = await expected(set)
    for (const rows of [await readByPage(t, path, 13), await readByCursor(t, path, 17)])
      assert.deepEqual(
        rows.map(({ id }) => id),
        ids,
        path,
      )
  }
  assert.equal((await expected({})).length, 120)
})

test('items are sale objects exactly as getRampoff gives them', async () => {
  const { id } = await createRampoff(t, customers[0]!, { external_id: 'listed-1' })
  const { data } = await readList(t, PATH, { external_id: 'listed-1' })
  assert.deepEqual(data, [await getRampoff(t, id)])
})

test('another integration’s customer and sales are not there', async () => {
  const token = await t.authenticate('sandbox-key-2', 'sandbox-secret-2')
  for (const filter of ['', `user_id=${customers[0]}`, 'external_id=sale-7', 'status=finished']) {
    const { body } = await t.api('GET', `${PATH}?${filter}`, { token })
    assert.deepEqual([body.data, body.pagination.total], [[], 0])
  }
})

test('wrong filters are named all at once', async () => {
  const query = 'status=paid&user_id=x&from=yesterday&per_page=101&page=0'
  const { status, body } = await t.api('GET', `${PATH}?${query}`, { honest: true })
  assert.deepEqual([status, body.error], [422, 'invalid_field'])
  assert.deepEqual(Object.keys(body.errors).sort(), ['from', 'page', 'per_page', 'status', 'user_id'])
})

test('however it is filtered, one index leads to a page: nothing is sorted, and no table is read through', async () => {
  const { db } = t.app
  // Without statistics a table is taken for as small as its rows are wide, and sorting one row costs nothing.
  await sql`analyze sales`.execute(db)
  await db.transaction().execute(async (trx) => {
    // A table of a hundred rows is read through by choice; with that forbidden the plan shows what a large one gets.
    await sql`set local enable_seqscan = off; set local enable_bitmapscan = off`.execute(trx)
    const byTime = sql`created_at`
    for (const [where, time] of [
      [sql`true`, sql`created_at at time zone 'UTC'`],
      [sql`state = 'finished'`, byTime],
      [sql`customer_id = ${customers[0]}`, byTime],
      [sql`external_id = 'sale-7'`, byTime],
    ] as const) {
      const { rows } = await sql<Record<string, string>>`
        explain select id from sales where integration_id = 1 and ${where}
         order by ${time} desc, id desc limit 26`.execute(trx)
      const plan = rows.map((row) => Object.values(row)[0]).join('\n')
      assert.match(plan, /Index (Only )?Scan using sales_/)
      assert.doesNotMatch(plan, /Sort/)
    }
  })
})
