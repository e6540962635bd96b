/** One call to the JSON behind the page: the envelope opened, failures as two kinds of error and no more. */
import type { Failure, Ok } from '../../src/hosted/wire.ts'

/** The server answered, and said no. */
export class CallError extends Error {
  readonly code: string
  readonly httpStatus: number
  /** By field; empty when the failure is not about a field. */
  readonly errors: Record<string, string[]>
  /** What the call gives along with its refusal. */
  readonly data: unknown

  constructor(failure: Failure, httpStatus: number) {
    super(failure.message)
    this.name = 'CallError'
    this.code = failure.error
    this.httpStatus = httpStatus
    this.errors = failure.errors ?? {}
    this.data = failure.data
  }
}

/** Nobody of ours answered: no network, a proxy's error page, a server that is restarting. Trying again may help. */
export class ConnectionLost extends Error {
  constructor(reason: string) {
    super(`The connection was lost: ${reason}`)
    this.name = 'ConnectionLost'
  }
}

export interface CallOptions {
  body?: unknown
  /** A picture or another file, sent as it is. */
  picture?: Blob
  /** What the file is called on the customer's device. */
  fileName?: string
  signal?: AbortSignal
  timeoutMs?: number
}

export async function call<T>(
  method: 'GET' | 'POST' | 'PUT',
  path: string,
  options: CallOptions = {},
): Promise<T> {
  const { signal, done } = limited(options.signal, options.timeoutMs ?? 30_000)
  const headers: Record<string, string> = { 'x-page': '1', accept: 'application/json' }
  if (options.picture) headers['content-type'] = options.picture.type
  else if (method !== 'GET') headers['content-type'] = 'application/json'
  if (options.fileName !== undefined) headers['x-file-name'] = encodeURIComponent(options.fileName)
  const body = options.picture ?? (method === 'GET' ? undefined : JSON.stringify(options.body ?? {}))
  let response: Response
  let answer: Ok<T> | Failure
  try {
    response = await fetch(path, {
      method,
      headers,
      body,
      credentials: 'same-origin',
      cache: 'no-store',
      signal,
    })
    answer = (await response.json()) as Ok<T> | Failure
  } catch (error) {
    throw new ConnectionLost(error instanceof Error ? error.message : 'unknown')
  } finally {
    done()
  }
  if (answer?.status === 'ok') return answer.data
  if (answer?.status === 'error') throw new CallError(answer, response.status)
  throw new ConnectionLost(`an answer of another kind, ${response.status}`)
}

/** The caller's signal or the time limit, whichever ends first. `AbortSignal.any` is too young for cheap phones. */
function limited(
  outer: AbortSignal | undefined,
  timeoutMs: number,
): { signal: AbortSignal; done: () => void } {
  const controller = new AbortController()
  const abort = () => controller.abort()
  const timer = setTimeout(abort, timeoutMs)
  if (outer?.aborted) abort()
  outer?.addEventListener('abort', abort)
  const done = () => {
    clearTimeout(timer)
    outer?.removeEventListener('abort', abort)
  }
  return { signal: controller.signal, done }
}
