import { randomUUID } from 'node:crypto'
import type { App } from '../app.ts'
import type { Lane } from '../kernel/lanes.ts'
import { attemptDelivery, type Outcome } from './attempt.ts'
import {
  type AttemptResult,
  type DueDelivery,
  failAbandonedDeliveries,
  loadDueDeliveries,
  recordAttempts,
} from './delivery-store.ts'
import {
  countWanted,
  createDestination,
  type Destination,
  dropQueue,
  freeStream,
  isPaused,
  isQuiet,
  noteFailure,
  noteSuccess,
  queueFound,
  takeNext,
} from './destination.ts'
import { claimDestinations, findNextDue, releaseDestinations, renewLeases } from './destination-store.ts'
import { nextAttemptAt } from './schedule.ts'
import { createSigningPairs } from './signing-pairs.ts'

export const DELIVERY_LANE = 'webhook-deliveries'

/** In all. From half of it on each destination has its equal share, so that slow ones never keep a quick one waiting. */
const MOST_IN_FLIGHT = 1_024
const MOST_DESTINATIONS = 1_000
const MOST_CLAIMED_AT_ONCE = 100
const MOST_RECORDED_AT_ONCE = 500
/** While the database is slow or away, attempts stop rather than pile up unrecorded. */
const MOST_UNRECORDED = 2_000
/** Statements of many attempts are made together; what is on the wire goes on meanwhile. */
const SHORTEST_TURN_MS = 8
const LONGEST_WAIT_MS = 1_000
const RENEW_MS = 2_000
/** A destination without work is kept for a moment: the next event often follows. */
const LINGER_MS = 300
const STOP_GRACE_MS = 1_500
/** A destination that failed for so many retry periods was tried often enough to speak for what still waits behind it. */
const LONG_DEAD_PERIODS = 4

type Needs = Pick<App, 'db' | 'clock' | 'config' | 'log' | 'secrets' | 'outgoing' | 'metrics'>

interface Finished {
  destination: Destination
  stream: string
  result: AttemptResult
}

/**
 * Delivers webhooks. A process takes whole destinations (an integration's URL) under a lease and pumps: while some
 * attempts are on the wire, the results of others are recorded and the next ones loaded, in statements for hundreds.
 * A step is one turn of that pump; attempts run on behind it. Order within a stream is kept by never having two
 * deliveries of one stream and destination under way.
 */
export function deliveryLane(app: Needs): Lane {
  const { db, clock } = app
  const retryPeriodMs = app.config.durations.webhookRetryPeriodMs
  const owner = randomUUID()
  const pairs = createSigningPairs(app)
  const owned = new Map<string, Destination>()
  const bell = createBell()
  let finished: Finished[] = []
  let inFlight = 0
  let stopping = false
  let filling = false
  let lookForMore = true
  let lastTurnMs = 0
  let lastLookMs = 0
  let lastRenewMs = 0

  const realMs = (): number => clock.real().getTime()

  /** Starts what may be started, after the connections of what just ended are free again. */
  function fillSoon(): void {
    if (filling) return
    filling = true
    setImmediate(() => {
      filling = false
      fill()
    })
  }

  function fill(): void {
    if (stopping) return
    const now = clock.now()
    const nowMs = realMs()
    const share = Math.max(1, Math.floor(MOST_IN_FLIGHT / owned.size))
    for (const destination of owned.values()) {
      const mayStart = (): boolean => inFlight < MOST_IN_FLIGHT / 2 || destination.inFlight < share
      while (finished.length < MOST_UNRECORDED && mayStart()) {
        const delivery = takeNext(destination, now, nowMs)
        if (!delivery) break
        begin(destination, delivery)
      }
      if (countWanted(destination, now) > 0) bell.ring()
    }
  }

  function begin(destination: Destination, delivery: DueDelivery): void {
    destination.inFlight += 1
    inFlight += 1
    const { integrationId, url } = destination
    const startedMs = realMs()
    const end = (outcome: Outcome): void => {
      destination.inFlight -= 1
      inFlight -= 1
      finished.push({
        destination,
        stream: delivery.stream,
        result: judge(destination, delivery, outcome, startedMs),
      })
      bell.ring()
      fillSoon()
    }
    const attempt = attemptDelivery(app, { delivery, url, pairs: pairs.find(integrationId) })
    attempt.then(end, (error: Error) => {
      app.log.error({ err: error, eventId: delivery.eventId }, 'A webhook could not be attempted.')
      end({ kind: 'unanswered', status: null, error: 'The attempt failed on our side.' })
    })
  }

  /** What an attempt means for its delivery and for the destination. */
  function judge(
    destination: Destination,
    { sequence, tries, retryUntil }: DueDelivery,
    outcome: Outcome,
    startedMs: number,
  ): AttemptResult {
    const now = clock.now()
    const nowMs = realMs()
    const success = outcome.kind === 'answered' && outcome.status >= 200 && outcome.status < 300
    if (success) noteSuccess(destination)
    else if (outcome.kind !== 'unreadable') noteFailure(destination, { startedMs, nowMs, now })
    const tryAgain = !success && outcome.kind !== 'unreadable'
    const until = retryUntil ?? new Date(now.getTime() + retryPeriodMs)
    const again = tryAgain ? nextAttemptAt({ tries: tries + 1, now, retryUntil: until }) : null
    const durationMs = nowMs - startedMs
    app.metrics.webhookAttempts.inc({ outcome: success ? 'delivered' : 'refused' })
    app.metrics.webhookSeconds.observe(durationMs / 1000)
    return {
      integrationId: destination.integrationId,
      sequence,
      state: success ? 'delivered' : again ? 'pending' : 'failed',
      dueAt: again,
      retryUntil: tryAgain ? until : null,
      url: destination.url,
      status: outcome.status,
      error: outcome.error,
      durationMs,
      at: now,
    }
  }

  async function record(): Promise<number> {
    const taken = finished.splice(0, MOST_RECORDED_AT_ONCE)
    const results = taken.map(({ result }) => result)
    try {
      await recordAttempts(db, results, clock.now())
    } catch (error) {
      // They happened: they are kept until they can be recorded.
      finished = taken.concat(finished)
      throw error
    }
    recorded.push(...taken)
    return results.length
  }

  const recorded: Finished[] = []

  async function claim(): Promise<number> {
    const nowMs = realMs()
    if (owned.size >= MOST_DESTINATIONS || (!lookForMore && nowMs - lastLookMs < LONGEST_WAIT_MS)) return 0
    lookForMore = false
    lastLookMs = nowMs
    // A wake may have been lost between processes: now and then everything is looked through.
    for (const destination of owned.values()) destination.more = true
    const limit = Math.min(MOST_CLAIMED_AT_ONCE, MOST_DESTINATIONS - owned.size)
    const claimed = await claimDestinations(db, { owner, now: clock.now(), limit })
    for (const given of claimed) owned.set(keyOf(given), createDestination(given, nowMs))
    return claimed.length
  }

  async function load(): Promise<number> {
    const now = clock.now()
    const wanting = [...owned.values()].flatMap((destination) => {
      const limit = countWanted(destination, now)
      return limit > 0 ? { destination, limit } : []
    })
    if (wanting.length === 0) return 0
    const [found] = await Promise.all([
      loadDueDeliveries(
        db,
        wanting.map(({ destination: { integrationId, url, cursors }, limit }) => ({
          integrationId,
          url,
          cursors,
          limit,
        })),
        now,
      ),
      pairs.refresh(wanting.map(({ destination }) => destination.integrationId)),
    ])
    const nowMs = realMs()
    return wanting.reduce(
      (sum, { destination }, place) => sum + queueFound(destination, found[place]!, nowMs),
      0,
    )
  }

  async function renew(): Promise<void> {
    if (owned.size === 0 || realMs() - lastRenewMs < RENEW_MS) return
    // Destinations that are claimed beside it are not in question.
    const held = [...owned]
    const kept = new Set((await renewLeases(db, owner)).map(keyOf))
    lastRenewMs = realMs()
    for (const [key, destination] of held) {
      if (kept.has(key)) continue
      dropQueue(destination)
      owned.delete(key)
    }
  }

  async function release(everything = false): Promise<void> {
    const now = clock.now()
    const leaving: Destination[] = []
    for (const destination of owned.values()) {
      const paused = isPaused(destination, now)
      if (!isQuiet(destination) || (destination.more && !paused && !everything))
        destination.idleSinceMs = realMs()
      else if (paused || everything || realMs() - destination.idleSinceMs >= LINGER_MS)
        leaving.push(destination)
    }
    const longAgo = new Date(now.getTime() - LONG_DEAD_PERIODS * retryPeriodMs)
    for (const destination of leaving) {
      const dead = destination.failingSince !== null && destination.failingSince <= longAgo
      if (dead) await failAbandonedDeliveries(db, destination, { before: longAgo, now })
    }
    if (await releaseDestinations(db, owner, { destinations: leaving, now })) lookForMore = true
    for (const destination of leaving) owned.delete(keyOf(destination))
  }

  return {
    name: DELIVERY_LANE,
    pollMs: LINGER_MS,
    async step() {
      const sinceMs = realMs() - lastTurnMs
      if (sinceMs < SHORTEST_TURN_MS)
        await new Promise((resolve) => setTimeout(resolve, SHORTEST_TURN_MS - sinceMs))
      lastTurnMs = realMs()
      bell.reset()
      const work = await Promise.allSettled([record(), claim(), load(), renew()])
      // Freed only now: what was loaded beside the recording still shows as pending what was recorded.
      for (const { destination, stream } of recorded.splice(0)) freeStream(destination, stream)
      fill()
      const failure = work.find((part) => part.status === 'rejected')
      if (failure) throw failure.reason
      await release()
      const moved = work.reduce((sum, part) => sum + (part.status === 'fulfilled' ? (part.value ?? 0) : 0), 0)
      if (moved > 0 || inFlight === 0) return moved
      await bell.wait(LONGEST_WAIT_MS)
      return inFlight + finished.length
    },
    nextDue: () => findNextDue(db),
    wake() {
      lookForMore = true
      bell.ring()
    },
    async stop() {
      stopping = true
      for (const destination of owned.values()) dropQueue(destination)
      const graceEndsMs = realMs() + STOP_GRACE_MS
      // What takes longer is left to the next process: it stays due, and is sent again under the same id.
      while (inFlight > 0 && realMs() < graceEndsMs) {
        bell.reset()
        await bell.wait(graceEndsMs - realMs())
      }
      try {
        while (finished.length > 0) await record()
        for (const { destination, stream } of recorded.splice(0)) freeStream(destination, stream)
        await release(true)
      } catch (error) {
        app.log.warn(
          { err: error },
          'The last webhook attempts could not be recorded; they will be repeated.',
        )
      }
    },
  }
}

const keyOf = ({ integrationId, url }: { integrationId: number; url: string }): string =>
  `${integrationId} ${url}`

/** Lets the pump wait for whatever comes first: an attempt that ends, new work, or the time. */
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
