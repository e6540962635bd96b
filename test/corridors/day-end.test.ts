import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type ClosedDay, closeDay } from '../../src/bank-accounts/close-day.ts'
import { importStatement } from '../../src/bank-accounts/import-statement.ts'
import { readCamt } from '../../src/bank-accounts/statements/read-camt.ts'
import { drawStatement } from '../../src/sandbox/file-bank.ts'
import { bytesOf } from '../support/file-bank.ts'
import {
  addCustomer,
  createGuided,
  findIban,
  type PaymentWorld,
  sendTransfer,
  takeInstructions,
} from '../support/payments.ts'
import { addSale, deposit, saleEffects, settleBank, startSaleWorld } from '../support/sales.ts'

const DAY_MS = 86_400_000
let t: PaymentWorld
let iban: string
before(async () => {
  t = await startSaleWorld()
  iban = await findIban(t.app)
})
after(() => t.stop())

const dayOf = (offset: number): string =>
  new Date(t.app.clock.now().getTime() + offset * DAY_MS).toISOString().slice(0, 10)

async function close(day: string): Promise<ClosedDay> {
  const [closed] = await closeDay(t.app, { day, iban }, 'olga')
  assert.ok(closed)
  return closed
}

const causes = ({ differences }: ClosedDay) => differences.map(({ cause, units }) => [cause, units])

/** The bank's own statement of some days, changed on its way to us where a test says so. */
async function importDrawn(from: string, to: string): Promise<void> {
  const drawn = await drawStatement(t.app, { iban, from, to })
  await importStatement(t.app, {
    fileName: 'statement.xml',
    bytes: bytesOf(drawn),
    source: 'command',
    who: 'olga',
    open: async (bytes) => ({ format: 'camt.053.001.08', parts: readCamt(bytes) }),
  })
  await t.runLanes('bank-lines', 'payouts')
}

test('a day with money in and out closes by the bank’s API, and by its statement', async () => {
  const id = await createGuided(t, await addCustomer(t.app), { payment_type: 'transfer' })
  const { concept } = await takeInstructions(t, id)
  await sendTransfer(t.app, { iban, concept, amount: '150.50' })
  await t.settle()
  const sale = await addSale(t, { price: '0.900000' })
  await deposit(t, sale)
  const paid = (await saleEffects(t.app, sale.id)).find(({ kind }) => kind === 'bank_transfer')!
  assert.equal(paid.door, `bank:${iban}`)
  await settleBank(t)
  const day = dayOf(0)
  await t.advance(DAY_MS)
  const byBank = await close(day)
  assert.deepEqual([byBank.toldBy, causes(byBank)], ['bank', []])
  assert.deepEqual([byBank.standing.leavingUnits, byBank.standing.suspense], [0n, []])
  await importDrawn(dayOf(-2), dayOf(-1))
  const byStatement = await close(day)
  // The account began with money that no line tells of, before and after alike: nothing is different.
  assert.deepEqual([byStatement.toldBy, byStatement.run, causes(byStatement)], ['statement', 2, []])
  assert.equal(byStatement.bankUnits, byBank.bankUnits)
})

test('an order that the bank has booked and whose line nobody has read yet', async () => {
  const sale = await addSale(t, { price: '0.900000' })
  await deposit(t, sale)
  const { units } = (await saleEffects(t.app, sale.id)).find(({ kind }) => kind === 'bank_transfer')!
  await t.runLanes('payouts')
  await t.advance(10_000)
  await t.runLanes('simulated-bank')
  await t.advance(60_000)
  await t.runLanes('payouts')
  const day = dayOf(0)
  await t.advance(DAY_MS)
  const closed = await close(day)
  assert.deepEqual(causes(closed), [['not_read', -units]])
  assert.deepEqual([closed.standing.leavingUnits, closed.standing.leavingOrders], [units, 0])
  await t.advance(DAY_MS)
  const later = await close(dayOf(-1))
  assert.deepEqual(causes(later), [
    ['not_read', -units],
    ['order_not_on_statement', 0n],
  ])
  await t.settle()
  await t.runLanes('bank-statements')
  assert.deepEqual(causes(await close(dayOf(-1))), [])
})

test('money of nobody stands below, by its age', async () => {
  await sendTransfer(t.app, { iban, concept: 'regalo', amount: '33.00', name: 'Nadie Conocido' })
  await t.settle()
  await t.advance(3 * DAY_MS)
  await t.runLanes('bank-statements')
  const closed = await close(dayOf(-1))
  assert.deepEqual(causes(closed), [])
  assert.deepEqual(closed.standing.suspense, [{ age: '1 to 7 days', lines: 1, units: 3_300n }])
  assert.equal(closed.standing.suspenseUnits, 3_300n)
})
