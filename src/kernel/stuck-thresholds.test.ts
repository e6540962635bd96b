import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createConfigReader } from './config-reader.ts'
import { readStuckAfter, STUCK_CODES } from './stuck-thresholds.ts'

const read = (text?: string) => {
  const reader = createConfigReader(text === undefined ? {} : { STUCK_AFTER: text })
  return { thresholds: readStuckAfter(reader), problems: reader.problems }
}

test('what is named is changed, the rest keeps its default', () => {
  const defaults = read()
  assert.deepEqual(defaults.problems, [])
  assert.equal(defaults.thresholds.payment_without_transfer, 30 * 60_000)
  const { thresholds, problems } = read(' payment_without_transfer = 1h30m , suspense_line=off,')
  assert.deepEqual(problems, [])
  assert.deepEqual(thresholds, {
    ...defaults.thresholds,
    payment_without_transfer: 90 * 60_000,
    suspense_line: null,
  })
})

test('what is wrong is named, with what is right', () => {
  const wrong = {
    'suspence_line=1h': /"suspence_line".*Known are .*suspense_line/,
    'toString=1h': /"toString"/,
    suspense_line: /"suspense_line".*suspense_line=24h/,
    'suspense_line=1 week': /"suspense_line=1 week"/,
    'suspense_line=0h': /"suspense_line=0h"/,
    'suspense_line=1h=2h': /"suspense_line=1h=2h"/,
  }
  for (const [text, expected] of Object.entries(wrong)) {
    const { thresholds, problems } = read(text)
    assert.equal(problems.length, 1, text)
    assert.match(`${problems[0]!.problem} ${problems[0]!.mend}`, expected)
    assert.equal(thresholds.suspense_line, 86_400_000)
    assert.deepEqual(Object.keys(thresholds), STUCK_CODES)
  }
})
