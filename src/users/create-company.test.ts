import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { startTestApp, type TestApp } from '../../test/support/app.ts'
import { openKybPage, registerCompany } from '../../test/support/companies.ts'

let platform: TestApp
before(async () => {
  platform = await startTestApp({ lanes: false, localChains: false })
})
after(() => platform.stop())

const register = (body: unknown, options = {}) =>
  platform.api('POST', '/api/register/company', { body, ...options })

describe('200 a company is registered', () => {
  test('with a link of its own and a password that is kept only as a hash', async () => {
    const { status, body } = await register({ email: 'Finance@Sol.example.com', company_name: ' Sol S.L. ' })
    assert.equal(status, 200)
    assert.equal(body.status, 'ok')
    const { data } = body
    assert.deepEqual(Object.keys(data), ['id', 'uuid', 'kyb_link', 'password'])
    assert.ok(Number.isSafeInteger(data.id))
    assert.match(data.password, /^[A-Za-z0-9]{12}$/)
    const [, linkUuid] = new RegExp(`^${platform.url}/kyb/([0-9a-f-]{36})$`).exec(data.kyb_link) ?? []
    assert.ok(linkUuid)
    assert.notEqual(linkUuid, data.uuid)
    const { rows } = await platform.app.pool.query(
      `select row_to_json(v)::text || row_to_json(c)::text as everything, password_hash, v.kind, c.type,
              extract(epoch from v.expires_at - v.created_at)::integer as seconds
         from verifications v join customers c on c.id = v.customer_id where c.id = $1`,
      [data.id],
    )
    assert.match(rows[0].password_hash, /^scrypt\$16384\$8\$1\$/)
    assert.ok(!rows[0].everything.includes(data.password))
    assert.ok(!rows[0].everything.includes(linkUuid))
    assert.deepEqual([rows[0].kind, rows[0].type, rows[0].seconds], ['kyb', 'company', 90 * 86_400])
    const page = openKybPage(platform, data.kyb_link)
    const view = (await page.open(data.password)).body.data
    assert.equal(view.company.company_name, 'Sol S.L.')
  })

  test('as a form, as well', async () => {
    const { body } = await platform.api('POST', '/api/register/company', {
      body: 'email=form%40example.com&company_name=Form+S.L.',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    })
    assert.equal(body.status, 'ok')
  })

  test('the same Idempotency-Key gets the same password, and makes one company', async () => {
    const body = { email: 'again@example.com', company_name: 'Again' }
    const headers = { 'idempotency-key': 'company-1' }
    const [first, second] = [await register(body, { headers }), await register(body, { headers })]
    assert.equal(first.body.status, 'ok')
    assert.deepEqual(second.body, first.body)
    assert.equal(second.headers.get('idempotent-replayed'), 'true')
    const { rows } = await platform.app.pool.query('select answer_sealed from idempotency_keys')
    assert.ok(rows.every((row) => !row.answer_sealed?.includes(first.body.data.password)))
  })
})

describe('422 in the documented sentences, with and without Prefer', () => {
  const long = `${'a'.repeat(60)}@${'b'.repeat(60)}.${'c'.repeat(60)}.${'d'.repeat(60)}.${'e'.repeat(30)}.com`
  for (const [what, body, message, errors] of [
    [
      'nothing',
      {},
      'The email field is required. (and 1 more error)',
      {
        email: ['The email field is required.'],
        company_name: ['The company name field is required.'],
      },
    ],
    [
      'blank and null',
      { email: ' ', company_name: null },
      'The email field is required. (and 1 more error)',
      {
        email: ['The email field is required.'],
        company_name: ['The company name field is required.'],
      },
    ],
    [
      'no address',
      { email: 'nobody', company_name: 'Sol' },
      'The email field must be a valid email address.',
      { email: ['The email field must be a valid email address.'] },
    ],
    [
      'too long',
      { email: long, company_name: 'é'.repeat(256) },
      'The email field must not be greater than 254 characters. (and 1 more error)',
      {
        email: ['The email field must not be greater than 254 characters.'],
        company_name: ['The company name field must not be greater than 255 characters.'],
      },
    ],
    [
      'three faults',
      { callback_url: 'javascript:alert(1)' },
      'The email field is required. (and 2 more errors)',
      {
        email: ['The email field is required.'],
        company_name: ['The company name field is required.'],
        callback_url: ['The callback url field must be a valid URL.'],
      },
    ],
    [
      'a throw-away mailbox beside another fault',
      { email: 'a@mailinator.com' },
      'The email field must not be of a throw-away domain. (and 1 more error)',
      {
        company_name: ['The company name field is required.'],
        email: ['The email field must not be of a throw-away domain.'],
      },
    ],
    [
      'other types',
      { email: 7, company_name: ['Sol'] },
      'The email field must be a string. (and 1 more error)',
      {
        email: ['The email field must be a string.'],
        company_name: ['The company name field must be a string.'],
      },
    ],
  ] as const) {
    test(what, async () => {
      for (const honest of [false, true]) {
        const answer = await register(body, { honest })
        assert.equal(answer.status, 422)
        assert.deepEqual(answer.body, { message, errors })
        assert.deepEqual(Object.keys(answer.body), ['message', 'errors'])
      }
    })
  }

  test('255 characters are not too many', async () => {
    const { body } = await register({ email: 'long@example.com', company_name: 'é'.repeat(255) })
    assert.equal(body.status, 'ok')
  })

  test('NUL', async () => {
    const { status, body } = await register({ email: 'nul@example.com', company_name: 'a\0b' })
    assert.deepEqual([status, body.message], [422, 'The company name field format is invalid.'])
  })
})

describe('business errors answer 200', () => {
  test('user_already_exists, with the form while it is open', async () => {
    const company = await registerCompany(platform, { open: false })
    const again = await register({ email: company.email.toUpperCase(), company_name: 'Other' })
    assert.deepEqual([again.status, again.body.error], [200, 'user_already_exists'])
    assert.deepEqual(again.body.data, { id: company.id, uuid: company.uuid, kyb_link: company.page.link })
    await platform.api('POST', '/api/sandbox/kyc', { body: { user_id: company.id, outcome: 'valid' } })
    const closed = await register({ email: company.email, company_name: 'Other' })
    assert.deepEqual(closed.body.data, { id: company.id, uuid: company.uuid })
    const honest = await register({ email: company.email, company_name: 'Other' }, { honest: true })
    assert.equal(honest.status, 409)
  })

  test('a person and a company share no address', async () => {
    const person = await platform.api('POST', '/api/registerUser', {
      body: { name: 'Ana', email: 'both@example.com' },
    })
    const { body } = await register({ email: 'both@example.com', company_name: 'Both' })
    assert.equal(body.error, 'user_already_exists')
    assert.equal(body.data.kyc_form_url, person.body.data.kyc_form_url)
  })

  test('a hundred at once make one company', async () => {
    const answers = await Promise.all(
      Array.from({ length: 100 }, () => register({ email: 'race@example.com', company_name: 'Race' })),
    )
    assert.equal(answers.filter(({ body }) => body.status === 'ok').length, 1)
    assert.equal(answers.filter(({ body }) => body.error === 'user_already_exists').length, 99)
  })

  test('email_not_allowed', async () => {
    const { status, body } = await register({ email: 'x@mailinator.com', company_name: 'X' })
    assert.deepEqual([status, body.error], [200, 'email_not_allowed'])
  })

  test('another integration may have the same address', async () => {
    const body = { email: 'shared@example.com', company_name: 'Shared' }
    assert.equal((await register(body)).body.status, 'ok')
    const token = await platform.authenticate('sandbox-key-2', 'sandbox-secret-2')
    assert.equal((await register(body, { token })).body.status, 'ok')
  })
})

describe('kyc/retry of a company', () => {
  const retry = (user_id: number, more = {}) =>
    platform.api('POST', '/api/kyc/retry', { body: { user_id, ...more } })

  test('answers the open form and no password', async () => {
    const { id, page } = await registerCompany(platform)
    assert.deepEqual((await retry(id)).body.data, { kyc_form_url: page.link })
  })

  test('new_password replaces a lost one, and ends who came in by it', async () => {
    const { id, page, password } = await registerCompany(platform)
    assert.equal((await page.view()).phase, 'form')
    const { data } = (await retry(id, { new_password: true })).body
    assert.equal(data.kyc_form_url, page.link)
    assert.notEqual(data.password, password)
    assert.equal((await page.view()).phase, 'password')
    assert.equal((await page.call('PUT', '/company', { city: 'X' })).body.error, 'password_required')
    assert.equal((await page.open(password)).body.error, 'password_incorrect')
    const other = openKybPage(platform, page.link)
    await platform.app.pool.query('delete from password_attempts')
    assert.equal((await other.open(data.password)).body.data.phase, 'form')
  })

  test('of one that failed makes a new form with a new link and a new password', async () => {
    const { id, page, password, check } = await registerCompany(platform)
    await platform.api('POST', '/api/sandbox/kyc', { body: { user_id: id, outcome: 'fail' } })
    assert.equal((await check()).kyc_status, 'fail')
    const { data } = (await retry(id)).body
    assert.notEqual(data.kyc_form_url, page.link)
    assert.match(data.kyc_form_url, /\/kyb\/[0-9a-f-]{36}$/)
    assert.match(data.password, /^[A-Za-z0-9]{12}$/)
    assert.notEqual(data.password, password)
    assert.equal((await check()).kyc_status, 'unused')
    const fresh = openKybPage(platform, data.kyc_form_url)
    assert.equal((await fresh.open(data.password)).body.data.company.company_name, 'Remesas Sol S.L.')
  })

  test('a purchase of one that failed answers require_kyc with the new form and its password', async () => {
    const { id } = await registerCompany(platform)
    await platform.api('POST', '/api/sandbox/kyc', { body: { user_id: id, outcome: 'fail' } })
    const buy = () =>
      platform.api('POST', '/api/createGuidedPayment', {
        body: { user_id: id, coin_symbol: 'USDC', coin_chain: 'polygon', fiat_amount: 50 },
      })
    const { body } = await buy()
    assert.equal(body.error, 'require_kyc')
    assert.match(body.data.kyc_form_url, /\/kyb\//)
    assert.match(body.data.password, /^[A-Za-z0-9]{12}$/)
    assert.deepEqual((await buy()).body.data, { kyc_form_url: body.data.kyc_form_url })
  })
})
