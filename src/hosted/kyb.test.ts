import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { eventually, startTestApp, type TestApp } from '../../test/support/app.ts'
import { COMPANY, openKybPage, PAPERS, PDF, PERSON, registerCompany } from '../../test/support/companies.ts'
import { drawDocument } from '../../test/support/kyc.ts'
import { CALLBACKS_LANE } from '../providers/simulated/simulator.ts'
import { findCustomer } from '../users/customer-store.ts'
import { KYC_LANE } from '../users/kyc-lane.ts'
import { openCustomerData } from '../users/personal-data.ts'
import { listReviews, parseReason, refuseVerification, releaseVerification } from '../users/review.ts'
import type { KybView } from './kyb-wire.ts'

let platform: TestApp
before(async () => {
  platform = await startTestApp({ localChains: false, env: { TRUST_PROXY: '127.0.0.1' } })
})
after(() => platform.stop())

const advance = async (ms: number) => {
  await platform.app.moveClock(platform.app.clock.offsetMs() + ms)
  // Tokens age with the platform's clock.
  platform.token = await platform.authenticate('sandbox-key', 'sandbox-secret')
}

/** Lets time pass until it is so. */
const inTime = <T>(what: string, probe: () => Promise<T | undefined | null | false>): Promise<T> =>
  eventually(what, async () => {
    const found = await probe()
    if (found) return found
    await platform.app.moveClock(platform.app.clock.offsetMs() + 1_000)
    platform.app.lanes.wake(KYC_LANE, CALLBACKS_LANE)
    return undefined
  })

const decide = async (userId: number, body: object) => {
  const { body: answer } = await platform.api('POST', '/api/sandbox/kyc', {
    body: { user_id: userId, ...body },
  })
  assert.equal(answer.status, 'ok', JSON.stringify(answer))
  return answer.data
}

const endPauses = (id: number) =>
  platform.app.pool.query(
    `update password_attempts set wait_until = now() - interval '1 hour' from verifications v
      where v.id = verification_id and v.customer_id = $1`,
    [id],
  )

/** The first pauses are a second or two, which a busy machine takes for less. */
const lastingPauses = (id: number) =>
  platform.app.pool.query(
    `update password_attempts set wait_until = now() + interval '1 hour' from verifications v
      where v.id = verification_id and v.customer_id = $1`,
    [id],
  )

const eventTypes = async (id: number) => {
  const { rows } = await platform.app.pool.query(
    'select type from events where stream = $1 order by created_at',
    [`customer:${id}`],
  )
  return rows.map(({ type }) => type)
}

describe('the password', () => {
  test('without it the link shows who asks and nothing of the company', async () => {
    const { page } = await registerCompany(platform, {
      open: false,
      callback_url: 'https://shop.example.com/',
    })
    const view = await page.view()
    assert.deepEqual([view.phase, view.brand.name], ['password', 'Sandbox Remittances'])
    assert.deepEqual(
      [view.company.company_name, view.asked, view.people, view.callback_url, view.sandbox],
      [null, [], [], null, null],
    )
  })

  test('without it every call is refused', async () => {
    const { page } = await registerCompany(platform, { open: false })
    for (const [method, path, body] of [
      ['PUT', '/company', { city: 'Madrid' }],
      ['POST', '/people', PERSON],
      ['PUT', '/people/1', PERSON],
      ['POST', '/people/1/remove', {}],
      ['PUT', '/documents/company_deed', PDF],
      ['PUT', '/people/1/photos/document_front', await drawDocument()],
      ['POST', '/identification/check', { person: 'company', country: 'ES', type: 'CIF', number: '1' }],
      ['POST', '/submit', { name: 'A', role: 'B', declare: true }],
    ] as const) {
      const answer = await page.call(method, path, body)
      assert.deepEqual([answer.status, answer.body.error], [401, 'password_required'], path)
    }
  })

  test('opens the form in this browser alone, by a cookie that no script and no other path sees', async () => {
    const { page, password } = await registerCompany(platform, { open: false })
    const { body } = await page.open(` ${password} `)
    assert.equal(body.data.phase, 'form')
    const cookie = page.headers.get('set-cookie') ?? ''
    assert.match(cookie, /HttpOnly/)
    assert.match(cookie, /SameSite=Lax/)
    assert.ok(cookie.includes(`Path=/hosted${new URL(page.link).pathname}`), cookie)
    assert.equal((await page.view()).phase, 'form')
    const other = openKybPage(platform, page.link)
    assert.equal((await other.view()).phase, 'password')
  })

  test('a cookie of another form, a changed one and an old one open nothing', async () => {
    const mine = await registerCompany(platform)
    const theirs = await registerCompany(platform, { open: false })
    theirs.page.cookie = mine.page.cookie
    assert.equal((await theirs.page.view()).phase, 'password')
    const [until, mark] = (mine.page.cookie ?? '').replace('kyb_session=', '').split('.')
    for (const forged of [`${Number(until) + 1}.${mark}`, `${until}.`, `.${mark}`, 'x', `${until}.x`]) {
      mine.page.cookie = `kyb_session=${forged}`
      assert.equal((await mine.page.view()).phase, 'password', forged)
    }
    mine.page.cookie = `kyb_session=${until}.${mark}`
    assert.equal((await mine.page.view()).phase, 'form')
    await advance(12 * 3_600_000 + 1000)
    assert.equal((await mine.page.view()).phase, 'password')
  })

  test('a wrong one is refused, and then nobody may try for a while that grows', async () => {
    const { page, password, id } = await registerCompany(platform, { open: false })
    const wrong = await page.open('xxxxxxxxxxxx')
    assert.deepEqual([wrong.status, wrong.body.error], [403, 'password_incorrect'])
    await lastingPauses(id)
    const early = await page.open(password)
    assert.deepEqual([early.status, early.body.error], [429, 'too_many_requests'])
    assert.equal(early.body.data, undefined)
    assert.ok(Number(page.headers.get('retry-after')) >= 1)
    const pauses: number[] = []
    for (let tries = 0; tries < 9; tries += 1) {
      await endPauses(id)
      assert.equal((await page.open('wrong')).status, 403)
      assert.equal((await page.open(password)).status, 429)
      pauses.push(Number(page.headers.get('retry-after')))
    }
    assert.deepEqual(
      pauses,
      [...pauses].sort((a, b) => a - b),
    )
    assert.ok((pauses.at(-1) ?? 0) > 600, String(pauses))
    await endPauses(id)
    assert.equal((await page.open(password)).status, 200)
    assert.equal((await page.open(password)).status, 200)
  })

  test('wrong ones from elsewhere keep nobody out, whatever they are', async () => {
    const { page, id, password } = await registerCompany(platform, { open: false })
    const stranger = openKybPage(platform, page.link, '198.51.100.7')
    assert.equal((await stranger.open('wrong')).status, 403)
    await lastingPauses(id)
    for (let tries = 0; tries < 2; tries += 1) assert.equal((await stranger.open('wrong')).status, 429)
    const household = ['2001:db8:1:2::3', '2001:db8:1:2:ffff::4']
    const statuses: number[] = []
    for (const address of household) {
      statuses.push((await openKybPage(platform, page.link, address).open('wrong')).status)
      await lastingPauses(id)
    }
    assert.deepEqual(statuses, [403, 429])
    assert.equal((await page.open(password)).status, 200)
    assert.equal((await stranger.open(password)).status, 429)
  })

  test('no address is kept of whoever tried', async () => {
    const { page, id } = await registerCompany(platform, { open: false })
    await openKybPage(platform, page.link, '198.51.100.8').open('wrong')
    const { rows } = await platform.app.pool.query(
      `select a.* from password_attempts a join verifications v on v.id = a.verification_id
        where v.customer_id = $1`,
      [id],
    )
    assert.equal(rows.length, 1)
    assert.equal(rows[0].network.length, 32)
    assert.equal(rows[0].failures, 1)
  })

  test('fifty wrong ones at once are one try', async () => {
    const { page, id } = await registerCompany(platform, { open: false })
    // So many before that the next pause is longer than fifty answers take.
    await page.open('wrong')
    await platform.app.pool.query(
      `update password_attempts set failures = 8 from verifications v
        where v.id = verification_id and v.customer_id = $1`,
      [id],
    )
    await endPauses(id)
    const answers = await Promise.all(Array.from({ length: 50 }, () => page.open('wrong')))
    const statuses = answers.map(({ status }) => status)
    assert.equal(statuses.filter((status) => status === 403).length, 1)
    assert.equal(statuses.filter((status) => status === 429).length, 49)
  })

  test("a person's link is no company's, and the other way round", async () => {
    const { page, password } = await registerCompany(platform, { open: false })
    const person = openKybPage(platform, page.link.replace('/kyb/', '/kyc/'))
    assert.equal((await person.call('GET')).status, 404)
    const { body } = await platform.api('POST', '/api/registerUser', {
      body: { name: 'Ana', email: 'link@example.com' },
    })
    const company = openKybPage(platform, body.data.kyc_form_url.replace('/kyc/', '/kyb/'))
    assert.equal((await company.call('GET')).status, 404)
    assert.equal((await company.open(password)).status, 404)
  })
})

describe('the form', () => {
  for (const country of ['ES', 'CL', 'MX', 'CO', 'PE', 'AR', 'FR']) {
    test(`the sandbox's values for ${country} pass as they are`, async () => {
      const { page } = await registerCompany(platform)
      const types = (await page.view()).identification
      const [type] = (types[country] ?? types['*'])?.company ?? []
      const typed = { identification_type: type?.type, identification_number: type?.example }
      const chosen = await page.call('PUT', '/company', { country, ...typed })
      assert.equal(chosen.status, 200, JSON.stringify(chosen.body))
      const { sandbox } = chosen.body.data
      assert.equal((await page.call('PUT', '/company', sandbox.company)).status, 200)
      const person = await page.call('POST', '/people', sandbox.person)
      assert.equal(person.status, 200, JSON.stringify(person.body))
      for (const kind of PAPERS) await page.paper(kind)
      for (const kind of person.body.data.view.people[0].needs) await page.photo('1', kind)
      const sent = await page.submit()
      assert.equal(sent.body.data?.phase, 'processing', JSON.stringify(sent.body))
    })
  }

  test('writes what was typed as the country writes it', async () => {
    const { page } = await registerCompany(platform)
    const { body } = await page.call('PUT', '/company', COMPANY)
    assert.deepEqual(
      [body.data.company.identification_number, body.data.company.website],
      ['A58818501', 'https://example.com'],
    )
  })

  for (const [what, typed, error, errors] of [
    [
      'a wrong check digit',
      { country: 'ES', identification_type: 'CIF', identification_number: 'A58818502' },
      'invalid_identification',
      { identification_number: ['wrong_check_digit'] },
    ],
    [
      "a person's number",
      { country: 'ES', identification_type: 'GOVERNMENT_ID', identification_number: '12345678Z' },
      'invalid_identification',
      { identification_type: ['type_not_of_country'] },
    ],
    [
      'a country that is not taken',
      { country: 'KP' },
      'country_not_supported',
      { country: ['country_not_supported'] },
    ],
    [
      'a day to come',
      { incorporation_date: '2999-01-01' },
      'invalid_field',
      { incorporation_date: ['in_the_future'] },
    ],
    ['no website', { website: 'javascript:alert(1)' }, 'invalid_field', { website: ['invalid'] }],
    ['blank', { legal_form: ' ', website: '' }, 'fail_mandatory_field', { legal_form: ['required'] }],
    [
      'several faults',
      { incorporation_date: '2020-02-30', city: '\u0007', activity: 'a'.repeat(501) },
      'invalid_field',
      { incorporation_date: ['invalid'], activity: ['too_long'], city: ['invalid'] },
    ],
  ] as const) {
    test(`refuses ${what}, and saves nothing of it`, async () => {
      const { page } = await registerCompany(platform)
      const answer = await page.call('PUT', '/company', { address: 'Calle 1', ...typed })
      assert.deepEqual([answer.status, answer.body.error, answer.body.errors], [422, error, errors])
      assert.equal((await page.view()).company.address, null)
    })
  }

  test('checks a number as it is typed', async () => {
    const { page } = await registerCompany(platform)
    const check = async (body: object) => (await page.call('POST', '/identification/check', body)).body.data
    assert.deepEqual(await check({ person: 'company', country: 'CL', type: 'RUT', number: '760864285' }), {
      ok: true,
      number: '76.086.428-5',
      problem: null,
    })
    assert.deepEqual(
      await check({ person: 'individual', country: 'ES', type: 'GOVERNMENT_ID', number: '12345678A' }),
      { ok: false, number: null, problem: 'wrong_check_digit' },
    )
  })

  test('papers are judged by their content and stored sealed', async () => {
    const { page, id } = await registerCompany(platform)
    for (const file of [Buffer.from('MZ not a document'), Buffer.from('%PDF-1.4'), Buffer.from('<svg/>')]) {
      const { status, body } = await page.paper('company_deed', file)
      assert.deepEqual([status, body.error], [422, 'invalid_file'])
    }
    assert.equal((await page.paper('company_deed')).status, 200)
    // Named a PDF, and a picture by its content.
    const { body } = await page.paper('company_deed', await drawDocument())
    assert.deepEqual(
      body.data.documents.map(({ kind, mime }: { kind: string; mime: string }) => [kind, mime]),
      [['company_deed', 'image/jpeg']],
    )
    assert.equal((await page.paper('selfie')).status, 422)
    assert.equal((await page.paper('company_deed', Buffer.alloc(10 * 1024 * 1024 + 1))).status, 413)
    const { rows } = await platform.app.pool.query(
      'select storage_key from documents where customer_id = $1',
      [id],
    )
    assert.equal(rows.length, 1)
    const kept = await platform.app.providers.storage.read(rows[0].storage_key)
    assert.ok(!kept.includes('JFIF'))
  })
})

describe('its people', () => {
  for (const [what, over, errors] of [
    ['no role', { is_representative: false, is_owner: false }, { is_representative: ['role_missing'] }],
    ['an owner of nothing', { ownership_percent: '' }, { ownership_percent: ['required'] }],
    ['more than all', { ownership_percent: '100.01' }, { ownership_percent: ['over_100'] }],
    ['no number', { ownership_percent: '-5' }, { ownership_percent: ['invalid'] }],
    ['a child', { birth_date: '2020-01-01' }, { birth_date: ['too_young'] }],
    [
      'a wrong letter',
      { identification_number: '12345678A' },
      { identification_number: ['wrong_check_digit'] },
    ],
    [
      'a country that is not taken',
      { country: 'IR', identification_country: 'ES' },
      { country: ['country_not_supported'] },
    ],
    [
      'no answer about politics',
      { is_politically_exposed: undefined },
      { is_politically_exposed: ['required'] },
    ],
  ] as const) {
    test(`refuses ${what}`, async () => {
      const { page } = await registerCompany(platform)
      const { status, body } = await page.call('POST', '/people', { ...PERSON, ...over })
      assert.deepEqual([status, body.errors], [422, errors], JSON.stringify(body))
      assert.deepEqual((await page.view()).people, [])
    })
  }

  test('are added, changed and taken out, with their photos', async () => {
    const { page, id } = await registerCompany(platform)
    const first = await page.call('POST', '/people', PERSON)
    assert.deepEqual(
      [first.body.data.person, first.body.data.view.people[0].ownership_percent],
      ['1', '60.5'],
    )
    const passport = { identification_type: 'PASSPORT', identification_number: 'PAA123456' }
    const second = await page.call('POST', '/people', {
      ...PERSON,
      ...passport,
      name: 'Eva',
      is_owner: false,
    })
    assert.deepEqual(
      [second.body.data.view.people[1].ownership_percent, second.body.data.view.people[1].needs],
      [null, ['document_front']],
    )
    await page.photo('2', 'document_front')
    const { rows } = await platform.app.pool.query(
      'select storage_key from documents where customer_id = $1',
      [id],
    )
    const changed = await page.call('PUT', '/people/1', { ownership_percent: '40' })
    assert.equal(changed.body.data.view.people[0].ownership_percent, '40')
    const removed = await page.call('POST', '/people/2/remove', {})
    assert.deepEqual(
      removed.body.data.people.map((person: { id: string }) => person.id),
      ['1'],
    )
    await assert.rejects(platform.app.providers.storage.read(rows[0].storage_key), { code: 'not_found' })
    assert.equal((await page.call('POST', '/people/2/remove', {})).status, 409)
    assert.equal((await page.photo('2', 'document_front')).status, 409)
  })

  test('who own more than everything together keep the form from being sent', async () => {
    const { page } = await registerCompany(platform)
    await page.fill()
    await page.call('POST', '/people', { ...PERSON, ownership_percent: '39.51', is_representative: false })
    for (const kind of ['document_front', 'document_back']) await page.photo('2', kind)
    const { body } = await page.submit()
    assert.deepEqual([body.error, body.errors], ['invalid_field', { people: ['over_100'] }])
    await page.call('PUT', '/people/2', { ownership_percent: '39.5' })
    assert.equal((await page.submit()).body.data.phase, 'processing')
  })

  test('at most twenty', async () => {
    const { page } = await registerCompany(platform)
    for (let count = 0; count < 20; count += 1) {
      assert.equal((await page.call('POST', '/people', PERSON)).status, 200)
    }
    assert.equal((await page.call('POST', '/people', PERSON)).status, 409)
  })
})

describe('sending', () => {
  test('names everything that is missing', async () => {
    const { page } = await registerCompany(platform)
    await page.call('POST', '/people', { ...PERSON, is_representative: false })
    const { status, body } = await page.call('POST', '/submit', {
      name: ' ',
      role: 'Director',
      declare: true,
    })
    assert.equal(status, 422)
    assert.deepEqual(Object.keys(body.errors).sort(), [
      'activity',
      'address',
      'city',
      'company_deed',
      'company_proof_of_address',
      'company_tax_document',
      'country',
      'identification_number',
      'identification_type',
      'incorporation_date',
      'legal_form',
      'name',
      'people',
      'people.1.document_back',
      'people.1.document_front',
    ])
    assert.deepEqual(body.errors.people, ['representative_missing'])
    assert.equal((await page.call('POST', '/submit', { name: 'A', role: 'B' })).status, 422)
  })

  test('is decided, live; what was verified is what the company is', async () => {
    const { page, id, check } = await registerCompany(platform, {
      callback_url: 'https://shop.example.com/b',
    })
    await page.fill()
    let view: KybView = (await page.submit()).body.data
    const phases = [view.phase]
    await inTime('decided', async () => (await check()).kyc_status === 'valid')
    view = (await page.call('GET', `?after=${view.version}`)).body.data
    phases.push(view.phase)
    assert.deepEqual(phases, ['processing', 'valid'])
    assert.deepEqual([view.company.company_name, view.people, view.documents], [null, [], []])
    assert.equal(view.callback_url, `https://shop.example.com/b?user_id=${id}&status=valid`)
    assert.equal((await check()).kyc_level, 'basic')
    assert.deepEqual(await eventTypes(id), ['KYC_PROCESSING', 'KYC_VALID'])
    const { rows } = await platform.app.pool.query('select * from customers where id = $1', [id])
    const customer = await findCustomer(platform.app.db, rows[0].integration_id, id)
    const data = openCustomerData(
      platform.app.secrets,
      customer?.keyWrapped as Buffer,
      rows[0].personal_sealed,
    )
    assert.deepEqual(
      [data.company_name, data.identification_number, data.city, customer?.country],
      ['Remesas Sol S.L.', 'A58818501', 'Madrid', 'ES'],
    )
    assert.equal((await page.call('PUT', '/company', { city: 'X' })).status, 409)
  })

  for (const [tag, status] of [
    ['kycfail', 'fail'],
    ['kycreview', 'processing'],
  ] as const) {
    test(`+${tag}@`, async () => {
      const { page, check } = await registerCompany(platform, { tag })
      await page.fill()
      await page.submit()
      await inTime('decided', async () => ['fail', 'review'].includes((await page.view()).phase))
      assert.equal((await check()).kyc_status, status)
    })
  }

  test('three at once are one', async () => {
    const { page, id } = await registerCompany(platform, { tag: 'kycslow' })
    await page.fill()
    const sent = await Promise.all([1, 2, 3].map(() => page.submit()))
    assert.deepEqual(sent.map(({ status }) => status).sort(), [200, 409, 409])
    assert.deepEqual(await eventTypes(id), ['KYC_PROCESSING'])
  })

  test('somebody politically exposed, or on a list, is for a person to look at', async () => {
    const { page, id } = await registerCompany(platform)
    await page.fill({ person: { is_politically_exposed: true } })
    await page.submit()
    await inTime('in review', async () => (await page.view()).phase === 'review')
    const waiting = (await listReviews(platform.app)).find(({ customerId }) => customerId === id)
    assert.equal(waiting?.kind, 'kyb')
    assert.ok(
      waiting?.checks.some(({ check, result }) => check === 'politically_exposed' && result === 'warned'),
    )
    assert.equal(await releaseVerification(platform.app, waiting!.id, { who: 'eva', why: 'looked' }), true)
    assert.equal((await page.view()).phase, 'valid')
  })
})

describe('mending', () => {
  test('only what was rejected is asked and may be changed; the rest stays', async () => {
    const { page, id, check } = await registerCompany(platform, { tag: 'kycslow' })
    await page.fill()
    await page.submit()
    await decide(id, {
      outcome: 'mend',
      reasons: [
        { field: 'company_deed', code: 'unreadable' },
        { field: 'city', code: 'does_not_match_document' },
        { field: 'people.1.birth_date', code: 'does_not_match_document' },
        { field: 'people.1.document_front', code: 'blurred' },
      ],
    })
    assert.equal((await check()).kyc_status, 'processing')
    assert.equal((await check()).reasons.length, 4)
    const view = await page.view()
    assert.equal(view.phase, 'mend')
    assert.deepEqual(view.asked, ['city', 'company_deed', 'people.1.birth_date', 'people.1.document_front'])
    assert.deepEqual(view.documents.map(({ kind }) => kind).sort(), [
      'company_proof_of_address',
      'company_tax_document',
    ])
    assert.deepEqual(
      view.people[0]?.photos.map(({ kind }) => kind),
      ['document_back'],
    )
    assert.deepEqual(view.declaration, { name: 'Ana García', role: 'Director' })
    for (const [method, path, body] of [
      ['PUT', '/company', { legal_form: 'S.A.' }],
      ['PUT', '/people/1', { name: 'Eva' }],
      ['PUT', '/people/1', { is_owner: false }],
      ['POST', '/people', PERSON],
      ['POST', '/people/1/remove', {}],
      ['PUT', '/documents/company_tax_document', PDF],
      ['PUT', '/people/1/photos/document_back', await drawDocument()],
    ] as const) {
      assert.equal((await page.call(method, path, body)).body.error, 'action_not_allowed', path)
    }
    const early = await page.submit()
    assert.deepEqual(Object.keys(early.body.errors).sort(), [...view.asked].sort())
    // What is shown may be sent along unchanged.
    const company = await page.call('PUT', '/company', {
      ...COMPANY,
      identification_number: 'A58818501',
      website: 'https://example.com',
      city: 'Getafe',
    })
    assert.equal(company.status, 200, JSON.stringify(company.body))
    assert.equal((await page.call('PUT', '/people/1', { name: 'Ana', birth_date: '1990-05-18' })).status, 200)
    assert.equal((await page.paper('company_deed')).status, 200)
    assert.deepEqual(
      (await page.view()).reasons.map(({ field }) => field),
      ['people.1.document_front'],
    )
    assert.equal((await page.photo('1', 'document_front')).status, 200)
    const sent = await page.submit()
    assert.deepEqual([sent.body.data.phase, sent.body.data.reasons], ['processing', []])
  })

  test('another document of a person brings its number and its photos', async () => {
    const { page, id } = await registerCompany(platform, { tag: 'kycslow' })
    await page.fill()
    await page.submit()
    await decide(id, {
      outcome: 'mend',
      reasons: [{ field: 'people.1.document_front', code: 'wrong_document' }],
    })
    assert.deepEqual(
      (await page.view()).asked.filter((part) => part.startsWith('people.')),
      [
        'people.1.identification_country',
        'people.1.identification_type',
        'people.1.identification_number',
        'people.1.document_front',
        'people.1.document_back',
      ],
    )
    const passport = { identification_type: 'PASSPORT', identification_number: 'PAA123456' }
    assert.equal((await page.call('PUT', '/people/1', passport)).status, 200)
    await page.photo('1', 'document_front')
    const { body } = await page.submit()
    assert.equal(body.data?.phase, 'processing', JSON.stringify(body))
  })

  test('when somebody is missing, people are added and taken out', async () => {
    const { page, id } = await registerCompany(platform, { tag: 'kycslow' })
    await page.fill()
    await page.submit()
    // A person who is not there stands for the people as a whole.
    await decide(id, { outcome: 'mend', reasons: [{ field: 'people.7.name', code: 'invalid' }] })
    const view = await page.view()
    assert.deepEqual(
      view.reasons.map(({ field }) => field),
      ['people'],
    )
    assert.equal(view.people[0]?.photos.length, 2)
    assert.deepEqual((await page.submit()).body.errors, { people: ['required'] })
    const added = await page.call('POST', '/people', { ...PERSON, ownership_percent: '30' })
    for (const kind of ['document_front', 'document_back']) await page.photo(added.body.data.person, kind)
    assert.equal((await page.submit()).body.data.phase, 'processing')
  })

  test('an unfinished form that is sent back asks for what is missing', async () => {
    const { page, id } = await registerCompany(platform)
    await decide(id, {
      outcome: 'mend',
      reasons: [{ field: 'company_name', code: 'does_not_match_document' }],
    })
    const { reasons, phase } = await page.view()
    assert.equal(phase, 'mend')
    for (const part of ['company_name', 'country', 'company_deed', 'people']) {
      assert.ok(
        reasons.some(({ field }) => field === part),
        part,
      )
    }
    // What may stay empty was not missing; it is asked for all the same, as nobody was asked yet.
    const { asked } = await page.view()
    for (const part of ['website', 'postal_code']) {
      assert.ok(asked.includes(part), part)
      assert.ok(!reasons.some(({ field }) => field === part), part)
    }
    await page.fill({ company: { company_name: 'Remesas Sol, S.L.', website: 'sol.example.com' } })
    const { company } = await page.view()
    assert.deepEqual([company.website, company.postal_code], ['https://sol.example.com', '28013'])
    await page.call('PUT', '/company', { postal_code: '' })
    assert.equal((await page.submit()).body.data?.phase, 'processing')
  })

  test('a finished form that is sent back asks for what was rejected alone, whatever was left empty', async () => {
    const { page, id } = await registerCompany(platform, { tag: 'kycslow' })
    await page.fill({ company: { website: '', postal_code: '' } })
    await page.submit()
    await decide(id, { outcome: 'mend', reasons: [{ field: 'activity', code: 'invalid' }] })
    assert.deepEqual((await page.view()).asked, ['activity'])
    const { status } = await page.call('PUT', '/company', { website: 'sol.example.com' })
    assert.equal(status, 409)
  })

  test('an operator names what is to be mended', async () => {
    const { page, id } = await registerCompany(platform, { tag: 'kycreview' })
    await page.fill()
    await page.submit()
    await inTime('in review', async () => (await page.view()).phase === 'review')
    const waiting = (await listReviews(platform.app)).find(({ customerId }) => customerId === id)
    const reason = parseReason('company_proof_of_address:too_old')
    assert.deepEqual(reason, { field: 'company_proof_of_address', code: 'too_old' })
    await refuseVerification(platform.app, waiting!.id, { who: 'eva', why: 'old', reasons: [reason!] })
    const view = await page.view()
    assert.deepEqual([view.phase, view.asked], ['mend', ['company_proof_of_address']])
    assert.equal(view.reasons[0]?.text, 'The document is too old.')
  })

  test('the sandbox refuses parts that the form has not', async () => {
    const { id } = await registerCompany(platform)
    for (const field of ['face_image', 'nonsense', 'people.1.hat']) {
      const { body } = await platform.api('POST', '/api/sandbox/kyc', {
        body: { user_id: id, outcome: 'mend', reasons: [{ field, code: 'blurred' }] },
      })
      assert.equal(body.error, 'invalid_field', field)
    }
  })
})

describe('the end of the link', () => {
  test('after 90 days it says so without a password, and shows no data', async () => {
    const { page, id, check } = await registerCompany(platform)
    await page.call('PUT', '/company', COMPANY)
    await advance(89 * 86_400_000)
    assert.equal((await page.view()).phase, 'password')
    await advance(86_400_000)
    const view = await page.view()
    assert.deepEqual([view.phase, view.company.company_name], ['expired', null])
    assert.equal((await check()).kyc_status, 'unused')
    const retry = await platform.api('POST', '/api/kyc/retry', { body: { user_id: id } })
    const fresh = openKybPage(platform, retry.body.data.kyc_form_url)
    assert.equal((await fresh.open(retry.body.data.password)).body.data.phase, 'form')
  })
})
