import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { sepaText } from './sepa-text.ts'

test('names of Europe keep their letters without the marks', () => {
  for (const [text, written] of [
    ['Ana Pérez García', 'Ana Perez Garcia'],
    ['Ñandú Straße', 'Nandu Strasse'],
    ['Łukasz Øvergård', 'Lukasz Overgard'],
    ['Müller & Söhne GmbH', 'Muller + Sohne GmbH'],
    ['O’Neill_Smith', "O'Neill-Smith"],
    ['李 小龙', '. ..'],
  ] as const) {
    assert.equal(sepaText(text, 70), written)
  }
})

test('whatever the text, only characters of SEPA come out, and not too many', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 1, max: 140 }), (text, most) => {
      const written = sepaText(text, most)
      return /^[A-Za-z0-9/?:().,'+ -]*$/.test(written) && written.length <= most
    }),
  )
})
