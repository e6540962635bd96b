import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import pg from 'pg'
import { createEmptyDatabase, createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { BackupError, backup, restore } from './backup.ts'

let from: TestDatabase
let into: TestDatabase
let folder: string
before(async () => {
  ;[from, into] = await Promise.all([createTestDatabase(), createEmptyDatabase()])
  folder = mkdtempSync(join(tmpdir(), 'cryptopocket-backup-'))
})
after(async () => {
  await Promise.all([from.drop(), into.drop()])
  rmSync(folder, { recursive: true, force: true })
})

/** The next index of deposit addresses, taken so many times. */
async function take({ url }: TestDatabase, times: number): Promise<number[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const { rows } = await client.query(
      `select nextval('deposit_indexes')::integer as index from generate_series(1, $1)`,
      [times],
    )
    return rows.map((row) => row.index)
  } finally {
    await client.end()
  }
}

test('a restored database gives none of the deposit addresses again that were given out after the backup', async () => {
  const file = join(folder, 'state.cpbackup')
  assert.deepEqual(await take(from, 3), [1, 2, 3])
  await backup(from.url, file, new Date('2026-06-26T10:30:00Z'))
  const later = await take(from, 5)
  await restore(into.url, file, { replace: false })
  const first = await take(into, 2)
  assert.ok(Math.min(...first) > Math.max(...later) + 900_000, `${first}`)
  assert.equal(new Set(first).size, 2)
  // Restored once more: what was given out between is skipped as well.
  await backup(into.url, file, new Date('2026-06-26T10:31:00Z'))
  const between = await take(into, 5)
  await restore(from.url, file, { replace: true })
  assert.ok(Math.min(...(await take(from, 1))) > Math.max(...between))
})

test('what a trigger looks for is restored before what refers to it', async () => {
  const client = new pg.Client({ connectionString: from.url })
  await client.connect()
  try {
    await client.query(`
      insert into bank_accounts (iban, bic, bank_name, holder_name, currency, created_at)
        values ('ES9121000418450200051332', 'CAIXESBBXXX', 'Bank', 'Holder', 'EUR', now());
      insert into bank_transactions (iban, id, bank_ref, booked_at, booked_on, value_date, direction, units, currency,
                                     counterparty_sealed, concept, created_at)
        values ('ES9121000418450200051332', 'line', 'ref', now(), now(), now(), 'credit', 100, 'EUR', '', '', now());
      insert into statement_imports (id, digest, file_name, format, bytes, storage_key, source, imported_by, lines, added, created_at)
        values ('import', '', 'file', 'csv', 1, 'key', 'command', 'me', 1, 1, now());
      insert into statements (import_id, position, iban, currency, lines, added, complete)
        values ('import', 1, 'ES9121000418450200051332', 'EUR', 1, 1, true);
      insert into statement_lines (import_id, position, number, iban, transaction_id, print)
        values ('import', 1, 1, 'ES9121000418450200051332', 'line', '');
      with journal as (insert into journals (kind, purpose, at) values ('test', 'test', now()) returning id)
        insert into postings (journal_id, line, account, asset, units)
        select id, line, 'account:' || line, 'EUR', case line when 1 then 5 else -5 end
          from journal, generate_series(1, 2) line`)
  } finally {
    await client.end()
  }
  const file = join(folder, 'lines.cpbackup')
  await backup(from.url, file, new Date('2026-06-26T10:32:00Z'))
  await restore(into.url, file, { replace: true })
  const restored = new pg.Client({ connectionString: into.url })
  await restored.connect()
  try {
    const { rows } = await restored.query(
      'select (select count(*)::integer from statement_lines) as lines, (select count(*)::integer from postings) as entries',
    )
    assert.deepEqual(rows, [{ lines: 1, entries: 2 }])
  } finally {
    await restored.end()
  }
})

test('a backup that can’t be written leaves nothing behind', async () => {
  const place = join(folder, 'place')
  mkdirSync(place)
  await assert.rejects(backup(from.url, place, new Date()), /EISDIR|EEXIST|ENOTEMPTY|EPERM/)
  assert.equal(existsSync(`${place}.unfinished`), false)
})

test('a file that is not there, or is no backup, is refused before anything is touched', async () => {
  const none = join(folder, 'none.cpbackup')
  await assert.rejects(restore(into.url, none, { replace: true }), BackupError)
  writeFileSync(none, 'not a backup')
  await assert.rejects(restore(into.url, none, { replace: true }), BackupError)
  await assert.rejects(restore(into.url, folder, { replace: true }), BackupError)
})
