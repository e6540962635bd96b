import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ageOn, checkField, isDay } from './check-field.ts'

const context = { optional: false, minAge: 18, today: '2026-06-26' }

describe('checkField', () => {
  it('asks for what must be there', () => {
    assert.equal(checkField('name', '  ', context), 'required')
    assert.equal(checkField('phone', '', { ...context, optional: true }), null)
    assert.equal(checkField('name', 'x'.repeat(201), context), 'too_long')
    assert.equal(checkField('name', '12', context), 'invalid')
    assert.equal(checkField('name', 'Žofia', context), null)
  })

  it('judges the birth date', () => {
    assert.equal(checkField('birth_date', '1990-04-23', context), null)
    assert.equal(checkField('birth_date', '2008-06-26', context), null)
    assert.equal(checkField('birth_date', '2008-06-27', context), 'too_young')
    assert.equal(checkField('birth_date', '2027-01-01', context), 'in_the_future')
    assert.equal(checkField('birth_date', '1990-02-30', context), 'invalid')
    assert.equal(checkField('birth_date', '1890-02-03', context), 'invalid')
    assert.equal(checkField('birth_date', '1990--5', context), 'invalid')
  })

  it('judges the document’s last day', () => {
    assert.equal(checkField('identification_expires_on', '2026-06-26', context), null)
    assert.equal(checkField('identification_expires_on', '2026-06-25', context), 'document_expired')
  })

  it('wants a phone number with its country', () => {
    assert.equal(checkField('phone', '+34 600 000 000', context), null)
    assert.equal(checkField('phone', '600000000', context), 'invalid')
  })
})

describe('days', () => {
  it('knows the calendar', () => {
    assert.equal(isDay('2024-02-29'), true)
    assert.equal(isDay('2023-02-29'), false)
    assert.equal(ageOn('2026-06-26', '2000-06-27'), 25)
    assert.equal(ageOn('2026-06-26', '2000-06-26'), 26)
  })
})
