import assert from 'node:assert/strict'
import { after, afterEach, before, describe, it } from 'node:test'
import { effectNeeds } from '../../src/app-effects.ts'
import { verifyLedger } from '../../src/app-ledger.ts'
import { pauseDoors, resumeDoors } from '../../src/effects/operate-doors.ts'
import { BANKS, TEST_LOGIN } from '../../src/providers/open-banking/simulated/banks.ts'
import { eventually } from '../support/app.ts'
import { type Corridor, openCorridor, type PaymentObject, usdcUnits } from './corridor.ts'

/** Every way of paying on the integrator's own page, from createPayment to where it ends. */
describe('createPayment', () => {
  let corridor: Corridor
  let user: number
  before(async () => {
    corridor = await openCorridor()
    user = await corridor.verifiedCustomer()
  })
  after(() => corridor.stop())
  afterEach(async () => {
    assert.deepEqual((await verifyLedger(corridor.test.app)).problems, [])
  })

  /** The local methods are asked for without a chain, as the documentation has it. */
  const METHODS: [paymentType: string, fiat: string, amount: string][] = [
    ['transfer', 'EUR', '100.00'],
    ['card', 'EUR', '100.00'],
    ['psd2', 'EUR', '100.00'],
    ['paypal', 'EUR', '100.00'],
    ['KHIPU', 'CLP', '100000'],
    ['KHIPU', 'ARS', '160000.00'],
    ['SPEI', 'MXN', '2500.00'],
    ['PSE', 'COP', '450000.00'],
    ['PAGOEFECTIVO', 'PEN', '400.00'],
    ['CVU', 'ARS', '160000.50'],
  ]
  const LOCAL = METHODS.slice(4).map(([paymentType]) => paymentType)

  interface Bought {
    id: string
    wallet: `0x${string}`
    answer: Record<string, string>
  }

  async function create(paymentType: string, fields: Record<string, unknown> = {}): Promise<Bought> {
    const [, fiat, amount] = METHODS.find(([name]) => name === paymentType)!
    const wallet = corridor.newWallet()
    const answer = await corridor.company.call<Record<string, string>>('POST', '/api/createPayment', {
      user_id: user,
      payment_type: paymentType,
      fiat_symbol: fiat,
      fiat_amount: amount,
      coin_symbol: 'USDC',
      ...(LOCAL.includes(paymentType) ? {} : { coin_chain: 'polygon' }),
      wallet,
      ...fields,
    })
    return { id: answer.payment_id!, wallet, answer }
  }

  const pay = (id: string, outcome?: string) =>
    corridor.company.call('POST', `/api/sandbox/payments/${id}/pay`, outcome ? { outcome } : {})
  const hears = (type: string, id: string) => corridor.receiver.waitFor(type, ({ data }) => data.id === id)

  async function visit(url: string): Promise<string> {
    const { status, headers } = await fetch(url, { redirect: 'manual' })
    assert.equal(status, 303)
    return headers.get('location')!
  }

  /** What the customer does on the provider's page, by the page's own calls. */
  const ON_PAGE: Record<string, [step: string, body: Record<string, string>][]> = {
    card: [['pay', { number: '4242 4242 4242 4242', expiry: '12/40', code: '123', name: 'Ana García' }]],
    bank: [
      ['bank', { bank_id: BANKS[0]!.id }],
      ['login', TEST_LOGIN],
      ['consent', { account_id: 'current' }],
    ],
    paypal: [['pay', { account_id: 'balance' }]],
    local: [['pay', {}]],
  }

  async function payOnPage(url: string): Promise<void> {
    const [, kind] = /\/simulators\/(card|bank|paypal|local)\//.exec(url) ?? assert.fail(url)
    let state = ''
    for (const [step, body] of ON_PAGE[kind!]!) {
      const answer = await fetch(`${url}/api/${step}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-page': '1' },
        body: JSON.stringify(body),
      })
      const { data, message } = (await answer.json()) as { data?: { state: string }; message?: string }
      state = data?.state ?? assert.fail(`${kind} ${step}: ${message}`)
    }
    assert.equal(state, 'paid')
  }

  async function arrives({ id, wallet }: Bought): Promise<PaymentObject> {
    const payIn = await hears('PAY_IN', id)
    const sent = await hears('COINS_SENT', id)
    assert.ok(payIn.signatureIsValid && sent.signatureIsValid && payIn.sequence < sent.sequence)
    const payment = await corridor.reaches(id, 'coins_sent')
    assert.equal(await corridor.usdcOf(wallet), usdcUnits(payment.coin_amount_exact))
    return payment
  }

  const order = (provider: string, kind: string) =>
    corridor.company.call('POST', '/api/sandbox/faults', { provider, kind })
  /** Every fault that was ordered has happened: none is left to happen to a later test. */
  const happened = async (): Promise<boolean> =>
    (await corridor.company.call<{ faults: object[] }>('GET', '/api/sandbox')).faults.length === 0

  async function isRefunded(id: string): Promise<PaymentObject> {
    await corridor.company.call('POST', '/api/sandbox/clock', { advance: '30s' })
    return eventually('the refund to be confirmed', async () => {
      const payment = await corridor.payment(id)
      return payment.refund?.state === 'confirmed' && payment
    })
  }

  for (const [paymentType, fiat, amount] of METHODS) {
    it(`${paymentType} in ${fiat}: paid, and the coins are in the wallet`, async () => {
      const bought = await create(paymentType, { fiat_symbol: fiat, fiat_amount: amount })
      if (paymentType === 'transfer') await pay(bought.id)
      else await payOnPage(await visit(bought.answer.url_payment!))
      const payment = await arrives(bought)
      assert.deepEqual(
        [payment.payment_type, payment.fiat_symbol, payment.fiat_amount_exact, payment.fiat_amount_received],
        [paymentType, fiat, amount, amount],
      )
      assert.equal(payment.fiat_amount, Math.round(Number(amount) * 100))
      assert.ok(payment.holder.name.includes('Ana'), JSON.stringify(payment.holder))
    })
  }

  for (const paymentType of ['paypal', 'KHIPU', 'SPEI']) {
    it(`${paymentType}: declined or given up, the next try may pay`, async () => {
      const bought = await create(paymentType)
      for (const outcome of ['declined', 'cancelled']) {
        const before = await visit(bought.answer.url_payment!)
        await pay(bought.id, outcome)
        await eventually('another session', async () => {
          const { status, headers } = await fetch(bought.answer.url_payment!, { redirect: 'manual' })
          return status === 303 && headers.get('location') !== before
        })
        assert.equal((await corridor.payment(bought.id)).status, 'started')
      }
      await pay(bought.id)
      await arrives(bought)
    })
  }

  it('paypal: five declines reject it', async () => {
    const { id, answer } = await create('paypal')
    for (let time = 1; time <= 5; time += 1) {
      await pay(id, 'declined')
      if (time < 5) {
        await eventually(
          'another session',
          async () => (await fetch(answer.url_payment!, { redirect: 'manual' })).status === 303,
        )
      }
      await eventually('the decline to be heard', async () => {
        const { declines } = await corridor.test.app.db
          .selectFrom('payments')
          .select('declines')
          .where('id', '=', id)
          .executeTakeFirstOrThrow()
        return declines === time
      })
    }
    await hears('PAYMENT_REJECTED', id)
    await corridor.reaches(id, 'payment_rejected')
  })

  it('a code that is paid twice: filled once, the second payment goes back', async () => {
    const bought = await create('PAGOEFECTIVO')
    await pay(bought.id, 'twice')
    await arrives(bought)
    const { refund, fiat_amount_received: received } = await isRefunded(bought.id)
    assert.deepEqual([refund.amount, refund.reason, received], ['400.00', 'excess', '800.00'])
  })

  it('a code that is paid late: looked at by a person, and refunded when nobody does', async () => {
    const { id } = await create('SPEI')
    await pay(id, 'late')
    await corridor.advance('24h')
    await hears('PAYMENT_EXPIRED', id)
    await corridor.advance('5m')
    await hears('PAYMENT_IN_REVIEW', id)
    await corridor.advance('8d')
    await hears('PAYMENT_REFUNDED', id)
    const payment = await corridor.reaches(id, 'refunded')
    assert.deepEqual([payment.refund.amount, payment.refund.state], ['2500.00', 'confirmed'])
  })

  it('a notification that is lost: the provider is asked', async () => {
    for (const paymentType of ['paypal', 'PSE']) {
      const bought = await create(paymentType)
      const provider = paymentType === 'paypal' ? 'paypal' : 'local'
      await order(provider, 'lost')
      await pay(bought.id)
      await eventually('the notification to be lost', happened)
      assert.equal((await corridor.payment(bought.id)).status, 'started')
      await corridor.advance('3m')
      await arrives(bought)
    }
  })

  it('the same news twice is one payment', async () => {
    await order('local', 'twice')
    const bought = await create('CVU')
    await pay(bought.id)
    const payment = await arrives(bought)
    await eventually('it to be told twice', happened)
    assert.equal(payment.fiat_amount_received, payment.fiat_amount_exact)
  })

  for (const [paymentType, lifetime] of [
    ['card', '31m'],
    ['paypal', '31m'],
    ['KHIPU', '25h'],
    ['transfer', '73h'],
  ] as const) {
    it(`${paymentType}: nobody pays, and it expires after ${lifetime} at the latest`, async () => {
      const { id } = await create(paymentType)
      await corridor.advance(lifetime)
      await hears('PAYMENT_EXPIRED', id)
      assert.equal((await corridor.payment(id)).status, 'expired')
    })
  }

  it('paypal: disputed after the coins: the state stays, the loss is booked, the integrator hears of it', async () => {
    const bought = await create('paypal')
    await pay(bought.id, 'charged_back')
    await arrives(bought)
    await corridor.advance('3m')
    const told = await hears('PAYMENT_CHARGED_BACK', bought.id)
    assert.equal((told.data as PaymentObject).chargeback.amount, '100.00')
    assert.equal((await corridor.payment(bought.id)).status, 'coins_sent')
  })

  it('paypal: disputed before the coins leave: rejected, and none leaves', async () => {
    const { running } = await stopDispatch()
    const { id, wallet } = await create('paypal')
    await pay(id, 'charged_back')
    await corridor.reaches(id, 'payment_received')
    // The sandbox's clock waits for coins to leave, and these must not.
    const { app } = corridor.test
    await app.moveClock(app.clock.offsetMs() + 121_000)
    await hears('PAYMENT_REJECTED', id)
    await running()
    const { chargeback, status } = await corridor.payment(id)
    assert.deepEqual([status, chargeback.amount], ['payment_rejected', '100.00'])
    await corridor.advance('10m')
    assert.equal(await corridor.usdcOf(wallet), 0n)
  })

  for (const paymentType of ['paypal', 'PSE']) {
    it(`${paymentType}: refunded before the coins leave, by the provider that took it`, async () => {
      const { db } = corridor.test.app
      const { running } = await stopDispatch()
      const { id } = await create(paymentType)
      await pay(id)
      await corridor.reaches(id, 'payment_received')
      await corridor.company.call('POST', `/api/payment/${id}/refund`)
      await running()
      await isRefunded(id)
      await corridor.reaches(id, 'refunded')
      await hears('PAYMENT_REFUNDED', id)
      const effect = await db
        .selectFrom('effects')
        .select(['door', 'state'])
        .where('reference', '=', `payment:${id}`)
        .where('kind', '=', 'card_refund')
        .executeTakeFirstOrThrow()
      const kind = paymentType === 'paypal' ? 'paypal' : 'local'
      assert.deepEqual(effect, { door: `${kind}:simulated`, state: 'confirmed' })
    })
  }

  /** Keeps the coins in, as an operator would. */
  async function stopDispatch() {
    const { app } = corridor.test
    const change = { who: 'test', why: 'Refunds are tried.' }
    await pauseDoors(effectNeeds(app), 'dispatch', change)
    return { running: () => resumeDoors(effectNeeds(app), 'dispatch', change) }
  }

  it('a refund that comes back is told as failed', async () => {
    const { running } = await stopDispatch()
    await order('paypal', 'return')
    const { id } = await create('paypal')
    await pay(id)
    await corridor.reaches(id, 'payment_received')
    await corridor.company.call('POST', `/api/payment/${id}/refund`)
    await running()
    await corridor.company.call('POST', '/api/sandbox/clock', { advance: '30s' })
    await eventually(
      'the refund to fail',
      async () => (await corridor.payment(id)).refund?.state === 'failed',
    )
    assert.equal((await corridor.payment(id)).status, 'payment_received')
  })
})
