import { CompiledQuery } from 'kysely'
import type { Trx } from './database.ts'

/**
 * Writes columns of rows of one table in one statement, whatever their number, found by integration and id: those that
 * are named of the ones that may change. `columns` has the type of each. A statement's text is made once for the same
 * columns: building it anew for each change costs more than the change.
 */
export function createRowUpdate<Row extends { integrationId: number; id: string }>(
  table: string,
  columns: Readonly<Partial<Record<keyof Row & string, string>>>,
): (trx: Trx, rows: readonly Row[], changed: ReadonlySet<keyof Row>) => Promise<void> {
  const texts = new Map<string, string>()
  const textOf = (changing: readonly (keyof Row & string)[]): string => {
    const names = changing.map(snakeCase)
    const arrays = changing.map((column, index) => `$${index + 3}::${columns[column]}[]`)
    return `update ${table} set ${names.map((name) => `${name} = given.${name}`).join(', ')}
              from unnest($1::integer[], $2::text[], ${arrays.join(', ')})
                   given (integration_id, id, ${names.join(', ')})
             where ${table}.integration_id = given.integration_id and ${table}.id = given.id`
  }
  return async (trx, rows, changed) => {
    const changing = (Object.keys(columns) as (keyof Row & string)[]).filter((column) => changed.has(column))
    if (rows.length === 0 || changing.length === 0) return
    const key = changing.join()
    const text = texts.get(key) ?? textOf(changing)
    texts.set(key, text)
    const values = changing.map((column) => rows.map((row) => writeValue(row[column])))
    const keys = [rows.map(({ integrationId }) => integrationId), rows.map(({ id }) => id)]
    await trx.executeQuery(CompiledQuery.raw(text, [...keys, ...values]))
  }
}

/** `createdAt` is `created_at`. */
export const snakeCase = (column: string): string =>
  column.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

/** A value as a parameter: base units as their digits, lists and records as JSON. */
export function writeValue(value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString()
  if (typeof value !== 'object' || value === null || value instanceof Date || Buffer.isBuffer(value))
    return value
  return JSON.stringify(value)
}
