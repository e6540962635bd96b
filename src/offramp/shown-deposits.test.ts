import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { sql } from 'kysely'
import {
  addDeposit,
  addSale,
  deposit,
  endSaleEffects,
  getSale,
  SALE_LANES,
  saleEvents,
  settleBank,
  shareSaleWorld,
  showSale,
} from '../../test/support/sales.ts'
import { returnSale } from './review-sale.ts'

const t = await shareSaleWorld()

const DAY = 86_400_000
const CHANGE = { who: 'ana', why: 'looked at' }

const shown = (id: string) => showSale(t, id)
const statesOf = async (id: string): Promise<string[]> =>
  (await shown(id)).deposits.map((one: { state: string }) => one.state)

const setPolicy = (excess: string) =>
  sql`update integrations set settings = jsonb_set(settings, '{sales,excess}', ${JSON.stringify(excess)}::jsonb)
       where id = 1`.execute(t.app.db)

describe('the time of a sale', () => {
  test('moves with each deposit that comes and with what becomes of it, though the sale stays as it was', async () => {
    const sale = await addSale(t)
    await t.advance(2 * DAY)
    await t.runLanes(...SALE_LANES)
    const times = [(await shown(sale.id)).updated_at]
    const move = async (change: () => Promise<unknown>) => {
      await t.advance(1_000)
      await change()
      times.push((await shown(sale.id)).updated_at)
    }
    await move(() => addDeposit(t, sale, { amount: '0.01', state: 'seen' }))
    await move(() =>
      sql`update deposits set state = 'vanished', updated_at = ${t.app.clock.now()} where sale_id = ${sale.id}`.execute(
        t.app.db,
      ),
    )
    await move(() => addDeposit(t, sale, { amount: '0.02' }))
    await move(() => t.runLanes('sale-deposits'))
    assert.deepEqual(times, [...new Set(times)].sort())
    assert.equal((await getSale(t.app, sale.id)).state, 'expired')
    assert.deepEqual(await statesOf(sale.id), ['kept'])
    const list = await t.api('GET', `/api/rampoff/list?user_id=${sale.customerId}`)
    assert.deepEqual(list.body.data[0], await shown(sale.id))
  })

  test('moves with late coins that go back, of which no event tells as the status stays', async () => {
    const sale = await addSale(t)
    await deposit(t, sale, { coin: 'polygon:USDT', amount: '25' })
    await t.advance(2 * DAY)
    await endSaleEffects(t, sale.id, 'coin_transfer', 'confirmed')
    await t.runLanes(...SALE_LANES)
    const before = await shown(sale.id)
    assert.equal(before.status, 'refunded')
    const events = await saleEvents(t.app, sale.id)
    await t.advance(1_000)
    await deposit(t, sale)
    const going = await shown(sale.id)
    await t.advance(1_000)
    await endSaleEffects(t, sale.id, 'coin_transfer', 'confirmed')
    const back = await shown(sale.id)
    assert.ok(before.updated_at < going.updated_at && going.updated_at < back.updated_at)
    assert.deepEqual([going.status, back.status], ['refunded', 'refunded'])
    const told = (await saleEvents(t.app, sale.id)).slice(events.length)
    assert.deepEqual(told, ['CRYPTO_RECEIVED'], 'these coins were the first that counted')
    await deposit(t, sale)
    assert.equal((await saleEvents(t.app, sale.id)).length, events.length + 1)
  })
})

describe('counted coins that go back', () => {
  test('all of them, and again after the return was given up', async () => {
    const sale = await addSale(t)
    await deposit(t, sale, { amount: '40' })
    await deposit(t, sale, { amount: '60' })
    await endSaleEffects(t, sale.id, 'bank_transfer', 'failed')
    assert.deepEqual(await statesOf(sale.id), ['counted', 'counted'])
    await returnSale(t.app, sale.id, { ...CHANGE, wallet: null })
    assert.deepEqual(await statesOf(sale.id), ['returning', 'returning'])
    await endSaleEffects(t, sale.id, 'coin_transfer', 'cancelled')
    assert.deepEqual(await statesOf(sale.id), ['counted', 'counted'])
    await returnSale(t.app, sale.id, { ...CHANGE, wallet: null })
    await endSaleEffects(t, sale.id, 'coin_transfer', 'confirmed')
    assert.deepEqual(await statesOf(sale.id), ['returned', 'returned'])
    await deposit(t, sale, { amount: '30' })
    assert.deepEqual(await statesOf(sale.id), ['returned', 'returned', 'returning'])
  })

  test('only what came too much, where that is all of a deposit', async () => {
    await setPolicy('return')
    const [whole, part] = [await addSale(t), await addSale(t)]
    await deposit(t, whole)
    await deposit(t, whole, { amount: '20' })
    assert.deepEqual(await statesOf(whole.id), ['counted', 'returning'])
    await deposit(t, part, { amount: '40' })
    await deposit(t, part, { amount: '80' })
    assert.deepEqual(await statesOf(part.id), ['counted', 'counted'])
    assert.equal((await shown(part.id)).refund.amount, '20000000')
    await setPolicy('convert')
    await settleBank(t)
  })
})
