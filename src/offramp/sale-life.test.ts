import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setSettings } from '../../test/support/payments.ts'
import {
  addDeposit,
  addSale,
  checkSaleBooks,
  deposit,
  endSaleEffects,
  getSale,
  REFUND_WALLET,
  SALE_LANES,
  saleEffects,
  saleEvents,
  settleBank,
  shareSaleWorld,
} from '../../test/support/sales.ts'
import { DEFAULT_SETTINGS, type IntegrationSettings } from '../common/integration.ts'
import { balanceOf } from '../ledger/book.ts'
import { addFaults } from '../providers/faults.ts'
import { SANDBOX_BLOCKED_WALLET } from '../providers/screening/block-list.ts'

const t = await shareSaleWorld()

const policy = (sales: Partial<IntegrationSettings['sales']> = {}) =>
  setSettings(t, (settings) => ({ ...settings, sales: { ...DEFAULT_SETTINGS.sales, ...sales } }))

const DAY = 86_400_000

describe('coins as they were asked', () => {
  test('are converted at the price of the quote, paid out, and finished when the bank says so', async () => {
    await policy()
    const sale = await addSale(t, { price: '0.900000' })
    const taken = await deposit(t, sale)
    assert.equal(taken.state, 'processing')
    // 100 at 0.90 is 90.00; 1 % and 0.5 % of it stay.
    assert.deepEqual([taken.fiatUnits, taken.feeUnits, taken.price], [8865n, 135n, '0.900000'])
    assert.deepEqual([taken.receivedUnits, taken.convertedUnits], [100_000_000n, 100_000_000n])
    const [payout] = await saleEffects(t.app, sale.id)
    assert.deepEqual([payout?.kind, payout?.units, payout?.state], ['bank_transfer', 8865n, 'planned'])
    await checkSaleBooks(t.app)
    await t.runLanes('payouts')
    assert.equal((await getSale(t.app, sale.id)).payout?.state, 'sent')
    assert.deepEqual(await saleEvents(t.app, sale.id), ['CRYPTO_RECEIVED'])
    await settleBank(t)
    const finished = await getSale(t.app, sale.id)
    assert.deepEqual(
      [finished.state, finished.payout?.state, finished.dueAt],
      ['finished', 'confirmed', null],
    )
    assert.deepEqual(await saleEvents(t.app, sale.id), ['CRYPTO_RECEIVED', 'TRANSFER_RAMPOFF_FINISHED'])
    assert.equal(await balanceOf(t.app.db, `customer:${sale.id}:coin`, 'polygon:USDC'), 0n)
    assert.equal(await balanceOf(t.app.db, `customer:${sale.id}:fiat`, 'EUR'), 0n)
  })

  test('first seen after the price expired get the current price, and wait while there is none', async () => {
    const sale = await addSale(t, { price: '0.500000', priceHoldsMs: 0 })
    await addFaults(t.app, { provider: 'price', kind: 'stale', count: 1 })
    await t.app.pricing.prices.refresh()
    const waiting = await deposit(t, sale)
    assert.deepEqual([waiting.state, waiting.convertedUnits], ['crypto_received', 0n])
    await checkSaleBooks(t.app)
    await t.app.pricing.prices.refresh()
    await t.app.db.updateTable('sales').set({ leaseUntil: null }).where('id', '=', sale.id).execute()
    await t.runLanes('sale-conversions')
    const converted = await getSale(t.app, sale.id)
    assert.equal(converted.state, 'processing')
    assert.notEqual(converted.price, '0.500000')
    assert.ok(converted.fiatUnits > 8_000n)
  })

  test('come in two parts: the first waits, both are priced as one sale', async () => {
    const sale = await addSale(t, { price: '0.900000' })
    const first = await deposit(t, sale, { amount: '60' })
    assert.deepEqual([first.state, first.receivedUnits], ['started', 60_000_000n])
    assert.deepEqual(await saleEvents(t.app, sale.id), ['CRYPTO_RECEIVED'])
    await checkSaleBooks(t.app)
    const both = await deposit(t, sale, { amount: '40' })
    assert.deepEqual([both.state, both.fiatUnits], ['processing', 8865n])
    assert.deepEqual(await saleEvents(t.app, sale.id), ['CRYPTO_RECEIVED'])
  })

  test('within the tolerance less or more are exact, each at what arrived', async () => {
    for (const [amount, fiat] of [
      ['99.1', 8784n],
      ['100.9', 8944n],
    ] as const) {
      const sale = await addSale(t, { price: '0.900000' })
      const taken = await deposit(t, sale, { amount })
      assert.deepEqual([taken.state, taken.fiatUnits], ['processing', fiat], amount)
    }
  })
})

describe('fewer coins than asked', () => {
  const pass = async (id: string, ms = DAY) => {
    await t.advance(ms)
    await t.runLanes(...SALE_LANES)
    return getSale(t.app, id)
  }

  test('are priced at what arrived when the deadline is over', async () => {
    await policy()
    const sale = await addSale(t, { price: '0.900000' })
    await deposit(t, sale, { amount: '50' })
    const ended = await pass(sale.id)
    assert.deepEqual([ended.state, ended.convertedUnits, ended.fiatUnits], ['processing', 50_000_000n, 4432n])
  })

  test('go back when they are less than the least sale, or nothing of them would be left', async () => {
    const sale = await addSale(t, { price: '0.900000' })
    await deposit(t, sale, { amount: '5' })
    const back = await pass(sale.id)
    assert.deepEqual([back.coinReturn?.reason, back.coinReturn?.units], ['short', '5000000'])
    await endSaleEffects(t, sale.id, 'coin_transfer', 'confirmed')
    const refunded = await getSale(t.app, sale.id)
    assert.deepEqual([refunded.state, refunded.endReason], ['refunded', 'short'])
    assert.equal(await balanceOf(t.app.db, `customer:${sale.id}:coin`, 'polygon:USDC'), 0n)
  })

  test('return: expired, then refunded; without a wallet, and by review: before a person', async () => {
    await policy({ short: 'return' })
    const sale = await addSale(t, {})
    const homeless = await addSale(t, { refundWallet: null })
    await deposit(t, sale, { amount: '50' })
    await deposit(t, homeless, { amount: '50' })
    const expired = await pass(sale.id)
    assert.deepEqual([expired.state, expired.coinReturn?.state], ['expired', 'planned'])
    await checkSaleBooks(t.app)
    await endSaleEffects(t, sale.id, 'coin_transfer', 'confirmed')
    assert.equal((await getSale(t.app, sale.id)).state, 'refunded')
    assert.deepEqual(await saleEvents(t.app, sale.id), [
      'CRYPTO_RECEIVED',
      'RAMPOFF_EXPIRED',
      'RAMPOFF_REFUNDED',
    ])
    const held = await getSale(t.app, homeless.id)
    assert.deepEqual([held.state, held.reviewReason], ['in_review', 'short'])
    await policy()
  })

  test('a trace of dust is booked and left when nothing else came', async () => {
    const sale = await addSale(t)
    assert.equal((await deposit(t, sale, { amount: '0.05' })).receivedUnits, 50_000n)
    const ended = await pass(sale.id)
    assert.deepEqual([ended.state, ended.keptUnits], ['expired', 50_000n])
  })

  test('coins seen in time are waited for past the deadline', async () => {
    const sale = await addSale(t, { price: '0.900000' })
    const id = await addDeposit(t, sale, { state: 'seen' })
    const waiting = await pass(sale.id)
    assert.deepEqual([waiting.state, waiting.dueAt], ['started', null])
    await t.app.db
      .updateTable('deposits')
      .set({ state: 'final', finalAt: t.app.clock.now() })
      .where('id', '=', id)
      .execute()
    await t.runLanes(...SALE_LANES)
    const taken = await getSale(t.app, sale.id)
    assert.deepEqual([taken.state, taken.fiatUnits], ['processing', 8865n])
  })

  test('coins seen in time that vanish leave the sale expired', async () => {
    const sale = await addSale(t)
    const id = await addDeposit(t, sale, { state: 'seen' })
    await pass(sale.id)
    await t.app.db.updateTable('deposits').set({ state: 'vanished' }).where('id', '=', id).execute()
    await t.runLanes(...SALE_LANES)
    assert.equal((await getSale(t.app, sale.id)).state, 'expired')
  })
})

describe('more coins than asked', () => {
  test('are all converted; over the quote at the current price', async () => {
    await policy()
    const sale = await addSale(t, { price: '0.100000' })
    const taken = await deposit(t, sale, { amount: '200' })
    assert.deepEqual([taken.state, taken.convertedUnits], ['processing', 200_000_000n])
    assert.ok(taken.fiatUnits > 8_000n, 'only what was asked is at the quote’s price')
  })

  test('return: what is over goes back, the rest is paid out', async () => {
    await policy({ excess: 'return' })
    const sale = await addSale(t, { price: '0.900000' })
    const taken = await deposit(t, sale, { amount: '130' })
    assert.deepEqual([taken.state, taken.fiatUnits, taken.returnedUnits], ['processing', 8865n, 30_000_000n])
    await checkSaleBooks(t.app)
    await endSaleEffects(t, sale.id, 'coin_transfer', 'confirmed')
    await settleBank(t)
    assert.equal((await getSale(t.app, sale.id)).state, 'finished')
    await policy()
  })

  test('after the conversion: held while the bank pays, then before a person; or returned', async () => {
    const sale = await addSale(t)
    await deposit(t, sale)
    const second = await deposit(t, sale, { amount: '10' })
    assert.deepEqual([second.state, second.receivedUnits], ['processing', 110_000_000n])
    await settleBank(t)
    const looked = await getSale(t.app, sale.id)
    assert.deepEqual([looked.state, looked.reviewReason], ['in_review', 'excess'])
    assert.deepEqual(await saleEvents(t.app, sale.id), [
      'CRYPTO_RECEIVED',
      'TRANSFER_RAMPOFF_FINISHED',
      'RAMPOFF_IN_REVIEW',
    ])
    await t.advance(8 * DAY)
    await t.runLanes(...SALE_LANES)
    assert.equal((await getSale(t.app, sale.id)).coinReturn?.reason, 'review_timeout')
    await endSaleEffects(t, sale.id, 'coin_transfer', 'confirmed')
    assert.equal((await getSale(t.app, sale.id)).state, 'finished')
    const finished = (await saleEvents(t.app, sale.id)).filter((type) => type === 'TRANSFER_RAMPOFF_FINISHED')
    assert.equal(finished.length, 1, 'told once of the one transfer')
  })
})

describe('late coins', () => {
  const expired = async (options: Parameters<typeof addSale>[1] = {}) => {
    const sale = await addSale(t, options)
    await t.advance(DAY)
    await t.runLanes(...SALE_LANES)
    assert.equal((await getSale(t.app, sale.id)).state, 'expired')
    return sale
  }

  test('are converted at the current price, and the sale has its name again', async () => {
    await policy()
    const sale = await expired({ price: '0.100000', externalId: 'late-1' })
    const taken = await deposit(t, sale)
    assert.deepEqual([taken.state, taken.liveExternalId], ['processing', 'late-1'])
    assert.ok(taken.fiatUnits > 8_000n)
  })

  test('go back when another sale has the name', async () => {
    const sale = await expired({ externalId: 'late-2' })
    await addSale(t, { externalId: 'late-2' })
    const back = await deposit(t, sale)
    assert.deepEqual([back.state, back.coinReturn?.reason], ['expired', 'late'])
    await endSaleEffects(t, sale.id, 'coin_transfer', 'confirmed')
    assert.equal((await getSale(t.app, sale.id)).state, 'refunded')
  })

  test('review, and a sale that was refunded without a wallet known', async () => {
    await policy({ late: 'review' })
    const sale = await expired()
    const looked = await deposit(t, sale)
    assert.deepEqual([looked.state, looked.reviewReason], ['in_review', 'late'])
    await policy({ late: 'return' })
    const refunded = await expired()
    await deposit(t, refunded)
    await endSaleEffects(t, refunded.id, 'coin_transfer', 'confirmed')
    const again = await deposit(t, refunded, { amount: '7' })
    assert.deepEqual(
      [again.state, again.coinReturn?.round, again.coinReturn?.units],
      ['refunded', 2, '7000000'],
    )
    await checkSaleBooks(t.app)
    await endSaleEffects(t, refunded.id, 'coin_transfer', 'confirmed')
    await policy()
  })
})

describe('coins that should not have come', () => {
  test('the wrong coin goes back and the sale still waits; nothing else came: refunded', async () => {
    await policy()
    const sale = await addSale(t)
    const waiting = await deposit(t, sale, { coin: 'polygon:USDT', amount: '25' })
    assert.deepEqual(
      [waiting.state, waiting.receivedUnits, waiting.coinReturn?.asset],
      ['started', 0n, 'polygon:USDT'],
    )
    await checkSaleBooks(t.app)
    await endSaleEffects(t, sale.id, 'coin_transfer', 'confirmed')
    assert.equal(await balanceOf(t.app.db, `customer:${sale.id}:coin`, 'polygon:USDT'), 0n)
    await t.advance(DAY)
    await t.runLanes(...SALE_LANES)
    const ended = await getSale(t.app, sale.id)
    assert.deepEqual([ended.state, ended.endReason], ['refunded', 'wrong_asset'])
  })

  test('the wrong coin without a wallet for it: before a person, and stays there', async () => {
    const sale = await addSale(t, { refundWallet: null })
    const looked = await deposit(t, sale, { coin: 'polygon:POL', amount: '25' })
    assert.deepEqual([looked.state, looked.reviewReason], ['in_review', 'wrong_asset'])
    await t.advance(8 * DAY)
    await t.runLanes(...SALE_LANES)
    const still = await getSale(t.app, sale.id)
    assert.equal(still.state, 'in_review')
    assert.ok(still.dueAt && still.dueAt > t.app.clock.now())
  })

  test('from a blocked address: before a person, never back by itself', async () => {
    const sale = await addSale(t, { refundWallet: REFUND_WALLET })
    const looked = await deposit(t, sale, { from: SANDBOX_BLOCKED_WALLET })
    assert.deepEqual(
      [looked.state, looked.reviewReason, looked.receivedUnits],
      ['in_review', 'blocked_sender', 0n],
    )
    await t.advance(8 * DAY)
    await t.runLanes(...SALE_LANES)
    assert.equal((await getSale(t.app, sale.id)).coinReturn, null)
    assert.deepEqual(await saleEffects(t.app, sale.id), [])
  })

  test('of a banned customer: before a person', async () => {
    const sale = await addSale(t)
    await t.app.db
      .updateTable('customers')
      .set({ bannedAt: t.app.clock.now() })
      .where('id', '=', sale.customerId)
      .execute()
    const looked = await deposit(t, sale)
    assert.deepEqual([looked.state, looked.reviewReason, looked.convertedUnits], ['in_review', 'banned', 0n])
  })

  test('dust of another coin, or from a blocked address, changes nothing', async () => {
    const sale = await addSale(t)
    await deposit(t, sale, { coin: 'polygon:USDT', amount: '0.01' })
    const still = await deposit(t, sale, { from: SANDBOX_BLOCKED_WALLET, amount: '0.01' })
    assert.deepEqual([still.state, still.version, still.receivedUnits], ['started', sale.version, 0n])
  })
})

describe('payouts and returns that fail', () => {
  test('a refused payout puts the sale before a person; after 7 days the coins go back', async () => {
    await policy()
    const sale = await addSale(t)
    await deposit(t, sale)
    await endSaleEffects(t, sale.id, 'bank_transfer', 'failed')
    const looked = await getSale(t.app, sale.id)
    assert.deepEqual(
      [looked.state, looked.reviewReason, looked.payout?.state],
      ['in_review', 'payout_failed', 'failed'],
    )
    await checkSaleBooks(t.app)
    await t.advance(8 * DAY)
    await t.runLanes(...SALE_LANES)
    const back = await getSale(t.app, sale.id)
    assert.deepEqual([back.convertedUnits, back.returnedUnits, back.conversions], [0n, 100_000_000n, []])
    await checkSaleBooks(t.app)
    await endSaleEffects(t, sale.id, 'coin_transfer', 'confirmed')
    assert.equal((await getSale(t.app, sale.id)).state, 'refunded')
    assert.equal(await balanceOf(t.app.db, `customer:${sale.id}:fiat`, 'EUR'), 0n)
  })

  test('a payout that an operator gave up is the customer’s money again', async () => {
    const sale = await addSale(t)
    await deposit(t, sale)
    await endSaleEffects(t, sale.id, 'bank_transfer', 'cancelled')
    const looked = await getSale(t.app, sale.id)
    assert.equal(looked.state, 'in_review')
    assert.equal(await balanceOf(t.app.db, `customer:${sale.id}:fiat`, 'EUR'), -looked.fiatUnits)
  })

  test('a return that can not be delivered stays before a person', async () => {
    await policy({ late: 'return' })
    const sale = await addSale(t)
    await t.advance(DAY)
    await t.runLanes(...SALE_LANES)
    await deposit(t, sale)
    await endSaleEffects(t, sale.id, 'coin_transfer', 'failed')
    const looked = await getSale(t.app, sale.id)
    assert.deepEqual(
      [looked.state, looked.reviewReason, looked.returnedUnits],
      ['in_review', 'return_failed', 100_000_000n],
    )
    await checkSaleBooks(t.app)
    await endSaleEffects(t, sale.id, 'coin_transfer', 'cancelled')
    assert.equal((await getSale(t.app, sale.id)).returnedUnits, 0n)
    await policy()
  })
})

test('coins that are back do not finish a sale whose payout was refused', async () => {
  await policy({ excess: 'return' })
  const sale = await addSale(t)
  await deposit(t, sale, { amount: '150' })
  await endSaleEffects(t, sale.id, 'bank_transfer', 'failed')
  await endSaleEffects(t, sale.id, 'coin_transfer', 'confirmed')
  const looked = await getSale(t.app, sale.id)
  assert.deepEqual([looked.state, looked.reviewReason], ['in_review', 'payout_failed'])
  await policy()
})
