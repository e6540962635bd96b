import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import pg from 'pg'
import { createTestDatabase } from './database.ts'

async function query(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query(sql)).rows
  } finally {
    await client.end()
  }
}

test('databases made at once are migrated, apart from each other, and gone when dropped', async () => {
  const databases = await Promise.all([createTestDatabase(), createTestDatabase(), createTestDatabase()])
  const [first, second] = databases
  const files = readdirSync(join(import.meta.dirname, '../../src/db/migrations')).filter((name) =>
    name.endsWith('.sql'),
  )
  const migrated = await query(first!.url, 'select name from migrations order by name')
  assert.deepEqual(
    migrated.map(({ name }) => name),
    files.sort(),
  )
  await query(first!.url, 'create table only_here (n int)')
  await assert.rejects(query(second!.url, 'select * from only_here'), /does not exist/)
  for (const database of databases) await database.drop()
  await assert.rejects(query(first!.url, 'select 1'), /does not exist/)
})
