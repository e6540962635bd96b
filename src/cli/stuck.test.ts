import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, it } from 'node:test'
import pg from 'pg'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'

let database: TestDatabase
const folder = mkdtempSync(join(tmpdir(), 'stuck-test-'))
before(async () => {
  database = await createTestDatabase()
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

it('says how many the limit keeps back, and shows the newest of them', async () => {
  cli('accounts', 'list')
  const client = new pg.Client({ connectionString: database.url })
  await client.connect()
  const { rows } = await client.query<{ iban: string }>(
    `update bank_accounts a set due_at = null, created_at = now() - (100 + place) * interval '1 day'
       from (select iban, row_number() over (order by iban) as place from bank_accounts where status = 'active') given
      where a.iban = given.iban returning a.iban`,
  )
  await client.end()
  const ibans = rows.map(({ iban }) => iban).sort()
  assert.ok(ibans.length >= 2)
  const { stdout } = cli('stuck', '--rule', 'statement_missing', '--limit', '1')
  const more = `statement_missing: and ${ibans.length - 1} more: --limit ${ibans.length} lists them. The newest:`
  const [oldest, newest] = stdout.split(more)
  assert.ok(newest !== undefined, stdout)
  assert.ok(oldest!.includes(ibans.at(-1)!) && newest.includes(ibans[0]!), stdout)
  assert.doesNotMatch(cli('stuck', '--rule', 'statement_missing').stdout, / more: /)
})
