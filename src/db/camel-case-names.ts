import { CamelCasePlugin, type PluginTransformResultArgs, type QueryResult, type UnknownRow } from 'kysely'

/**
 * Columns are `snake_case` in the database and `camelCase` here. Statements are written so by this; rows come from the connection
 * with their names already (row-query.ts). What JSON values hold stays as it is.
 */
class CamelCaseNames extends CamelCasePlugin {
  override async transformResult({ result }: PluginTransformResultArgs): Promise<QueryResult<UnknownRow>> {
    return result
  }

  /** `created_at` is `createdAt`. */
  nameOf(column: string): string {
    return this.camelCase(column)
  }
}

export const camelCaseNames = new CamelCaseNames()
