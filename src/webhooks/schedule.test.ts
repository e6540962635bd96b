import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  DESTINATION_PAUSES_MS,
  destinationPausedUntil,
  FAILURES_BEFORE_PAUSE,
  nextAttemptAt,
  RETRY_PAUSES_MS,
} from './schedule.ts'

const START = new Date('2026-06-26T10:30:00Z')
const WEEK_MS = 7 * 24 * 3_600_000
const retryUntil = new Date(START.getTime() + WEEK_MS)

/** The times of all attempts when every one fails. */
function attempts(random: () => number): Date[] {
  const times = [START]
  for (;;) {
    const next = nextAttemptAt({ tries: times.length, now: times.at(-1)!, retryUntil }, random)
    if (!next) return times
    times.push(next)
    assert.ok(times.length < 100, 'the schedule must end')
  }
}

test('an event is tried for exactly seven days, in pauses that grow whatever the jitter', () => {
  fc.assert(
    fc.property(
      fc.infiniteStream(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })),
      (stream) => {
        const times = attempts(() => stream.next().value as number)
        assert.equal(times.at(-1)?.getTime(), retryUntil.getTime())
        const pauses = times.slice(1).map((time, index) => time.getTime() - times[index]!.getTime())
        // The last pause is cut by the end of the period; the listed ones before it grow.
        const growing = pauses.slice(0, Math.min(pauses.length - 1, RETRY_PAUSES_MS.length))
        assert.ok(
          growing.every((pause, index) => index === 0 || pause > growing[index - 1]!),
          `${growing}`,
        )
      },
    ),
  )
})

test('the first pause is seconds, so that a hiccup costs little', () => {
  assert.equal(
    nextAttemptAt({ tries: 1, now: START, retryUntil }, () => 0.5)?.getTime(),
    START.getTime() + 5_000,
  )
})

test('an attempt that fails after the period was the last', () => {
  assert.equal(nextAttemptAt({ tries: 1, now: retryUntil, retryUntil }), null)
})

test('a destination is left alone only after several failures in a row, at most about a minute', () => {
  assert.equal(destinationPausedUntil(FAILURES_BEFORE_PAUSE - 1, START), null)
  const first = destinationPausedUntil(FAILURES_BEFORE_PAUSE, START, () => 0.5)
  assert.equal(first?.getTime(), START.getTime() + DESTINATION_PAUSES_MS[0]!)
  const last = destinationPausedUntil(1_000, START, () => 0.5)
  assert.equal(last?.getTime(), START.getTime() + 60_000)
})
