import type pg from 'pg'

/** One statement as the program sent it. */
export interface Statement {
  text: string
  values: unknown[]
}

/** Has a pool write down what is sent through it; answers what was, since it was last asked. */
export function recordStatements(pool: pg.Pool): () => Statement[] {
  let recorded: Statement[] = []
  const connect = pool.connect.bind(pool) as () => Promise<pg.PoolClient>
  const watched = new WeakSet<pg.PoolClient>()
  const recording = async (): Promise<pg.PoolClient> => {
    const client = await connect()
    if (watched.has(client)) return client
    watched.add(client)
    const query = client.query.bind(client) as (...given: unknown[]) => Promise<unknown>
    const wrapped = (...given: unknown[]): Promise<unknown> => {
      const [text, values] = given
      if (typeof text === 'string') recorded.push({ text, values: (values as unknown[] | undefined) ?? [] })
      return query(...given)
    }
    client.query = wrapped as typeof client.query
    return client
  }
  pool.connect = recording as typeof pool.connect
  return () => {
    const taken = recorded
    recorded = []
    return taken
  }
}
