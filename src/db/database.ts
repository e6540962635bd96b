import { Kysely, PostgresDialect, type PostgresPoolClient, type Transaction } from 'kysely'
import pg from 'pg'
import { camelCaseNames } from './camel-case-names.ts'
import { createStatementNames, type PreparingClient, preparingClient } from './preparing-client.ts'
import type { Database } from './schema.ts'

export type Db = Kysely<Database>

const INT8 = 20
const NUMERIC = 1700
const DATE = 1082

const types: pg.CustomTypesConfig = {
  getTypeParser(oid: number, format?: 'text' | 'binary') {
    if (oid === INT8) return Number
    if (oid === NUMERIC) return parseUnits
    if (oid === DATE) return String
    return pg.types.getTypeParser(oid, format as 'text')
  },
} as pg.CustomTypesConfig

/** Base units are whole; a numeric with a fraction is a mistake in the query, not something to round. */
function parseUnits(text: string): bigint {
  return BigInt(text)
}

export interface DatabaseOptions {
  url: string
  poolSize: number
  onPoolError: (error: Error) => void
}

/** One pool of connections, and the typed door to it. */
export function openDatabase({ url, poolSize, onPoolError }: DatabaseOptions): { db: Db; pool: pg.Pool } {
  const pool = new pg.Pool({
    Client: preparingClient(createStatementNames()),
    connectionString: url,
    max: poolSize,
    types,
    connectionTimeoutMillis: 10_000,
    idleTimeoutMillis: 60_000,
    application_name: 'cryptopocket',
  })
  // An idle connection that breaks (the server restarts) is replaced by the next query; it must not end the program.
  pool.on('error', onPoolError)
  // One that breaks while somebody has it tells that one by the failure of the query; the pool listens to idle ones only.
  pool.on('connect', (client) => client.on('error', () => {}))
  const db = new Kysely<Database>({
    dialect: new PostgresDialect({
      pool: {
        options: pool.options,
        // Its `query` reads cursors as well, which nobody has.
        connect: async () =>
          ((await pool.connect()) as PreparingClient).door as unknown as PostgresPoolClient,
        end: () => pool.end(),
      },
    }),
    plugins: [camelCaseNames],
  })
  return { db, pool }
}

/** An open transaction. */
export type Trx = Transaction<Database>
