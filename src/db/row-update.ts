import { CompiledQuery } from 'kysely'
import type { Trx } from './database.ts'

/**
 * A statement that writes the given columns of rows of one table, whatever their number, found by integration and id.
 * Its text is made once: building it anew for each change costs more than the change. `columns` has the type of each.
 */
export function createRowUpdate<Row extends { integrationId: number; id: string }>(
  table: string,
  columns: Readonly<Partial<Record<keyof Row & string, string>>>,
): (trx: Trx, rows: readonly Row[]) => Promise<void> {
  const changing = Object.keys(columns) as (keyof Row & string)[]
  const names = changing.map(snakeCase)
  const arrays = changing.map((column, index) => `$${index + 3}::${columns[column]}[]`)
  const text = `update ${table} set ${names.map((name) => `${name} = given.${name}`).join(', ')}
                  from unnest($1::integer[], $2::text[], ${arrays.join(', ')})
                       given (integration_id, id, ${names.join(', ')})
                 where ${table}.integration_id = given.integration_id and ${table}.id = given.id`
  return async (trx, rows) => {
    if (rows.length === 0) return
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
