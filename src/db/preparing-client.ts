import pg from 'pg'
import { arrayParameter } from './array-parameter.ts'
import { leaveRowsInBytes } from './row-messages.ts'
import { RowQuery, type RowShapes } from './row-query.ts'

/** A text must come back before it is kept on the server: lists of changing length make texts that never do. */
const SEEN_BEFORE = 2
/** Each is kept by each connection, at a few dozen kilobytes. */
const MOST_PREPARED = 400
const MOST_COUNTED = 2_000

/** The names of prepared statements by their texts, the same for all connections of a pool. */
export function createStatementNames() {
  const names = new Map<string, string>()
  const counts = new Map<string, number>()
  let made = 0
  return {
    find(text: string): string | undefined {
      const known = names.get(text)
      if (known !== undefined || names.size >= MOST_PREPARED) return known
      const count = (counts.get(text) ?? 0) + 1
      if (count <= SEEN_BEFORE) {
        if (counts.size >= MOST_COUNTED) counts.clear()
        counts.set(text, count)
        return undefined
      }
      counts.delete(text)
      made += 1
      const name = `s${made}`
      names.set(text, name)
      return name
    },
    /** From now on each text gets another name, and is so prepared anew by each connection. */
    forget() {
      names.clear()
    },
  }
}

export type StatementNames = ReturnType<typeof createStatementNames>

/** A connection of the pool, and what Kysely sees of it. */
export interface PreparingClient extends pg.PoolClient {
  readonly door: {
    query(text: string, values: readonly unknown[]): Promise<pg.QueryResult>
    release(destroy?: boolean): void
  }
}

/**
 * A connection that, at the door for Kysely, has the server keep the statements it is asked for again and again. Reading and
 * planning the SQL of a payment took the server twice as long as doing what it says. The server looks at the values anew where a
 * plan for all values would cost more. Rows have `camelCase` names there, and are the driver's own where it is asked directly.
 */
export function preparingClient(names: StatementNames): typeof pg.Client {
  return class extends pg.Client {
    readonly #shapes: RowShapes = new Map()
    readonly door = {
      query: (text: string, values: readonly unknown[]) => this.#ask(text, values.map(writeLists)),
      release: (destroy?: boolean) => (this as unknown as pg.PoolClient).release(destroy),
    }

    constructor(config?: pg.ClientConfig) {
      super(config)
      leaveRowsInBytes((this as unknown as { connection: Parameters<typeof leaveRowsInBytes>[0] }).connection)
    }

    async #ask(text: string, values: unknown[]): Promise<pg.QueryResult> {
      const name = values.length > 0 ? names.find(text) : undefined
      try {
        return await this.#send(text, values, name)
      } catch (error) {
        if (name === undefined || !isOutdated(error)) throw error
        names.forget()
        // In a transaction it is too late, and the first error says why.
        return await this.#send(text, values, undefined).catch(() => {
          throw error
        })
      }
    }

    #send(text: string, values: unknown[], name: string | undefined): Promise<pg.QueryResult> {
      return new Promise((resolve, reject) => {
        this.query(
          new RowQuery(text, values, name, this.#shapes, (error, result) =>
            error ? reject(error) : resolve(result),
          ),
        )
      })
    }
  }
}

const writeLists = (value: unknown): unknown => (Array.isArray(value) ? arrayParameter(value) : value)

/** A table changed its columns since the statement was prepared: a newer version of the program was started beside us. */
const isOutdated = (error: unknown): boolean =>
  (error as { code?: unknown }).code === '0A000' && /cached plan/.test(String((error as Error).message))
