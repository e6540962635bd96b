import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { eventually, startTestApp, type TestApp } from '../../test/support/app.ts'
import { makeMp4, makePdf, makeWebm, serveFiles } from '../../test/support/documents.ts'
import { NO_CHAINS } from '../../test/support/hot-wallets.ts'
import { drawDocument } from '../../test/support/kyc.ts'
import { DEFAULT_SETTINGS } from '../common/integration.ts'

let platform: TestApp
let photo: string
before(async () => {
  platform = await startTestApp({ localChains: false, env: { ...NO_CHAINS, FILES_FROM_LOOPBACK: 'true' } })
  photo = (await drawDocument()).toString('base64')
})
after(() => platform.stop())

const PATH = '/api/registerUser/kyc-delegated'
const send = async (body: unknown, options = {}) =>
  (await platform.api('POST', PATH, { body, ...options })).body
const mail = (tag = ''): string => `del-${randomUUID()}${tag}@example.com`

const person = (over: object = {}) => ({
  name: 'Ana',
  last_name: 'García López',
  email: mail(),
  birth_date: '1990-05-17',
  country: 'ES',
  address: 'Calle Mayor 1',
  city: 'Madrid',
  postal_code: '28013',
  identification_type: 'GOVERNMENT_ID',
  identification_number: '12345678z',
  document_front: photo,
  document_back: `data:image/jpeg;base64,${photo}`,
  face_image: photo,
  ...over,
})

const company = (over: object = {}) => {
  const { email, ...representative } = person()
  return {
    type: 'company',
    email,
    company_name: 'Remesas Sur SL',
    country: 'ES',
    address: 'Gran Vía 1',
    city: 'Madrid',
    postal_code: '28013',
    identification_type: 'CIF',
    identification_number: 'A58818501',
    legal_representative: representative,
    ...over,
  }
}

const check = async (id: number) => (await platform.api('GET', `/api/kyc/check?user_id=${id}`)).body.data

async function decided(id: number, status: string) {
  return eventually(`customer ${id} to be ${status}`, async () => {
    const found = await check(id)
    return found.kyc_status === status && found
  })
}

async function eventsOf(id: number): Promise<string[]> {
  const { body } = await platform.api('GET', '/api/webhooks/events?per_page=100')
  return body.data
    .filter((event: { data: { user_id: number } }) => event.data.user_id === id)
    .map((event: { type: string }) => event.type)
}

/** All that lies in the storage. */
function stored(): number {
  try {
    const files = readdirSync(join(platform.config.dataDir, 'files'), {
      recursive: true,
      withFileTypes: true,
    })
    return files.filter((entry) => entry.isFile()).length
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0
    throw error
  }
}

const documentsOf = (id: number) =>
  platform.app.db
    .selectFrom('documents')
    .select(['type', 'mime', 'width', 'verificationId'])
    .where('customerId', '=', id)
    .orderBy('type')
    .execute()

describe('200 a verification by delegation runs', () => {
  test('of a person, to the end, and is told', async () => {
    const { status, data } = await send(person())
    assert.equal(status, 'ok')
    assert.deepEqual(Object.keys(data), ['id', 'uuid', 'kyc_status'])
    assert.equal(data.kyc_status, 'processing')
    assert.equal((await decided(data.id, 'valid')).kyc_level, 'basic')
    await eventually('its events', async () => (await eventsOf(data.id)).length === 2)
    assert.deepEqual((await eventsOf(data.id)).sort(), ['KYC_PROCESSING', 'KYC_VALID'])
    const documents = await documentsOf(data.id)
    assert.deepEqual(
      documents.map(({ type }) => type),
      ['document_back', 'document_front', 'face_image'],
    )
    for (const { mime, width, verificationId } of documents) {
      assert.equal(mime, 'image/jpeg')
      assert.equal(width, 900)
      assert.match(verificationId as string, /^ver_/)
    }
    const found = await platform.api('GET', `/api/customers/find?id=${data.id}`)
    assert.equal(found.body.data.last_name, 'García López')
  })

  test('of a person with a passport, one name, a video, and files by their address', async () => {
    const jpeg = Buffer.from(photo, 'base64')
    const server = await serveFiles((_request, response) => response.end(jpeg))
    for (const video of [makeMp4(), makeWebm()]) {
      const body = person({
        name: 'Ana García López',
        last_name: undefined,
        identification_type: 'PASSPORT',
        identification_number: 'PAA123456',
        document_front: `${server.url}/front.jpg`,
        document_back: undefined,
        face_image: `${server.url}/face.jpg`,
        face_video: video.toString('base64'),
      })
      const { data } = await send(body)
      await decided(data.id, 'valid')
      const types = (await documentsOf(data.id)).map(({ type, mime }) => `${type} ${mime}`)
      const mime = video.subarray(4, 8).toString() === 'ftyp' ? 'video/mp4' : 'video/webm'
      assert.deepEqual(types, ['document_front image/jpeg', 'face_image image/jpeg', `face_video ${mime}`])
    }
    server.stop()
  })

  test('of a company, by who represents it', async () => {
    const body = company()
    const { data } = await send(body)
    await decided(data.id, 'valid')
    const found = (await platform.api('GET', `/api/customers/find?id=${data.id}`)).body.data
    assert.equal(found.type, 'company')
    assert.equal(found.company_name, 'Remesas Sur SL')
    assert.equal(found.name, null)
    assert.equal(found.email, body.email)
    assert.equal((await documentsOf(data.id)).length, 3)
  })

  test('of a company, sent as a form; and is decided by a form', async () => {
    const { legal_representative: representative, ...rest } = company()
    const fields: [string, string][] = Object.entries(rest)
    for (const [name, value] of Object.entries(representative))
      fields.push([`legal_representative[${name}]`, value])
    const asForm = (pairs: [string, string][]) => ({
      body: new URLSearchParams(pairs).toString(),
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    })
    const { body, headers } = asForm(fields)
    const { status, data } = await send(body, { headers })
    assert.equal(status, 'ok')
    const kept = (await documentsOf(data.id)).map(({ type }) => type)
    assert.deepEqual(kept, ['document_back', 'document_front', 'face_image'])
    await decided(data.id, 'valid')
    const lacking = asForm(fields.filter(([name]) => name !== 'legal_representative[city]'))
    const refused = await send(lacking.body, { headers })
    assert.deepEqual(Object.keys(refused.errors), ['legal_representative.city'])

    const other = (await send(person({ email: mail('+kycslow') }))).data
    const reasons = asForm([
      ['user_id', String(other.id)],
      ['outcome', 'fail'],
      ['reasons[0][field]', 'document_front'],
      ['reasons[0][code]', 'blurred'],
      ['reasons[1][code]', 'too_young'],
    ])
    const answer = await platform.api('POST', '/api/sandbox/kyc', reasons)
    assert.deepEqual(
      answer.body.data?.reasons.map(({ field, code }: { field: string; code: string }) => [field, code]),
      [
        ['document_front', 'blurred'],
        [null, 'too_young'],
      ],
      JSON.stringify(answer.body),
    )
  })

  test('to KYC_FAIL with reasons when something is wrong, and then a form is given', async () => {
    const small = (await drawDocument(150, 100)).toString('base64')
    const { data } = await send(person({ document_front: small }))
    const { reasons } = await decided(data.id, 'fail')
    assert.deepEqual(
      reasons.map(({ field, code }: { field: string; code: string }) => [field, code]),
      [['document_front', 'too_small']],
    )
    await eventually('its end to be told', async () => (await eventsOf(data.id)).includes('KYC_FAIL'))
    const retried = await platform.api('POST', '/api/kyc/retry', { body: { user_id: data.id } })
    assert.match(retried.body.data.kyc_form_url, /\/kyc\//)
    assert.equal((await check(data.id)).kyc_status, 'unused')
    const refused = await send(person({ email: mail('+kycfail') }))
    await decided(refused.data.id, 'fail')
  })

  test('which the sandbox decides like any other, and who asks for the form sees it run', async () => {
    const { data } = await send(person({ email: mail('+kycslow') }))
    const again = await platform.api('POST', '/api/kyc/retry', { body: { user_id: data.id } })
    const page = new URL(again.body.data.kyc_form_url).pathname
    const view = await fetch(`${platform.url}/hosted${page}`, { headers: { 'x-page': '1' } })
    assert.equal(((await view.json()) as { data: { phase: string } }).data.phase, 'processing')
    assert.equal((await check(data.id)).kyc_status, 'processing')
    const body = { user_id: data.id, outcome: 'valid' }
    const outcome = await platform.api('POST', '/api/sandbox/kyc', { body })
    assert.equal(outcome.body.data.kyc_status, 'valid')
  })

  test('once for an Idempotency-Key', async () => {
    const body = person()
    const headers = { 'idempotency-key': randomUUID() }
    const first = await send(body, { headers })
    const files = stored()
    assert.deepEqual(await send(body, { headers }), first)
    assert.equal(stored(), files)
  })
})

describe('nothing is kept of a call that is refused', () => {
  const refused = async (body: unknown, error: string, fields: string[], options = {}) => {
    const files = stored()
    const count = async () =>
      (await platform.app.pool.query('select count(*)::int as n from customers')).rows[0].n
    const customers = await count()
    const answer = await send(body, options)
    assert.equal(answer.error, error, JSON.stringify(answer))
    assert.deepEqual(Object.keys(answer.errors ?? {}).sort(), [...fields].sort())
    assert.equal(stored(), files)
    assert.equal(await count(), customers)
    return answer
  }

  test('fail_mandatory_field names all that is missing, by type and document', async () => {
    const everywhere = [
      'email',
      'country',
      'address',
      'city',
      'postal_code',
      'identification_type',
      'identification_number',
    ]
    await refused({}, 'fail_mandatory_field', [
      ...everywhere,
      'name',
      'birth_date',
      'document_front',
      'face_image',
    ])
    await refused({ type: 'company' }, 'fail_mandatory_field', [
      ...everywhere,
      'company_name',
      'legal_representative',
    ])
    await refused(person({ document_back: undefined }), 'fail_mandatory_field', ['document_back'])
  })

  test('invalid_field names all that is wrong, of the representative too', async () => {
    await refused(person({ email: 'x', birth_date: '2020-01-01', phone: '1' }), 'invalid_field', [
      'email',
      'birth_date',
      'phone',
    ])
    const { legal_representative } = company()
    const representative = { ...legal_representative, birth_date: '1990-02-30', document_back: undefined }
    await refused(company({ email: 'x', legal_representative: representative }), 'fail_mandatory_field', [
      'email',
      'legal_representative.birth_date',
      'legal_representative.document_back',
    ])
    const whole = { ...legal_representative, birth_date: '1990-02-30', phone: 1, last_name: ' ' }
    await refused(company({ legal_representative: whole }), 'invalid_field', [
      'legal_representative.birth_date',
      'legal_representative.phone',
      'legal_representative.last_name',
    ])
    await refused(company({ legal_representative: 'Eva' }), 'invalid_field', ['legal_representative'])
    const empty = await refused(company({ legal_representative: {} }), 'fail_mandatory_field', [
      ...['name', 'birth_date', 'country', 'address', 'city', 'postal_code'].map(
        (field) => `legal_representative.${field}`,
      ),
      ...['identification_type', 'identification_number', 'document_front', 'face_image'].map(
        (field) => `legal_representative.${field}`,
      ),
    ])
    assert.match(empty.message, /^Missing: legal_representative\.name, legal_representative\./)
    assert.deepEqual(empty.errors['legal_representative.name'], [
      'The legal_representative.name field is required.',
    ])
  })

  test('all at once, whatever their codes: the first of them is the answer’s', async () => {
    const number = { identification_number: '12345678A' }
    const faults = {
      document_front: 'zzz',
      email: 'a@mailinator.com',
      country: 'KP',
      identification_type: 'DNI',
    }
    const all = Object.keys(faults)
    await refused(person({ ...faults, name: undefined }), 'fail_mandatory_field', ['name', ...all])
    await refused(person({ ...faults, phone: '1' }), 'invalid_field', [...all, 'phone'])
    await refused(person(faults), 'email_not_allowed', all)
    const { message } = await refused(
      person({ document_front: 'zzz', face_image: 'http://10.0.0.1/', ...number }),
      'invalid_identification',
      ['identification_number', 'document_front', 'face_image'],
    )
    assert.doesNotMatch(message, /\.\./)
    // An address that may lead somewhere is not fetched for a call that is refused.
    await refused(
      person({ face_image: 'https://files.example.com/face.jpg', ...number }),
      'invalid_identification',
      ['identification_number'],
    )
    const { legal_representative } = company()
    await refused(
      company({
        country: 'KP',
        identification_type: 'COMPANY_REGISTRATION',
        legal_representative: { ...legal_representative, ...number, face_image: 'zzz' },
      }),
      'country_not_supported',
      ['country', 'legal_representative.identification_number', 'legal_representative.face_image'],
    )
  })

  test('invalid_file names every file that is none, and forgets those that are', async () => {
    const pdf = makePdf().toString('base64')
    await refused(person({ document_back: pdf, face_image: '', face_video: photo }), 'invalid_file', [
      'document_back',
      'face_image',
      'face_video',
    ])
    await refused(person({ face_image: 'http://10.0.0.1/face.jpg' }), 'invalid_file', ['face_image'])
    const cut = makeMp4().subarray(0, -1).toString('base64')
    await refused(person({ face_video: cut }), 'invalid_file', ['face_video'])
    const { legal_representative } = company()
    await refused(
      company({ legal_representative: { ...legal_representative, document_front: pdf } }),
      'invalid_file',
      ['legal_representative.document_front'],
    )
  })

  test('a file is judged as one where it is larger than all others together may be, or in a list', async () => {
    const large = 'A'.repeat(40_000_000)
    const inVideo = await send(person({ face_video: large }))
    assert.deepEqual([inVideo.error, Object.keys(inVideo.errors)], ['invalid_file', ['face_video']])
    const inList = await send(person({ document_front: ['A'.repeat(1_200_000)] }))
    assert.deepEqual([inList.error, Object.keys(inList.errors)], ['invalid_field', ['document_front']])
  })

  test('the other codes of a registration', async () => {
    await refused(person({ identification_number: '12345678A' }), 'invalid_identification', [
      'identification_number',
    ])
    await refused(person({ identification_type: 'CURP' }), 'invalid_identification', ['identification_type'])
    await refused(company({ identification_type: 'GOVERNMENT_ID' }), 'invalid_identification', [
      'identification_type',
    ])
    await refused(person({ country: 'KP', identification_type: 'PASSPORT' }), 'country_not_supported', [
      'country',
    ])
    await refused(person({ email: 'a@mailinator.com' }), 'email_not_allowed', ['email'])
    const externalId = randomUUID()
    const body = person({ external_id: externalId })
    const { data } = await send(body)
    const again = await refused(body, 'user_already_exists', [])
    assert.equal(again.data.id, data.id)
    await refused(person({ external_id: externalId }), 'external_id_already_used', ['external_id'])
  })

  test('method_not_allowed without the right', async () => {
    const token = await platform.authenticate('sandbox-key-2', 'sandbox-secret-2')
    await platform.app.db
      .updateTable('integrations')
      .set({ settings: JSON.stringify({ ...DEFAULT_SETTINGS, rights: { delegatedKyc: false } }) })
      .where('name', '=', 'Second Sandbox')
      .execute()
    platform.app.authenticator.forget()
    await refused(person(), 'method_not_allowed', [], { token })
    // Told before anything of the body is judged.
    await refused({}, 'method_not_allowed', [], { token })
  })
})
