import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isSamePerson } from './same-person.ts'

test('a name as banks write it is the same person', () => {
  const same: [string, string][] = [
    ['Ana Pérez García', 'PEREZ GARCIA ANA'],
    ['Ana Pérez García', 'Ana Perez'],
    ['Ana Pérez García', 'PEREZ GARCIA, ANA MARIA'],
    ['José Ñandú', 'JOSE NANDU'],
    ['Remesas del Sur SL', 'REMESAS DEL SUR, S.L.'],
    ['Li', 'LI WEI'],
  ]
  for (const [one, other] of same) assert.ok(isSamePerson(one, other), `${one} = ${other}`)
})

test('another person is not', () => {
  const different: [string, string][] = [
    ['Ana Pérez García', 'Bruno Lima'],
    ['Ana Pérez García', 'Luis Pérez'],
    ['Ana Pérez García', ''],
    ['', ''],
    ['Ana Pérez', 'A. P.'],
  ]
  for (const [one, other] of different) assert.ok(!isSamePerson(one, other), `${one} ≠ ${other}`)
})

test('it does not matter who is asked about whom, and everybody is the same as themselves', () => {
  const names = fc.array(fc.stringMatching(/^[A-Z][a-z]{1,8}$/), { minLength: 1, maxLength: 4 })
  fc.assert(
    fc.property(names, names, (one, other) => {
      const [a, b] = [one.join(' '), other.join(' ')]
      return isSamePerson(a, b) === isSamePerson(b, a) && isSamePerson(a, a.toUpperCase())
    }),
  )
})
