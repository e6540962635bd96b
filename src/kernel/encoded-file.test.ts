import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import { createFileDecoder, freeBytes } from './encoded-file.ts'

/** Decodes a text that arrives in pieces of that many characters. */
function decode(text: string, { piece = text.length || 1, limit = 1000, expected = Infinity } = {}) {
  const decoder = createFileDecoder(limit, expected)
  for (let at = 0; at < text.length; at += piece) decoder.write(Buffer.from(text.slice(at, at + piece)))
  return decoder.end()
}

const problemOf = (text: string, options?: Parameters<typeof decode>[1]): string | undefined => {
  const decoded = decode(text, options)
  return decoded.ok ? undefined : decoded.problem
}

describe('the text of a file', () => {
  test('of any length, in pieces of any size, with and without padding, is decoded to the byte', () => {
    for (const size of [1, 2, 3, 4, 5, 57, 100]) {
      const bytes = randomBytes(size)
      const plain = bytes.toString('base64')
      const texts = [
        plain,
        plain.replace(/=+$/, ''),
        bytes.toString('base64url'),
        plain.replaceAll(/(.{7})/g, '$1\r\n'),
        `data:application/pdf;base64,${plain}`,
        `DATA:image/png;name=a.png;BASE64,${plain}`,
        `data:;base64,${plain}`,
      ]
      for (const text of texts) {
        for (const piece of [1, 2, 3, 5, 7, 64, 1000]) {
          const decoded = decode(text, { piece, expected: text.length })
          assert.ok(decoded.ok, `${text} in pieces of ${piece}: ${JSON.stringify(decoded)}`)
          assert.deepEqual(decoded.bytes, bytes)
        }
      }
    }
  })

  test('that is something else is named for what is wrong', () => {
    const cases: [text: string, problem: string][] = [
      ['', 'empty'],
      ['\r\n', 'empty'],
      ['data:application/pdf;base64,', 'empty'],
      ['A', 'not_base64'],
      ['AAAAA', 'not_base64'],
      ['AAA=A', 'not_base64'],
      ['AA=', 'not_base64'],
      ['AAAA=', 'not_base64'],
      ['AAAA====', 'not_base64'],
      ['====', 'not_base64'],
      ['AA==AAAA', 'not_base64'],
      ['AA AA', 'not_base64'],
      ['AAÁA', 'not_base64'],
      ['ftp://example.com/a', 'not_base64'],
      ['data', 'ok'],
      ['data:', 'not_base64_uri'],
      ['data:text/plain,hello', 'not_base64_uri'],
      ['data:text/plain;base64', 'not_base64_uri'],
      [`data:${'x'.repeat(300)};base64,AAAA`, 'not_base64_uri'],
    ]
    for (const [text, problem] of cases) {
      for (const piece of [1, 1000]) {
        assert.equal(problemOf(text, { piece }) ?? 'ok', problem, `${JSON.stringify(text)} by ${piece}`)
      }
    }
  })

  test('is decoded up to the limit and not a byte further', () => {
    const text = (size: number): string => Buffer.alloc(size, 7).toString('base64')
    for (const piece of [1, 4, 1000]) {
      assert.equal(problemOf(text(30), { limit: 30, piece }), undefined)
      assert.equal(problemOf(text(31), { limit: 30, piece }), 'too_large')
      assert.equal(problemOf(text(300), { limit: 30, piece }), 'too_large')
    }
  })
})

test('memory is given back once, but not what is so small that it may be shared', () => {
  const large = decode(Buffer.alloc(300_000, 1).toString('base64'), { limit: 300_000 })
  const small = Buffer.from('small')
  assert.ok(large.ok)
  freeBytes(large.bytes)
  freeBytes(large.bytes)
  freeBytes(small)
  assert.equal(large.bytes.length, 0)
  assert.equal(small.toString(), 'small')
})
