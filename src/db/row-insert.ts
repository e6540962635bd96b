import { CompiledQuery } from 'kysely'
import type { Trx } from './database.ts'
import { snakeCase, writeValue } from './row-update.ts'

/**
 * A statement that inserts one row with values for these columns. Its text is made once: building it anew for each row
 * costs more than the row does.
 */
export function createRowInsert<Row extends object>(
  table: string,
  columns: readonly (keyof Row & string)[],
): (trx: Trx, row: Row) => Promise<void> {
  const places = columns.map((_, index) => `$${index + 1}`)
  const text = `insert into ${table} (${columns.map(snakeCase).join(', ')}) values (${places.join(', ')})`
  return async (trx, row) => {
    const values = columns.map((column) => writeValue(row[column] ?? null))
    await trx.executeQuery(CompiledQuery.raw(text, values))
  }
}
