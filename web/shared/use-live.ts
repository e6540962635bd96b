/** `startLive` in a component, with the browser's own visibility, network and time. */
import { useEffect, useRef, useState } from 'preact/hooks'
import type { PageView } from '../../src/hosted/wire.ts'
import { call } from './call.ts'
import { type Live, type LiveSource, type LiveState, startLive } from './live.ts'

export interface LivePage<V> extends LiveState<V> {
  live: Live<V>
}

export interface LiveAddress<V> {
  open(signal: AbortSignal): Promise<V>
  /** The GET address of the view; a function, since a gateway link learns it only by opening. */
  path(): string
  isFinal(view: V): boolean
}

export function useLive<V extends PageView>(address: LiveAddress<V>): LivePage<V> {
  const [state, setState] = useState<LiveState<V>>({ view: null, viewAt: 0, failure: null, offline: false })
  const live = useRef<Live<V> | null>(null)
  live.current ??= startLive(browserSource(address), setState)
  useEffect(() => {
    const wake = () => live.current?.wake()
    // Brought back by the browser's back button as it was left: what it shows may be old.
    const comeBack = (event: PageTransitionEvent) => event.persisted && live.current?.refresh()
    addEventListener('online', wake)
    addEventListener('pageshow', comeBack)
    return () => {
      removeEventListener('online', wake)
      removeEventListener('pageshow', comeBack)
      live.current?.stop()
    }
  }, [])
  return { ...state, live: live.current }
}

function browserSource<V extends PageView>(address: LiveAddress<V>): LiveSource<V> {
  return {
    open: address.open,
    next: (version, signal) => {
      const query = version === null ? '' : `?after=${encodeURIComponent(version)}`
      return call<V>('GET', address.path() + query, { signal, timeoutMs: 40_000 })
    },
    isFinal: address.isFinal,
    untilVisible,
    pause: (ms, wake) => Promise.race([new Promise<void>((done) => setTimeout(done, ms)), wake]),
    tick: () => performance.now(),
  }
}

function untilVisible(): Promise<void> {
  if (document.visibilityState === 'visible') return Promise.resolve()
  return new Promise((resolve) => {
    const look = () => {
      if (document.visibilityState !== 'visible') return
      document.removeEventListener('visibilitychange', look)
      resolve()
    }
    document.addEventListener('visibilitychange', look)
  })
}
