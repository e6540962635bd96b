import assert from 'node:assert/strict'
import { after, afterEach, describe, test } from 'node:test'
import { addSharedAccount, checkBank, lineOf, magicPayee, tellLine } from '../../test/support/bank.ts'
import {
  checkBooks,
  findIban,
  rowOf,
  sendTransfer,
  settleRefunds,
  startPaymentWorld,
} from '../../test/support/payments.ts'
import { startTransfer } from '../../test/support/transfer-payments.ts'
import { balanceOf } from '../ledger/book.ts'
import { receiveTransfer } from '../providers/bank/simulated/incoming.ts'
import { describeLine } from './describe-lines.ts'
import { listOpenLines } from './operate-accounts.ts'
import { refundLine } from './refund-line.ts'
import { targetOf } from './refund-target.ts'
import { undoMatch } from './undo-match.ts'

const WHO = { who: 'olga', why: 'nobody knows it' }
const DAY_MS = 86_400_000
const t = await startPaymentWorld()
after(() => t.stop())
const iban = await findIban(t.app)
afterEach(async () => {
  await checkBooks(t.app)
  await checkBank(t.app)
})

const refund = (id: string, more: object = {}) => refundLine(t.app, { iban, id, ...more }, WHO)

const newPayment = async () => (await startTransfer(t)).id

async function reconcile(paymentId: string, transactionId: string): Promise<string | undefined> {
  const body = { payment_id: paymentId, transaction_id: transactionId, amount: '100.00' }
  return (await t.api('POST', '/api/banking/reconcile', { body })).body.error
}

/** A line of 150.00, of which 100.00 are a payment's. */
async function matchedInPart(): Promise<{ line: string; payment: string }> {
  const known = new Set((await listOpenLines(t.app)).map(({ id }) => id))
  await sendTransfer(t.app, { iban, amount: '150.00', concept: 'Miete', name: 'Ana Pérez García' })
  await t.settle()
  const line = (await listOpenLines(t.app)).find(({ id }) => !known.has(id))!.id
  const payment = await newPayment()
  assert.equal(await reconcile(payment, line), undefined)
  assert.equal((await rowOf(t.app, payment)).state, 'payment_received')
  return { line, payment }
}

const stateOf = async (id: string): Promise<[string, bigint]> => {
  const { state, matchedUnits } = await lineOf(t.app, id)
  return [state, matchedUnits]
}
const openUnitsOf = async (id: string) => (await listOpenLines(t.app)).find((one) => one.id === id)?.units
const refundsOf = async (id: string) =>
  (
    await t.app.db
      .selectFrom('effects')
      .select(['state', 'units', 'purpose'])
      .where('reference', '=', `bank-line:${iban}:${id}`)
      .orderBy('createdAt')
      .orderBy('purpose')
      .execute()
  ).map(({ state, units, purpose }) => [state, units, purpose.split(':').at(-1)])

describe('the rest of a line that is matched in part', () => {
  test('goes back once, however many ask, and the match stays', async () => {
    const { line, payment } = await matchedInPart()
    assert.equal(await openUnitsOf(line), 5_000n)
    const asked = await Promise.allSettled(Array.from({ length: 4 }, () => refund(line)))
    assert.deepEqual(
      asked.flatMap((one) => (one.status === 'fulfilled' ? [one.value.units] : [])),
      [5_000n],
    )
    assert.equal(await openUnitsOf(line), undefined)
    assert.equal(await balanceOf(t.app.db, `suspense:${iban}`, 'EUR'), 0n)
    assert.equal(await reconcile(await newPayment(), line), 'already_reconciled')
    await settleRefunds(t)
    assert.deepEqual(await stateOf(line), ['matched', 15_000n])
    assert.deepEqual(await refundsOf(line), [['confirmed', 5_000n, '1']])
    await assert.rejects(refund(line), /belongs to somebody, or is going back already/)
    assert.equal((await rowOf(t.app, payment)).state, 'payment_received')
    const { body } = await t.api('GET', `/api/banking/accounts/${iban}/transactions?direction=credit`)
    const told = body.data.find((one: { id: string }) => one.id === line)
    assert.deepEqual(
      [told.reconciled, told.match.payments, told.match.reasons.at(-1)],
      [
        true,
        [{ payment_id: payment, amount: '100.00' }],
        'What was left of it goes back to where it came from.',
      ],
    )
    const described = await describeLine(t.app, iban, line)
    assert.deepEqual(
      [
        described?.matches.map(({ units }) => units),
        described?.refunds.map(({ units, state }) => [units, state]),
      ],
      [[10_000n], [[5_000n, 'confirmed']]],
    )
  })

  test('that could not go back, or comes back, waits again beside the match', async () => {
    const { line, payment } = await matchedInPart()
    await refund(line, { toIban: magicPayee('refuse', 'RR04') })
    await t.runLanes('payouts')
    assert.deepEqual([...(await stateOf(line)), await openUnitsOf(line)], ['unmatched', 10_000n, 5_000n])
    assert.match(
      String((await lineOf(t.app, line)).matchReasons),
      /The integration said so.*refund_failed: .*RR04/,
    )
    await refund(line, { toIban: magicPayee('return', 'AC04') })
    await settleRefunds(t)
    assert.deepEqual(await stateOf(line), ['matched', 15_000n])
    await t.advance(DAY_MS)
    await settleRefunds(t)
    assert.deepEqual([...(await stateOf(line)), await openUnitsOf(line)], ['unmatched', 10_000n, 5_000n])
    assert.equal((await rowOf(t.app, payment)).receivedUnits, 10_000n)
    await refund(line)
    await settleRefunds(t)
    assert.deepEqual(await refundsOf(line), [
      ['cancelled', 5_000n, '1'],
      ['cancelled', 5_000n, '2'],
      ['confirmed', 5_000n, '3'],
    ])
  })

  test('stays away when the match is taken back while it leaves; what the match held goes back by itself', async () => {
    const { line, payment } = await matchedInPart()
    await refund(line)
    const undone = await undoMatch(t.app, { iban, transactionId: line, paymentId: payment }, WHO)
    assert.deepEqual([undone.units, undone.paymentState], [10_000n, 'started'])
    assert.deepEqual([...(await stateOf(line)), await openUnitsOf(line)], ['unmatched', 5_000n, 10_000n])
    await settleRefunds(t)
    assert.deepEqual([...(await stateOf(line)), await openUnitsOf(line)], ['unmatched', 5_000n, 10_000n])
    assert.deepEqual(await refund(line), { units: 10_000n, currency: 'EUR' })
    await assert.rejects(refund(line), /is going back already/)
    await settleRefunds(t)
    assert.deepEqual(await refundsOf(line), [
      ['confirmed', 5_000n, '1'],
      ['confirmed', 10_000n, '2'],
    ])
    assert.deepEqual(await stateOf(line), ['returned', 15_000n])
    await assert.rejects(refund(line), /was paid back already/)
  })

  test('is given back again after the match went to another payment: each part is its own', async () => {
    const { line, payment } = await matchedInPart()
    await refund(line, { toIban: magicPayee('return', 'AC04') })
    await settleRefunds(t)
    await undoMatch(t.app, { iban, transactionId: line, paymentId: payment }, WHO)
    const other = await newPayment()
    assert.equal(await reconcile(other, line), undefined)
    assert.deepEqual(await stateOf(line), ['matched', 15_000n])
    await t.advance(DAY_MS)
    await settleRefunds(t)
    assert.deepEqual([...(await stateOf(line)), await openUnitsOf(line)], ['unmatched', 10_000n, 5_000n])
    await undoMatch(t.app, { iban, transactionId: line, paymentId: other }, WHO)
    assert.deepEqual([...(await stateOf(line)), await openUnitsOf(line)], ['unmatched', 0n, 15_000n])
    assert.deepEqual(await refund(line), { units: 15_000n, currency: 'EUR' })
    await settleRefunds(t)
    assert.deepEqual(await stateOf(line), ['returned', 15_000n])
  })
})

describe('money of nobody in another currency than the euro', () => {
  const CLABE = '032180000118359719'
  const findMexican = async (): Promise<string> =>
    (
      await t.app.db
        .selectFrom('bankAccounts')
        .select('iban')
        .where('currency', '=', 'MXN')
        .executeTakeFirstOrThrow()
    ).iban

  async function strayPesos(from: string): Promise<{ iban: string; id: string }> {
    const mexican = await findMexican()
    const now = t.app.clock.now()
    const sent = { iban: mexican, units: 250_000n, currency: 'MXN', fromName: 'Lupe Ortiz', fromIban: from }
    assert.ok(await receiveTransfer(t.app.db, { ...sent, concept: 'renta', dueAt: now, now }))
    await t.settle()
    const [line] = (await listOpenLines(t.app)).filter((one) => one.iban === mexican)
    return { iban: mexican, id: line!.id }
  }

  test('goes back to the payer’s local account, through the API of the bank that holds it', async () => {
    const line = await strayPesos(CLABE)
    await assert.rejects(refundLine(t.app, line, WHO), /Say at which bank 032180000118359719 is \(--bank\)/)
    const bankName = 'Banorte'
    assert.deepEqual(await refundLine(t.app, { ...line, bankName }, WHO), {
      units: 250_000n,
      currency: 'MXN',
    })
    await settleRefunds(t)
    assert.deepEqual(await stateOf(line.id), ['returned', 250_000n])
    const sent = await t.app.db
      .selectFrom('simulated.bankTransfers')
      .select(['counterpartyIban', 'units', 'state'])
      .where('direction', '=', 'out')
      .where('currency', '=', 'MXN')
      .execute()
    assert.deepEqual(sent, [{ counterpartyIban: CLABE, units: 250_000n, state: 'booked' }])
  })

  test('goes to the account that a person names where the bank told no local one', async () => {
    const line = await strayPesos('DE02000000000123456789')
    await assert.rejects(
      refundLine(t.app, { ...line, bankName: 'Banorte' }, WHO),
      /MXN goes to a CLABE of a bank in MX, and the bank did not say/,
    )
    await assert.rejects(
      refundLine(t.app, { ...line, toIban: iban }, WHO),
      /not to an IBAN: name it with --to-acc/,
    )
    const wrong = { toAccount: '032180000118359710', bankName: 'Banorte' }
    await assert.rejects(refundLine(t.app, { ...line, ...wrong }, WHO), /CLABE 0321\d+ has a check digit/)
    await refundLine(t.app, { ...line, toAccount: '032-180-00011835971-9', bankName: 'Banorte' }, WHO)
    await settleRefunds(t)
    assert.deepEqual(await stateOf(line.id), ['returned', 250_000n])
  })

  test('is refused where no transfer carries the currency, and euros go to no local account', async () => {
    const payer = { name: 'Ana', iban: null }
    assert.throws(
      () => targetOf('USD', payer, {}),
      /No transfer of ours carries USD; pay it back at the bank/,
    )
    assert.throws(() => targetOf('EUR', payer, { toAccount: CLABE }), /Euros go to an IBAN/)
    assert.throws(() => targetOf('EUR', { ...payer, name: ' ' }, { toIban: iban }), /--name/)
    const shared = await addSharedAccount(t.app)
    const line = { iban: shared, id: await tellLine(t.app, { iban: shared, counterpartyIban: null }) }
    await t.settle()
    await assert.rejects(refundLine(t.app, line, WHO), /did not say which account.*--to-iban/)
  })
})
