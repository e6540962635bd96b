import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import {
  addCustomer,
  createGuided,
  findIban,
  getPayment,
  type PaymentWorld,
  sendTransfer,
  startPaymentWorld,
  takeInstructions,
} from '../../test/support/payments.ts'
import { verifyBooks } from '../ledger/verify.ts'
import { findNamed, matchByNumber } from './matching/match-by-number.ts'
import { matchByScore } from './matching/match-by-score.ts'

describe('lines that no number settles', () => {
  let t: PaymentWorld
  let iban: string
  before(async () => {
    t = await startPaymentWorld()
    iban = await findIban(t.app)
  })
  after(() => t.stop())

  async function open(
    amount: string,
    who: { name: string; lastName: string },
  ): Promise<{ id: string; concept: string }> {
    const customer = await addCustomer(t.app, who)
    return openFor(customer, amount)
  }

  async function openFor(customer: number, amount: string): Promise<{ id: string; concept: string }> {
    const id = await createGuided(t, customer, { payment_type: 'transfer', fiat_amount: amount })
    const { concept } = await takeInstructions(t, id)
    return { id, concept: String(concept) }
  }

  async function send(amount: string, concept: string, name: string): Promise<void> {
    await sendTransfer(t.app, { iban, amount, concept, name })
    await t.settle()
  }

  const lineOf = (units: bigint) =>
    t.app.db
      .selectFrom('bankTransactions')
      .selectAll()
      .where('units', '=', units)
      .orderBy('bookedAt', 'desc')
      .orderBy('createdAt', 'desc')
      .limit(1)
      .executeTakeFirstOrThrow()

  const proposedFor = async (units: bigint) => {
    const { id } = await lineOf(units)
    return t.app.db
      .selectFrom('bankSuggestions')
      .select(['paymentId', 'score', 'reasons'])
      .where('transactionId', '=', id)
      .orderBy('paymentId')
      .execute()
  }

  const status = async (id: string): Promise<string> => (await getPayment(t, id)).status

  it('is matched by name and amount, with the score and the reasons', async () => {
    const payment = await open('101.37', { name: 'Núria', lastName: 'Ibáñez Peña' })
    await send('101.37', 'gracias', 'IBANEZ PENA, NURIA')
    assert.equal(await status(payment.id), 'payment_received')
    const line = await lineOf(10137n)
    assert.deepEqual([line.state, line.matchScore], ['matched', 85])
    assert.deepEqual(line.matchReasons, [
      'The amount is what is left to pay, and of no other open payment.',
      "The payer has the customer's name.",
      'The payment is open.',
    ])
  })

  it('that names payments of two customers by their numbers is proposed for both, whoever pays', async () => {
    const first = await open('103.37', { name: 'Berta', lastName: 'Aranguren Sáez' })
    const second = await open('104.37', { name: 'Óscar', lastName: 'Villalobos Rey' })
    for (const [amount, units] of [
      ['207.74', 20774n],
      ['103.37', 10337n],
    ] as const) {
      await send(amount, `${first.concept}/${second.concept}`, 'BERTA ARANGUREN SAEZ')
      const line = await lineOf(units)
      assert.deepEqual([line.state, line.matchedUnits], ['suggested', 0n])
      assert.match(line.matchReasons.join(' '), /another payment's number.+several customers/)
      assert.ok(!line.matchReasons.includes("The text is the payment's number."))
      const proposed = await proposedFor(units)
      assert.deepEqual(proposed.map(({ paymentId }) => paymentId).sort(), [first.id, second.id].sort())
    }
    assert.deepEqual([await status(first.id), await status(second.id)], ['started', 'started'])
  })

  it('proposes both of two that fit, and judges again when one of them is paid', async () => {
    const customer = await addCustomer(t.app, { name: 'Rocío', lastName: 'Zubizarreta Cano' })
    const [one, other] = [await openFor(customer, '102.37'), await openFor(customer, '102.37')]
    await send('102.37', '', 'Rocío Zubizarreta Cano')
    assert.equal((await lineOf(10237n)).state, 'suggested')
    assert.deepEqual(
      (await proposedFor(10237n)).map(({ paymentId }) => paymentId),
      [one.id, other.id].sort(),
    )
    assert.deepEqual([await status(one.id), await status(other.id)], ['started', 'started'])
    // The other one pays with its number: what waited can be for nobody else now.
    await send('102.37', other.concept, 'Rocío Zubizarreta Cano')
    assert.deepEqual([await status(one.id), await status(other.id)], ['payment_received', 'payment_received'])
    assert.deepEqual(await proposedFor(10237n), [])
  })

  it('is not matched where payer and amount contradict the number', async () => {
    const mine = await open('103.37', { name: 'Íñigo', lastName: 'Prieto Calvo' })
    const theirs = await open('203.37', { name: 'Hannah', lastName: 'Köhler' })
    await send('103.37', theirs.concept, 'Iñigo Prieto Calvo')
    assert.equal((await lineOf(10337n)).state, 'suggested')
    assert.deepEqual([await status(mine.id), await status(theirs.id)], ['started', 'started'])
  })

  it('is proposed for the payment that it names and for the one of its payer and amount', async () => {
    for (const [amount, units, payer] of [
      ['113.37', 11337n, 'Iria Ballesteros'],
      ['114.37', 11437n, 'I. Ballesteros'],
    ] as const) {
      const mine = await open(amount, { name: 'Iria', lastName: 'Ballesteros' })
      const theirs = await open('213.37', { name: 'Klaus', lastName: 'Obermayer' })
      await send(amount, `Pago ${theirs.concept}`, payer)
      const { state, matchReasons } = await lineOf(units)
      assert.equal(state, 'suggested')
      assert.match(matchReasons.join(' '), /payer and amount are another's/)
      const proposed = await proposedFor(units)
      assert.deepEqual(proposed.map(({ paymentId }) => paymentId).sort(), [mine.id, theirs.id].sort())
      const reasons = proposed.find(({ paymentId }) => paymentId === mine.id)!.reasons as string[]
      assert.ok(!reasons.includes('The text speaks of something else.'), reasons.join(' '))
    }
  })

  it('says of a second transfer that it is what was asked for, once more', async () => {
    const payment = await open('115.37', { name: 'Olga', lastName: 'Senderos Vidal' })
    const again = 'The amount is what was asked for, once more.'
    await send('115.37', payment.concept, 'Olga Senderos Vidal')
    assert.ok(!(await lineOf(11537n)).matchReasons.includes(again))
    await send('115.37', payment.concept, 'Olga Senderos Vidal')
    const line = await lineOf(11537n)
    assert.deepEqual([line.state, line.matchReasons.includes(again)], ['matched', true])
    assert.doesNotMatch(line.matchReasons.join(' '), /left to pay/)
    // With words around it, so that it is judged by all that is known.
    await send('115.37', `O${payment.concept.slice(1)} ${payment.concept}`, 'Olga Senderos Vidal')
    assert.doesNotMatch((await lineOf(11537n)).matchReasons.join(' '), /left to pay/)
  })

  it('pays two orders with one transfer that names both', async () => {
    const customer = await addCustomer(t.app, { name: 'Lucía', lastName: 'Lozano Gil' })
    const [one, other] = [await openFor(customer, '60.11'), await openFor(customer, '44.26')]
    await send('104.37', `pedidos ${one.concept} y ${other.concept}`, 'LUCIA LOZANO GIL')
    assert.deepEqual([await status(one.id), await status(other.id)], ['payment_received', 'payment_received'])
    const line = await lineOf(10437n)
    assert.equal(line.matchedUnits, 10437n)
  })

  it('knows an account again that paid before, whatever its name', async () => {
    const customer = await addCustomer(t.app, { name: 'Omar', lastName: 'El Alaoui' })
    const first = await openFor(customer, '105.37')
    // The payer's account follows from the name: a wife's, who pays for him by his number.
    await send('105.37', first.concept, 'Nadia Bennani')
    assert.equal(await status(first.id), 'in_review')
    const second = await openFor(customer, '106.37')
    await send('106.37', '', 'Nadia Bennani')
    const line = await lineOf(10637n)
    assert.ok(String(line.matchReasons).includes("The payer's account paid for this customer before."))
    assert.equal((await proposedFor(10637n))[0]?.paymentId, second.id)
  })

  it('never takes what comes back for a payment', async () => {
    const payment = await open('107.37', { name: 'Jörg', lastName: 'Straßer' })
    await send('107.37', 'DEVOLUCIÓN TRANSFERENCIA', 'Joerg Strasser')
    assert.equal((await lineOf(10737n)).state, 'suggested')
    assert.equal(await status(payment.id), 'started')
  })

  it('is no payment once a statement has told that it is a transfer of ours that came back', async () => {
    const payment = await open('109.37', { name: 'Álvaro', lastName: 'Quintana Ríos' })
    await sendTransfer(t.app, {
      iban,
      amount: '109.37',
      concept: payment.concept,
      name: 'Alvaro Quintana Rios',
    })
    await t.runLanes('simulated-bank', 'simulated-callbacks', 'provider-callbacks')
    const line = await lineOf(10937n)
    await t.app.db
      .updateTable('bankTransactions')
      .set({ transferRef: 'ORDER-1', returnCode: 'AC04' })
      .where('id', '=', line.id)
      .execute()
    // Both have the line as it was before.
    assert.deepEqual(await matchByNumber(t.app, [line], await findNamed(t.app, [line])), [line])
    assert.equal(await status(payment.id), 'started')
    await matchByScore(t.app, [line])
    assert.equal(await status(payment.id), 'started')
    await t.runLanes('bank-lines')
    const { matchReasons } = await lineOf(10937n)
    assert.match(String(matchReasons), /^return:/)
    assert.equal(await status(payment.id), 'started')
  })

  it('judges again when the proposed payment has ended', async () => {
    const payment = await open('108.37', { name: 'Débora', lastName: 'Magalhães' })
    await send('108.37', '', 'D. Magalhães')
    assert.equal((await proposedFor(10837n))[0]?.paymentId, payment.id)
    await t.app.db
      .updateTable('payments')
      .set({ state: 'payment_rejected', dueAt: null, expiresAt: null })
      .where('id', '=', payment.id)
      .execute()
    await t.runLanes('bank-suggestions', 'bank-lines')
    assert.deepEqual(await proposedFor(10837n), [])
    assert.equal((await lineOf(10837n)).state, 'unmatched')
  })

  it('leaves the books as the lines say', async () => {
    assert.deepEqual((await verifyBooks(t.app)).problems, [])
  })
})
