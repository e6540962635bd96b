import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type pg from 'pg'
import { pino } from 'pino'
import { eventually } from '../../test/support/app.ts'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { openDatabase } from '../db/database.ts'
import { createClock } from '../kernel/clock.ts'
import { createLaneRunner, type Lane } from '../kernel/lanes.ts'
import { createMetrics } from '../kernel/metrics.ts'
import { advanceClock } from './advance-clock.ts'

const DAY_MS = 86_400_000

describe('advancing the clock', () => {
  let database: TestDatabase
  let opened: ReturnType<typeof openDatabase>
  before(async () => {
    database = await createTestDatabase()
    opened = openDatabase({ url: database.url, poolSize: 4, onPoolError: () => {} })
  })
  after(async () => {
    await opened.db.destroy()
    await database.drop()
  })

  /** Work of a lane in memory: what is due when, and what doing it brings about. */
  interface Job {
    name: string
    afterMs: number
    causes?: () => void
  }

  function world(role: 'all' | 'api' = 'all') {
    const clock = createClock()
    const startMs = clock.now().getTime()
    const queues: Record<string, Job[]> = { first: [], second: [] }
    const done: string[] = []
    const laneOf = (name: string): Lane => ({
      name,
      pollMs: 10_000,
      async step() {
        const elapsedMs = clock.now().getTime() - startMs
        const due = queues[name]!.filter(({ afterMs }) => afterMs <= elapsedMs)
        queues[name] = queues[name]!.filter((job) => !due.includes(job))
        for (const job of due) {
          done.push(`${job.name} on day ${Math.floor(elapsedMs / DAY_MS)}`)
          job.causes?.()
        }
        return due.length
      },
      async nextDue() {
        const earliest = Math.min(...queues[name]!.map(({ afterMs }) => afterMs))
        return Number.isFinite(earliest) ? new Date(startMs + earliest) : null
      },
    })
    const metrics = createMetrics()
    const lanes = createLaneRunner({
      lanes: [laneOf('first'), laneOf('second')],
      clock,
      log: pino({ level: 'silent' }),
      onStep: (lane, rows) => metrics.laneRows.inc({ lane }, rows),
    })
    if (role === 'all') lanes.start()
    const app = {
      clock,
      config: { role } as never,
      lanes,
      metrics,
      pool: opened.pool as pg.Pool,
      wake: (...names: string[]) => lanes.wake(...names),
      moveClock: async (offsetMs: number) => clock.setOffsetMs(offsetMs),
    }
    return { app, queues, done, clock }
  }

  for (const role of ['all', 'api'] as const) {
    it(`steps from due time to due time, in order over all lanes (role ${role})`, async () => {
      const { app, queues, done, clock } = world(role)
      queues.first!.push({ name: 'expire', afterMs: 3 * DAY_MS }, { name: 'never', afterMs: 91 * DAY_MS })
      queues.second!.push({
        name: 'retry',
        afterMs: DAY_MS,
        causes: () => queues.first!.push({ name: 'follow', afterMs: 2 * DAY_MS }),
      })
      const advanced = await advanceClock(app, 90 * DAY_MS)
      assert.deepEqual(done, ['retry on day 1', 'follow on day 2', 'expire on day 3'])
      assert.deepEqual(advanced, { rows: 3, steps: 4 })
      assert.equal(clock.offsetMs(), 90 * DAY_MS)
      await app.lanes.stop()
    })
  }

  it('does what waits before it moves, though it moves nowhere', async () => {
    const { app, queues, done } = world()
    queues.first!.push({
      name: 'now',
      afterMs: 0,
      causes: () => queues.second!.push({ name: 'next', afterMs: 0 }),
    })
    assert.deepEqual(await advanceClock(app, 0), { rows: 2, steps: 0 })
    assert.deepEqual(done, ['now on day 0', 'next on day 0'])
    await app.lanes.stop()
  })

  it('makes no stop for what comes again for ever, and does it at the stops there are', async () => {
    const { app, queues, done } = world('api')
    const [first] = app.lanes.lanes
    first!.recurring = true
    const read = (afterMs: number): Job => ({
      name: 'read',
      afterMs,
      causes: () => queues.first!.push(read(app.clock.offsetMs() + 60_000)),
    })
    queues.first!.push(read(60_000))
    queues.second!.push({ name: 'expire', afterMs: 3 * DAY_MS })
    assert.deepEqual(await advanceClock(app, 7 * DAY_MS), { rows: 3, steps: 2 })
    assert.deepEqual(done.toSorted(), ['expire on day 3', 'read on day 3', 'read on day 7'])
  })

  it('ends in time though something is due every minute of ten years', async () => {
    const { app, queues, done } = world('api')
    const tick = (afterMs: number): Job => ({
      name: 'tick',
      afterMs,
      causes: () => queues.first!.push(tick(Math.max(afterMs, app.clock.offsetMs()) + 60_000)),
    })
    queues.first!.push(tick(60_000))
    const advanced = await advanceClock(app, 3_650 * DAY_MS)
    assert.ok(advanced.problem === undefined && advanced.steps < 2_000)
    assert.ok(done.length >= 400)
  })

  it('two calls at once: the second is told to wait', async () => {
    const { app, queues } = world()
    let release = () => {}
    const held = new Promise<void>((resolve) => (release = resolve))
    queues.first!.push({ name: 'slow', afterMs: 0 })
    const [lane] = app.lanes.lanes
    const step = lane!.step
    lane!.step = async () => {
      await held
      return step()
    }
    const first = advanceClock(app, DAY_MS)
    // The second waits for the first to hold the lock, not for its end.
    await eventually('the first call holds the lock', async () => {
      const { rows } = await opened.pool.query(
        `select from pg_locks join pg_database on pg_database.oid = database
          where locktype = 'advisory' and granted and datname = current_database()`,
      )
      return rows.length > 0
    })
    assert.deepEqual(await advanceClock(app, DAY_MS), { problem: 'busy' })
    release()
    assert.deepEqual(await first, { rows: 1, steps: 1 })
    await app.lanes.stop()
  })
})
