import pg from 'pg'
import { arrayParameter } from './array-parameter.ts'

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

/**
 * A connection that has the server keep the statements it is asked for again and again. Reading and planning the SQL
 * of a payment took the server twice as long as doing what it says. The server looks at the values anew where a plan
 * for all values would cost more.
 */
export function preparingClient(names: StatementNames): typeof pg.Client {
  return class PreparingClient extends pg.Client {
    // biome-ignore lint/suspicious/noExplicitAny: the signatures of pg are many, and all but one are passed through.
    override query(...given: any[]): any {
      const [text, , callback] = given
      const values = Array.isArray(given[1]) ? given[1].map(writeLists) : given[1]
      const send = super.query.bind(this) as (...args: unknown[]) => unknown
      const isPlain = typeof text === 'string' && Array.isArray(values) && values.length > 0
      const name = isPlain ? names.find(text) : undefined
      if (name === undefined) return send(text, values, ...given.slice(2))
      if (callback) return send({ name, text, values }, undefined, callback)
      return (send({ name, text, values }) as Promise<unknown>).catch((error) => {
        if (!isOutdated(error)) throw error
        names.forget()
        // In a transaction it is too late, and the first error says why.
        return (send(text, values) as Promise<unknown>).catch(() => {
          throw error
        })
      })
    }
  }
}

const writeLists = (value: unknown): unknown => (Array.isArray(value) ? arrayParameter(value) : value)

/** A table changed its columns since the statement was prepared: a newer version of the program was started beside us. */
const isOutdated = (error: unknown): boolean =>
  (error as { code?: unknown }).code === '0A000' && /cached plan/.test(String((error as Error).message))
