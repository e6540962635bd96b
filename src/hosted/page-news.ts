import type { Notifier } from '../db/notify.ts'
import type { Clock } from '../kernel/clock.ts'

const CHANNEL = 'page_news'
/** How long a page's call waits at most. */
const LONGEST_MS = 25_000
/** How often it looks by itself: a notification may be lost, and links end by time alone. */
const LOOK_AGAIN_MS = 2_000

/** Lets waiting pages know, in every process, that there is something new to see. */
export interface PageNews {
  /** `key` names what changed, such as `kyc:<id>`. Call it after the commit. */
  tell(key: string): void
  /** Resolves when the key is told of, after that time, or when the caller has gone; never throws. */
  wait(key: string, ms: number, signal: AbortSignal): Promise<void>
  /** Lets every waiting call go, now and from now on: the server ends. */
  close(): void
  readonly closed: boolean
}

export function createPageNews(notifier: Pick<Notifier, 'announce' | 'listen'>): PageNews {
  const waiting = new Map<string, Set<() => void>>()
  let closed = false
  const wake = (key: string): void => {
    for (const go of waiting.get(key) ?? []) go()
  }
  notifier.listen(CHANNEL, wake)
  return {
    tell(key) {
      wake(key)
      notifier.announce(CHANNEL, key)
    },
    wait: (key, ms, signal) =>
      new Promise((resolve) => {
        if (closed || signal.aborted) return resolve()
        const go = (): void => {
          clearTimeout(timer)
          signal.removeEventListener('abort', go)
          const others = waiting.get(key)
          others?.delete(go)
          if (others?.size === 0) waiting.delete(key)
          resolve()
        }
        const timer = setTimeout(go, ms)
        signal.addEventListener('abort', go)
        waiting.set(key, (waiting.get(key) ?? new Set()).add(go))
      }),
    close() {
      closed = true
      for (const key of [...waiting.keys()]) wake(key)
    },
    get closed() {
      return closed
    },
  }
}

/**
 * Waits until the version isn't `after` any more, at most 25 s. `readVersion` must be cheap: it is asked again every
 * two seconds, and no connection is held in between.
 */
export async function untilChanged(
  { pageNews, clock }: { pageNews: PageNews; clock: Clock },
  {
    key,
    after,
    signal,
    readVersion,
  }: { key: string; after: string; signal: AbortSignal; readVersion: () => Promise<string> },
): Promise<void> {
  const deadline = clock.real().getTime() + LONGEST_MS
  for (;;) {
    // Listening begins before looking, so that a change in between is not slept through.
    const listening = new AbortController()
    const left = deadline - clock.real().getTime()
    const told = pageNews.wait(
      key,
      Math.min(left, LOOK_AGAIN_MS),
      AbortSignal.any([signal, listening.signal]),
    )
    const changed = (await readVersion()) !== after
    if (changed || left <= 0 || signal.aborted || pageNews.closed) {
      listening.abort()
      return
    }
    await told
  }
}
