import assert from 'node:assert/strict'
import { afterEach, describe, test } from 'node:test'
import { sql } from 'kysely'
import {
  checkSaleBooks,
  getSale,
  orderPayout,
  payoutOf,
  SOUND_PAYEE,
  saleEffects,
  settleBank,
  shareSaleWorld,
} from '../../test/support/sales.ts'
import { bytesOf, statementParts, writeCamt } from '../../test/support/statement-writers.ts'
import { effectNeeds } from '../app-effects.ts'
import { cancelEffect, RefusedOperation } from '../effects/operate-effects.ts'
import { type BankWord, settleOrder } from '../effects/settle-order.ts'
import { balanceOf } from '../ledger/book.ts'
import { findBankProblems } from '../ledger/verify-outside.ts'
import { abandonSale, paySaleAgain, returnSale } from '../offramp/review-sale.ts'
import type { Payee, Sale } from '../offramp/sale.ts'
import { addFaults } from '../providers/faults.ts'
import { advanceClock } from '../sandbox/advance-clock.ts'
import { importStatement } from './import-statement.ts'
import { claimLine, listOpenLines } from './operate-accounts.ts'
import { openStatement } from './statements/detect-format.ts'
import { findGivenUpDebits } from './unexpected-debits.ts'

const DAY = 86_400_000
const WHO = { who: 'operator', why: 'test' }
/** The bank takes the order and never says what became of it. */
const silent: Payee = { kind: 'iban', iban: 'DE71999999990000000009', name: 'Ana Pérez' }
const t = await shareSaleWorld()
afterEach(async () => {
  assert.deepEqual(await findBankProblems(t.app.db, t.app.providers.bank!), [])
})

const ordered = (payee: Payee) => orderPayout(t, payee)
const effectOf = (sale: Sale, round?: number) => payoutOf(t.app, sale, round)

const cancel = ({ id }: { id: string }) =>
  cancelEffect(effectNeeds(t.app), id, { ...WHO, become: 'cancelled' })
const settle = ({ id }: { id: string }, says: BankWord) =>
  settleOrder(effectNeeds(t.app), id, { ...WHO, says })
const again = ({ id }: Sale) => paySaleAgain(t.app, id, { ...WHO, payee: () => SOUND_PAYEE })
const refused = (work: Promise<unknown>, message: RegExp) =>
  assert.rejects(work, (error) => error instanceof RefusedOperation && message.test(error.message))

/** The bank carries out what it took and never told of: its line is on the statement. */
async function bookAtLast({ providerRef }: { providerRef: string | null }): Promise<void> {
  await sql`update simulated.bank_transfers set due_at = ${t.app.clock.now()} where id = ${providerRef}`.execute(
    t.app.db,
  )
  await t.settle()
}

describe('a payout whose end is unknown', () => {
  test('is not given up while the bank can not be asked, and is paid once when it can', async () => {
    const sale = await ordered(SOUND_PAYEE)
    await addFaults(t.app, { provider: 'bank', kind: 'lost_answer', count: 1 })
    await t.runLanes('payouts')
    const lost = await effectOf(sale)
    assert.equal(lost.state, 'unknown')
    await addFaults(t.app, { provider: 'bank', kind: 'fail', count: 5 })
    await refused(cancel(lost), /can't be asked/)
    await refused(settle(lost, 'not-received'), /can't be asked/)
    await refused(again(sale), /is processing/)
    await addFaults(t.app, { provider: 'bank', kind: 'fail', count: 0 })
    await refused(cancel(lost), /the provider has it/)
    await t.advance(DAY)
    await settleBank(t)
    assert.deepEqual(
      [(await getSale(t.app, sale.id)).state, (await saleEffects(t.app, sale.id)).length],
      ['finished', 1],
    )
  })
})

describe('a payout that the bank takes and neither books nor refuses', () => {
  test('goes to a person after days; paid again by the bank’s word, and booked after all: named, in suspense, claimed', async () => {
    const sale = await ordered(silent)
    await settleBank(t)
    const first = await effectOf(sale)
    assert.equal(first.state, 'sent')
    await t.advance(4 * DAY)
    await t.runLanes('sale-deadlines')
    assert.equal((await getSale(t.app, sale.id)).state, 'processing')
    await t.advance(DAY + 60_000)
    await t.runLanes('sale-deadlines')
    const late = await getSale(t.app, sale.id)
    assert.deepEqual(
      [late.state, late.reviewReason, late.reviewDetail],
      [
        'in_review',
        'payout_late',
        `the bank took it, and neither booked nor refused it (effect ${first.id})`,
      ],
    )
    assert.equal((await effectOf(sale)).state, 'sent')
    await refused(again(sale), /may be on its way/)
    await refused(settle(first, 'not-received'), /--bank-says rejected/)
    await settle(first, 'rejected')
    const failed = await getSale(t.app, sale.id)
    assert.deepEqual([failed.state, failed.reviewReason], ['in_review', 'payout_failed'])
    await again(sale)
    await settleBank(t)
    assert.equal((await getSale(t.app, sale.id)).state, 'finished')
    assert.deepEqual(await findGivenUpDebits(t.app.db), [])

    await bookAtLast(await effectOf(sale))
    const taken = await getSale(t.app, sale.id)
    assert.equal(taken.state, 'in_review')
    assert.match(taken.reviewDetail!, /the bank took 88\.65 EUR for effect .+, which was given up/)
    const line = (await listOpenLines(t.app)).find(({ matchReasons }) =>
      matchReasons.includes(`given_up:${first.id}`),
    )!
    assert.deepEqual([line.direction, line.units], ['debit', 8865n])
    const [named] = await findGivenUpDebits(t.app.db)
    assert.match(named!.why, new RegExp(`88\\.65 EUR for effect ${first.id}`))
    await checkSaleBooks(t.app)
    assert.equal(await balanceOf(t.app.db, `transit:out:${line.iban}`, 'EUR'), 0n)
    await refused(again(sale), /was given up\. Settle that first/)
    await refused(returnSale(t.app, sale.id, { ...WHO, wallet: null }), /Settle that first/)
    const costs = await balanceOf(t.app.db, 'cost:bank', 'EUR')
    await claimLine(t.app, { iban: line.iban, id: line.id, owner: 'cost' }, WHO)
    assert.equal(await balanceOf(t.app.db, 'cost:bank', 'EUR'), costs + 8865n)
    assert.deepEqual(await findGivenUpDebits(t.app.db), [])
    await refused(claimLine(t.app, { iban: line.iban, id: line.id, owner: 'cost' }, WHO), /without an owner/)
    await abandonSale(t.app, sale.id, WHO)
    assert.equal((await getSale(t.app, sale.id)).state, 'finished')
  })

  test('booked after all, told by a notification’s file before the bank’s API: one line, in suspense', async () => {
    const sale = await ordered(silent)
    await settleBank(t)
    const first = await effectOf(sale)
    await settle(first, 'rejected')
    await again(sale)
    await settleBank(t)
    assert.equal((await getSale(t.app, sale.id)).state, 'finished')

    const iban = first.door.slice('bank:'.length)
    const lines = [{ direction: 'debit' as const, units: first.units, endToEndId: first.idempotencyKey }]
    const on = t.app.clock.now().toISOString().slice(0, 10)
    const parts = statementParts({ account: iban, on, balances: false, lines: () => lines })
    await importStatement(t.app, {
      bytes: bytesOf(writeCamt(parts, 'camt.054.001.08')),
      fileName: 'notification.xml',
      open: openStatement,
      source: 'command',
      who: 'a test',
    })
    assert.equal((await getSale(t.app, sale.id)).state, 'in_review')
    const given = (await listOpenLines(t.app)).filter(({ matchReasons }) =>
      matchReasons.includes(`given_up:${first.id}`),
    )
    assert.deepEqual(
      given.map(({ direction, units }) => [direction, units]),
      [['debit', first.units]],
    )
    await checkSaleBooks(t.app)
    await refused(again(sale), /Settle that first/)
    await bookAtLast(await effectOf(sale))
    const [line, more] = (await listOpenLines(t.app)).filter(({ matchReasons }) =>
      matchReasons.includes(`given_up:${first.id}`),
    )
    assert.equal(more, undefined)
    await claimLine(t.app, { iban, id: line!.id, owner: 'cost' }, WHO)
    await abandonSale(t.app, sale.id, WHO)
  })

  test('refused by its word, and booked before it was paid again: it is paid, and not again', async () => {
    const sale = await ordered(silent)
    await settleBank(t)
    const first = await effectOf(sale)
    await settle(first, 'rejected')
    assert.equal((await getSale(t.app, sale.id)).state, 'in_review')
    await bookAtLast(first)
    await settleBank(t)
    assert.deepEqual(
      [(await getSale(t.app, sale.id)).state, (await effectOf(sale)).state],
      ['finished', 'confirmed'],
    )
    await refused(cancel(first), /is confirmed/)
  })

  test('given up, and booked after all: its coins don’t go back by themselves, and a person decides', async () => {
    const sale = await ordered(silent)
    await settleBank(t)
    const first = await effectOf(sale)
    await settle(first, 'rejected')
    await cancel(first)
    await bookAtLast(first)
    const line = (await listOpenLines(t.app)).find(({ matchReasons }) =>
      matchReasons.includes(`given_up:${first.id}`),
    )!
    await refused(returnSale(t.app, sale.id, { ...WHO, wallet: null }), /Settle that first/)
    await t.advance(8 * DAY)
    await t.runLanes('sale-deadlines')
    const waiting = await getSale(t.app, sale.id)
    assert.deepEqual([waiting.state, waiting.reviewReason], ['in_review', 'payout_failed'])
    assert.ok(waiting.dueAt! > t.app.clock.now(), 'with a new deadline')
    assert.deepEqual(
      (await saleEffects(t.app, sale.id)).map(({ state }) => state),
      ['cancelled'],
    )
    await claimLine(t.app, { iban: line.iban, id: line.id, owner: 'cost' }, WHO)
    await abandonSale(t.app, sale.id, WHO)
  })

  test('booked by its word: finished, its money in transit until the statement has it', async () => {
    const sale = await ordered(silent)
    await settleBank(t)
    const first = await effectOf(sale)
    const transit = `transit:out:${first.door.slice('bank:'.length)}`
    await settle(first, 'booked')
    assert.equal((await getSale(t.app, sale.id)).state, 'finished')
    assert.equal(await balanceOf(t.app.db, transit, 'EUR'), -8865n)
    await bookAtLast(first)
    assert.equal(await balanceOf(t.app.db, transit, 'EUR'), 0n)
    assert.equal((await getSale(t.app, sale.id)).state, 'finished')
  })
})

describe('two people decide at the same moment', () => {
  test('the second is refused with a text, whichever it is', async () => {
    for (const first of ['return', 'again'] as const) {
      const sale = await ordered(silent)
      await settleBank(t)
      await settle(await effectOf(sale), 'rejected')
      const works = {
        return: () => returnSale(t.app, sale.id, { ...WHO, wallet: null }),
        again: () => again(sale),
      }
      const second = first === 'return' ? 'again' : 'return'
      const results = await Promise.allSettled([works[first](), works[second]()])
      const failures = results.filter(({ status }) => status === 'rejected') as PromiseRejectedResult[]
      assert.equal(failures.length, 1)
      assert.ok(failures[0]!.reason instanceof RefusedOperation, String(failures[0]!.reason))
      assert.match(failures[0]!.reason.message, /just moved on|about to go back|not in review/)
      await settleBank(t)
    }
  })

  test('one after the other: coins that are about to go back are not taken from under them', async () => {
    const sale = await ordered(silent)
    await settleBank(t)
    await settle(await effectOf(sale), 'rejected')
    await returnSale(t.app, sale.id, { ...WHO, wallet: null })
    await refused(again(sale), /about to go back/)
    await refused(returnSale(t.app, sale.id, { ...WHO, wallet: null }), /about to go back/)
  })
})

test('months pass in few steps though four payouts hang, and each goes to a person', async () => {
  const sales: Sale[] = []
  for (let n = 0; n < 4; n += 1) sales.push(await ordered(silent))
  // There is no chain in this test.
  const names = [
    'payouts',
    'simulated-bank',
    'sale-deadlines',
    'bank-lines',
    'provider-callbacks',
    'simulated-callbacks',
  ]
  const own = t.app.lanes.lanes.filter(({ name }) => names.includes(name))
  const lanes = { ...t.app.lanes, lanes: own }
  const app = { ...t.app, lanes, config: { ...t.app.config, role: 'api' as const } }
  const advanced = await advanceClock(app, 90 * DAY)
  assert.equal(advanced.problem, undefined)
  assert.ok('steps' in advanced && advanced.steps < 400, JSON.stringify(advanced))
  for (const sale of sales) {
    const { state, reviewReason } = await getSale(t.app, sale.id)
    assert.deepEqual(
      [state, reviewReason, (await effectOf(sale)).state],
      ['in_review', 'payout_late', 'sent'],
    )
  }
  await t.advance(0)
})
