import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { nothingDeclared } from './enhanced-data.ts'
import { applyChanges, areDocumentsAsked, askedFields, findFaults, judgeSignature } from './enhanced-form.ts'

const person = { type: 'individual', name: 'María de los Ángeles', lastName: 'Gómez Ruiz' } as const

describe('a signature', () => {
  for (const typed of [
    'María de los Ángeles Gómez Ruiz',
    'maria gomez',
    '  MARÍA   GÓMEZ  RUIZ ',
    'Gómez Ruiz, María',
    'Mari\u0301a Go\u0301mez',
  ]) {
    test(`“${typed}” is hers`, () => assert.equal(judgeSignature(typed, person), null))
  }

  for (const [typed, problem] of [
    ['', 'required'],
    ['   ', 'required'],
    ['María', 'does_not_match_name'],
    ['María Gómez Pérez', 'does_not_match_name'],
    ['Ángeles Ruiz', 'does_not_match_name'],
    ['María Gómez <b>', 'invalid'],
    ['María G0mez', 'invalid'],
    ['x'.repeat(201), 'too_long'],
  ] as const) {
    test(`“${typed.slice(0, 20)}” is not: ${problem}`, () =>
      assert.equal(judgeSignature(typed, person), problem))
  }

  test('of somebody of whom only one name is known', () => {
    const short = { type: 'individual', name: 'Ana', lastName: null } as const
    assert.equal(judgeSignature('Ana', short), null)
    assert.equal(judgeSignature('Eva', short), 'does_not_match_name')
    assert.equal(judgeSignature('Eva', { ...short, name: null }), 'does_not_match_name')
  })

  test('for a company is anybody’s full name', () => {
    const company = { type: 'company', name: null, lastName: null } as const
    assert.equal(judgeSignature('Eva Sol', company), null)
    assert.equal(judgeSignature('Eva', company), 'invalid')
  })
})

describe('the declared fields', () => {
  const empty = nothingDeclared().fields

  test('that hang on another are forgotten with it', () => {
    const working = { employment_status: 'employed', occupation: 'Nurse', employer: 'H', sector: 'health' }
    const { fields } = applyChanges('individual', working, empty)
    const retired = applyChanges('individual', { employment_status: 'retired' }, fields)
    assert.deepEqual(
      [retired.fields.occupation, retired.fields.employer, retired.fields.sector],
      [null, null, null],
    )
  })

  test('are taken as they are written, spaces apart, and not when they say nothing', () => {
    const status = { employment_status: 'other' }
    const good = applyChanges('individual', { ...status, occupation: '  sea   captain ' }, empty)
    assert.equal(good.fields.occupation, 'sea captain')
    for (const [occupation, problem] of [
      ['…', 'invalid'],
      ['a\u0000b', 'invalid'],
      ['x'.repeat(121), 'too_long'],
      ['', 'required'],
    ] as const) {
      const bad = applyChanges('individual', { ...status, occupation }, empty)
      assert.deepEqual(bad, { fields: empty, errors: { occupation: [problem] } })
    }
  })

  test('name every range by its currency', () => {
    const range = (income_currency: string, income_range: string) =>
      applyChanges('individual', { income_currency, income_range }, empty).errors
    assert.deepEqual(range('EUR', '250000-'), {})
    assert.deepEqual(range('CLP', '250000-'), { income_range: ['invalid'] })
    assert.deepEqual(range('constructor', '0-12000'), {
      income_currency: ['invalid'],
      income_range: ['invalid'],
    })
  })

  test('of a company leave out what only people have', () => {
    const faults = Object.keys(findFaults('company', empty))
    assert.ok(!faults.includes('employment_status') && !faults.includes('employer'))
    assert.ok(faults.includes('occupation') && faults.includes('sector'))
  })
})

describe('what is asked of a declaration sent back', () => {
  test('is what was rejected and what hangs on it', () => {
    const asked = (field: 'source_of_funds' | 'income_currency' | 'documents' | 'occupation') =>
      askedFields('individual', [{ field, code: 'invalid' }])
    assert.deepEqual(asked('source_of_funds'), ['source_of_funds', 'source_details'])
    assert.deepEqual(asked('income_currency'), ['income_currency', 'income_range'])
    assert.deepEqual(asked('occupation'), ['occupation'])
    assert.deepEqual(asked('documents'), [])
    assert.ok(areDocumentsAsked([{ field: 'documents', code: 'outdated' }]))
    assert.ok(!areDocumentsAsked([{ field: 'documents', code: 'not_accepted' }]))
  })
})
