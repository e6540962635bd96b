import assert from 'node:assert/strict'
import { beforeEach, describe, test } from 'node:test'
import { addSharedAccount, lineOf, tellLine } from '../../test/support/bank.ts'
import {
  addCustomer,
  createGuided,
  effectsOf,
  endCoins,
  eventsOf,
  findIban,
  getPayment,
  rowOf,
  takeInstructions,
} from '../../test/support/payments.ts'
import { resetSettings, sharePaymentWorld, startTransfer } from '../../test/support/transfer-payments.ts'
import { reconcileLine } from './reconcile-line.ts'

const DAY_MS = 86_400_000

const t = await sharePaymentWorld({ DATABASE_POOL_SIZE: '20' })
const iban = await findIban(t.app)
beforeEach(() => resetSettings(t))

const newPayment = async (changes: Record<string, unknown> = {}) => (await startTransfer(t, changes)).id

const reconcile = (body: Record<string, unknown>, token?: string) =>
  t.api('POST', '/api/banking/reconcile', { body, honest: true, ...(token ? { token } : {}) })

async function refused(body: Record<string, unknown>, token?: string): Promise<[number, string]> {
  const answer = await reconcile(body, token)
  assert.equal(answer.body.status, 'error', JSON.stringify(answer.body))
  return [answer.status, answer.body.error]
}

describe('a transaction is said to be for a payment', () => {
  test('exact: filled as by itself, and answered the same again', async () => {
    const payment_id = await newPayment()
    const transaction_id = await tellLine(t.app, { iban })
    const first = await reconcile({ payment_id, transaction_id })
    assert.deepEqual(first.body, {
      status: 'ok',
      data: { payment_id, transaction_id, payment_status: 'payment_received', difference: '0.00' },
    })
    assert.deepEqual(await eventsOf(t.app, payment_id), ['PAY_IN'])
    assert.deepEqual(
      (await effectsOf(t.app, payment_id)).map(({ kind, state }) => [kind, state]),
      [['coin_transfer', 'planned']],
    )
    const line = await lineOf(t.app, transaction_id)
    assert.deepEqual([line.state, line.matchedUnits, line.dueAt], ['matched', 10_000n, null])
    await endCoins(t, payment_id, 'confirmed')
    const again = await reconcile({ payment_id, transaction_id })
    assert.deepEqual(again.body, first.body, 'whatever became of the payment since')
    assert.equal((await rowOf(t.app, payment_id)).receivedUnits, 10_000n, 'counted once')
  })

  test('two to one: with the difference, which has to be accepted', async () => {
    const payment_id = await newPayment()
    const [first, second] = [
      await tellLine(t.app, { iban, units: 6_000n }),
      await tellLine(t.app, { iban, units: 4_000n }),
    ]
    const mismatch = await reconcile({ payment_id, transaction_id: first })
    assert.deepEqual(
      [mismatch.status, mismatch.body.error, mismatch.body.data],
      [422, 'amount_mismatch', { difference: '-40.00' }],
    )
    assert.match(mismatch.body.message, /-40\.00/)
    assert.equal((await rowOf(t.app, payment_id)).receivedUnits, 0n)
    const accepted = await reconcile({ payment_id, transaction_id: first, accept_difference: true })
    assert.deepEqual(
      [accepted.body.data.payment_status, accepted.body.data.difference],
      ['started', '-40.00'],
    )
    const rest = await reconcile({ payment_id, transaction_id: second })
    assert.deepEqual([rest.body.data.payment_status, rest.body.data.difference], ['payment_received', '0.00'])
    assert.equal((await getPayment(t, payment_id)).fiat_amount_received, '100.00')
  })

  test('too much, accepted: the amount is converted, the rest goes back by the policy', async () => {
    const payment_id = await newPayment()
    const transaction_id = await tellLine(t.app, { iban, units: 13_000n })
    assert.deepEqual(await refused({ payment_id, transaction_id }), [422, 'amount_mismatch'])
    const { body } = await reconcile({ payment_id, transaction_id, accept_difference: true })
    assert.deepEqual([body.data.payment_status, body.data.difference], ['payment_received', '30.00'])
    assert.equal((await getPayment(t, payment_id)).refund.amount, '30.00')
    const again = await reconcile({ payment_id, transaction_id })
    assert.deepEqual(again.body, body)
  })

  test('one to two, each its part by amount; then nothing is left', async () => {
    const [one, other, third] = [await newPayment(), await newPayment(), await newPayment()]
    const transaction_id = await tellLine(t.app, { iban, units: 20_000n })
    const first = await reconcile({ payment_id: one, transaction_id, amount: '100.00' })
    assert.equal(first.body.data.payment_status, 'payment_received')
    const half = await lineOf(t.app, transaction_id)
    assert.deepEqual([half.state, half.matchedUnits], ['unmatched', 10_000n])
    assert.deepEqual(await refused({ payment_id: other, transaction_id, amount: '100.01' }), [
      422,
      'invalid_field',
    ])
    const second = await reconcile({ payment_id: other, transaction_id })
    assert.deepEqual(
      [second.body.data.payment_status, second.body.data.difference],
      ['payment_received', '0.00'],
    )
    assert.deepEqual(await refused({ payment_id: third, transaction_id }), [409, 'already_reconciled'])
    assert.deepEqual(await refused({ payment_id: one, transaction_id, amount: '50.00' }), [
      409,
      'already_reconciled',
    ])
    const same = await reconcile({ payment_id: one, transaction_id, amount: '100' })
    assert.deepEqual(same.body, first.body)
  })

  test('from somebody else, and late: before a person, as by itself', async () => {
    const payment_id = await newPayment()
    const stranger = await tellLine(t.app, { iban, counterpartyName: 'Boris Petrov' })
    const doubted = await reconcile({ payment_id, transaction_id: stranger })
    assert.equal(doubted.body.data.payment_status, 'in_review')
    assert.equal((await rowOf(t.app, payment_id)).reviewReason, 'third_party')
    const late = await newPayment()
    await t.advance(3 * DAY_MS + 1000)
    await t.settle()
    assert.equal((await getPayment(t, late)).status, 'expired')
    const { body } = await reconcile({ payment_id: late, transaction_id: await tellLine(t.app, { iban }) })
    assert.deepEqual([body.data.payment_status, body.data.difference], ['in_review', '0.00'])
    assert.equal((await rowOf(t.app, late)).reviewReason, 'late')
    assert.deepEqual(await eventsOf(t.app, late), ['PAYMENT_EXPIRED', 'PAYMENT_IN_REVIEW'])
  })

  test('the same Idempotency-Key is answered byte for byte', async () => {
    const body = { payment_id: await newPayment(), transaction_id: await tellLine(t.app, { iban }) }
    const ask = () =>
      t.api('POST', '/api/banking/reconcile', {
        body,
        headers: { 'idempotency-key': 'reconcile-1' },
        asText: true,
      })
    const first = await ask()
    const again = await ask()
    assert.equal(again.body, first.body)
    assert.equal(again.headers.get('idempotent-replayed'), 'true')
  })
})

describe('refused', () => {
  test('what is missing or wrong, all at once', async () => {
    const none = await reconcile({})
    assert.equal(none.body.error, 'fail_mandatory_field')
    assert.deepEqual(Object.keys(none.body.errors).sort(), ['payment_id', 'transaction_id'])
    const wrong = await reconcile({
      payment_id: 'x',
      transaction_id: 5,
      amount: '1.001',
      accept_difference: 'so',
    })
    assert.equal(wrong.body.error, 'invalid_field')
    assert.deepEqual(Object.keys(wrong.body.errors).sort(), ['accept_difference', 'amount', 'transaction_id'])
    const payment_id = await newPayment()
    const transaction_id = await tellLine(t.app, { iban })
    for (const amount of ['0', '-1', '1.001', '1e2'])
      assert.deepEqual(await refused({ payment_id, transaction_id, amount }), [422, 'invalid_field'], amount)
  })

  test('what there is not, and what is another integration’s', async () => {
    const payment_id = await newPayment()
    const transaction_id = await tellLine(t.app, { iban })
    assert.deepEqual(await refused({ payment_id: 'nothing', transaction_id }), [404, 'payment_not_found'])
    assert.deepEqual(await refused({ payment_id, transaction_id: 'nothing' }), [404, 'transaction_not_found'])
    const other = await t.authenticate('sandbox-key-2', 'sandbox-secret-2')
    assert.deepEqual(await refused({ payment_id, transaction_id }, other), [404, 'payment_not_found'])
    const { iban: theirs } = await t.app.db
      .selectFrom('bankAccounts')
      .select('iban')
      .where('integrationId', '=', 2)
      .executeTakeFirstOrThrow()
    const line = await tellLine(t.app, { iban: theirs })
    assert.deepEqual(await refused({ payment_id, transaction_id: line }), [404, 'transaction_not_found'])
  })

  test('a line of a shared account, but for what was matched to the payment', async () => {
    const shared = await addSharedAccount(t.app)
    const [payment_id, other] = [await newPayment(), await newPayment()]
    const transaction_id = await tellLine(t.app, { iban: shared, units: 20_000n })
    assert.deepEqual(await refused({ payment_id, transaction_id }), [404, 'transaction_not_found'])
    await reconcileLine(t.app, {
      iban: shared,
      transactionId: transaction_id,
      paymentId: payment_id,
      amount: '100.00',
      acceptDifference: false,
      by: 'operator',
    })
    const known = await reconcile({ payment_id, transaction_id })
    assert.equal(known.body.data.payment_status, 'payment_received')
    assert.deepEqual(await refused({ payment_id: other, transaction_id }), [409, 'already_reconciled'])
  })

  test('another currency', async () => {
    const { lastInsertId } = { lastInsertId: await addSharedAccount(t.app, 'CLP') }
    await t.app.db
      .updateTable('bankAccounts')
      .set({ integrationId: 1 })
      .where('iban', '=', lastInsertId)
      .execute()
    const transaction_id = await tellLine(t.app, { iban: lastInsertId, currency: 'CLP' })
    const payment_id = await newPayment()
    assert.deepEqual(await refused({ payment_id, transaction_id }), [422, 'currency_mismatch'])
    // Nothing of it stays behind for the other tests' payments.
    await t.app.db
      .updateTable('bankAccounts')
      .set({ integrationId: null })
      .where('iban', '=', lastInsertId)
      .execute()
  })

  test('a payment that does not wait for money', async () => {
    const transaction_id = await tellLine(t.app, { iban })
    const paid = await newPayment()
    await reconcile({ payment_id: paid, transaction_id: await tellLine(t.app, { iban }) })
    const cancelled = await newPayment()
    await t.api('POST', `/api/payment/${cancelled}/cancel`)
    const walletless = await createGuided(t, await addCustomer(t.app), {
      wallet: undefined,
      payment_type: 'transfer',
      fiat_amount: '100.00',
    })
    for (const payment_id of [paid, cancelled, walletless])
      assert.deepEqual(await refused({ payment_id, transaction_id }), [409, 'payment_not_pending'])
  })

  test('money that went out, and money of ours that came back', async () => {
    const payment_id = await newPayment()
    const debit = await tellLine(t.app, { iban, direction: 'debit' })
    assert.deepEqual(await refused({ payment_id, transaction_id: debit }), [422, 'invalid_field'])
    const returned = await tellLine(t.app, { iban, transferRef: 'nobody-knows', returnCode: 'AC04' })
    assert.deepEqual(await refused({ payment_id, transaction_id: returned }), [409, 'already_reconciled'])
  })
})

/** Lines that wait to be matched by themselves, each under the number of a payment of its own. */
async function withConcept(units = 10_000n): Promise<{ payment_id: string; transaction_id: string }> {
  const id = await createGuided(t, await addCustomer(t.app), {
    fiat_amount: '100.00',
    payment_type: 'transfer',
  })
  const { concept } = await takeInstructions(t, id)
  return { payment_id: id, transaction_id: await tellLine(t.app, { iban, units, concept: String(concept) }) }
}

describe('at once', () => {
  const ROUNDS = 8

  test('with the automatic match: one of them', async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const pair = await withConcept()
      const [answer] = await Promise.all([reconcile(pair), t.runLanes('bank-lines')])
      assert.equal(answer.body.data?.payment_status, 'payment_received', JSON.stringify(answer.body))
      const payment = await rowOf(t.app, pair.payment_id)
      assert.deepEqual([payment.state, payment.receivedUnits], ['payment_received', 10_000n])
      assert.equal((await lineOf(t.app, pair.transaction_id)).matchedUnits, 10_000n)
    }
  })

  test('with the automatic match to another payment: the money is one’s', async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const pair = await withConcept()
      const other = await newPayment()
      await Promise.all([
        reconcile({ payment_id: other, transaction_id: pair.transaction_id }),
        t.runLanes('bank-lines'),
      ])
      const states = [await rowOf(t.app, pair.payment_id), await rowOf(t.app, other)].map(
        ({ state }) => state,
      )
      assert.deepEqual(states.sort(), ['payment_received', 'started'])
      assert.equal((await lineOf(t.app, pair.transaction_id)).matchedUnits, 10_000n)
    }
  })

  test('with the deadline: paid, or expired and before a person', async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const payment_id = await newPayment()
      const transaction_id = await tellLine(t.app, { iban })
      await t.advance(3 * DAY_MS + 1000)
      const [answer] = await Promise.all([
        reconcile({ payment_id, transaction_id }),
        t.runLanes('payment-expiry'),
      ])
      const { state, receivedUnits } = await rowOf(t.app, payment_id)
      assert.ok(['payment_received', 'in_review'].includes(state), state)
      assert.deepEqual([answer.body.data.payment_status, receivedUnits], [state, 10_000n])
    }
  })

  test('one line to many payments for more than it has: never more than it has', async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const transaction_id = await tellLine(t.app, { iban, units: 25_000n })
      const payments = await Promise.all([1, 2, 3, 4].map(() => newPayment()))
      const answers = await Promise.all(
        payments.map((payment_id) => reconcile({ payment_id, transaction_id, amount: '100.00' })),
      )
      assert.equal(answers.filter(({ body }) => body.status === 'ok').length, 2)
      for (const { body } of answers.filter((one) => one.body.status !== 'ok'))
        assert.equal(body.error, 'invalid_field', JSON.stringify(body))
      assert.equal((await lineOf(t.app, transaction_id)).matchedUnits, 20_000n)
    }
  })

  test('the same pair many times: booked once, answered the same', async () => {
    const body = { payment_id: await newPayment(), transaction_id: await tellLine(t.app, { iban }) }
    const answers = await Promise.all([1, 2, 3, 4, 5].map(() => reconcile(body)))
    for (const answer of answers) assert.deepEqual(answer.body, answers[0]!.body)
    assert.equal(answers[0]!.body.status, 'ok')
    assert.equal((await rowOf(t.app, body.payment_id)).receivedUnits, 10_000n)
  })
})

test('the database itself refuses more than a line has', async () => {
  const id = await tellLine(t.app, { iban })
  await assert.rejects(
    t.app.db.updateTable('bankTransactions').set({ matchedUnits: 10_001n }).where('id', '=', id).execute(),
    /bank_transactions_matched_check/,
  )
})
