import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { pickLanguage } from './language.ts'

describe('pickLanguage', () => {
  it('follows the switch first, then the integrator, then the browser', () => {
    const browser = ['de-DE', 'pt-BR', 'es']
    assert.equal(pickLanguage({ chosen: 'es', registered: 'en', browser }), 'es')
    assert.equal(pickLanguage({ chosen: null, registered: 'en', browser }), 'en')
    assert.equal(pickLanguage({ chosen: null, registered: null, browser }), 'pt')
  })

  it('speaks English where it knows none of them', () => {
    assert.equal(pickLanguage({ chosen: 'xx', registered: null, browser: ['de'] }), 'en')
  })
})
