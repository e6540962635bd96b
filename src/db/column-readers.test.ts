import assert from 'node:assert/strict'
import { test } from 'node:test'
import pg from 'pg'
import { createTestDatabase } from '../../test/support/database.ts'
import { readTimestamp } from './column-readers.ts'

const driversParser = pg.types.getTypeParser(1184) as (text: string) => unknown

/** Between other bytes, as in a row. */
const parseTimestamp = (text: string) => readTimestamp(Buffer.from(`12${text}34`), 2, 2 + text.length)

/** The same numbers at each run. */
function numbers(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

const two = (value: number): string => String(value).padStart(2, '0')

test('times are what the driver takes them for, whatever their year, fraction and zone', () => {
  const below = numbers(7)
  const zones = ['+00', '+00', '+00', '+01', '-03', '+05:30', '-00:19:32', '+00:00:28']
  const years = [1 + below(99), 100 + below(900), 1_000 + below(9_000), 2_026, 10_000 + below(90_000)]
  for (let time = 0; time < 20_000; time += 1) {
    const year = below(3) > 0 ? 1_970 + below(100) : years[below(years.length)]!
    const day = `${String(year).padStart(4, '0')}-${two(1 + below(12))}-${two(1 + below(28))}`
    const fraction = below(4) > 0 ? `.${String(below(1_000_000)).slice(0, 1 + below(6))}` : ''
    const clock = `${two(below(24))}:${two(below(60))}:${two(below(60))}${fraction}`
    const text = `${day} ${clock}${zones[below(zones.length)]}${below(50) === 0 ? ' BC' : ''}`
    assert.deepEqual(parseTimestamp(text), driversParser(text), text)
  }
})

test('every fraction of a second that the server keeps is cut to the same milliseconds', () => {
  for (let part = 0; part < 1_000_000; part += 37) {
    const text = `2026-02-28 23:59:59.${String(part).padStart(6, '0').replace(/0+$/, '') || '0'}+00`
    assert.deepEqual(parseTimestamp(text), driversParser(text), text)
  }
})

test('what a server writes at the ends of time, and of other styles, is left to the driver', () => {
  const texts = [
    'infinity',
    '-infinity',
    '0001-01-01 00:00:00+00',
    '0001-01-01 00:00:00+00 BC',
    '4713-11-24 00:00:00+00 BC',
    '0099-12-31 23:59:59.999999+00',
    '9999-12-31 23:59:59.999999+00',
    '10000-01-01 00:00:00+00',
    '294276-12-31 23:59:59.999999+00',
    '2026-02-28 23:59:59',
    '2026-02-28',
    'Sat Feb 28 23:59:59 2026 UTC',
    '28/02/2026 23:59:59 UTC',
  ]
  for (const text of texts) assert.deepEqual(parseTimestamp(text), driversParser(text), text)
})

test('a server that is set to another zone and precision tells the same times', async () => {
  const database = await createTestDatabase()
  const client = new pg.Client({ connectionString: database.url })
  await client.connect()
  try {
    const { rows } = await client.query(`
      select extract(epoch from at)::text as seconds, at::text as text from
        (select timestamptz '2026-03-29 00:59:59.123456+00' + n * interval '37 days 7 hours 11.7 seconds' as at
           from generate_series(-1000, 1000) n)`)
    for (const zone of ['UTC', 'Europe/Madrid', 'Asia/Kolkata', 'America/St_Johns']) {
      await client.query(`set timezone = '${zone}'`)
      const given = await client.query(
        'select at::timestamptz::text as text from unnest($1::text[]) with ordinality given (at, place) order by place',
        [rows.map(({ text }) => text)],
      )
      assert.deepEqual(
        given.rows.map(({ text }) => (parseTimestamp(text) as Date).getTime()),
        rows.map(({ seconds }) => Math.floor(Number(seconds) * 1000)),
      )
    }
  } finally {
    await client.end()
    await database.drop()
  }
})
