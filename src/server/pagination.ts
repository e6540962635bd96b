import { createHash } from 'node:crypto'
import { Type } from 'typebox'
import { fail } from './errors.ts'

/** What every list takes: a page by number, or a cursor to go through all of it. */
export const PageFields = {
  page: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 10_000,
      description: 'From 1. Reaches 10,000 rows; use `cursor` beyond.',
    }),
  ),
  per_page: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, description: '25 unless told.' })),
  cursor: Type.Optional(
    Type.String({
      maxLength: 200,
      description: 'The `next_cursor` of the answer before, with the same filters.',
    }),
  ),
}

export interface Pagination {
  current_page: number | null
  per_page: number
  total: number | null
  total_is_exact: boolean
  last_page: number | null
  next_cursor: string | null
}

/** A list's answer. */
export interface List {
  data: readonly unknown[]
  pagination: Pagination
}

/** Page mode counts and reaches this far. */
export const MOST_PAGED_ROWS = 10_000
const PER_PAGE = 25

export interface PageRequest {
  perPage: number
  /** Rows to skip; only in page mode. */
  offset: number
  page: number | null
  /** Where to go on; only in cursor mode. */
  cursor: string | null
  /** Stands before each cursor of this list under these filters: no other list goes on with it. */
  mark: string
}

/** What a cursor belongs to: the list by its name, and the names of its filters. */
export interface ListOf {
  list: string
  filters: readonly string[]
}

/**
 * Reads a list's page fields; refuses a page beyond the rows that page mode reaches, and a cursor that another list
 * or the same one under other filters gave.
 */
export function readPage(
  query: Readonly<{ page?: number; per_page?: number; cursor?: string }>,
  of: ListOf,
): PageRequest {
  const perPage = query.per_page ?? PER_PAGE
  const mark = markOf(query, of)
  if (query.cursor !== undefined) {
    if (query.page === undefined) {
      if (!query.cursor.startsWith(mark)) refuseCursor()
      return { perPage, offset: 0, page: null, cursor: query.cursor.slice(mark.length), mark }
    }
    fail('invalid_field', 'Send page or cursor, not both.', {
      errors: { page: ['must not be sent with cursor'] },
    })
  }
  const page = query.page ?? 1
  if (page * perPage > MOST_PAGED_ROWS) {
    const problem = `reaches at most ${MOST_PAGED_ROWS} rows; go on with cursor`
    fail('invalid_field', `page ${problem}.`, { errors: { page: [problem] } })
  }
  return { perPage, offset: (page - 1) * perPage, page, cursor: null, mark }
}

/** No secret: it tells lists apart, and a caller who writes a cursor of their own finds only their own rows. */
function markOf(query: Readonly<Record<string, unknown>>, { list, filters }: ListOf): string {
  const asked = [list, ...filters.map((name) => query[name] ?? null)]
  return createHash('sha256').update(JSON.stringify(asked)).digest('base64url').slice(0, 8)
}

export function refuseCursor(): never {
  const problem = 'must be the next_cursor of an answer of this list with the same filters'
  fail('invalid_field', `cursor ${problem}.`, { errors: { cursor: [problem] } })
}

/**
 * Puts a list's answer together. `rows` holds one row more than the page has when there are further ones; `counted`
 * are the rows that fit the filters, counted up to one more than page mode reaches (null in cursor mode).
 */
export function listed<Row>(
  { perPage, page, mark }: PageRequest,
  given: {
    rows: readonly Row[]
    counted: number | null
    cursorOf: (row: Row) => string
    render: (row: Row) => unknown
  },
): List {
  const shown = given.rows.slice(0, perPage)
  const last = shown.at(-1)
  const total = given.counted === null ? null : Math.min(given.counted, MOST_PAGED_ROWS)
  return {
    data: shown.map(given.render),
    pagination: {
      current_page: page,
      per_page: perPage,
      total,
      total_is_exact: given.counted !== null && given.counted <= MOST_PAGED_ROWS,
      last_page: total === null ? null : Math.max(1, Math.ceil(total / perPage)),
      next_cursor: given.rows.length > perPage && last !== undefined ? mark + given.cursorOf(last) : null,
    },
  }
}
