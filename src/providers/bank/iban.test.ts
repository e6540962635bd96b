import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { ibanOf, isValidIban, normaliseIban, spanishIban } from './iban.ts'

describe('IBAN', () => {
  // The examples of the IBAN registry.
  for (const iban of [
    'ES91 2100 0418 4502 0005 1332',
    'DE89 3704 0044 0532 0130 00',
    'FR14 2004 1010 0505 0001 3M02 606',
    'PT50 0002 0123 1234 5678 9015 4',
    'NL91 ABNA 0417 1643 00',
    'AL47 2121 1009 0000 0002 3569 8741',
    'MD24 AG00 0225 1000 1310 4168',
    'ME25 5050 0001 2345 6789 51',
    'MK07 2501 2000 0058 984',
    'RS35 2600 0560 1001 6113 79',
  ]) {
    test(`${iban} is valid`, () => assert.equal(isValidIban(normaliseIban(iban)), true))
  }

  for (const [what, iban] of [
    ['a wrong digit', 'ES9121000418450200051333'],
    ['two digits swapped', 'ES9121000418450200053132'],
    ['too short', 'ES91210004184502000513'],
    ['a country outside SEPA', 'BR1800360305000010009795493C1'],
    ['lower case', 'es9121000418450200051332'],
    ['nothing', ''],
  ] as const) {
    test(`${what} is not`, () => assert.equal(isValidIban(iban), false))
  }

  test('the check digits that are made are those of the registry', () => {
    assert.equal(spanishIban('2100', '0418', '0200051332'), 'ES9121000418450200051332')
    assert.equal(ibanOf('DE', '370400440532013000'), 'DE89370400440532013000')
  })

  test('every account number has a valid IBAN', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 9_999_999_999 }), (number) =>
        isValidIban(spanishIban('9998', '0001', String(number).padStart(10, '0'))),
      ),
    )
  })
})
