import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { eventually, startTestApp, type TestApp } from '../../test/support/app.ts'
import { makePdf } from '../../test/support/documents.ts'
import { drawDocument, registerCustomer } from '../../test/support/kyc.ts'
import { DECLARED, openOnboardingPage } from '../../test/support/onboarding.ts'
import { listReviews, refuseVerification, releaseVerification } from '../users/review.ts'

let platform: TestApp
before(async () => {
  platform = await startTestApp({ localChains: false })
})
after(() => platform.stop())

const DAY_MS = 86_400_000
const advance = async (ms: number) => {
  await platform.app.moveClock(platform.app.clock.offsetMs() + ms)
  // Tokens age with the platform's clock.
  platform.token = await platform.authenticate('sandbox-key', 'sandbox-secret')
}
const decide = async (userId: number, body: object) => {
  const { body: answer } = await platform.api('POST', '/api/sandbox/kyc', {
    body: { user_id: userId, ...body },
  })
  assert.equal(answer.status, 'ok', JSON.stringify(answer))
  return answer.data
}
const ask = (body: object) => platform.api('POST', '/api/onboarding-form', { body })
const verified = async (over: Record<string, unknown> = {}) => {
  const customer = await registerCustomer(platform, { last_name: 'García López', country: 'ES', ...over })
  await decide(customer.id, { kind: 'kyc', outcome: 'valid' })
  return customer
}
const begin = async (over: Record<string, unknown> = {}, body: object = {}) => {
  const customer = await verified(over)
  const { body: answer } = await ask({ user_id: customer.id, ...body })
  assert.equal(answer.status, 'ok', JSON.stringify(answer))
  const link: string = answer.data.onboarding_link
  return { ...customer, link, page: openOnboardingPage(platform, link) }
}
const check = async (id: number) => (await platform.api('GET', `/api/kyc/check?user_id=${id}`)).body.data
const eventsOf = async (id: number): Promise<{ type: string; data: Record<string, unknown> }[]> => {
  const { body } = await platform.api('GET', '/api/webhooks/events?per_page=100')
  return body.data.filter(({ data }: { data: { user_id: number } }) => data.user_id === id)
}

describe('onboarding-form', () => {
  test('answers a link of 30 days, and the same one while it is open', async () => {
    const { id } = await verified()
    const { body } = await ask({ user_id: id, callback_url: 'https://shop.example.com/a' })
    assert.match(body.data.onboarding_link, /\/onboarding\/[\w-]{43}$/)
    const days = (Date.parse(body.data.expires_at) - platform.app.clock.now().getTime()) / DAY_MS
    assert.ok(days > 29.99 && days <= 30)
    assert.deepEqual((await ask({ user_id: id })).body.data, body.data)
    const page = openOnboardingPage(platform, body.data.onboarding_link)
    assert.equal((await page.view()).callback_url, `https://shop.example.com/a?user_id=${id}&status=unused`)
    await ask({ user_id: String(id), callback_url: 'https://shop.example.com/b' })
    assert.equal((await page.view()).callback_url, `https://shop.example.com/b?user_id=${id}&status=unused`)
    assert.deepEqual((await check(id)).reinforced, { status: 'unused', reasons: [] })
  })

  test('two at once get the same link', async () => {
    const { id } = await verified()
    const answers = await Promise.all([1, 2, 3].map(() => ask({ user_id: id })))
    assert.equal(new Set(answers.map(({ body }) => body.data.onboarding_link)).size, 1)
  })

  test('a customer who is not verified has to be first', async () => {
    const { id, formUrl } = await registerCustomer(platform)
    const { status, body } = await platform.api('POST', '/api/onboarding-form', {
      body: { user_id: id },
      honest: true,
    })
    assert.deepEqual([status, body.error, body.data], [403, 'require_kyc', { kyc_form_url: formUrl }])
    assert.equal((await check(id)).reinforced, null)
  })

  test('one who is banned, reinforced, unknown, or another integration’s', async () => {
    const banned = await verified({ tag: 'banned' })
    assert.equal((await ask({ user_id: banned.id })).body.error, 'user_banned')
    const { id } = await verified()
    await decide(id, { kind: 'reinforced', outcome: 'valid' })
    assert.equal((await check(id)).kyc_level, 'reinforced')
    const { body } = await ask({ user_id: id })
    assert.equal(body.error, 'invalid_field')
    assert.deepEqual(Object.keys(body.errors), ['user_id'])
    assert.equal((await ask({ user_id: 987_654 })).body.error, 'user_not_found')
    const token = await platform.authenticate('sandbox-key-2', 'sandbox-secret-2')
    const foreign = await platform.api('POST', '/api/onboarding-form', { body: { user_id: id }, token })
    assert.equal(foreign.body.error, 'user_not_found')
    assert.deepEqual((await ask({ callback_url: 'ftp://x' })).body.errors, {
      user_id: (await ask({})).body.errors.user_id,
      callback_url: ['must be a complete http(s) address without user name or password'],
    })
  })

  test('the same Idempotency-Key answers the same bytes', async () => {
    const { id } = await verified()
    const headers = { 'idempotency-key': randomUUID() }
    const options = { body: { user_id: id }, headers }
    const first = await platform.api('POST', '/api/onboarding-form', options)
    const second = await platform.api('POST', '/api/onboarding-form', options)
    assert.deepEqual(second.body, first.body)
    assert.equal(second.headers.get('idempotent-replayed'), 'true')
  })
})

describe('the declaration', () => {
  test('begins with what is known, and names what is to be chosen', async () => {
    const { page, link } = await begin()
    const view = await page.view()
    assert.deepEqual([view.phase, view.customer_name, view.page_url], ['form', 'Ana García López', link])
    assert.deepEqual([view.data.tax_residence, view.data.income_currency], ['ES', 'EUR'])
    assert.equal(view.asked.length, 15)
    assert.equal(view.document_types.length, 22)
    assert.ok(view.documents_asked)
  })

  test('the sandbox’s values pass as they are, and the customer is raised', async () => {
    const { page, id } = await begin()
    const { sandbox } = await page.view()
    assert.ok(sandbox)
    assert.equal((await page.call('PUT', '/data', sandbox.data)).status, 200)
    assert.equal((await page.document('bank_statement')).status, 200)
    const sent = await page.submit(sandbox.signature)
    assert.equal(sent.body.data.phase, 'processing')
    assert.deepEqual((await check(id)).reinforced, { status: 'processing', reasons: [] })
    await eventually('it to be approved', async () => (await check(id)).kyc_level === 'reinforced')
    const { kyc_status, reinforced } = await check(id)
    assert.deepEqual([kyc_status, reinforced], ['valid', { status: 'valid', reasons: [] }])
    const view = await page.view()
    assert.deepEqual([view.phase, view.data.occupation, view.documents], ['valid', null, []])
    const events = await eventually('its events', async () => {
      const found = await eventsOf(id)
      return found.length === 3 && found
    })
    assert.deepEqual(
      events.map(({ type, data }) => [type, data.kyc_status, data.kyc_level]),
      [
        ['KYC_VALID', 'valid', 'basic'],
        ['KYC_PROCESSING', 'valid', 'basic'],
        ['KYC_VALID', 'valid', 'reinforced'],
      ],
    )
  })

  test('is saved part by part, all or nothing', async () => {
    const { page } = await begin()
    const wrong = await page.call('PUT', '/data', {
      employment_status: 'retired',
      income_range: '1-2',
      monthly_volume: '',
      occupation: 'x',
    })
    assert.equal(wrong.status, 422)
    assert.deepEqual(wrong.body.errors, { income_range: ['invalid'], monthly_volume: ['required'] })
    assert.equal((await page.view()).data.employment_status, null)
    // What a job asks for is not asked of the retired, and forgotten.
    const right = await page.call('PUT', '/data', { employment_status: 'retired', occupation: 'x' })
    assert.deepEqual([right.status, right.body.data.data.occupation], [200, null])
  })

  test('another currency forgets the range', async () => {
    const { page } = await begin()
    await page.call('PUT', '/data', { income_currency: 'EUR', income_range: '24000-48000' })
    const { body } = await page.call('PUT', '/data', { income_currency: 'CLP' })
    assert.equal(body.data.data.income_range, null)
  })

  test('what is missing keeps it from being sent, all named at once', async () => {
    const { page, id } = await begin()
    const { status, body } = await page.submit('Somebody Else')
    assert.equal(status, 422)
    assert.deepEqual(body.errors.signature, ['does_not_match_name'])
    assert.deepEqual(body.errors.documents, ['required'])
    assert.deepEqual(body.errors.pep, ['required'])
    assert.ok(!('occupation' in body.errors) && !('tax_number' in body.errors))
    assert.equal((await check(id)).reinforced.status, 'unused')
    const undeclared = await page.call('POST', '/submit', { signature: 'Ana García' })
    assert.deepEqual(Object.keys(undeclared.body.errors), ['declare'])
  })

  test('whoever is politically exposed says how, and is left to a person', async () => {
    const { page, id } = await begin()
    await page.call('PUT', '/data', { ...DECLARED, pep: 'yes' })
    await page.document()
    assert.deepEqual((await page.submit()).body.errors, { pep_details: ['required'] })
    await page.call('PUT', '/data', { pep_details: 'Concejala de mi pueblo' })
    assert.equal((await page.submit()).status, 200)
    await eventually('the review', async () => (await page.view()).phase === 'review')
    const [review] = (await listReviews(platform.app)).filter(({ customerId }) => customerId === id)
    assert.equal(review?.kind, 'reinforced')
    const misfit = { field: 'document_front', code: 'blurred' } as const
    const operator = { who: 'eva', why: 'looked at it' }
    await assert.rejects(
      refuseVerification(platform.app, review.id, { ...operator, reasons: [misfit] }),
      /no reason of/,
    )
    assert.ok(await releaseVerification(platform.app, review.id, operator))
    assert.equal((await check(id)).kyc_level, 'reinforced')
  })

  test('a company declares its business, and whoever represents it signs', async () => {
    const { body } = await platform.api('POST', '/api/register/company', {
      body: { email: `sol-${randomUUID()}@example.com`, company_name: 'Panadería Sol' },
    })
    await decide(body.data.id, { outcome: 'valid' })
    const asked = await ask({ user_id: body.data.id })
    const page = openOnboardingPage(platform, asked.body.data.onboarding_link)
    const view = await page.view()
    assert.deepEqual([view.customer_type, view.customer_name], ['company', 'Panadería Sol'])
    assert.ok(!view.asked.includes('employment_status') && view.asked.includes('sector'))
    assert.equal((await page.call('PUT', '/data', view.sandbox?.data)).status, 200)
    await page.document('company_accounts')
    assert.equal((await page.submit('Eva Sol')).body.data.phase, 'processing')
  })
})

describe('documents', () => {
  test('PDF and pictures by their content, sealed, each with its name', async () => {
    const { page, id } = await begin()
    await page.document('payslip', makePdf(), 'nómina de mayo.pdf')
    const { body } = await page.document('payslip', await drawDocument(), 'foto.exe')
    assert.deepEqual(
      body.data.documents.map(({ type, name, mime, removable }: Record<string, unknown>) => [
        type,
        name,
        mime,
        removable,
      ]),
      [
        ['payslip', 'nómina de mayo.pdf', 'application/pdf', true],
        ['payslip', 'foto.exe', 'image/jpeg', true],
      ],
    )
    const rows = await platform.app.db
      .selectFrom('documents')
      .select(['type', 'storageKey'])
      .where('customerId', '=', id)
      .execute()
    assert.equal(rows.length, 2)
    const stored = await platform.app.providers.storage.read(rows[0]!.storageKey)
    assert.ok(!stored.includes('PDF'))
  })

  test('refuses what is none, an unknown type, and too many', async () => {
    const { page } = await begin()
    for (const file of [Buffer.from('MZ no document'), Buffer.from('%PDF-1.4 broken'), Buffer.alloc(0)]) {
      const { status, body } = await page.document('payslip', file)
      assert.deepEqual([status, body.error], [422, 'invalid_file'])
    }
    assert.equal((await page.document('selfie')).body.error, 'invalid_field')
    const big = await page.document('payslip', Buffer.alloc(10 * 1024 * 1024 + 1))
    assert.deepEqual([big.status, big.body.error], [413, 'body_too_large'])
    for (let at = 0; at < 10; at += 1) assert.equal((await page.document()).status, 200)
    assert.equal((await page.document()).body.error, 'action_not_allowed')
  })

  test('can be taken out again, twice too', async () => {
    const { page, id } = await begin()
    const { body } = await page.document()
    const document_id = body.data.documents[0].id
    for (const _ of [1, 2]) {
      const answer = await page.call('POST', '/remove-document', { document_id })
      assert.deepEqual([answer.status, answer.body.data.documents], [200, []])
    }
    const left = await platform.app.db
      .selectFrom('documents')
      .select('id')
      .where('customerId', '=', id)
      .execute()
    assert.deepEqual(left, [])
  })
})

describe('the decision', () => {
  test('a refusal takes nothing away, and there may be another try', async () => {
    const { page, id, link } = await begin({ tag: 'reinforcedfail' })
    await page.fill()
    await eventually('the refusal', async () => (await page.view()).phase === 'fail')
    const { kyc_status, kyc_level, reinforced } = await check(id)
    assert.deepEqual([kyc_status, kyc_level, reinforced.status], ['valid', 'basic', 'fail'])
    assert.deepEqual(reinforced.reasons[0].code, 'not_accepted')
    const events = await eventually('KYC_FAIL', async () => {
      const found = await eventsOf(id)
      return found.some(({ type }) => type === 'KYC_FAIL') && found
    })
    const failed = events.find(({ type }) => type === 'KYC_FAIL')
    assert.deepEqual([failed?.data.kyc_status, failed?.data.kyc_level], ['valid', 'basic'])
    const again = (await ask({ user_id: id })).body.data.onboarding_link
    assert.notEqual(again, link)
    const view = await openOnboardingPage(platform, again).view()
    assert.deepEqual(
      [view.phase, view.data.occupation, view.documents, view.data.source_of_funds],
      ['form', 'Contable', [], 'salary'],
    )
  })

  test('sent back: just the named parts can be mended, and must be', async () => {
    const { page, id } = await begin({ tag: 'kycslow' })
    await page.fill()
    const reasons = [
      { field: 'employer', code: 'does_not_match_document' },
      { field: 'documents', code: 'outdated' },
    ]
    const told = await decide(id, { outcome: 'mend', reasons })
    assert.deepEqual(
      [told.kyc_status, told.reinforced.status, told.reinforced.reasons.length],
      ['valid', 'processing', 2],
    )
    const view = await page.view()
    assert.deepEqual([view.phase, view.asked, view.documents_asked], ['mend', ['employer'], true])
    assert.equal(view.documents[0]?.removable, false)
    const sent = view.documents[0]!.id
    assert.equal((await page.call('POST', '/remove-document', { document_id: sent })).status, 409)
    assert.equal((await page.call('PUT', '/data', { occupation: 'Otra' })).status, 409)
    // A page may send what it shows.
    assert.equal((await page.call('PUT', '/data', { occupation: 'Contable' })).status, 200)
    assert.deepEqual((await page.submit()).body.errors, { employer: ['required'], documents: ['required'] })
    await page.call('PUT', '/data', { employer: 'Horno Sol, S.L.' })
    await page.document('payslip')
    assert.equal((await page.submit()).body.data.phase, 'processing')
    assert.equal((await decide(id, { outcome: 'valid' })).kyc_level, 'reinforced')
  })

  test('what was never filled in is asked for whole when it is sent back', async () => {
    const { page, id } = await begin()
    await decide(id, { kind: 'reinforced', outcome: 'mend' })
    const view = await page.view()
    assert.equal(view.phase, 'mend')
    assert.ok(view.asked.includes('employment_status') && view.documents_asked)
  })

  test('reasons of another kind are refused', async () => {
    const { id } = await begin()
    for (const reasons of [
      [{ field: 'document_front', code: 'unreadable' }],
      [{ field: 'documents', code: 'blurred' }],
      [{ code: 'not_accepted' }],
    ]) {
      const { body } = await platform.api('POST', '/api/sandbox/kyc', {
        body: { user_id: id, outcome: 'mend', reasons },
      })
      assert.equal(body.error, 'invalid_field', JSON.stringify(reasons))
    }
  })

  test('the link ends: unused leaves nothing, not mended in time fails the enhanced one alone', async () => {
    const unused = await begin()
    const rejected = await begin()
    await rejected.page.fill()
    await decide(rejected.id, { outcome: 'mend' })
    await advance(31 * DAY_MS)
    await eventually('both to end', async () => (await check(rejected.id)).reinforced.status === 'fail')
    assert.equal((await unused.page.view()).phase, 'expired')
    assert.equal((await unused.page.call('PUT', '/data', { pep: 'no' })).status, 409)
    assert.equal((await check(unused.id)).reinforced.status, 'unused')
    const { kyc_status, kyc_level } = await check(rejected.id)
    assert.deepEqual([kyc_status, kyc_level], ['valid', 'basic'])
    assert.notEqual((await ask({ user_id: unused.id })).body.data.onboarding_link, unused.link)
  })

  test('the page’s link opens nothing else, and others do not open it', async () => {
    const { page, formUrl } = await begin()
    assert.equal((await page.call('GET', 'x')).status, 404)
    const token = new URL(formUrl).pathname.split('/').at(-1)
    const other = await fetch(`${platform.url}/hosted/onboarding/${token}`, { headers: { 'x-page': '1' } })
    assert.equal(other.status, 404)
  })

  test('a waiting page is told', async () => {
    const { page, id } = await begin()
    const { version } = await page.view()
    const waiting = page.call('GET', `?after=${version}`)
    await decide(id, { outcome: 'valid' })
    assert.equal((await waiting).body.data.phase, 'valid')
  })
})
