import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createFormat, localeFor } from './format.ts'

const plain = (text: string) => text.replace(/[\u00a0\u202f]/g, ' ')

describe('format', () => {
  it('writes amounts as the language does', () => {
    const money = { amount: '1234.50', currency: 'EUR' }
    assert.equal(createFormat('en-GB').money(money), '€1,234.50')
    assert.equal(plain(createFormat('es-ES').money(money)), '1234,50 €')
    assert.equal(plain(createFormat('pt-PT').money(money)), '1234,50 €')
  })

  it('knows currencies without cents', () => {
    assert.equal(plain(createFormat('es-CL').money({ amount: '15050', currency: 'CLP' })), '$15.050')
  })

  it('keeps every digit of a token amount, beyond what a number could hold', () => {
    const token = { amount: '9007199254740993.123456789012345678', symbol: 'USDC' }
    assert.equal(plain(createFormat('en-GB').token(token)), '9,007,199,254,740,993.123456789012345678 USDC')
    assert.equal(plain(createFormat('en-GB').token({ amount: '148.320000', symbol: 'USDC' })), '148.32 USDC')
  })

  it('writes prices, percents, and dates', () => {
    const format = createFormat('es-ES')
    assert.equal(plain(format.rate('USDC', '0.921500', 'EUR')), '1 USDC = 0,9215 €')
    assert.equal(plain(format.percent('2.50')), '2,5 %')
    assert.equal(format.day('1990-04-23'), '23 de abril de 1990')
    assert.equal(format.country('CO'), 'Colombia')
    assert.equal(format.clock(581), '9:41')
  })
})

describe('localeFor', () => {
  it('keeps the browser’s own region where it speaks the language', () => {
    assert.equal(localeFor('es', ['en-US', 'es-CL']), 'es-CL')
    assert.equal(localeFor('es', ['en-US']), 'es-ES')
    assert.equal(localeFor('es', ['es-419']), 'es-419')
    assert.equal(localeFor('en', ['en']), 'en-GB')
    assert.equal(localeFor('en', ['en-US@posix', 'C']), 'en-GB')
  })
})
