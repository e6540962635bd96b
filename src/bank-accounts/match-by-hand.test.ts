import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { addSharedAccount, tellLine } from '../../test/support/bank.ts'
import { findIban, rowOf } from '../../test/support/payments.ts'
import { sharePaymentWorld, startTransfer } from '../../test/support/transfer-payments.ts'
import { RefusedOperation } from '../effects/operate-effects.ts'
import { describeLine, listWaitingLines } from './describe-lines.ts'
import { type HandMatch, matchByHand } from './match-by-hand.ts'
import { undoMatch } from './undo-match.ts'

const WHO = { who: 'maria', why: 'the payer wrote to us' }

const t = await sharePaymentWorld()
const shared = await addSharedAccount(t.app)

const newPayment = async () => (await startTransfer(t)).id

const match = (asked: Partial<HandMatch> & Pick<HandMatch, 'transactionId' | 'paymentId'>) =>
  matchByHand(t.app, { iban: shared, acceptDifference: false, ...asked }, WHO)

describe('an operator says whose a line is', () => {
  test('of a shared account, recorded with who and why', async () => {
    const paymentId = await newPayment()
    const transactionId = await tellLine(t.app, { iban: shared })
    const { paymentState, differenceUnits } = await match({ transactionId, paymentId })
    assert.deepEqual([paymentState, differenceUnits], ['payment_received', 0n])
    const { who, why, target, after } = await t.app.db
      .selectFrom('auditLog')
      .selectAll()
      .where('action', '=', 'bank-line.match')
      .executeTakeFirstOrThrow()
    assert.deepEqual([who, why, target], [WHO.who, WHO.why, `bank-line:${shared}:${transactionId}`])
    assert.deepEqual(after, { payment: paymentId, state: 'payment_received' })
  })

  test('refused in words: the amount, what there is not, another integration’s account', async () => {
    const paymentId = await newPayment()
    const transactionId = await tellLine(t.app, { iban: shared, units: 6_000n })
    const refused = (asked: Partial<HandMatch>, words: RegExp) =>
      assert.rejects(
        match({ transactionId, paymentId, ...asked }),
        (error) => error instanceof RefusedOperation && words.test(error.message),
      )
    await refused({}, /difference of -40\.00/)
    await refused({ amount: '60.01' }, /at most the 60\.00/)
    await refused({ paymentId: 'nothing' }, /no payment nothing/)
    await refused({ transactionId: 'nothing' }, /no such transaction/)
    await refused({ iban: 'ES9121000418450200051332' }, /no account/)
    const { iban } = await t.app.db
      .selectFrom('bankAccounts')
      .select('iban')
      .where('integrationId', '=', 2)
      .executeTakeFirstOrThrow()
    await refused(
      { iban, transactionId: await tellLine(t.app, { iban }) },
      /another integration’s than payment/,
    )
    assert.equal((await rowOf(t.app, paymentId)).receivedUnits, 0n)
  })
})

test('lines that wait are listed with what is left of them and what they may be for', async () => {
  const iban = await findIban(t.app)
  const paymentId = await newPayment()
  const id = await tellLine(t.app, { iban, units: 16_000n, concept: 'compra' })
  assert.ok(!(await listWaitingLines(t.app)).some((line) => line.id === id), 'it is still being looked at')
  await t.app.db
    .updateTable('bankTransactions')
    .set({ state: 'suggested', dueAt: null })
    .where('id', '=', id)
    .execute()
  for (const [score, suggested] of [
    [55, await newPayment()],
    [72, paymentId],
  ] as const) {
    await t.app.db
      .insertInto('bankSuggestions')
      .values({
        iban,
        transactionId: id,
        integrationId: 1,
        paymentId: suggested,
        score,
        reasons: JSON.stringify(['The payment is open.']),
      })
      .execute()
  }
  const [line] = await listWaitingLines(t.app, { iban, suggested: true })
  assert.deepEqual([line!.id, line!.units], [id, 16_000n])
  assert.deepEqual(
    line!.suggestions.map(({ score }) => score),
    [72, 55],
  )
  assert.deepEqual(line!.suggestions[0], { paymentId, score: 72, reasons: ['The payment is open.'] })
  const shown = (await t.api('GET', `/api/banking/accounts/${iban}/transactions?reconciled=false`)).body.data
  assert.deepEqual(shown.find((one: { id: string }) => one.id === id).match.suggestions, [
    { payment_id: paymentId, score: 72, reasons: ['The payment is open.'] },
    { payment_id: line!.suggestions[1]!.paymentId, score: 55, reasons: ['The payment is open.'] },
  ])
  await matchByHand(
    t.app,
    { iban, transactionId: id, paymentId, amount: '100.00', acceptDifference: false },
    WHO,
  )
  const rest = await describeLine(t.app, iban, id)
  assert.deepEqual([rest!.units, rest!.suggestions], [6_000n, []])
  assert.deepEqual(
    rest!.matches.map((one) => [one.paymentId, one.units, one.matchedBy]),
    [[paymentId, 10_000n, 'operator']],
  )
  await undoMatch(t.app, { iban, transactionId: id }, WHO)
  assert.deepEqual((await describeLine(t.app, iban, id))!.matches, [])
  assert.equal(await describeLine(t.app, iban, 'nothing'), undefined)
})
