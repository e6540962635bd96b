import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Type } from 'typebox'
import { PageFields } from './pagination.ts'
import { compileValidator } from './validate.ts'

const judge = compileValidator(Type.Object(PageFields))

describe('whole numbers in a query or a form', () => {
  for (const text of [
    '1e1',
    '0x2',
    '0b1',
    '+1',
    '-0',
    '1.0',
    '1.',
    '.5',
    '01',
    '00',
    ' 1',
    '1 ',
    '1_0',
    '٣',
    '',
    'NaN',
  ]) {
    test(`${JSON.stringify(text)} is none, for every such field`, () => {
      for (const field of ['page', 'per_page']) {
        const faults = judge({ [field]: text }, true)
        assert.deepEqual({ ...faults?.invalid }, { [field]: ['must be a whole number in plain digits'] })
      }
    })
  }

  test('in plain digits they are read, within their bounds', () => {
    const input = { page: '10', per_page: '100' }
    assert.equal(judge(input, true), undefined)
    assert.deepEqual(input, { page: 10, per_page: 100 })
    assert.deepEqual({ ...judge({ page: '0' }, true)?.invalid }, { page: ['must be >= 1'] })
    assert.deepEqual({ ...judge({ page: '-1' }, true)?.invalid }, { page: ['must be >= 1'] })
    assert.deepEqual({ ...judge({ page: '10001' }, true)?.invalid }, { page: ['must be <= 10000'] })
  })

  test('in JSON they are numbers, not text', () => {
    assert.equal(judge({ page: 10 }, false), undefined)
    assert.deepEqual({ ...judge({ page: '10' }, false)?.invalid }, { page: ['must be integer'] })
  })
})
