import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { conceptOf, isConcept, readConcepts } from './concept.ts'

const numbers = fc.integer({ min: 1, max: 99_999_999 })

test('every concept checks, and no two are the same', () => {
  const seen = new Set<number>()
  for (let number = 1; number <= 20_000; number += 1) {
    const concept = conceptOf(number)
    assert.ok(isConcept(concept), String(concept))
    seen.add(concept)
  }
  assert.equal(seen.size, 20_000)
})

test('one wrong digit never makes a concept', () => {
  fc.assert(
    fc.property(numbers, fc.nat(), fc.integer({ min: 1, max: 9 }), (number, place, by) => {
      const digits = [...String(conceptOf(number))]
      const at = place % digits.length
      digits[at] = String((Number(digits[at]) + by) % 10)
      return !isConcept(Number(digits.join('')))
    }),
  )
})

test('two swapped digits never make another concept', () => {
  fc.assert(
    fc.property(numbers, fc.nat(), fc.nat(), (number, one, other) => {
      const digits = [...String(conceptOf(number))]
      const [i, j] = [one % digits.length, other % digits.length]
      if (digits[i] === digits[j]) return true
      ;[digits[i], digits[j]] = [digits[j]!, digits[i]!]
      return !isConcept(Number(digits.join('')))
    }),
  )
})

test('a concept is read out of what payers write', () => {
  const concept = conceptOf(120_037)
  const text = String(concept)
  for (const written of [
    text,
    `  ${text} `,
    `Concepto ${text}`,
    `ref:${text}.`,
    `000${text}`,
    `${text.slice(0, 3)} ${text.slice(3)}`,
    `${text.slice(0, 4)}-${text.slice(4)}`,
    `pago ${text}, gracias`,
  ]) {
    assert.deepEqual(readConcepts(written), [concept], written)
  }
})

test('nothing is read where nothing checks', () => {
  for (const written of ['', 'gracias', '12', '120037', `${conceptOf(7) + 1}`, '9'.repeat(40), '0']) {
    assert.deepEqual(readConcepts(written), [], written)
  }
})

test('two concepts in one text are two', () => {
  const [one, other] = [conceptOf(1000), conceptOf(2000)]
  assert.deepEqual(readConcepts(`${one} y ${other}`), [one, other])
})
