import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parsePrice } from '../money/rate.ts'
import type { Sale } from './sale.ts'
import { promisedOf, quoteSale, saleConversionPostings } from './sale-conversion.ts'

const at = (second: number): Date => new Date(second * 1000)
const HELD_UNTIL = at(10)

const sale = (changes: Partial<Sale> = {}): Sale =>
  ({
    id: 'sale',
    chain: 'polygon',
    symbol: 'USDC',
    fiat: 'EUR',
    price: '0.900000',
    askedUnits: 100_000_000n,
    priceExpiresAt: HELD_UNTIL,
    terms: { percent: '1.00', fixedUnits: '20', spread: '0.50' },
    ...changes,
  }) as Sale

const CURRENT = parsePrice('0.950000', 'nearest')!

test('the price is promised to coins that were first seen while it held, in the order they were seen', () => {
  const coins = [
    { units: 40n, firstSeenAt: at(1) },
    { units: 30n, firstSeenAt: at(11) },
    { units: 50n, firstSeenAt: at(9) },
  ]
  const about = { priceExpiresAt: HELD_UNTIL, askedUnits: 100n }
  const promised = (skipUnits: bigint, units: bigint) =>
    promisedOf(about, coins, { skipUnits, units, toleranceUnits: 0n })
  assert.equal(promised(0n, 40n), 40n)
  assert.equal(promised(0n, 70n), 40n)
  assert.equal(promised(0n, 100n), 70n)
  assert.equal(promised(0n, 120n), 70n, 'what is over the quote is not promised')
  assert.equal(promised(40n, 80n), 30n, 'what was taken before is not counted again')
  assert.equal(promisedOf(about, coins, { skipUnits: 0n, units: 120n, toleranceUnits: 5n }), 75n)
  assert.equal(
    promisedOf({ ...about, priceExpiresAt: null }, coins, { skipUnits: 0n, units: 40n, toleranceUnits: 0n }),
    0n,
  )
})

test('fiat = floor(amount × price) − fee, at one price or two', () => {
  const quote = quoteSale(sale(), { units: 100_000_000n, promisedUnits: 100_000_000n, current: undefined })
  assert.ok(!('problem' in quote))
  assert.deepEqual([quote.grossUnits, quote.feeUnits, quote.fiatUnits], [9_000n, 155n, 8_845n])
  const mixed = quoteSale(sale(), { units: 200_000_000n, promisedUnits: 100_000_000n, current: CURRENT })
  assert.ok(!('problem' in mixed))
  assert.deepEqual(
    [mixed.grossUnits, mixed.price, mixed.atSalePrice],
    [18_500n, parsePrice('0.925', 'nearest'), false],
  )
})

test('without a price nothing is quoted, and nothing that the fees take', () => {
  const units = 100_000_000n
  assert.deepEqual(quoteSale(sale(), { units, promisedUnits: units - 1n, current: undefined }), {
    problem: 'no_price',
  })
  assert.deepEqual(quoteSale(sale(), { units: 200_000n, promisedUnits: 0n, current: CURRENT }), {
    problem: 'below_fees',
  })
})

test('a conversion sums to zero in both assets, whatever the amounts', () => {
  fc.assert(
    fc.property(
      fc.bigInt(300_000n, 10n ** 15n),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (units, part) => {
        const promisedUnits = (units * BigInt(Math.floor(part * 1000))) / 1000n
        const quote = quoteSale(sale(), { units, promisedUnits, current: CURRENT })
        assert.ok(!('problem' in quote))
        const sums = new Map<string, bigint>()
        for (const { asset, units: signed } of saleConversionPostings(sale(), quote)) {
          sums.set(asset, (sums.get(asset) ?? 0n) + signed)
        }
        assert.deepEqual([...sums.values()], [0n, 0n])
        assert.equal(quote.fiatUnits + quote.feeUnits, quote.grossUnits)
      },
    ),
  )
})
