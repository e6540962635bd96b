import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { lineOf, tellLine } from '../../test/support/bank.ts'
import {
  addCustomer,
  checkBooks,
  createGuided,
  effectsOf,
  eventsOf,
  findIban,
  getPayment,
  type PaymentWorld,
  rowOf,
  sendTransfer,
  setSettings,
  settleRefunds,
  startPaymentWorld,
  takeInstructions,
} from '../../test/support/payments.ts'
import { fileOf, partsOf, lineOf as toldLine } from '../../test/support/statements.ts'
import { DEFAULT_SETTINGS, type IntegrationSettings } from '../common/integration.ts'
import { openCounterparty } from '../onramp/refund-sources.ts'
import { listReviews, refusePayment } from '../onramp/review.ts'
import { importStatement } from './import-statement.ts'
import { decideDoubt, listDoubts } from './line-doubts.ts'
import { recordBankLines } from './record-lines.ts'
import { undoMatch } from './undo-match.ts'

const WHO = { who: 'maria', why: 'looked at it' }
const ANA = 'Ana Pérez García'
const ANAS = 'ES9121000418450200051332'
const OTHERS = 'DE89370400440532013000'
const NOBODY = { counterpartyName: '', counterpartyIban: null }

let t: PaymentWorld
let iban: string

before(async () => {
  t = await startPaymentWorld({ DATABASE_POOL_SIZE: '20' })
  iban = await findIban(t.app)
  // What refunds are paid from.
  await sendTransfer(t.app, { iban, amount: '9000.00', concept: 'Miete', name: 'Zoe Okafor' })
  await t.settle()
})
beforeEach(() => policy({}))
afterEach(() => checkBooks(t.app))
after(() => t.stop())

const policy = (mismatch: Partial<IntegrationSettings['mismatch']>) =>
  setSettings(t, ({ brand }) => ({
    ...DEFAULT_SETTINGS,
    brand,
    mismatch: { ...DEFAULT_SETTINGS.mismatch, ...mismatch },
  }))

let cents = 0
/** Every payment here asks for another amount, so that no line is like another. */
async function newPayment(name?: string): Promise<{ id: string; units: bigint; concept: string }> {
  cents += 1
  const units = 10_000n + BigInt(cents)
  const amount = `${units / 100n}.${String(units % 100n).padStart(2, '0')}`
  const customer = await addCustomer(t.app, name === undefined ? {} : { name })
  const id = await createGuided(t, customer, { fiat_amount: amount, payment_type: 'transfer' })
  const { concept } = await takeInstructions(t, id)
  return { id, units, concept: String(concept) }
}

const today = (): string => t.app.clock.now().toISOString().slice(0, 10)

/** The bank's interface tells of a line and not who paid it; it is matched as far as it can be. */
async function tellNameless(line: { units: bigint; concept: string }): Promise<string> {
  const id = await tellLine(t.app, { iban, ...line, ...NOBODY })
  await t.settle()
  return id
}

/** A notification that comes as a file names the payer. */
async function tellPayer(
  line: { units: bigint; concept: string },
  counterpartyName: string,
  counterpartyIban: string | null,
  waiting = 0,
): Promise<void> {
  const lines = [toldLine({ ...line, bookedOn: today(), counterpartyName, counterpartyIban })]
  const parts = partsOf({ account: iban, lines, openingUnits: null, complete: false })
  const file = await importStatement(t.app, fileOf(parts, { format: 'camt.054.001.08' }))
  assert.deepEqual([file.added, file.doubts], [0, waiting])
}

const stateOf = async (id: string) => {
  const { state, reviewReason } = await rowOf(t.app, id)
  return [state, reviewReason]
}
const payerOf = async (line: string) =>
  openCounterparty(t.app.secrets, (await lineOf(t.app, line)).counterpartySealed)
const news = () => t.app.db.selectFrom('payerNews').selectAll().execute()
const refundsOf = async (id: string) =>
  (await effectsOf(t.app, id)).filter(({ kind }) => kind === 'bank_transfer').map(({ state }) => state)
const knownAs = async (paymentId: string) => {
  const { customerId } = await rowOf(t.app, paymentId)
  const rows = await t.app.db
    .selectFrom('knownPayers')
    .select('payments')
    .where('customerId', '=', String(customerId))
    .execute()
  return rows.map(({ payments }) => payments)
}
async function onTheWire(line: string): Promise<[string, string | null]> {
  const { body } = await t.api('GET', `/api/banking/accounts/${iban}/transactions`)
  // biome-ignore lint/suspicious/noExplicitAny: what the endpoint answered is compared.
  const found = body.data.find(({ id }: any) => id === line)
  return [found.counterparty_name, found.counterparty_iban]
}

describe('a payer who is named afterwards', () => {
  test('is the customer: the payment goes on by itself, once, and all that shows the payer names them', async () => {
    const payment = await newPayment()
    const line = await tellNameless(payment)
    assert.deepEqual(await stateOf(payment.id), ['in_review', 'third_party'])
    assert.deepEqual(await onTheWire(line), ['', null])
    assert.deepEqual(await knownAs(payment.id), [])
    await tellPayer(payment, 'PEREZ GARCIA, ANA', ANAS)
    await t.settle()
    assert.deepEqual(await stateOf(payment.id), ['payment_received', null])
    assert.deepEqual(await eventsOf(t.app, payment.id), ['PAYMENT_IN_REVIEW', 'PAY_IN'])
    assert.deepEqual(await onTheWire(line), ['PEREZ GARCIA, ANA', ANAS])
    assert.deepEqual((await getPayment(t, payment.id)).holder, {
      name: 'PEREZ GARCIA, ANA',
      iban: ANAS,
      card_last4: null,
    })
    assert.deepEqual(await knownAs(payment.id), [1])
    const audit = await t.app.db
      .selectFrom('auditLog')
      .select(['who', 'action'])
      .where('target', '=', `payment:${payment.id}`)
      .execute()
    assert.deepEqual(audit, [{ who: 'bank', action: 'payment.release' }])
    const { version } = await rowOf(t.app, payment.id)
    await tellPayer(payment, 'PEREZ GARCIA, ANA', ANAS)
    assert.deepEqual(await news(), [])
    await t.settle()
    assert.equal((await rowOf(t.app, payment.id)).version, version)
    assert.deepEqual(await knownAs(payment.id), [1])
  })

  test('is named first and their account later: both are known, and counted once', async () => {
    const payment = await newPayment()
    const line = await tellNameless(payment)
    await tellPayer(payment, ANA, null)
    await t.settle()
    assert.deepEqual(await stateOf(payment.id), ['payment_received', null])
    assert.deepEqual(await knownAs(payment.id), [])
    await tellPayer(payment, 'ANA PEREZ', ANAS)
    await t.settle()
    assert.deepEqual(await payerOf(line), { name: ANA, iban: ANAS })
    assert.equal((await getPayment(t, payment.id)).holder.iban, ANAS)
    assert.deepEqual(await knownAs(payment.id), [1])
  })

  test('has an account first and a name later: both are known, and counted once', async () => {
    const payment = await newPayment()
    const line = await tellLine(t.app, { iban, ...payment, counterpartyName: '', counterpartyIban: ANAS })
    await t.settle()
    assert.deepEqual(await stateOf(payment.id), ['in_review', 'third_party'])
    await tellPayer(payment, ANA, null)
    await t.settle()
    assert.deepEqual(await stateOf(payment.id), ['payment_received', null])
    assert.deepEqual(await payerOf(line), { name: ANA, iban: ANAS })
    assert.deepEqual((await getPayment(t, payment.id)).holder, { name: ANA, iban: ANAS, card_last4: null })
    assert.deepEqual(await knownAs(payment.id), [1])
  })

  test('is somebody else: it stays before a person, who sees the name', async () => {
    const payment = await newPayment()
    await tellNameless(payment)
    await tellPayer(payment, 'Boris Petrov', OTHERS)
    await t.settle()
    assert.deepEqual(await stateOf(payment.id), ['in_review', 'third_party'])
    assert.equal((await getPayment(t, payment.id)).holder.name, 'Boris Petrov')
    const [waiting] = (await listReviews(t.app)).filter(({ id }) => id === payment.id)
    assert.equal(waiting?.payer, 'Boris Petrov')
  })

  test('is the customer of one of two lines: it goes on when both are named', async () => {
    const payment = await newPayment()
    const half = { ...payment, units: 4_000n }
    const rest = { ...payment, units: payment.units - 4_000n }
    await tellNameless(half)
    await tellNameless(rest)
    await tellPayer(half, ANA, ANAS)
    await t.settle()
    assert.deepEqual(await stateOf(payment.id), ['in_review', 'third_party'])
    await tellPayer(rest, ANA, ANAS)
    await t.settle()
    assert.deepEqual(await stateOf(payment.id), ['payment_received', null])
    assert.deepEqual(await knownAs(payment.id), [2])
  })

  test('sent too little: the payment waits for the rest', async () => {
    const payment = await newPayment()
    const before = await rowOf(t.app, payment.id)
    await tellNameless({ ...payment, units: 6_000n })
    assert.deepEqual(await stateOf(payment.id), ['in_review', 'third_party'])
    await tellPayer({ ...payment, units: 6_000n }, ANA, ANAS)
    await t.settle()
    assert.deepEqual(await stateOf(payment.id), ['started', null])
    assert.deepEqual((await rowOf(t.app, payment.id)).expiresAt, before.expiresAt)
    const rest = payment.units - 6_000n
    await tellLine(t.app, { iban, units: rest, concept: payment.concept, counterpartyName: ANA })
    await t.settle()
    assert.deepEqual(await stateOf(payment.id), ['payment_received', null])
  })

  test('sent too much: the excess goes back to the account that was named', async () => {
    const payment = await newPayment()
    const more = { ...payment, units: payment.units + 2_500n }
    await tellNameless(more)
    await tellPayer(more, ANA, ANAS)
    await t.settle()
    await settleRefunds(t)
    assert.deepEqual(await stateOf(payment.id), ['payment_received', null])
    assert.deepEqual(await refundsOf(payment.id), ['confirmed'])
  })

  test('sent too much, where a person is to look: they see why', async () => {
    await policy({ over: 'review' })
    const payment = await newPayment()
    const more = { ...payment, units: payment.units + 2_600n }
    await tellNameless(more)
    await tellPayer(more, ANA, ANAS)
    await t.settle()
    assert.deepEqual(await stateOf(payment.id), ['in_review', 'over'])
  })

  test('pays a line that nobody owns: it is matched again', async () => {
    const payment = await newPayment('Ximena')
    const stray = { units: payment.units, concept: 'gracias por todo 4711' }
    const line = await tellNameless(stray)
    assert.equal((await lineOf(t.app, line)).matchedUnits, 0n)
    await tellPayer(stray, 'XIMENA PEREZ GARCIA', 'FR1420041010050500013M02606')
    await t.settle()
    assert.equal((await lineOf(t.app, line)).state, 'matched')
    assert.deepEqual(await stateOf(payment.id), ['payment_received', null])
  })

  test('is named by the interface itself, under the same reference', async () => {
    const payment = await newPayment()
    const line = await tellNameless(payment)
    const { bankRef } = await lineOf(t.app, line)
    await tellLine(t.app, { iban, ref: bankRef, ...payment, counterpartyName: ANA, counterpartyIban: ANAS })
    await t.settle()
    assert.deepEqual(await payerOf(line), { name: ANA, iban: ANAS })
    assert.deepEqual(await stateOf(payment.id), ['payment_received', null])
  })
})

describe('money that goes back to an account nobody has named', () => {
  async function refused(): Promise<Awaited<ReturnType<typeof newPayment>>> {
    const payment = await newPayment()
    await tellNameless(payment)
    await refusePayment(t.app, payment.id, WHO)
    await t.runLanes('payouts')
    assert.deepEqual(await refundsOf(payment.id), ['failed'])
    assert.equal((await getPayment(t, payment.id)).refund.state, 'failed')
    const [waiting] = (await listReviews(t.app)).filter(({ id }) => id === payment.id)
    assert.match(waiting!.refundReason!, /account that the money came from is not known/)
    return payment
  }

  const destinationOf = async (id: string) => {
    const { destinationSealed } = await t.app.db
      .selectFrom('effects')
      .select('destinationSealed')
      .where('reference', '=', `payment:${id}`)
      .where('kind', '=', 'bank_transfer')
      .executeTakeFirstOrThrow()
    return JSON.parse(t.app.secrets.open('effect', destinationSealed).toString('utf8'))
  }

  test('waits, is seen, and goes when the bank names it: once', async () => {
    const payment = await refused()
    await tellPayer(payment, ANA, null)
    await t.settle()
    assert.deepEqual(await refundsOf(payment.id), ['failed'])
    await tellPayer(payment, ANA, ANAS)
    await Promise.all([t.runLanes('payer-news'), t.runLanes('payer-news')])
    assert.equal((await getPayment(t, payment.id)).refund.state, 'planned')
    const { iban: to, name } = await destinationOf(payment.id)
    assert.deepEqual([to, name], [ANAS, ANA])
    await settleRefunds(t)
    assert.deepEqual(await refundsOf(payment.id), ['confirmed'])
    assert.deepEqual(await stateOf(payment.id), ['refunded', null])
    await tellPayer(payment, ANA, ANAS)
    await t.settle()
    await settleRefunds(t)
    assert.deepEqual(await refundsOf(payment.id), ['confirmed'])
    const sent = await t.app.providers.bank!.listTransactions(iban, null, 200)
    assert.equal(
      sent.filter(({ direction, units }) => direction === 'debit' && units === payment.units).length,
      1,
    )
  })

  test('gets the account before it was tried, and while it is being refused', async () => {
    const payment = await newPayment()
    await tellNameless(payment)
    await refusePayment(t.app, payment.id, WHO)
    // A worker has taken it, and finds no account.
    const effect = t.app.db.updateTable('effects').where('reference', '=', `payment:${payment.id}`)
    await effect.set({ state: 'prepared' }).execute()
    await tellPayer(payment, ANA, ANAS)
    await t.settle()
    assert.deepEqual(await refundsOf(payment.id), ['prepared'])
    assert.equal((await news()).length, 1)
    await effect.set({ state: 'planned' }).execute()
    await t.advance(10_000)
    await t.settle()
    assert.deepEqual(await news(), [])
    await settleRefunds(t)
    assert.deepEqual(await refundsOf(payment.id), ['confirmed'])
    assert.deepEqual(await knownAs(payment.id), [1])
  })

  test('that a person sent elsewhere stays so', async () => {
    const payment = await newPayment()
    await tellNameless(payment)
    await refusePayment(t.app, payment.id, { ...WHO, toIban: OTHERS })
    await tellPayer(payment, ANA, ANAS)
    await t.settle()
    assert.equal((await destinationOf(payment.id)).iban, OTHERS)
  })
})

describe('what is told of a payer is not taken over', () => {
  test('where it differs from what is known', async () => {
    const payment = await newPayment()
    const line = await tellLine(t.app, {
      iban,
      ...payment,
      counterpartyName: 'Boris Petrov',
      counterpartyIban: null,
    })
    await t.settle()
    // Who names somebody else may tell of another's transfer.
    await tellPayer(payment, ANA, ANAS, 1)
    await tellPayer(payment, 'Boris Ivanov', OTHERS, 1)
    await t.settle()
    assert.deepEqual(await payerOf(line), { name: 'Boris Petrov', iban: null })
    assert.deepEqual(await stateOf(payment.id), ['in_review', 'third_party'])
    await tellPayer(payment, 'PETROV BORIS', OTHERS)
    assert.deepEqual(await payerOf(line), { name: 'Boris Petrov', iban: OTHERS })
  })

  test('where two lines of the day are alike, and one has an owner', async () => {
    const payment = await newPayment()
    const stray = { units: payment.units, concept: 'regalo' }
    const [line, other] = [await tellNameless(stray), await tellNameless(stray)]
    const body = { payment_id: payment.id, transaction_id: line }
    assert.equal((await t.api('POST', '/api/banking/reconcile', { body })).body.status, 'ok')
    await tellPayer(stray, ANA, ANAS)
    await t.settle()
    assert.deepEqual(await payerOf(line), { name: '', iban: null })
    assert.deepEqual(await stateOf(payment.id), ['in_review', 'third_party'])
    assert.equal((await lineOf(t.app, other)).matchedUnits, 0n)
  })
})

test('a customer who paid twice is named for both transfers: the second goes back to their account', async () => {
  const payment = await newPayment()
  await tellNameless(payment)
  await tellNameless(payment)
  const told = { ...payment, bookedOn: today(), counterpartyName: ANA, counterpartyIban: ANAS }
  const parts = partsOf({
    account: iban,
    lines: [toldLine(told), toldLine(told)],
    openingUnits: null,
    complete: false,
  })
  const file = await importStatement(t.app, fileOf(parts, { format: 'camt.054.001.08' }))
  assert.equal(file.statements[0]?.known, 2)
  await t.settle()
  await settleRefunds(t)
  assert.deepEqual(await stateOf(payment.id), ['payment_received', null])
  assert.deepEqual(await refundsOf(payment.id), ['confirmed'])
  assert.deepEqual(await knownAs(payment.id), [2])
})

test('a match that is undone before its payment hears of the payer leaves no trace', async () => {
  const [payment, other] = [await newPayment(), await newPayment()]
  const line = await tellNameless(payment)
  await tellPayer(payment, ANA, ANAS)
  await undoMatch(t.app, { iban, transactionId: line }, WHO)
  assert.deepEqual(await news(), [])
  assert.deepEqual(await stateOf(payment.id), ['started', null])
  const body = { payment_id: other.id, transaction_id: line, accept_difference: true }
  assert.equal((await t.api('POST', '/api/banking/reconcile', { body })).body.status, 'ok')
  await t.settle()
  assert.deepEqual([await knownAs(payment.id), await knownAs(other.id)], [[], [1]])
})

test('a person who finds out which line is told of has its payer taken over', async () => {
  const payment = await newPayment()
  const line = await tellNameless(payment)
  const told = { ...payment, bookedOn: today(), concept: 'otra cosa 98765', endToEndId: 'X1' }
  const lines = [toldLine({ ...told, counterpartyName: ANA, counterpartyIban: ANAS })]
  const parts = partsOf({ account: iban, lines, openingUnits: null, complete: false })
  const file = await importStatement(t.app, fileOf(parts, { format: 'camt.054.001.08' }))
  assert.deepEqual([file.added, file.doubts], [0, 1])
  const [doubt] = (await listDoubts(t.app)).filter(({ units }) => units === payment.units)
  await decideDoubt(t.app, doubt!.id, { is: 'same', transactionId: line }, WHO)
  await t.settle()
  assert.deepEqual(await stateOf(payment.id), ['payment_received', null])
})

test('many tellings, matches and takings back at once end as one of their orders', async () => {
  for (let round = 0; round < 5; round += 1) {
    const payment = await newPayment()
    const line = await tellLine(t.app, { iban, ...payment, ...NOBODY })
    const { bankRef, bookedAt, valueDate } = await lineOf(t.app, line)
    await Promise.all([
      t.runLanes('bank-lines', 'payer-news'),
      tellPayer(payment, ANA, ANAS),
      recordBankLines(t.app, [
        {
          ref: bankRef,
          iban,
          bookedAt,
          valueDate,
          direction: 'credit',
          units: payment.units,
          balanceUnits: 0n,
          currency: 'EUR',
          counterpartyName: ANA,
          counterpartyIban: null,
          concept: payment.concept,
          endToEndId: null,
          transferRef: null,
          returnCode: null,
          returnText: null,
        },
      ]),
      t.runLanes('payer-news', 'bank-lines'),
    ])
    await t.settle()
    assert.deepEqual(await stateOf(payment.id), ['payment_received', null])
    assert.deepEqual(await payerOf(line), { name: ANA, iban: ANAS })
    assert.deepEqual(await knownAs(payment.id), [1])
    assert.deepEqual(await news(), [])
  }
})
