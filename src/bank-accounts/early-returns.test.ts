import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import { sql } from 'kysely'
import { goByFiles, makeFile, OPERATOR, readStatement } from '../../test/support/file-bank.ts'
import {
  addCustomer,
  checkBooks,
  createGuided,
  findIban,
  getPayment,
  type PaymentWorld,
  sendTransfer,
  startPaymentWorld,
  takeInstructions,
} from '../../test/support/payments.ts'
import { bytesOf, statementParts, type WrittenLine, writeCamt } from '../../test/support/statement-writers.ts'
import { RefusedOperation } from '../effects/operate-effects.ts'
import { listWaitingLines } from './describe-lines.ts'
import { importStatement } from './import-statement.ts'
import { claimLine, listOpenLines } from './operate-accounts.ts'
import { takeAnswer } from './orders/take-answer.ts'
import { refundLine } from './refund-line.ts'
import { settleReturn } from './settle-return.ts'
import { openStatement } from './statements/detect-format.ts'

const HOUR = 3_600_000
let t: PaymentWorld
let iban: string

before(async () => {
  t = await startPaymentWorld()
  iban = await findIban(t.app)
  await goByFiles(t.app, iban)
})
after(() => t.stop())
afterEach(async () => {
  await t.advance(3 * 24 * HOUR)
  await checkBooks(t.app)
})

/** A payment whose refund is in a file that the bank was given. */
async function refunding() {
  const id = await createGuided(t, await addCustomer(t.app), {
    fiat_amount: '100.00',
    payment_type: 'transfer',
  })
  await sendTransfer(t.app, { ...(await takeInstructions(t, id)), amount: '100.00' })
  await readStatement(t, iban)
  await t.api('POST', `/api/payment/${id}/refund`)
  await t.runLanes('payouts')
  const made = await makeFile(t.app, iban)
  // The statement tells of today already.
  await t.advance(48 * HOUR)
  const effect = await t.app.db
    .selectFrom('effects')
    .selectAll()
    .where('reference', '=', `payment:${id}`)
    .where('kind', '=', 'bank_transfer')
    .executeTakeFirstOrThrow()
  return { id, made, effect, key: effect.idempotencyKey }
}

/** A notification of the bank's with this line alone. */
async function told(line: Partial<WrittenLine> & Pick<WrittenLine, 'units'>): Promise<void> {
  const on = t.app.clock.now().toISOString().slice(0, 10)
  const parts = statementParts({ account: iban, on, balances: false, lines: () => [line] })
  await importStatement(t.app, {
    bytes: bytesOf(writeCamt(parts, 'camt.054.001.08')),
    fileName: `${line.direction}.xml`,
    open: openStatement,
    source: 'command',
    who: 'a test',
  })
  // The simulated bank's next statement has it as well.
  const signed = line.direction === 'debit' ? -line.units : line.units
  await sql`update simulated.bank_accounts set balance_units = balance_units + ${signed} where iban = ${iban}`.execute(
    t.app.db,
  )
  await t.runLanes('bank-lines', 'bank-orders', 'payouts', 'bank-lines')
}

const cameBack = (key: string) =>
  told({ direction: 'credit', units: 10_000n, endToEndId: key, returnCode: 'AC04', concept: 'Devolucion' })
const rejected = (messageId: string) =>
  takeAnswer(
    t.app,
    bytesOf([
      `<?xml version="1.0"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.10"><CstmrPmtStsRpt><GrpHdr><MsgId>A</MsgId><CreDtTm>2026-11-20T10:00:00Z</CreDtTm></GrpHdr><OrgnlGrpInfAndSts><OrgnlMsgId>${messageId}</OrgnlMsgId><OrgnlMsgNmId>pain.001</OrgnlMsgNmId><GrpSts>RJCT</GrpSts></OrgnlGrpInfAndSts></CstmrPmtStsRpt></Document>`,
    ]),
    OPERATOR,
  )
const lineOf = async (effect: string, found = 'early') =>
  (await listOpenLines(t.app)).find(({ matchReasons }) => matchReasons.includes(`return:${found}:${effect}`))
const waitAnHour = async () => {
  await t.advance(HOUR + 60_000)
  await t.runLanes('bank-lines')
}

describe('money that comes back before its debit', () => {
  test('of an order that the bank refuses: listed after an hour, settled, claimed', async () => {
    const { id, made, effect, key } = await refunding()
    await cameBack(key)
    const { matchReasons } = await t.app.db
      .selectFrom('bankTransactions')
      .select('matchReasons')
      .where('endToEndId', '=', key)
      .executeTakeFirstOrThrow()
    assert.deepEqual(matchReasons, [`return:early:${effect.id}`])
    await rejected(made.messageId)
    await t.runLanes('payouts')
    assert.equal((await getPayment(t, id)).refund.state, 'failed')
    await waitAnHour()
    const line = (await lineOf(effect.id))!
    assert.deepEqual([line.direction, line.units], ['credit', 10_000n])
    assert.ok((await listWaitingLines(t.app)).some((one) => one.id === line.id))
    assert.equal((await settleReturn(t.app, effect.id, OPERATOR)).costUnits, 0n)
    const after = await getPayment(t, id)
    assert.deepEqual([after.refund.state, after.fiat_amount_refunded ?? '0.00'], ['failed', '0.00'])
    await checkBooks(t.app)
    assert.equal((await lineOf(effect.id, 'again'))?.id, line.id)
    await claimLine(t.app, { iban, id: line.id, owner: 'treasury' }, OPERATOR)
    assert.equal(await lineOf(effect.id, 'again'), undefined)
  })

  test('and whose debit comes after the hour is taken back by itself', async () => {
    const { id, effect, key } = await refunding()
    await cameBack(key)
    await waitAnHour()
    assert.ok(await lineOf(effect.id))
    await assert.rejects(
      settleReturn(t.app, effect.id, OPERATOR),
      (error) => error instanceof RefusedOperation && /No statement has the debit/.test(error.message),
    )
    await told({ direction: 'debit', units: 10_000n, endToEndId: key })
    assert.equal(await lineOf(effect.id), undefined)
    const { refund } = await getPayment(t, id)
    assert.equal(refund.state, 'failed')
    const { state } = await t.app.db
      .selectFrom('effects')
      .select('state')
      .where('id', '=', effect.id)
      .executeTakeFirstOrThrow()
    assert.equal(state, 'cancelled')
  })

  test('can be paid back to where it came from by a person', async () => {
    const { effect, key } = await refunding()
    await cameBack(key)
    await waitAnHour()
    const line = (await lineOf(effect.id))!
    const to = { iban, id: line.id, toIban: 'DE89370400440532013000', name: 'A bank' }
    assert.equal((await refundLine(t.app, to, OPERATOR)).units, 10_000n)
    assert.equal(await lineOf(effect.id), undefined)
  })
})
