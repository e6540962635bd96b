import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { compare, subtract } from './decimal.ts'

describe('decimal', () => {
  it('subtracts exactly', () => {
    assert.equal(subtract('150.50', '4.95'), '145.55')
    assert.equal(subtract('0.30', '0.1'), '0.20')
    assert.equal(subtract('1', '3'), '-2')
    assert.equal(subtract('4.95', '150.50'), '-145.55')
    assert.equal(subtract('1.000000000000000001', '1'), '0.000000000000000001')
  })

  it('compares whatever the number of digits', () => {
    assert.equal(compare('1.10', '1.1'), 0)
    assert.equal(compare('155.801755', '157.948996'), -1)
    assert.equal(compare('10', '9.999999'), 1)
  })
})
