import { sql } from 'kysely'
import type { App } from '../app.ts'

/** How long a sale that can't be worked with is left alone, in real time. */
const AGAIN_MS = 60_000
const LONGEST_FAILURE = 500

type Needs = Pick<App, 'db' | 'log'>

/**
 * Works on sales together, in one transaction; when that throws, on each by itself, so that one that can't be worked
 * with holds up no other: it is named in the log and by `/readyz`, and tried again later. Answers what each piece of
 * the work answered. `work` commits all of what it is given or nothing, and clears the failure of what went well.
 */
export async function withoutHolding<Done>(
  app: Needs,
  ids: readonly string[],
  work: (ids: readonly string[]) => Promise<Done>,
): Promise<Done[]> {
  if (ids.length === 0) return []
  try {
    return [await work(ids)]
  } catch (error) {
    app.log.warn({ sales: ids.length, err: error }, 'Sales could not be worked on together: one by one.')
  }
  const done: Done[] = []
  for (const id of ids) {
    try {
      done.push(await work([id]))
    } catch (error) {
      app.log.error({ sale: id, err: error }, 'A sale can not be worked on; it is tried again.')
      // Where it is the database that fails, this throws too, and the lane waits for it.
      await recordFailure(app, id, error)
    }
  }
  return done
}

async function recordFailure({ db }: Pick<App, 'db'>, id: string, error: unknown): Promise<void> {
  const failure = (error instanceof Error ? error.message : String(error)).slice(0, LONGEST_FAILURE)
  await sql`
    update sales
       set failure = ${failure}, lease_until = clock_timestamp() + ${AGAIN_MS} * interval '1 millisecond'
     where id = ${id}`.execute(db)
}
