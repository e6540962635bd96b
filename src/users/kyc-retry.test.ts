import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { eventually, startTestApp, type TestApp } from '../../test/support/app.ts'
import { openKybPage, registerCompany } from '../../test/support/companies.ts'
import { NO_CHAINS } from '../../test/support/hot-wallets.ts'
import { drawDocument, openKycPage, registerCustomer } from '../../test/support/kyc.ts'

let platform: TestApp
let photo: string
let small: string
before(async () => {
  platform = await startTestApp({ localChains: false, env: NO_CHAINS })
  photo = (await drawDocument()).toString('base64')
  small = (await drawDocument(150, 100)).toString('base64')
})
after(() => platform.stop())

const check = async (id: number) => (await platform.api('GET', `/api/kyc/check?user_id=${id}`)).body.data

async function decided(id: number, status: string) {
  return eventually(`customer ${id} to be ${status}`, async () => {
    const found = await check(id)
    return found.kyc_status === status && found
  })
}

async function fail(id: number): Promise<void> {
  const body = { user_id: id, outcome: 'fail' }
  assert.equal((await platform.api('POST', '/api/sandbox/kyc', { body })).body.status, 'ok')
  assert.equal((await check(id)).kyc_status, 'fail')
}

async function retry(id: number): Promise<{ kyc_form_url: string; password?: string }> {
  const { body } = await platform.api('POST', '/api/kyc/retry', { body: { user_id: id } })
  assert.equal(body.status, 'ok', JSON.stringify(body))
  return body.data
}

const order = (id: number) =>
  platform.api('POST', '/api/createPayment', {
    body: {
      user_id: id,
      payment_type: 'card',
      fiat_symbol: 'EUR',
      fiat_amount: '50',
      coin_symbol: 'USDC',
      coin_chain: 'polygon',
      wallet: '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed',
    },
  })

/** Registers with everything that is known of a company, by who represents it, whose document is `front`. */
async function registerDelegatedCompany({
  front = photo,
  ...over
}: {
  front?: string
  email?: string
  birth_date?: string | undefined
} = {}): Promise<number> {
  const address = { country: 'ES', address: 'Gran Vía 1', city: 'Madrid', postal_code: '28013' }
  const body = {
    ...address,
    type: 'company',
    email: `del-${randomUUID()}@example.com`,
    company_name: 'Remesas Sur SL',
    birth_date: '2019-02-28',
    identification_type: 'CIF',
    identification_number: 'A58818501',
    legal_representative: {
      ...address,
      name: 'Ana',
      last_name: 'García López',
      birth_date: '1990-05-17',
      identification_type: 'GOVERNMENT_ID',
      identification_number: '12345678z',
      document_front: front,
      document_back: photo,
      face_image: photo,
    },
    ...over,
  }
  const answer = await platform.api('POST', '/api/registerUser/kyc-delegated', { body })
  if (answer.body.status !== 'ok') throw new Error(`It was refused: ${JSON.stringify(answer.body)}`)
  return answer.body.data.id
}

describe('who failed gets a new form, and gets through it', () => {
  test('a person: the link alone', async () => {
    const { id, formUrl } = await registerCustomer(platform)
    await fail(id)
    const form = await retry(id)
    assert.deepEqual(Object.keys(form), ['kyc_form_url'])
    assert.match(form.kyc_form_url, /\/kyc\/[\w-]{43}$/)
    assert.notEqual(form.kyc_form_url, formUrl)
    assert.deepEqual([(await check(id)).kyc_status, (await check(id)).reasons], ['unused', []])
    assert.deepEqual(await retry(id), form, 'the open form is the form')
    await openKycPage(platform, form.kyc_form_url).fill()
    assert.equal((await decided(id, 'valid')).kyc_level, 'basic')
    const again = await platform.api('POST', '/api/kyc/retry', { body: { user_id: id } })
    assert.equal(again.body.error, 'invalid_field')
  })

  test('a company of register/company: a link with a password of its own', async () => {
    const { id, page: old, password } = await registerCompany(platform)
    await fail(id)
    const form = await retry(id)
    assert.deepEqual(Object.keys(form), ['kyc_form_url', 'password'])
    assert.match(form.kyc_form_url, /\/kyb\/[0-9a-f-]{36}$/)
    assert.match(form.password ?? '', /^\w{12}$/)
    assert.notEqual(form.kyc_form_url, old.link)
    assert.equal((await check(id)).kyc_status, 'unused')
    assert.deepEqual(await retry(id), { kyc_form_url: form.kyc_form_url }, 'a password is told once')
    const page = openKybPage(platform, form.kyc_form_url)
    assert.equal((await page.open(form.password ?? '')).body.data.phase, 'form')
    const elsewhere = openKybPage(platform, form.kyc_form_url)
    assert.equal((await elsewhere.open(password)).body.data, undefined, 'the old password opens nothing')
    assert.equal((await old.view()).phase, 'fail', 'the old link has nothing more to give')
    await page.fill()
    assert.equal((await page.submit()).body.data.phase, 'processing')
    assert.equal((await decided(id, 'valid')).kyc_level, 'basic')
  })

  test('a company by delegation: the form of a company, filled with what was sent of it', async () => {
    const id = await registerDelegatedCompany({ front: small })
    // Nobody has its form open in which it could be mended: what must be mended ends it, with the reasons.
    const { reasons } = await decided(id, 'fail')
    assert.deepEqual(
      reasons.map(({ field, code }: { field: string; code: string }) => [field, code]),
      [['document_front', 'too_small']],
    )
    const form = await retry(id)
    assert.deepEqual(Object.keys(form), ['kyc_form_url', 'password'])
    assert.match(form.kyc_form_url, /\/kyb\/[0-9a-f-]{36}$/)
    assert.equal((await check(id)).kyc_status, 'unused')
    const page = openKybPage(platform, form.kyc_form_url)
    assert.equal((await page.view()).phase, 'password')
    const { data } = (await page.open(form.password ?? '')).body
    assert.equal(data.phase, 'form')
    assert.deepEqual(data.company, {
      company_name: 'Remesas Sur SL',
      country: 'ES',
      identification_type: 'CIF',
      identification_number: 'A58818501',
      legal_form: null,
      incorporation_date: '2019-02-28',
      activity: null,
      website: null,
      address: 'Gran Vía 1',
      postal_code: '28013',
      city: 'Madrid',
    })
    await page.fill({ company: { company_name: 'Remesas Sur S.L.' } })
    await page.submit()
    await decided(id, 'valid')
    const found = (await platform.api('GET', `/api/customers/find?id=${id}`)).body.data
    assert.deepEqual([found.type, found.company_name], ['company', 'Remesas Sur S.L.'])
  })

  test('by require_kyc as well, with the password of a new form', async () => {
    const id = await registerDelegatedCompany({ front: small })
    await decided(id, 'fail')
    const { body } = await order(id)
    assert.equal(body.error, 'require_kyc')
    const { kyc_form_url, password } = body.data
    const page = openKybPage(platform, kyc_form_url)
    assert.equal((await page.open(password)).body.data.phase, 'form')
    assert.deepEqual((await order(id)).body.data, { kyc_form_url }, 'told once')
  })
})

describe('while it is being decided', () => {
  test('a company by delegation sees that, and needs no password for it', async () => {
    const id = await registerDelegatedCompany({ email: `del-${randomUUID()}+kycslow@example.com` })
    const form = await retry(id)
    assert.deepEqual(Object.keys(form), ['kyc_form_url'])
    const page = openKycPage(platform, form.kyc_form_url)
    assert.equal((await page.view()).phase, 'processing')
    const { body } = await platform.api('POST', '/api/kyc/retry', {
      body: { user_id: id, new_password: true },
    })
    assert.deepEqual(body.data, form, 'there is no form to have a password')
  })
})

describe('what must be mended', () => {
  test('of a company on its page is mended on the same link, by the same password', async () => {
    const { id, page, password } = await registerCompany(platform, { tag: 'kycslow' })
    await page.fill()
    await page.submit()
    const reasons = [{ field: 'company_deed', code: 'unreadable' }]
    const body = { user_id: id, outcome: 'mend', reasons }
    const { body: answer } = await platform.api('POST', '/api/sandbox/kyc', { body })
    assert.equal(answer.status, 'ok', JSON.stringify(answer))
    assert.deepEqual(await retry(id), { kyc_form_url: page.link })
    const elsewhere = openKybPage(platform, page.link)
    assert.deepEqual((await elsewhere.open(password)).body.data.asked, ['company_deed'])
    await elsewhere.paper('company_deed')
    assert.equal((await elsewhere.submit()).body.data.phase, 'processing')
    const valid = { user_id: id, outcome: 'valid' }
    await platform.api('POST', '/api/sandbox/kyc', { body: valid })
    assert.equal((await check(id)).kyc_status, 'valid')
    assert.equal((await elsewhere.view()).company.company_name, null, 'nobody needs it there any more')
  })
})

describe('the birth date of a company by delegation is the day on which it was founded', () => {
  test('young or old, but not in the future, and a real day', async () => {
    const now = platform.app.clock.now()
    const day = (offset: number): string =>
      new Date(now.getTime() + offset * 86_400_000).toISOString().slice(0, 10)
    await registerDelegatedCompany({ birth_date: day(0) })
    await registerDelegatedCompany({ birth_date: '1857-05-15' })
    await registerDelegatedCompany({ birth_date: undefined })
    for (const [birth_date, text] of [
      [day(2), /must not be in the future/],
      ['2019-02-30', /must be a real day/],
      ['1099-01-01', /must be a real day/],
      ['28/02/2019', /must be a real day/],
    ] as const) {
      await assert.rejects(registerDelegatedCompany({ birth_date }), ({ message }: Error) => {
        const { error, errors } = JSON.parse(
          message.slice(message.indexOf('{'), message.lastIndexOf('}') + 1),
        )
        assert.deepEqual([error, Object.keys(errors)], ['invalid_field', ['birth_date']])
        assert.match(errors.birth_date[0], text)
        return true
      })
    }
  })

  test('while who represents it must be of age', async () => {
    const files = { document_front: photo, document_back: photo, face_image: photo }
    const address = { country: 'ES', address: 'Gran Vía 1', city: 'Madrid', postal_code: '28013' }
    const paper = { identification_type: 'GOVERNMENT_ID', identification_number: '12345678z' }
    const young = { birth_date: '2020-01-01' }
    const legal_representative = { name: 'Ana', ...address, ...paper, ...files, ...young }
    const answer = await platform.api('POST', '/api/registerUser/kyc-delegated', {
      body: {
        type: 'company',
        email: `del-${randomUUID()}@example.com`,
        company_name: 'Remesas Sur SL',
        identification_type: 'CIF',
        identification_number: 'A58818501',
        ...address,
        ...young,
        legal_representative,
      },
    })
    assert.equal(answer.body.errors.birth_date, undefined)
    assert.match(answer.body.errors['legal_representative.birth_date'][0], /at least 18 years ago/)
  })
})
