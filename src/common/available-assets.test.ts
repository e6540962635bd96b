import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { startTestApp, type TestApp } from '../../test/support/app.ts'
import { NO_CHAINS } from '../../test/support/hot-wallets.ts'
import { DEFAULT_SETTINGS } from './integration.ts'

let t: TestApp

before(async () => {
  t = await startTestApp({ lanes: false, env: NO_CHAINS })
})
after(() => t.stop())

describe('GET /api/available-assets', () => {
  test('lists the active pairs with the contract of each coin on its chain', async () => {
    const { body } = await t.api('GET', '/api/available-assets')
    assert.equal(body.status, 'ok')
    const find = (chain: string, symbol: string) =>
      body.data.find(
        (asset: { chain: string; symbol: string }) => asset.chain === chain && asset.symbol === symbol,
      )
    const { contract, ...usdc } = find('bsc', 'USDC')
    assert.match(contract, /^0x[0-9a-fA-F]{40}$/)
    assert.notEqual(contract, find('polygon', 'USDC').contract)
    assert.deepEqual(usdc, {
      symbol: 'USDC',
      name: 'USD Coin',
      chain: 'bsc',
      chain_name: 'BNB Smart Chain',
      decimals: 18,
      buy: true,
      sell: true,
      min_fiat_amount: '20.00',
    })
    assert.equal(find('polygon', 'USDC').decimals, 6)
    assert.equal(find('polygon', 'POL').contract, null)
  })

  test('leaves out pairs that are not active', async () => {
    const settings = { ...DEFAULT_SETTINGS, pairs: ['polygon:POL'], paymentTypes: [] }
    await t.app.db
      .updateTable('integrations')
      .set({ settings: JSON.stringify(settings) })
      .execute()
    t.app.authenticator.forget()
    const { body } = await t.api('GET', '/api/available-assets')
    assert.deepEqual(
      body.data.map(({ symbol, buy }: { symbol: string; buy: boolean }) => [symbol, buy]),
      [['POL', false]],
    )
  })
})
