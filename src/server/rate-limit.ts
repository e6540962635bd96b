import type { Clock } from '../kernel/clock.ts'

const WINDOW_MS = 60_000
const MOST_KEYS = 100_000

export interface RateVerdict {
  allowed: boolean
  remaining: number
  resetSeconds: number
}

/**
 * Counts calls in fixed windows of a real minute, in this process: with several processes behind one address each
 * grants its own share, which the configuration divides.
 */
export interface RateLimiter {
  take(key: string, limit: number): RateVerdict
  /** Looks without counting. */
  peek(key: string, limit: number): RateVerdict
}

export function createRateLimiter(clock: Clock): RateLimiter {
  let windowStartMs = 0
  let counts = new Map<string, number>()

  function look(key: string, limit: number, cost: number): RateVerdict {
    const nowMs = clock.real().getTime()
    if (nowMs - windowStartMs >= WINDOW_MS || counts.size > MOST_KEYS) {
      windowStartMs = nowMs - (nowMs % WINDOW_MS)
      counts = new Map()
    }
    const used = (counts.get(key) ?? 0) + cost
    if (cost > 0) counts.set(key, used)
    return {
      allowed: cost > 0 ? used <= limit : used < limit,
      remaining: Math.max(0, limit - used),
      resetSeconds: Math.max(1, Math.ceil((windowStartMs + WINDOW_MS - nowMs) / 1000)),
    }
  }

  return { take: (key, limit) => look(key, limit, 1), peek: (key, limit) => look(key, limit, 0) }
}
