import { setTimeout as pause } from 'node:timers/promises'
import type { App } from '../app.ts'
import type { Lane } from '../kernel/lanes.ts'
import { recordAttempts } from './delivery-store.ts'
import { dropQueue, freeStream } from './destination.ts'
import { findNextDue } from './destination-store.ts'
import { holdDestinations, LINGER_MS } from './held-destinations.ts'
import { createPump, type Finished } from './pump.ts'
import { createSigningPairs } from './signing-pairs.ts'

export const DELIVERY_LANE = 'webhook-deliveries'

/** Statements of many attempts are made together; what is on the wire goes on meanwhile. */
const SHORTEST_TURN_MS = 8
const LONGEST_WAIT_MS = 1_000
const MOST_RECORDED_AT_ONCE = 1_000
const WORTH_A_STATEMENT = 200
const STOP_GRACE_MS = 1_500

type Needs = Pick<App, 'db' | 'clock' | 'config' | 'log' | 'secrets' | 'outgoing' | 'metrics'>

/**
 * Delivers webhooks. A process holds whole destinations (an integration's URL) under a lease and pumps: while some
 * attempts are on the wire, the results of others are recorded and the next ones loaded, in statements for hundreds.
 * A step is one turn of that pump; attempts run on behind it. Order within a stream is kept by never having two
 * deliveries of one stream and destination under way.
 */
export function deliveryLane(app: Needs): Lane {
  const { db, clock } = app
  const pairs = createSigningPairs(app)
  const destinations = holdDestinations(app, pairs)
  const bell = createBell()
  const pump = createPump(app, { owned: destinations.held, pairs, onEnd: bell.ring })
  const realMs = (): number => clock.real().getTime()
  let turnedAtMs = 0

  async function record(): Promise<Finished[]> {
    const finished = pump.takeFinished(MOST_RECORDED_AT_ONCE)
    try {
      await recordAttempts(
        db,
        finished.map(({ result }) => result),
        clock.now(),
      )
      return finished
    } catch (error) {
      pump.putBack(finished)
      throw error
    }
  }

  async function turn(): Promise<number> {
    const { claim, load, renew } = destinations
    const recorded: Finished[] = []
    let looking = true
    const looked = Promise.allSettled([claim(), load(), renew()]).finally(() => {
      looking = false
    })
    // Many results come in while many deliveries are looked up: they are not left lying.
    // Settled from the start: a failure that is looked at only later would end the program meanwhile.
    const recording = Promise.allSettled([recordWhile(() => looking, recorded)])
    const parts = [...(await looked), ...(await recording)]
    // Freed only now: what was loaded beside the recording still shows as pending what was recorded.
    free(recorded)
    pump.fill()
    for (const part of parts) if (part.status === 'rejected') throw part.reason
    await destinations.release()
    const moved = parts.reduce((sum, part) => sum + (part.status === 'fulfilled' ? part.value : 0), 0)
    return moved
  }

  /** Records what has finished, and goes on while many more finish; answers how many there were. */
  async function recordWhile(goOn: () => boolean, recorded: Finished[]): Promise<number> {
    do recorded.push(...(await record()))
    while (goOn() && pump.finished() >= WORTH_A_STATEMENT)
    return recorded.length
  }

  return {
    name: DELIVERY_LANE,
    pollMs: LINGER_MS,
    async step() {
      const sinceMs = realMs() - turnedAtMs
      if (sinceMs < SHORTEST_TURN_MS) await pause(SHORTEST_TURN_MS - sinceMs)
      turnedAtMs = realMs()
      bell.reset()
      const moved = await turn()
      const nextLookMs = destinations.nextLookMs()
      if (moved > 0 || (pump.inFlight() === 0 && nextLookMs === undefined)) return moved
      await bell.wait(Math.min(LONGEST_WAIT_MS, nextLookMs ?? LONGEST_WAIT_MS))
      return 1
    },
    nextDue: () => findNextDue(db),
    wake() {
      destinations.lookSoon()
      bell.ring()
    },
    async stop() {
      pump.close()
      for (const destination of destinations.held.values()) dropQueue(destination)
      const graceEndsMs = realMs() + STOP_GRACE_MS
      // What takes longer is left to the next process: it stays due, and is sent again under the same id.
      while (pump.inFlight() > 0 && realMs() < graceEndsMs) {
        bell.reset()
        await bell.wait(graceEndsMs - realMs())
      }
      try {
        for (let recorded = await record(); recorded.length > 0; recorded = await record()) free(recorded)
        await destinations.release(true)
      } catch (error) {
        app.log.warn(
          { err: error },
          'The last webhook attempts could not be recorded; they will be repeated.',
        )
      }
    },
  }
}

function free(recorded: readonly Finished[]): void {
  for (const { destination, stream } of recorded) freeStream(destination, stream)
}

/** Lets a step wait for whatever comes first: an attempt that ends, new work, or the time. */
function createBell() {
  let rung = false
  let answer: (() => void) | undefined
  return {
    ring() {
      rung = true
      answer?.()
    },
    reset() {
      rung = false
    },
    wait: (ms: number): Promise<void> =>
      new Promise((resolve) => {
        if (rung) return resolve()
        const timer = setTimeout(resolve, ms)
        answer = () => {
          clearTimeout(timer)
          resolve()
        }
      }),
  }
}
