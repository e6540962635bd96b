import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import {
  addCustomer,
  checkBooks,
  createGuided,
  getPayment,
  type PaymentWorld,
  startPaymentWorld,
  useCard,
} from '../../test/support/payments.ts'
import { startSession } from './start-session.ts'

let t: PaymentWorld

before(async () => {
  t = await startPaymentWorld()
})
after(() => t.stop())

test('a payment by card is received, converted, and its coins planned, in one go', async () => {
  const userId = await addCustomer(t.app)
  const id = await createGuided(t, userId, { external_id: 'order-1' })
  const started = await getPayment(t, id)
  assert.equal(started.status, 'started')
  assert.equal(started.fiat_amount, 15050)
  assert.equal(started.user_id, String(userId))
  assert.equal(started.holder, null)
  const { url } = await startSession(t.app, id)
  assert.match(url, /\/simulators\/card\//)
  await useCard(t.app, id)
  await t.settle()
  const received = await getPayment(t, id)
  assert.equal(received.status, 'payment_received')
  assert.equal(received.fiat_amount_received, '150.50')
  assert.equal(received.coin_amount_exact, started.coin_amount_exact)
  assert.deepEqual(received.holder, { name: 'ANA PEREZ', iban: null, card_last4: '4242' })
  const coins = await t.app.db
    .selectFrom('effects')
    .selectAll()
    .where('purpose', '=', `payment:${id}:coins`)
    .executeTakeFirstOrThrow()
  assert.equal(coins.state, 'planned')
  assert.equal(coins.asset, 'polygon:USDC')
  await checkBooks(t.app)
})
