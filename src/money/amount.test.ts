import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { amountOf, formatAmount, parseAmount, wireHundredths, wireNumber } from './amount.ts'
import { type Asset, COIN_ASSETS, FIAT_ASSETS, fiatAsset, findAsset } from './asset.ts'

const EUR = fiatAsset('EUR')!
const CLP = fiatAsset('CLP')!
const USDC = findAsset('polygon', 'USDC')!
const anyAsset = fc.constantFrom<Asset>(...FIAT_ASSETS, ...COIN_ASSETS)
const anyUnits = fc.bigInt({ min: 0n, max: 10n ** 30n - 1n })

describe('parseAmount', () => {
  test('what is formatted is read back as the same units, for every asset', () => {
    fc.assert(
      fc.property(anyAsset, anyUnits, (asset, units) => {
        assert.equal(parseAmount(formatAmount(units, asset), asset).units, units)
      }),
    )
  })

  test('a text with no more digits than the asset has keeps its value exactly', () => {
    const amounts = fc.tuple(anyAsset, fc.bigInt({ min: 0n, max: 10n ** 20n }), fc.nat(18))
    fc.assert(
      fc.property(amounts, ([asset, digits, places]) => {
        const decimals = Math.min(places, asset.decimals)
        const text = formatAmount(digits, { ...asset, decimals })
        assert.equal(parseAmount(text, asset).units, digits * 10n ** BigInt(asset.decimals - decimals))
      }),
    )
  })

  test('one digit more than the asset has is refused, zeros included', () => {
    fc.assert(
      fc.property(anyAsset, anyUnits, fc.constantFrom('0', '1', '9'), (asset, units, digit) => {
        const text = formatAmount(units, asset)
        const longer = asset.decimals === 0 ? `${text}.${digit}` : text + digit
        assert.match(parseAmount(longer, asset).problem!, /decimals/)
      }),
    )
  })

  test('no other text is ever an amount', () => {
    fc.assert(
      fc.property(fc.string(), anyAsset, (text, asset) => {
        fc.pre(!/^\d+(\.\d+)?$/.test(text))
        assert.equal(parseAmount(text, asset).units, undefined)
      }),
    )
    const refused = [
      '',
      ' ',
      '-1',
      '+1',
      '1e3',
      '1E3',
      '1,5',
      '.5',
      '5.',
      'NaN',
      'Infinity',
      '0x10',
      '1_0',
      ' 1',
      '1\n',
      '١',
    ]
    for (const text of refused) {
      assert.match(parseAmount(text, EUR).problem!, /must be a decimal number/, text)
    }
  })

  test('names the problem for people', () => {
    assert.deepEqual(parseAmount('99.505', EUR), { problem: 'must have at most 2 decimals in EUR' })
    assert.deepEqual(parseAmount('20000.0', CLP), { problem: 'must have no decimals in CLP' })
    assert.deepEqual(parseAmount('9'.repeat(31), EUR), { problem: 'is too large' })
    assert.deepEqual(parseAmount('150.5', EUR), { units: 15050n })
  })

  test('a setting of ours that is no amount throws', () => {
    assert.equal(amountOf('0', EUR), 0n)
    assert.throws(() => amountOf('0.001', EUR), /0\.001/)
  })
})

describe('on the wire', () => {
  test('hundredths are exact whatever decimals the currency has', () => {
    assert.equal(wireHundredths(15050n, EUR), 15050)
    assert.equal(wireHundredths(20000n, CLP), 2000000)
    assert.throws(() => wireHundredths(10n ** 16n, EUR), /too large/)
    assert.throws(() => wireHundredths(1n, USDC), /hundredths/)
  })

  test('a JSON number is the closest to the exact text beside it', () => {
    assert.equal(wireNumber(148_320_000n, USDC), 148.32)
    assert.equal(formatAmount(148_320_000n, USDC), '148.320000')
    assert.equal(formatAmount(-50n, EUR), '-0.50')
  })
})

describe('assets', () => {
  test('are found in any case, and a coin of one chain is not one of another', () => {
    assert.equal(findAsset('Polygon', 'usdc')?.decimals, 6)
    assert.equal(findAsset('bsc', 'USDC')?.decimals, 18)
    assert.equal(findAsset('polygon', 'BUSD'), undefined)
    assert.equal(findAsset('polygon', '__proto__'), undefined)
    assert.equal(fiatAsset('clp')?.decimals, 0)
    assert.equal(fiatAsset('polygon:USDC'), undefined)
  })
})
