import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import {
  addCustomer,
  CARDS,
  checkBooks,
  createGuided,
  effectsOf,
  endCoins,
  eventsOf,
  findIban,
  getPayment,
  type PaymentWorld,
  payCard,
  rowOf,
  sendTransfer,
  setSettings,
  settleRefunds,
  startPaymentWorld,
  takeInstructions,
  useCard,
} from '../../test/support/payments.ts'
import { DEFAULT_SETTINGS } from '../common/integration.ts'
import { addFaults } from '../providers/faults.ts'
import { cancel } from './cancel-payment.ts'
import { conceptOf } from './concept.ts'
import { applySessionNews } from './session-news.ts'
import { startSession } from './start-session.ts'

const DAY_MS = 86_400_000

let t: PaymentWorld

before(async () => {
  t = await startPaymentWorld()
})
beforeEach(() => setSettings(t, ({ brand }) => ({ ...DEFAULT_SETTINGS, brand })))
after(async () => {
  await checkBooks(t.app)
  await t.stop()
})

const newTransfer = async (changes: Record<string, unknown> = {}) => {
  const id = await createGuided(t, await addCustomer(t.app), {
    fiat_amount: '100.00',
    payment_type: 'transfer',
    ...changes,
  })
  return { id, ...(await takeInstructions(t, id)) }
}

async function send(
  payment: { iban: string; concept: string },
  amount: string,
  name?: string,
): Promise<void> {
  await sendTransfer(t.app, { ...payment, amount, ...(name ? { name } : {}) })
  await t.settle()
}

const policy = (change: Partial<typeof DEFAULT_SETTINGS.mismatch>) =>
  setSettings(t, (settings) => ({ ...settings, mismatch: { ...settings.mismatch, ...change } }))

describe('a bank transfer', () => {
  test('exact: received and converted at the price of the moment it was booked', async () => {
    const payment = await newTransfer()
    const before = await getPayment(t, payment.id)
    assert.deepEqual([before.price_fixed_at, before.price_expires_at], [null, null])
    await t.advance(DAY_MS)
    await send(payment, '100.00')
    const paid = await getPayment(t, payment.id)
    assert.equal(paid.status, 'payment_received')
    const now = t.app.pricing.prices.current('USDC', 'EUR')!
    assert.equal(paid.price, now.text)
    assert.deepEqual(await eventsOf(t.app, payment.id), ['PAY_IN'])
    assert.deepEqual(
      (await effectsOf(t.app, payment.id)).map(({ kind, state }) => [kind, state]),
      [['coin_transfer', 'planned']],
    )
  })

  test('99.20 of 100.00: filled at what arrived', async () => {
    const payment = await newTransfer()
    await send(payment, '99.20')
    const paid = await getPayment(t, payment.id)
    assert.equal(paid.status, 'payment_received')
    assert.deepEqual([paid.fiat_amount, paid.fiat_amount_received], [10_000, '99.20'])
    const row = await rowOf(t.app, payment.id)
    assert.deepEqual([row.convertedUnits, row.refundedUnits], [9_920n, 0n])
  })

  test('in two parts: they add up', async () => {
    const payment = await newTransfer()
    await send(payment, '60.00')
    const half = await getPayment(t, payment.id)
    assert.deepEqual([half.status, half.fiat_amount_received], ['started', '60.00'])
    await send(payment, '40.00')
    assert.equal((await getPayment(t, payment.id)).status, 'payment_received')
  })

  test('short until the deadline: expired, and back to where it came from', async () => {
    const payment = await newTransfer({ external_id: 'short-1' })
    await send(payment, '60.00')
    await t.advance(3 * DAY_MS + 1000)
    await t.settle()
    const expired = await getPayment(t, payment.id)
    assert.equal(expired.status, 'expired')
    assert.deepEqual(
      [expired.refund.state, expired.refund.amount, expired.refund.reason],
      ['planned', '60.00', 'short'],
    )
    await settleRefunds(t)
    const refunded = await getPayment(t, payment.id)
    assert.deepEqual([refunded.status, refunded.refund.state], ['refunded', 'confirmed'])
    assert.deepEqual(await eventsOf(t.app, payment.id), ['PAYMENT_EXPIRED', 'PAYMENT_REFUNDED'])
  })

  test('over: the amount is converted, the rest goes back', async () => {
    const payment = await newTransfer()
    await send(payment, '130.00')
    const paid = await getPayment(t, payment.id)
    assert.deepEqual(
      [paid.status, paid.refund.amount, paid.refund.reason],
      ['payment_received', '30.00', 'excess'],
    )
    await settleRefunds(t)
    await endCoins(t, payment.id, 'confirmed')
    const done = await getPayment(t, payment.id)
    assert.deepEqual([done.status, done.refund.state], ['coins_sent', 'confirmed'])
  })

  test('over, where the integration wants to look: in review', async () => {
    await policy({ over: 'review' })
    const payment = await newTransfer()
    await send(payment, '130.00')
    assert.equal((await getPayment(t, payment.id)).status, 'in_review')
    assert.equal((await rowOf(t.app, payment.id)).reviewReason, 'over')
  })

  test('from somebody else: in review; accepted where the integration says so', async () => {
    const payment = await newTransfer()
    await send(payment, '100.00', 'Bruno Lima')
    const held = await getPayment(t, payment.id)
    assert.deepEqual([held.status, held.holder.name], ['in_review', 'Bruno Lima'])
    assert.deepEqual(await eventsOf(t.app, payment.id), ['PAYMENT_IN_REVIEW'])
    await policy({ thirdParty: 'accept' })
    const other = await newTransfer()
    await send(other, '100.00', 'Bruno Lima')
    assert.equal((await getPayment(t, other.id)).status, 'payment_received')
  })

  test('the name as banks write it is the customer’s', async () => {
    for (const name of ['PEREZ GARCIA ANA', 'Ana Perez', 'GARCIA PEREZ, ANA MARIA']) {
      const payment = await newTransfer()
      await send(payment, '100.00', name)
      assert.equal((await getPayment(t, payment.id)).status, 'payment_received', name)
    }
  })

  test('twice: the second goes back', async () => {
    const payment = await newTransfer()
    await send(payment, '100.00')
    await send(payment, '100.00')
    const paid = await getPayment(t, payment.id)
    assert.deepEqual([paid.status, paid.refund.amount], ['payment_received', '100.00'])
    assert.equal((await rowOf(t.app, payment.id)).convertedUnits, 10_000n)
  })

  test('late: in review, under its old external_id; refunded where the integration says so', async () => {
    const payment = await newTransfer({ external_id: 'late-1' })
    await t.advance(3 * DAY_MS + 1000)
    await t.settle()
    assert.equal((await getPayment(t, payment.id)).status, 'expired')
    await send(payment, '100.00')
    const late = await getPayment(t, payment.id)
    assert.deepEqual([late.status, late.external_id], ['in_review', 'late-1'])
    assert.equal((await rowOf(t.app, payment.id)).liveExternalId, 'late-1')
    await policy({ late: 'refund' })
    const other = await newTransfer()
    await cancel(t.app, other.id)
    await send(other, '100.00')
    const back = await getPayment(t, other.id)
    assert.deepEqual([back.status, back.refund.reason], ['cancelled', 'late'])
  })

  test('late, and its external_id is another payment’s by now: refunded', async () => {
    const payment = await newTransfer({ external_id: 'late-2' })
    await t.advance(3 * DAY_MS + 1000)
    await t.settle()
    await newTransfer({ external_id: 'late-2' })
    await send(payment, '100.00')
    const late = await getPayment(t, payment.id)
    assert.deepEqual([late.status, late.refund.reason], ['expired', 'late'])
  })

  test('without a concept of ours, or with two: unmatched, and the money waits in suspense', async () => {
    const [one, other] = [await newTransfer(), await newTransfer()]
    const iban = await findIban(t.app)
    await send({ iban, concept: 'gracias' }, '11.00', 'Somebody Else')
    await send({ iban, concept: String(conceptOf(99_999_999)) }, '12.00')
    await send({ iban, concept: `${one.concept} ${other.concept}` }, '13.00')
    await send({ iban, concept: String(Number(one.concept) + 1) }, '14.00', 'Somebody Else')
    const lines = await t.app.db
      .selectFrom('bankTransactions')
      .select(['units', 'state'])
      .where('units', 'in', [1100n, 1200n, 1300n, 1400n])
      .orderBy('units')
      .execute()
    assert.deepEqual(
      lines.map(({ state }) => state),
      ['unmatched', 'unmatched', 'suggested', 'unmatched'],
    )
    assert.equal((await getPayment(t, one.id)).fiat_amount_received, '0.00')
  })

  test('no fresh price: it waits, and is converted when there is one', async () => {
    const payment = await newTransfer()
    await addFaults(t.app, { provider: 'price', kind: 'fail', count: 1_000_000 })
    await t.advance(120_000)
    assert.equal(t.app.pricing.prices.current('USDC', 'EUR'), undefined)
    await send(payment, '100.00')
    assert.equal((await getPayment(t, payment.id)).status, 'started')
    await t.app.db.deleteFrom('providerFaults').execute()
    await t.advance(20_000)
    await t.settle()
    assert.equal((await getPayment(t, payment.id)).status, 'payment_received')
  })

  test('with a quote its price holds for money booked in 24 hours', async () => {
    const quote = async () =>
      (await t.api('GET', '/api/quote?amount=100.00&symbol=USDC&payment_type=transfer')).body.data
    const [first, second] = [await quote(), await quote()]
    const held = await newTransfer({ quote_id: first.quote_id })
    const late = await newTransfer({ quote_id: second.quote_id })
    await t.advance(DAY_MS - 120_000)
    await send(held, '100.00')
    await t.advance(DAY_MS)
    await send(late, '100.00')
    const paid = await getPayment(t, held.id)
    assert.deepEqual([paid.price, paid.coin_amount_exact], [first.price, first.tokens_exact])
    assert.equal((await getPayment(t, late.id)).price, t.app.pricing.prices.current('USDC', 'EUR')!.text)
  })

  test('a line that the bank tells of twice, and lists as well, is one', async () => {
    const payment = await newTransfer()
    await sendTransfer(t.app, { ...payment, amount: '100.00' })
    await t.settle()
    await t.app.db.updateTable('bankAccounts').set({ dueAt: t.app.clock.now(), statementRef: null }).execute()
    await t.runLanes('bank-statements')
    await t.settle()
    assert.equal((await getPayment(t, payment.id)).fiat_amount_received, '100.00')
    await checkBooks(t.app)
  })
})

describe('a card', () => {
  const newCard = async () => createGuided(t, await addCustomer(t.app), { fiat_amount: '100.00' })

  test('a notification that never comes is asked for', async () => {
    const id = await newCard()
    await startSession(t.app, id)
    await useCard(t.app, id)
    await t.app.db.deleteFrom('simulated.callbacks').execute()
    await t.settle()
    assert.equal((await getPayment(t, id)).status, 'started')
    await t.advance(121_000)
    await t.runLanes('payment-sessions')
    assert.equal((await getPayment(t, id)).status, 'payment_received')
  })

  test('paid wins over the deadline', async () => {
    const id = await newCard()
    await startSession(t.app, id)
    await useCard(t.app, id)
    await t.app.db.deleteFrom('simulated.callbacks').execute()
    await t.advance(31 * 60_000)
    await t.runLanes('payment-expiry')
    assert.equal((await getPayment(t, id)).status, 'payment_received')
  })

  test('nobody pays: expired, the provider’s session is ended, the external_id free', async () => {
    const customer = await addCustomer(t.app)
    const id = await createGuided(t, customer, { external_id: 'again' })
    await startSession(t.app, id)
    await t.advance(31 * 60_000)
    await t.settle()
    const expired = await getPayment(t, id)
    assert.deepEqual([expired.status, expired.expires_at], ['expired', null])
    const [session] = await t.app.db
      .selectFrom('paymentSessions')
      .selectAll()
      .where('paymentId', '=', id)
      .execute()
    assert.equal(session!.state, 'expired')
    const next = await createGuided(t, customer, { external_id: 'again' })
    assert.notEqual(next, id)
  })

  test('a provider that does not answer keeps the payment waiting', async () => {
    const id = await newCard()
    await startSession(t.app, id)
    await t.advance(29 * 60_000)
    const { card } = t.app.providers
    const { providerRef } = await t.app.db
      .selectFrom('paymentSessions')
      .select('providerRef')
      .where('paymentId', '=', id)
      .executeTakeFirstOrThrow()
    await t.advance(61_000)
    await t.api('POST', '/api/sandbox/faults', { body: { provider: 'card', kind: 'fail', count: 1 } })
    await t.runLanes('payment-expiry')
    assert.equal((await getPayment(t, id)).status, 'started')
    assert.equal((await card!.getSession(providerRef!)).state, 'expired')
    await t.app.db.updateTable('payments').set({ leaseUntil: null }).where('id', '=', id).execute()
    await t.runLanes('payment-expiry')
    assert.equal((await getPayment(t, id)).status, 'expired')
  })

  test('the answer to the call that began the session was lost: the same session is found again', async () => {
    const id = await newCard()
    await t.api('POST', '/api/sandbox/faults', { body: { provider: 'card', kind: 'lost_answer', count: 1 } })
    await assert.rejects(startSession(t.app, id), /payment provider/)
    const { url } = await startSession(t.app, id)
    assert.match(url, /\/simulators\/card\//)
    const sessions = await t.app.db
      .selectFrom('paymentSessions')
      .selectAll()
      .where('paymentId', '=', id)
      .execute()
    assert.equal(sessions.length, 1)
    const made = await t.app.db
      .selectFrom('simulated.cardSessions')
      .selectAll()
      .where('reference', '=', id)
      .execute()
    assert.equal(made.length, 1)
  })

  test('the provider refuses: error, and another try is a new session', async () => {
    const id = await newCard()
    await t.api('POST', '/api/sandbox/faults', { body: { provider: 'card', kind: 'reject', count: 1 } })
    await assert.rejects(startSession(t.app, id), /payment provider/)
    await startSession(t.app, id)
    const sessions = await t.app.db
      .selectFrom('paymentSessions')
      .select('state')
      .where('paymentId', '=', id)
      .orderBy('createdAt')
      .execute()
    assert.deepEqual(sessions.map(({ state }) => state).sort(), ['failed', 'open'])
  })

  test('paid at the provider though its session was never recorded: the reference finds the payment', async () => {
    const id = await newCard()
    await startSession(t.app, id)
    await useCard(t.app, id)
    await t.app.db
      .updateTable('paymentSessions')
      .set({ state: 'created', providerRef: null, url: null })
      .where('paymentId', '=', id)
      .execute()
    await t.settle()
    assert.equal((await getPayment(t, id)).status, 'payment_received')
  })

  test('paid though the payment was cancelled: in review, or back to the card where the integration says so', async () => {
    for (const late of ['review', 'refund'] as const) {
      await policy({ late })
      const id = await newCard()
      await startSession(t.app, id)
      const session = await t.app.db
        .selectFrom('paymentSessions')
        .selectAll()
        .where('paymentId', '=', id)
        .executeTakeFirstOrThrow()
      await cancel(t.app, id)
      await applySessionNews(t.app, [
        {
          type: 'paid',
          provider: session.provider,
          providerRef: session.providerRef!,
          reference: id,
          units: 10_000n,
          currency: 'EUR',
          at: t.app.clock.now(),
          payer: null,
        },
      ])
      const row = await rowOf(t.app, id)
      assert.deepEqual(
        [row.state, row.reviewReason, row.refund?.reason],
        late === 'review' ? ['in_review', 'late', undefined] : ['cancelled', null, 'late'],
      )
      const refunds = (await effectsOf(t.app, id)).map(({ kind, units }) => [kind, units])
      assert.deepEqual(refunds, late === 'review' ? [] : [['card_refund', 10_000n]])
    }
  })

  test('a banned customer’s money goes before a person', async () => {
    const customer = await addCustomer(t.app)
    const id = await createGuided(t, customer)
    await startSession(t.app, id)
    await t.app.db
      .updateTable('customers')
      .set({ bannedAt: t.app.clock.now() })
      .where('id', '=', customer)
      .execute()
    await useCard(t.app, id)
    await t.settle()
    assert.equal((await getPayment(t, id)).status, 'in_review')
    assert.equal((await rowOf(t.app, id)).reviewReason, 'banned')
  })

  test('a hundred notifications are one step’s work', async () => {
    const ids: string[] = []
    for (let n = 0; n < 100; n += 1) {
      const id = await createGuided(t, await addCustomer(t.app))
      await startSession(t.app, id)
      await useCard(t.app, id)
      ids.push(id)
    }
    await t.runLanes('simulated-callbacks')
    const lane = t.app.lanes.lanes.find(({ name }) => name === 'provider-callbacks')!
    assert.equal(await lane.step(), 100)
    for (const id of ids) assert.equal((await rowOf(t.app, id)).state, 'payment_received')
  })

  test('declined cards do not hold up the next one', async () => {
    const id = await newCard()
    await payCard(t, id, CARDS.declined)
    const row = await rowOf(t.app, id)
    assert.deepEqual([row.state, row.declines, row.lastDecline], ['started', 1, 'card_declined'])
    await useCard(t.app, id)
    await t.settle()
    assert.equal((await getPayment(t, id)).status, 'payment_received')
  })
})
