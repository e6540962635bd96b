import { type RawBuilder, sql } from 'kysely'
import { Type } from 'typebox'
import type { Db } from '../db/database.ts'
import { Moment, readMoment } from './fields.ts'
import { MOST_PAGED_ROWS, type PageRequest, refuseCursor } from './pagination.ts'

type Sql = RawBuilder<unknown>

/** A list that goes newest first, by `created_at` and then `id`, through one index. */
export interface NewestFirst {
  table: 'customers' | 'payments' | 'sales' | 'bank_transactions'
  integrationId: number
  /** Where the rows stand in the table otherwise than under their integration. */
  source?: Source | undefined
  /**
   * Conditions beside the integration. Each holds fast the columns that its index has before the time, and so is one
   * run of it; the list is all runs merged.
   */
  runs: readonly Sql[]
  /** Whether the runs are all that the integration has in the table. */
  isWhole?: boolean
  /** How the index writes the time: two indices that a question could take are ordered by different writings. */
  time: 'created_at' | 'created_at as UTC'
  /** Inclusive. */
  from?: Date | undefined
  /** Exclusive. */
  to?: Date | undefined
}

/** Rows that are somebody's by another column, or whose time has another name. */
export interface Source {
  /** What is read: a table, or one under other names. It has `created_at` and `id`. */
  rows: Sql
  /** Stands in place of the condition on the integration. */
  where: Sql
  /** Names what is listed, among all lists of the table. */
  key: string
}

/** The time fields of such a list, and what a question's say. */
export const RangeFields = {
  from: Type.Optional(Moment('Created then or later.')),
  to: Type.Optional(Moment('Created before.')),
}

export function readRange({ from, to }: { from?: string; to?: string }): Pick<NewestFirst, 'from' | 'to'> {
  return { from: from === undefined ? from : readMoment(from), to: to === undefined ? to : readMoment(to) }
}

/** A row's place in the list; the row itself is read afterwards, by its id. */
export interface Place {
  id: string | number
  cursor: string
}

/**
 * The places of one page, and one more when there are further ones, with the number of rows in the list, counted up to
 * one more than page mode reaches (null in cursor mode).
 */
export async function readNewest(
  db: Db,
  list: NewestFirst,
  page: PageRequest,
): Promise<{ places: Place[]; counted: number | null }> {
  const after = page.cursor === null ? sql`` : sql`and ${beyond(list, page.cursor)}`
  const { rows } = await sql<{ id: string | number; micros: number }>`
    select id, (extract(epoch from created_at) * 1000000)::bigint as micros from (${merged(list, page.offset + page.perPage + 1, after)}) found
     order by time desc, id desc limit ${page.perPage + 1} offset ${page.offset}`.execute(db)
  const places = rows.map(({ id, micros }) => ({ id, cursor: writeCursor(micros, id) }))
  return { places, counted: page.cursor === null ? await count(db, list, page, rows.length) : null }
}

/** The first rows of every run, one run after the other: each in the order of its index, or it would be read whole. */
function merged(list: NewestFirst, most: number, after: Sql = sql``): Sql {
  const time = timeOf(list)
  const from =
    list.from === undefined ? sql`` : sql`and ${time} >= ${timeOf(list, sql`${list.from}::timestamptz`)}`
  const to = list.to === undefined ? sql`` : sql`and ${time} < ${timeOf(list, sql`${list.to}::timestamptz`)}`
  const rows = list.source?.rows ?? sql.raw(list.table)
  const where = list.source?.where ?? sql`integration_id = ${list.integrationId}`
  const runs = list.runs.map(
    (run) => sql`(
      select ${time} as time, created_at, id from ${rows}
       where ${where} and ${run} ${from} ${to} ${after}
       order by time desc, id desc limit ${most})`,
  )
  return sql.join(runs, sql` union all `)
}

const timeOf = ({ time }: NewestFirst, moment: Sql = sql`created_at`): Sql =>
  time === 'created_at' ? moment : sql`(${moment} at time zone 'UTC')`

const CURSOR = /^(\d{1,16})\.(\w{1,64})$/

function writeCursor(micros: number, id: string | number): string {
  return Buffer.from(`${micros}.${id}`).toString('base64url')
}

function beyond(list: NewestFirst, cursor: string): Sql {
  const [, micros, id] = CURSOR.exec(Buffer.from(cursor, 'base64url').toString('utf8')) ?? []
  if (micros === undefined || id === undefined) return refuseCursor()
  const isNumber = list.table === 'customers'
  if (isNumber && !/^\d{1,15}$/.test(id)) return refuseCursor()
  const moment = timeOf(list, sql`(timestamptz 'epoch' + ${micros}::bigint * interval '1 microsecond')`)
  return sql`(${timeOf(list)}, id) < (${moment}, ${id}::${sql.raw(isNumber ? 'bigint' : 'text')})`
}

async function count(db: Db, list: NewestFirst, page: PageRequest, found: number): Promise<number> {
  if (found <= page.perPage && (found > 0 || page.offset === 0)) return page.offset + found
  const isWhole = list.isWhole === true && list.from === undefined && list.to === undefined
  const rows = sql`select from (${merged(list, MOST_PAGED_ROWS + 1)}) found`
  return isWhole ? countTable(db, list, rows) : countRows(db, rows)
}

/** Counts up to one more than page mode reaches. */
export async function countRows(db: Db, rows: Sql): Promise<number> {
  const counted = await sql<{ count: number }>`
    select count(*) as count from (${rows} limit ${MOST_PAGED_ROWS + 1}) counted`.execute(db)
  return counted.rows[0]?.count ?? 0
}

/** Tables with more rows of an integration than are counted: none is ever deleted, so they always will have. */
const crowded = new WeakMap<Db, Set<string>>()

/** All rows of an integration in a table, counted up to one more than page mode reaches. `rows` selects them. */
export async function countTable(
  db: Db,
  {
    table,
    integrationId,
    source,
  }: Pick<NewestFirst, 'integrationId' | 'source'> & { table: NewestFirst['table'] | 'deliveries' },
  rows: Sql,
): Promise<number> {
  const key = `${table}:${source?.key ?? integrationId}`
  if (crowded.get(db)?.has(key)) return MOST_PAGED_ROWS + 1
  const counted = await countRows(db, rows)
  if (counted > MOST_PAGED_ROWS) crowded.set(db, (crowded.get(db) ?? new Set()).add(key))
  return counted
}
