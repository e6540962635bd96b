import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { sql } from 'kysely'
import { createTestDatabase } from '../../test/support/database.ts'
import { type Db, openDatabase } from './database.ts'

let db: Db
let drop: () => Promise<void>
before(async () => {
  const database = await createTestDatabase()
  db = openDatabase({ url: database.url, poolSize: 1, onPoolError: () => {} }).db
  drop = async () => {
    await db.destroy()
    await database.drop()
  }
})
after(() => drop())

/** The list as the server gives it back, element by element. */
const elements = async (values: readonly unknown[], type: string): Promise<unknown[]> =>
  (
    await sql<{ one: unknown }>`
      select one from unnest(${values}::${sql.raw(type)}[]) with ordinality given (one, place) order by place`.execute(
      db,
    )
  ).rows.map(({ one }) => one)

const LISTS: { type: string; values: unknown[] }[] = [
  { type: 'bytea', values: [Buffer.from([0, 1, 255]), null, Buffer.alloc(0), Buffer.alloc(3_000, 7)] },
  { type: 'bytea', values: [null, null] },
  { type: 'bytea', values: [] },
  {
    type: 'text',
    values: [
      '',
      ' a ',
      'NULL',
      null,
      'a,b',
      '{c}',
      'say "it"',
      'back\\slash\\"',
      'two\nlines',
      'ñ€😀',
      "o'",
      '\\x00',
      'a "quoted"\nline \\ and\ttab',
      '"\u007f\u2028\u00e9\ud83d\ude00\u0001"',
    ],
  },
  {
    type: 'text',
    values: [
      '',
      ' a ',
      'NULL',
      'null',
      null,
      'a,b',
      '{c}',
      'say "it"',
      'back\\slash\\"',
      'ñ€😀\u007f\u2028',
      '\\n',
    ],
  },
  { type: 'text', values: [] },
  { type: 'jsonb', values: [['a "quoted" \\ text'], { a: null }].map((one) => JSON.stringify(one)) },
  { type: 'integer', values: [1, -2, null, 0] },
  { type: 'boolean', values: [true, false, null] },
  {
    type: 'timestamptz',
    values: [new Date('2026-02-28T23:59:59.999Z'), null, new Date(0), new Date(0), new Date(1), new Date(0)],
  },
]

for (const [at, { type, values }] of LISTS.entries()) {
  test(`lists of ${type} arrive as they are (${at + 1})`, async () => {
    const expected = type === 'jsonb' ? values.map((text) => JSON.parse(text as string)) : values
    for (let time = 0; time < 4; time += 1) assert.deepEqual(await elements(values, type), expected)
  })
}

test('base units, days, and years of more than four digits arrive as they are', async () => {
  assert.deepEqual(await elements(['9'.repeat(70), '-1'], 'numeric'), [BigInt('9'.repeat(70)), -1n])
  assert.deepEqual(await elements(['2026-12-31', null], 'date'), ['2026-12-31', null])
  const far = new Date('+012026-01-01T00:00:00Z')
  assert.deepEqual(await elements([far, new Date(0), far], 'timestamptz'), [far, new Date(0), far])
})
