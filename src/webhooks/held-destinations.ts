import { randomUUID } from 'node:crypto'
import type { App } from '../app.ts'
import { failAbandonedDeliveries, loadDueDeliveries } from './delivery-store.ts'
import {
  countWanted,
  createDestination,
  type Destination,
  dropQueue,
  isPaused,
  isQuiet,
  queueFound,
} from './destination.ts'
import { claimDestinations, releaseDestinations, renewLeases } from './destination-store.ts'
import type { SigningPairs } from './signing-pairs.ts'

const MOST_HELD = 1_000
/** Loaded for all of them together, each an equal share. */
const MOST_QUEUED = 4_096
const MOST_CLAIMED_AT_ONCE = 100
const LONGEST_WITHOUT_LOOK_MS = 1_000
const RENEW_MS = 2_000
/** A destination without work is kept for a moment: the next event often follows. */
export const LINGER_MS = 300
/** A destination that failed for so many retry periods was tried often enough to speak for what still waits behind it. */
const LONG_DEAD_PERIODS = 4

/** The destinations this process delivers to: taken, looked through for due deliveries, and given back. */
export interface HeldDestinations {
  held: ReadonlyMap<string, Destination>
  /** Something was committed: the next `claim` and `load` look at once. */
  lookSoon(): void
  /** Each answers how many it moved. */
  claim(): Promise<number>
  load(): Promise<number>
  renew(): Promise<number>
  /** Gives back what has no work or is left alone for a while; with `everything` all that is quiet. */
  release(everything?: boolean): Promise<void>
  /** Milliseconds until a destination that may have more is looked through; undefined when none has. */
  nextLookMs(): number | undefined
}

type Needs = Pick<App, 'db' | 'clock' | 'config'>

export function holdDestinations({ db, clock, config }: Needs, pairs: SigningPairs): HeldDestinations {
  const owner = randomUUID()
  const held = new Map<string, Destination>()
  const realMs = (): number => clock.real().getTime()
  let lookAtAll = true
  let lookedAtMs = 0
  let renewedAtMs = 0

  /** With many held, each wake must not look through all of them: those that were just looked at wait a little. */
  const restMs = ({ loadedAtMs }: Destination): number => Math.max(0, loadedAtMs + held.size / 5 - realMs())

  const countWantedOf = (destination: Destination, now: Date): number =>
    countWanted(destination, Math.max(2, Math.floor(MOST_QUEUED / held.size)), now)

  return {
    held,
    lookSoon() {
      lookAtAll = true
    },
    async claim() {
      if (!lookAtAll && realMs() - lookedAtMs < LONGEST_WITHOUT_LOOK_MS) return 0
      lookAtAll = false
      lookedAtMs = realMs()
      // A wake may have been lost between processes: now and then everything is looked through.
      for (const destination of held.values()) destination.more = true
      const limit = Math.min(MOST_CLAIMED_AT_ONCE, MOST_HELD - held.size)
      if (limit <= 0) return 0
      const claimed = await claimDestinations(db, { owner, now: clock.now(), limit })
      for (const given of claimed) held.set(keyOf(given), createDestination(given, realMs()))
      return claimed.length
    },
    async load() {
      const now = clock.now()
      const wanting = [...held.values()].flatMap((destination) => {
        const limit = restMs(destination) === 0 ? countWantedOf(destination, now) : 0
        return limit > 0 ? { destination, limit } : []
      })
      if (wanting.length === 0) return 0
      const wanted = wanting.map(({ destination: { integrationId, url, cursors }, limit }) => ({
        integrationId,
        url,
        cursors,
        limit,
      }))
      const [found] = await Promise.all([
        loadDueDeliveries(db, wanted, now),
        pairs.refresh(wanted.map(({ integrationId }) => integrationId)),
      ])
      const nowMs = realMs()
      return wanting.reduce(
        (sum, { destination }, place) => sum + queueFound(destination, found[place]!, nowMs),
        0,
      )
    },
    async renew() {
      if (held.size === 0 || realMs() - renewedAtMs < RENEW_MS) return 0
      // Destinations that are claimed beside it are not in question.
      const before = [...held]
      const kept = new Set((await renewLeases(db, owner)).map(keyOf))
      renewedAtMs = realMs()
      for (const [key, destination] of before) {
        if (kept.has(key)) continue
        dropQueue(destination)
        held.delete(key)
      }
      return 0
    },
    async release(everything = false) {
      const now = clock.now()
      const leaving = [...held.values()].filter((destination) =>
        mayLeave(destination, { now, nowMs: realMs(), everything }),
      )
      const longAgo = new Date(now.getTime() - LONG_DEAD_PERIODS * config.durations.webhookRetryPeriodMs)
      for (const destination of leaving) {
        const dead = destination.failingSince !== null && destination.failingSince <= longAgo
        if (dead) await failAbandonedDeliveries(db, destination, { before: longAgo, now })
      }
      if (await releaseDestinations(db, owner, { destinations: leaving, now })) lookAtAll = true
      for (const destination of leaving) held.delete(keyOf(destination))
    },
    nextLookMs() {
      const now = clock.now()
      const rests = [...held.values()].flatMap((destination) =>
        countWantedOf(destination, now) > 0 ? restMs(destination) : [],
      )
      return rests.length > 0 ? Math.min(...rests) : undefined
    },
  }
}

function mayLeave(
  destination: Destination,
  { now, nowMs, everything }: { now: Date; nowMs: number; everything: boolean },
): boolean {
  const paused = isPaused(destination, now)
  if (!isQuiet(destination) || (destination.more && !paused && !everything)) {
    destination.idleSinceMs = nowMs
    return false
  }
  return paused || everything || nowMs - destination.idleSinceMs >= LINGER_MS
}

const keyOf = ({ integrationId, url }: { integrationId: number; url: string }): string =>
  `${integrationId} ${url}`
