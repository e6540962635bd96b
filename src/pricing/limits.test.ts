import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { DEFAULT_SETTINGS } from '../common/integration.ts'
import { decideLimit, type LimitQuestion, quarterStart, yearStart } from './limits.ts'

const { limits } = DEFAULT_SETTINGS

/** 100 EUR by card, by a basic customer who bought nothing yet. */
function decide(question: Partial<Omit<LimitQuestion, 'usage'>> & Partial<LimitQuestion['usage']> = {}) {
  const { cardQuarterUnits = 0n, yearUnits = 0n, ...rest } = question
  const usage = { cardQuarterUnits, yearUnits }
  return decideLimit({ limits, level: 'basic', paymentType: 'card', amountUnits: 100_00n, usage, ...rest })
}

describe('decideLimit', () => {
  test('a total equal to the limit is within it, a cent more is not', () => {
    assert.equal(decide({ cardQuarterUnits: 900_00n, yearUnits: 900_00n }), 'ok')
    assert.equal(decide({ cardQuarterUnits: 900_01n, yearUnits: 900_01n }), 'limit_exceded')
    assert.equal(decide({ paymentType: 'transfer', yearUnits: 14_900_00n }), 'ok')
    assert.equal(decide({ paymentType: 'transfer', yearUnits: 14_900_01n }), 'kyc_reinforced_required')
  })

  test('the card limit counts for cards alone', () => {
    assert.equal(decide({ paymentType: 'psd2', cardQuarterUnits: 1_000_00n, yearUnits: 1_000_00n }), 'ok')
    assert.equal(decide({ cardQuarterUnits: 0n, yearUnits: 1_000_00n }), 'ok')
  })

  test('over the card limit is limit_exceded at every level, over both too', () => {
    const reinforced = { level: 'reinforced', cardQuarterUnits: 9_900_01n } as const
    assert.equal(decide(reinforced), 'limit_exceded')
    assert.equal(decide({ cardQuarterUnits: 950_00n, yearUnits: 15_000_00n }), 'limit_exceded')
  })

  test('over what even the reinforced level allows is max_purchase', () => {
    const transfer = { paymentType: 'transfer', yearUnits: 99_900_01n }
    assert.equal(decide({ ...transfer, level: 'reinforced' }), 'max_purchase')
    assert.equal(decide(transfer), 'max_purchase')
    assert.equal(decide({ ...transfer, yearUnits: 99_900_00n, level: 'reinforced' }), 'ok')
  })
})

describe('since when usage counts', () => {
  test('the quarter begins at midnight UTC', () => {
    const start = (now: string) => quarterStart(new Date(now)).toISOString()
    assert.equal(start('2026-03-31T23:59:59.999Z'), '2026-01-01T00:00:00.000Z')
    assert.equal(start('2026-04-01T00:00:00.000Z'), '2026-04-01T00:00:00.000Z')
    assert.equal(start('2026-12-31T23:59:59.999Z'), '2026-10-01T00:00:00.000Z')
  })

  test('the 12 months end at the same moment a year ago', () => {
    const start = (now: string) => yearStart(new Date(now)).toISOString()
    assert.equal(start('2026-06-26T10:30:00.123Z'), '2025-06-26T10:30:00.123Z')
    assert.equal(start('2028-02-29T10:30:00.000Z'), '2027-02-28T10:30:00.000Z')
    assert.equal(start('2028-03-01T00:00:00.000Z'), '2027-03-01T00:00:00.000Z')
  })
})
