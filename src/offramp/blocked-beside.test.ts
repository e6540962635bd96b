import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { sql } from 'kysely'
import {
  addDeposit,
  addSale,
  checkSaleBooks,
  deposit,
  getSale,
  saleEffects,
  saleEvents,
  settleBank,
  shareSaleWorld,
} from '../../test/support/sales.ts'
import { addFaults } from '../providers/faults.ts'
import { ProviderError } from '../providers/provider-error.ts'
import { SANDBOX_BLOCKED_WALLET } from '../providers/screening/block-list.ts'
import { releaseSale, returnSale } from './review-sale.ts'
import type { Sale } from './sale.ts'

const t = await shareSaleWorld()

const CHANGE = { who: 'ana', why: 'looked at' }
const BLOCKED = { from: SANDBOX_BLOCKED_WALLET }

const look = async (sale: Sale) => {
  await t.runLanes('sale-deposits', 'sale-conversions')
  const { state, reviewReason, convertedUnits } = await getSale(t.app, sale.id)
  return [state, reviewReason, convertedUnits]
}

/** Nothing was converted, and nothing is to leave. */
async function isHeld(sale: Sale): Promise<void> {
  assert.deepEqual(await look(sale), ['in_review', 'blocked_sender', 0n])
  assert.deepEqual(await saleEffects(t.app, sale.id), [])
}

const ofDeposits = async (id: string) =>
  (await t.api('GET', `/api/getRampoff?id=${id}`)).body.data.deposits.map((one: Record<string, string>) => [
    one.amount,
    one.state,
  ])

describe('coins from a blocked address in the same look', () => {
  test('hold the sale, in whatever order they stand', async () => {
    const [first, last] = [await addSale(t), await addSale(t)]
    await addDeposit(t, first, { amount: '50', ...BLOCKED })
    await addDeposit(t, first)
    await addDeposit(t, last)
    await addDeposit(t, last, { amount: '50', ...BLOCKED })
    for (const sale of [first, last]) {
      await isHeld(sale)
      assert.deepEqual(
        await saleEvents(t.app, sale.id),
        sale === first ? ['RAMPOFF_IN_REVIEW', 'CRYPTO_RECEIVED'] : ['CRYPTO_RECEIVED', 'RAMPOFF_IN_REVIEW'],
      )
    }
    assert.deepEqual(await ofDeposits(last.id), [
      ['100000000', 'counted'],
      ['50000000', 'held'],
    ])
    await releaseSale(t.app, last.id, CHANGE)
    await settleBank(t)
    const paid = await getSale(t.app, last.id)
    assert.deepEqual([paid.state, paid.convertedUnits], ['finished', 150_000_000n])
  })

  test('hold it also while they are not final, and another coin does not go back', async () => {
    const [sale, wrong] = [await addSale(t), await addSale(t)]
    for (const one of [sale, wrong]) await addDeposit(t, one, { amount: '50', state: 'seen', ...BLOCKED })
    await addDeposit(t, sale)
    await addDeposit(t, wrong, { coin: 'polygon:USDT', amount: '30' })
    await isHeld(sale)
    await isHeld(wrong)
  })

  test('dust from there holds nothing up', async () => {
    const sale = await addSale(t)
    await addDeposit(t, sale)
    await addDeposit(t, sale, { amount: '0.01', ...BLOCKED })
    assert.deepEqual((await look(sale)).slice(0, 1), ['processing'])
    assert.equal((await getSale(t.app, sale.id)).receivedUnits, 100_000_000n)
  })

  test('nobody can judge one of the senders: all of it waits', async () => {
    const sale = await addSale(t)
    await addDeposit(t, sale)
    await addDeposit(t, sale, { amount: '50', ...BLOCKED })
    const { screening } = t.app.providers
    t.app.providers.screening = {
      name: 'half',
      screenWallet: async (wallet) => {
        if (wallet.address !== SANDBOX_BLOCKED_WALLET) return screening.screenWallet(wallet)
        throw new ProviderError('half', 'unknown', 'the list does not answer')
      },
    }
    assert.deepEqual(await look(sale), ['started', null, 0n])
    t.app.providers.screening = screening
    await sql`update deposits set lease_until = null where sale_id = ${sale.id}`.execute(t.app.db)
    await isHeld(sale)
  })
})

describe('coins from a blocked address after the conversion', () => {
  test('stop a payout that is only planned; a person lets all of it go on', async () => {
    const sale = await addSale(t)
    await deposit(t, sale)
    const stopped = await deposit(t, sale, { amount: '50', ...BLOCKED })
    assert.deepEqual(
      [stopped.state, stopped.reviewReason, stopped.payout?.state, stopped.payout?.reason],
      ['in_review', 'blocked_sender', 'failed', 'stopped: coins came from a blocked address'],
    )
    assert.deepEqual(
      (await saleEffects(t.app, sale.id)).map(({ state }) => state),
      ['cancelled'],
    )
    await checkSaleBooks(t.app)
    await settleBank(t)
    assert.equal((await getSale(t.app, sale.id)).state, 'in_review')
    await releaseSale(t.app, sale.id, CHANGE)
    await settleBank(t)
    const paid = await getSale(t.app, sale.id)
    assert.deepEqual([paid.state, paid.convertedUnits], ['finished', 150_000_000n])
    assert.deepEqual(await saleEvents(t.app, sale.id), [
      'CRYPTO_RECEIVED',
      'RAMPOFF_IN_REVIEW',
      'RAMPOFF_REVIEWED',
      'TRANSFER_RAMPOFF_FINISHED',
    ])
  })

  test('or has all of it go back', async () => {
    const sale = await addSale(t)
    await deposit(t, sale)
    await deposit(t, sale, { amount: '50', ...BLOCKED })
    await returnSale(t.app, sale.id, { ...CHANGE, wallet: null })
    assert.deepEqual(await ofDeposits(sale.id), [
      ['100000000', 'returning'],
      ['50000000', 'returning'],
    ])
  })

  test('a payout that left is not stopped; a person looks when the bank is done', async () => {
    const sale = await addSale(t)
    await deposit(t, sale)
    await t.runLanes('payouts')
    assert.equal((await deposit(t, sale, { amount: '50', ...BLOCKED })).state, 'processing')
    await settleBank(t)
    const looked = await getSale(t.app, sale.id)
    assert.deepEqual([looked.state, looked.reviewReason], ['in_review', 'blocked_sender'])
  })

  test('coins that wait for a price are not converted before what came besides is judged', async () => {
    const sale = await addSale(t, { priceHoldsMs: 0 })
    await addFaults(t.app, { provider: 'price', kind: 'stale', count: 1 })
    await t.app.pricing.prices.refresh()
    assert.equal((await deposit(t, sale)).state, 'crypto_received')
    await addDeposit(t, sale, { state: 'seen', amount: '50', ...BLOCKED })
    await t.app.pricing.prices.refresh()
    await sql`update sales set lease_until = null where id = ${sale.id}`.execute(t.app.db)
    assert.deepEqual(await look(sale), ['crypto_received', null, 0n])
    await sql`update deposits set state = 'final', final_at = first_seen_at
               where sale_id = ${sale.id} and state = 'seen'`.execute(t.app.db)
    await isHeld(sale)
  })
})

describe('coins are told of once, when they are first counted', () => {
  test('in review too, and not again when that is over', async () => {
    const sale = await addSale(t, { refundWallet: null })
    await deposit(t, sale, { coin: 'polygon:USDT', amount: '30' })
    assert.deepEqual(await saleEvents(t.app, sale.id), ['RAMPOFF_IN_REVIEW'])
    const counted = await deposit(t, sale)
    assert.deepEqual([counted.state, counted.receivedUnits], ['in_review', 100_000_000n])
    assert.deepEqual(await saleEvents(t.app, sale.id), ['RAMPOFF_IN_REVIEW', 'CRYPTO_RECEIVED'])
    await releaseSale(t.app, sale.id, CHANGE)
    assert.deepEqual(await saleEvents(t.app, sale.id), [
      'RAMPOFF_IN_REVIEW',
      'CRYPTO_RECEIVED',
      'RAMPOFF_REVIEWED',
    ])
  })

  test('with the first of several parts, and with no more of them', async () => {
    const sale = await addSale(t)
    await deposit(t, sale, { amount: '40' })
    assert.deepEqual(await saleEvents(t.app, sale.id), ['CRYPTO_RECEIVED'])
    for (let part = 0; part < 5; part += 1) await deposit(t, sale, { amount: '60' })
    await settleBank(t)
    await releaseSale(t.app, sale.id, CHANGE)
    await settleBank(t)
    assert.equal((await getSale(t.app, sale.id)).convertedUnits, 340_000_000n)
    const told = (await saleEvents(t.app, sale.id)).filter((type) => type === 'CRYPTO_RECEIVED')
    assert.equal(told.length, 1)
  })
})
