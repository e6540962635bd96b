import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { checkIdentification, compactNumber, listIdentificationTypes, type Person } from './identification.ts'

/**
 * Numbers published as examples by the issuing bodies, in the documentation of python-stdnum, or of well-known
 * companies. The wrong ones differ from a right one in the place that the rule guards.
 */
const CASES: [
  country: string,
  person: Person,
  type: string,
  right: string[],
  wrong: Record<string, string>,
][] = [
  [
    'ES',
    'individual',
    'GOVERNMENT_ID',
    ['12345678Z', '54362315-K', '00000000t', '99.999.999 R'],
    {
      '12345678A': 'wrong_check_digit',
      '54362315Z': 'wrong_check_digit',
      '1234567Z': 'wrong_format',
      '123456789': 'wrong_format',
      // K, L and M numbers are tax numbers of people without a DNI; the library lets any letter behind them pass.
      K1234567Z: 'wrong_format',
      X2482300W: 'wrong_format',
    },
  ],
  [
    'ES',
    'individual',
    'PERMANENT_RESIDENCE_PERMIT',
    ['X2482300W', 'x-1234567-l', 'Y1234567X', 'Z1234567R'],
    {
      X2482300A: 'wrong_check_digit',
      '12345678Z': 'wrong_format',
      W1234567X: 'wrong_format',
    },
  ],
  [
    'ES',
    'individual',
    'PASSPORT',
    ['PAA123456', 'AAA 000001'],
    { PAAAAAAAA: 'wrong_format', PAA1234567: 'wrong_format', '': 'wrong_format' },
  ],
  [
    'ES',
    'company',
    'CIF',
    ['A58818501', 'B65410011', 'J99216582', 'Q2818002D'],
    {
      J99216583: 'wrong_check_digit',
      A58818502: 'wrong_check_digit',
      '12345678Z': 'wrong_format',
    },
  ],
  [
    'CL',
    'individual',
    'RUT',
    ['12.345.678-5', '12531909-2', '9868503-0', '08.900.960-k', '8900960K'],
    {
      '12.531.909-3': 'wrong_check_digit',
      '12345678-K': 'wrong_check_digit',
      '123456-0': 'wrong_format',
    },
  ],
  ['CL', 'company', 'RUT', ['76086428-5'], { '76086428-4': 'wrong_check_digit' }],
  [
    'MX',
    'individual',
    'CURP',
    ['BOXW310820HNERXN09', 'boxw310820hnerxn09'],
    {
      BOXW310820HNERXN08: 'wrong_check_digit',
      BOXW311320HNERXN09: 'wrong_check_digit',
      BOXW310820QNERXN09: 'wrong_format',
      GODE561231GR8: 'wrong_format',
    },
  ],
  [
    'MX',
    'company',
    'RFC',
    ['MAB-930714-8T4', 'MAL180222MS6'],
    { MAB9307148T5: 'wrong_check_digit', GODE561231GR8: 'wrong_format' },
  ],
  [
    'CO',
    'individual',
    'CED_CIU',
    ['1.020.304.050', '12345678', '79.500.123'],
    { '2020304050': 'wrong_format', '123456789': 'wrong_format', abc: 'wrong_format' },
  ],
  ['CO', 'individual', 'CED_EXT', ['442113'], { '123456789': 'wrong_format' }],
  [
    'CO',
    'individual',
    'TI',
    ['1020304050', '06123112345'],
    { '06133112345': 'wrong_format', '2020304050': 'wrong_format' },
  ],
  ['CO', 'individual', 'NUIP', ['1020304050', 'A1B2345678'], { '0020304050': 'wrong_format' }],
  ['CO', 'individual', 'TE', ['354201'], { '35': 'wrong_format' }],
  ['CO', 'individual', 'PPT', ['4123456', 'PPT 4123456'], { PPT: 'wrong_format' }],
  ['CO', 'individual', 'PASS', ['AR123456'], { 'A-1': 'wrong_format' }],
  ['CO', 'individual', 'PEP', ['900123410101990'], { '90012341010199': 'wrong_format' }],
  ['CO', 'individual', 'RC', ['1020304050', '12345678'], { '1234567': 'wrong_format' }],
  [
    'CO',
    'company',
    'NIT',
    ['213.123.432-1', '860034594-1', '900373913-4'],
    { '2131234325': 'wrong_check_digit', '0131234321': 'wrong_format' },
  ],
  [
    'PE',
    'individual',
    'DNI',
    ['10117410', '10117410-2', '10117410-G'],
    { '10117410-3': 'wrong_check_digit', '10117410-A': 'wrong_check_digit', '1011741': 'wrong_format' },
  ],
  ['PE', 'individual', 'CE', ['001766062', '001077238'], { '00176606': 'wrong_format' }],
  [
    'PE',
    'company',
    'RUC',
    ['20512333797', '20494099153'],
    { '20512333798': 'wrong_check_digit', '30512333797': 'wrong_format' },
  ],
  ['AR', 'individual', 'DNI', ['20.123.456', '5123456'], { '201234567': 'wrong_format' }],
  [
    'AR',
    'individual',
    'CUIT',
    ['20-05536168-2', '25-31234567-9', '20267565393'],
    {
      '20-05536168-3': 'wrong_check_digit',
      '25-31234567-8': 'wrong_check_digit',
      '30-50001091-2': 'wrong_format',
    },
  ],
  [
    'AR',
    'company',
    'CUIT',
    ['30-50001091-2'],
    { '30-50001091-3': 'wrong_check_digit', '20-05536168-2': 'wrong_format' },
  ],
  ['DE', 'individual', 'PASSPORT', ['C01X00T47'], { C: 'wrong_format' }],
  ['DE', 'individual', 'GOVERNMENT_ID', ['L01X00T47'], { ABCDE: 'wrong_format' }],
  ['DE', 'company', 'COMPANY_REGISTRATION', ['HRB 123456'], { HR: 'wrong_format' }],
]

for (const [country, person, type, right, wrong] of CASES) {
  describe(`${country} ${person} ${type}`, () => {
    for (const number of right) {
      test(`${number} can exist`, () =>
        assert.equal(checkIdentification({ country, person, type, number }).ok, true))
    }
    for (const [number, problem] of Object.entries(wrong)) {
      test(`"${number}" can't: ${problem}`, () => {
        assert.deepEqual(checkIdentification({ country, person, type, number }), { ok: false, problem })
      })
    }
  })
}

test('every type of every country has an example that passes and is written as the country writes it', () => {
  let seen = 0
  for (const country of ['ES', 'CL', 'MX', 'CO', 'PE', 'AR', 'FR']) {
    for (const person of ['individual', 'company'] as const) {
      for (const { type, example } of listIdentificationTypes(country, person)) {
        const checked = checkIdentification({ country, person, type, number: example })
        assert.ok(checked.ok && checked.number === example, `${country} ${type} ${example}`)
        seen += 1
      }
    }
  }
  assert.equal(seen, 27)
})

test('the types are those of the documentation, and one of another country is named so', () => {
  const types = (country: string, person: Person) =>
    listIdentificationTypes(country, person).map(({ type }) => type)
  assert.deepEqual(types('ES', 'individual'), ['GOVERNMENT_ID', 'PERMANENT_RESIDENCE_PERMIT', 'PASSPORT'])
  assert.deepEqual(types('CO', 'individual'), [
    'CED_CIU',
    'CED_EXT',
    'TI',
    'NUIP',
    'TE',
    'PPT',
    'PASS',
    'PEP',
    'RC',
  ])
  assert.deepEqual(types('AR', 'individual'), ['DNI', 'CUIT'])
  assert.deepEqual(types('PT', 'individual'), ['PASSPORT', 'GOVERNMENT_ID'])
  for (const type of ['RUT', 'CIF', 'toString', '__proto__']) {
    assert.deepEqual(
      checkIdentification({ country: 'ES', person: 'individual', type, number: '12345678Z' }),
      { ok: false, problem: 'type_not_of_country' },
    )
  }
})

test('a CURP tells the birth date, with its century', () => {
  const checked = checkIdentification({
    country: 'MX',
    person: 'individual',
    type: 'CURP',
    number: 'BOXW310820HNERXN09',
  })
  assert.equal(checked.ok && checked.birthDate, '1931-08-20')
})

type Guarded = [country: string, person: Person, type: string, right: string]

// Each remainder has a check character of its own, so that no wrong digit passes.
const INJECTIVE: Guarded[] = [
  ['ES', 'individual', 'GOVERNMENT_ID', '54362315K'],
  ['ES', 'individual', 'PERMANENT_RESIDENCE_PERMIT', 'X2482300W'],
  ['ES', 'company', 'CIF', 'A58818501'],
  ['CL', 'individual', 'RUT', '12531909-2'],
]
// Two remainders share a digit (NIT, RUC, CUIT), or the modulus is 10 with even weights (CURP).
const SHARED: Guarded[] = [
  ['CO', 'company', 'NIT', '860034594-1'],
  ['PE', 'company', 'RUC', '20512333797'],
  ['AR', 'individual', 'CUIT', '20267565393'],
  ['AR', 'company', 'CUIT', '30-50001091-2'],
  ['MX', 'individual', 'CURP', 'BOXW310820HNERXN09'],
]
const GUARDED: Guarded[] = [...INJECTIVE, ...SHARED]

/** Every number that differs from a right one in one digit, and how many of them are refused. */
function shareCaught([country, person, type, right]: Guarded): number {
  const compact = compactNumber(right)
  let caught = 0
  let tried = 0
  for (let at = 0; at < compact.length; at += 1) {
    if (!/\d/.test(compact[at] as string)) continue
    for (let add = 1; add <= 9; add += 1) {
      const digit = String((Number(compact[at]) + add) % 10)
      const number = compact.slice(0, at) + digit + compact.slice(at + 1)
      if (!checkIdentification({ country, person, type, number }).ok) caught += 1
      tried += 1
    }
  }
  return caught / tried
}

for (const guarded of INJECTIVE) {
  test(`no wrong digit passes in a ${guarded[2]}`, () => assert.equal(shareCaught(guarded), 1))
}
for (const guarded of SHARED) {
  test(`hardly a wrong digit passes in a ${guarded[0]} ${guarded[1]} ${guarded[2]}`, () => {
    assert.ok(shareCaught(guarded) >= 0.9, String(shareCaught(guarded)))
  })
}

test('two swapped neighbours of a DNI are always caught', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^\d{8}$/), fc.nat(6), (digits, at) => {
      fc.pre(digits[at] !== digits[at + 1])
      const letter = 'TRWAGMYFPDXBNJZSQVHLCKE'[Number(digits) % 23]
      const swapped = digits.slice(0, at) + digits[at + 1] + digits[at] + digits.slice(at + 2)
      const check = (number: string) =>
        checkIdentification({ country: 'ES', person: 'individual', type: 'GOVERNMENT_ID', number }).ok
      assert.equal(check(digits + letter), true)
      assert.equal(check(swapped + letter), false)
    }),
  )
})

test('separators, case and wide characters never change the verdict or the number kept', () => {
  const separators = fc.array(fc.constantFrom('', ' ', '.', '-', '\u2013', '/'), {
    minLength: 24,
    maxLength: 24,
  })
  fc.assert(
    fc.property(
      fc.constantFrom(...GUARDED),
      separators,
      fc.boolean(),
      ([country, person, type, right], between, lower) => {
        const compact = compactNumber(right)
        const dressed = [...compact].map((char, index) => between[index] + char).join('')
        const number = lower ? dressed.toLowerCase() : dressed
        const [plain, written] = [compact, number].map((given) =>
          checkIdentification({ country, person, type, number: given }),
        )
        assert.ok(plain?.ok)
        assert.deepEqual(written, plain)
      },
    ),
  )
})

test('a type is taken exactly as it is documented', () => {
  for (const type of ['government_id', 'Government_Id', 'GOVERNMENT-ID', 'DNI', ''])
    assert.deepEqual(
      checkIdentification({ country: 'ES', person: 'individual', type, number: '12345678Z' }),
      {
        ok: false,
        problem: 'type_not_of_country',
      },
    )
})

test('whatever is sent gets a verdict', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...CASES),
      fc.string({ unit: 'binary' }),
      ([country, person, type], number) => {
        assert.equal(typeof checkIdentification({ country, person, type, number }).ok, 'boolean')
      },
    ),
  )
})
