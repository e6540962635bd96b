import assert from 'node:assert/strict'
import { execFile, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import pg from 'pg'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'

let database: TestDatabase
const folder = mkdtempSync(join(tmpdir(), 'bank-close-test-'))
before(async () => {
  database = await createTestDatabase()
})
after(async () => {
  await database.drop()
  rmSync(folder, { recursive: true })
})

/** The command on a sandbox of its own, whose accounts are opened as the program starts. */
function cli(args: readonly string[], env: Record<string, string> = {}) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(import.meta.dirname, 'main.ts'), ...args],
    {
      encoding: 'utf8',
      env: { ...process.env, DATABASE_URL: database.url, DATA_DIR: folder, ...env },
    },
  )
  return { status, stdout, stderr }
}

const today = (): string => new Date().toISOString().slice(0, 10)

describe('bank close and stuck', () => {
  it('a day that is not over, a day before there were accounts', () => {
    const early = cli(['bank', 'close', '--date', today()])
    assert.equal(early.status, 1)
    assert.match(early.stderr, /is not over/)
    const long = cli(['bank', 'close', '--date', '2020-01-31'])
    assert.deepEqual([long.status, long.stderr], [0, ''])
    assert.match(long.stdout, /no accounts of that day/)
  })

  it('nothing is stuck in a fresh sandbox, and the kinds say what they look for', () => {
    const none = cli(['stuck'])
    assert.deepEqual([none.status, none.stdout], [0, 'Nothing is stuck.\n'])
    const rules = cli(['stuck', '--rules', '--json'], { STUCK_AFTER: 'suspense_line=90m,webhook_parked=off' })
    const told = JSON.parse(rules.stdout) as { rule: string; after: string; mend: string }[]
    assert.equal(told.find(({ rule }) => rule === 'suspense_line')?.after, '1h30m')
    assert.equal(told.find(({ rule }) => rule === 'webhook_parked')?.after, 'off')
    assert.ok(told.every(({ mend }) => mend.length > 10))
  })

  it('a difference ends it with code 1, and says why', async () => {
    const client = new pg.Client({ connectionString: database.url })
    await client.connect()
    await client.query(`
      insert into bank_accounts (iban, bic, bank_name, holder_name, currency, created_at)
      values ('ES9121000418450200051332', 'CAIXESBBXXX', 'CaixaBank', 'Ramp SL', 'EUR', '2020-01-01T00:00:00Z')`)
    await client.end()
    const args = ['bank', 'close', '--date', '2020-01-31', '--who', 'olga']
    const text = cli(args)
    assert.equal(text.status, 1)
    assert.match(text.stdout, /ES9121000418450200051332 on 2020-01-31\n.*the books have 0\.00 EUR/)
    assert.match(
      text.stdout,
      /✗ ES9121000418450200051332 2020-01-31: .+, bank_silent\n +Nobody says .+\[no statement/,
    )
    const stuck = cli(['stuck', '--rule', 'statement_missing'])
    assert.match(stuck.stdout, /bank:ES9121000418450200051332 .*there was never one/)
    const again = cli([...args, '--json'])
    assert.equal(again.status, 1)
    const [account] = JSON.parse(again.stdout)
    assert.deepEqual(
      [account.run, account.agreed, account.bank, account.books, account.differences[0].cause],
      [2, false, null, '0.00', 'bank_silent'],
    )
  })

  it('two that close one day at once come after each other, and the second says so', async () => {
    const args = ['bank', 'close', '--date', '2020-02-29', '--iban', 'es91 2100 0418 4502 0005 1332']
    const env = { ...process.env, DATABASE_URL: database.url, DATA_DIR: folder }
    const outputs = await Promise.all(
      ['olga', 'maria', 'ines'].map(
        (who) =>
          new Promise<string>((resolve) =>
            execFile(
              process.execPath,
              [join(import.meta.dirname, 'main.ts'), ...args, '--who', who],
              { env },
              (_, stdout, stderr) => resolve(stdout + stderr),
            ),
          ),
      ),
    )
    assert.doesNotMatch(outputs.join('\n'), /unique|error/i)
    const heads = outputs.map((output) => output.split('\n')[0]!)
    const second = heads.filter((head) => / closed before by \w+ just now$/.test(head))
    const third = heads.filter((head) => / closed before by \w+ just now, 2 times in all$/.test(head))
    assert.deepEqual([second.length, third.length], [1, 1], heads.join('\n'))
  })

  it('a setting that is wrong is named', () => {
    const wrong = cli(['stuck'], { STUCK_AFTER: 'suspence=1h' })
    assert.equal(wrong.status, 1)
    assert.match(wrong.stderr, /STUCK_AFTER names "suspence"/)
  })
})
