import assert from 'node:assert/strict'
import { after, afterEach, describe, test } from 'node:test'
import { checkBank, magicPayee } from '../../test/support/bank.ts'
import {
  checkBooks,
  findIban,
  sendTransfer,
  settleRefunds,
  startPaymentWorld,
} from '../../test/support/payments.ts'
import { effectNeeds } from '../app-effects.ts'
import { cancelEffect, RefusedOperation } from '../effects/operate-effects.ts'
import { balanceOf } from '../ledger/book.ts'
import { COUNTERPARTY_PURPOSE } from '../onramp/refund-sources.ts'
import { payerIban } from '../providers/bank/simulated/incoming.ts'
import { addFaults } from '../providers/faults.ts'
import { claimLine, listOpenLines } from './operate-accounts.ts'
import { exportOrders } from './orders/export-orders.ts'
import { listOrders, setOrdersBy } from './orders/list-orders.ts'
import { refundLine } from './refund-line.ts'

const WHO = { who: 'olga', why: 'nobody knows it' }
const t = await startPaymentWorld()
after(() => t.stop())
const iban = await findIban(t.app)
afterEach(async () => {
  await checkBooks(t.app)
  await checkBank(t.app)
})

/** Money that came for nothing that is known. */
async function stray(name = 'Zoe Okafor'): Promise<string> {
  await sendTransfer(t.app, { iban, amount: '70.00', concept: 'Miete', name })
  await t.settle()
  const [line] = await listOpenLines(t.app)
  assert.equal(line?.units, 7_000n)
  return line!.id
}

const lineOf = (id: string) =>
  t.app.db.selectFrom('bankTransactions').selectAll().where('id', '=', id).executeTakeFirstOrThrow()
const refundsOf = (id: string) =>
  t.app.db
    .selectFrom('effects')
    .selectAll()
    .where('reference', '=', `bank-line:${iban}:${id}`)
    .orderBy('createdAt')
    .orderBy('purpose')
    .execute()
const suspense = () => balanceOf(t.app.db, `suspense:${iban}`, 'EUR')
const toOpen = async (id: string, reason: RegExp): Promise<void> => {
  const line = await lineOf(id)
  assert.deepEqual([line.state, line.matchedUnits], ['unmatched', 0n])
  assert.match(String(line.matchReasons), reason)
  assert.ok((await listOpenLines(t.app)).some((one) => one.id === id))
}

describe('a transfer that belongs to no payment', () => {
  test('goes back to its payer once, and its line is returned when the bank has booked it', async () => {
    const id = await stray()
    assert.deepEqual(await refundLine(t.app, { iban, id }, WHO), { units: 7_000n, currency: 'EUR' })
    assert.equal((await lineOf(id)).state, 'matched')
    assert.equal(await suspense(), 0n)
    await assert.rejects(refundLine(t.app, { iban, id }, WHO), /going back already/)
    await assert.rejects(claimLine(t.app, { iban, id, owner: 'treasury' }, WHO), RefusedOperation)
    await settleRefunds(t)
    const [refund, ...others] = await refundsOf(id)
    assert.deepEqual([refund?.state, refund?.units, others.length], ['confirmed', 7_000n, 0])
    const { iban: to } = JSON.parse(t.app.secrets.open('effect', refund!.destinationSealed).toString('utf8'))
    assert.equal(to, payerIban('Zoe Okafor'))
    assert.equal((await lineOf(id)).state, 'returned')
    assert.deepEqual(await listOpenLines(t.app), [])
    await assert.rejects(refundLine(t.app, { iban, id }, WHO), /paid back already/)
  })

  test('goes back once, however many ask at once and whatever the bank’s answers', async () => {
    const id = await stray()
    for (const kind of ['lost_answer', 'fail'] as const) {
      await addFaults(t.app, { provider: 'bank', kind, count: 1 })
    }
    const asked = await Promise.allSettled(
      Array.from({ length: 5 }, () => refundLine(t.app, { iban, id }, WHO)),
    )
    assert.equal(asked.filter(({ status }) => status === 'fulfilled').length, 1)
    await settleRefunds(t)
    await settleRefunds(t)
    assert.deepEqual(
      (await refundsOf(id)).map(({ state }) => state),
      ['confirmed'],
    )
  })

  test('that the payer’s bank does not take has no owner again, and goes elsewhere when a person says so', async () => {
    const id = await stray()
    await refundLine(t.app, { iban, id, toIban: magicPayee('refuse', 'RR04') }, WHO)
    await t.runLanes('payouts')
    await toOpen(id, /refund_failed: .*RR04/)
    assert.equal(await suspense(), -7_000n)
    await refundLine(t.app, { iban, id, toIban: magicPayee('reject', 'AC06') }, WHO)
    await settleRefunds(t)
    await toOpen(id, /AC06/)
    await refundLine(t.app, { iban, id, toIban: ` ${payerIban('Zoe').toLowerCase()} `, name: 'Zoe' }, WHO)
    await settleRefunds(t)
    assert.deepEqual(
      (await refundsOf(id)).map(({ state, purpose }) => [state, purpose.split(':').at(-1)]),
      [
        ['cancelled', '1'],
        ['cancelled', '2'],
        ['confirmed', '3'],
      ],
    )
    assert.equal((await lineOf(id)).state, 'returned')
  })

  test('that comes back after a day has no owner again', async () => {
    const id = await stray()
    await refundLine(t.app, { iban, id, toIban: magicPayee('return', 'AC04') }, WHO)
    await settleRefunds(t)
    assert.equal((await lineOf(id)).state, 'returned')
    await t.advance(86_400_000)
    await settleRefunds(t)
    await toOpen(id, /returned by the bank: AC04/)
    assert.equal(await suspense(), -7_000n)
    assert.equal((await listOpenLines(t.app)).length, 1)
    await claimLine(t.app, { iban, id, owner: 'treasury' }, WHO)
  })

  test('whose order had no answer keeps its account from going by files: it would be ordered in one as well', async () => {
    const id = await stray()
    await addFaults(t.app, { provider: 'bank', kind: 'lost_answer', count: 1 })
    await refundLine(t.app, { iban, id }, WHO)
    await t.runLanes('payouts')
    assert.equal((await refundsOf(id))[0]?.state, 'unknown')
    await assert.rejects(setOrdersBy(t.app, { iban, by: 'file' }, WHO), /nobody knows. Wait for its answer/)
    await t.advance(10_000)
    await t.runLanes('payouts')
    assert.deepEqual(await listOrders(t.app), [])
    await settleRefunds(t)
    assert.equal((await lineOf(id)).state, 'returned')
    await setOrdersBy(t.app, { iban, by: 'file' }, WHO)
    await setOrdersBy(t.app, { iban, by: 'api' }, WHO)
  })

  test('is held again when the order is given up before it left', async () => {
    const id = await stray()
    await refundLine(t.app, { iban, id }, WHO)
    const [refund] = await refundsOf(id)
    await cancelEffect(effectNeeds(t.app), refund!.id, { ...WHO, become: 'cancelled' })
    await toOpen(id, /given up by olga/)
    await claimLine(t.app, { iban, id, owner: 'treasury' }, WHO)
  })

  test('whose payer the bank did not name goes nowhere until a person names an account', async () => {
    const id = await stray()
    await t.app.db
      .updateTable('bankTransactions')
      .set({
        counterpartySealed: t.app.secrets.seal(
          COUNTERPARTY_PURPOSE,
          JSON.stringify({ name: 'Somebody', iban: null }),
        ),
      })
      .where('id', '=', id)
      .execute()
    await assert.rejects(refundLine(t.app, { iban, id }, WHO), /did not say which account.*--to-iban/)
    await assert.rejects(refundLine(t.app, { iban, id, toIban: 'DE00' }, WHO), /Name another account/)
    assert.deepEqual(await refundsOf(id), [])
    await refundLine(t.app, { iban, id, toIban: payerIban('Zoe') }, WHO)
    await settleRefunds(t)
    assert.equal((await lineOf(id)).state, 'returned')
  })

  test('is refused while it is being matched, when it took money, and when there is none', async () => {
    const id = await stray()
    const dueAt = t.app.clock.now()
    await t.app.db.updateTable('bankTransactions').set({ dueAt }).where('id', '=', id).execute()
    await assert.rejects(refundLine(t.app, { iban, id }, WHO), /being matched/)
    await t.settle()
    await assert.rejects(refundLine(t.app, { iban, id: 'none' }, WHO), /There is no line/)
    const debit = await t.app.db
      .selectFrom('bankTransactions')
      .select('id')
      .where('direction', '=', 'debit')
      .limit(1)
      .executeTakeFirstOrThrow()
    await assert.rejects(refundLine(t.app, { iban, id: debit.id }, WHO), /took money/)
    await claimLine(t.app, { iban, id, owner: 'treasury' }, WHO)
    await assert.rejects(refundLine(t.app, { iban, id }, WHO), /belongs to somebody/)
  })

  test('that waits for a file goes by it, also when the account goes by its API again meanwhile', async () => {
    const id = await stray()
    await setOrdersBy(t.app, { iban, by: 'file' }, WHO)
    await refundLine(t.app, { iban, id }, WHO)
    await t.runLanes('payouts')
    await setOrdersBy(t.app, { iban, by: 'api' }, WHO)
    await settleRefunds(t)
    const [refund] = await refundsOf(id)
    assert.equal(refund?.state, 'sent')
    assert.deepEqual(
      (await listOrders(t.app)).map(({ endToEndId }) => endToEndId),
      [refund?.idempotencyKey],
    )
    assert.equal(await t.app.providers.bank!.findTransfer(refund!.idempotencyKey), undefined)
    const made = await exportOrders(t.app, { iban, format: 'pain.001.001.03' }, WHO)
    assert.ok(made.xml.includes(refund!.idempotencyKey))
  })
})
