import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'

const FOREIGN = 'ES9121000418450200051332'
const WHY = ['--why', 'a test']
const folder = mkdtempSync(join(tmpdir(), 'bank-bad-input-'))
const missing = join(folder, 'none.xml')
const junk = join(folder, 'junk.xml')
const out = join(folder, 'out.xml')
let database: TestDatabase
let own: string

before(async () => {
  database = await createTestDatabase()
  writeFileSync(junk, '<Document><x/></Document>')
  own = /ES\d{22}/.exec(cli('accounts', 'list').stdout)![0]
})
after(async () => {
  await database.drop()
  rmSync(folder, { recursive: true })
})

const cli = (...args: string[]) =>
  spawnSync(process.execPath, [join(import.meta.dirname, 'main.ts'), ...args], {
    encoding: 'utf8',
    env: { ...process.env, DATABASE_URL: database.url, DATA_DIR: folder },
  })

function assertOneLine(args: string[], says: RegExp): void {
  const { status, stdout, stderr } = cli(...args)
  const told = `${args.join(' ')}\n${stdout}${stderr}`
  assert.equal(status, 1, told)
  assert.match(stderr, says, told)
  assert.equal(stderr.trimEnd().split('\n').length, 1, told)
}

describe('wrong input to a command ends with 1 and one line that says what is wrong', () => {
  it('a file that is missing, or is a folder', () => {
    assertOneLine(['bank', 'import', missing], /none\.xml: there is no such file\.$/m)
    assertOneLine(['bank', 'import', folder], /: is a folder; name the file\.$/m)
    assertOneLine(['bank', 'import', junk, '--mapping', missing], /none\.xml: there is no such file/)
    assertOneLine(['bank', 'orders', 'answer', missing, ...WHY], /none\.xml: there is no such file/)
    assertOneLine(['bank', 'orders', 'answer', folder, ...WHY], /is a folder/)
    assertOneLine(['bank', 'simulator', 'take', folder, '--answer', out], /is a folder/)
    assertOneLine(['bank', 'simulator', 'take', junk, '--answer', out], /is no file of orders \(pain/)
    const nowhere = join(folder, 'nowhere', 'out.xml')
    assertOneLine(['bank', 'orders', 'export', own, '--out', nowhere, ...WHY], /there is no folder/)
  })

  it('a day that is none, or days in the wrong order', () => {
    const to = ['--to', '2026-01-02', '--out', out]
    assertOneLine(['bank', 'close', '--date', '2026-02-30'], /2026-02-30 is no day/)
    assertOneLine(
      ['bank', 'simulator', 'statement', own, '--from', '2026-02-30', ...to],
      /2026-02-30 is no day/,
    )
    assertOneLine(
      ['bank', 'simulator', 'statement', own, '--from', '2026-01-03', ...to],
      /is after 2026-01-02/,
    )
    const on = ['--on', '2026-02-30', '--out', out]
    assertOneLine(['bank', 'orders', 'export', own, ...on, ...WHY], /2026-02-30 is no day/)
  })

  it('an account that is not ours, of which a list would be empty', () => {
    const unknown = new RegExp(`We have no account ${FOREIGN}`)
    assertOneLine(['bank', 'lines', '--iban', FOREIGN], unknown)
    assertOneLine(['bank', 'orders', FOREIGN], unknown)
    assertOneLine(['bank', 'orders', 'files', FOREIGN], unknown)
  })

  it('a limit of nothing is refused; an account may have begun overdrawn', () => {
    const none = cli('stuck', '--limit', '0')
    assert.deepEqual([none.status, none.stdout], [1, ''])
    assert.match(none.stderr, /must be 1 or more/)
    // The sandbox has booked what its accounts began with.
    assertOneLine(['bank', 'opening', own, '-12.00', ...WHY], /is booked already/)
  })
})
