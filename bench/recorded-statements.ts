import type pg from 'pg'
import type { PreparingClient } from '../src/db/preparing-client.ts'

/** One statement as the program sent it. */
export interface Statement {
  text: string
  values: unknown[]
}

/** Has a pool write down what is sent through it; answers what was, since it was last asked. */
export function recordStatements(pool: pg.Pool): () => Statement[] {
  let recorded: Statement[] = []
  const connect = pool.connect.bind(pool) as () => Promise<PreparingClient>
  const watched = new WeakSet<PreparingClient>()
  const recording = async (): Promise<PreparingClient> => {
    const client = await connect()
    if (watched.has(client)) return client
    watched.add(client)
    const { query } = client.door
    client.door.query = (text, values) => {
      recorded.push({ text, values: [...values] })
      return query(text, values)
    }
    return client
  }
  pool.connect = recording as typeof pool.connect
  return () => {
    const taken = recorded
    recorded = []
    return taken
  }
}
