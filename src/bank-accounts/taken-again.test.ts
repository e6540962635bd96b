import assert from 'node:assert/strict'
import { test } from 'node:test'
import { tellLine } from '../../test/support/bank.ts'
import {
  addSale,
  checkSaleBooks,
  deposit,
  getSale,
  saleEffects,
  settleBank,
  shareSaleWorld,
} from '../../test/support/sales.ts'
import { findStuck, findStuckMoney } from '../ledger/find-stuck.ts'
import { payerIban } from '../providers/bank/simulated/incoming.ts'
import { closeDay } from './close-day.ts'
import { claimLine, listOpenLines } from './operate-accounts.ts'
import { recordBankLines } from './record-lines.ts'
import { settleReturn } from './settle-return.ts'
import { findGivenUpDebits } from './unexpected-debits.ts'

const DAY = 86_400_000
const WHO = { who: 'operator', why: 'test' }
const t = await shareSaleWorld()

/** A sale that was paid, with the line by which the bank took its payout, and what the line names. */
async function paid() {
  const payee = { kind: 'iban' as const, iban: payerIban('Ana Pérez'), name: 'Ana Pérez' }
  const sale = await deposit(t, await addSale(t, { price: '0.900000', payee }))
  await settleBank(t)
  const { id } = (await saleEffects(t.app, sale.id)).find(({ kind }) => kind === 'bank_transfer')!
  const effect = await t.app.db
    .selectFrom('effects')
    .selectAll()
    .where('id', '=', id)
    .executeTakeFirstOrThrow()
  assert.equal(effect.state, 'confirmed')
  const iban = effect.door.slice('bank:'.length)
  const named = { iban, units: effect.units, transferRef: effect.providerRef }
  return { sale, effect, iban, named }
}

const reasonsOf = async () => (await listOpenLines(t.app)).map(({ matchReasons }) => matchReasons[0])

/** Of the account, on the day after. */
async function closed(iban: string) {
  const day = t.app.clock.now().toISOString().slice(0, 10)
  await t.advance(DAY)
  const [one] = await closeDay(t.app, { day, iban }, 'maria')
  return one!.differences.filter(({ cause }) => cause === 'unexpected_debit')
}

test('a second debit of an order has no owner, and is named by the day’s end, the stuck money and /readyz', async () => {
  const { iban, named, effect } = await paid()
  const id = await tellLine(t.app, { ...named, direction: 'debit' })
  assert.deepEqual(await reasonsOf(), [`debit:again:${effect.id}`])
  // Told once more it is the same line.
  const [known] = await t.app.db.selectFrom('bankTransactions').selectAll().where('id', '=', id).execute()
  await tellLine(t.app, { ...named, direction: 'debit', ref: known!.bankRef! })
  assert.deepEqual(await reasonsOf(), [`debit:again:${effect.id}`])
  await checkSaleBooks(t.app)

  const [ready] = await findGivenUpDebits(t.app.db)
  assert.match(ready!.why, new RegExp(`88\\.65 EUR for effect ${effect.id}, which was taken before`))
  assert.ok(ready!.mend.includes(`accounts claim ${iban} ${id} --as cost`))
  const [difference] = await closed(iban)
  assert.deepEqual(
    [difference!.units, difference!.aboutUnits, difference!.reference, difference!.detail],
    [0n, -8865n, id, `debit:again:${effect.id}`],
  )
  const asked = { now: t.app.clock.now(), after: t.app.config.stuckAfter }
  const stuck = await findStuck(t.app.db, asked, { only: 'debit_unexpected', limit: 10 })
  assert.deepEqual(
    stuck.map(({ reference, units, why }) => [reference, units, why]),
    [[`bank-line:${iban}:${id}`, 8865n, `debit:again:${effect.id}`]],
  )
  assert.ok((await findStuckMoney(t.app.db, asked)).some(({ what }) => what.includes('debit_unexpected')))
  assert.deepEqual(await findStuck(t.app.db, asked, { only: 'suspense_line', limit: 10 }), [])

  await claimLine(t.app, { iban, id, owner: 'cost' }, WHO)
  assert.deepEqual(await findGivenUpDebits(t.app.db), [])
  assert.deepEqual(await closed(iban), [])
  assert.deepEqual(await findStuck(t.app.db, asked, { only: 'debit_unexpected', limit: 10 }), [])
})

test('two debits of one order that are told at once: one is the order’s', async () => {
  const { iban, named, effect } = await paid()
  const line = {
    ...named,
    bookedAt: t.app.clock.now(),
    valueDate: '2026-03-02',
    direction: 'debit' as const,
    balanceUnits: 0n,
    currency: 'EUR',
    counterpartyName: 'Ana Pérez',
    counterpartyIban: null,
    concept: '',
    endToEndId: null,
    returnCode: null,
    returnText: null,
  }
  await Promise.all(
    ['a', 'b'].map((ref) => recordBankLines(t.app, [{ ...line, ref: `${effect.id}-${ref}` }])),
  )
  assert.deepEqual(await reasonsOf(), [`debit:again:${effect.id}`, `debit:again:${effect.id}`])
  await checkSaleBooks(t.app)
  for (const { id } of await listOpenLines(t.app)) await claimLine(t.app, { iban, id, owner: 'cost' }, WHO)
})

test('what the bank gives back of it is not the order’s money; when both came back it is', async () => {
  const { sale, iban, named, effect } = await paid()
  const debit = await tellLine(t.app, { ...named, direction: 'debit' })
  await claimLine(t.app, { iban, id: debit, owner: 'cost' }, WHO)
  const back = await tellLine(t.app, { ...named, returnCode: 'DUPL' })
  await t.runLanes('bank-lines')
  assert.deepEqual(await reasonsOf(), [`return:again:${effect.id}`])
  assert.equal((await getSale(t.app, sale.id)).state, 'finished')
  await claimLine(t.app, { iban, id: back, owner: 'cost' }, WHO)
  await tellLine(t.app, { ...named, returnCode: 'AC04' })
  await t.runLanes('bank-lines')
  assert.equal((await getSale(t.app, sale.id)).state, 'finished')
  assert.equal((await settleReturn(t.app, effect.id, WHO)).costUnits, 0n)
  const again = await getSale(t.app, sale.id)
  assert.deepEqual([again.state, again.reviewReason], ['in_review', 'payout_failed'])
})
