import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { type CardInput, passesLuhn, readCard, TEST_CARDS } from './card-rules.ts'

const NOW = new Date('2026-06-15T12:00:00Z')
const typed = (over: Partial<CardInput> = {}): CardInput => ({
  number: '4242 4242 4242 4242',
  expiry: '12/30',
  code: '123',
  name: 'Ana García',
  ...over,
})
const faultyFields = (over: Partial<CardInput>): string[] => {
  const read = readCard(typed(over), NOW)
  return 'problems' in read ? Object.keys(read.problems) : []
}

describe('a card as it is typed', () => {
  test('every test card passes the form, with spaces, hyphens or neither', () => {
    for (const { number } of TEST_CARDS) {
      for (const joint of ['', ' ', '-']) {
        const read = readCard(typed({ number: number.match(/.{4}/g)!.join(joint) }), NOW)
        assert.ok('card' in read)
        assert.deepEqual([read.card.last4, read.card.brand], [number.slice(-4), 'visa'])
      }
    }
  })

  test('brands by their ranges', () => {
    const brandOf = (number: string, code = '123') => {
      const read = readCard(typed({ number, code }), NOW)
      return 'card' in read ? read.card.brand : read.problems
    }
    assert.equal(brandOf('5555555555554444'), 'mastercard')
    assert.equal(brandOf('2223003122003222'), 'mastercard')
    assert.equal(brandOf('378282246310005', '1234'), 'amex')
    assert.equal(brandOf('6759649826438453'), 'maestro')
  })

  for (const [what, over, fields] of [
    ['a wrong check digit', { number: '4242424242424241' }, ['number']],
    ['too few digits', { number: '42424242424242' }, ['number']],
    ['letters', { number: '4242 4242 4242 424x' }, ['number']],
    ['an unknown brand', { number: '9999999999999995' }, ['number']],
    ['nothing', { number: '', expiry: '', code: '', name: ' ' }, ['number', 'expiry', 'code', 'name']],
    ['last month', { expiry: '05/26' }, ['expiry']],
    ['this month', { expiry: '06/26' }, []],
    ['a four-digit year', { expiry: '06 / 2027' }, []],
    ['month 13', { expiry: '13/27' }, ['expiry']],
    ['too far ahead', { expiry: '07/46' }, ['expiry']],
    ['a code too short', { code: '12' }, ['code']],
    ['a code too long for the brand', { code: '1234' }, ['code']],
    ['an Amex code with three digits', { number: '378282246310005', code: '123' }, ['code']],
  ] as const) {
    test(`${what}: ${fields.join(', ') || 'accepted'}`, () => {
      assert.deepEqual(faultyFields(over), fields)
    })
  }

  test('a card that is no test card is declined, whoever types it', () => {
    const read = readCard(typed({ number: '4111111111111111' }), NOW)
    assert.deepEqual('card' in read && read.card.behaviour, { does: 'declined', code: 'card_not_supported' })
  })

  test('one wrong digit is always noticed', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 15 }), fc.integer({ min: 1, max: 9 }), (place, shift) => {
        const digits = [...'4000002760003184']
        digits[place] = String((Number(digits[place]) + shift) % 10)
        return passesLuhn(digits.join('')) === false
      }),
    )
  })

  test('whatever is typed gets an answer', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.string(), fc.string(), (number, expiry, code, name) => {
        const read = readCard({ number, expiry, code, name }, NOW)
        return 'card' in read || Object.keys(read.problems).length > 0
      }),
    )
  })
})
