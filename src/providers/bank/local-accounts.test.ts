import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import {
  isValidLocalAccount,
  LOCAL_ACCOUNTS,
  localAccountRule,
  normaliseLocalAccount,
} from './local-accounts.ts'

describe('accounts of Latin America', () => {
  for (const [country, account, what] of [
    // The example of Banxico's rules, and numbers of the same form.
    ['MX', '032180000118359719', 'a CLABE'],
    ['MX', '002010077777777771', 'a CLABE'],
    ['AR', '2850590940090418135201', 'a CBU'],
    ['AR', '0000003100010000000009', 'a CVU'],
    ['PE', '00219100123456789053', 'a CCI'],
    ['CL', '12345678', 'a number of a bank'],
    ['CO', '26912345678', 'a number of a bank'],
  ] as const) {
    test(`${country}: ${account} is ${what}`, () => assert.ok(isValidLocalAccount(country, account)))
  }

  for (const [country, account, what] of [
    ['MX', '032180000118359718', 'a wrong check digit'],
    ['MX', '03218000011835971', 'too short'],
    ['MX', '000000000000000000', 'nothing but zeros'],
    ['AR', '2850590840090418135201', 'a wrong digit in the first block'],
    ['AR', '2850590940090418135202', 'a wrong digit in the second block'],
    ['PE', '0021910012345678905', 'too short'],
    ['CL', '123', 'too short'],
    ['CL', 'ES9121000418450200051332', 'an IBAN'],
    ['CO', '1234567890123456789012', 'too long'],
    ['BR', '12345678', 'another country'],
    ['constructor', '12345678', 'no country'],
    ['MX', '٠٣٢١٨٠٠٠٠١١٨٣٥٩٧١٩', 'digits of another script'],
  ] as const) {
    test(`${country}: ${account} is refused: ${what}`, () =>
      assert.ok(!isValidLocalAccount(country, account)))
  }

  test('what people write between the digits is taken out', () => {
    assert.equal(normaliseLocalAccount(' 032-180 000118359719 '), '032180000118359719')
    assert.equal(normaliseLocalAccount('2850590.9 40090418135201'), '2850590940090418135201')
  })

  for (const [country, length] of [
    ['MX', 18],
    ['AR', 22],
  ] as const) {
    const number = fc.stringMatching(new RegExp(`^[1-9]\\d{${length - 1}}$`))

    test(`${country}: of numbers that differ only in their check digits exactly one is right`, () => {
      const places = country === 'MX' ? [17] : [7, 21]
      fc.assert(
        fc.property(number, (text) => {
          const candidates = places.reduce(
            (texts, place) =>
              texts.flatMap((one) =>
                Array.from({ length: 10 }, (_, digit) => one.slice(0, place) + digit + one.slice(place + 1)),
              ),
            [text],
          )
          return candidates.filter((one) => isValidLocalAccount(country, one)).length === 1
        }),
      )
    })

    test(`${country}: one wrong digit is always noticed`, () => {
      const right = country === 'MX' ? '032180000118359719' : '2850590940090418135201'
      fc.assert(
        fc.property(fc.nat(length - 1), fc.integer({ min: 1, max: 9 }), (place, by) => {
          const wrong = right.slice(0, place) + ((Number(right[place]) + by) % 10) + right.slice(place + 1)
          return !isValidLocalAccount(country, wrong)
        }),
      )
    })
  }

  test('whatever the text, a problem is said in words or there is none', () => {
    fc.assert(
      fc.property(fc.constantFrom(...Object.keys(LOCAL_ACCOUNTS)), fc.string(), (country, text) => {
        const account = normaliseLocalAccount(text)
        const problem = localAccountRule(country)!.findProblem(account)
        return problem === null ? /^\d{4,22}$/.test(account) : problem.length > 5
      }),
    )
  })
})
