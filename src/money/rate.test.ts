import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { type Asset, COIN_ASSETS, FIAT_ASSETS, fiatAsset, findAsset } from './asset.ts'
import {
  coinsFor,
  comparePrices,
  crossPrice,
  formatPrice,
  midPrice,
  type Price,
  parseInversePrice,
  parsePrice,
  worthOf,
} from './rate.ts'
import { divide, type Rounding } from './rounding.ts'

const anyFiat = fc.constantFrom<Asset>(...FIAT_ASSETS)
const anyCoin = fc.constantFrom<Asset>(...COIN_ASSETS)
const anyUnits = fc.bigInt({ min: 0n, max: 10n ** 24n })
const cheap = fc.bigInt({ min: 1n, max: 999_999n }).map((units): Price => ({ units, decimals: 8 }))
const dear = fc.bigInt({ min: 10_000n, max: 10n ** 15n }).map((units): Price => ({ units, decimals: 6 }))
const anyPrice = fc.oneof(cheap, dear)

describe('divide', () => {
  test('down never exceeds, up never falls short, nearest is off by at most half', () => {
    const numbers = fc.bigInt({ min: -(10n ** 40n), max: 10n ** 40n })
    fc.assert(
      fc.property(numbers, fc.bigInt({ min: 1n, max: 10n ** 20n }), (dividend, divisor) => {
        const by = (rounding: Rounding) => divide(dividend, divisor, rounding) * divisor - dividend
        const towardsZero = dividend < 0n ? by('down') : -by('down')
        assert.ok(towardsZero >= 0n && towardsZero < divisor)
        const away = dividend < 0n ? -by('up') : by('up')
        assert.ok(away >= 0n && away < divisor)
        const off = by('nearest')
        assert.ok((off < 0n ? -off : off) * 2n <= divisor)
      }),
    )
    assert.throws(() => divide(1n, 0n, 'down'), /positive/)
  })
})

describe('a price', () => {
  test('has six decimals, and eight below 0.01', () => {
    const text = (decimal: string) => formatPrice(parsePrice(decimal, 'nearest')!)
    assert.equal(text('0.9934'), '0.993400')
    assert.equal(text('2310.5500004'), '2310.550000')
    assert.equal(text('2310.5500005'), '2310.550001')
    assert.equal(text('0.01'), '0.010000')
    assert.equal(text('0.009999999'), '0.010000')
    assert.equal(text('0.00123456789'), '0.00123457')
    for (const bad of ['0', '0.0', '-1', '1e5', '', 'NaN', '0.000000001']) {
      assert.equal(parsePrice(bad, 'nearest'), undefined, bad)
    }
  })

  test('is read back as it was written', () => {
    fc.assert(
      fc.property(anyPrice, (price) => {
        assert.deepEqual(parsePrice(formatPrice(price), 'nearest'), price)
      }),
    )
  })

  test('halfway lies between the two, whichever comes first', () => {
    fc.assert(
      fc.property(anyPrice, anyPrice, (a, b) => {
        const [low, high] = comparePrices(a, b) <= 0 ? [a, b] : [b, a]
        const mid = midPrice(a, b, 'nearest')
        assert.deepEqual(mid, midPrice(b, a, 'nearest'))
        assert.ok(comparePrices(low, mid) <= 0 && comparePrices(mid, high) <= 0)
      }),
    )
  })

  test('the other side of a rate', () => {
    assert.equal(formatPrice(parseInversePrice('1.0852', 'nearest')!), '0.921489')
    assert.equal(formatPrice(parseInversePrice('0.000432792641', 'nearest')!), '2310.575332')
    assert.equal(parseInversePrice('0', 'nearest'), undefined)
    assert.equal(parseInversePrice('x', 'nearest'), undefined)
  })

  test('crosses into another currency', () => {
    const euros = parsePrice('0.92', 'nearest')!
    const pesos = parsePrice('1045.5', 'nearest')!
    assert.equal(formatPrice(crossPrice(euros, pesos, 'nearest')), '961.860000')
  })
})

describe('buying and selling', () => {
  test('coins are rounded down: they never cost more than was paid, and the rest buys not one unit more', () => {
    fc.assert(
      fc.property(anyUnits, anyFiat, anyCoin, anyPrice, (fiatUnits, fiat, coin, price) => {
        const coins = coinsFor(fiatUnits, fiat, coin, price, 'down')
        const scale = 10n ** BigInt(coin.decimals + price.decimals)
        const paid = fiatUnits * scale
        const cost = (units: bigint) => units * price.units * 10n ** BigInt(fiat.decimals)
        assert.ok(cost(coins) <= paid)
        assert.ok(cost(coins + 1n) > paid)
      }),
    )
  })

  test('selling what was bought never gives back more than was paid', () => {
    fc.assert(
      fc.property(anyUnits, anyFiat, anyCoin, anyPrice, (fiatUnits, fiat, coin, price) => {
        const coins = coinsFor(fiatUnits, fiat, coin, price, 'down')
        assert.ok(worthOf(coins, coin, fiat, price, 'down') <= fiatUnits)
      }),
    )
  })

  test('148.32 USDC for 147.35 EUR at 0.993461', () => {
    const price = parsePrice('0.993461', 'nearest')!
    const coins = coinsFor(14735n, fiatAsset('EUR')!, findAsset('polygon', 'USDC')!, price, 'down')
    assert.equal(coins, 148_319_863n)
  })
})
