import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Failure } from './errors.ts'
import { listed, readPage } from './pagination.ts'

const PAYMENTS = { list: 'payments', filters: ['status', 'from'] }

/** The cursor that a page of the list with these filters ends with. */
function cursorOf(query: object, of = PAYMENTS): string {
  const { pagination } = listed(readPage({ per_page: 1, ...query }, of), {
    rows: ['a', 'b'],
    counted: 2,
    cursorOf: (row) => `after-${row}`,
    render: (row) => row,
  })
  assert.ok(pagination.next_cursor)
  return pagination.next_cursor
}

const isRefused = (error: unknown) =>
  error instanceof Failure && error.code === 'invalid_field' && Object.hasOwn(error.detail.errors!, 'cursor')

test('a cursor goes on with its own list, with pages of any size', () => {
  const filters = { status: 'started' }
  const cursor = cursorOf(filters)
  assert.equal(readPage({ ...filters, cursor }, PAYMENTS).cursor, 'after-a')
  assert.equal(readPage({ ...filters, cursor, per_page: 7 }, PAYMENTS).cursor, 'after-a')
  const second = cursorOf({ ...filters, cursor })
  assert.equal(readPage({ ...filters, cursor: second }, PAYMENTS).cursor, 'after-a')
  // A parameter that is no filter of the list changes nothing.
  assert.equal(readPage({ ...filters, cursor, unknown: '1' } as object, PAYMENTS).cursor, 'after-a')
})

test('and with no other list, nor with the same under other filters', () => {
  const cursor = cursorOf({ status: 'started' })
  for (const [query, of] of [
    [{ status: 'started' }, { ...PAYMENTS, list: 'customers' }],
    [{ status: 'coins_sent' }, PAYMENTS],
    [{}, PAYMENTS],
    [{ from: 'started' }, PAYMENTS],
    [{ status: 'started', from: '2026-01-01' }, PAYMENTS],
  ] as const) {
    assert.throws(() => readPage({ ...query, cursor }, of), isRefused)
  }
  for (const made of ['', 'after-a', cursor.slice(1), `x${cursor}`])
    assert.throws(() => readPage({ status: 'started', cursor: made } as object, PAYMENTS), isRefused)
})
