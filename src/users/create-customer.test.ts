import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { startTestApp, type TestApp } from '../../test/support/app.ts'
import { openKycPage } from '../../test/support/kyc.ts'
import { findCustomer } from './customer-store.ts'

let platform: TestApp
before(async () => {
  platform = await startTestApp({ lanes: false, localChains: false })
})
after(() => platform.stop())

const register = async (body: unknown, options = {}) =>
  (await platform.api('POST', '/api/registerUser', { body, ...options })).body

describe('200 a customer is registered', () => {
  test('with a name and an address alone', async () => {
    const { status, data } = await register({ name: 'Ana', email: 'first@example.com' })
    assert.equal(status, 'ok')
    assert.deepEqual(Object.keys(data), ['id', 'uuid', 'kyc_form_url'])
    assert.ok(Number.isSafeInteger(data.id))
    assert.match(data.uuid, /^[0-9a-f-]{36}$/)
    assert.match(data.kyc_form_url, new RegExp(`^${platform.url}/kyc/[A-Za-z0-9_-]{43}$`))
    const check = await platform.api('GET', `/api/kyc/check?user_id=${data.id}`)
    const { updated_at, ...rest } = check.body.data
    assert.match(updated_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/)
    assert.deepEqual(rest, {
      user_id: data.id,
      kyc_status: 'unused',
      kyc_level: 'none',
      reasons: [],
      reinforced: null,
    })
  })

  test('with everything, which the form then shows', async () => {
    const { data } = await register({
      name: ' Ana ',
      last_name: 'García',
      email: 'Full.Name@EXAMPLE.com',
      phone: '+34 600 123 456',
      country: 'es',
      address: 'Calle Mayor 1',
      city: 'Madrid',
      postal_code: '28013',
      birth_date: '1990-05-17',
      identification_type: 'GOVERNMENT_ID',
      identification_number: '12.345.678-z',
      external_id: 'yours-1',
      language: 'es-MX',
      callback_url: 'https://shop.example.com/back?x=1',
      bank_account: '1',
      bank_name: 'B',
      whatever: { unknown: true },
    })
    const view = await openKycPage(platform, data.kyc_form_url).view()
    assert.deepEqual(view.data, {
      name: 'Ana',
      last_name: 'García',
      email: 'Full.Name@example.com',
      phone: '+34600123456',
      country: 'ES',
      address: 'Calle Mayor 1',
      city: 'Madrid',
      postal_code: '28013',
      birth_date: '1990-05-17',
      identification_country: null,
      identification_type: 'GOVERNMENT_ID',
      identification_number: '12345678Z',
      identification_expires_on: null,
    })
    assert.equal(view.language, 'es')
    assert.equal(view.callback_url, `https://shop.example.com/back?x=1&user_id=${data.id}&status=unused`)
  })

  test('form-encoded, as every POST takes it', async () => {
    const { body } = await platform.api('POST', '/api/registerUser', {
      body: 'name=Ana&email=form%40example.com&country=ES',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    })
    assert.equal(body.status, 'ok')
  })

  test('nothing personal can be read in the database', async () => {
    await register({
      name: 'Xanadu',
      last_name: 'Quicksilver',
      email: 'xanadu@example.com',
      address: 'Nowhere 7',
    })
    for (const table of ['customers', 'verifications', 'events', 'idempotency_keys']) {
      const { rows } = await platform.app.pool.query(`select * from ${table}`)
      const text = JSON.stringify(rows, (_, value) =>
        value?.type === 'Buffer' ? Buffer.from(value.data).toString('latin1') : value,
      )
      assert.doesNotMatch(text, /xanadu|quicksilver|nowhere/i, table)
    }
  })
})

describe('user_already_exists', () => {
  test('the same address in another case: the same customer and its open form', async () => {
    const first = await register({ name: 'Ana', email: 'Twice@example.com' })
    const again = await register({ name: 'Other', email: 'tWICE@Example.com' })
    assert.equal(again.error, 'user_already_exists')
    assert.deepEqual(again.data, first.data)
  })

  test('once verified there is no form any more', async () => {
    const { data } = await register({ name: 'Ana', email: 'verified@example.com' })
    await platform.api('POST', '/api/sandbox/kyc', { body: { user_id: data.id, outcome: 'valid' } })
    const again = await register({ name: 'Ana', email: 'verified@example.com' })
    assert.deepEqual(again.data, { id: data.id, uuid: data.uuid })
  })

  test('twenty at once make one customer', async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => register({ name: 'Ana', email: 'race@example.com' })),
    )
    assert.equal(answers.filter(({ status }) => status === 'ok').length, 1)
    assert.equal(new Set(answers.map(({ data }) => data.id)).size, 1)
  })

  test('another integration has customers of its own', async () => {
    const other = await platform.authenticate('sandbox-key-2', 'sandbox-secret-2')
    const mine = await register({ name: 'Ana', email: 'shared@example.com', external_id: 'same' })
    const theirs = await register(
      { name: 'Ana', email: 'shared@example.com', external_id: 'same' },
      { token: other },
    )
    assert.equal(theirs.status, 'ok')
    assert.notEqual(theirs.data.id, mine.data.id)
    const { body } = await platform.api('GET', `/api/kyc/check?user_id=${mine.data.id}`, { token: other })
    assert.equal(body.error, 'user_not_found')
  })

  test('an external_id is one customer’s', async () => {
    await register({ name: 'Ana', email: 'ext1@example.com', external_id: 'ext' })
    const { error, errors } = await register({ name: 'Ana', email: 'ext2@example.com', external_id: 'ext' })
    assert.equal(error, 'external_id_already_used')
    assert.ok(errors.external_id)
  })
})

describe('what is refused changes nothing', () => {
  const good = { name: 'Ana', email: 'refused@example.com' }
  for (const [what, body, error, fields] of [
    ['nothing', {}, 'fail_mandatory_field', ['name', 'email']],
    ['no address', { name: 'Ana' }, 'fail_mandatory_field', ['email']],
    ['null for a name', { ...good, name: null }, 'invalid_field', ['name']],
    ['a number for a name', { ...good, name: 7 }, 'invalid_field', ['name']],
    ['a blank name', { ...good, name: '  ' }, 'invalid_field', ['name']],
    ['a blank optional field', { ...good, last_name: '' }, 'invalid_field', ['last_name']],
    ['no address at all', { ...good, email: 'ana@' }, 'invalid_field', ['email']],
    [
      'many faults at once',
      { ...good, email: 'ana', phone: '600', country: 'XX', birth_date: '1990-02-30', language: 'fr' },
      'invalid_field',
      ['email', 'phone', 'country', 'language', 'birth_date'],
    ],
    ['a child', { ...good, birth_date: '2020-01-01' }, 'invalid_field', ['birth_date']],
    ['someone born tomorrow', { ...good, birth_date: '2999-01-01' }, 'invalid_field', ['birth_date']],
    [
      'a number without its kind',
      { ...good, country: 'ES', identification_number: '12345678Z' },
      'invalid_field',
      ['identification_type'],
    ],
    [
      'a kind without country and number',
      { ...good, identification_type: 'RUT' },
      'invalid_field',
      ['identification_number', 'country'],
    ],
    [
      'a script for an address',
      { ...good, callback_url: 'javascript:alert(1)' },
      'invalid_field',
      ['callback_url'],
    ],
    [
      'an address with a password',
      { ...good, callback_url: 'https://u:p@example.com' },
      'invalid_field',
      ['callback_url'],
    ],
    ['a throw-away mailbox', { ...good, email: 'ana@x.mailinator.com' }, 'email_not_allowed', ['email']],
    ['a country that is not taken', { ...good, country: 'KP' }, 'country_not_supported', ['country']],
    [
      'a wrong check letter',
      { ...good, country: 'ES', identification_type: 'GOVERNMENT_ID', identification_number: '12345678A' },
      'invalid_identification',
      ['identification_number'],
    ],
    [
      'a paper of another country',
      { ...good, country: 'ES', identification_type: 'RUT', identification_number: '12345678-5' },
      'invalid_identification',
      ['identification_type'],
    ],
    [
      'a CURP of another birth date',
      {
        ...good,
        country: 'MX',
        birth_date: '1990-05-17',
        identification_type: 'CURP',
        identification_number: 'BOXW310820HNERXN09',
      },
      'invalid_identification',
      ['identification_number'],
    ],
    [
      'an address, a letter and a host',
      {
        email: 'x',
        country: 'ES',
        identification_type: 'GOVERNMENT_ID',
        identification_number: '12345678A',
      },
      'fail_mandatory_field',
      ['name', 'email', 'identification_number'],
    ],
    [
      'a telephone, a mailbox and a country',
      { ...good, email: 'ana@mailinator.com', phone: '1', country: 'KP' },
      'invalid_field',
      ['phone', 'email', 'country'],
    ],
    [
      'a mailbox, a country and a paper',
      {
        ...good,
        email: 'ana@mailinator.com',
        country: 'KP',
        identification_type: 'government_id',
        identification_number: '1',
      },
      'email_not_allowed',
      ['email', 'country', 'identification_type'],
    ],
    ['a tabulator', { ...good, name: 'A\tB' }, 'invalid_field', ['name']],
    ['a line break', { ...good, address: 'A\nB' }, 'invalid_field', ['address']],
    ['a control character of Latin-1', { ...good, city: 'A\u0085B' }, 'invalid_field', ['city']],
    ['half a character', { ...good, name: 'Ana\ud800' }, 'invalid_field', ['name']],
  ] as [string, object, string, string[]][]) {
    test(`${what}: ${error}`, async () => {
      const answer = await register(body)
      assert.equal(answer.error, error)
      assert.ok(answer.message)
      assert.deepEqual(Object.keys(answer.errors).sort(), [...fields].sort())
    })
  }

  test('none of them left a customer', async () => {
    assert.equal((await register(good)).status, 'ok')
  })
})

test('a return address must have one of the integration’s hosts, where it lists some', async () => {
  const { rows } = await platform.app.pool.query(
    `update integrations set version = version + 1, settings = jsonb_set(settings, '{callbackHosts}', '["shop.example.com"]')
      where id = (select integration_id from credentials where api_key = 'sandbox-key-2') returning id`,
  )
  assert.equal(rows.length, 1)
  platform.app.authenticator.forget()
  const token = await platform.authenticate('sandbox-key-2', 'sandbox-secret-2')
  const refused = await register(
    { name: 'A', email: 'host@example.com', callback_url: 'https://evil.example.com/' },
    { token },
  )
  assert.deepEqual([refused.error, Object.keys(refused.errors)], ['invalid_field', ['callback_url']])
  const taken = await register(
    { name: 'A', email: 'host@example.com', callback_url: 'https://SHOP.example.com/' },
    { token },
  )
  assert.equal(taken.status, 'ok')
})

test('+banned@ makes a banned customer', async () => {
  const { data } = await register({ name: 'Ana', email: 'ana+banned@example.com' })
  const [{ integration_id }] = (
    await platform.app.pool.query('select integration_id from customers where id = $1', [data.id])
  ).rows
  assert.ok((await findCustomer(platform.app.db, integration_id, data.id))?.bannedAt)
})

test('an Idempotency-Key gives the first answer again, byte for byte', async () => {
  const options = { headers: { 'Idempotency-Key': 'one' }, body: { name: 'Ana', email: 'idem@example.com' } }
  const [first, second] = [
    await platform.api('POST', '/api/registerUser', options),
    await platform.api('POST', '/api/registerUser', options),
  ]
  assert.equal(first.body.status, 'ok')
  assert.deepEqual(second.body, first.body)
  assert.equal(second.headers.get('idempotent-replayed'), 'true')
  const other = await platform.api('POST', '/api/registerUser', {
    ...options,
    body: { name: 'Ana', email: 'idem2@example.com' },
  })
  assert.equal(other.body.error, 'idempotency_key_reused')
})

describe('GET /api/kyc/check', () => {
  for (const [query, error] of [
    ['', 'fail_mandatory_field'],
    ['?user_id=', 'invalid_field'],
    ['?user_id=abc', 'invalid_field'],
    ['?user_id=-1', 'invalid_field'],
    ['?user_id=999999999', 'user_not_found'],
    ['?user_id=999999999999999', 'user_not_found'],
    ['?user_id=1e5', 'invalid_field'],
  ]) {
    test(`${query || 'no query'}: ${error}`, async () => {
      const { status, body } = await platform.api('GET', `/api/kyc/check${query}`)
      assert.deepEqual([status, body.error], [200, error])
    })
  }
  test('without a token: authorization_incorrect, 401 when asked for', async () => {
    const { status, body } = await platform.api('GET', '/api/kyc/check?user_id=1', {
      token: null,
      honest: true,
    })
    assert.deepEqual([status, body.error], [401, 'authorization_incorrect'])
  })
})
