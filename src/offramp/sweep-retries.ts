import type { SweepChange } from './sweep-store.ts'

/** When coins that could not be moved are tried again; after the last a person has to look. */
const AGAIN_MS = [30_000, 300_000, 1_800_000] as const

/** Where a sweep is that could not go on: it waits, or it is parked with its reason. */
export function putOff(sweep: SweepChange, reason: string, now: Date): SweepChange {
  const pauseMs = AGAIN_MS[sweep.attempts]
  const attempts = sweep.attempts + 1
  if (pauseMs === undefined) return { ...sweep, state: 'failed', attempts, reason, dueAt: null }
  return { ...sweep, state: 'gas', attempts, reason, dueAt: new Date(now.getTime() + pauseMs) }
}

/** The earlier of two times, either of which may be none. */
export const earlier = (a: Date | null, b: Date | null): Date | null =>
  a === null || (b !== null && b < a) ? b : a
