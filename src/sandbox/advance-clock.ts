import { setTimeout as sleep } from 'node:timers/promises'
import type { App } from '../app.ts'
import { CLOCK_LOCK } from '../providers/wait-in-vain.ts'

/** How long one call may take, in real time. */
const LIMIT_MS = 60_000
/** So many due times are stepped to one by one; beyond, several are taken in one step. */
const EXACT_STEPS = 400
/** How many steps the rest of the way is divided into then. */
const COARSE_STEPS = 100
const LOOK_AGAIN_MS = 5
const LOOK_AGAIN_AT_MOST_MS = 50

type Needs = Pick<App, 'clock' | 'config' | 'lanes' | 'metrics' | 'moveClock' | 'pool' | 'wake'>

export type Advanced =
  | { rows: number; steps: number; problem?: undefined }
  /** Another call moves the clock. */
  | { problem: 'busy' }
  /** Time ran out; these lanes were still at work. The clock stands where it is. */
  | { problem: 'not_idle'; lanes: string[] }

/**
 * Moves the platform's clock forward as time would: from due time to due time, each time waiting until every lane is
 * idle, so that what happens after a day happens before what happens after two. Never back. What waits for a simulated
 * provider that never answers gives up at once meanwhile.
 */
export async function advanceClock(app: Needs, advanceMs: number): Promise<Advanced> {
  const client = await app.pool.connect()
  try {
    const { rows } = await client.query<{ free: boolean }>('select pg_try_advisory_lock($1) as free', [
      CLOCK_LOCK,
    ])
    if (!rows[0]?.free) return { problem: 'busy' }
    try {
      return await advance(app, advanceMs)
    } finally {
      await client.query('select pg_advisory_unlock($1)', [CLOCK_LOCK])
    }
  } finally {
    client.release()
  }
}

async function advance(app: Needs, advanceMs: number): Promise<Advanced> {
  const { clock } = app
  const deadlineMs = clock.real().getTime() + LIMIT_MS
  const targetMs = clock.offsetMs() + advanceMs
  const counter = countRows(app)
  const before = await counter.total()
  let steps = 0
  for (;;) {
    const idle = await becomeIdle(app, counter, deadlineMs)
    if ('lanes' in idle) return { problem: 'not_idle', ...idle }
    const leftMs = targetMs - clock.offsetMs()
    if (leftMs <= 0) return { rows: (await counter.total()) - before, steps }
    const toNextMs = idle.nextDue === null ? leftMs : idle.nextDue.getTime() - clock.now().getTime()
    const atLeastMs = steps < EXACT_STEPS ? 1 : leftMs / COARSE_STEPS
    await app.moveClock(clock.offsetMs() + Math.ceil(Math.min(leftMs, Math.max(toNextMs, atLeastMs))))
    steps += 1
  }
}

type Idle = { nextDue: Date | null } | { lanes: string[] }

/**
 * Waits until no lane has anything due. Work goes from lane to lane, so one look could miss what has just moved to a
 * lane looked at before: it takes two looks in a row, and no row that ran in between.
 */
async function becomeIdle(app: Needs, counter: RowCounter, deadlineMs: number): Promise<Idle> {
  let quietSince: number | undefined
  let pauseMs = LOOK_AGAIN_MS
  for (;;) {
    const { busy, nextDue } = await look(app)
    const total = await counter.total()
    if (busy.length === 0 && quietSince === total) return { nextDue }
    if (busy.length === 0) {
      quietSince = total
      continue
    }
    quietSince = undefined
    if (app.clock.real().getTime() > deadlineMs) return { lanes: busy }
    if (await counter.run(busy)) {
      pauseMs = LOOK_AGAIN_MS
      continue
    }
    await sleep(pauseMs)
    pauseMs = Math.min(pauseMs * 2, LOOK_AGAIN_AT_MOST_MS)
  }
}

async function look({ lanes, clock }: Needs): Promise<{ busy: string[]; nextDue: Date | null }> {
  const dues = await Promise.all(lanes.lanes.map(async (lane) => ({ lane, due: await lane.nextDue() })))
  const now = clock.now()
  const busy: string[] = []
  let nextDue: Date | null = null
  for (const { lane, due } of dues) {
    if (due === null) continue
    if (due <= now) busy.push(lane.name)
    else if (!lane.recurring && (nextDue === null || due < nextDue)) nextDue = due
  }
  return { busy, nextDue }
}

interface RowCounter {
  /** Rows that lanes have moved in this process so far. */
  total(): Promise<number>
  /** Has these lanes run; true when it ran rows itself. */
  run(lanes: readonly string[]): Promise<boolean>
}

/** In a process that runs lanes they are woken and counted; in one that only answers requests they are run from here. */
function countRows({ config, lanes, metrics, wake }: Needs): RowCounter {
  let own = 0
  return {
    async total() {
      const { values } = await metrics.laneRows.get()
      return values.reduce((sum, { value }) => sum + value, own)
    },
    async run(names) {
      if (config.role !== 'api') {
        wake(...names)
        return false
      }
      let ran = 0
      for (const lane of lanes.lanes) if (names.includes(lane.name)) ran += await lane.step()
      own += ran
      return ran > 0
    },
  }
}
