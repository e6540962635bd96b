import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import {
  addCustomer,
  createGuided,
  getPayment,
  type PaymentWorld,
  startPaymentWorld,
} from '../../test/support/payments.ts'

const HOUR_MS = 3_600_000

describe('POST /api/sandbox/payments/{id}/pay', () => {
  let t: PaymentWorld
  before(async () => {
    t = await startPaymentWorld({ TOKEN_LIFETIME: '90d' })
  })
  after(() => t.stop())

  const create = async (paymentType: string, over = {}): Promise<string> =>
    createGuided(t, await addCustomer(t.app), { payment_type: paymentType, ...over })
  const pay = async (id: string, body: object = {}) =>
    (await t.api('POST', `/api/sandbox/payments/${id}/pay`, { body })).body
  const statusOf = async (id: string): Promise<string> => (await getPayment(t, id)).status
  const bankSettles = async (): Promise<void> => {
    await t.advance(5_000)
    await t.settle()
    await t.settle()
  }

  describe('card', () => {
    it('paid unless told otherwise, by the customer', async () => {
      const id = await create('card')
      const { data } = await pay(id)
      assert.deepEqual(data, {
        payment_id: id,
        payment_type: 'card',
        outcome: 'paid',
        amount: '150.50',
        arrives_at: null,
      })
      await t.settle()
      const payment = await getPayment(t, id)
      assert.equal(payment.status, 'payment_received')
      assert.deepEqual(payment.holder, { name: 'Ana Pérez García', iban: null, card_last4: '4242' })
      assert.equal((await pay(id)).error, 'payment_not_pending')
    })

    it('a declined card leaves the payment open for the next', async () => {
      const id = await create('card')
      for (const outcome of ['declined', 'insufficient_funds', 'three_d_secure_failed']) {
        assert.equal((await pay(id, { outcome })).status, 'ok')
      }
      await t.settle()
      assert.equal(await statusOf(id), 'started')
      await pay(id, { outcome: 'three_d_secure' })
      await t.settle()
      assert.equal(await statusOf(id), 'payment_received')
    })

    it('five declines reject it', async () => {
      const id = await create('card')
      for (let time = 1; time <= 5; time++) await pay(id, { outcome: 'declined' })
      await t.settle()
      assert.equal(await statusOf(id), 'payment_rejected')
    })

    it('paid, then charged back', async () => {
      const id = await create('card')
      await pay(id, { outcome: 'charged_back' })
      await t.settle()
      assert.equal(await statusOf(id), 'payment_received')
      await t.advance(120_000)
      await t.settle()
      assert.equal(await statusOf(id), 'payment_rejected')
    })

    it('the customer gives up, and comes back', async () => {
      const id = await create('card')
      assert.equal((await pay(id, { outcome: 'cancelled' })).status, 'ok')
      await t.settle()
      assert.equal(await statusOf(id), 'started')
      await pay(id)
      await t.settle()
      assert.equal(await statusOf(id), 'payment_received')
    })
  })

  describe('psd2', () => {
    it('paid: initiated first, received when the bank has booked it', async () => {
      const id = await create('psd2')
      assert.equal((await pay(id)).data.outcome, 'paid')
      await t.settle()
      assert.equal(await statusOf(id), 'pending_bank')
      await bankSettles()
      assert.equal(await statusOf(id), 'payment_received')
    })

    for (const outcome of ['refused', 'insufficient_funds', 'cancelled']) {
      it(`${outcome}: no money comes, and the next try may pay`, async () => {
        const id = await create('psd2')
        assert.equal((await pay(id, { outcome })).status, 'ok')
        await t.settle()
        assert.equal(await statusOf(id), 'started')
        await pay(id)
        await bankSettles()
        assert.equal(await statusOf(id), 'payment_received')
      })
    }
  })

  describe('transfer', () => {
    it('exact', async () => {
      const id = await create('transfer')
      assert.equal((await pay(id)).data.amount, '150.50')
      await bankSettles()
      assert.equal(await statusOf(id), 'payment_received')
    })

    it('less, then the rest', async () => {
      const id = await create('transfer')
      assert.equal((await pay(id, { outcome: 'less' })).data.amount, '120.40')
      await bankSettles()
      assert.notEqual(await statusOf(id), 'payment_received')
      assert.equal((await pay(id, { outcome: 'exact' })).data.amount, '30.10')
      await bankSettles()
      assert.equal(await statusOf(id), 'payment_received')
    })

    it('more: filled, the excess goes back', async () => {
      const id = await create('transfer')
      assert.equal((await pay(id, { outcome: 'more' })).data.amount, '180.60')
      await bankSettles()
      const payment = await getPayment(t, id)
      assert.equal(payment.status, 'payment_received')
      assert.equal(payment.refund.amount, '30.10')
    })

    it('any amount', async () => {
      const id = await create('transfer')
      assert.equal((await pay(id, { amount: '150.4' })).data.amount, '150.40')
      await bankSettles()
      assert.equal((await getPayment(t, id)).fiat_amount_received, '150.40')
    })

    it('from somebody else: a person has to look', async () => {
      const id = await create('transfer')
      await pay(id, { outcome: 'third_party' })
      await bankSettles()
      assert.equal(await statusOf(id), 'in_review')
    })

    it('late: after the payment has expired', async () => {
      const id = await create('transfer')
      const { expires_at } = await getPayment(t, id)
      const { arrives_at } = (await pay(id, { outcome: 'late' })).data
      assert.ok(arrives_at > expires_at)
      await bankSettles()
      assert.equal(await statusOf(id), 'started')
      await t.advance(new Date(expires_at).getTime() - t.app.clock.now().getTime() + 1)
      await t.settle()
      assert.equal(await statusOf(id), 'expired')
      await t.advance(HOUR_MS)
      await bankSettles()
      assert.equal(await statusOf(id), 'in_review')
    })
  })

  it("payment_not_found for another integration's payment", async () => {
    const id = await create('card')
    const token = await t.authenticate('sandbox-key-2', 'sandbox-secret-2')
    const { body } = await t.api('POST', `/api/sandbox/payments/${id}/pay`, { token, body: {} })
    assert.equal(body.error, 'payment_not_found')
  })

  it('invalid_wallet while the customer has given none', async () => {
    for (const type of ['card', 'psd2', 'transfer']) {
      const id = await create(type, { wallet: undefined })
      assert.equal((await pay(id)).error, 'invalid_wallet')
    }
  })

  for (const [type, body, field] of [
    ['card', { outcome: 'exact' }, 'outcome'],
    ['transfer', { outcome: 'paid' }, 'outcome'],
    ['card', { outcome: 'explode' }, 'outcome'],
    ['card', { amount: '10' }, 'amount'],
    ['transfer', { amount: '10.001' }, 'amount'],
    ['transfer', { amount: '1e9' }, 'amount'],
    ['transfer', { amount: '1000000000' }, 'amount'],
  ] as const) {
    it(`invalid_field for ${type} with ${JSON.stringify(body)}`, async () => {
      const answer = await pay(await create(type), body)
      assert.deepEqual([answer.error, Object.keys(answer.errors)], ['invalid_field', [field]])
    })
  }
})
