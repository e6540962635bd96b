import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { startTestApp, type TestApp } from '../../test/support/app.ts'
import { NO_CHAINS } from '../../test/support/hot-wallets.ts'
import { addFaults } from '../providers/faults.ts'

let t: TestApp

before(async () => {
  t = await startTestApp({ lanes: false, env: NO_CHAINS })
  // The tests ask the sources themselves: a round of the timer would take the faults that they order.
  await t.app.pricing.prices.stop()
  await t.app.pricing.prices.refresh()
})
after(() => t.stop())

async function price(query: string) {
  return (await t.api('GET', `/api/token-price?${query}`)).body
}

describe('GET /api/token-price', () => {
  test('is the median of the sources, in euros on Polygon unless told', async () => {
    const { status, data } = await price('symbol=usdc')
    assert.equal(status, 'ok')
    assert.deepEqual([data.symbol, data.chain, data.fiat], ['USDC', 'polygon', 'EUR'])
    assert.equal(data.source, 'simulated-a, simulated-b, simulated-c')
    assert.match(data.price, /^0\.9\d{5}$/)
    assert.match(data.updated_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/)
    const pesos = await price('symbol=ETH&chain=polygon&fiat=cop')
    assert.match(pesos.data.price, /^1\d{7}\.\d{6}$/)
  })

  test('names what is missing and what is not supported', async () => {
    const { error, errors } = await price('')
    assert.deepEqual([error, Object.keys(errors)], ['fail_mandatory_field', ['symbol']])
    assert.equal((await price('symbol=DOGE')).error, 'coin_not_supported')
    assert.equal((await price('symbol=BUSD')).error, 'coin_not_supported')
    const yen = await price('symbol=USDC&fiat=JPY')
    assert.deepEqual([yen.error, yen.message], ['fiat_not_supported', 'JPY is not supported.'])
    assert.equal((await price('symbol=%20')).error, 'invalid_field')
  })

  test('price_unavailable rather than a stale one', async () => {
    await addFaults(t.app, { provider: 'price', kind: 'stale', count: 1 })
    await t.app.pricing.prices.refresh()
    const { error, data } = await price('symbol=USDC')
    assert.deepEqual([error, data], ['price_unavailable', undefined])
    await t.app.pricing.prices.refresh()
    assert.equal((await price('symbol=USDC')).status, 'ok')
  })

  test('a jump of the market is seen', async () => {
    const before = (await price('symbol=USDC')).data.price
    await addFaults(t.app, { provider: 'price', kind: 'jump', count: 1 })
    await t.app.pricing.prices.refresh()
    assert.ok(Number((await price('symbol=USDC')).data.price) > Number(before) * 1.09)
  })
})
