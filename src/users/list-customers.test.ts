import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { sql } from 'kysely'
import { startTestApp, type TestApp } from '../../test/support/app.ts'
import { NO_CHAINS } from '../../test/support/hot-wallets.ts'
import { readByCursor, readByPage, readList } from '../../test/support/lists.ts'
import { createRandom } from '../../test/support/random.ts'
import { NOTHING_KNOWN, sealData } from './personal-data.ts'

const LIST = '/api/customers/list'
const FIND = '/api/customers/find'

let t: TestApp
let other: string
let ana: { id: number; uuid: string }
before(async () => {
  t = await startTestApp({ lanes: false, env: NO_CHAINS })
  other = await t.authenticate('sandbox-key-2', 'sandbox-secret-2')
  await fill(160)
  const { body } = await t.api('POST', '/api/registerUser', {
    body: {
      name: 'Ana',
      last_name: 'García',
      email: 'Ana.Garcia@Example.com',
      phone: '+34600123456',
      country: 'es',
      external_id: 'client/ana 1',
    },
  })
  ana = body.data
})
after(() => t.stop())

/** Customers of every status, type and some countries, many registered at the same moment. */
async function fill(count: number): Promise<void> {
  const { db, secrets } = t.app
  const random = createRandom(11)
  const key = secrets.newCustomerKey()
  const data = {
    ...NOTHING_KNOWN,
    name: 'Eva',
    email: 'eva@example.com',
    bank_account: null,
    bank_name: null,
  }
  for (let n = 0; n < count; n += 1) {
    const at = new Date(Date.UTC(2026, 0, 1 + random.below(20)))
    await sql`
      insert into customers (integration_id, uuid, type, key_wrapped, personal_sealed, email_index, external_id, country,
                             kyc_status, kyc_updated_at, created_at, updated_at)
      select integration_id, gen_random_uuid(), ${random.pick(['individual', 'company'])}, ${key},
             ${sealData(secrets, key, data)}, ${Buffer.from(`x${n}`)}, ${`c${n}`}, ${random.pick(['ES', 'MX', null])},
             ${random.pick(['unused', 'valid', 'fail'])}, ${at}, ${at}, ${at}
        from credentials where api_key = 'sandbox-key'`.execute(db)
  }
}

async function expected(filters: Record<string, string>): Promise<number[]> {
  const rows = await t.app.db.selectFrom('customers').selectAll().execute()
  return rows
    .filter(
      (row) =>
        (filters.kyc_status ?? row.kycStatus) === row.kycStatus &&
        (filters.type ?? row.type) === row.type &&
        (filters.country?.toUpperCase() ?? row.country) === row.country &&
        (filters.external_id ?? row.externalId) === row.externalId &&
        (filters.from === undefined || row.createdAt >= new Date(filters.from)) &&
        (filters.to === undefined || row.createdAt < new Date(filters.to)),
    )
    .toSorted((a, b) => b.createdAt.getTime() - a.createdAt.getTime() || b.id - a.id)
    .map(({ id }) => id)
}

test('every combination of filters, by page and by cursor, is what the table has, newest first', async () => {
  const filters = Object.entries({
    kyc_status: 'valid',
    type: 'company',
    country: 'mx',
    from: '2026-01-05',
    to: '2026-01-15T02:00:00+02:00',
  })
  for (let set = 0; set < 2 ** filters.length; set += 1) {
    const chosen = Object.fromEntries(filters.filter((_filter, place) => (set >> place) & 1))
    const path = `${LIST}?${new URLSearchParams(chosen)}`
    const ids = await expected(chosen)
    assert.deepEqual(
      (await readByPage(t, path, 9)).map(({ id }) => id),
      ids,
      path,
    )
    assert.deepEqual(
      (await readByCursor(t, path, 10)).map(({ id }) => id),
      ids,
      path,
    )
  }
  assert.equal((await expected({})).length, 161)
})

test('one customer by e-mail address in any case, or by external_id, with further filters or without', async () => {
  for (const [filters, fits] of [
    [{ email: 'ANA.garcia@example.COM' }, true],
    [{ email: 'ana.garcia@example.com', kyc_status: 'unused', type: 'individual', country: 'ES' }, true],
    [{ email: 'ana.garcia@example.com', kyc_status: 'valid' }, false],
    [{ external_id: 'client/ana 1' }, true],
    [{ external_id: 'client/ana 1', email: 'ana.garcia@example.com' }, true],
    [{ external_id: 'c1', email: 'ana.garcia@example.com' }, false],
    [{ external_id: 'client/ana 1', country: 'MX' }, false],
    [{ external_id: 'client/ana 1', from: '2031-01-01' }, false],
    [{ email: 'nobody@example.com' }, false],
  ] as const) {
    const { data, pagination } = await readList(t, LIST, filters)
    assert.deepEqual(
      data.map(({ id }) => id),
      fits ? [ana.id] : [],
      JSON.stringify(filters),
    )
    assert.equal(pagination.total, fits ? 1 : 0)
  }
})

test('the customer object, the same in the list and when found by each of its names', async () => {
  const [listed] = (await readList(t, LIST, { per_page: 1 })).data
  assert.deepEqual(listed, {
    id: ana.id,
    uuid: ana.uuid,
    type: 'individual',
    name: 'Ana',
    last_name: 'García',
    company_name: null,
    email: 'Ana.Garcia@example.com',
    phone: '+34600123456',
    country: 'ES',
    kyc_status: 'unused',
    kyc_level: 'none',
    banned: false,
    external_id: 'client/ana 1',
    created_at: listed.created_at,
  })
  assert.match(listed.created_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}000Z$/)
  for (const [name, value] of [
    ['id', ana.id],
    ['uuid', ana.uuid.toUpperCase()],
    ['email', 'ana.garcia@EXAMPLE.com'],
    ['external_id', 'client/ana 1'],
  ]) {
    const { body } = await t.api('GET', `${FIND}?${name}=${encodeURIComponent(String(value))}`)
    assert.deepEqual(body, { status: 'ok', data: listed })
  }
})

test('a banned customer and one who was forgotten', async () => {
  const banned = await t.api('POST', '/api/registerUser', {
    body: { name: 'Eva', email: 'eva+banned@example.com', external_id: 'banned' },
  })
  const found = await t.api('GET', `${FIND}?id=${banned.body.data.id}`)
  assert.equal(found.body.data.banned, true)
  await t.app.db
    .updateTable('customers')
    .set({ keyWrapped: null })
    .where('id', '=', banned.body.data.id)
    .execute()
  const { name, last_name, email, phone, external_id } = (await readList(t, LIST, { external_id: 'banned' }))
    .data[0]
  assert.deepEqual([name, last_name, email, phone, external_id], [null, null, null, null, 'banned'])
})

test('another integration finds nobody', async () => {
  for (const query of [
    `id=${ana.id}`,
    `uuid=${ana.uuid}`,
    'email=ana.garcia@example.com',
    'external_id=client%2Fana%201',
  ]) {
    const { status, body } = await t.api('GET', `${FIND}?${query}`, { token: other, honest: true })
    assert.deepEqual([status, body.error], [404, 'user_not_found'], query)
  }
  for (const query of ['', 'email=ana.garcia@example.com', 'external_id=client%2Fana%201', 'country=ES'])
    assert.deepEqual((await t.api('GET', `${LIST}?${query}`, { token: other })).body.data, [])
})

test('found by nothing, by several, or by what can’t be a name', async () => {
  const none = await t.api('GET', FIND, { honest: true })
  assert.deepEqual([none.status, none.body.error], [422, 'fail_mandatory_field'])
  assert.deepEqual(Object.keys(none.body.errors), ['id', 'uuid', 'email', 'external_id'])
  const several = await t.api('GET', `${FIND}?id=1&email=a@example.com`, { honest: true })
  assert.deepEqual([several.status, several.body.error], [422, 'invalid_field'])
  assert.deepEqual(Object.keys(several.body.errors), ['id', 'email'])
  for (const [query, field] of [
    ['id=abc', 'id'],
    ['id=1&id=2', 'id'],
    ['uuid=1', 'uuid'],
    ['email=nobody', 'email'],
    ['external_id=%20', 'external_id'],
  ] as const) {
    const { body } = await t.api('GET', `${FIND}?${query}`)
    assert.deepEqual([body.error, Object.keys(body.errors)], ['invalid_field', [field]], query)
  }
})

test('wrong filters are named all at once', async () => {
  const query = 'kyc_status=good&type=person&country=XX&email=nobody&from=2026&to=1&page=x'
  const { body } = await t.api('GET', `${LIST}?${query}`)
  assert.equal(body.error, 'invalid_field')
  assert.deepEqual(Object.keys(body.errors).sort(), [
    'country',
    'email',
    'from',
    'kyc_status',
    'page',
    'to',
    'type',
  ])
})
