import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { sql } from 'kysely'
import {
  addCustomer,
  CARDS,
  checkBooks,
  createGuided,
  effectsOf,
  endCoins,
  eventsOf,
  getPayment,
  openAsOwner,
  type PaymentWorld,
  payCard,
  reserveCoins,
  rowOf,
  sendTransfer,
  setSettings,
  settleRefunds,
  startPaymentWorld,
  takeInstructions,
} from '../../test/support/payments.ts'
import { effectNeeds } from '../app-effects.ts'
import { DEFAULT_SETTINGS } from '../common/integration.ts'
import { cancelEffect } from '../effects/operate-effects.ts'
import { settleOrder } from '../effects/settle-order.ts'
import { balanceOf } from '../ledger/book.ts'
import { addFaults } from '../providers/faults.ts'
import { listReviews, refusePayment, releasePayment } from './review.ts'
import { applySessionNews } from './session-news.ts'

const DAY_MS = 86_400_000
const WHO = { who: 'olga', why: 'looked at the papers' }

let t: PaymentWorld

before(async () => {
  t = await startPaymentWorld()
})
beforeEach(() => setSettings(t, ({ brand }) => ({ ...DEFAULT_SETTINGS, brand })))
after(async () => {
  await checkBooks(t.app)
  await t.stop()
})

const paidByCard = async (number?: string): Promise<string> => {
  const id = await createGuided(t, await addCustomer(t.app), { fiat_amount: '100.00' })
  await payCard(t, id, number)
  return id
}

const inReview = async (name = 'Bruno Lima'): Promise<string> => {
  const id = await createGuided(t, await addCustomer(t.app), {
    fiat_amount: '100.00',
    payment_type: 'transfer',
  })
  await sendTransfer(t.app, { ...(await takeInstructions(t, id)), amount: '100.00', name })
  await t.settle()
  return id
}

const refund = (id: string) => t.api('POST', `/api/payment/${id}/refund`, { honest: true })
const stateOf = async (id: string) => (await rowOf(t.app, id)).state
const coinsOf = async (id: string) =>
  (await effectsOf(t.app, id)).find(({ kind }) => kind === 'coin_transfer')?.state

describe('POST /api/payment/{payment_id}/refund', () => {
  test('before dispatch: the conversion is reversed, fees too, and the card gets all of it', async () => {
    const id = await paidByCard()
    const { body } = await refund(id)
    assert.deepEqual(
      [body.data.status, body.data.refund.state, body.data.refund.amount],
      ['payment_received', 'planned', '100.00'],
    )
    assert.equal(body.data.refund.reason, 'requested')
    assert.equal(body.data.expires_at, null)
    assert.equal(await coinsOf(id), 'cancelled')
    assert.equal(await balanceOf(t.app.db, `customer:${id}:fiat`, 'EUR'), 0n)
    assert.equal(await balanceOf(t.app.db, `customer:${id}:coin`, 'polygon:USDC'), 0n)
    await settleRefunds(t)
    const done = await getPayment(t, id)
    assert.deepEqual([done.status, done.refund.state], ['refunded', 'confirmed'])
    assert.deepEqual(await eventsOf(t.app, id), ['PAY_IN', 'PAYMENT_REFUNDED'])
  })

  test('the fees stay where the integration keeps them', async () => {
    await setSettings(t, (settings) => ({
      ...settings,
      mismatch: { ...settings.mismatch, keepFeesOnRefund: true },
    }))
    const id = await paidByCard()
    const fee = Number((await getPayment(t, id)).fee)
    const { body } = await refund(id)
    assert.equal(Number(body.data.refund.amount).toFixed(2), (100 - fee).toFixed(2))
    await settleRefunds(t)
    assert.equal(await stateOf(id), 'refunded')
    await checkBooks(t.app)
  })

  for (const says of ['nothing', 'that it was sent'] as const) {
    test(`a part of a transfer, and the customer says ${says}: what came goes back, nothing is waited for`, async () => {
      const id = await createGuided(t, await addCustomer(t.app), {
        fiat_amount: '100.00',
        payment_type: 'transfer',
      })
      const page = await openAsOwner(t, id)
      const { iban, concept } = (await page.call('POST', '/pay')).body.data.view.bank_transfer
      if (says !== 'nothing') await page.call('POST', '/sent')
      await sendTransfer(t.app, { iban, concept, amount: '60.00' })
      await t.settle()
      const waiting = await getPayment(t, id)
      assert.deepEqual(
        [waiting.status, waiting.fiat_amount_received],
        [says === 'nothing' ? 'started' : 'pending_bank', '60.00'],
      )
      const { body } = await refund(id)
      assert.deepEqual([body.data.status, body.data.refund?.amount], ['cancelled', '60.00'])
      assert.equal((await refund(id)).body.error, 'payment_not_refundable')
      await settleRefunds(t)
      assert.equal(await stateOf(id), 'refunded')
      assert.equal(await balanceOf(t.app.db, `customer:${id}:fiat`, 'EUR'), 0n)
    })
  }

  test('409 once the coins may have left, when it is on its way already, and without money', async () => {
    const sent = await paidByCard()
    await reserveCoins(t.app, sent)
    const twice = await paidByCard()
    await refund(twice)
    const unpaid = await createGuided(t, await addCustomer(t.app))
    for (const id of [sent, twice, unpaid]) {
      const { status, body } = await refund(id)
      assert.deepEqual([status, body.error], [409, 'payment_not_refundable'])
    }
    const unknown = await refund('nope')
    assert.deepEqual([unknown.status, unknown.body.error], [404, 'payment_not_found'])
  })

  test('404 a payment of another integration', async () => {
    const id = await paidByCard()
    const token = await t.authenticate('sandbox-key-2', 'sandbox-secret-2')
    const { status, body } = await t.api('POST', `/api/payment/${id}/refund`, { honest: true, token })
    assert.deepEqual([status, body.error], [404, 'payment_not_found'])
    assert.equal(await stateOf(id), 'payment_received')
  })

  test('a refund that the provider fails is seen by the operator, who has it tried again', async () => {
    const id = await paidByCard()
    // What earlier tests left on its way must not take the fault that is meant for this one.
    await settleRefunds(t)
    await addFaults(t.app, { provider: 'card', kind: 'return', count: 1 })
    await refund(id)
    await settleRefunds(t)
    assert.equal((await getPayment(t, id)).refund.state, 'failed')
    assert.ok((await listReviews(t.app)).some((one) => one.id === id))
    const effect = await t.app.db
      .selectFrom('effects')
      .select('id')
      .where('reference', '=', `payment:${id}`)
      .where('kind', '=', 'card_refund')
      .executeTakeFirstOrThrow()
    await cancelEffect(effectNeeds(t.app), effect.id, { ...WHO, become: 'cancelled' })
    const held = await rowOf(t.app, id)
    assert.deepEqual([held.state, held.reviewReason], ['in_review', 'refund_cancelled'])
    await checkBooks(t.app)
    await refusePayment(t.app, id, WHO)
    await settleRefunds(t)
    assert.equal(await stateOf(id), 'refunded')
  })
})

describe('a person looks at it', () => {
  test('refused to an account whose bank says nothing, given up by its word, and booked after all', async () => {
    const id = await inReview()
    await refusePayment(t.app, id, { ...WHO, toIban: 'DE71999999990000000009' })
    await settleRefunds(t)
    const effect = await t.app.db
      .selectFrom('effects')
      .select(['id', 'state', 'providerRef'])
      .where('reference', '=', `payment:${id}`)
      .where('kind', '=', 'bank_transfer')
      .executeTakeFirstOrThrow()
    assert.equal(effect.state, 'sent')
    const change = { ...WHO, become: 'cancelled' } as const
    await assert.rejects(cancelEffect(effectNeeds(t.app), effect.id, change), /can't be given up/)
    await settleOrder(effectNeeds(t.app), effect.id, { ...WHO, says: 'rejected' })
    await cancelEffect(effectNeeds(t.app), effect.id, change)
    assert.equal((await rowOf(t.app, id)).reviewReason, 'refund_cancelled')
    await sql`update simulated.bank_transfers set due_at = ${t.app.clock.now()} where id = ${effect.providerRef}`.execute(
      t.app.db,
    )
    await t.settle()
    const row = await rowOf(t.app, id)
    assert.equal(row.state, 'in_review')
    assert.match(row.reviewDetail!, new RegExp(`for effect ${effect.id}, which was given up`))
    await assert.rejects(refusePayment(t.app, id, WHO), /Settle that first/)
    await assert.rejects(releasePayment(t.app, id, WHO), /Settle that first/)
    await checkBooks(t.app)
  })

  test('released: converted, coins planned, PAY_IN', async () => {
    const id = await inReview()
    await releasePayment(t.app, id, WHO)
    assert.equal(await stateOf(id), 'payment_received')
    assert.equal(await coinsOf(id), 'planned')
    assert.deepEqual(await eventsOf(t.app, id), ['PAYMENT_IN_REVIEW', 'PAY_IN'])
    const [audit] = await t.app.db
      .selectFrom('auditLog')
      .selectAll()
      .where('target', '=', `payment:${id}`)
      .execute()
    assert.deepEqual(
      [audit!.who, audit!.why, audit!.action],
      ['olga', 'looked at the papers', 'payment.release'],
    )
  })

  test('refused: back to where it came from', async () => {
    const id = await inReview()
    assert.ok((await listReviews(t.app)).some((one) => one.id === id && one.reviewReason === 'third_party'))
    await refusePayment(t.app, id, WHO)
    const row = await rowOf(t.app, id)
    assert.deepEqual(
      [row.state, row.refund.state, row.refund.reason],
      ['in_review', 'planned', 'third_party'],
    )
    await assert.rejects(releasePayment(t.app, id, WHO), /on its way back/)
    await assert.rejects(refusePayment(t.app, id, WHO), /no money that could go back/)
    await settleRefunds(t)
    assert.equal(await stateOf(id), 'refunded')
    assert.ok(!(await listReviews(t.app)).some((one) => one.id === id))
  })

  test('nobody looks for seven days: refunded', async () => {
    const id = await inReview()
    await t.advance(7 * DAY_MS + 1000)
    await t.settle()
    assert.equal((await rowOf(t.app, id)).refund.reason, 'review_timeout')
    await settleRefunds(t)
    assert.equal(await stateOf(id), 'refunded')
  })

  test('late money is released at today’s price, over money gives back the rest', async () => {
    const id = await createGuided(t, await addCustomer(t.app), {
      fiat_amount: '100.00',
      payment_type: 'transfer',
    })
    const instructions = await takeInstructions(t, id)
    await t.advance(3 * DAY_MS + 1000)
    await t.settle()
    await sendTransfer(t.app, { ...instructions, amount: '150.00' })
    await t.settle()
    assert.equal((await rowOf(t.app, id)).reviewReason, 'late')
    await releasePayment(t.app, id, WHO)
    const paid = await getPayment(t, id)
    assert.deepEqual([paid.status, paid.refund.amount], ['payment_received', '50.00'])
    assert.equal(paid.price, t.app.pricing.prices.current('USDC', 'EUR')!.text)
  })

  test('what isn’t in review can’t be released or refused', async () => {
    const id = await createGuided(t, await addCustomer(t.app))
    await assert.rejects(releasePayment(t.app, id, WHO), /is started, not in review/)
    await assert.rejects(releasePayment(t.app, 'nope', WHO), /There is no payment or verification nope/)
    await assert.rejects(refusePayment(t.app, id, WHO), /no money that could go back/)
  })

  test('a refund that the receiving bank sends back can go to another account', async () => {
    const id = await inReview()
    await settleRefunds(t)
    await addFaults(t.app, { provider: 'bank', kind: 'return', count: 1 })
    await refusePayment(t.app, id, WHO)
    await settleRefunds(t)
    assert.equal((await rowOf(t.app, id)).state, 'refunded')
    await t.advance(3_601_000)
    await t.settle()
    const back = await rowOf(t.app, id)
    assert.deepEqual([back.state, back.refund.state, back.refundedUnits], ['refunded', 'failed', 0n])
    assert.ok((await listReviews(t.app)).some((one) => one.id === id))
    await checkBooks(t.app)
    await refusePayment(t.app, id, { ...WHO, toIban: 'DE02120300000000202051' })
    await settleRefunds(t)
    const again = await rowOf(t.app, id)
    assert.deepEqual([again.refund.state, again.refundedUnits], ['confirmed', 10_000n])
  })
})

describe('coins that can’t be delivered', () => {
  test('in review with the coins still owed; released: the same coins are planned anew', async () => {
    const id = await paidByCard()
    const before = await getPayment(t, id)
    await endCoins(t, id, 'failed')
    const row = await rowOf(t.app, id)
    assert.deepEqual(
      [row.state, row.reviewReason, row.reviewDetail],
      ['in_review', 'undeliverable', 'reverted on the chain'],
    )
    await releasePayment(t.app, id, WHO)
    assert.equal(await coinsOf(id), 'planned')
    await endCoins(t, id, 'confirmed')
    const done = await getPayment(t, id)
    assert.deepEqual([done.status, done.coin_amount_exact], ['coins_sent', before.coin_amount_exact])
    assert.match(done.txid, /^0x/)
    assert.deepEqual(await eventsOf(t.app, id), ['PAY_IN', 'PAYMENT_IN_REVIEW', 'PAY_IN', 'COINS_SENT'])
  })

  test('refused: the conversion is reversed and the money goes back', async () => {
    const id = await paidByCard()
    await endCoins(t, id, 'failed')
    await refusePayment(t.app, id, WHO)
    assert.equal((await rowOf(t.app, id)).refund.reason, 'undeliverable')
    await settleRefunds(t)
    assert.equal(await stateOf(id), 'refunded')
    assert.equal(await coinsOf(id), 'cancelled')
  })

  test('not dispatched for a day: in review, and nothing leaves while somebody decides', async () => {
    const id = await paidByCard()
    await t.advance(DAY_MS + 1000)
    await t.runLanes('payment-expiry')
    const row = await rowOf(t.app, id)
    assert.deepEqual(
      [row.state, row.reviewReason, await coinsOf(id)],
      ['in_review', 'not_dispatched', 'cancelled'],
    )
    await releasePayment(t.app, id, WHO)
    assert.equal(await coinsOf(id), 'planned')
  })

  test('on their way for a day: waited for', async () => {
    const id = await paidByCard()
    await reserveCoins(t.app, id)
    await t.advance(DAY_MS + 1000)
    await t.runLanes('payment-expiry')
    const row = await rowOf(t.app, id)
    assert.equal(row.state, 'payment_received')
    assert.ok(row.dueAt! > t.app.clock.now())
    await endCoins(t, id, 'confirmed')
    assert.equal(await stateOf(id), 'coins_sent')
  })
})

describe('a chargeback', () => {
  const letItCome = async (): Promise<void> => {
    await t.advance(121_000)
    await t.settle()
  }

  test('before dispatch: the transfer is given up, the conversion reversed, the payment rejected', async () => {
    const id = await paidByCard(CARDS.chargedBack)
    await letItCome()
    const payment = await getPayment(t, id)
    assert.deepEqual([payment.status, payment.chargeback.amount], ['payment_rejected', '100.00'])
    assert.equal(await coinsOf(id), 'cancelled')
    assert.equal(await balanceOf(t.app.db, `customer:${id}:fiat`, 'EUR'), 0n)
    assert.deepEqual(await eventsOf(t.app, id), ['PAY_IN', 'PAYMENT_REJECTED'])
    assert.equal((await rowOf(t.app, id)).endReason, 'charged_back')
  })

  test('after the coins: the state stays, the loss is booked, the integrator hears of it', async () => {
    const before = await balanceOf(t.app.db, 'loss:chargeback', 'EUR')
    const id = await paidByCard(CARDS.chargedBack)
    await endCoins(t, id, 'confirmed')
    await letItCome()
    const payment = await getPayment(t, id)
    assert.deepEqual([payment.status, payment.chargeback.amount], ['coins_sent', '100.00'])
    assert.equal((await balanceOf(t.app.db, 'loss:chargeback', 'EUR')) - before, 10_000n)
    assert.deepEqual(await eventsOf(t.app, id), ['PAY_IN', 'COINS_SENT', 'PAYMENT_CHARGED_BACK'])
  })

  test('while the coins are on their way, which then fail: rejected, and the loss made up for', async () => {
    const before = await balanceOf(t.app.db, 'loss:chargeback', 'EUR')
    const id = await paidByCard(CARDS.chargedBack)
    await reserveCoins(t.app, id)
    await letItCome()
    assert.equal(await stateOf(id), 'payment_received')
    assert.equal((await balanceOf(t.app.db, 'loss:chargeback', 'EUR')) - before, 10_000n)
    await endCoins(t, id, 'failed')
    assert.equal(await stateOf(id), 'payment_rejected')
    assert.equal(await balanceOf(t.app.db, 'loss:chargeback', 'EUR'), before)
    assert.deepEqual(await eventsOf(t.app, id), ['PAY_IN', 'PAYMENT_CHARGED_BACK', 'PAYMENT_REJECTED'])
  })

  test('while the coins are on their way, which then arrive: coins_sent with the loss', async () => {
    const id = await paidByCard(CARDS.chargedBack)
    await reserveCoins(t.app, id)
    await letItCome()
    await endCoins(t, id, 'confirmed')
    assert.equal(await stateOf(id), 'coins_sent')
  })

  test('of one of two card payments: the other goes back to its own card', async () => {
    const id = await paidByCard(CARDS.chargedBack)
    const first = await t.app.db
      .selectFrom('paymentSessions')
      .selectAll()
      .where('paymentId', '=', id)
      .executeTakeFirstOrThrow()
    // The customer had a second session open in another window, and paid there as well.
    const createdAt = t.app.clock.now()
    const session = { ...first, id: 'second', providerRef: 'second', state: 'open' as const, createdAt }
    await t.app.db.insertInto('paymentSessions').values(session).execute()
    const { provider } = first
    await applySessionNews(t.app, [
      {
        type: 'paid',
        provider,
        providerRef: 'second',
        reference: id,
        units: 10_000n,
        currency: 'EUR',
        at: t.app.clock.now(),
        payer: null,
      },
    ])
    assert.deepEqual((await rowOf(t.app, id)).refund.reason, 'excess')
    await letItCome()
    const row = await rowOf(t.app, id)
    assert.deepEqual(
      [row.state, row.chargeback.lossUnits, row.refundedUnits],
      ['payment_rejected', '0', 20_000n],
    )
    assert.deepEqual(
      (await effectsOf(t.app, id)).map(({ kind, state, purpose }) => [
        kind,
        state,
        purpose.split(':').at(-1),
      ]),
      [
        ['coin_transfer', 'cancelled', 'coins'],
        ['card_refund', 'planned', 'second'],
      ],
    )
    await checkBooks(t.app)
  })

  test('while a refund is planned: the refund is given up, nothing goes back twice', async () => {
    const id = await paidByCard(CARDS.chargedBack)
    await refund(id)
    await letItCome()
    assert.equal(await stateOf(id), 'payment_rejected')
    assert.deepEqual(
      (await effectsOf(t.app, id)).map(({ kind, state }) => [kind, state]),
      [
        ['coin_transfer', 'cancelled'],
        ['card_refund', 'cancelled'],
      ],
    )
    await checkBooks(t.app)
  })
})
