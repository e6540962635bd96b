import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import fc from 'fast-check'
import { createSanctionsList, readSanctionsList } from './sanctions.ts'

const finds = (entry: string, name: string): boolean =>
  createSanctionsList('test', [entry]).find(name) === entry

const LIKE: [entry: string, names: string[]][] = [
  ['王 伟', ['王 伟', '王伟', '伟 王']],
  ['王伟', ['王伟', '王 伟', '伟 王']],
  ['Suharto', ['Suharto', 'SUHARTO', 'Suharto Suharto', 'Suhartò', 'Suhrto']],
  ['Kim U', ['Kim U', 'U Kim', 'KIM U']],
  ['A B', ['A B', 'B A']],
  ['Li A Bo', ['Li A Bo', 'Bo A Li', 'Li An Bo']],
  ['John A Smith', ['John A. Smith', 'John Albert Smith']],
  ["Sean O'Brien", ["Sean O'Brien", 'Sean O Brien', 'Sean Patrick O Brien', 'SEAN OBRIEN']],
  ['María Bloqueada Ejemplo', ['EJEMPLO Bloqueada, María', 'María José Bloqueada Ejemplo Pérez']],
  ['Al-Designated, Abdul Rahman', ['Abdul Rahman al Designated', 'Abdul Rahman AlDesignated']],
]

for (const [entry, names] of LIKE) {
  test(`${entry} is found`, () => {
    for (const name of names) assert.ok(finds(entry, name), name)
  })
}

const UNLIKE: [entry: string, names: string[]][] = [
  ['王 伟', ['王', '李 伟', '王 小明']],
  ['Suharto', ['Suharto Widodo', 'Sukarno', '']],
  ['Kim U', ['Kim', 'U', 'Kim Il']],
  ['A B', ['Ana Bermúdez', 'A C', 'A']],
  ['Li A Bo', ['Li Bo', 'Bo Li']],
  ['María Bloqueada Ejemplo', ['María Ejemplo', 'Bloqueada']],
]

for (const [entry, names] of UNLIKE) {
  test(`${entry} is not seen in others`, () => {
    for (const name of names) assert.ok(!finds(entry, name), name)
  })
}

test('every listed name with a letter is found by itself, backwards too', () => {
  const word = fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 8 })
    .filter((some) => /\p{L}/u.test(some))
  fc.assert(
    fc.property(
      fc.array(word, { minLength: 1, maxLength: 4 }),
      (words) =>
        finds(words.join(' '), words.join(' ')) && finds(words.join(' '), words.toReversed().join(' ')),
    ),
  )
})

const folder = mkdtempSync(join(tmpdir(), 'sanctions-'))
after(() => rmSync(folder, { recursive: true }))

test('entries that could never be found are told when the list is read', () => {
  const path = join(folder, 'list.json')
  writeFileSync(path, JSON.stringify({ name: 'x', people: ['Suharto', ' — ', '', 7, '王'] }))
  assert.throws(() => readSanctionsList(path), /never be found: 2 \(" — "\), 3 \(""\), 4 \(7\)\.$/)
  writeFileSync(path, JSON.stringify({ name: 'x', people: ['Suharto', '王'] }))
  assert.equal(readSanctionsList(path).find('王'), '王')
})
