import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import pg from 'pg'
import { createEmptyDatabase, createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { backup, restore } from './backup.ts'

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
