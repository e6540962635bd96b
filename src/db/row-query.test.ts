import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { CompiledQuery, sql } from 'kysely'
import type pg from 'pg'
import { createTestDatabase } from '../../test/support/database.ts'
import { type Db, openDatabase } from './database.ts'

/** Enough for a statement to be prepared, and then asked for by its name. */
const TIMES = 6

let db: Db
let pool: pg.Pool
let drop: () => Promise<void>
before(async () => {
  const database = await createTestDatabase()
  ;({ db, pool } = openDatabase({ url: database.url, poolSize: 2, onPoolError: () => {} }))
  drop = async () => {
    await db.destroy()
    await database.drop()
  }
  await sql`create table things (thing_id integer, made_at timestamptz, price_units numeric, some_data jsonb, plain text)`.execute(
    db,
  )
  await sql`insert into things values
    (1, '2026-02-28 23:59:59.987654+00', 12345678901234567890, '{"snake_case": [{"in_side": 1}]}', 'x'),
    (2, null, null, null, null)`.execute(db)
})
after(() => drop())

const FIRST = {
  thingId: 1,
  madeAt: new Date('2026-02-28T23:59:59.987Z'),
  priceUnits: 12_345_678_901_234_567_890n,
  someData: { snake_case: [{ in_side: 1 }] },
  plain: 'x',
}
const SECOND = { thingId: 2, madeAt: null, priceUnits: null, someData: null, plain: null }

test('rows have camelCase names, be the statement simple, prepared, or in a transaction; JSON keeps its own', async () => {
  assert.deepEqual((await sql`select * from things order by thing_id`.execute(db)).rows, [FIRST, SECOND])
  const above = sql`select * from things where thing_id > ${0} order by thing_id`
  for (let time = 0; time < TIMES; time += 1) {
    const { rows } = await above.execute(db)
    assert.deepEqual(rows, [FIRST, SECOND])
    assert.deepEqual(Object.keys(rows[0]!), Object.keys(FIRST))
    assert.deepEqual((await sql`select * from things where thing_id > ${9}`.execute(db)).rows, [])
  }
  await db.transaction().execute(async (trx) => {
    for (let time = 0; time < TIMES; time += 1)
      assert.deepEqual((await above.execute(trx)).rows, [FIRST, SECOND])
  })
})

test('what is written answers how many rows it was, and its rows where they are asked for', async () => {
  for (let time = 0; time < TIMES; time += 1) {
    const plain = await sql`update things set plain = plain where thing_id = ${1}`.execute(db)
    assert.deepEqual([plain.numAffectedRows, plain.rows], [1n, []])
    const returned =
      await sql`update things set plain = plain where thing_id = ${1} returning thing_id, some_data`.execute(
        db,
      )
    assert.equal(returned.numAffectedRows, 1n)
    assert.deepEqual(returned.rows, [{ thingId: 1, someData: FIRST.someData }])
  }
})

test('of columns of one name the last one counts, also where it is null', async () => {
  for (let time = 0; time < TIMES; time += 1) {
    const { rows } = await sql`
      select one.thing_id, one.made_at, two.made_at, 5 as "?column?", two.thing_id as "thingId"
        from things one join things two on two.thing_id = ${2} where one.thing_id = 1`.execute(db)
    assert.deepEqual(rows, [{ thingId: 2, madeAt: null, '?column?': 5 }])
  }
})

test('the rows of one result, of one statement, and of two connections are each their own', async () => {
  const ask = async () =>
    (await sql<typeof FIRST>`select * from things where thing_id = ${1}`.execute(db)).rows
  for (let time = 0; time < TIMES; time += 1) {
    const [[one], [two]] = await Promise.all([ask(), ask()])
    one!.plain = 'changed'
    one!.someData.snake_case = []
    assert.deepEqual(two, FIRST)
    assert.deepEqual((await ask())[0], FIRST)
  }
})

test('a value that cannot be sent, or one that cannot be read, is an error, and the connection goes on', async () => {
  const circle: Record<string, unknown> = {}
  circle.self = circle
  await db.connection().execute(async (connection) => {
    const echo = (value: unknown) =>
      connection.executeQuery(CompiledQuery.raw('select $1::jsonb as one_value', [value]))
    const whole = (value: string) =>
      connection.executeQuery(CompiledQuery.raw('select $1::text::numeric as one_value', [value]))
    for (let time = 0; time < TIMES; time += 1) {
      assert.deepEqual((await echo({ a_b: 1 })).rows, [{ oneValue: { a_b: 1 } }])
      await assert.rejects(echo(circle), /circular/)
      assert.deepEqual((await whole('7')).rows, [{ oneValue: 7n }])
      await assert.rejects(whole('1.0'), SyntaxError)
      await assert.rejects(whole('x'), /invalid input syntax for type numeric/)
    }
  })
})

test('values of all types are those that the driver itself reads, however the bytes come in', async () => {
  const columns = [
    ...['0', '-7', '2147483647', 'null'].map((value) => `${value}::integer`),
    ...['-32768', '32767'].map((value) => `'${value}'::smallint`),
    ...['0', '999999999999999', '-999999999999999', '9007199254740993', '-9223372036854775808'].map(
      (value) => `'${value}'::bigint`,
    ),
    ...['0', '-1', '999999999999999', '-1000000000000000', '9'.repeat(70)].map(
      (value) => `${value}::numeric`,
    ),
    ...['', ' ', 'ñ€😀', 'a\nb', '12', 'x'.repeat(200_000)].map((value) => `'${value}'::text`),
    ...['ü', 'null'].map((value) => `'${value}'::varchar(9)`),
    ...['true', 'false', 'null::boolean', "'2026-02-28'::date", "'\\xff00'::bytea", 'array[1, null, 3]'],
    ...["'2026-02-28 23:59:59.5+00'::timestamptz", "'infinity'::timestamptz", "'2026-01-01'::timestamp"],
    ...[
      "'2026-02-28 23:59:59+00 BC'::timestamptz",
      '\'{"a_b": null}\'::json',
      '1.5::float8',
      "'{a,b}'::text[]",
    ],
  ]
  const text = `select ${columns.map((column, at) => `${column} as "column${at}"`).join(', ')}, $1::integer as number
                  from generate_series(1, 4)`
  for (let time = 0; time < TIMES; time += 1) {
    const direct = await pool.query(text, [time])
    const { rows } = await db.executeQuery(CompiledQuery.raw(text, [time]))
    assert.equal(rows.length, 4)
    assert.deepEqual(rows, direct.rows)
  }
})

test('who asks the driver directly gets the names of the database', async () => {
  for (let time = 0; time < TIMES; time += 1) {
    const { rows } = await pool.query('select thing_id, made_at from things where thing_id = $1', [1])
    assert.deepEqual(rows, [{ thing_id: 1, made_at: FIRST.madeAt }])
    await sql`select thing_id, made_at from things where thing_id = ${1}`.execute(db)
  }
  const client = await pool.connect()
  try {
    assert.deepEqual((await client.query('select thing_id from things order by thing_id')).rows, [
      { thing_id: 1 },
      { thing_id: 2 },
    ])
  } finally {
    client.release()
  }
})
