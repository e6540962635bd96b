import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createClock, parseDurationMs, wireTime } from './clock.ts'

test('wireTime writes six decimals, whatever was written before', () => {
  const dates = fc.date({
    min: new Date('1970-01-01T00:00:00Z'),
    max: new Date('2199-12-31T23:59:59.999Z'),
    noInvalidDate: true,
  })
  fc.assert(
    fc.property(fc.array(fc.tuple(dates, fc.nat(2_000)), { minLength: 1 }), (times) => {
      for (const [time, laterMs] of times) {
        for (const date of [time, new Date(time.getTime() + laterMs)]) {
          assert.equal(wireTime(date), `${date.toISOString().slice(0, -1)}000Z`)
        }
      }
    }),
  )
  assert.equal(wireTime(new Date('2026-06-26T10:30:00.007Z')), '2026-06-26T10:30:00.007000Z')
})

test('the offset moves the platform’s time forward and never back', () => {
  const clock = createClock(() => 1_000)
  clock.setOffsetMs(500)
  clock.setOffsetMs(200)
  assert.deepEqual([clock.now().getTime(), clock.real().getTime(), clock.offsetMs()], [1_500, 1_000, 500])
})

test('durations are chains of counts and units', () => {
  assert.equal(parseDurationMs('1d12h'), 129_600_000)
  assert.equal(parseDurationMs('45s'), 45_000)
  for (const text of ['', '5', 'd', '-1d', '1.5h', '1w', '1d '])
    assert.equal(parseDurationMs(text), undefined)
})
