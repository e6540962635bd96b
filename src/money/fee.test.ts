import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { feeFor, partUp, percentOf } from './fee.ts'

const anyUnits = fc.bigInt({ min: 0n, max: 10n ** 24n })
const anyPercent = fc.bigInt({ min: 0n, max: 10n ** 12n })

describe('feeFor', () => {
  test('is percent, fixed part and spread, nothing else', () => {
    const terms = { percent: percentOf('2.50'), fixedUnits: 30n, spread: percentOf('0.50') }
    assert.deepEqual(feeFor(15050n, terms), {
      percentUnits: 377n, // 376.25 rounded up
      fixedUnits: 30n,
      spreadUnits: 76n, // 75.25 rounded up
      feeUnits: 483n,
    })
  })

  test('its parts add up to it, and none is below its percent nor a cent above', () => {
    fc.assert(
      fc.property(anyUnits, anyPercent, anyUnits, anyPercent, (amount, percent, fixedUnits, spread) => {
        const fee = feeFor(amount, { percent, fixedUnits, spread })
        assert.equal(fee.feeUnits, fee.percentUnits + fee.fixedUnits + fee.spreadUnits)
        const over = fee.percentUnits * 10n ** 10n - amount * percent
        assert.ok(over >= 0n && over < 10n ** 10n)
      }),
    )
  })

  test('never falls when the amount grows', () => {
    fc.assert(
      fc.property(anyUnits, anyUnits, anyPercent, (a, b, percent) => {
        assert.ok(partUp(a + b, percent) >= partUp(a, percent))
        assert.ok(partUp(a + b, percent) <= partUp(a, percent) + partUp(b, percent))
      }),
    )
  })

  test('a percent that is no decimal number throws', () => {
    for (const text of ['', '2,5', '-1', '1e2', '1.123456789'])
      assert.throws(() => percentOf(text), RangeError)
  })
})
