import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import { sql } from 'kysely'
import { goByFiles, makeFile, OPERATOR, readStatement } from '../../../test/support/file-bank.ts'
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
} from '../../../test/support/payments.ts'
import {
  bytesOf,
  statementParts,
  type WrittenLine,
  writeCamt,
} from '../../../test/support/statement-writers.ts'
import { effectNeeds } from '../../app-effects.ts'
import { retryEffect } from '../../effects/operate-effects.ts'
import { listWaitingLines } from '../describe-lines.ts'
import { importStatement } from '../import-statement.ts'
import { claimLine, listOpenLines } from '../operate-accounts.ts'
import { openStatement } from '../statements/detect-format.ts'
import { findGivenUpDebits } from '../unexpected-debits.ts'
import { takeAnswer } from './take-answer.ts'

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

const rejected = (messageId: string) =>
  takeAnswer(
    t.app,
    bytesOf([
      `<?xml version="1.0"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.10"><CstmrPmtStsRpt><GrpHdr><MsgId>A</MsgId><CreDtTm>2026-11-20T10:00:00Z</CreDtTm></GrpHdr><OrgnlGrpInfAndSts><OrgnlMsgId>${messageId}</OrgnlMsgId><OrgnlMsgNmId>pain.001</OrgnlMsgNmId><GrpSts>RJCT</GrpSts></OrgnlGrpInfAndSts></CstmrPmtStsRpt></Document>`,
    ]),
    OPERATOR,
  )
const debit = (endToEndId: string, units = 10_000n, concept = 'Refund') =>
  told({ direction: 'debit', units, endToEndId, concept })
const reasonsOf = async () => {
  const open = await listOpenLines(t.app)
  const waiting = await listWaitingLines(t.app)
  assert.deepEqual(
    waiting.map(({ reasons }) => reasons),
    open.map(({ matchReasons }) => matchReasons),
  )
  return open.filter(({ direction }) => direction === 'debit').flatMap(({ matchReasons }) => matchReasons)
}
/** The lines of a test are claimed at its end. */
const claimAll = async () => {
  for (const { id } of await listOpenLines(t.app)) {
    await claimLine(t.app, { iban, id, owner: 'cost' }, OPERATOR)
  }
}

describe('a debit with the id of an order that is not that order', () => {
  test('of another amount is named so', async () => {
    const { effect, key } = await refunding()
    await debit(key, 9_500n)
    assert.deepEqual(await reasonsOf(), [`debit:amount_differs:${effect.id}`])
    await claimAll()
  })

  test('the second time is named so, and before everybody', async () => {
    const { id, effect, key } = await refunding()
    await debit(key)
    assert.equal((await getPayment(t, id)).refund.state, 'confirmed')
    assert.deepEqual(await reasonsOf(), [])
    await t.advance(48 * HOUR)
    await debit(key, 10_000n, 'Refund once more')
    assert.deepEqual(await reasonsOf(), [`debit:again:${effect.id}`])
    const [named] = await findGivenUpDebits(t.app.db)
    assert.match(named!.why, new RegExp(`100.00 EUR for effect ${effect.id}, which was taken before`))
    await claimAll()
    assert.deepEqual(await findGivenUpDebits(t.app.db), [])
  })

  test('of an order that was refused and tried again under another id', async () => {
    const { made, effect, key } = await refunding()
    await rejected(made.messageId)
    await t.runLanes('payouts')
    await retryEffect(effectNeeds(t.app), effect.id, OPERATOR)
    await t.runLanes('payouts')
    await debit(key)
    assert.deepEqual(await reasonsOf(), [`debit:earlier_order:${effect.id}`])
    const [named] = await findGivenUpDebits(t.app.db)
    assert.match(named!.why, /refused in that order and tried again/)
    await claimAll()
  })
})
