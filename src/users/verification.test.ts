import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { eventually, startTestApp, type TestApp } from '../../test/support/app.ts'
import {
  drawDocument,
  openKycPage,
  type RegisteredCustomer,
  registerCustomer,
  TYPED,
} from '../../test/support/kyc.ts'
import { addFaults } from '../providers/faults.ts'
import { CALLBACKS_LANE } from '../providers/simulated/simulator.ts'
import { banCustomer, unbanCustomer } from './ban.ts'
import { findCustomer } from './customer-store.ts'
import { kycExpiryLane } from './kyc-expiry-lane.ts'
import { kycForm } from './kyc-form-url.ts'
import { KYC_LANE, kycLane } from './kyc-lane.ts'
import { openCustomerData } from './personal-data.ts'
import { listReviews, parseReason, refuseVerification, releaseVerification } from './review.ts'

let platform: TestApp
before(async () => {
  platform = await startTestApp({ localChains: false })
})
after(() => platform.stop())

/** Lets time pass until it is so: nobody waits for a provider that takes seconds. */
const inTime = <T>(what: string, probe: () => Promise<T | undefined | null | false>): Promise<T> =>
  eventually(what, async () => {
    const found = await probe()
    if (found) return found
    await platform.app.moveClock(platform.app.clock.offsetMs() + 1_000)
    platform.app.lanes.wake(KYC_LANE, CALLBACKS_LANE)
    return undefined
  })

const status = (customer: RegisteredCustomer, wanted: string) =>
  inTime(`${customer.email} is ${wanted}`, async () => {
    const check = await customer.check()
    return check.kyc_status === wanted && check
  })

/** The customer's events, oldest first, as they will be delivered. */
async function eventsOf({ id }: { id: number }) {
  const { rows } = await platform.app.pool.query(
    'select type, data_sealed, key_wrapped from events where stream = $1 order by created_at, id',
    [`customer:${id}`],
  )
  return rows.map((row) => ({
    type: row.type as string,
    data: JSON.parse(platform.app.secrets.openFor(row.key_wrapped, row.data_sealed).toString('utf8')),
  }))
}

async function verificationOf({ id }: { id: number }) {
  const { rows } = await platform.app.pool.query(
    'select * from verifications where customer_id = $1 order by created_at desc limit 1',
    [id],
  )
  return rows[0]
}

describe('a form that was sent', () => {
  test('is decided valid soon; what was verified is the customer from then on', async () => {
    const customer = await registerCustomer(platform, { country: 'FR' })
    await customer.page.fill({ name: 'Verified', country: 'ES' })
    const check = await status(customer, 'valid')
    assert.deepEqual([check.kyc_level, check.reasons], ['basic', []])
    assert.deepEqual(
      (await eventsOf(customer)).map(({ type, data }) => [type, data.kyc_status, data.user_id]),
      [
        ['KYC_PROCESSING', 'processing', customer.id],
        ['KYC_VALID', 'valid', customer.id],
      ],
    )
    const { integration_id, checks, decided_by } = await verificationOf(customer)
    assert.equal(decided_by, 'simulated')
    assert.ok(checks.some((one: { result: string }) => one.result === 'not_proven'))
    const stored = await findCustomer(platform.app.db, integration_id, customer.id)
    assert.equal(stored?.country, 'ES')
    const { rows } = await platform.app.pool.query('select personal_sealed from customers where id = $1', [
      customer.id,
    ])
    const data = openCustomerData(platform.app.secrets, stored!.keyWrapped!, rows[0].personal_sealed)
    assert.deepEqual(
      [data.name, data.email, data.identification_number],
      ['Verified', customer.email, '12345678Z'],
    )
  })

  test('+kycfail@ is refused for good; a new form begins again', async () => {
    const customer = await registerCustomer(platform, { tag: 'kycfail' })
    await customer.page.fill()
    const { reasons } = await status(customer, 'fail')
    assert.deepEqual(reasons, [
      { field: null, code: 'not_accepted', text: 'The customer cannot be accepted.' },
    ])
    assert.deepEqual(
      (await eventsOf(customer)).map(({ type }) => type),
      ['KYC_PROCESSING', 'KYC_FAIL'],
    )
    assert.equal((await customer.page.view()).phase, 'fail')
    const [first, second] = await Promise.all(
      [1, 2].map(() => platform.api('POST', '/api/kyc/retry', { body: { user_id: customer.id } })),
    )
    assert.equal(first?.body.data.kyc_form_url, second?.body.data.kyc_form_url)
    assert.notEqual(first?.body.data.kyc_form_url, customer.formUrl)
    const { updated_at: _, ...check } = (await customer.check()) as unknown as Record<string, unknown>
    assert.deepEqual(check, {
      user_id: customer.id,
      kyc_status: 'unused',
      kyc_level: 'none',
      reasons: [],
      reinforced: null,
    })
    assert.equal((await openKycPage(platform, first!.body.data.kyc_form_url).view()).data.name, 'Ana')
  })

  test('require_kyc gives a failed customer a new form, and then always the same', async () => {
    const customer = await registerCustomer(platform)
    const { integration_id } = await verificationOf(customer)
    assert.deepEqual(await kycForm(platform.app, integration_id, customer.id), {
      kyc_form_url: customer.formUrl,
    })
    await platform.api('POST', '/api/sandbox/kyc', { body: { user_id: customer.id, outcome: 'fail' } })
    const fresh = await kycForm(platform.app, integration_id, customer.id)
    assert.notEqual(fresh.kyc_form_url, customer.formUrl)
    assert.deepEqual(await kycForm(platform.app, integration_id, customer.id), fresh)
    assert.equal((await customer.check()).kyc_status, 'unused')
  })

  test('a useless photo goes back to the customer, who mends it', async () => {
    const customer = await registerCustomer(platform)
    await customer.page.call('PUT', '/data', TYPED)
    for (const kind of ['document_back', 'face_image']) await customer.page.photo(kind)
    await customer.page.photo('document_front', await drawDocument(120, 80))
    await customer.page.call('POST', '/submit', { declare: true })
    const view = await inTime('it comes back', async () => {
      const now = await customer.page.view()
      return now.phase === 'mend' && now
    })
    assert.deepEqual(
      view.reasons.map(({ field, code }) => [field, code]),
      [['document_front', 'too_small']],
    )
    assert.equal((await customer.check()).kyc_status, 'processing')
    await customer.page.photo('document_front')
    await customer.page.call('POST', '/submit', { declare: true })
    await status(customer, 'valid')
    assert.deepEqual(
      (await eventsOf(customer)).map(({ type, data }) => [type, data.reasons.length]),
      [
        ['KYC_PROCESSING', 0],
        ['KYC_PROCESSING', 1],
        ['KYC_PROCESSING', 0],
        ['KYC_VALID', 0],
      ],
    )
  })
})

describe('a verification that a person decides', () => {
  const inReview = async (over = {}) => {
    const customer = await registerCustomer(platform, { tag: 'kycreview' })
    await customer.page.fill(over)
    await inTime('it is in review', async () => (await customer.page.view()).phase === 'review')
    assert.deepEqual(
      [(await customer.check()).kyc_status, (await customer.check()).reasons],
      ['processing', []],
    )
    const { id } = await verificationOf(customer)
    assert.ok((await listReviews(platform.app)).some((one) => one.id === id))
    return { customer, id }
  }
  const auditOf = async (id: string) =>
    (
      await platform.app.pool.query('select who, why, action, after from audit_log where target = $1', [
        `verification:${id}`,
      ])
    ).rows

  test('released: valid, once, with who and why', async () => {
    const { customer, id } = await inReview()
    const operator = { who: 'eva', why: 'Saw the papers.' }
    const [first, second] = await Promise.all(
      [1, 2].map(() => releaseVerification(platform.app, id, operator)),
    )
    assert.deepEqual([first, second].sort(), [false, true])
    await status(customer, 'valid')
    const audit = await auditOf(id)
    assert.deepEqual(
      audit.map(({ who, why, action }) => [who, why, action]),
      [['eva', 'Saw the papers.', 'verification.release']],
    )
    assert.equal((await verificationOf(customer)).decided_by, 'operator:eva')
    assert.equal(await refuseVerification(platform.app, id, operator), false)
  })

  test('refused for good', async () => {
    const { customer, id } = await inReview()
    assert.equal(await refuseVerification(platform.app, id, { who: 'eva', why: 'Forged.' }), true)
    assert.deepEqual(
      (await status(customer, 'fail')).reasons.map(({ code }) => code),
      ['not_accepted'],
    )
  })

  test('refused in parts: the customer mends them', async () => {
    const { customer, id } = await inReview()
    const reasons = [parseReason('document_front:document_cropped')!]
    assert.equal(await refuseVerification(platform.app, id, { who: 'eva', why: 'Cut off.', reasons }), true)
    assert.equal((await customer.page.view()).phase, 'mend')
    assert.deepEqual(
      (await customer.check()).reasons.map(({ field, code }) => [field, code]),
      [['document_front', 'document_cropped']],
    )
  })

  test('nobody’s verification is neither released nor refused', async () => {
    assert.equal(await releaseVerification(platform.app, 'ver_nope', { who: 'eva', why: '-' }), false)
    assert.deepEqual(parseReason('not_accepted'), { field: null, code: 'not_accepted' })
    for (const text of ['', 'nope', 'document_front:nope', 'nope:blurred', 'toString'])
      assert.equal(parseReason(text), undefined)
  })
})

describe('the sandbox control', () => {
  const decide = async (user_id: number, body: object, options = {}) =>
    (await platform.api('POST', '/api/sandbox/kyc', { body: { user_id, ...body }, ...options })).body

  test('decides at once, whether the form was filled in or not', async () => {
    for (const [outcome, expected] of [
      ['valid', 'valid'],
      ['fail', 'fail'],
      ['review', 'processing'],
      ['mend', 'processing'],
    ]) {
      const customer = await registerCustomer(platform)
      const { data } = await decide(customer.id, { outcome })
      assert.equal(data.kyc_status, expected)
      assert.equal((await customer.check()).kyc_status, expected)
    }
  })

  test('a form that was never sent and is sent back asks for all that is missing', async () => {
    const customer = await registerCustomer(platform)
    await decide(customer.id, { outcome: 'mend' })
    const view = await customer.page.view()
    assert.equal(view.phase, 'mend')
    assert.ok(
      !view.asked.includes('name') && view.asked.includes('last_name') && view.asked.includes('country'),
    )
    const { name: _, ...missing } = TYPED
    const asked = Object.fromEntries(
      Object.entries(missing).filter(([field]) => view.asked.includes(field as 'city')),
    )
    assert.equal((await customer.page.call('PUT', '/data', asked)).status, 200)
    for (const { field } of view.reasons) {
      if (field?.startsWith('document_') || field === 'face_image') await customer.page.photo(field)
    }
    assert.equal(
      (await customer.page.call('POST', '/submit', { declare: true })).body.data?.phase,
      'processing',
    )
  })

  test('a failed customer can be made valid, a valid one stays valid', async () => {
    const customer = await registerCustomer(platform)
    await decide(customer.id, { outcome: 'fail', reasons: [{ code: 'too_young', field: 'birth_date' }] })
    assert.deepEqual(
      (await customer.check()).reasons.map(({ code }) => code),
      ['too_young'],
    )
    assert.equal((await decide(customer.id, { outcome: 'valid' })).data.kyc_status, 'valid')
    assert.equal((await decide(customer.id, { outcome: 'valid' })).data.kyc_status, 'valid')
    assert.equal((await decide(customer.id, { outcome: 'fail' })).error, 'invalid_field')
    assert.equal((await customer.check()).kyc_level, 'basic')
    const retry = await platform.api('POST', '/api/kyc/retry', { body: { user_id: customer.id } })
    assert.equal(retry.body.error, 'invalid_field')
  })

  test('overtakes the provider, whose decision is then too late', async () => {
    const customer = await registerCustomer(platform)
    await customer.page.fill()
    await decide(customer.id, { outcome: 'fail' })
    await platform.app.moveClock(platform.app.clock.offsetMs() + 10_000)
    await eventually('the provider has told', async () => {
      const { rows } = await platform.app.pool.query('select 1 from simulated.callbacks')
      return rows.length === 0
    })
    assert.equal((await customer.check()).kyc_status, 'fail')
  })

  test('another integration’s customer, unknown words, nothing to mend: refused', async () => {
    const customer = await registerCustomer(platform)
    const token = await platform.authenticate('sandbox-key-2', 'sandbox-secret-2')
    assert.equal((await decide(customer.id, { outcome: 'valid' }, { token })).error, 'user_not_found')
    assert.equal((await decide(customer.id, { outcome: 'maybe' })).error, 'invalid_field')
    assert.equal((await decide(customer.id, {})).error, 'fail_mandatory_field')
    assert.equal(
      (await decide(customer.id, { outcome: 'mend', reasons: [{ code: 'not_accepted' }] })).error,
      'invalid_field',
    )
    assert.equal(
      (await decide(customer.id, { outcome: 'mend', reasons: [{ code: 'x' }] })).error,
      'invalid_field',
    )
    assert.equal((await customer.check()).kyc_status, 'unused')
  })
})

describe('when the provider fails', () => {
  test('errors and lost answers are mended by trying again: one application, one decision', async () => {
    for (const kind of ['fail', 'lost_answer', 'fail'] as const) {
      await addFaults(platform.app, { provider: 'kyc', kind, count: 1 })
    }
    const customer = await registerCustomer(platform)
    await customer.page.fill()
    await status(customer, 'valid')
    assert.deepEqual(
      (await eventsOf(customer)).map(({ type }) => type),
      ['KYC_PROCESSING', 'KYC_VALID'],
    )
    const { id } = await verificationOf(customer)
    const { rows } = await platform.app.pool.query(
      `select count(*)::int as n from simulated.kyc_applications where idempotency_key like $1`,
      [`${id}:%`],
    )
    assert.equal(rows[0].n, 1)
  })

  test('a refusal of the provider is left to a person, with the reason', async () => {
    await addFaults(platform.app, { provider: 'kyc', kind: 'reject', count: 1 })
    const customer = await registerCustomer(platform)
    await customer.page.fill()
    await inTime('it is in review', async () => (await customer.page.view()).phase === 'review')
    const { checks } = await verificationOf(customer)
    assert.match(checks.at(-1).detail, /refused/)
  })

  test('a callback that nobody signed is refused: 401', async () => {
    const { status: code, body } = await platform.api('POST', '/providers/kyc/callback', {
      token: null,
      body: { notifications: [{ id: 'x', type: 'verification.decided', providerRef: 'y' }] },
    })
    assert.deepEqual([code, body.error], [401, 'authorization_incorrect'])
  })
})

test('two processes work on the same verifications and decide each once', async () => {
  const customers = await Promise.all(Array.from({ length: 6 }, () => registerCustomer(platform)))
  for (const customer of customers) await customer.page.fill()
  const lanes = [kycLane(platform.app), kycLane(platform.app), kycExpiryLane(platform.app)]
  for (const customer of customers) {
    await inTime('valid', async () => {
      await Promise.all(lanes.map((lane) => lane.step()))
      return (await customer.check()).kyc_status === 'valid'
    })
    assert.deepEqual(
      (await eventsOf(customer)).map(({ type }) => type),
      ['KYC_PROCESSING', 'KYC_VALID'],
    )
  }
})

test('a ban is recorded with who and why, and lifted', async () => {
  const customer = await registerCustomer(platform)
  const who = { who: 'eva', why: 'Chargebacks.' }
  assert.ok((await banCustomer(platform.app, customer.id, who))?.bannedAt)
  await banCustomer(platform.app, customer.id, who)
  assert.equal((await unbanCustomer(platform.app, customer.id, { who: 'eva', why: 'Paid.' }))?.bannedAt, null)
  assert.equal(await banCustomer(platform.app, 999_999_999, who), undefined)
  const { rows } = await platform.app.pool.query(
    'select action, why from audit_log where target = $1 order by id',
    [`customer:${customer.id}`],
  )
  assert.deepEqual(
    rows.map(({ action, why }) => [action, why]),
    [
      ['customer.ban', 'Chargebacks.'],
      ['customer.unban', 'Paid.'],
    ],
  )
})

test('without a vendor a person decides each one', async () => {
  const own = await startTestApp({ localChains: false, env: { KYC_PROVIDER: 'operator' } })
  try {
    const customer = await registerCustomer(own)
    await customer.page.fill()
    await eventually('it is in review', async () => (await customer.page.view()).phase === 'review')
    const [review] = await listReviews(own.app)
    assert.ok(await releaseVerification(own.app, review!.id, { who: 'eva', why: 'All is well.' }))
    assert.equal((await customer.check()).kyc_status, 'valid')
  } finally {
    await own.stop()
  }
})
