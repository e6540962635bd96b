import type { Clock } from '../kernel/clock.ts'

const WINDOW_MS = 60_000
const MOST_KEYS = 100_000

export interface RateVerdict {
  allowed: boolean
  remaining: number
  resetSeconds: number
}

/** Who is counted together: an integration, or whoever calls from one address. */
export type RateKey = `integration:${number}` | `${'address' | 'page' | 'rpc' | 'authenticate'}:${string}`

/**
 * Counts calls in fixed windows of a real minute, in this process: with several processes behind one address each
 * grants its own share, which the configuration divides.
 */
export interface RateLimiter {
  take(key: RateKey, limit: number): RateVerdict
}

/** `mostKeys` bounds what is kept of callers that are not known. */
export function createRateLimiter(clock: Clock, mostKeys: number = MOST_KEYS): RateLimiter {
  let windowStartMs = 0
  // Integrations are few. Counted apart, no crowd of addresses makes us forget how often they called.
  const integrations = new Map<string, number>()
  const others = new Map<string, number>()

  return {
    take(key, limit) {
      const nowMs = clock.real().getTime()
      if (nowMs - windowStartMs >= WINDOW_MS) {
        windowStartMs = nowMs - (nowMs % WINDOW_MS)
        integrations.clear()
        others.clear()
      }
      const counts = key.startsWith('integration:') ? integrations : others
      const used = (counts.get(key) ?? 0) + 1
      if (used === 1 && others.size >= mostKeys) others.clear()
      counts.set(key, used)
      return {
        allowed: used <= limit,
        remaining: Math.max(0, limit - used),
        resetSeconds: Math.max(1, Math.ceil((windowStartMs + WINDOW_MS - nowMs) / 1000)),
      }
    },
  }
}
