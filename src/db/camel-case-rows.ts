import { CamelCasePlugin, type PluginTransformResultArgs, type QueryResult, type UnknownRow } from 'kysely'

/**
 * Columns are `snake_case` in the database and `camelCase` here; what JSON values hold stays as it is. The names are mapped once
 * for all rows of a result, and rows whose names are the same anyway are not copied.
 */
export class CamelCaseRows extends CamelCasePlugin {
  constructor() {
    super({ maintainNestedObjectKeys: true })
  }

  override async transformResult({ result }: PluginTransformResultArgs): Promise<QueryResult<UnknownRow>> {
    const [first] = result.rows ?? []
    if (first === undefined) return result
    const columns = Object.keys(first)
    const names = columns.map((column) => this.camelCase(column))
    if (names.every((name, at) => name === columns[at])) return result
    // A copy of what has all names already takes its room at once.
    const empty: UnknownRow = Object.fromEntries(names.map((name) => [name, null]))
    const rows = result.rows.map((row) => {
      const named = { ...empty }
      for (let at = 0; at < names.length; at += 1) named[names[at]!] = row[columns[at]!]
      return named
    })
    return { ...result, rows }
  }
}
