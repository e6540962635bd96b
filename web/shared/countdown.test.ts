import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { secondsLeft } from './countdown.ts'

const moment = { serverTime: '2026-06-26T10:30:00.000000Z', at: 5000 }

describe('secondsLeft', () => {
  it('counts by the server’s time and the ticks since', () => {
    assert.equal(secondsLeft('2026-06-26T10:40:00.000000Z', moment, 5000), 600)
    assert.equal(secondsLeft('2026-06-26T10:40:00.000000Z', moment, 65_000), 540)
  })

  it('never goes below zero', () => {
    assert.equal(secondsLeft('2026-06-26T10:29:00.000000Z', moment, 5000), 0)
  })
})
