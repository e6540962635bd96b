/**
 * The platform's time. Business due times, expiries and token ages follow `now()`, which a sandbox can move
 * forward; leases, provider time-outs and signature timestamps stay on `real()`, or a jump would break them.
 * This is the only file that reads the machine's clock.
 */
export interface Clock {
  /** The platform's time: real time plus the sandbox's offset. */
  now(): Date
  /** The machine's time. */
  real(): Date
  /** Milliseconds the platform's time is ahead of real time; 0 in production. */
  offsetMs(): number
}

export interface MovableClock extends Clock {
  /** Sets the offset; called when the database's offset is read or has changed. It never goes back. */
  setOffsetMs(offsetMs: number): void
}

export function createClock(realMs: () => number = Date.now): MovableClock {
  let offsetMs = 0
  return {
    now: () => new Date(realMs() + offsetMs),
    real: () => new Date(realMs()),
    offsetMs: () => offsetMs,
    setOffsetMs(next) {
      if (next > offsetMs) offsetMs = next
    },
  }
}

let lastKnown = Number.NaN
let lastText = ''
let secondKnown = Number.NaN
let secondText = ''

/** ISO 8601 UTC with six decimals, as the API writes every time: `2026-06-26T10:30:00.000000Z`. */
export function wireTime(time: Date): string {
  const ms = time.getTime()
  // Most are the very same `now`.
  if (ms === lastKnown) return lastText
  const second = Math.floor(ms / 1000)
  // Times come in bunches within a second, and writing a date costs more than the rest of a quote's figures.
  if (second !== secondKnown) {
    secondText = time.toISOString().slice(0, -4)
    secondKnown = second
  }
  // Joined rather than concatenated: V8 writes flat text as JSON three times faster than text in pieces.
  lastText = [secondText, String(ms - second * 1000).padStart(3, '0'), '000Z'].join('')
  lastKnown = ms
  return lastText
}

const UNIT_MS = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** Parses a duration such as `90d`, `12h`, `30m`, `45s` or a chain of them (`1d12h`) into milliseconds. */
export function parseDurationMs(text: string): number | undefined {
  if (!/^(\d{1,6}[smhd])+$/.test(text)) return undefined
  let totalMs = 0
  for (const [, count, unit] of text.matchAll(/(\d+)([smhd])/g)) {
    totalMs += Number(count) * UNIT_MS[unit as keyof typeof UNIT_MS]
  }
  return totalMs
}
