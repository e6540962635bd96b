import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import {
  addCustomer,
  CARDS,
  checkBooks,
  createGuided,
  effectsOf,
  endCoins,
  eventsOf,
  getPayment,
  type PaymentWorld,
  payCard,
  rowOf,
  settleRefunds,
  startPaymentWorld,
} from '../../test/support/payments.ts'
import { balanceOf } from '../ledger/book.ts'
import { addFaults } from '../providers/faults.ts'
import { takeWonDispute } from './dispute-won.ts'
import { listChargebacks } from './list-chargebacks.ts'
import { applyChargebacks } from './session-chargebacks.ts'

let t: PaymentWorld

before(async () => {
  t = await startPaymentWorld()
})
after(() => t.stop())
afterEach(() => checkBooks(t.app))

async function paid(number: string): Promise<string> {
  const id = await createGuided(t, await addCustomer(t.app), { fiat_amount: '100.00' })
  await payCard(t, id, number)
  return id
}

const loss = () => balanceOf(t.app.db, 'loss:chargeback', 'EUR')

/** Two minutes pass at the card provider, which tells of what happened, or does not. */
async function pass({ told }: { told: boolean }): Promise<void> {
  await t.advance(121_000)
  await t.runLanes('simulated-card')
  if (!told) await t.app.db.deleteFrom('simulated.callbacks').execute()
  await t.settle()
}

const readList = async (): Promise<void> => {
  await t.advance(600_000)
  await t.runLanes('card-chargebacks')
}

const sessionOf = (paymentId: string) =>
  t.app.db
    .selectFrom('paymentSessions')
    .selectAll()
    .where('paymentId', '=', paymentId)
    .executeTakeFirstOrThrow()

describe('a chargeback whose news is lost', () => {
  test('is found on the provider’s list, booked as a loss, shown, listed and told, once', async () => {
    const before = await loss()
    const id = await paid(CARDS.chargedBack)
    await endCoins(t, id, 'confirmed')
    await pass({ told: false })
    assert.equal((await getPayment(t, id)).chargeback, null)
    await readList()
    await readList()
    const payment = await getPayment(t, id)
    assert.deepEqual(
      [payment.status, payment.chargeback.amount, payment.chargeback.state],
      ['coins_sent', '100.00', 'charged_back'],
    )
    assert.equal((await loss()) - before, 10_000n)
    const { body } = await t.api('GET', '/api/payments/list?status=coins_sent')
    assert.deepEqual(body.data.find((one: { id: string }) => one.id === id).chargeback, payment.chargeback)
    assert.deepEqual(await eventsOf(t.app, id), ['PAY_IN', 'COINS_SENT', 'PAYMENT_CHARGED_BACK'])
    const [newest] = await listChargebacks(t.app)
    assert.deepEqual(
      [newest?.id, newest?.units, newest?.lossUnits, newest?.outcome],
      [id, 10_000n, 10_000n, 'charged_back'],
    )
  })

  test('is found also when the provider did not answer the first time', async () => {
    const id = await paid(CARDS.chargedBack)
    await pass({ told: false })
    await t.advance(600_000)
    await addFaults(t.app, { provider: 'card', kind: 'fail', count: 1 })
    await assert.rejects(t.runLanes('card-chargebacks'), /card/)
    await t.advance(61_000)
    await t.runLanes('card-chargebacks')
    assert.equal((await getPayment(t, id)).status, 'payment_rejected')
  })
})

describe('a dispute that is won', () => {
  for (const told of [true, false]) {
    test(`after the coins were sent makes the loss good, ${told ? 'told' : 'found on the list'}`, async () => {
      const before = await loss()
      const id = await paid(CARDS.disputeWon)
      await endCoins(t, id, 'confirmed')
      await pass({ told: true })
      assert.equal((await loss()) - before, 10_000n)
      await pass({ told })
      if (!told) await readList()
      await readList()
      assert.equal(await loss(), before)
      const payment = await getPayment(t, id)
      assert.deepEqual([payment.status, payment.chargeback.state], ['coins_sent', 'won'])
      assert.equal((await rowOf(t.app, id)).chargeback.lossUnits, '0')
      assert.deepEqual(
        (await effectsOf(t.app, id)).map(({ kind }) => kind),
        ['coin_transfer'],
      )
    })
  }

  test('before the coins were sent gives the customer back what nobody else has a right to', async () => {
    const id = await paid(CARDS.disputeWon)
    await pass({ told: true })
    assert.equal((await getPayment(t, id)).status, 'payment_rejected')
    await pass({ told: true })
    const planned = await getPayment(t, id)
    assert.deepEqual(
      [planned.status, planned.chargeback.state, planned.refund.state, planned.refund.amount],
      ['payment_rejected', 'won', 'planned', '100.00'],
    )
    await settleRefunds(t)
    assert.equal((await getPayment(t, id)).refund.state, 'confirmed')
    assert.equal(await balanceOf(t.app.db, `customer:${id}:fiat`, 'EUR'), 0n)
  })

  test('is won once, whoever tells it again, and the chargeback that comes late takes nothing', async () => {
    const before = await loss()
    const id = await paid(CARDS.disputeWon)
    await endCoins(t, id, 'confirmed')
    await pass({ told: true })
    const { provider, providerRef } = await sessionOf(id)
    const ref = { providerRef: providerRef! }
    await Promise.all(Array.from({ length: 4 }, () => takeWonDispute(t.app, provider, ref)))
    assert.equal(await loss(), before)
    const late = await applyChargebacks(t.app, [
      {
        provider,
        ...ref,
        reference: id,
        type: 'paid',
        units: 10_000n,
        currency: 'EUR',
        at: t.app.clock.now(),
        payer: null,
        chargedBack: { units: 10_000n, reason: 'fraudulent' },
      },
    ])
    assert.equal(late.size, 0)
    assert.equal(await loss(), before)
    await takeWonDispute(t.app, provider, { providerRef: 'nobody' })
    await pass({ told: true })
  })
})
