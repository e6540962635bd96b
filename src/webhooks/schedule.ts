const SECOND_MS = 1_000
const MINUTE_MS = 60 * SECOND_MS
const HOUR_MS = 60 * MINUTE_MS

/** The pauses after the first, second, … attempt that failed; the last one repeats until the retry period ends. */
export const RETRY_PAUSES_MS: readonly number[] = [
  5 * SECOND_MS,
  30 * SECOND_MS,
  2 * MINUTE_MS,
  10 * MINUTE_MS,
  40 * MINUTE_MS,
  2 * HOUR_MS,
  5 * HOUR_MS,
  12 * HOUR_MS,
  24 * HOUR_MS,
  48 * HOUR_MS,
  96 * HOUR_MS,
]

/** A destination that failed this often in a row is left alone for a while, then tried with one delivery at a time. */
export const FAILURES_BEFORE_PAUSE = 5

/** How long it is left alone, growing with each further failure. */
export const DESTINATION_PAUSES_MS: readonly number[] = [1, 2, 5, 10, 20, 40, 60].map(
  (seconds) => seconds * SECOND_MS,
)

/** Pauses are drawn from 80 % to 120 % of their length, so that what failed together does not come back together. */
const JITTER = 0.2

/** When a delivery is tried again after an attempt that failed; null: that was the last one. */
export function nextAttemptAt(
  {
    tries,
    now,
    retryUntil,
  }: { /** Attempts so far, this one included. */ tries: number; now: Date; retryUntil: Date },
  random: () => number = Math.random,
): Date | null {
  if (now >= retryUntil) return null
  const at = now.getTime() + jittered(pick(RETRY_PAUSES_MS, tries - 1), random)
  return new Date(Math.min(at, retryUntil.getTime()))
}

/** Until when a destination is left alone after so many failures in a row; null: not at all. */
export function destinationPausedUntil(
  failures: number,
  now: Date,
  random: () => number = Math.random,
): Date | null {
  if (failures < FAILURES_BEFORE_PAUSE) return null
  const pauseMs = pick(DESTINATION_PAUSES_MS, failures - FAILURES_BEFORE_PAUSE)
  return new Date(now.getTime() + jittered(pauseMs, random))
}

function pick(pausesMs: readonly number[], index: number): number {
  return pausesMs[Math.min(Math.max(index, 0), pausesMs.length - 1)] as number
}

function jittered(pauseMs: number, random: () => number): number {
  return Math.round(pauseMs * (1 - JITTER + 2 * JITTER * random()))
}
