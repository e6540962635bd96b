import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { groupedIban } from '../shared/iban.ts'
import { epcText } from './epc.ts'

const transfer = {
  holder: 'CryptoPocket Payments S.L.',
  iban: 'ES68 0049 0001 5128 1001 1234',
  bic: 'BSCHESMM',
  bank_name: null,
  amount: { amount: '150.50', currency: 'EUR' },
  concept: '12003747',
}

describe('epcText', () => {
  it('is laid out as EPC069-12 says', () => {
    assert.equal(
      epcText(transfer),
      [
        'BCD',
        '002',
        '1',
        'SCT',
        'BSCHESMM',
        'CryptoPocket Payments S.L.',
        'ES6800490001512810011234',
        'EUR150.50',
        '',
        '',
        '12003747',
      ].join('\n'),
    )
  })

  it('keeps the name within 70 bytes without cutting a letter in two', () => {
    const name = epcText({ ...transfer, holder: 'ñ'.repeat(60) })!.split('\n')[5]!
    assert.equal(name, 'ñ'.repeat(35))
  })

  it('exists only for euros', () => {
    assert.equal(epcText({ ...transfer, amount: { amount: '15050', currency: 'CLP' } }), null)
  })
})

describe('groupedIban', () => {
  it('stands in groups of four', () => {
    assert.equal(groupedIban('ES6800490001512810011234'), 'ES68 0049 0001 5128 1001 1234')
  })
})
