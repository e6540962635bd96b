import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { conceptOf } from '../../onramp/concept.ts'
import { hasOtherPurpose, isAlone, readNearNumbers, readNumbers } from './numbers.ts'

const numbers = fc.integer({ min: 1_000, max: 99_999_999 }).map(conceptOf)
const nothing = { endToEndId: null, payerName: '' }

test('a number is found alone, in a sentence, in another field, with letters for digits', () => {
  const number = conceptOf(10_005)
  assert.equal(number, 1_000_556)
  const cases: [Parameters<typeof readNumbers>[0], string][] = [
    [{ ...nothing, concept: '1000556' }, 'alone'],
    [{ ...nothing, concept: '000000000000001000556' }, 'alone'],
    [{ ...nothing, concept: 'Concepto: 1 000 556' }, 'alone'],
    [{ ...nothing, concept: 'Pago del pedido 1000556 de Ana' }, 'sentence'],
    [{ ...nothing, concept: 'gracias', endToEndId: '1000556' }, 'field'],
    [{ ...nothing, concept: '', payerName: 'ANA PEREZ 1000556' }, 'field'],
    [{ ...nothing, concept: 'IOOOSS6' }, 'none'],
    [{ ...nothing, concept: '1O00556' }, 'letters'],
    [{ ...nothing, concept: '1000557' }, 'none'],
  ]
  for (const [texts, how] of cases) {
    assert.equal(readNumbers(texts).get(number) ?? 'none', how, JSON.stringify(texts))
  }
})

test('every number is found again after one mistake in typing', () => {
  fc.assert(
    fc.property(numbers, fc.nat(), fc.integer({ min: 1, max: 9 }), (number, place, by) => {
      const digits = [...String(number)]
      const at = place % digits.length
      const near = (changed: string[]): boolean =>
        changed.join('') === String(number) || readNearNumbers(changed.join('')).has(number)
      const wrong = digits.with(at, String((Number(digits[at]) + by) % 10))
      const missing = digits.toSpliced(at, 1)
      const doubled = digits.toSpliced(at, 0, digits[at]!)
      const next = (at + 1) % digits.length
      const swapped = next === 0 ? digits : digits.with(at, digits[next]!).with(next, digits[at]!)
      // A zero in front is no digit that could be told from none.
      return [wrong, missing, doubled, swapped].every((changed) => changed[0] === '0' || near(changed))
    }),
  )
})

test('what else a text speaks of', () => {
  for (const text of ['Factura 12', 'Alquiler noviembre', 'Rechnung Nr. 4', 'ref 123456']) {
    assert.ok(hasOtherPurpose(text), text)
  }
  for (const text of ['', 'Transferencia', 'Überweisung', 'compra 150 EUR'])
    assert.ok(!hasOtherPurpose(text), text)
  assert.ok(isAlone('Ref. 1000556') && !isAlone('1000556 y 1000599') && !isAlone('Factura 1000556'))
})
