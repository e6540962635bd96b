import assert from 'node:assert/strict'
import { afterEach, describe, test } from 'node:test'
import { checkBank } from '../../../test/support/bank.ts'
import {
  bytesOf,
  handIn,
  makeFile,
  OPERATOR,
  readStatement,
  shareFileBankWorld,
  takeFile,
  takeStatement,
} from '../../../test/support/file-bank.ts'
import { effectsOf, eventsOf, getPayment, sendTransfer } from '../../../test/support/payments.ts'
import { startTransfer } from '../../../test/support/transfer-payments.ts'
import { effectNeeds } from '../../app-effects.ts'
import { cancelEffect, RefusedOperation, retryEffect } from '../../effects/operate-effects.ts'
import { listReviews, refusePayment } from '../../onramp/review.ts'
import { receiveTransfer } from '../../providers/bank/simulated/incoming.ts'
import { MAGIC_PAYEES } from '../../providers/bank/simulated/magic.ts'
import { giveOrderFile } from '../../sandbox/file-bank.ts'
import { claimLine } from '../operate-accounts.ts'
import { StatementError } from '../statements/statement.ts'
import { exportOrders, readOrderFile } from './export-orders.ts'
import { listOrderFiles, listOrders } from './list-orders.ts'
import { settleFile } from './settle-file.ts'
import { takeAnswer } from './take-answer.ts'

const { t, iban } = await shareFileBankWorld()
afterEach(() => checkBank(t.app))

/** A payment whose money came by transfer, from an account that the bank names or not. */
async function paid(from: { fromIban?: string; amount?: string } = {}): Promise<string> {
  const { id, ...instructions } = await startTransfer(t)
  const now = t.app.clock.now()
  const { amount = '100.00', fromIban } = from
  if (fromIban === undefined) await sendTransfer(t.app, { ...instructions, amount })
  else {
    assert.ok(
      await receiveTransfer(t.app.db, {
        ...instructions,
        units: BigInt(amount.replace('.', '')),
        currency: 'EUR',
        fromName: 'Ana Pérez García',
        fromIban,
        dueAt: now,
        now,
      }),
    )
  }
  await readStatement(t, iban)
  assert.equal((await getPayment(t, id)).fiat_amount_received, amount)
  return id
}

async function refunding(from: Parameters<typeof paid>[0] = {}): Promise<string> {
  const id = await paid(from)
  const { body } = await t.api('POST', `/api/payment/${id}/refund`)
  assert.equal(body.data.refund.state, 'planned')
  await t.runLanes('payouts')
  // Nobody but us has the order before it is in a file.
  assert.equal((await getPayment(t, id)).refund.state, 'planned')
  return id
}

const refundOf = async (id: string): Promise<[string, string]> => {
  const { status, refund } = await getPayment(t, id)
  return [status, refund.state]
}
const magic = (does: string, code: string): string =>
  MAGIC_PAYEES.find(
    ({ fate, value }) => fate.does === does && fate.code === code && /^[A-Z]{2}\d{2}/.test(value),
  )!.value
const effectOf = async (id: string) =>
  t.app.db
    .selectFrom('effects')
    .selectAll()
    .where('reference', '=', `payment:${id}`)
    .where('kind', '=', 'bank_transfer')
    .orderBy('createdAt', 'desc')
    .executeTakeFirstOrThrow()

describe('a refund at a bank without an API', () => {
  test('waits, goes into one file, is answered, booked by the statement, and ends the payment', async () => {
    const id = await refunding()
    const [waiting, ...others] = await listOrders(t.app, { iban })
    assert.deepEqual([waiting?.reference, waiting?.units, others.length], [`payment:${id}`, 10_000n, 0])
    const made = await makeFile(t.app, iban)
    assert.deepEqual([made.orders, made.units], [1, 10_000n])
    assert.ok(made.xml.includes(`<EndToEndId>${waiting!.endToEndId}</EndToEndId>`))
    assert.deepEqual(await refundOf(id), ['payment_received', 'sent'])
    // Nothing waits any more: the order is in this file for good.
    assert.deepEqual(await listOrders(t.app, { iban }), [])
    await assert.rejects(
      exportOrders(t.app, { iban, format: 'pain.001.001.03' }, OPERATOR),
      /No orders of .* wait/,
    )
    assert.equal(await readOrderFile(t.app, made.id, OPERATOR), made.xml)
    const reads = t.app.db.selectFrom('auditLog').select(['who', 'why', 'target'])
    assert.deepEqual(await reads.where('action', '=', 'order-file.read').execute(), [
      { ...OPERATOR, target: `order-file:${made.id}` },
    ])
    const taken = await handIn(t, made.xml)
    assert.deepEqual([taken.status, taken.rejected, taken.standing], ['ACCP', [], 1])
    assert.deepEqual(await refundOf(id), ['payment_received', 'sent'])
    await readStatement(t, iban)
    assert.deepEqual(await refundOf(id), ['refunded', 'confirmed'])
    const events = await eventsOf(t.app, id)
    assert.equal(events.filter((type) => type === 'PAYMENT_REFUNDED').length, 1)
    const { body } = await t.api('GET', '/api/payments/list?status=refunded')
    const listed = body.data.find((one: { id: string }) => one.id === id)
    assert.equal(listed.refund.state, 'confirmed')
    const [file] = await listOrderFiles(t.app, iban)
    assert.deepEqual([file?.booked, file?.rejected, file?.answer], [1, 0, 'ACCP'])
    // The bank has the file already: it books nothing twice, and says the same.
    assert.match(await giveOrderFile(t.app, made.xml), /ACCP/)
    await readStatement(t, iban)
  })

  test('that the bank refuses ends as refused, and is ordered again only by a person, under a new id', async () => {
    const id = await refunding({ fromIban: magic('refuse', 'RR04') })
    const first = await makeFile(t.app, iban, 'pain.001.001.03')
    const taken = await handIn(t, first.xml)
    assert.deepEqual(
      taken.rejected.map(({ reason }) => reason),
      ['RJCT: RR04: rules forbid it'],
    )
    assert.deepEqual(await refundOf(id), ['payment_received', 'failed'])
    const effect = await effectOf(id)
    assert.match(effect.reason!, /rejected by the bank: RR04/)
    assert.deepEqual(await listOrders(t.app, { iban }), [])
    await retryEffect(effectNeeds(t.app), effect.id, OPERATOR)
    await t.runLanes('payouts')
    const second = await makeFile(t.app, iban)
    assert.equal(second.orders, 1)
    assert.notEqual(second.messageId, first.messageId)
    assert.ok(!second.xml.includes(effect.idempotencyKey))
    await handIn(t, second.xml)
    // To another account, once the order is given up.
    await cancelEffect(effectNeeds(t.app), effect.id, { ...OPERATOR, become: 'cancelled' })
    await refusePayment(t.app, id, { ...OPERATOR, toIban: 'DE89370400440532013000' })
    await t.runLanes('payouts')
    const third = await makeFile(t.app, iban)
    assert.ok(third.xml.includes('DE89370400440532013000'))
    await handIn(t, third.xml)
    await readStatement(t, iban)
    assert.deepEqual(await refundOf(id), ['refunded', 'confirmed'])
  })

  test('that the bank takes and refuses later ends by its later answer', async () => {
    const id = await refunding({ fromIban: magic('reject', 'AC06') })
    const made = await makeFile(t.app, iban)
    assert.deepEqual((await handIn(t, made.xml)).rejected, [])
    await readStatement(t, iban)
    assert.deepEqual(await refundOf(id), ['payment_received', 'sent'])
    const { rejected } = await handIn(t, made.xml)
    assert.deepEqual(
      rejected.map(({ reason }) => reason),
      ['RJCT: AC06: the account is blocked'],
    )
    assert.deepEqual(await refundOf(id), ['payment_received', 'failed'])
  })

  test('that comes back is held again, and the order is known as returned', async () => {
    const id = await refunding({ fromIban: magic('return', 'AC04') })
    const made = await makeFile(t.app, iban)
    await handIn(t, made.xml)
    await readStatement(t, iban)
    assert.deepEqual(await refundOf(id), ['refunded', 'confirmed'])
    await t.advance(86_400_000)
    await readStatement(t, iban)
    assert.deepEqual(await refundOf(id), ['refunded', 'failed'])
    const [file] = await listOrderFiles(t.app, iban)
    assert.equal(file?.returned, 1)
    await refusePayment(t.app, id, { ...OPERATOR, toIban: 'DE89370400440532013000' })
    await t.runLanes('payouts')
    await handIn(t, (await makeFile(t.app, iban)).xml)
    await readStatement(t, iban)
    assert.deepEqual(await refundOf(id), ['refunded', 'confirmed'])
  })

  test('whose account nobody knows is ordered to nobody: it waits for a person', async () => {
    const id = await paid()
    await t.api('POST', `/api/payment/${id}/refund`)
    const planned = await effectOf(id)
    const nobody = t.app.secrets.seal('effect', JSON.stringify({ iban: '', name: 'Ana', concept: 'Refund' }))
    await t.app.db
      .updateTable('effects')
      .set({ destinationSealed: nobody })
      .where('id', '=', planned.id)
      .execute()
    await t.runLanes('payouts')
    assert.deepEqual(await refundOf(id), ['payment_received', 'failed'])
    const [waiting] = (await listReviews(t.app)).filter((one) => one.id === id)
    assert.match(waiting!.refundReason!, /account that the money came from is not known/)
    assert.deepEqual(await listOrders(t.app, { iban }), [])
    await cancelEffect(effectNeeds(t.app), planned.id, { ...OPERATOR, become: 'cancelled' })
    await assert.rejects(refusePayment(t.app, id, { ...OPERATOR, toIban: 'ES00' }), RefusedOperation)
    await refusePayment(t.app, id, { ...OPERATOR, toIban: 'DE89370400440532013000' })
    await t.runLanes('payouts')
    await handIn(t, (await makeFile(t.app, iban)).xml)
    await readStatement(t, iban)
    assert.deepEqual(await refundOf(id), ['refunded', 'confirmed'])
  })
})

describe('a file', () => {
  test('that the bank books as one sum settles its orders, by the name of the file that the line carries', async () => {
    const ids = [await refunding(), await refunding(), await refunding()]
    const made = await makeFile(t.app, iban)
    assert.equal(made.orders, 3)
    await handIn(t, made.xml)
    await readStatement(t, iban, { batches: true })
    for (const id of ids) assert.deepEqual(await refundOf(id), ['refunded', 'confirmed'])
    const [file] = await listOrderFiles(t.app, iban)
    assert.ok(file?.batchLine)
  })

  for (const [where, details] of [
    [
      'the id of its payment order',
      (name: string) =>
        `<NtryDtls><Btch><PmtInfId>${name}-1</PmtInfId><NbOfTxs>2</NbOfTxs></Btch></NtryDtls>`,
    ],
    [
      'its own id, beside orders without a name',
      (name: string) =>
        `<NtryDtls><Btch><MsgId>${name}</MsgId></Btch>${'<TxDtls><Refs/></TxDtls>'.repeat(2)}</NtryDtls>`,
    ],
    [
      'its payment order in the one transaction that it is told as',
      (name: string) =>
        `<NtryDtls><TxDtls><Refs><MsgId>${name}</MsgId><PmtInfId>${name}-1</PmtInfId><EndToEndId>NOTPROVIDED</EndToEndId></Refs></TxDtls></NtryDtls>`,
    ],
  ] as const) {
    test(`whose sum names ${where} settles its orders`, async () => {
      const ids = [await refunding(), await refunding()]
      const made = await makeFile(t.app, iban)
      await handIn(t, made.xml)
      await readStatement(t, iban, { batches: true, words: 'Remesa', details: details(made.messageId) })
      for (const id of ids) assert.deepEqual(await refundOf(id), ['refunded', 'confirmed'])
      const [file] = await listOrderFiles(t.app, iban)
      assert.deepEqual([file?.booked, file?.batchLine !== null], [2, true])
    })
  }

  test('whose sum was divided into its orders before anybody looked is booked by these', async () => {
    const ids = [await refunding(), await refunding()]
    const made = await makeFile(t.app, iban)
    await handIn(t, made.xml)
    const batch = `<Btch><PmtInfId>${made.messageId}-1</PmtInfId><NbOfTxs>2</NbOfTxs></Btch>`
    await takeStatement(t, iban, { batches: true, details: `<NtryDtls>${batch}</NtryDtls>` })
    const keys = await Promise.all(ids.map(async (id) => (await effectOf(id)).idempotencyKey))
    const day = t.app.clock.now().toISOString().slice(0, 10)
    const amount = (euros: number) => `<Amt Ccy="EUR">${euros}.00</Amt><CdtDbtInd>DBIT</CdtDbtInd>`
    const orders = keys.map(
      (key) => `<TxDtls><Refs><EndToEndId>${key}</EndToEndId></Refs>${amount(100)}</TxDtls>`,
    )
    await takeFile(
      t,
      `<?xml version="1.0"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.054.001.08"><BkToCstmrDbtCdtNtfctn><Ntfctn><Id>1</Id><Acct><Id><IBAN>${iban}</IBAN></Id></Acct><Ntry>${amount(200)}<Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>${day}</Dt></BookgDt><NtryDtls>${batch}${orders.join('')}</NtryDtls></Ntry></Ntfctn></BkToCstmrDbtCdtNtfctn></Document>`,
    )
    await t.runLanes('bank-lines', 'bank-orders', 'payouts')
    for (const id of ids) assert.deepEqual(await refundOf(id), ['refunded', 'confirmed'])
    const [file] = await listOrderFiles(t.app, iban)
    assert.deepEqual([file?.booked, file?.batchLine], [2, null])
  })

  test('whose sum is not what is open of it stays with a person, though it names the file', async () => {
    const ids = [await refunding(), await refunding()]
    const made = await makeFile(t.app, iban)
    const rejected = (await effectOf(ids[0]!)).idempotencyKey
    await giveOrderFile(t.app, made.xml)
    const answer = `<?xml version="1.0"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.10"><CstmrPmtStsRpt><GrpHdr><MsgId>A</MsgId><CreDtTm>2026-11-20T10:00:00Z</CreDtTm></GrpHdr><OrgnlGrpInfAndSts><OrgnlMsgId>${made.messageId}</OrgnlMsgId><OrgnlMsgNmId>pain.001</OrgnlMsgNmId><GrpSts>PART</GrpSts></OrgnlGrpInfAndSts><OrgnlPmtInfAndSts><OrgnlPmtInfId>${made.messageId}-1</OrgnlPmtInfId><TxInfAndSts><OrgnlEndToEndId>${rejected}</OrgnlEndToEndId><TxSts>RJCT</TxSts></TxInfAndSts></OrgnlPmtInfAndSts></CstmrPmtStsRpt></Document>`
    await takeAnswer(t.app, bytesOf(answer), OPERATOR)
    const details = `<NtryDtls><Btch><PmtInfId>${made.messageId}-1</PmtInfId></Btch></NtryDtls>`
    await readStatement(t, iban, { batches: true, words: 'Remesa', details })
    for (const id of ids) assert.notEqual((await refundOf(id))[1], 'confirmed')
    const [file] = await listOrderFiles(t.app, iban)
    assert.deepEqual([file?.booked, file?.batchLine], [0, null])
    const line = await t.app.db
      .selectFrom('bankTransactions')
      .select(['id', 'units', 'state'])
      .where('iban', '=', iban)
      .where('direction', '=', 'debit')
      .where('matchedUnits', '=', 0n)
      .where('transferRef', 'is', null)
      .executeTakeFirstOrThrow()
    assert.deepEqual([line.units, line.state], [20_000n, 'unmatched'])
    await claimLine(t.app, { iban, id: line.id, owner: 'cost' }, OPERATOR)
  })

  test('whose sum stands under other words is settled by a person, and by no line of another amount', async () => {
    const ids = [await refunding(), await refunding()]
    const made = await makeFile(t.app, iban)
    await handIn(t, made.xml)
    await t.advance(10_000)
    await t.runLanes('simulated-bank')
    await readStatement(t, iban, { batches: true, words: 'Remesa' })
    const line = await t.app.db
      .selectFrom('bankTransactions')
      .select(['id', 'units'])
      .where('iban', '=', iban)
      .where('direction', '=', 'debit')
      .where('matchedUnits', '=', 0n)
      .where('transferRef', 'is', null)
      .executeTakeFirstOrThrow()
    assert.equal(line.units, 20_000n)
    assert.deepEqual(await refundOf(ids[0]!), ['payment_received', 'sent'])
    const earlier = (await listOrderFiles(t.app, iban)).find(
      ({ id, rejected }) => id !== made.id && rejected === 0,
    )!
    await assert.rejects(
      settleFile(t.app, { fileId: earlier.id, lineId: line.id }, OPERATOR),
      RefusedOperation,
    )
    assert.equal(await settleFile(t.app, { fileId: made.id, lineId: line.id }, OPERATOR), 2)
    await t.runLanes('payouts')
    for (const id of ids) assert.deepEqual(await refundOf(id), ['refunded', 'confirmed'])
    await assert.rejects(settleFile(t.app, { fileId: made.id, lineId: line.id }, OPERATOR), /already/)
  })

  test('of an account that the simulated bank does not have is refused by it, and names the account', async () => {
    const id = await refunding()
    const made = await makeFile(t.app, iban)
    const strange = made.xml.replaceAll(iban, 'DE89370400440532013000')
    await assert.rejects(
      giveOrderFile(t.app, strange),
      /DE89370400440532013000 is no account of the simulated bank/,
    )
    await handIn(t, made.xml)
    await readStatement(t, iban)
    assert.deepEqual(await refundOf(id), ['refunded', 'confirmed'])
  })

  test('that is cut off before its orders are in it leaves them waiting, and is never given out', async () => {
    const id = await refunding()
    const { storage } = t.app.providers
    const cut = async (key: string, sealed: Buffer): Promise<void> => {
      await storage.write(key, sealed)
      throw new Error('power cut')
    }
    const dying = { ...t.app, providers: { storage: { ...storage, write: cut } } }
    await assert.rejects(exportOrders(dying, { iban, format: 'pain.001.001.03' }, OPERATOR), /power cut/)
    const { idempotencyKey } = await effectOf(id)
    assert.deepEqual(
      (await listOrders(t.app, { iban })).map(({ endToEndId }) => endToEndId),
      [idempotencyKey],
    )
    const made = await makeFile(t.app, iban)
    const kept: string[] = []
    for await (const { key } of storage.list()) if (key.startsWith('order-files/')) kept.push(key)
    const given = (await listOrderFiles(t.app)).map((file) => `order-files/${file.id}`)
    assert.equal(kept.length, given.length + 1)
    assert.ok(given.every((key) => kept.includes(key)))
    // Kept sealed: nobody reads names and accounts in the storage.
    assert.ok(!(await storage.read(`order-files/${made.id}`)).includes('EndToEndId'))
    await handIn(t, made.xml)
    await readStatement(t, iban)
    assert.deepEqual(await refundOf(id), ['refunded', 'confirmed'])
  })

  test('is made by one of many at once: every order is in exactly one', async () => {
    const ids: string[] = []
    while (ids.length < 6) ids.push(await refunding())
    const results = await Promise.allSettled(Array.from({ length: 4 }, () => makeFile(t.app, iban)))
    const files = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
    assert.ok(results.every((one) => one.status === 'fulfilled' || one.reason instanceof RefusedOperation))
    for (const id of ids) {
      const { idempotencyKey } = await effectOf(id)
      assert.equal(files.filter(({ xml }) => xml.includes(idempotencyKey)).length, 1)
    }
    for (const { xml } of files) await handIn(t, xml)
    await readStatement(t, iban)
    for (const id of ids) assert.deepEqual(await refundOf(id), ['refunded', 'confirmed'])
  })
})

describe("a bank's answer", () => {
  const answer = (messageId: string, body: string, version = '10'): string =>
    `<?xml version="1.0"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.${version}"><CstmrPmtStsRpt><GrpHdr><MsgId>A</MsgId><CreDtTm>2026-11-20T10:00:00Z</CreDtTm></GrpHdr><OrgnlGrpInfAndSts><OrgnlMsgId>${messageId}</OrgnlMsgId><OrgnlMsgNmId>pain.001</OrgnlMsgNmId>${body}</CstmrPmtStsRpt></Document>`

  test('refuses a whole file, a group of it, or one order; accepted and undecided ones stay', async () => {
    const ids = [await refunding(), await refunding()]
    const made = await makeFile(t.app, iban)
    const keys = await Promise.all(ids.map(async (id) => (await effectOf(id)).idempotencyKey))
    const one = answer(
      made.messageId,
      `<GrpSts>PART</GrpSts></OrgnlGrpInfAndSts><OrgnlPmtInfAndSts><OrgnlPmtInfId>${made.messageId}-1</OrgnlPmtInfId><TxInfAndSts><OrgnlEndToEndId>${keys[0]}</OrgnlEndToEndId><TxSts>RJCT</TxSts><StsRsnInf><Rsn><Cd>AC06</Cd></Rsn><AddtlInf>Blocked &amp; closed</AddtlInf></StsRsnInf></TxInfAndSts><TxInfAndSts><OrgnlEndToEndId>${keys[1]}</OrgnlEndToEndId><TxSts>PDNG</TxSts></TxInfAndSts></OrgnlPmtInfAndSts>`,
      '03',
    )
    const [first] = await takeAnswer(t.app, bytesOf(one), OPERATOR)
    assert.deepEqual(first?.rejected, [
      { endToEndId: keys[0], reason: 'RJCT: AC06: the account is blocked (Blocked & closed)' },
    ])
    assert.equal(first?.standing, 1)
    const [again] = await takeAnswer(t.app, bytesOf(one), OPERATOR)
    assert.deepEqual(again?.rejected, [])
    await t.runLanes('payouts')
    assert.deepEqual(await refundOf(ids[0]!), ['payment_received', 'failed'])
    assert.deepEqual(await refundOf(ids[1]!), ['payment_received', 'sent'])
    const group = answer(
      made.messageId,
      `</OrgnlGrpInfAndSts><OrgnlPmtInfAndSts><OrgnlPmtInfId>${made.messageId}-1</OrgnlPmtInfId><PmtInfSts>RJCT</PmtInfSts><StsRsnInf><Rsn><Cd>DT01</Cd></Rsn></StsRsnInf></OrgnlPmtInfAndSts>`,
    )
    const [second] = await takeAnswer(t.app, bytesOf(group), OPERATOR)
    assert.deepEqual(second?.rejected, [{ endToEndId: keys[1], reason: 'RJCT: DT01' }])
    await t.runLanes('payouts')
    assert.deepEqual(await refundOf(ids[1]!), ['payment_received', 'failed'])
    const [other] = await takeAnswer(
      t.app,
      bytesOf(
        answer(
          made.messageId,
          `</OrgnlGrpInfAndSts><OrgnlPmtInfAndSts><OrgnlPmtInfId>${made.messageId}-1</OrgnlPmtInfId><TxInfAndSts><OrgnlEndToEndId>${keys[0]}</OrgnlEndToEndId><TxSts>ACSC</TxSts></TxInfAndSts></OrgnlPmtInfAndSts>`,
        ),
      ),
      OPERATOR,
    )
    assert.deepEqual(other?.revived, [keys[0]])
    // A bank that says no and pays all the same: the statement has the last word.
    await giveOrderFile(t.app, made.xml)
    await readStatement(t, iban)
    for (const id of ids) assert.deepEqual(await refundOf(id), ['refunded', 'confirmed'])
    const [late] = await takeAnswer(
      t.app,
      bytesOf(answer(made.messageId, '<GrpSts>RJCT</GrpSts></OrgnlGrpInfAndSts>')),
      OPERATOR,
    )
    assert.deepEqual([late?.rejected, late?.contradicted.length], [[], 2])
    for (const id of ids) assert.equal((await effectsOf(t.app, id)).at(-1)?.state, 'confirmed')
  })

  test('to no file of ours, about a stranger, of another kind or with a document type is refused with its place', async () => {
    const known = (await listOrderFiles(t.app, iban))[0]!.messageId
    const refused = (xml: string) => takeAnswer(t.app, bytesOf(xml), OPERATOR)
    await assert.rejects(refused(answer('X', '<GrpSts>RJCT</GrpSts></OrgnlGrpInfAndSts>')), /no file of ours/)
    await assert.rejects(
      refused(
        answer(
          known,
          '</OrgnlGrpInfAndSts><OrgnlPmtInfAndSts><OrgnlPmtInfId>x</OrgnlPmtInfId><TxInfAndSts><OrgnlEndToEndId>nobody</OrgnlEndToEndId><TxSts>RJCT</TxSts></TxInfAndSts></OrgnlPmtInfAndSts>',
        ),
      ),
      /tells of nobody/,
    )
    for (const [xml, code] of [
      [answer(known, '<GrpSts>FINE</GrpSts></OrgnlGrpInfAndSts>'), 'status'],
      [answer(known, '</OrgnlGrpInfAndSts>', '02'), 'format'],
      ['<a/>', 'format'],
      [
        answer(
          known,
          '</OrgnlGrpInfAndSts><OrgnlPmtInfAndSts><OrgnlPmtInfId>x</OrgnlPmtInfId><TxInfAndSts><TxSts>RJCT</TxSts></TxInfAndSts></OrgnlPmtInfAndSts>',
        ),
        'missing',
      ],
      [`<!DOCTYPE x [<!ENTITY y "z">]>${answer(known, '')}`, 'doctype'],
      [answer(known, '<GrpSts>RJCT</GrpSts></OrgnlGrpInfAndSts>').slice(0, -40), 'truncated'],
    ] as const) {
      await assert.rejects(
        refused(xml),
        (error) => error instanceof StatementError && error.code === code,
        xml,
      )
    }
  })
})
