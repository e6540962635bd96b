import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import {
  addCustomer,
  CARDS,
  checkBooks,
  createGuided,
  getPayment,
  openAsOwner,
  openBrowser,
  type PaymentWorld,
  sendTransfer,
  startPaymentWorld,
  useCard,
  WALLET,
} from '../../test/support/payments.ts'
import { addFaults } from '../providers/faults.ts'
import { SANDBOX_BLOCKED_WALLET } from '../providers/screening/block-list.ts'
import type { PaymentView } from './wire.ts'

let t: PaymentWorld

before(async () => {
  t = await startPaymentWorld()
})
after(async () => {
  await checkBooks(t.app)
  await t.stop()
})

const newPayment = async (changes: Record<string, unknown> = {}) =>
  createGuided(t, await addCustomer(t.app), changes)

describe('POST /hosted/payment/{id}/open', () => {
  test('the first browser becomes the owner; the next one sees masked data and may do nothing', async () => {
    const id = await newPayment({ callback_url: 'https://shop.example.com/thanks?lang=es' })
    const owner = await openAsOwner(t, id)
    assert.match(owner.cookie!, new RegExp(`Path=/hosted/payment/${id}; .*HttpOnly; SameSite=Lax$`))
    const mine: PaymentView = (await owner.call('GET', '')).body.data
    assert.equal(mine.wallet.address, WALLET)
    assert.equal(mine.callback_url, `https://shop.example.com/thanks?lang=es&payment_id=${id}&status=started`)
    const other = openBrowser(t, id)
    const { body } = await other.call('POST', '/open')
    const view: PaymentView = body.data
    assert.equal(view.access, 'viewer')
    assert.equal(view.wallet.address, '0x5aAe…eAed')
    assert.deepEqual([view.allowed, view.callback_url, view.sandbox, view.methods], [[], null, null, []])
    assert.equal(other.cookie, null)
    for (const path of ['/pay', '/cancel', '/handover']) {
      const refused = await other.call('POST', path)
      assert.deepEqual([refused.status, refused.body.error], [403, 'not_the_owner'], path)
    }
  })

  test('404 a payment that does not exist; 403 without the page’s header', async () => {
    const unknown = await openBrowser(t, 'nope').call('POST', '/open')
    assert.deepEqual([unknown.status, unknown.body.error], [404, 'payment_not_found'])
    const id = await newPayment()
    const bare = await t.api('POST', `/hosted/payment/${id}/open`, { body: {}, token: null })
    assert.deepEqual([bare.status, bare.body.error], [403, 'page_header_missing'])
  })

  test('a hand-over link makes another device the owner, once', async () => {
    const id = await newPayment()
    const first = await openAsOwner(t, id)
    const { url } = (await first.call('POST', '/handover')).body.data
    const code = new URL(url).hash.replace('#h=', '')
    const second = openBrowser(t, id)
    assert.equal((await second.call('POST', '/open', { handover: code })).body.data.access, 'owner')
    assert.equal((await first.call('GET', '')).body.data.access, 'viewer')
    const again = await openBrowser(t, id).call('POST', '/open', { handover: code })
    assert.deepEqual([again.status, again.body.error], [410, 'handover_expired'])
    const expired = (await second.call('POST', '/handover')).body.data
    await t.advance(11 * 60_000)
    const late = await openBrowser(t, id).call('POST', '/open', {
      handover: new URL(expired.url).hash.slice(3),
    })
    assert.equal(late.body.error, 'handover_expired')
  })
})

describe('the view', () => {
  test('amount = fees + tokens × rate, each fee by itself', async () => {
    const page = await openAsOwner(t, await newPayment({ wallet: undefined }))
    const view: PaymentView = (await page.call('GET', '')).body.data
    const cents = (text: string) => Math.round(Number(text) * 100)
    assert.equal(
      view.price.fees.reduce((sum, fee) => sum + cents(fee.amount.amount), 0),
      cents(view.price.fees_total.amount),
    )
    const worth = Number(view.price.token.amount) * Number(view.price.rate)
    assert.ok(Math.abs(worth + Number(view.price.fees_total.amount) - 150.5) < 0.01)
    assert.deepEqual(
      view.price.fees.map(({ kind }) => kind),
      ['percent', 'fixed', 'spread', 'network'],
    )
    assert.equal(view.price.fees[0]!.percent, '2.50')
    assert.equal(view.price.kind, 'fixed')
    assert.deepEqual(
      view.methods.map(({ payment_type, unavailable }) => [payment_type, unavailable]),
      [
        ['card', null],
        ['psd2', null],
        ['transfer', null],
      ],
    )
    assert.deepEqual(view.allowed, ['choose_method', 'set_wallet', 'cancel', 'hand_over'])
    assert.equal(view.wallet.address, null)
  })

  test('a long poll answers when something changes, and not before', async () => {
    const id = await newPayment({ wallet: undefined })
    const page = await openAsOwner(t, id)
    const { version } = (await page.call('GET', '')).body.data
    let answered = false
    const waiting = page.call('GET', `?after=${version}`).then((answer) => {
      answered = true
      return answer
    })
    const changed = await page.call('POST', '/method', { payment_type: 'transfer' })
    assert.equal(changed.body.data.payment_type, 'transfer')
    const { body } = await waiting
    assert.ok(answered)
    assert.notEqual(body.data.version, version)
    assert.equal(body.data.version, changed.body.data.version)
  })
})

describe('wallet', () => {
  test('is checked as typed, set, and frozen once a provider’s session is out', async () => {
    const id = await newPayment({ wallet: undefined })
    const page = await openAsOwner(t, id)
    const check = async (wallet: string) => (await page.call('POST', '/wallet/check', { wallet })).body.data
    assert.deepEqual(await check(WALLET.toLowerCase()), { ok: true, address: WALLET, problem: null })
    assert.equal((await check('bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq')).problem, 'wrong_chain')
    assert.equal((await check(SANDBOX_BLOCKED_WALLET)).problem, 'blocked')
    assert.equal((await check('0x00000000000000000000000000000000000000A1')).problem, 'our_own')
    const tooEarly = await page.call('POST', '/pay')
    assert.deepEqual([tooEarly.status, tooEarly.body.error], [409, 'action_not_allowed'])
    const wrong = await page.call('POST', '/wallet', { wallet: `${WALLET.slice(0, -1)}D`, confirm: true })
    assert.deepEqual(
      [wrong.status, wrong.body.error, wrong.body.errors.wallet],
      [422, 'invalid_wallet', ['checksum']],
    )
    const blocked = await page.call('POST', '/wallet', { wallet: SANDBOX_BLOCKED_WALLET, confirm: true })
    assert.deepEqual([blocked.status, blocked.body.error], [403, 'wallet_blocked'])
    const unconfirmed = await page.call('POST', '/wallet', { wallet: WALLET, confirm: false })
    assert.deepEqual([unconfirmed.status, unconfirmed.body.error], [422, 'invalid_field'])
    assert.equal((await page.call('POST', '/wallet', { wallet: WALLET, confirm: true })).status, 200)
    assert.match((await page.call('POST', '/pay')).body.data.redirect_url, /\/simulators\/card\//)
    const frozen = await page.call('POST', '/wallet', { wallet: WALLET, confirm: true })
    assert.equal(frozen.body.error, 'action_not_allowed')
  })

  test('given at creation it is not asked for', async () => {
    const page = await openAsOwner(t, await newPayment())
    const { wallet, allowed } = (await page.call('GET', '')).body.data
    assert.equal(wallet.fixed, true)
    assert.ok(!allowed.includes('set_wallet'))
  })
})

describe('card', () => {
  test('the same page again until paid; paid, the coins are on their way', async () => {
    const id = await newPayment()
    const page = await openAsOwner(t, id)
    const first = (await page.call('POST', '/pay')).body.data
    const again = (await page.call('POST', '/pay')).body.data
    assert.equal(again.redirect_url, first.redirect_url)
    assert.equal(again.view.session.state, 'open')
    await useCard(t.app, id)
    // Back from the provider's page: it is asked at once, before any notification.
    const { body } = await page.call('POST', '/open')
    assert.equal(body.data.status, 'payment_received')
    assert.equal(body.data.delivery.state, 'sending')
    assert.deepEqual(body.data.received.total, { amount: '150.50', currency: 'EUR' })
    assert.deepEqual(body.data.allowed, [])
    await t.settle()
    assert.equal((await getPayment(t, id)).status, 'payment_received')
  })

  test('declined: why, and another try; five times: rejected', async () => {
    const id = await newPayment()
    const page = await openAsOwner(t, id)
    await page.call('POST', '/pay')
    await useCard(t.app, id, CARDS.declined)
    const declined: PaymentView = (await page.call('POST', '/open')).body.data
    assert.deepEqual(declined.session, { state: 'declined', decline_code: 'card_declined', tries_left: 4 })
    assert.ok(declined.allowed.includes('pay'))
    for (let tries = 0; tries < 4; tries += 1) await useCard(t.app, id, CARDS.declined)
    await t.settle()
    const rejected: PaymentView = (await page.call('GET', '')).body.data
    assert.deepEqual([rejected.status, rejected.status_reason], ['payment_rejected', 'declined'])
  })

  test('a price that ran out is shown anew and has to be accepted', async () => {
    const id = await newPayment()
    const page = await openAsOwner(t, id)
    await t.advance(11 * 60_000)
    const refused = await page.call('POST', '/pay')
    assert.deepEqual([refused.status, refused.body.error], [409, 'quote_expired'])
    const view: PaymentView = (await page.call('GET', '')).body.data
    assert.ok(view.new_price)
    assert.ok(view.allowed.includes('accept_price') && !view.allowed.includes('pay'))
    const wrong = await page.call('POST', '/price/accept', { offer_id: view.price.offer_id })
    assert.equal(wrong.body.error, 'invalid_field')
    const accepted = await page.call('POST', '/price/accept', { offer_id: view.new_price.offer_id })
    assert.equal(accepted.body.data.price.rate, view.new_price.rate)
    assert.equal(accepted.body.data.new_price, null)
    assert.equal((await page.call('POST', '/pay')).status, 200)
    await t.advance(11 * 60_000)
    // The session began while the price held: it is honoured.
    assert.equal((await page.call('GET', '')).body.data.new_price, null)
    await useCard(t.app, id)
    await t.settle()
    const paid = await getPayment(t, id)
    assert.equal(paid.status, 'payment_received')
    assert.equal(paid.price, view.new_price.rate)
  })

  test('an offer that ran out itself is refused', async () => {
    const page = await openAsOwner(t, await newPayment())
    await t.advance(11 * 60_000)
    const { new_price: offer } = (await page.call('GET', '')).body.data
    await t.advance(61_000)
    const late = await page.call('POST', '/price/accept', { offer_id: offer.offer_id })
    assert.deepEqual([late.status, late.body.error], [409, 'quote_expired'])
  })

  test('cancelled by the customer; who paid at the same moment has paid', async () => {
    const cancelled = await openAsOwner(t, await newPayment())
    await cancelled.call('POST', '/pay')
    assert.equal((await cancelled.call('POST', '/cancel')).body.data.status, 'cancelled')
    const id = await newPayment()
    const paid = await openAsOwner(t, id)
    await paid.call('POST', '/pay')
    await useCard(t.app, id)
    const refused = await paid.call('POST', '/cancel')
    assert.deepEqual([refused.status, refused.body.error], [409, 'action_not_allowed'])
    assert.equal((await getPayment(t, id)).status, 'payment_received')
  })
})

describe('what keeps a customer from paying', () => {
  test('502 when the provider refuses, and the next try may succeed', async () => {
    const page = await openAsOwner(t, await newPayment())
    await addFaults(t.app, { provider: 'card', kind: 'reject', count: 1 })
    const refused = await page.call('POST', '/pay')
    assert.deepEqual([refused.status, refused.body.error], [502, 'error_payment_creation'])
    assert.equal((await page.call('POST', '/pay')).status, 200)
  })

  test('503 when the coins can’t be delivered by now, whatever the method', async () => {
    const pages = [
      await openAsOwner(t, await newPayment({ coin_symbol: 'ETH' })),
      await openAsOwner(t, await newPayment({ coin_symbol: 'ETH', payment_type: 'transfer' })),
    ]
    await t.app.db
      .insertInto('doors')
      .values({
        door: 'wallet:polygon:0x00000000000000000000000000000000000000A1',
        haltedAt: t.app.clock.now(),
        haltedReason: 'a test',
      })
      .execute()
    await t.app.pricing.availability.refresh()
    for (const page of pages) {
      const refused = await page.call('POST', '/pay')
      assert.deepEqual([refused.status, refused.body.error], [503, 'coin_unavailable'])
    }
    await t.app.db.deleteFrom('doors').execute()
    await t.app.pricing.availability.refresh()
  })

  test('409 when its time is over, before the lane has been there', async () => {
    const page = await openAsOwner(t, await newPayment())
    await t.advance(31 * 60_000)
    for (const path of ['/pay', '/cancel']) {
      const refused = await page.call('POST', path)
      assert.deepEqual([refused.status, refused.body.error], [409, 'action_not_allowed'], path)
    }
    assert.deepEqual((await page.call('GET', '')).body.data.allowed, [])
  })

  test('403 a banned customer chooses no other method', async () => {
    const customer = await addCustomer(t.app)
    const page = await openAsOwner(t, await createGuided(t, customer))
    await t.app.db
      .updateTable('customers')
      .set({ bannedAt: t.app.clock.now() })
      .where('id', '=', customer)
      .execute()
    const refused = await page.call('POST', '/method', { payment_type: 'transfer' })
    assert.deepEqual([refused.status, refused.body.error], [403, 'user_banned'])
  })
})

describe('bank transfer', () => {
  test('instructions, “I have sent it”, and the money finds its payment', async () => {
    const id = await newPayment({ payment_type: 'transfer' })
    const page = await openAsOwner(t, id)
    const before: PaymentView = (await page.call('GET', '')).body.data
    assert.deepEqual([before.bank_transfer, before.price.kind], [null, 'estimate'])
    const { redirect_url: url, view } = (await page.call('POST', '/pay')).body.data
    assert.equal(url, null)
    const { iban, concept, amount } = view.bank_transfer
    assert.deepEqual(amount, { amount: '150.50', currency: 'EUR' })
    assert.ok(view.allowed.includes('say_sent'))
    const sent: PaymentView = (await page.call('POST', '/sent')).body.data
    assert.deepEqual([sent.status, sent.allowed], ['pending_bank', ['hand_over']])
    await sendTransfer(t.app, { iban, amount: '150.50', concept: `pago ${concept}` })
    await t.settle()
    const paid = await getPayment(t, id)
    assert.equal(paid.status, 'payment_received')
    assert.equal(paid.holder.name, 'Ana Pérez García')
    assert.equal(paid.bank_transfer.concept, Number(concept))
  })

  test('another method may still be chosen; then the instructions are gone', async () => {
    const id = await newPayment({ payment_type: 'transfer' })
    const page = await openAsOwner(t, id)
    await page.call('POST', '/pay')
    const { body } = await page.call('POST', '/method', { payment_type: 'card' })
    assert.deepEqual([body.data.payment_type, body.data.bank_transfer], ['card', null])
    assert.equal((await page.call('POST', '/sent')).body.error, 'action_not_allowed')
    const unknown = await page.call('POST', '/method', { payment_type: 'khipu' })
    assert.deepEqual([unknown.status, unknown.body.error], [403, 'method_not_allowed'])
  })
})

describe('open banking', () => {
  test('goes to the bank’s page, and ends the card’s session that was begun', async () => {
    const id = await newPayment()
    const page = await openAsOwner(t, id)
    await page.call('POST', '/pay')
    await page.call('POST', '/method', { payment_type: 'psd2' })
    const [card] = await t.app.db
      .selectFrom('paymentSessions')
      .selectAll()
      .where('paymentId', '=', id)
      .execute()
    assert.equal(card?.state, 'cancelled')
    const { redirect_url: url, view } = (await page.call('POST', '/pay')).body.data
    assert.match(url, /\/simulators\/bank\//)
    assert.equal(view.bank_transfer, null)
  })
})
