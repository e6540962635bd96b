import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { sql } from 'kysely'
import type { PaymentWorld } from '../../test/support/payments.ts'
import {
  addDeposit,
  addSale,
  checkSaleBooks,
  getSale,
  settleBank,
  startSaleWorld,
} from '../../test/support/sales.ts'
import { releaseSale } from './review-sale.ts'

let t: PaymentWorld

before(async () => {
  t = await startSaleWorld()
})
after(() => t.stop())

test('coins whose sender only a contract knows are a person’s to judge; let go on, the sale has no transaction', async () => {
  const sale = await addSale(t)
  const id = await addDeposit(t, sale)
  const key = `balance:0x${'0'.repeat(64)}:${sale.address}`
  await sql`update deposits set from_address = null, tx_hash = ${key} where id = ${id}`.execute(t.app.db)
  await t.runLanes('sale-deposits')
  const held = await getSale(t.app, sale.id)
  assert.deepEqual([held.state, held.reviewReason, held.txid], ['in_review', 'blocked_sender', null])
  await releaseSale(t.app, sale.id, { who: 'ana', why: 'the wallet is the customer’s' })
  await settleBank(t)
  const paid = await getSale(t.app, sale.id)
  assert.deepEqual([paid.state, paid.receivedUnits, paid.txid], ['finished', sale.askedUnits, null])
  await checkSaleBooks(t.app)
})
