import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import { verifyLedger } from '../../src/app-ledger.ts'
import { DEFAULT_SETTINGS, type IntegrationSettings } from '../../src/common/integration.ts'
import { refusePayment, releasePayment } from '../../src/onramp/review.ts'
import { eventually } from '../support/app.ts'
import { setSettings } from '../support/payments.ts'
import { type Corridor, openCorridor, type PaymentObject, usdcUnits } from './corridor.ts'

const WHO = { who: 'maria', why: 'looked at it' }

describe('money that is not what was asked, from the transfer to its end', () => {
  let corridor: Corridor
  before(async () => {
    corridor = await openCorridor()
  })
  beforeEach(() => policy({}))
  after(async () => {
    const { problems } = await verifyLedger(corridor.test.app)
    assert.deepEqual(problems, [])
    await corridor.stop()
  })

  const policy = (mismatch: Partial<IntegrationSettings['mismatch']>) =>
    setSettings(corridor.test, ({ brand }) => ({
      ...DEFAULT_SETTINGS,
      brand,
      mismatch: { ...DEFAULT_SETTINGS.mismatch, ...mismatch },
    }))

  interface Order {
    id: string
    wallet: `0x${string}`
    /** Money comes to the account that the payment names, under its number. */
    send(amount: string, name?: string): Promise<void>
    told(): string[]
  }

  /** A customer, Ana García, who is to pay 100.00 by transfer. */
  async function order(): Promise<Order> {
    const wallet = corridor.newWallet()
    const { payment_id: id } = await corridor.guidedPayment({
      user_id: await corridor.verifiedCustomer(),
      payment_type: 'transfer',
      wallet,
    })
    const browser = corridor.browser()
    await browser.call('POST', `/hosted/payment/${id}/open`, {})
    const { view } = await browser.call<{ view: { bank_transfer: { iban: string; concept: string } } }>(
      'POST',
      `/hosted/payment/${id}/pay`,
      {},
    )
    const { iban, concept } = view.bank_transfer
    return {
      id,
      wallet,
      async send(amount, name = 'Ana García') {
        const transfer = { iban, concept: String(concept), amount, name }
        await corridor.company.call('POST', '/api/sandbox/bank/transfer', transfer)
      },
      told: () =>
        [...new Map(corridor.receiver.received.map((event) => [event.sequence, event])).values()]
          .filter(({ data }) => data.id === id)
          .sort((a, b) => a.sequence - b.sequence)
          .map(({ type }) => type),
    }
  }

  /** The coins that the payment names are in the wallet; the reader heard so. */
  async function delivered({ id, wallet }: Order): Promise<PaymentObject> {
    const payment = await corridor.reaches(id, 'coins_sent')
    assert.equal(await corridor.usdcOf(wallet), usdcUnits(payment.coin_amount_exact))
    await corridor.receiver.waitFor('COINS_SENT', ({ data }) => data.id === id)
    return payment
  }

  /** So much went back, as the bank has booked. */
  async function givenBack({ id }: Order, amount: string, reason: string): Promise<PaymentObject> {
    await corridor.advance('1m')
    const payment = await eventually('the refund to be booked', async () => {
      const now = await corridor.payment(id)
      return now.refund?.state === 'confirmed' && now
    })
    assert.deepEqual([payment.refund.amount, payment.refund.reason], [amount, reason])
    return payment
  }

  const has = (id: string, received: string) =>
    eventually(`payment ${id} to have ${received}`, async () => {
      const payment = await corridor.payment(id)
      return payment.fiat_amount_received === received && payment
    })

  it('under by little: filled at what arrived', async () => {
    const payment = await order()
    await payment.send('99.20')
    const { fiat_amount, fiat_amount_received } = await delivered(payment)
    assert.deepEqual([fiat_amount, fiat_amount_received], [10_000, '99.20'])
    assert.deepEqual(payment.told(), ['PAY_IN', 'COINS_SENT'])
  })

  it('under by little, where nothing is tolerated: waits for the rest', async () => {
    await policy({ tolerance: '0.00' })
    const payment = await order()
    await payment.send('99.20')
    assert.equal((await has(payment.id, '99.20')).status, 'started')
    await payment.send('0.80')
    await delivered(payment)
  })

  it('under: transfers add up', async () => {
    const payment = await order()
    await payment.send('60.00')
    assert.equal((await has(payment.id, '60.00')).status, 'started')
    await payment.send('40.00')
    assert.equal((await delivered(payment)).fiat_amount_received, '100.00')
    assert.deepEqual(payment.told(), ['PAY_IN', 'COINS_SENT'])
  })

  it('under until the deadline: expired, and back to the payer', async () => {
    const payment = await order()
    await payment.send('60.00')
    await has(payment.id, '60.00')
    await corridor.advance('4d')
    await givenBack(payment, '60.00', 'short')
    await corridor.reaches(payment.id, 'refunded')
    await corridor.receiver.waitFor('PAYMENT_REFUNDED', ({ data }) => data.id === payment.id)
    assert.deepEqual(payment.told(), ['PAYMENT_EXPIRED', 'PAYMENT_REFUNDED'])
    assert.equal(await corridor.usdcOf(payment.wallet), 0n)
  })

  it('over: what was asked is converted, the excess goes back', async () => {
    const payment = await order()
    await payment.send('130.00')
    await delivered(payment)
    assert.equal((await givenBack(payment, '30.00', 'excess')).status, 'coins_sent')
    assert.deepEqual(payment.told(), ['PAY_IN', 'COINS_SENT'])
  })

  it('over, where somebody is to look: released, the excess goes back', async () => {
    await policy({ over: 'review' })
    const payment = await order()
    await payment.send('130.00')
    await corridor.reaches(payment.id, 'in_review')
    await releasePayment(corridor.test.app, payment.id, WHO)
    await delivered(payment)
    await givenBack(payment, '30.00', 'excess')
    assert.deepEqual(payment.told(), ['PAYMENT_IN_REVIEW', 'PAY_IN', 'COINS_SENT'])
  })

  it('late: before a person, who lets it go on at today’s price', async () => {
    const payment = await order()
    await corridor.advance('4d')
    await corridor.reaches(payment.id, 'expired')
    await payment.send('100.00')
    await corridor.reaches(payment.id, 'in_review')
    await releasePayment(corridor.test.app, payment.id, WHO)
    await delivered(payment)
    assert.deepEqual(payment.told(), ['PAYMENT_EXPIRED', 'PAYMENT_IN_REVIEW', 'PAY_IN', 'COINS_SENT'])
  })

  it('late, where that is refunded: back to the payer', async () => {
    await policy({ late: 'refund' })
    const payment = await order()
    await corridor.advance('4d')
    await corridor.reaches(payment.id, 'expired')
    await payment.send('100.00')
    await has(payment.id, '100.00')
    await givenBack(payment, '100.00', 'late')
    await corridor.reaches(payment.id, 'refunded')
    await corridor.receiver.waitFor('PAYMENT_REFUNDED', ({ data }) => data.id === payment.id)
    assert.deepEqual(payment.told(), ['PAYMENT_EXPIRED', 'PAYMENT_REFUNDED'])
  })

  it('twice: coins once, the second transfer goes back whole', async () => {
    const payment = await order()
    await payment.send('100.00')
    await delivered(payment)
    await payment.send('100.00')
    await has(payment.id, '200.00')
    const twice = await givenBack(payment, '100.00', 'excess')
    assert.equal(twice.status, 'coins_sent')
    assert.equal(await corridor.usdcOf(payment.wallet), usdcUnits(twice.coin_amount_exact))
    assert.deepEqual(payment.told(), ['PAY_IN', 'COINS_SENT'])
  })

  for (const name of ['Boris Petrov', 'Luis García', 'Ana Torres']) {
    it(`from ${name} for Ana García: before a person, who refuses it`, async () => {
      const payment = await order()
      await payment.send('100.00', name)
      await corridor.reaches(payment.id, 'in_review')
      await refusePayment(corridor.test.app, payment.id, WHO)
      await givenBack(payment, '100.00', 'third_party')
      await corridor.reaches(payment.id, 'refunded')
      await corridor.receiver.waitFor('PAYMENT_REFUNDED', ({ data }) => data.id === payment.id)
      assert.deepEqual(payment.told(), ['PAYMENT_IN_REVIEW', 'PAYMENT_REFUNDED'])
      assert.equal(await corridor.usdcOf(payment.wallet), 0n)
    })
  }

  it('from somebody else, where that is accepted: delivered', async () => {
    await policy({ thirdParty: 'accept' })
    const payment = await order()
    await payment.send('100.00', 'Boris Petrov')
    await delivered(payment)
    assert.equal((await corridor.payment(payment.id)).holder.name, 'Boris Petrov')
  })

  it('without its number: said by the integration, and filled', async () => {
    const { company } = corridor
    const [account] = await company.call<{ iban: string }[]>('GET', '/api/banking/accounts')
    const transfer = { iban: account!.iban, amount: '77.70', name: 'Ana García', concept: 'regalo' }
    await company.call('POST', '/api/sandbox/bank/transfer', transfer)
    const path = `/api/banking/accounts/${account!.iban}/transactions`
    const line = await eventually('the line', async () => {
      const found = await company.call<{ id: string; amount: string }[]>('GET', path, { reconciled: 'false' })
      return found.find(({ amount }) => amount === '77.70')
    })
    const payment = await order()
    const asked = { payment_id: payment.id, transaction_id: line.id }
    await assert.rejects(company.call('POST', '/api/banking/reconcile', asked), /-22\.30|amount_mismatch/)
    const half = await company.call('POST', '/api/banking/reconcile', { ...asked, accept_difference: true })
    assert.deepEqual([half.payment_status, half.difference], ['started', '-22.30'])
    await payment.send('22.30')
    await delivered(payment)
    assert.deepEqual(payment.told(), ['PAY_IN', 'COINS_SENT'])
  })
})
