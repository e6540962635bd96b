import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { type Asset, COIN_ASSETS, FIAT_ASSETS, fiatAsset, findAsset } from '../money/asset.ts'
import { percentOf } from '../money/fee.ts'
import { formatPrice, type Price, parsePrice } from '../money/rate.ts'
import { computeQuote, computeSellQuote, networkFeeIn, type QuoteInput } from './quote.ts'

const EUR = fiatAsset('EUR')!
const USDC = findAsset('polygon', 'USDC')!

const anyInput = fc
  .tuple(
    fc.bigInt({ min: 1n, max: 10n ** 14n }),
    fc.constantFrom<Asset>(...FIAT_ASSETS),
    fc.constantFrom<Asset>(...COIN_ASSETS),
    fc.bigInt({ min: 1n, max: 10n ** 13n }),
    fc.record({
      percent: fc.bigInt({ min: 0n, max: 10n ** 9n }),
      fixedUnits: fc.bigInt({ min: 0n, max: 1_000n }),
      spread: fc.bigInt({ min: 0n, max: 10n ** 9n }),
    }),
    fc.bigInt({ min: 0n, max: 500n }),
  )
  .map(
    ([amountUnits, fiat, coin, priceUnits, fees, networkFeeUnits]): QuoteInput => ({
      amountUnits,
      fiat,
      coin,
      price: priceUnits < 10_000n ? { units: priceUnits, decimals: 8 } : { units: priceUnits, decimals: 6 },
      fees,
      networkFeeUnits,
    }),
  )

describe('computeQuote', () => {
  test('150.50 EUR by card', () => {
    const quote = computeQuote({
      amountUnits: 15050n,
      fiat: EUR,
      coin: USDC,
      price: parsePrice('0.9215', 'nearest')!,
      fees: { percent: percentOf('2.50'), fixedUnits: 30n, spread: percentOf('0.50') },
      networkFeeUnits: 5n,
    })
    assert.deepEqual(quote, {
      percentUnits: 377n,
      fixedUnits: 30n,
      spreadUnits: 76n,
      feeUnits: 483n,
      networkFeeUnits: 5n,
      convertedUnits: 14562n,
      coinUnits: 158_024_959n, // 145.62 / 0.9215 = 158.0249593…
    })
  })

  test('fee + network fee + converted is the amount, to the unit, and every part is there', () => {
    fc.assert(
      fc.property(anyInput, (input) => {
        const quote = computeQuote(input)
        fc.pre(quote !== undefined)
        assert.equal(quote.feeUnits + quote.networkFeeUnits + quote.convertedUnits, input.amountUnits)
        assert.ok(quote.convertedUnits > 0n && quote.coinUnits > 0n)
      }),
    )
  })

  test('never gives more coins than the converted amount pays for, and at most a unit less', () => {
    fc.assert(
      fc.property(anyInput, (input) => {
        const quote = computeQuote(input)
        fc.pre(quote !== undefined)
        const { price, coin, fiat } = input
        const cost = (coins: bigint) => coins * price.units * 10n ** BigInt(fiat.decimals)
        const paid = quote.convertedUnits * 10n ** BigInt(coin.decimals + price.decimals)
        assert.ok(cost(quote.coinUnits) <= paid && cost(quote.coinUnits + 1n) > paid)
      }),
    )
  })

  test('a cent more never buys less, unless the cent goes to the fees', () => {
    fc.assert(
      fc.property(anyInput, (input) => {
        const quote = computeQuote(input)
        const more = computeQuote({ ...input, amountUnits: input.amountUnits + 1n })
        fc.pre(quote !== undefined && more !== undefined)
        // Percent and spread are each rounded up to the unit, so together they may take one unit more than was added.
        assert.ok(more.convertedUnits >= quote.convertedUnits - 1n)
      }),
    )
  })

  test('an amount that the fees eat up has no quote', () => {
    const fees = { percent: 0n, fixedUnits: 30n, spread: 0n }
    const price = parsePrice('0.9215', 'nearest')!
    const input = { fiat: EUR, coin: USDC, price, fees, networkFeeUnits: 5n }
    assert.equal(computeQuote({ ...input, amountUnits: 35n }), undefined)
    assert.equal(computeQuote({ ...input, amountUnits: 36n })?.convertedUnits, 1n)
  })
})

describe('networkFeeIn', () => {
  const pesos: Price = parsePrice('1045.5', 'nearest')!

  test('is rounded up in another currency', () => {
    assert.equal(networkFeeIn(5n, EUR, undefined), 5n)
    assert.equal(networkFeeIn(5n, fiatAsset('CLP')!, pesos), 53n) // 0.05 × 1045.5 = 52.275
    assert.equal(formatPrice(pesos), '1045.500000')
  })

  test('without the rate there is none', () => {
    assert.throws(() => networkFeeIn(5n, fiatAsset('CLP')!, undefined), /CLP/)
  })
})

describe('computeSellQuote', () => {
  test('5,000 USDC for euros', () => {
    const quote = computeSellQuote({
      coinUnits: 5_000_000_000n,
      coin: USDC,
      fiat: EUR,
      price: parsePrice('0.9215', 'nearest')!,
      fees: { percent: percentOf('0.80'), fixedUnits: 20n, spread: percentOf('0.50') },
    })
    assert.deepEqual(quote, {
      percentUnits: 3686n,
      fixedUnits: 20n,
      spreadUnits: 2304n, // 23.0375, up
      feeUnits: 6010n,
      grossUnits: 460_750n,
      fiatUnits: 454_740n,
    })
  })

  test('fee + what the customer gets is what the coins are worth, never more, and less by under one cent', () => {
    fc.assert(
      fc.property(anyInput, fc.bigInt({ min: 1n, max: 10n ** 30n }), (input, coinUnits) => {
        const { coin, fiat, price, fees } = input
        const quote = computeSellQuote({ coinUnits, coin, fiat, price, fees })
        if (!quote) return
        assert.equal(quote.grossUnits, quote.feeUnits + quote.fiatUnits)
        assert.ok(quote.fiatUnits > 0n)
        const scale = 10n ** BigInt(coin.decimals + price.decimals)
        const exact = coinUnits * price.units * 10n ** BigInt(fiat.decimals)
        assert.ok(quote.grossUnits * scale <= exact && (quote.grossUnits + 1n) * scale > exact)
      }),
    )
  })

  test('nothing when the fees take all', () => {
    const fees = { percent: 0n, fixedUnits: 93n, spread: 0n }
    const order = {
      coinUnits: 1_000_000n,
      coin: USDC,
      fiat: EUR,
      price: parsePrice('0.93', 'nearest')!,
      fees,
    }
    assert.equal(computeSellQuote(order), undefined)
    assert.equal(computeSellQuote({ ...order, fees: { ...fees, fixedUnits: 92n } })?.fiatUnits, 1n)
  })
})
