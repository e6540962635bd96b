import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { hasEmailTag } from '../../sandbox/email-tags.ts'
import { emailKey, isDisposableEmail, parseEmail } from './email.ts'
import { parsePhone } from './phone.ts'

test('an address keeps its local part and gets a plain domain', () => {
  assert.equal(parseEmail(' Ana.Lopez+x@Example.COM '), 'Ana.Lopez+x@example.com')
  assert.equal(parseEmail("o'neil@sub.example.co.uk"), "o'neil@sub.example.co.uk")
  assert.equal(parseEmail('ana@españa.es'), 'ana@xn--espaa-rta.es')
  assert.equal(parseEmail('ana@xn--espaa-rta.es'), 'ana@xn--espaa-rta.es')
})

for (const text of [
  '',
  'ana',
  '@example.com',
  'ana@',
  'ana@example',
  'ana@@example.com',
  'a b@example.com',
  '.ana@example.com',
  'ana.@example.com',
  'a..b@example.com',
  'ana@-example.com',
  'ana@example-.com',
  'ana@exa_mple.com',
  'ana@example.com/x',
  'ana@127.0.0.1',
  'ana@[127.0.0.1]',
  '"ana"@example.com',
  'ana@example.1',
  'ana@example..com',
  `${'a'.repeat(65)}@example.com`,
  `ana@${'a.'.repeat(130)}com`,
  'ana@exam\u0000ple.com',
  'ana@example.com\nbcc: x@y.com',
  'ñandú@example.com',
]) {
  test(`${JSON.stringify(text.slice(0, 40))} is no address`, () => assert.equal(parseEmail(text), undefined))
}

test('an address that was accepted once is accepted again, unchanged', () => {
  fc.assert(
    fc.property(fc.emailAddress(), (address) => {
      const email = parseEmail(address)
      if (email !== undefined) assert.equal(parseEmail(email), email)
    }),
  )
})

test('addresses that differ only in case are the same customer', () => {
  assert.equal(emailKey('Ana@example.com'), emailKey('aNA@example.com'))
  assert.notEqual(emailKey('ana@example.com'), emailKey('ana+1@example.com'))
})

test('tags are found beside others and with a number, not inside words', () => {
  for (const email of [
    'ana+kycfail@x.com',
    'ana+kycfail+2@x.com',
    'ana+2+KYCFAIL@x.com',
    'ana+kycfail7@x.com',
    'ana+kycfail-b@x.com',
    '+kycfail@x.com',
  ]) {
    assert.ok(hasEmailTag(email, 'kycfail'), email)
  }
  for (const email of [
    'ana@x.com',
    'kycfail@x.com',
    'ana+kycfailure@x.com',
    'ana+notkycfail@x.com',
    'ana@kycfail+kycfail.com',
  ]) {
    assert.ok(!hasEmailTag(email, 'kycfail'), email)
  }
})

test('throw-away domains are known, with the subdomains of the wildcard list', () => {
  for (const email of [
    'a@mailinator.com',
    'a@MAILINATOR.com',
    'a@inbox.mailinator.com',
    'a@yopmail.com',
    'a@x.33mail.com',
  ]) {
    assert.ok(isDisposableEmail(email), email)
  }
  for (const email of [
    'a@gmail.com',
    'a@example.com',
    'a@no-mailinator-at-all.com',
    'a@correo.telefonica.es',
    'a@com',
  ]) {
    assert.ok(!isDisposableEmail(email), email)
  }
})

test('a phone number is E.164, with separators forgiven', () => {
  assert.equal(parsePhone('+34 600 123 456'), '+34600123456')
  assert.equal(parsePhone('+52 (55) 1234-5678'), '+525512345678')
  assert.equal(parsePhone('+57 300.123.4567'), '+573001234567')
  for (const text of [
    '600123456',
    '0034600123456',
    '+34600',
    '+34100123456',
    '+999123456789',
    '+34600123456x1',
    '',
    '+',
  ]) {
    assert.equal(parsePhone(text), undefined, text)
  }
})
