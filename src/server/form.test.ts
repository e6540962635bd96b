import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { Failure } from './errors.ts'
import { fieldNamed, readFields } from './form.ts'

const read = (text: string): unknown => JSON.parse(JSON.stringify(readFields([...new URLSearchParams(text)])))

describe('the body that a form stands for', () => {
  for (const [form, body] of [
    ['a=1&b=', { a: '1', b: '' }],
    ['a=1&a=2', { a: ['1', '2'] }],
    ['p[name]=Ana&p[last]=G', { p: { name: 'Ana', last: 'G' } }],
    ['r[0][f]=a&r[0][c]=b&r[1][f]=c', { r: [{ f: 'a', c: 'b' }, { f: 'c' }] }],
    ['r[1]=b&r[0]=a', { r: ['a', 'b'] }],
    ['r[]=a&r[]=b', { r: ['a', 'b'] }],
    ['r[1]=b', { r: { 1: 'b' } }],
    ['a[b]=1&a[b]=2', { a: { b: ['1', '2'] } }],
    ['a=1&a[b]=2', { a: ['1', { b: '2' }] }],
    ['a[b]=2&a=1', { a: ['1', { b: '2' }] }],
    ['a[b=1&b]=2&[c]=3&d[e]f=4', { 'a[b': '1', 'b]': '2', '[c]': '3', 'd[e]f': '4' }],
    ['a[b][c][d]=1', { a: { b: { c: { d: '1' } } } }],
  ] as const) {
    test(form, () => assert.deepEqual(read(form), body))
  }

  test('names of methods and prototypes are names', () => {
    const body = readFields([
      ['__proto__[polluted]', 'x'],
      ['constructor[prototype][polluted]', 'x'],
      ['a[__proto__][polluted]', 'x'],
    ])
    assert.equal(({} as { polluted?: string }).polluted, undefined)
    assert.deepEqual(Object.keys(body), ['__proto__', 'constructor', 'a'])
  })

  test('too many levels or fields are refused', () => {
    const isRefused = (error: unknown) => error instanceof Failure && error.code === 'invalid_json'
    assert.throws(() => read('a[b][c][d][e]=1'), isRefused)
    assert.throws(() => read(`a${'[b]'.repeat(5000)}=1`), isRefused)
    assert.throws(() => read('a=1&'.repeat(1001)), isRefused)
    assert.ok(read('a=1&'.repeat(1000)))
  })

  test('whatever the names, there is a body', () => {
    const name = fc.array(fc.constantFrom('a', '0', '1', '[', ']', '[]', '[b]', '[0]'), { maxLength: 5 })
    fc.assert(
      fc.property(
        fc.array(
          fc.tuple(
            name.map((parts) => parts.join('')),
            fc.string(),
          ),
        ),
        (fields) => {
          try {
            readFields(fields)
          } catch (error) {
            assert.ok(error instanceof Failure)
          }
        },
      ),
    )
  })
})

test('the field that a sent name leads to', () => {
  for (const [sent, field] of [
    ['photo', 'photo'],
    ['a[photo]', 'photo'],
    ['a%5Bphoto%5D', 'photo'],
    ['a%5bphoto%5d%5b0%5d', 'photo'],
    ['photo[]', 'photo'],
    ['photo[a', 'photo[a'],
    ['', ''],
  ] as const) {
    assert.equal(fieldNamed(sent), field)
  }
})
