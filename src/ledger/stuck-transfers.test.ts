import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { addCustomer, createGuided, payCard, settleRefunds } from '../../test/support/payments.ts'
import { addSale, deposit, endSaleEffects, orderPayout, shareSaleWorld } from '../../test/support/sales.ts'
import { parseDurationMs } from '../kernel/clock.ts'
import { STUCK_DEFAULTS, type StuckCode } from '../kernel/stuck-thresholds.ts'
import type { Sale } from '../offramp/sale.ts'
import { MAGIC_PAYEES } from '../providers/bank/simulated/magic.ts'
import { findStuck, type StuckItem } from './find-stuck.ts'

const t = await shareSaleWorld()

/** What a rule finds of one reference once a span of time has passed. */
async function findOf(code: StuckCode, reference: string, afterMs: number): Promise<StuckItem | undefined> {
  const now = new Date(t.app.clock.now().getTime() + afterMs)
  const items = await findStuck(
    t.app.db,
    { now, after: t.app.config.stuckAfter },
    { only: code, limit: 1_000 },
  )
  return items.find((one) => one.reference === reference)
}

/** It is found once it has been so for the rule's time, and not long before. */
async function assertStuck(code: StuckCode, reference: string): Promise<StuckItem> {
  const afterMs = parseDurationMs(STUCK_DEFAULTS[code])!
  assert.equal(await findOf(code, reference, afterMs / 2), undefined, 'before')
  const item = await findOf(code, reference, afterMs + 1)
  assert.ok(item, `${reference} is found`)
  return item
}

const assertMoving = async (code: StuckCode, reference: string) =>
  assert.equal(await findOf(code, reference, 60 * 86_400_000), undefined, `${reference} is not stuck`)

/** As resolving a halted wallet leaves transfers that may have left. */
const doubt = (reference: string) =>
  t.app.db
    .updateTable('effects')
    .set({ state: 'unknown', reason: 'its nonce was used', updatedAt: t.app.clock.now() })
    .where('reference', '=', reference)
    .where('kind', '=', 'coin_transfer')
    .executeTakeFirstOrThrow()

/** Coins that came by mistake are on their way back. */
async function returning(sale: Sale): Promise<string> {
  await deposit(t, sale, { coin: 'polygon:USDT', amount: '25' })
  return `sale:${sale.id}`
}

async function paidByCard(): Promise<string> {
  const id = await createGuided(t, await addCustomer(t.app))
  await payCard(t, id)
  return id
}

describe('transfers that get no further are found', () => {
  it('of coins of which nobody knows whether they left', async () => {
    const payment = `payment:${await paidByCard()}`
    await doubt(payment)
    await assertStuck('payment_without_transfer', payment)
    await assertMoving('transfer_unknown', payment)
    const sale = await returning(await addSale(t))
    await assertMoving('transfer_unknown', sale)
    await doubt(sale)
    const { asset, units, why } = await assertStuck('transfer_unknown', sale)
    assert.deepEqual([asset, units, why], ['polygon:USDT', 25_000_000n, 'its nonce was used'])
    await assertMoving('sale_coins_not_returned', sale)
  })

  it('of coins that go back, whatever became of their sale', async () => {
    const payee = MAGIC_PAYEES.find(({ fate, value }) => fate.does === 'stay' && /^DE/.test(value))!
    const ordered = await orderPayout(t, { kind: 'iban', iban: payee.value, name: 'Ana Pérez' })
    const sale = await returning(ordered)
    const { asset, units } = await assertStuck('sale_coins_not_returned', sale)
    assert.deepEqual([asset, units], ['polygon:USDT', 25_000_000n])
    await endSaleEffects(t, ordered.id, 'coin_transfer', 'confirmed')
    await assertMoving('sale_coins_not_returned', sale)
  })

  it('of a card refund whose end the provider doesn’t tell', async () => {
    const id = await paidByCard()
    await t.api('POST', `/api/payment/${id}/refund`, { honest: true })
    await assertMoving('card_refund_not_ended', `payment:${id}`)
    await t.runLanes('payouts')
    await assertStuck('card_refund_not_ended', `payment:${id}`)
    await settleRefunds(t)
    await assertMoving('card_refund_not_ended', `payment:${id}`)
  })
})
