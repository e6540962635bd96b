/** Time left until a moment of the platform's clock. The device's own clock, often wrong, is never asked. */
import { useEffect, useState } from 'preact/hooks'

export interface ServerMoment {
  /** The view's `server_time`. */
  serverTime: string
  /** `performance.now()` when it came. */
  at: number
}

export function secondsLeft(until: string, moment: ServerMoment, tick: number): number {
  const now = Date.parse(moment.serverTime) + (tick - moment.at)
  return Math.max(0, Math.ceil((Date.parse(until) - now) / 1000))
}

/**
 * Seconds left, counted down each second; null without a deadline. `onEnd` runs when it reaches zero, and again every
 * few seconds as long as the view still names a moment that is over.
 */
export function useCountdown(until: string | null, moment: ServerMoment, onEnd?: () => void): number | null {
  const [, redraw] = useState(0)
  useEffect(() => {
    if (until === null) return
    const left = () => secondsLeft(until, moment, performance.now())
    let overFor = left() === 0 ? 1 : 0
    const timer = setInterval(() => {
      redraw((n) => n + 1)
      if (left() > 0) return
      if (overFor % 4 === 0) onEnd?.()
      overFor += 1
    }, 1000)
    return () => clearInterval(timer)
  }, [until, moment.serverTime, moment.at])
  return until === null ? null : secondsLeft(until, moment, performance.now())
}
