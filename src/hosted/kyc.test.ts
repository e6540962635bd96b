import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import sharp from 'sharp'
import { eventually, startTestApp, type TestApp } from '../../test/support/app.ts'
import { drawDocument, openKycPage, registerCustomer, TYPED } from '../../test/support/kyc.ts'
import type { KycView } from './wire.ts'

let platform: TestApp
before(async () => {
  platform = await startTestApp({ localChains: false })
})
after(() => platform.stop())

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

describe('the form', () => {
  test('begins empty but for what is known, and asks for everything', async () => {
    const { page, email, formUrl } = await registerCustomer(platform)
    const view = await page.view()
    assert.deepEqual([view.phase, view.data.email, view.data.name], ['form', email, 'Ana'])
    assert.ok(!view.asked.includes('email'))
    assert.deepEqual(view.optional, [
      'phone',
      'postal_code',
      'identification_country',
      'identification_expires_on',
    ])
    assert.equal(view.page_url, formUrl)
    assert.deepEqual([view.environment, view.min_age, view.photos, view.reasons], ['sandbox', 18, [], []])
    assert.equal(view.brand.name, 'Sandbox Remittances')
    assert.equal(view.countries.length, 249)
    assert.equal(view.countries.find(({ code }) => code === 'KP')?.residence, false)
  })

  for (const country of ['ES', 'CL', 'MX', 'CO', 'PE', 'AR', 'FR']) {
    test(`the sandbox's values for ${country} pass as they are`, async () => {
      const { page } = await registerCustomer(platform, { country })
      const { sandbox } = await page.view()
      const { status, body } = await page.call('PUT', '/data', sandbox?.data)
      assert.equal(status, 200, JSON.stringify(body))
      for (const kind of ['document_front', 'document_back', 'face_image']) await page.photo(kind)
      assert.equal((await page.call('POST', '/submit', { declare: true })).body.data.phase, 'processing')
    })
  }

  test('is saved part by part, all or nothing, and written as the country writes it', async () => {
    const { page } = await registerCustomer(platform)
    const first = await page.call('PUT', '/data', { name: 'Eva', birth_date: '1990-05-17' })
    assert.equal(first.body.data.data.name, 'Eva')
    const refused = await page.call('PUT', '/data', {
      name: 'Other',
      birth_date: '2020-01-01',
      city: 'Madrid',
    })
    assert.deepEqual(
      [refused.status, refused.body.error, refused.body.errors],
      [422, 'invalid_field', { birth_date: ['too_young'] }],
    )
    assert.deepEqual([(await page.view()).data.name, (await page.view()).data.city], ['Eva', null])
    const chile = await page.call('PUT', '/data', {
      country: 'cl',
      identification_type: 'RUT',
      identification_number: '123456785',
      identification_expires_on: '2060-01-01',
    })
    assert.deepEqual(
      [
        chile.body.data.data.country,
        chile.body.data.data.identification_type,
        chile.body.data.data.identification_number,
      ],
      ['CL', 'RUT', '12.345.678-5'],
    )
    assert.ok(!chile.body.data.optional.includes('identification_expires_on'))
  })

  test('another country forgets the papers of the first, unless they are its own', async () => {
    const { page } = await registerCustomer(platform)
    await page.call('PUT', '/data', {
      country: 'ES',
      identification_type: 'GOVERNMENT_ID',
      identification_number: '12345678Z',
      identification_expires_on: '2060-01-01',
    })
    const { body } = await page.call('PUT', '/data', { country: 'PE' })
    assert.deepEqual(
      [body.data.data.country, body.data.data.identification_type, body.data.data.identification_number],
      ['PE', null, null],
    )
    const kept = await page.call('PUT', '/data', {
      identification_country: 'ES',
      identification_type: 'PASSPORT',
      identification_number: 'PAA123456',
      identification_expires_on: '2060-01-01',
    })
    assert.equal(kept.status, 200)
    assert.equal(
      (await page.call('PUT', '/data', { country: 'CO' })).body.data.data.identification_number,
      'PAA123456',
    )
  })

  for (const [what, typed, error, errors] of [
    ['a blank name', { name: ' ' }, 'fail_mandatory_field', { name: ['required'] }],
    ['a name without letters', { name: '123' }, 'invalid_field', { name: ['invalid'] }],
    ['a name as long as a novel', { name: 'a'.repeat(101) }, 'invalid_field', { name: ['too_long'] }],
    ['a phone without a country', { phone: '600123456' }, 'invalid_field', { phone: ['invalid'] }],
    [
      'a country that is not taken',
      { country: 'KP' },
      'country_not_supported',
      { country: ['country_not_supported'] },
    ],
    ['no country', { country: 'XX' }, 'invalid_field', { country: ['invalid'] }],
    [
      'a birth date to come',
      { birth_date: '2999-01-01' },
      'invalid_field',
      { birth_date: ['in_the_future'] },
    ],
    [
      'an expired document',
      { identification_expires_on: '2020-01-01' },
      'invalid_field',
      { identification_expires_on: ['document_expired'] },
    ],
    [
      'a paper of another country',
      { country: 'ES', identification_type: 'RUT' },
      'invalid_identification',
      { identification_type: ['type_not_of_country'] },
    ],
    [
      'a wrong letter',
      {
        country: 'ES',
        identification_type: 'GOVERNMENT_ID',
        identification_number: '12345678A',
        identification_expires_on: '2060-01-01',
      },
      'invalid_identification',
      { identification_number: ['wrong_check_digit'] },
    ],
    [
      'a document without its last day',
      { country: 'ES', identification_type: 'GOVERNMENT_ID', identification_number: '12345678Z' },
      'fail_mandatory_field',
      { identification_expires_on: ['required'] },
    ],
    [
      'a CURP of another birthday',
      {
        country: 'MX',
        birth_date: '1990-05-17',
        identification_type: 'CURP',
        identification_number: 'BOXW310820HNERXN09',
      },
      'invalid_field',
      { birth_date: ['does_not_match_document'] },
    ],
  ] as [string, object, string, object][]) {
    test(`${what}: ${error}`, async () => {
      const { page } = await registerCustomer(platform)
      const before = await page.view()
      const { status, body } = await page.call('PUT', '/data', typed)
      assert.deepEqual([status, body.error, body.errors], [422, error, errors])
      assert.deepEqual((await page.view()).data, before.data)
    })
  }

  test('the e-mail address and unknown fields are not changed', async () => {
    const { page, email } = await registerCustomer(platform)
    await page.call('PUT', '/data', { email: 'other@example.com', toString: 'x', city: 'Madrid' })
    assert.deepEqual([(await page.view()).data.email, (await page.view()).data.city], [email, 'Madrid'])
  })

  test('a number is checked as it is typed, and nothing is saved', async () => {
    const { page } = await registerCustomer(platform)
    const check = async (body: object) => (await page.call('POST', '/identification/check', body)).body.data
    assert.deepEqual(await check({ country: 'CL', type: 'RUT', number: '123456785' }), {
      ok: true,
      number: '12.345.678-5',
      problem: null,
    })
    assert.deepEqual(await check({ country: 'CL', type: 'RUT', number: '123456784' }), {
      ok: false,
      number: null,
      problem: 'wrong_check_digit',
    })
    assert.deepEqual(await check({ country: 'XX', type: 'RUT', number: '1' }), {
      ok: false,
      number: null,
      problem: 'invalid',
    })
    assert.deepEqual(await check({ country: 'ES', type: 'RUT', number: '1' }), {
      ok: false,
      number: null,
      problem: 'type_not_of_country',
    })
    assert.deepEqual(await check({ country: 'ES', type: 'RUT', number: ' ' }), {
      ok: false,
      number: null,
      problem: 'required',
    })
    assert.equal((await page.view()).data.identification_number, null)
  })

  test('sending names everything that is missing', async () => {
    const { page } = await registerCustomer(platform)
    const { status, body } = await page.call('POST', '/submit', { declare: true })
    assert.deepEqual([status, body.error], [422, 'fail_mandatory_field'])
    assert.deepEqual(Object.keys(body.errors), [
      'last_name',
      'birth_date',
      'country',
      'address',
      'city',
      'identification_type',
      'identification_number',
      'document_front',
      'document_back',
      'face_image',
    ])
    for (const declare of [undefined, false, 'true']) {
      assert.equal((await page.call('POST', '/submit', { declare })).status, 422)
    }
    assert.equal((await page.view()).phase, 'form')
  })

  test('a passport has no back', async () => {
    const { page } = await registerCustomer(platform)
    await page.call('PUT', '/data', {
      ...TYPED,
      identification_type: 'PASSPORT',
      identification_number: 'PAA123456',
    })
    for (const kind of ['document_front', 'face_image']) await page.photo(kind)
    assert.equal((await page.call('POST', '/submit', { declare: true })).status, 200)
  })

  test('an age that was right when typed is judged again when sent', async () => {
    const { page } = await registerCustomer(platform)
    const day = new Date(platform.app.clock.now().getTime() + 5 * 86_400_000).toISOString().slice(0, 10)
    await page.call('PUT', '/data', { ...TYPED, identification_expires_on: day })
    for (const kind of ['document_front', 'document_back', 'face_image']) await page.photo(kind)
    await advance(7 * 86_400_000)
    const { status, body } = await page.call('POST', '/submit', { declare: true })
    assert.deepEqual([status, body.errors], [422, { identification_expires_on: ['document_expired'] }])
  })
})

describe('photos', () => {
  test('are judged by content, replaced, and kept sealed without their file name or metadata', async () => {
    const { page, id } = await registerCustomer(platform)
    const first = await page.photo('document_front')
    assert.deepEqual(first.body.data.photo.problems, [])
    const poor = await page.photo('document_front', await drawDocument(240, 160))
    assert.deepEqual(poor.body.data.photo.problems, ['too_small'])
    assert.equal(poor.body.data.view.photos.length, 1)
    const { rows } = await platform.app.pool.query('select * from documents where customer_id = $1', [id])
    assert.equal(rows.length, 1)
    assert.equal(rows[0].mime, 'image/jpeg')
    const kept = await platform.app.providers.storage.read(rows[0].storage_key)
    assert.equal(kept.includes(Buffer.from('JFIF')), false)
    const files = await platform.app.pool.query('select key_wrapped from customers where id = $1', [id])
    const opened = platform.app.secrets.openFor(files.rows[0].key_wrapped, kept)
    assert.equal((await sharp(opened).metadata()).width, 240)
  })

  test('that are none are refused: 422 invalid_file, whatever they call themselves', async () => {
    const { page } = await registerCustomer(platform)
    for (const bytes of [
      Buffer.alloc(0),
      Buffer.from('%PDF-1.7'),
      Buffer.from('<svg/>'),
      Buffer.from('GIF89a'),
      Buffer.alloc(2000, 'x'),
    ]) {
      const { status, body } = await page.photo('face_image', bytes)
      assert.deepEqual(
        [status, body.error, body.errors],
        [422, 'invalid_file', { face_image: ['not_an_image'] }],
      )
    }
    assert.deepEqual((await page.view()).photos, [])
  })

  test('over 10 MiB: 413; of an unknown kind: 422', async () => {
    const { page } = await registerCustomer(platform)
    assert.equal((await page.photo('face_image', Buffer.alloc(10 * 1024 * 1024 + 1))).status, 413)
    assert.equal((await page.photo('selfie')).status, 422)
  })
})

describe('what the page may not do', () => {
  test('an unknown link: 404 on every call', async () => {
    const page = openKycPage(platform, `${platform.url}/kyc/${'A'.repeat(43)}`)
    for (const [method, path, body] of [
      ['GET', '', undefined],
      ['GET', '?after=1', undefined],
      ['PUT', '/data', {}],
      ['POST', '/submit', { declare: true }],
      ['POST', '/identification/check', { country: 'ES', type: 'X', number: '1' }],
      ['PUT', '/photos/face_image', await drawDocument()],
    ] as const) {
      const { status, body: answer } = await page.call(method, path, body)
      assert.deepEqual([status, answer.error], [404, 'verification_not_found'], path)
    }
  })

  test('a call without the page’s header: 403', async () => {
    const { page } = await registerCustomer(platform)
    assert.equal((await page.call('GET', '', undefined, { 'x-page': '0' })).status, 403)
  })

  test('after sending nothing can be changed; sending twice is one', async () => {
    const { page, id } = await registerCustomer(platform, { tag: 'kycslow' })
    await page.call('PUT', '/data', TYPED)
    for (const kind of ['document_front', 'document_back', 'face_image']) await page.photo(kind)
    const sent = await Promise.all([1, 2, 3].map(() => page.call('POST', '/submit', { declare: true })))
    assert.deepEqual(sent.map(({ status }) => status).sort(), [200, 409, 409])
    for (const [method, path, body] of [
      ['PUT', '/data', { name: 'X' }],
      ['PUT', '/photos/face_image', await drawDocument()],
      ['POST', '/submit', { declare: true }],
    ] as const) {
      const answer = await page.call(method, path, body)
      assert.deepEqual([answer.status, answer.body.error], [409, 'action_not_allowed'])
    }
    const { rows } = await platform.app.pool.query(`select type from events where stream = $1`, [
      `customer:${id}`,
    ])
    assert.deepEqual(rows, [{ type: 'KYC_PROCESSING' }])
  })

  test('an expired link shows who sent it, and no data', async () => {
    const { page, id, check } = await registerCustomer(platform)
    await page.call('PUT', '/data', TYPED)
    await advance(31 * 86_400_000)
    const view = await page.view()
    assert.deepEqual(
      [view.phase, view.data.name, view.asked, view.brand.name],
      ['expired', null, [], 'Sandbox Remittances'],
    )
    assert.equal((await page.call('PUT', '/data', { name: 'X' })).status, 409)
    await eventually('the lane ends it', async () => {
      const { rows } = await platform.app.pool.query(
        'select phase from verifications where customer_id = $1',
        [id],
      )
      return rows[0].phase === 'expired'
    })
    assert.equal((await page.view()).phase, 'expired')
    assert.equal((await check()).kyc_status, 'unused')
    const retry = await platform.api('POST', '/api/kyc/retry', { body: { user_id: id } })
    const fresh = openKycPage(platform, retry.body.data.kyc_form_url)
    assert.equal((await fresh.view()).phase, 'form')
  })
})

describe('mending', () => {
  test('only what was rejected is asked and may be changed; the rest stays', async () => {
    const { page, id, check } = await registerCustomer(platform, { tag: 'kycslow' })
    await page.fill()
    const told = await decide(id, {
      outcome: 'mend',
      reasons: [
        { field: 'document_front', code: 'blurred' },
        { field: 'city', code: 'does_not_match_document' },
      ],
    })
    assert.equal(told.kyc_status, 'processing')
    assert.deepEqual(
      told.reasons.map(({ field, code }: { field: string; code: string }) => [field, code]),
      [
        ['document_front', 'blurred'],
        ['city', 'does_not_match_document'],
      ],
    )
    const view = await page.view()
    assert.deepEqual([view.phase, view.asked], ['mend', ['city']])
    assert.deepEqual(
      view.photos.map(({ kind }) => kind),
      ['document_back', 'face_image'],
    )
    assert.equal(view.reasons[0]?.text, 'The picture is blurred.')
    assert.deepEqual((await page.call('PUT', '/data', { name: 'Other' })).body.error, 'action_not_allowed')
    assert.deepEqual((await page.photo('face_image')).body.error, 'action_not_allowed')
    const early = await page.call('POST', '/submit', { declare: true })
    assert.deepEqual(
      [early.body.error, early.body.errors],
      ['fail_mandatory_field', { city: ['required'], document_front: ['required'] }],
    )
    // Fields that are shown may be sent along unchanged.
    assert.equal((await page.call('PUT', '/data', { city: 'Getafe', name: 'Ana' })).status, 200)
    assert.deepEqual((await page.photo('document_front')).body.data.view.photos.length, 3)
    const sent = await page.call('POST', '/submit', { declare: true })
    assert.deepEqual([sent.body.data.phase, sent.body.data.reasons], ['processing', []])
    assert.deepEqual((await check()).reasons, [])
    const { rows } = await platform.app.pool.query(
      'select type from events where stream = $1 order by created_at',
      [`customer:${id}`],
    )
    assert.deepEqual(
      rows.map(({ type }) => type),
      ['KYC_PROCESSING', 'KYC_PROCESSING', 'KYC_PROCESSING'],
    )
  })

  test('another document brings its number, its last day and its photos', async () => {
    const { page, id } = await registerCustomer(platform, { tag: 'kycslow' })
    await page.fill()
    await decide(id, { outcome: 'mend', reasons: [{ field: 'identification_type', code: 'wrong_document' }] })
    const view = await page.view()
    assert.deepEqual(view.asked, [
      'identification_country',
      'identification_type',
      'identification_number',
      'identification_expires_on',
    ])
    assert.deepEqual(
      view.photos.map(({ kind }) => kind),
      ['face_image'],
    )
    const paper = {
      identification_type: 'PASSPORT',
      identification_number: 'PAA123456',
      identification_expires_on: '2060-01-01',
    }
    assert.equal((await page.call('PUT', '/data', paper)).status, 200)
    await page.photo('document_front')
    const { body } = await page.call('POST', '/submit', { declare: true })
    // The back of the old card was named; a passport has none, so it is not asked for any more.
    assert.equal(body.status, 'ok', JSON.stringify(body))
  })

  test('a card in place of a rejected passport brings its back', async () => {
    const { page, id } = await registerCustomer(platform, { tag: 'kycslow' })
    await page.call('PUT', '/data', {
      ...TYPED,
      identification_type: 'PASSPORT',
      identification_number: 'PAA123456',
    })
    for (const kind of ['document_front', 'face_image']) await page.photo(kind)
    await page.call('POST', '/submit', { declare: true })
    await decide(id, { outcome: 'mend', reasons: [{ field: 'identification_type', code: 'wrong_document' }] })
    assert.equal((await page.photo('document_front')).status, 200)
    assert.equal((await page.photo('document_back')).body.error, 'action_not_allowed')
    const paper = { identification_type: 'GOVERNMENT_ID', identification_number: '12345678Z' }
    const saved = await page.call('PUT', '/data', { ...paper, identification_expires_on: '2060-01-31' })
    assert.deepEqual(saved.body.data.reasons.at(-1), {
      field: 'document_back',
      code: 'required',
      text: 'This is missing.',
    })
    const early = await page.call('POST', '/submit', { declare: true })
    assert.deepEqual(early.body.errors, { document_back: ['required'] })
    assert.equal((await page.photo('document_back')).status, 200)
    assert.equal((await page.call('POST', '/submit', { declare: true })).body.data.phase, 'processing')
  })

  test('a rejection that is not mended in time closes the verification', async () => {
    const { page, id, check } = await registerCustomer(platform, { tag: 'kycslow' })
    await page.fill()
    await decide(id, { outcome: 'mend' })
    await advance(31 * 86_400_000)
    await eventually('the customer failed', async () => (await check()).kyc_status === 'fail')
    assert.equal((await page.view()).phase, 'expired')
    assert.deepEqual(
      (await check()).reasons.map(({ code }) => code),
      ['unreadable'],
    )
  })
})

describe('the long poll', () => {
  test('answers at once when the page has an older version, and when something changes', async () => {
    const { page, id } = await registerCustomer(platform)
    const { version } = await page.view()
    assert.equal((await page.call('GET', '?after=older')).body.data.version, version)
    const waiting = page.call('GET', `?after=${version}`)
    await page.call('PUT', '/data', { city: 'Madrid' })
    const { body } = await waiting
    assert.equal(body.data.data.city, 'Madrid')
    const decided = page.call('GET', `?after=${body.data.version}`)
    await decide(id, { outcome: 'valid' })
    assert.equal((await decided).body.data.phase, 'valid')
  })

  test('two hundred waiting pages hold no connection of the database', async () => {
    const { page } = await registerCustomer(platform)
    const { version } = await page.view()
    const waiting = Array.from({ length: 200 }, () => page.call('GET', `?after=${version}`))
    const others = await registerCustomer(platform)
    assert.equal((await others.page.view()).phase, 'form')
    await page.call('PUT', '/data', { city: 'Madrid' })
    const answers = await Promise.all(waiting)
    assert.ok(answers.every(({ body }) => body.data.data.city === 'Madrid'))
  })

  test('sees the verification through to its end, live', async () => {
    const { page } = await registerCustomer(platform)
    let view: KycView = await page.fill()
    const phases = [view.phase]
    while (view.phase !== 'valid') {
      view = (await page.call('GET', `?after=${view.version}`)).body.data
      if (phases.at(-1) !== view.phase) phases.push(view.phase)
    }
    assert.deepEqual(phases, ['processing', 'valid'])
    assert.deepEqual([view.data.name, view.photos, view.asked], [null, [], []])
  })
})
