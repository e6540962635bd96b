import type { Cursor, DueDelivery, Found } from './delivery-store.ts'
import type { DestinationHealth, DestinationKey } from './destination-store.ts'
import { destinationPausedUntil } from './schedule.ts'

/** A destination this process delivers to, and what it holds in memory for it. */
export interface Destination extends DestinationKey, DestinationHealth {
  queue: DueDelivery[]
  queuedAtMs: number
  inFlight: number
  /** How many may be in flight: grows while attempts succeed and more are of use, shrinks when they fail. */
  limit: number
  /** Streams with a delivery that is queued, in flight, or whose attempt is not recorded yet. */
  busy: Set<string>
  /** Where the look through the due deliveries goes on; empty: from the beginning. */
  cursors: Map<string, Cursor>
  /** Whether the database may hold due deliveries that are not here. */
  more: boolean
  /** Whether one was met that waits for its stream. */
  passedOver: boolean
  /** When a failure was last counted: what was in flight then fails with it and counts no further. */
  failureCountedMs: number
  idleSinceMs: number
  /** When its due deliveries were last looked through. */
  loadedAtMs: number
}

const FIRST_LIMIT = 8
const MOST_IN_FLIGHT = 64
/** To a receiver that answers at once more would only wait in memory: ours, and its. */
const QUICK_IN_FLIGHT = 16
/** As many are on the wire as this takes: 640 a second, at the receiver's time to answer. */
const AIMED_PER_MS = 0.64
/** What waits here longer is looked up anew: the URL or the subscription may have changed since. */
const LONGEST_QUEUED_MS = 1_000

export function createDestination(given: DestinationKey & DestinationHealth, nowMs: number): Destination {
  return {
    ...given,
    queue: [],
    queuedAtMs: nowMs,
    inFlight: 0,
    limit: given.failures > 0 ? 1 : FIRST_LIMIT,
    busy: new Set(),
    cursors: new Map(),
    more: true,
    passedOver: false,
    failureCountedMs: 0,
    idleSinceMs: nowMs,
    loadedAtMs: 0,
  }
}

export const isPaused = ({ resumeAt }: Destination, now: Date): boolean => resumeAt !== null && resumeAt > now

/** Whether nothing of it is in memory, on the wire, or waiting to be recorded. */
export const isQuiet = ({ inFlight, queue, busy }: Destination): boolean =>
  inFlight === 0 && queue.length === 0 && busy.size === 0

/**
 * How many of each type to load now, so that the queue doesn't run dry while the database answers; 0: none. `share`
 * is how many it may keep waiting here.
 */
export function countWanted(destination: Destination, share: number, now: Date): number {
  const { more, queue, limit } = destination
  const wanted = Math.min(2 * limit, share)
  return !more || isPaused(destination, now) || queue.length > wanted / 2 ? 0 : wanted
}

/** Queues what was loaded, but for streams that are busy: their next one is looked up when they are free. */
export function queueFound(
  destination: Destination,
  { deliveries, waiting, cursors }: Found,
  nowMs: number,
): number {
  if (waiting) destination.passedOver = true
  let queued = 0
  for (const delivery of deliveries) {
    if (destination.busy.has(delivery.stream)) {
      destination.passedOver = true
      continue
    }
    destination.busy.add(delivery.stream)
    destination.queue.push(delivery)
    queued += 1
  }
  if (queued > 0) destination.queuedAtMs = nowMs
  destination.more = cursors !== null
  // What goes on where it was is no new look.
  destination.loadedAtMs = cursors === null ? nowMs : 0
  destination.cursors = cursors ?? new Map()
  return queued
}

/** Takes the next delivery to attempt, if there is one and it may be. */
export function takeNext(destination: Destination, now: Date, nowMs: number): DueDelivery | undefined {
  if (destination.queue.length === 0) return undefined
  if (isPaused(destination, now) || nowMs - destination.queuedAtMs > LONGEST_QUEUED_MS) {
    dropQueue(destination)
    return undefined
  }
  return destination.inFlight < destination.limit ? destination.queue.shift() : undefined
}

/** Forgets what is queued; it is still due in the database. */
export function dropQueue(destination: Destination): void {
  for (const { stream } of destination.queue) destination.busy.delete(stream)
  destination.queue = []
  destination.more = true
  destination.cursors.clear()
}

/** After the attempt is recorded: the stream's next delivery may go. */
export function freeStream(destination: Destination, stream: string): void {
  destination.busy.delete(stream)
  if (!destination.passedOver) return
  destination.passedOver = false
  destination.more = true
}

export function noteSuccess(destination: Destination, durationMs: number): void {
  destination.failures = 0
  destination.failingSince = null
  destination.resumeAt = null
  const aim = Math.min(MOST_IN_FLIGHT, Math.max(QUICK_IN_FLIGHT, Math.ceil(durationMs * AIMED_PER_MS)))
  destination.limit += Math.sign(aim - destination.limit)
}

export function noteFailure(
  destination: Destination,
  { startedMs, nowMs, now }: { startedMs: number; nowMs: number; now: Date },
): void {
  if (startedMs < destination.failureCountedMs) return
  destination.failureCountedMs = nowMs
  destination.failures += 1
  destination.failingSince ??= now
  destination.limit = Math.max(1, Math.floor(destination.limit / 2))
  destination.resumeAt = destinationPausedUntil(destination.failures, now)
  if (destination.resumeAt) dropQueue(destination)
}
