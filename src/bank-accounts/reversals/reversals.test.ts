import assert from 'node:assert/strict'
import { beforeEach, describe, test } from 'node:test'
import { addSharedAccount, tellLine } from '../../../test/support/bank.ts'
import {
  checkBooks,
  effectsOf,
  endCoins,
  eventsOf,
  reserveCoins,
  rowOf,
} from '../../../test/support/payments.ts'
import { type Entry, PAYER, reversalFiles } from '../../../test/support/reversal-files.ts'
import { resetSettings, sharePaymentWorld, startTransfer } from '../../../test/support/transfer-payments.ts'
import { balanceOf } from '../../ledger/book.ts'
import { findStuck } from '../../ledger/find-stuck.ts'
import { releasePayment } from '../../onramp/review.ts'
import { describeLine } from '../describe-lines.ts'
import { decideDoubt } from '../line-doubts.ts'
import { matchByHand } from '../match-by-hand.ts'
import { claimLine } from '../operate-accounts.ts'
import { refundLine } from '../refund-line.ts'
import { findGivenUpDebits } from '../unexpected-debits.ts'
import { listLost, sawLost } from './list-lost.ts'

const WHO = { who: 'maria', why: 'test' }
const t = await sharePaymentWorld()
beforeEach(() => resetSettings(t))

const { today, camt, take } = reversalFiles(t.app)
const linesOf = (iban: string) =>
  t.app.db.selectFrom('bankTransactions').selectAll().where('iban', '=', iban).orderBy('importLine').execute()
const lineOn = async (iban: string, direction: 'credit' | 'debit', concept?: string) =>
  (await linesOf(iban)).find(
    (line) => line.direction === direction && (concept === undefined || line.concept.includes(concept)),
  )!
const suspense = (iban: string) => balanceOf(t.app.db, `suspense:${iban}`, 'EUR')
const coinsOf = async (id: string) =>
  (await effectsOf(t.app, id)).filter(({ kind }) => kind === 'coin_transfer').map(({ state }) => state)
const stuck = () =>
  findStuck(
    t.app.db,
    { now: t.app.clock.now(), after: t.app.config.stuckAfter },
    { only: 'transfer_taken_back', limit: 20 },
  )

/** A payment, and the credit and reversal that a bank tells of it. */
async function start() {
  const { id, iban, concept } = await startTransfer(t)
  const ref = `REF${id.slice(0, 10)}`
  const credit: Entry = { side: 'CRDT', concept, ref }
  const reversal: Entry = { side: 'DBIT', concept, ref, reversal: true }
  return { id, iban, concept, credit, reversal }
}

/** The payment waits as if the money had never come, and nothing is owed. */
async function checkWaits(id: string, iban: string, concept: string): Promise<void> {
  assert.equal((await rowOf(t.app, id)).state, 'started')
  const credit = await lineOn(iban, 'credit', concept)
  assert.deepEqual([credit.state, credit.matchedUnits, credit.dueAt], ['returned', 10_000n, null])
  const debit = await lineOn(iban, 'debit', concept)
  assert.deepEqual([debit.state, debit.reverses, debit.reversal], ['matched', credit.id, 'settled'])
  await checkBooks(t.app)
}

describe('the bank takes a credit back', () => {
  test('in the same camt.053: nothing is released; told twice it is one', async () => {
    const { id, iban, concept, credit, reversal } = await start()
    const file = camt(iban, [credit, reversal], '053')
    await take(file)
    await t.settle()
    await checkWaits(id, iban, concept)
    assert.deepEqual(await coinsOf(id), [])
    assert.equal((await take(file)).again, true)
    await take(camt(iban, [credit, reversal]))
    await t.settle()
    await checkWaits(id, iban, concept)
    assert.equal((await linesOf(iban)).filter((line) => line.concept.includes(concept)).length, 2)
  })

  test('in the same MT940, beside a debit of the same sum that another file told', async () => {
    const { id, iban, concept } = await start()
    await t.advance(26 * 3_600_000)
    const of = { concept: 'Alquiler', name: 'Luis Soto', payer: 'DE02000000000123456789', ref: 'L1' }
    await take(
      camt(iban, [
        { ...of, side: 'CRDT' },
        { ...of, side: 'DBIT', reversal: true },
        { ...of, side: 'CRDT', ref: 'L2' },
      ]),
    )
    const day = today().slice(2).replaceAll('-', '')
    const move = `${day}${day.slice(2)}`
    await take(
      `:20:X\n:25:${iban}\n:28C:2/1\n:60F:C${day}EUR100,00\n:61:${move}C100,00NTRFNONREF//MM1\n:86:166?00GUTSCHRIFT?20${concept}?31${PAYER}?32Ana Perez Garcia\n:61:${move}RC100,00NTRFNONREF//MM1\n:86:166?00STORNO?20${concept}?31${PAYER}?32Ana Perez Garcia\n:62F:C${day}EUR100,00\n-\n`,
      'bank.sta',
    )
    await t.settle()
    await checkWaits(id, iban, concept)
    assert.deepEqual(await coinsOf(id), [])
    // What is told of a day that a statement holds whole would be in doubt.
    await t.advance(50 * 3_600_000)
  })

  test('in doubt: neither coins nor money leave before it is known; then it is undone', async () => {
    const { id, iban, concept, credit, reversal } = await start()
    const name = 'Otra Cosa SL'
    await take(camt(iban, [{ ...credit, name }]))
    await t.runLanes('bank-lines')
    assert.equal((await rowOf(t.app, id)).state, 'in_review')
    // Perhaps this is the reversal already.
    const debit = await tellLine(t.app, {
      iban,
      direction: 'debit',
      counterpartyName: '',
      counterpartyIban: null,
    })
    await take(camt(iban, [{ ...reversal, name }]))
    assert.equal((await rowOf(t.app, id)).state, 'started')
    await assert.rejects(releasePayment(t.app, id, WHO), /started, not in review/)
    const held = await lineOn(iban, 'credit', concept)
    assert.match(JSON.stringify(held.matchReasons), /may have taken it back: doubt/)
    await assert.rejects(refundLine(t.app, { iban, id: held.id }, WHO), /may have been taken back/)
    const { id: doubt } = await t.app.db
      .selectFrom('bankDoubts')
      .select('id')
      .where('iban', '=', iban)
      .where('state', '=', 'open')
      .where('concept', '=', concept)
      .executeTakeFirstOrThrow()
    await decideDoubt(t.app, doubt, { is: 'new' }, WHO)
    const line = await lineOn(iban, 'credit', concept)
    assert.equal(line.state, 'returned')
    assert.equal((await rowOf(t.app, id)).state, 'started')
    await claimLine(t.app, { iban, id: debit, owner: 'cost' }, WHO)
    await checkBooks(t.app)
    await t.advance(50 * 3_600_000)
  })

  test('in doubt, of a credit of which only later is told who paid it: it stays nobody’s', async () => {
    const { id, iban } = await start()
    const credit = await tellLine(t.app, {
      iban,
      ref: 'HELD1',
      concept: 'Gracias',
      counterpartyName: '',
      counterpartyIban: null,
    })
    await t.runLanes('bank-lines')
    const debit = await tellLine(t.app, {
      iban,
      direction: 'debit',
      counterpartyName: '',
      counterpartyIban: null,
    })
    const entry = { concept: 'Gracias', ref: 'HELD1' }
    await take(camt(iban, [{ ...entry, side: 'DBIT', reversal: true }]))
    assert.match(JSON.stringify((await lineOn(iban, 'credit', 'Gracias')).matchReasons), /: doubt/)
    await take(camt(iban, [{ ...entry, side: 'CRDT' }]))
    await t.settle()
    assert.deepEqual([(await rowOf(t.app, id)).state, await coinsOf(id)], ['started', []])
    const held = await lineOn(iban, 'credit', 'Gracias')
    assert.deepEqual([held.id, held.state, held.matchedUnits], [credit, 'unmatched', 0n])
    const { id: doubt } = await t.app.db
      .selectFrom('bankDoubts')
      .select('id')
      .where('iban', '=', iban)
      .where('state', '=', 'open')
      .where('concept', '=', 'Gracias')
      .executeTakeFirstOrThrow()
    await decideDoubt(t.app, doubt, { is: 'new' }, WHO)
    assert.equal((await lineOn(iban, 'credit', 'Gracias')).state, 'returned')
    await claimLine(t.app, { iban, id: debit, owner: 'cost' }, WHO)
    await checkBooks(t.app)
    await t.advance(50 * 3_600_000)
  })

  test('after the match, before the coins: undone, by the bank, and filled by the next transfer', async () => {
    const { id, iban, concept, credit, reversal } = await start()
    await take(camt(iban, [credit]))
    await t.runLanes('bank-lines')
    assert.deepEqual([(await rowOf(t.app, id)).state, await coinsOf(id)], ['payment_received', ['planned']])
    await take(camt(iban, [reversal]))
    await checkWaits(id, iban, concept)
    assert.deepEqual(await coinsOf(id), ['cancelled'])
    const audit = await t.app.db
      .selectFrom('auditLog')
      .selectAll()
      .where('action', '=', 'bank-line.undo')
      .orderBy('id', 'desc')
      .executeTakeFirstOrThrow()
    assert.equal(audit.who, 'bank')
    assert.match(audit.why, /The bank took the transfer back/)
    await take(camt(iban, [{ ...credit, ref: `${credit.ref}N` }]))
    await t.runLanes('bank-lines')
    assert.equal((await rowOf(t.app, id)).state, 'payment_received')
    await checkBooks(t.app)
  })

  test('of a payment in review: it can not be released any more', async () => {
    const { id, iban, concept, credit, reversal } = await start()
    await take(camt(iban, [{ ...credit, name: 'Otra Cosa SL' }]))
    await t.runLanes('bank-lines')
    assert.equal((await rowOf(t.app, id)).state, 'in_review')
    await take(camt(iban, [{ ...reversal, name: 'Otra Cosa SL' }]))
    await assert.rejects(releasePayment(t.app, id, WHO))
    await t.settle()
    await checkWaits(id, iban, concept)
    const line = await describeLine(t.app, iban, (await lineOn(iban, 'credit', concept)).id)
    assert.match(line!.reasons.join(' '), /The bank took it back: line/)
  })

  test('of a credit without an owner: it is neither paid back nor matched', async () => {
    const iban = await addSharedAccount(t.app)
    const { id } = await start()
    await take(camt(iban, [{ side: 'CRDT', concept: 'algo', name: 'Luis Soto' }]))
    await t.runLanes('bank-lines')
    // Without a reference: the only one of this payer and text.
    await take(camt(iban, [{ side: 'DBIT', concept: 'algo', name: 'Luis Soto', reversal: true }]))
    const credit = await lineOn(iban, 'credit')
    assert.equal((await describeLine(t.app, iban, credit.id))!.units, 0n)
    await assert.rejects(refundLine(t.app, { iban, id: credit.id }, WHO), /was taken back by the bank/)
    await assert.rejects(
      matchByHand(t.app, { iban, transactionId: credit.id, paymentId: id, acceptDifference: true }, WHO),
      /was taken back by the bank/,
    )
    assert.equal(await suspense(iban), 0n)
    await checkBooks(t.app)
  })

  test('that isn’t known: the debit waits, before everybody, until the credit is told', async () => {
    const { id, iban, concept, credit, reversal } = await start()
    await take(camt(iban, [reversal]))
    const debit = await lineOn(iban, 'debit', concept)
    assert.deepEqual(
      [debit.state, debit.reversal, debit.matchReasons],
      ['unmatched', 'waits', ['debit:reversal_unknown']],
    )
    assert.match(JSON.stringify(await findGivenUpDebits(t.app.db)), /a reversal of a credit that isn’t known/)
    await take(camt(iban, [credit]))
    await t.settle()
    await checkWaits(id, iban, concept)
    assert.deepEqual(await findGivenUpDebits(t.app.db), [])
  })

  test('that the bank’s interface tells of later: it is settled by payer and text', async () => {
    // On a day without lines that it might be.
    await t.advance(50 * 3_600_000)
    const { id, iban, concept, reversal } = await start()
    await take(camt(iban, [reversal]))
    assert.equal((await lineOn(iban, 'debit', concept)).reversal, 'waits')
    await tellLine(t.app, { iban, concept, counterpartyIban: PAYER })
    await t.settle()
    await checkWaits(id, iban, concept)
    await t.advance(50 * 3_600_000)
  })

  test('after a person claimed it: the debit waits for that person', async () => {
    const iban = await addSharedAccount(t.app)
    const [credit, reversal] = (['CRDT', 'DBIT'] as const).map((side) => ({
      side,
      concept: 'algo',
      ref: 'Q9',
    }))
    await take(camt(iban, [credit!]))
    await t.runLanes('bank-lines')
    const { id } = await lineOn(iban, 'credit')
    await claimLine(t.app, { iban, id, owner: 'treasury' }, WHO)
    await take(camt(iban, [{ ...reversal!, reversal: true }]))
    const debit = await lineOn(iban, 'debit')
    assert.deepEqual([debit.state, debit.matchReasons], ['unmatched', [`debit:reversal_claimed:${id}`]])
    await claimLine(t.app, { iban, id: debit.id, owner: 'treasury' }, WHO)
    assert.equal(await suspense(iban), 0n)
    await checkBooks(t.app)
  })
})

describe('the bank takes a credit back whose coins', () => {
  for (const coins of ['are on their way', 'were sent'] as const) {
    test(`${coins}: a loss, told at once with the payment, until somebody has seen it`, async () => {
      const { id, iban, concept, credit, reversal } = await start()
      await take(camt(iban, [credit]))
      await t.runLanes('bank-lines')
      if (coins === 'were sent') await endCoins(t, id, 'confirmed')
      else await reserveCoins(t.app, id)
      const { state } = await rowOf(t.app, id)
      const lossBefore = await balanceOf(t.app.db, 'loss:chargeback', 'EUR')
      await take(camt(iban, [reversal]))
      const row = await rowOf(t.app, id)
      assert.equal(row.state, state)
      assert.deepEqual([row.chargeback.units, row.chargeback.lossUnits], ['10000', '10000'])
      assert.equal((await eventsOf(t.app, id)).at(-1), 'PAYMENT_CHARGED_BACK')
      assert.equal((await balanceOf(t.app.db, 'loss:chargeback', 'EUR')) - lossBefore, 10_000n)
      await checkBooks(t.app)
      const debit = await lineOn(iban, 'debit', concept)
      assert.deepEqual([debit.state, debit.reversal], ['matched', 'lost'])
      const told = await describeLine(t.app, iban, debit.id)
      assert.match(told!.reasons.join(' '), new RegExp(`100.00 EUR had left: payment ${id}`))
      assert.ok((await listLost(t.app.db)).some((one) => one.id === debit.id && one.reason.includes(id)))
      assert.ok((await findGivenUpDebits(t.app.db)).some(({ why }) => why.includes(`payment ${id}`)))
      await t.advance(1000)
      assert.ok((await stuck()).some(({ why }) => why?.includes(id)))
      await sawLost(t.app, { iban, id: debit.id }, WHO)
      assert.deepEqual([await stuck(), await listLost(t.app.db)], [[], []])
      await assert.rejects(sawLost(t.app, { iban, id: debit.id }, WHO), /nobody saw/)
      if (coins === 'are on their way') await endCoins(t, id, 'confirmed')
      await checkBooks(t.app)
    })
  }
})
