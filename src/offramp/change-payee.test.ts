import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RefusedOperation } from '../effects/operate-effects.ts'
import { changePayee, type PayeeChange } from './change-payee.ts'
import type { Payee } from './sale.ts'

const IBAN: Payee = { kind: 'iban', iban: 'ES9121000418450200051332', name: 'Ana Pérez' }
const LOCAL: Payee = {
  kind: 'local',
  account: '032180000118359719',
  bankName: 'Banorte',
  country: 'MX',
  name: 'Ana Pérez',
}

test('another account of the same kind, and another holder where one is named', () => {
  const iban = 'DE89370400440532013000'
  assert.deepEqual(changePayee(IBAN, { iban }), { ...IBAN, iban })
  assert.deepEqual(changePayee(IBAN, { iban, name: 'Eva Ruiz' }), { ...IBAN, iban, name: 'Eva Ruiz' })
  const account = '002115016003269411'
  assert.deepEqual(changePayee(LOCAL, { account }), { ...LOCAL, account })
})

test('an empty name is not taken for none', () => {
  assert.equal(changePayee(IBAN, { iban: IBAN.iban, name: '' }).name, '')
})

const REFUSED: [string, Payee, PayeeChange][] = [
  ['an IBAN with a local account', IBAN, { iban: IBAN.iban, account: LOCAL.account }],
  ['a local account with an IBAN', LOCAL, { iban: IBAN.iban, account: LOCAL.account }],
  ['a local account where an IBAN is paid', IBAN, { account: LOCAL.account }],
  ['an IBAN where a local account is paid', LOCAL, { iban: IBAN.iban }],
  ['a holder alone', IBAN, { name: 'Eva Ruiz' }],
]
for (const [what, before, change] of REFUSED) {
  test(`${what} is refused`, () => assert.throws(() => changePayee(before, change), RefusedOperation))
}
