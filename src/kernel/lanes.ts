import type { Logger } from 'pino'
import type { Clock } from './clock.ts'

/**
 * A lane is a kind of due work. `step` claims a few due rows in one transaction (`for update skip locked`, a lease),
 * does one step outside of it, records the result, and answers how many rows it moved; 0 means that nothing was due.
 */
export interface Lane {
  name: string
  step(): Promise<number>
  /**
   * The platform time at which the next row of this lane is due (possibly past, when rows wait now), or null when
   * none waits. Rows under a lease count as due: their work is not done.
   */
  nextDue(): Promise<Date | null>
  /** The longest pause between two looks when nothing woke the lane; 1 s unless told. */
  pollMs?: number
  /**
   * True when its work comes again for ever, such as reading a statement: a sandbox that moves the clock does it at
   * each stop on the way, but makes no stop for it.
   */
  recurring?: boolean
  /** Called with every wake, during a step too: a step that waits for what it began may look for more. */
  wake?(): void
  /** Ends what steps left running behind them; called once, after the last step. */
  stop?(): Promise<void>
}

export interface LaneRunner {
  start(): void
  /** Looks at once; called after a transaction committed work for the lane. Unknown names are ignored: another process may have them. */
  wake(...names: string[]): void
  /** Waits until the running steps have ended; no new ones begin. */
  stop(): Promise<void>
  lanes: readonly Lane[]
  /** The names of the lanes whose last step failed, with the error's text, for `/readyz`. */
  failing(): Record<string, string>
}

export interface LaneRunnerOptions {
  lanes: readonly Lane[]
  clock: Clock
  log: Logger
  onStep?: (lane: string, rows: number, seconds: number) => void
  onFailure?: (lane: string, error: unknown) => void
}

const POLL_MS = 1_000
const BACK_OFF_MS = [100, 250, 500, 1_000, 2_000, 5_000] as const

/**
 * Drives lanes; knows nothing of their work. Each lane runs one step at a time in this process, again at once while
 * it finds work, and otherwise sleeps until it is woken, its next row is due, or `pollMs` has passed. A step that
 * throws is logged and tried again after a growing pause: the database may be restarting.
 */
export function createLaneRunner({ lanes, clock, log, onStep, onFailure }: LaneRunnerOptions): LaneRunner {
  const wakers = new Map<string, () => void>()
  const failures = new Map<string, string>()
  const running: Promise<void>[] = []
  let stopped = false

  async function run(lane: Lane): Promise<void> {
    let failed = 0
    let woken = false
    let endSleep = (): void => {}
    wakers.set(lane.name, () => {
      woken = true
      endSleep()
    })
    const sleep = (ms: number): Promise<void> =>
      new Promise((resolve) => {
        if (woken || stopped) return resolve()
        const timer = setTimeout(resolve, ms)
        endSleep = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    while (!stopped) {
      woken = false
      let pauseMs = lane.pollMs ?? POLL_MS
      try {
        const startedMs = clock.real().getTime()
        const rows = await lane.step()
        onStep?.(lane.name, rows, (clock.real().getTime() - startedMs) / 1000)
        failed = 0
        failures.delete(lane.name)
        if (rows > 0) pauseMs = 0
      } catch (error) {
        pauseMs = BACK_OFF_MS[Math.min(failed, BACK_OFF_MS.length - 1)] ?? 5_000
        failed += 1
        woken = false
        failures.set(lane.name, error instanceof Error ? error.message : String(error))
        log.error({ lane: lane.name, err: error }, 'A lane failed; it will be tried again.')
        onFailure?.(lane.name, error)
      }
      if (pauseMs === 0) await new Promise(setImmediate)
      else await sleep(pauseMs)
    }
  }

  return {
    lanes,
    start() {
      for (const lane of lanes) running.push(run(lane))
    },
    wake(...names) {
      for (const name of names) wakers.get(name)?.()
      for (const lane of lanes) if (names.includes(lane.name)) lane.wake?.()
    },
    async stop() {
      stopped = true
      for (const wake of wakers.values()) wake()
      for (const lane of lanes) lane.wake?.()
      await Promise.all(running)
      await Promise.all(lanes.map((lane) => lane.stop?.()))
    },
    failing: () => Object.fromEntries(failures),
  }
}
