/**
 * Keeps a view fresh by long polling, through lost connections, sleeping phones and the page's own actions.
 * No part of it knows the DOM: what it needs of the browser comes by `LiveSource`, so that it can be tested.
 */
import { CallError, ConnectionLost } from './call.ts'

export interface Versioned {
  version: string
  server_time: string
}

export interface LiveSource<V extends Versioned> {
  /** The first call. Repeated until it is answered. */
  open(signal: AbortSignal): Promise<V>
  /** Waits for another version than this one, or answers what there is now when `version` is null. */
  next(version: string | null, signal: AbortSignal): Promise<V>
  /** Nothing more will happen: stop asking. */
  isFinal(view: V): boolean
  /** Resolves while the page can be seen; a hidden page asks nothing. */
  untilVisible(): Promise<void>
  /** Resolves after that time, or when `wake` does, whichever is first. */
  pause(ms: number, wake: Promise<void>): Promise<void>
  /** A clock that only runs forward, in milliseconds. */
  tick(): number
}

export interface LiveState<V> {
  view: V | null
  /** `tick()` when the view came: with its `server_time` it makes the platform's clock. */
  viewAt: number
  /** The server's final no (no such payment, …). */
  failure: CallError | null
  offline: boolean
}

export interface Live<V> {
  /** Runs an action that answers a new view. The poll under way is dropped: its answer might be older. */
  act<T>(action: () => Promise<T>, viewOf: (result: T) => V): Promise<T>
  /** Asks at once, without waiting for a change; what comes of it shows in the state. */
  refresh(): void
  /** Cuts a pause short: the browser says the network is back. */
  wake(): void
  stop(): void
}

/** Seconds between tries while the connection is lost: fast at first, never more than ten. */
export function retryPauseMs(failures: number): number {
  return Math.min(1000 * 2 ** (failures - 1), 10_000)
}

export function startLive<V extends Versioned>(
  source: LiveSource<V>,
  onState: (state: LiveState<V>) => void,
): Live<V> {
  let state: LiveState<V> = { view: null, viewAt: 0, failure: null, offline: false }
  let stopped = false
  let acting = 0
  let askAtOnce = false
  let polling: AbortController | null = null
  let ring = () => {}
  let bell = Promise.resolve()

  const wake = () => {
    ring()
    bell = new Promise<void>((resolve) => {
      ring = resolve
    })
  }
  wake()
  const set = (change: Partial<LiveState<V>>) => {
    state = { ...state, ...change }
    if (!stopped) onState(state)
  }
  const take = (view: V) => set({ view, viewAt: source.tick(), offline: false, failure: null })
  const atRest = () => state.failure !== null || (state.view && source.isFinal(state.view))

  async function run(): Promise<void> {
    let failures = 0
    while (!stopped) {
      await source.untilVisible()
      if (acting > 0 || (atRest() && !askAtOnce)) {
        await bell
        continue
      }
      const { view: before } = state
      const startedAt = source.tick()
      const { signal } = (polling = new AbortController())
      try {
        // After a failure ask without waiting, so that "offline" goes away as soon as it can.
        const version = failures > 0 || askAtOnce ? null : (before?.version ?? null)
        askAtOnce = false
        const view = before ? await source.next(version, signal) : await source.open(signal)
        if (signal.aborted) continue
        failures = 0
        take(view)
        // A server or proxy that doesn't hold the question must not be asked in a tight loop.
        if (view.version === before?.version && source.tick() - startedAt < 1000) {
          await source.pause(2000, bell)
        }
      } catch (error) {
        if (signal.aborted) continue
        if (isFinalFailure(error)) {
          set({ failure: error as CallError, offline: false })
          continue
        }
        failures += 1
        set({ offline: true })
        await source.pause(retryPauseMs(failures), bell)
      }
    }
  }

  async function act<T>(action: () => Promise<T>, viewOf: (result: T) => V): Promise<T> {
    acting += 1
    polling?.abort()
    try {
      const result = await action()
      take(viewOf(result))
      return result
    } catch (error) {
      if (error instanceof ConnectionLost) set({ offline: true })
      throw error
    } finally {
      acting -= 1
      wake()
    }
  }

  function refresh(): void {
    askAtOnce = true
    polling?.abort()
    wake()
  }

  function stop(): void {
    stopped = true
    polling?.abort()
    wake()
  }

  void run()
  return { act, refresh, wake, stop }
}

/** Overload and restarts pass; what is left is the server's last word. */
function isFinalFailure(error: unknown): boolean {
  return error instanceof CallError && error.httpStatus !== 429 && error.httpStatus < 500
}
