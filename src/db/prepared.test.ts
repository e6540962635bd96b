import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { sql } from 'kysely'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { openDatabase } from './database.ts'

let database: TestDatabase
let opened: ReturnType<typeof openDatabase>

before(async () => {
  database = await createTestDatabase()
  opened = openDatabase({ url: database.url, poolSize: 1, onPoolError: () => {} })
})
after(async () => {
  await opened.db.destroy()
  await database.drop()
})

const prepared = async (like: string): Promise<number> => {
  const { rows } = await opened.pool.query(
    `select count(*)::int as count from pg_prepared_statements where statement like '${like}'`,
  )
  return rows[0].count
}

test('a statement is prepared once, whatever its parameters, and answers the same', async () => {
  const { db } = opened
  for (let value = 1; value <= 10; value += 1) {
    const { rows } = await sql<{ twice: number }>`select ${value}::integer * 2 as twice`.execute(db)
    assert.deepEqual(rows, [{ twice: value * 2 }])
  }
  assert.equal(await prepared('select $1::integer * 2%'), 1)
  await opened.pool.query('select $1::text as given', ['by the pool itself'])
  assert.equal(await prepared('select $1::text as given'), 1)
})

test('a failing statement fails as ever, in a transaction too, and the connection goes on', async () => {
  const { db } = opened
  const broken = db.transaction().execute((trx) => sql`select 1 / ${0}::integer`.execute(trx))
  await assert.rejects(broken, /division by zero/)
  await assert.rejects(sql`select ${1}::integer from nowhere`.execute(db), /does not exist/)
  const { rows } = await sql<{ one: number }>`select ${1}::integer as one`.execute(db)
  assert.equal(rows[0]?.one, 1)
})

test('after a table has changed a statement fails at most once', async () => {
  const { db, pool } = opened
  await pool.query('create table changing (a integer)')
  const read = () => sql`select * from changing where a > ${0}::integer`.execute(db)
  await read()
  await pool.query('alter table changing add column b integer')
  await read().catch((error: Error) => assert.match(error.message, /cached plan/))
  assert.deepEqual((await read()).rows, [])
})
