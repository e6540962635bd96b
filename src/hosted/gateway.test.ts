import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { ApiAnswer } from '../../test/support/app.ts'
import {
  addCustomer,
  CARDS,
  checkBooks,
  getPayment,
  openBrowser,
  type PaymentWorld,
  startPaymentWorld,
  useCard,
  WALLET,
} from '../../test/support/payments.ts'
import { cancelSession } from '../providers/card/simulated/session.ts'
import { addFaults } from '../providers/faults.ts'

let t: PaymentWorld

before(async () => {
  t = await startPaymentWorld()
})
after(async () => {
  await checkBooks(t.app)
  await t.stop()
})

interface Created {
  id: string
  /** Path and query of the gateway's address. */
  gateway: string
  token: string
}

async function create(paymentType: string): Promise<Created> {
  const body = {
    user_id: await addCustomer(t.app),
    payment_type: paymentType,
    fiat_symbol: 'EUR',
    fiat_amount: '150.50',
    coin_symbol: 'USDC',
    coin_chain: 'polygon',
    wallet: WALLET,
    callback_url: 'https://shop.example.com/thanks',
  }
  const { data } = (await t.api('POST', '/api/createPayment', { body })).body
  const url = new URL(data.url_payment ?? data.gateway_url)
  return { id: data.payment_id, gateway: url.pathname + url.search, token: url.searchParams.get('token')! }
}

const visit = (gateway: string): Promise<ApiAnswer> => t.api('GET', gateway, { token: null })

const openByToken = (token: string): Promise<ApiAnswer> =>
  t.api('POST', '/hosted/payment/open', {
    token: null,
    headers: { 'x-page': '1' },
    body: { gateway_token: token },
  })

function assertPage({ status, headers, body }: ApiAnswer, wanted: number): void {
  assert.equal(status, wanted)
  assert.match(headers.get('content-type') ?? '', /^text\/html/)
  assert.equal(headers.get('cache-control'), 'no-store')
  assert.equal(headers.get('referrer-policy'), 'no-referrer')
  assert.match(headers.get('content-security-policy') ?? '', /default-src 'none'/)
  assert.match(body, /<script type="module"/)
}

async function giveUp(id: string): Promise<void> {
  const { providerRef } = await t.app.db
    .selectFrom('paymentSessions')
    .select('providerRef')
    .where('paymentId', '=', id)
    .orderBy('createdAt', 'desc')
    .limit(1)
    .executeTakeFirstOrThrow()
  assert.ok(await cancelSession(t.app.db, providerRef!, t.app.clock.now()))
  await t.settle()
}

describe('GET /gateway/<method>?token=', () => {
  for (const [type, page] of [
    ['card', '/simulators/card/'],
    ['psd2', '/simulators/bank/'],
  ] as const) {
    test(`303 ${type}: on to the provider's own page, the same one again and again`, async () => {
      const { gateway } = await create(type)
      const first = await visit(gateway)
      assert.equal(first.status, 303)
      assert.ok(first.headers.get('location')?.includes(page))
      assert.equal(first.headers.get('cache-control'), 'no-store')
      assert.equal((await visit(gateway)).headers.get('location'), first.headers.get('location'))
    })
  }

  test('303 after the customer gave up there: a new session', async () => {
    const { id, gateway } = await create('card')
    const first = await visit(gateway)
    await giveUp(id)
    const second = await visit(gateway)
    assert.equal(second.status, 303)
    assert.notEqual(second.headers.get('location'), first.headers.get('location'))
  })

  test('the browser that was sent on owns the page it comes back to, and goes back to the shop from there', async () => {
    const { id, gateway } = await create('card')
    const page = openBrowser(t, id)
    page.cookie = (await visit(gateway)).headers.get('set-cookie')
    await useCard(t.app, id)
    const { body } = await page.call('POST', '/open')
    assert.deepEqual([body.data.access, body.data.status], ['owner', 'payment_received'])
    assert.match(
      body.data.callback_url,
      /^https:\/\/shop\.example\.com\/thanks\?payment_id=.+status=payment_received$/,
    )
    assertPage(await visit(gateway), 200)
  })

  test('who has the payment’s id alone is no owner, however early', async () => {
    const { id, gateway } = await create('card')
    const stranger = openBrowser(t, id)
    assert.equal((await stranger.call('POST', '/open')).body.data.access, 'viewer')
    assert.equal(stranger.cookie, null)
    await visit(gateway)
    assert.equal((await openBrowser(t, id).call('POST', '/open')).body.data.access, 'viewer')
  })

  test('a messenger that looks at the link takes the page from nobody, nor from a device it was handed to', async () => {
    const { id, gateway } = await create('card')
    const customer = openBrowser(t, id)
    customer.cookie = (await visit(gateway)).headers.get('set-cookie')
    await visit(gateway)
    assert.equal((await customer.call('GET', '')).body.data.access, 'owner')
    const { url } = (await customer.call('POST', '/handover')).body.data
    const phone = openBrowser(t, id)
    await phone.call('POST', '/open', { handover: new URL(url).hash.slice(3) })
    await visit(gateway)
    assert.equal((await phone.call('GET', '')).body.data.access, 'owner')
  })

  test('404 with a page: an unknown token, none, or that of another method', async () => {
    const { gateway, token } = await create('card')
    for (const path of [
      '/gateway/card?token=7d8a4c1e-5b0f-4a53-9f0e-2f6b8f0d9c11',
      '/gateway/card',
      `/gateway/card?token=${token}&token=${token}`,
      gateway.replace('/card', '/psd2'),
      gateway.replace('/card', '/nothing'),
      '/gateway/transfer?token=x',
    ]) {
      const answer = await visit(path)
      assertPage(answer, 404)
      assert.equal(answer.headers.get('set-cookie'), null)
    }
  })

  test('410 with a page: cancelled, expired, rejected', async () => {
    const cancelled = await create('card')
    await t.api('POST', `/api/payment/${cancelled.id}/cancel`)
    assertPage(await visit(cancelled.gateway), 410)
    assert.equal((await openByToken(cancelled.token)).body.data.status, 'cancelled')

    const rejected = await create('card')
    for (let time = 1; time <= 5; time += 1) await useCard(t.app, rejected.id, CARDS.declined)
    await t.settle()
    assertPage(await visit(rejected.gateway), 410)
    const { data } = (await openByToken(rejected.token)).body
    assert.deepEqual([data.status, data.status_reason], ['payment_rejected', 'declined'])

    const expired = await create('card')
    await t.advance(31 * 60_000)
    // The lane that ends it has not been there yet.
    assertPage(await visit(expired.gateway), 409)
    await t.settle()
    assertPage(await visit(expired.gateway), 410)
  })

  for (const kind of ['fail', 'reject', 'lost_answer'] as const) {
    test(`502 with a page from which it is tried again: ${kind}`, async () => {
      const { id, gateway, token } = await create('card')
      await giveUp(id)
      await addFaults(t.app, { provider: 'card', kind, count: 1 })
      assertPage(await visit(gateway), 502)
      const opened = await openByToken(token)
      const view = opened.body.data
      assert.ok(view.allowed.includes('pay'), JSON.stringify(view.allowed))
      // Where it is not known whether the provider began it, it is gone on with.
      assert.equal(view.session.state, kind === 'lost_answer' ? 'open' : 'failed')
      const page = openBrowser(t, id)
      page.cookie = opened.headers.get('set-cookie')
      const { body } = await page.call('POST', '/pay')
      assert.match(body.data.redirect_url, /\/simulators\/card\//)
      await useCard(t.app, id)
      await t.settle()
      assert.equal((await getPayment(t, id)).status, 'payment_received')
    })
  }

  test('too many visits from one address: 429, with a page', async () => {
    const { gateway } = await create('card')
    const take = t.app.rateLimiter.take
    t.app.rateLimiter.take = () => ({ allowed: false, remaining: 0, resetSeconds: 30 })
    const answer = await visit(gateway)
    t.app.rateLimiter.take = take
    assertPage(answer, 429)
  })
})

describe('POST /hosted/payment/open', () => {
  test('by transfer: our page, with the instructions that createPayment answered, and “I have sent it”', async () => {
    const { id, gateway, token } = await create('transfer')
    assertPage(await visit(gateway), 200)
    const opened = await openByToken(token)
    const { data } = opened.body
    assert.deepEqual([data.payment_id, data.access, data.method_fixed], [id, 'owner', true])
    const { bank_transfer: told } = await getPayment(t, id)
    assert.deepEqual(
      [
        data.bank_transfer.iban,
        data.bank_transfer.bic,
        data.bank_transfer.concept,
        data.bank_transfer.holder,
      ],
      [told.iban, told.bic, String(told.concept), told.destination_name],
    )
    assert.ok(data.allowed.includes('say_sent'))
    assert.ok(!data.allowed.includes('set_wallet') && !data.allowed.includes('choose_method'))
    const page = openBrowser(t, id)
    page.cookie = opened.headers.get('set-cookie')
    assert.match(page.cookie!, new RegExp(`Path=/hosted/payment/${id}; .*HttpOnly; SameSite=Lax$`))
    assert.equal((await page.call('POST', '/sent')).body.data.status, 'pending_bank')
    const payment = await getPayment(t, id)
    assert.equal(Date.parse(payment.expires_at) - Date.parse(payment.updated_at), 10 * 86_400_000)
  })

  test('whoever has the token becomes the owner, beside who has it already', async () => {
    const { id, token } = await create('transfer')
    const pages = await Promise.all(
      [1, 2].map(async () => {
        const page = openBrowser(t, id)
        page.cookie = (await openByToken(token)).headers.get('set-cookie')
        return page
      }),
    )
    for (const page of pages) assert.equal((await page.call('GET', '')).body.data.access, 'owner')
  })

  test('404 an unknown token; 422 none; 403 without the page’s header', async () => {
    const unknown = await openByToken('nothing')
    assert.deepEqual([unknown.status, unknown.body.error], [404, 'payment_not_found'])
    const headers = { 'x-page': '1' }
    const none = await t.api('POST', '/hosted/payment/open', { token: null, headers, body: {} })
    assert.deepEqual([none.status, none.body.error], [422, 'fail_mandatory_field'])
    const { token } = await create('transfer')
    const bare = await t.api('POST', '/hosted/payment/open', { token: null, body: { gateway_token: token } })
    assert.deepEqual([bare.status, bare.body.error], [403, 'page_header_missing'])
  })
})
