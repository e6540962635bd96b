import { useEffect, useState } from 'preact/hooks'
import { CallError } from './call.ts'
import type { Live } from './live.ts'
import type { SharedWords } from './messages/en.ts'
import { useSpeech } from './words.tsx'

export interface Problem {
  code: string
  /** In the customer's language. */
  text: string
  errors: Record<string, string[]>
  data?: unknown
}

export interface Action<V> {
  busy: boolean
  problem: Problem | null
  clear(): void
  /** Null when it was refused; `problem` then says why. */
  run<T>(call: () => Promise<T>, viewOf: (result: T) => V): Promise<T | null>
  /** Leaves for another page: stays busy until the browser is gone. */
  leave(url: string): void
}

/** One button's work: busy while it runs, a problem in words when it fails. `explain` knows the page's own codes. */
export function useAction<V extends { version: string; server_time: string }>(
  live: Live<V>,
  explain: (code: string) => string | undefined = () => undefined,
): Action<V> {
  const { words } = useSpeech()
  const [busy, setBusy] = useState(false)
  const [problem, setProblem] = useState<Problem | null>(null)

  useEffect(() => {
    const comeBack = (event: PageTransitionEvent) => event.persisted && setBusy(false)
    addEventListener('pageshow', comeBack)
    return () => removeEventListener('pageshow', comeBack)
  }, [])

  async function run<T>(call: () => Promise<T>, viewOf: (result: T) => V): Promise<T | null> {
    setBusy(true)
    setProblem(null)
    try {
      return await live.act(call, viewOf)
    } catch (error) {
      if (error instanceof CallError && error.httpStatus === 409) live.refresh()
      if (error instanceof CallError && /^(not_the_owner|password_required)$/.test(error.code)) live.refresh()
      setProblem(problemOf(error, words, explain))
      return null
    } finally {
      setBusy(false)
    }
  }

  function leave(url: string): void {
    setBusy(true)
    location.assign(url)
  }
  return { busy, problem, clear: () => setProblem(null), run, leave }
}

export function problemOf(
  error: unknown,
  words: SharedWords,
  explain: (code: string) => string | undefined,
): Problem {
  if (!(error instanceof CallError)) return { code: 'offline', text: words.lostWhileSending, errors: {} }
  const { errors, data } = error
  return { code: error.code, text: explain(error.code) ?? general(error, words), errors, data }
}

function general(error: CallError, words: SharedWords): string {
  if (error.httpStatus === 409) return words.changedMeanwhile
  if (error.httpStatus === 429) return words.tooManyRequests
  if (error.httpStatus >= 500) return words.unexpected
  return error.message || words.unexpected
}
