import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { digitsOf, parseJsonBody } from './body.ts'
import { Failure } from './errors.ts'

const refusal = (text: string): Failure => {
  try {
    parseJsonBody(text)
  } catch (error) {
    if (error instanceof Failure) return error
    throw error
  }
  return assert.fail(`${text} was taken`)
}

describe('a name that stands twice in one object', () => {
  for (const [name, text] of [
    ['amount', '{"amount":1,"amount":2}'],
    ['amount', '{"amount":1,"amount":1}'],
    ['b', '{"a":{"b":1, "b" : 2}}'],
    ['b', '{"a":[{"c":"x:y"},{"b":1,"b":2}]}'],
    ['a', '{"a":{"x":1},"a":[]}'],
    ['a', '{"\\u0061":1,"a":2}'],
    ['a"', '{"a\\"":1,"a\\u0022":2}'],
    ['__proto__', '{"__proto__":1,"__proto__":2}'],
    ['', '{"":1,"":2}'],
  ] as const) {
    it(`${text} is invalid_json, and it is named`, () => {
      const { code, message } = refusal(text)
      assert.equal(code, 'invalid_json')
      assert.ok(message.includes(JSON.stringify(name)), message)
    })
  }

  it('in different objects, or in a text that looks like it, is none', () => {
    for (const text of [
      '{"a":{"a":{"a":1}},"b":[{"a":1},{"a":2}]}',
      '{"a":"\\"a\\":1, \\"a\\" : 2 {","b":"https://x.example/?a:b :c"}',
      '{ "a" :\n1 , "b"\t: "}:{" }',
      '{"__proto__":1,"hasOwnProperty":2,"constructor":3}',
    ]) {
      assert.deepEqual(JSON.stringify(parseJsonBody(text)), JSON.stringify(JSON.parse(text)))
    }
  })

  it('whatever JSON.stringify writes is read as it is, digits included', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), fc.jsonValue()),
        fc.constantFrom(undefined, 1, '\t'),
        (value, space) => {
          const text = JSON.stringify(value, null, space)
          assert.equal(JSON.stringify(parseJsonBody(text)), JSON.stringify(JSON.parse(text)))
        },
      ),
    )
    const body = parseJsonBody('{"amount":1.10,"of":[2.50]}')
    assert.equal(digitsOf(body, 'amount', 1.1), '1.10')
    assert.equal(digitsOf(body.of as object, '0', 2.5), '2.50')
  })

  it('is found in a large body in a moment', () => {
    const many = Array.from({ length: 20_000 }, (_, n) => `"k${n}":"a\\":b"`).join(',')
    assert.equal(refusal(`{${many},"k7":0}`).code, 'invalid_json')
    assert.equal(Object.keys(parseJsonBody(`{${many}}`)).length, 20_000)
    assert.equal(parseJsonBody(`{"a":"${'\\":'.repeat(80_000)}"}`).a, '":'.repeat(80_000))
  })
})
