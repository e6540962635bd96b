import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { COUNTRY_CODES, isResidenceSupported, parseCountry } from './countries.ts'
import { ageInYears, findBirthDateProblem, findExpiryProblem, isCalendarDay } from './dates.ts'

const now = new Date('2026-06-26T10:30:00Z')

test('only days of the calendar are dates', () => {
  for (const day of ['2024-02-29', '2000-02-29', '1999-12-31']) assert.ok(isCalendarDay(day), day)
  for (const day of [
    '2023-02-29',
    '1900-02-29',
    '2024-04-31',
    '2024-13-01',
    '2024-00-10',
    '2024-01-00',
    '24-01-01',
    '2024-1-1',
    '2024-01-01T00:00',
    ' 2024-01-01',
  ]) {
    assert.ok(!isCalendarDay(day), day)
  }
  fc.assert(
    fc.property(
      fc.date({ min: new Date('1000-01-01'), max: new Date('9999-12-31'), noInvalidDate: true }),
      (date) => isCalendarDay(date.toISOString().slice(0, 10)),
    ),
  )
})

test('eighteen is reached on the birthday', () => {
  assert.equal(findBirthDateProblem('2008-06-26', now), null)
  assert.equal(findBirthDateProblem('2008-06-27', now), 'too_young')
  assert.equal(findBirthDateProblem('2026-06-27', now), 'in_the_future')
  assert.equal(findBirthDateProblem('1905-06-27', now), null)
  assert.equal(findBirthDateProblem('1905-06-26', now), 'invalid')
  assert.equal(findBirthDateProblem('1990-02-30', now), 'invalid')
})

test('whoever was born on 29 February turns eighteen on 1 March of a short year', () => {
  assert.equal(ageInYears('2008-02-29', new Date('2026-02-28T23:59:59Z')), 17)
  assert.equal(ageInYears('2008-02-29', new Date('2026-03-01T00:00:00Z')), 18)
})

test('a document is valid through its last day', () => {
  assert.equal(findExpiryProblem('2026-06-26', now), null)
  assert.equal(findExpiryProblem('2026-06-25', now), 'document_expired')
  assert.equal(findExpiryProblem('9999-01-01', now), null)
  assert.equal(findExpiryProblem('soon', now), 'invalid')
})

test('countries are those of ISO 3166-1, each once', () => {
  assert.equal(COUNTRY_CODES.length, 249)
  assert.equal(new Set(COUNTRY_CODES).size, 249)
  const names = new Intl.DisplayNames('en', { type: 'region', fallback: 'none' })
  for (const code of COUNTRY_CODES) assert.ok(names.of(code), code)
  assert.equal(parseCountry(' es '), 'ES')
  for (const text of ['', 'E', 'ESP', 'XX', 'EU', 'UK', '34']) assert.equal(parseCountry(text), undefined)
})

test("residence is the platform's rule and the integration's", () => {
  assert.ok(isResidenceSupported('ES', []))
  assert.ok(isResidenceSupported('ES', ['ES', 'PT']))
  assert.ok(!isResidenceSupported('FR', ['ES', 'PT']))
  assert.ok(!isResidenceSupported('KP', []))
  assert.ok(!isResidenceSupported('KP', ['KP']))
  assert.ok(!isResidenceSupported('XX', []))
})
