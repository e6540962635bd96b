import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { DEFAULT_SETTINGS, type IntegrationSettings } from '../common/integration.ts'
import { fiatAsset } from '../money/asset.ts'
import { PAYMENT_METHODS } from './payment-methods.ts'
import { findActiveCoin, findTerms, listActiveCoins } from './terms.ts'

const EUR = fiatAsset('EUR')!
const CLP = fiatAsset('CLP')!

function makeSettings(settings: Partial<IntegrationSettings> = {}): IntegrationSettings {
  return { ...DEFAULT_SETTINGS, ...settings }
}

describe('findActiveCoin', () => {
  test('finds active pairs in any case, with the delivery fee of their chain', () => {
    const settings = makeSettings({ pairs: ['polygon:USDC', 'bsc:BNB'] })
    assert.equal(findActiveCoin(settings, 'Polygon', 'usdc')?.networkFeeUnits, 5n)
    assert.equal(findActiveCoin(settings, 'bsc', 'BNB')?.networkFeeUnits, 15n)
    assert.equal(findActiveCoin(settings, 'bsc', 'USDC'), undefined)
    assert.equal(findActiveCoin(settings, 'solana', 'USDC'), undefined)
    assert.deepEqual(
      listActiveCoins(settings).map(({ asset }) => asset.id),
      ['polygon:USDC', 'bsc:BNB'],
    )
  })

  test('a chain whose delivery has no price sells nothing', () => {
    const settings = makeSettings({ networkFee: { polygon: '0' } })
    assert.equal(findActiveCoin(settings, 'bsc', 'BNB'), undefined)
    assert.equal(findActiveCoin(settings, 'polygon', 'POL')?.networkFeeUnits, 0n)
  })
})

describe('findTerms', () => {
  test('reads fees and bounds in the currency of the payment', () => {
    const terms = findTerms(makeSettings(), 'CARD', EUR)!
    assert.deepEqual([terms.fixedUnits, terms.minimumUnits, terms.maximumUnits], [30n, 2_000n, 500_000n])
    const pesos = findTerms(makeSettings(), 'khipu', CLP)!
    assert.deepEqual([pesos.minimumUnits, pesos.maximumUnits], [20_000n, 5_000_000n])
    assert.equal(pesos.method.wireType, 'KHIPU')
  })

  test('is for nobody who may not use the method, and not in a currency it does not take', () => {
    assert.equal(findTerms(makeSettings({ paymentTypes: ['card'] }), 'psd2', EUR), undefined)
    assert.equal(findTerms(makeSettings(), 'card', CLP), undefined)
    assert.equal(findTerms(makeSettings(), 'cash', EUR), undefined)
    assert.equal(findTerms(makeSettings(), 'constructor', EUR), undefined)
  })

  test('what has no price, minimum or maximum in the settings is not on offer', () => {
    assert.equal(findTerms(makeSettings({ fees: {} }), 'card', EUR), undefined)
    assert.equal(findTerms(makeSettings({ minimum: {} }), 'card', EUR), undefined)
    assert.equal(findTerms(makeSettings({ maximum: {} }), 'card', EUR), undefined)
  })

  test('changed settings are another object and are read anew', () => {
    assert.equal(findTerms(makeSettings(), 'card', EUR)?.fixedUnits, 30n)
    const fees = { ...DEFAULT_SETTINGS.fees, card: { percent: '1', fixed: '0.55' } }
    assert.equal(findTerms(makeSettings({ fees }), 'card', EUR)?.fixedUnits, 55n)
  })

  test('the settings an integration begins with offer every method', () => {
    for (const { type, fiats } of PAYMENT_METHODS) {
      for (const fiat of fiats)
        assert.ok(findTerms(DEFAULT_SETTINGS, type, fiatAsset(fiat)!), `${type} ${fiat}`)
    }
  })
})
