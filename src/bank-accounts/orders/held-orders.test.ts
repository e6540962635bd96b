import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { sql } from 'kysely'
import {
  bytesOf,
  makeFile,
  OPERATOR,
  readStatement,
  shareFileBankWorld,
} from '../../../test/support/file-bank.ts'
import {
  type FileRefund,
  importLine,
  notifyLine,
  rejectFile,
  startFileRefund,
} from '../../../test/support/file-refunds.ts'
import { getPayment, sendTransfer } from '../../../test/support/payments.ts'
import { startTransfer } from '../../../test/support/transfer-payments.ts'
import { effectNeeds } from '../../app-effects.ts'
import { listEffects } from '../../effects/list-effects.ts'
import { cancelEffect, RefusedOperation, retryEffect } from '../../effects/operate-effects.ts'
import { settleOrder } from '../../effects/settle-order.ts'
import { findStuck } from '../../ledger/find-stuck.ts'
import { refusePayment } from '../../onramp/review.ts'
import { payerIban } from '../../providers/bank/simulated/incoming.ts'
import { describeLine } from '../describe-lines.ts'
import { decideDoubt, listDoubts } from '../line-doubts.ts'
import { lockBooks } from '../lock-books.ts'
import { claimLine, listOpenLines } from '../operate-accounts.ts'
import { refundLine } from '../refund-line.ts'
import { findGivenUpDebits } from '../unexpected-debits.ts'
import { exportOrders } from './export-orders.ts'
import { findHeldOrders, listHeldOrders } from './held-orders.ts'
import { listOrders } from './list-orders.ts'
import { settleFile, settleFileOrder } from './settle-file.ts'
import { takeAnswer } from './take-answer.ts'
import { settleHeldOrder } from './take-over.ts'

const bank = await shareFileBankWorld()
const { t, iban } = bank
const FORMAT = 'pain.001.001.09'

const exported = () => exportOrders(t.app, { iban, format: FORMAT }, OPERATOR)
const waitingKeys = async () => (await listOrders(t.app, { iban })).map(({ endToEndId }) => endToEndId)
const refundOf = async (id: string): Promise<string> => (await getPayment(t, id)).refund.state
const openDebits = async () => (await listOpenLines(t.app)).filter(({ direction }) => direction === 'debit')
const claim = (id: string) => claimLine(t.app, { iban, id, owner: 'cost' }, OPERATOR)
const run = () => t.runLanes('bank-lines', 'bank-orders', 'payouts', 'bank-lines')
const debit = (line: { endToEndId?: string; units?: bigint; concept?: string; name?: string }) => ({
  direction: 'debit' as const,
  units: line.units ?? 10_000n,
  endToEndId: line.endToEndId ?? null,
  concept: line.concept ?? 'Refund',
  counterpartyName: line.name ?? '',
})

/** A refund that the bank refused and that was tried again: the new order waits in no file. */
async function triedAgain(): Promise<FileRefund> {
  const refund = await startFileRefund(bank)
  await rejectFile(bank, refund.made.messageId)
  await t.runLanes('payouts')
  await retryEffect(effectNeeds(t.app), refund.effect.id, OPERATOR)
  await t.runLanes('payouts')
  assert.equal((await waitingKeys()).length, 1)
  return refund
}

describe('an order in no file', () => {
  test('is over when the debit of the order before it comes, and never goes into a file', async () => {
    const { id, key } = await triedAgain()
    await importLine(bank, debit({ endToEndId: key }))
    // Nobody has looked at the line yet, and the order is held all the same.
    await assert.rejects(exported(), /held back.*took 100.00 EUR for/s)
    await run()
    assert.equal(await refundOf(id), 'confirmed')
    assert.deepEqual([await waitingKeys(), await openDebits()], [[], []])
    await assert.rejects(exported(), /No orders of .* wait/)
  })

  test('waits when the debit is of another amount, until it is given up', async () => {
    const { effect, key } = await triedAgain()
    await notifyLine(bank, debit({ endToEndId: key, units: 9_000n }))
    await assert.rejects(exported(), /held back/)
    const [line] = await openDebits()
    await assert.rejects(claim(line!.id), /is held back/)
    await assert.rejects(settleHeldOrder(t.app, effect.id, OPERATOR), /another amount/)
    await cancelEffect(effectNeeds(t.app), effect.id, { ...OPERATOR, become: 'cancelled' })
    await claim(line!.id)
  })

  test('of a line that was refunded anew waits for a person, who says that the first one paid it', async () => {
    await notifyLine(bank, {
      units: 7_000n,
      concept: 'Miete',
      counterpartyName: 'Zoe Okafor',
      counterpartyIban: payerIban('Zoe Okafor'),
    })
    const { id } = (await listOpenLines(t.app)).find(({ concept }) => concept === 'Miete')!
    await refundLine(t.app, { iban, id }, OPERATOR)
    await t.runLanes('payouts')
    const first = await makeFile(t.app, iban)
    const key = /<EndToEndId>(\w+)/.exec(first.xml)![1]!
    await rejectFile(bank, first.messageId)
    await t.runLanes('payouts')
    await refundLine(t.app, { iban, id }, OPERATOR)
    await t.runLanes('payouts')
    await t.advance(48 * 3_600_000)
    await notifyLine(bank, debit({ endToEndId: key, units: 7_000n }))
    const [line] = await openDebits()
    assert.match(line!.matchReasons[0]!, /^given_up:/)
    await assert.rejects(exported(), /held back/)
    const [order] = await listOrders(t.app, { iban })
    assert.match(order!.held!, new RegExp(`line ${line!.id} of ${iban} took 70.00 EUR for ${key}`))
    const [named] = await findHeldOrders(t.app.db)
    assert.equal(named!.what, `order ${order!.endToEndId} of ${iban}`)
    await assert.rejects(claim(line!.id), /is held back/)
    assert.equal(await settleHeldOrder(t.app, order!.effect, OPERATOR), true)
    await run()
    assert.deepEqual([await waitingKeys(), await findHeldOrders(t.app.db), await openDebits()], [[], [], []])
    const said = await describeLine(t.app, iban, line!.id)
    assert.deepEqual(
      [said!.units, said!.orders.map(({ order: one, effect }) => [one, effect])],
      [0n, [[key, order!.effect]]],
    )
    assert.equal((await describeLine(t.app, iban, id))!.refunds[0]!.state, 'confirmed')
  })

  test('can be given up, and is not said to be sent', async () => {
    const { effect } = await triedAgain()
    const listed = async (state: 'sent' | 'planned') =>
      (await listEffects(t.app.db, { id: effect.id, state, limit: 9 })).map((one) => one.state)
    assert.deepEqual([await listed('sent'), await listed('planned')], [[], ['planned']])
    await assert.rejects(
      settleOrder(effectNeeds(t.app), effect.id, { ...OPERATOR, says: 'rejected' }),
      /in no file yet/,
    )
    await cancelEffect(effectNeeds(t.app), effect.id, { ...OPERATOR, become: 'cancelled' })
    assert.deepEqual(await waitingKeys(), [])
    await assert.rejects(exported(), /No orders/)
  })

  test('is either in a file or given up, whoever comes first', async () => {
    for (let round = 0; round < 4; round += 1) {
      const { effect } = await triedAgain()
      const [key] = await waitingKeys()
      const cancel = () => cancelEffect(effectNeeds(t.app), effect.id, { ...OPERATOR, become: 'cancelled' })
      const [file, end] = await Promise.allSettled(
        round % 2 === 0 ? [exported(), cancel()] : [exported(), Promise.resolve().then(cancel)],
      )
      assert.notEqual(file.status, end.status)
      for (const one of [file, end])
        if (one.status === 'rejected') assert.ok(one.reason instanceof RefusedOperation, String(one.reason))
      if (file.status === 'fulfilled') {
        assert.ok(file.value.xml.includes(key!))
        await rejectFile(bank, file.value.messageId)
        await t.runLanes('payouts')
      }
    }
  })

  test('is held by a debit that is recorded while the file is being made', async () => {
    const { effect, key } = await triedAgain()
    await notifyLine(bank, debit({ endToEndId: 'SOMETHING ELSE', units: 7_700n }))
    const [line] = await openDebits()
    let exporting: Promise<unknown> | undefined
    await t.app.db.transaction().execute(async (trx) => {
      await lockBooks(trx, 'alone')
      await sql`update bank_transactions set end_to_end_id = ${key} where id = ${line!.id}`.execute(trx)
      exporting = exported().catch((error: unknown) => error)
      const deadline = process.hrtime.bigint() + 20_000_000_000n
      for (;;) {
        const { rows } = await sql`
          select from pg_locks l join pg_stat_activity a using (pid)
           where l.locktype = 'advisory' and not l.granted and a.datname = current_database()`.execute(trx)
        if (rows.length > 0) break
        assert.ok(process.hrtime.bigint() < deadline, 'the file waits for what is being recorded')
      }
    })
    assert.match(String(await exporting), /held back/)
    await cancelEffect(effectNeeds(t.app), effect.id, { ...OPERATOR, become: 'cancelled' })
    await claim(line!.id)
  })

  test('is over when the debit of the order before it, in doubt as it was tried again, is found to be a line', async () => {
    const { id, made, effect, key } = await startFileRefund(bank)
    await rejectFile(bank, made.messageId)
    await notifyLine(bank, debit({ concept: 'COMISION ANUAL' }))
    await claim((await openDebits())[0]!.id)
    await notifyLine(bank, debit({ endToEndId: key }))
    const [doubt] = await listDoubts(t.app)
    await retryEffect(effectNeeds(t.app), effect.id, OPERATOR)
    await t.runLanes('payouts')
    await assert.rejects(exported(), /held back.*doubt/s)
    await decideDoubt(t.app, doubt!.id, { is: 'new' }, OPERATOR)
    await assert.rejects(exported(), /held back.*took 100.00 EUR for/s)
    await run()
    assert.deepEqual([await refundOf(id), await waitingKeys(), await openDebits()], ['confirmed', [], []])
    assert.equal((await describeLine(t.app, iban, doubt!.id))!.orders[0]!.order, key)
  })

  test('is held by a debit without an id of the same amount, until it is said whose that is', async () => {
    const { id, made, key } = await triedAgain()
    await notifyLine(bank, debit({ concept: 'ORDEN TRANSFERENCIA' }))
    const [line] = await openDebits()
    assert.deepEqual(
      (await listHeldOrders(t.app.db)).map(({ by, earlier }) => [by, earlier]),
      [['amount', key]],
    )
    await assert.rejects(exported(), /may be/)
    await settleFileOrder(t.app, { fileId: made.id, lineId: line!.id, endToEndId: key }, OPERATOR)
    await run()
    assert.deepEqual([await refundOf(id), await waitingKeys()], ['confirmed', []])
  })
})

/** Two refunds in one file. */
async function twoInAFile() {
  const ids: string[] = []
  for (const name of ['Lucia Fernandez', 'Marta Rubio']) {
    const { id, ...instructions } = await startTransfer(t)
    await sendTransfer(t.app, { ...instructions, amount: '100.00', name })
    ids.push(id)
  }
  await t.runLanes('simulated-bank')
  await readStatement(t, iban)
  for (const id of ids) await t.api('POST', `/api/payment/${id}/refund`)
  await t.runLanes('payouts')
  const made = await makeFile(t.app, iban)
  await t.advance(48 * 3_600_000)
  const effectOf = (id: string) =>
    t.app.db
      .selectFrom('effects')
      .select(['id', 'idempotencyKey'])
      .where('reference', '=', `payment:${id}`)
      .where('kind', '=', 'bank_transfer')
      .executeTakeFirstOrThrow()
  const effects = await Promise.all(ids.map(effectOf))
  return { ids, made, effects }
}

const rejectOne = (messageId: string, key: string) =>
  takeAnswer(
    t.app,
    bytesOf(
      `<?xml version="1.0"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.10"><CstmrPmtStsRpt><GrpHdr><MsgId>A</MsgId><CreDtTm>2026-11-20T10:00:00Z</CreDtTm></GrpHdr><OrgnlGrpInfAndSts><OrgnlMsgId>${messageId}</OrgnlMsgId><OrgnlMsgNmId>pain.001</OrgnlMsgNmId><GrpSts>PART</GrpSts></OrgnlGrpInfAndSts><OrgnlPmtInfAndSts><OrgnlPmtInfId>${messageId}-1</OrgnlPmtInfId><TxInfAndSts><OrgnlEndToEndId>${key}</OrgnlEndToEndId><TxSts>RJCT</TxSts></TxInfAndSts></OrgnlPmtInfAndSts></CstmrPmtStsRpt></Document>`,
    ),
    OPERATOR,
  )

describe('a file of which the bank refused an order and which it booked whole', () => {
  for (const anew of ['tried again', 'given up and refunded to another account'] as const) {
    test(`holds the order back that was ${anew}, and is settled by a person`, async () => {
      const { ids, made, effects } = await twoInAFile()
      const refused = effects[0]!
      await rejectOne(made.messageId, refused.idempotencyKey)
      await t.runLanes('payouts')
      if (anew === 'tried again') await retryEffect(effectNeeds(t.app), refused.id, OPERATOR)
      else {
        await cancelEffect(effectNeeds(t.app), refused.id, { ...OPERATOR, become: 'cancelled' })
        await refusePayment(t.app, ids[0]!, { ...OPERATOR, toIban: 'DE89370400440532013000' })
      }
      await t.runLanes('payouts')
      await notifyLine(bank, debit({ units: 20_000n, concept: `REMESA ${made.messageId}` }))
      const [line] = await openDebits()
      assert.deepEqual(line!.matchReasons, [
        `debit:order_file:${made.id}`,
        'The file has 2 orders, 200.00 EUR; refused of it: 1, 100.00 EUR.',
      ])
      await assert.rejects(exported(), /held back.*names file/s)
      const [named] = await findGivenUpDebits(t.app.db)
      assert.match(
        named!.why,
        /took 200.00 EUR under the name of file .* has 2 orders, 200.00 EUR; refused of it: 1, 100.00 EUR/,
      )
      const stuck = await findStuck(
        t.app.db,
        { now: new Date(t.app.clock.now().getTime() + 3_600_000), after: t.app.config.stuckAfter },
        { only: 'order_held', limit: 9 },
      )
      assert.deepEqual(
        stuck.map(({ reference, units }) => [reference, units]),
        [[`payment:${ids[0]}`, 10_000n]],
      )
      await assert.rejects(claim(line!.id), /is held back/)
      assert.equal(await settleFile(t.app, { fileId: made.id, lineId: line!.id }, OPERATOR), 2)
      await run()
      assert.deepEqual([await waitingKeys(), await openDebits()], [[], []])
      for (const id of ids) assert.equal(await refundOf(id), 'confirmed')
      assert.equal((await describeLine(t.app, iban, line!.id))!.orders.length, 2)
    })
  }
})

describe('debits without ids', () => {
  test('are settled order by order; the refusal names the order whose receiver is on the line', async () => {
    const { ids, made } = await twoInAFile()
    const names = ['LUCIA FERNANDEZ', 'MARTA RUBIO']
    const [first, second] = names.map((name) => debit({ name, concept: `ORDEN ${name}` }))
    await notifyLine(bank, first!, second!)
    const lines = await openDebits()
    assert.equal(lines.length, 2)
    const proposalsFor = async (lineId: string) => {
      const refusal = await settleFile(t.app, { fileId: made.id, lineId }, OPERATOR).then(
        () => assert.fail('one line took both'),
        (error: Error) => error.message,
      )
      const proposed = refusal.matchAll(/Order (\w+) is of this amount(, and the line names its receiver)?/g)
      return [...proposed].map(([, id, named]) => ({ id: id!, named: named !== undefined }))
    }
    const likely: string[] = []
    for (const { id } of lines) {
      const proposals = await proposalsFor(id)
      assert.deepEqual(
        proposals.map(({ named }) => named),
        [true, false],
      )
      likely.push(proposals[0]!.id)
    }
    assert.equal(new Set(likely).size, 2)
    for (const [place, { id: lineId }] of lines.entries()) {
      const endToEndId = likely[place]!
      const settle = () => settleFileOrder(t.app, { fileId: made.id, lineId, endToEndId }, OPERATOR)
      await settle()
      await assert.rejects(settle(), RefusedOperation)
      assert.equal((await describeLine(t.app, iban, lineId))!.orders[0]!.order, endToEndId)
    }
    await run()
    for (const id of ids) assert.equal(await refundOf(id), 'confirmed')
  })
})
