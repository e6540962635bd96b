import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import {
  addCustomer,
  checkBooks,
  createGuided,
  effectsOf,
  endCoins,
  eventsOf,
  getPayment,
  type PaymentWorld,
  payCard,
  rowOf,
  sendTransfer,
  startPaymentWorld,
  takeInstructions,
  useCard,
} from '../../test/support/payments.ts'
import { addFaults } from '../providers/faults.ts'
import { startSession } from './start-session.ts'

let t: PaymentWorld

before(async () => {
  t = await startPaymentWorld()
})
after(async () => {
  await checkBooks(t.app)
  await t.stop()
})

const cancel = (id: string, token?: string) =>
  t.api('POST', `/api/payment/${id}/cancel`, { honest: true, ...(token ? { token } : {}) })
const newPayment = async (changes: Record<string, unknown> = {}) =>
  createGuided(t, await addCustomer(t.app), changes)

test('a started payment is cancelled, its session ended at the provider, its external_id free', async () => {
  const id = await newPayment({ external_id: 'order-1' })
  await startSession(t.app, id)
  const { status, body } = await cancel(id)
  assert.deepEqual(
    [status, body.status, body.data.status, body.data.expires_at],
    [200, 'ok', 'cancelled', null],
  )
  const made = await t.app.db
    .selectFrom('simulated.cardSessions')
    .select('state')
    .where('reference', '=', id)
    .executeTakeFirstOrThrow()
  assert.equal(made.state, 'cancelled')
  assert.deepEqual(await eventsOf(t.app, id), ['PAYMENT_CANCELLED'])
  assert.equal((await rowOf(t.app, id)).liveExternalId, null)
})

test('a part that came by transfer goes back', async () => {
  const id = await newPayment({ payment_type: 'transfer' })
  await sendTransfer(t.app, { ...(await takeInstructions(t, id)), amount: '50.00' })
  await t.settle()
  const { body } = await cancel(id)
  assert.deepEqual(
    [body.data.status, body.data.refund.amount, body.data.refund.state],
    ['cancelled', '50.00', 'planned'],
  )
  assert.deepEqual(
    (await effectsOf(t.app, id)).map(({ kind }) => kind),
    ['bank_transfer'],
  )
})

test('409 when the customer paid at the same moment: paid wins', async () => {
  const id = await newPayment()
  await startSession(t.app, id)
  await useCard(t.app, id)
  const { status, body } = await cancel(id)
  assert.deepEqual([status, body.error], [409, 'payment_not_cancellable'])
  assert.equal((await rowOf(t.app, id)).state, 'payment_received')
})

test('409 when the provider does not answer: it may be paid at this moment', async () => {
  const id = await newPayment()
  await startSession(t.app, id)
  await addFaults(t.app, { provider: 'card', kind: 'fail', count: 1 })
  const { status, body } = await cancel(id)
  assert.deepEqual([status, body.error], [409, 'payment_not_cancellable'])
  assert.equal((await rowOf(t.app, id)).state, 'started')
  assert.equal((await cancel(id)).body.data.status, 'cancelled')
})

test('409 in every other state', async () => {
  const paid = await newPayment()
  await payCard(t, paid)
  const sent = await newPayment()
  await payCard(t, sent)
  await endCoins(t, sent, 'confirmed')
  const cancelled = await newPayment()
  await cancel(cancelled)
  for (const id of [paid, sent, cancelled]) {
    const { status, body } = await cancel(id)
    assert.deepEqual([status, body.error], [409, 'payment_not_cancellable'])
  }
})

test('404 unknown, and of another integration', async () => {
  const id = await newPayment()
  const other = await t.authenticate('sandbox-key-2', 'sandbox-secret-2')
  for (const answer of [await cancel('nope'), await cancel(id, other)]) {
    assert.deepEqual([answer.status, answer.body.error], [404, 'payment_not_found'])
  }
  assert.equal((await rowOf(t.app, id)).state, 'started')
})

test('GET: 404 unknown and of another integration; txid only when coins_sent; webhooks carry the same object', async () => {
  const id = await newPayment({ external_id: 'order-2' })
  const other = await t.authenticate('sandbox-key-2', 'sandbox-secret-2')
  for (const [path, token] of [
    ['/api/payment/nope', undefined],
    [`/api/payment/${id}`, other],
  ] as const) {
    const { status, body } = await t.api('GET', path, { honest: true, ...(token ? { token } : {}) })
    assert.deepEqual([status, body.error], [404, 'payment_not_found'])
  }
  await payCard(t, id)
  assert.equal('txid' in (await getPayment(t, id)), false)
  await endCoins(t, id, 'confirmed')
  const sent = await getPayment(t, id)
  assert.match(sent.txid, /^0x[0-9a-f]{64}$/)
  const event = await t.app.db
    .selectFrom('events')
    .select(['dataSealed', 'keyWrapped'])
    .where('stream', '=', `payment:${id}`)
    .where('type', '=', 'COINS_SENT')
    .executeTakeFirstOrThrow()
  const data = JSON.parse(t.app.secrets.openFor(event.keyWrapped!, event.dataSealed).toString('utf8'))
  assert.deepEqual(data, sent)
})
