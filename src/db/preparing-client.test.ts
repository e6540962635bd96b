import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { sql } from 'kysely'
import { createTestDatabase } from '../../test/support/database.ts'
import { type Db, openDatabase } from './database.ts'
import { createStatementNames } from './preparing-client.ts'

describe('prepared statements', () => {
  let db: Db
  let drop: () => Promise<void>
  before(async () => {
    const database = await createTestDatabase()
    db = openDatabase({ url: database.url, poolSize: 1, onPoolError: () => {} }).db
    drop = async () => {
      await db.destroy()
      await database.drop()
    }
    await sql`create table counted (n integer)`.execute(db)
    await sql`insert into counted values (1), (2), (3)`.execute(db)
  })
  after(() => drop())

  const above = async (n: number): Promise<unknown[]> =>
    (await sql`select * from counted where n > ${n} order by n`.execute(db)).rows
  const prepared = async (): Promise<number> =>
    (
      await sql<{
        count: number
      }>`select count(*) from pg_prepared_statements where statement like '%counted%'`.execute(db)
    ).rows[0]!.count

  it('are those that come back, with the values of each call', async () => {
    for (const n of [0, 1]) await above(n)
    assert.equal(await prepared(), 0)
    for (let time = 0; time < 10; time += 1) assert.deepEqual(await above(1), [{ n: 2 }, { n: 3 }])
    assert.deepEqual(await above(2), [{ n: 3 }])
    assert.equal(await prepared(), 1)
  })

  it('are made anew when the table got another column', async () => {
    await sql`alter table counted add column text text default 'x'`.execute(db)
    assert.deepEqual(await above(2), [{ n: 3, text: 'x' }])
    await sql`alter table counted drop column text`.execute(db)
    await assert.rejects(
      db.transaction().execute(async (trx) => {
        for (let time = 0; time < 5; time += 1)
          await sql`select * from counted where n > ${time}`.execute(trx)
        await sql`alter table counted add column again integer`.execute(trx)
        await sql`select * from counted where n > ${1}`.execute(trx)
      }),
      /cached plan must not change result type/,
    )
    assert.deepEqual(await above(2), [{ n: 3 }])
  })

  it('errors of a statement stay what they are', async () => {
    for (let time = 0; time < 4; time += 1)
      await assert.rejects(sql`select 1 / ${0}::integer`.execute(db), /division by zero/)
  })

  it('texts that never come back are not kept', () => {
    const names = createStatementNames()
    for (let n = 0; n < 5_000; n += 1) assert.equal(names.find(`select ${n}`), undefined)
    assert.equal(names.find('again') ?? names.find('again'), undefined)
    const name = names.find('again')
    assert.ok(name)
    assert.equal(names.find('again'), name)
    names.forget()
    assert.equal(names.find('again') ?? names.find('again'), undefined)
    assert.notEqual(names.find('again'), name)
  })
})
