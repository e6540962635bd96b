import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { brandOf, checkCard, groupExpiry, groupNumber, passesLuhn } from './card-rules.ts'

const good = { number: '4242 4242 4242 4242', expiry: '12/29', code: '123', name: 'Ana' }
const problems = (change: Partial<typeof good>) => checkCard({ ...good, ...change }, '2026-06-26T00:00:00Z')

describe('card rules', () => {
  it('knows brands by their first digits', () => {
    assert.equal(brandOf('4242'), 'visa')
    assert.equal(brandOf('5555 5555'), 'mastercard')
    assert.equal(brandOf('2221 00'), 'mastercard')
    assert.equal(brandOf('2721 00'), 'other')
    assert.equal(brandOf('3782'), 'amex')
    assert.equal(brandOf('6011'), 'other')
  })

  it('groups a number as it is typed', () => {
    assert.equal(groupNumber('42424'), '4242 4')
    assert.equal(groupNumber('4242 4242 4242 4242'), '4242 4242 4242 4242')
    assert.equal(groupNumber('378282246310005'), '3782 822463 10005')
    assert.equal(groupNumber('378282'), '3782 82')
    assert.equal(groupNumber(''), '')
  })

  it('checks the digits', () => {
    assert.equal(passesLuhn('4242424242424242'), true)
    assert.equal(passesLuhn('4242424242424241'), false)
    assert.equal(passesLuhn('378282246310005'), true)
    assert.equal(passesLuhn(''), false)
  })

  it('helps with the expiry', () => {
    assert.equal(groupExpiry('9'), '09')
    assert.equal(groupExpiry('1'), '1')
    assert.equal(groupExpiry('129'), '12/9')
    assert.equal(groupExpiry('1229'), '12/29')
    assert.equal(groupExpiry('12/'), '12/')
    assert.equal(groupExpiry('12'), '12')
  })

  it('says what is wrong with each field', () => {
    assert.deepEqual(problems({}), {})
    assert.deepEqual(problems({ number: '4242' }), { number: 'number_short' })
    assert.deepEqual(problems({ number: '4242424242424241' }), { number: 'number' })
    assert.deepEqual(problems({ expiry: '06/26' }), {})
    assert.deepEqual(problems({ expiry: '05/26' }), { expiry: 'expired' })
    assert.deepEqual(problems({ expiry: '13/29' }), { expiry: 'expiry' })
    assert.deepEqual(problems({ code: '12' }), { code: 'code' })
    assert.deepEqual(problems({ number: '378282246310005' }), { code: 'code_amex' })
    assert.deepEqual(problems({ name: ' ' }), { name: 'required' })
    assert.deepEqual(Object.keys(problems({ number: '', expiry: '', code: '', name: '' })).sort(), [
      'code',
      'expiry',
      'name',
      'number',
    ])
  })
})
