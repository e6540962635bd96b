import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { safeUrl } from './safe-url.ts'

describe('safeUrl', () => {
  it('follows http and https', () => {
    assert.equal(safeUrl('https://shop.example/back?status=ok'), 'https://shop.example/back?status=ok')
    assert.equal(safeUrl('http://127.0.0.1:8080/x'), 'http://127.0.0.1:8080/x')
  })

  it('follows nothing else', () => {
    const others = [
      'javascript:alert(1)',
      ' javascript:alert(1)',
      'data:text/html,x',
      '//shop.example',
      '/x',
      '',
      'https://',
    ]
    for (const url of others) assert.equal(safeUrl(url), null, url)
    assert.equal(safeUrl(null), null)
  })
})
