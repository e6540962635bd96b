import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newEventIds, newPaymentId, randomTexts } from './ids.ts'

test('ids of rows that are written together begin alike, and none is like another', () => {
  const ids = randomTexts(5_000, 25)
  for (const id of ids) assert.match(id, /^[A-Za-z0-9]{25}$/)
  assert.equal(new Set(ids).size, ids.length)
  assert.equal(new Set(ids.map((id) => id.slice(0, 6))).size, 1)
  assert.equal(new Set(ids.map((id) => id.slice(6))).size, ids.length)
  const beginnings = Array.from({ length: 500 }, () => randomTexts(1, 25)[0]!.slice(0, 6))
  assert.ok(new Set(beginnings).size > 490)
  assert.deepEqual(randomTexts(0, 25), [])
})

test('an event’s id is told by its beginning, a payment’s has 25 characters', () => {
  for (const id of newEventIds(10)) assert.match(id, /^evt_[A-Za-z0-9]{24}$/)
  assert.match(newPaymentId(), /^[A-Za-z0-9]{25}$/)
})
