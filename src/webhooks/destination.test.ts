import assert from 'node:assert/strict'
import { test } from 'node:test'
import { countWanted, createDestination, type Destination, noteFailure, noteSuccess } from './destination.ts'

const now = new Date('2026-06-26T10:30:00Z')
const nowMs = now.getTime()

const newDestination = (): Destination =>
  createDestination(
    { integrationId: 1, url: 'https://a.example/', failures: 0, failingSince: null, resumeAt: null },
    nowMs,
  )

function afterSuccesses(destination: Destination, count: number, durationMs: number): number {
  for (let done = 0; done < count; done += 1) noteSuccess(destination, durationMs)
  return destination.limit
}

test('more are on the wire to a slow receiver than to a quick one, and the numbers follow it when it changes', () => {
  const destination = newDestination()
  assert.equal(afterSuccesses(destination, 100, 2), 16)
  assert.equal(afterSuccesses(destination, 100, 50), 32)
  assert.equal(afterSuccesses(destination, 100, 3_000), 64)
  assert.equal(afterSuccesses(destination, 100, 2), 16)
})

test('a failure halves what is on the wire', () => {
  const destination = newDestination()
  afterSuccesses(destination, 100, 3_000)
  noteFailure(destination, { startedMs: nowMs, nowMs, now })
  assert.equal(destination.limit, 32)
})

test('a destination is loaded ahead of need, but not beyond its share of the memory', () => {
  const destination = newDestination()
  afterSuccesses(destination, 100, 2)
  assert.equal(countWanted(destination, 1_000, now), 32)
  assert.equal(countWanted(destination, 4, now), 4)
})
