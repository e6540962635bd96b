import { type Dispatcher, Pool } from 'undici'
import {
  createDevelopmentResolver,
  createGuardedConnect,
  createResolver,
  findAllowedAddresses,
  OutgoingError,
  type ResolveName,
} from './outgoing-connect.ts'

export { OutgoingError, type OutgoingReason, type ResolveName } from './outgoing-connect.ts'

/**
 * A door for URLs that somebody outside gave us: one is made for webhooks, one for files. It reaches public addresses
 * only, whatever the URL, its name or its redirects say, and is bounded in time and size.
 */
export interface OutgoingHttp {
  /** Throws an `OutgoingError` when there is no answer. Any status is an answer, a redirect too. */
  request(request: OutgoingRequest): Promise<OutgoingAnswer>
  /**
   * Fetches a file: asks for its bytes as they are, follows redirects, and holds what comes once, up to the limit.
   * Throws an `OutgoingError` when there is none; `refused` when the answer is not 200.
   */
  download(request: OutgoingDownload): Promise<Buffer>
  /** What is wrong with a URL, as text for people; undefined when nothing is, or when its name can't be resolved yet. */
  findProblem(url: string): Promise<string | undefined>
  close(): Promise<void>
}

export interface OutgoingRequest {
  method: 'GET' | 'POST'
  url: string
  headers?: Record<string, string>
  body?: string | Buffer
  /** For the whole exchange: name, connection, answer, redirects. */
  timeoutMs: number
  /** Of the answer's body. */
  limitBytes: number
  /** The body is of no interest: it is read and thrown away, and one over the limit is no failure. */
  discardBody?: boolean
  /** How many redirects are followed, each judged like the first URL; none unless told. For GET only. */
  redirects?: number
}

export interface OutgoingDownload {
  url: string
  /** For the whole exchange: name, connection, redirects, all bytes. */
  timeoutMs: number
  limitBytes: number
  redirects: number
}

export interface OutgoingAnswer {
  status: number
  headers: Record<string, string | string[] | undefined>
  /** Empty when it was discarded. */
  body: Buffer
}

export interface OutgoingOptions {
  /** For files, and in the sandbox: `http:` beside `https:`. */
  allowPlainHttp: boolean
  /** In the sandbox: receivers of webhooks on this machine. */
  allowLoopback: boolean
  resolve?: ResolveName
  /** Origins whose connections are kept; beyond it, idle ones are closed, the longest unused first. */
  mostPools?: number
}

const CONNECT_TIMEOUT_MS = 5_000
const KEPT_ALIVE_MS = 4_000
const JUDGED_WITHIN_MS = 3_000
const NO_BYTES = Buffer.alloc(0)
const REDIRECTS = new Set([301, 302, 303, 307, 308])

export function createOutgoingHttp({
  allowPlainHttp,
  allowLoopback,
  resolve,
  mostPools = 512,
}: OutgoingOptions): OutgoingHttp {
  const rules = {
    allowLoopback,
    resolve: resolve ?? (allowLoopback ? createDevelopmentResolver() : createResolver()),
  }
  const connect = createGuardedConnect(rules, CONNECT_TIMEOUT_MS)
  /** Least recently used first. */
  const pools = new Map<string, Pool>()

  function poolFor(origin: string): Pool {
    const known = pools.get(origin)
    if (known) {
      pools.delete(origin)
      pools.set(origin, known)
      return known
    }
    if (pools.size >= mostPools) closeIdlePools(pools, pools.size - mostPools + 1)
    const pool = new Pool(origin, {
      connect,
      keepAliveTimeout: KEPT_ALIVE_MS,
      headersTimeout: 0,
      bodyTimeout: 0,
    })
    pools.set(origin, pool)
    return pool
  }

  const door: OutgoingHttp = {
    async download(request) {
      const headers = { Accept: '*/*', 'Accept-Encoding': 'identity', 'User-Agent': 'cryptopocket' }
      const { status, body } = await door.request({ ...request, method: 'GET', headers })
      if (status !== 200) throw new OutgoingError('refused', `The answer was ${status} instead of the file.`)
      return body
    },
    async request(request) {
      const deadline = createDeadline(request.timeoutMs)
      try {
        let url = parseOutgoingUrl(request.url, allowPlainHttp)
        for (let followed = 0; ; followed += 1) {
          const answer = await exchange(poolFor(url.origin), url, request, deadline)
          const { location } = answer.headers
          if (!request.redirects || !REDIRECTS.has(answer.status) || typeof location !== 'string')
            return answer
          if (followed === request.redirects) {
            throw new OutgoingError(
              'too_many_redirects',
              `There were more than ${request.redirects} redirects.`,
            )
          }
          url = parseOutgoingUrl(location, allowPlainHttp, url)
        }
      } finally {
        deadline.end()
      }
    },
    async findProblem(url) {
      try {
        const { hostname } = parseOutgoingUrl(url, allowPlainHttp)
        await within(JUDGED_WITHIN_MS, findAllowedAddresses(hostname, rules))
        return undefined
      } catch (error) {
        if (!(error instanceof OutgoingError)) throw error
        return error.reason === 'unknown_host' ? undefined : error.message
      }
    },
    async close() {
      const open = [...pools.values()]
      pools.clear()
      await Promise.all(open.map((pool) => pool.destroy()))
    },
  }
  return door
}

/** Waits for the work, but no longer than this: name servers that are silent don't hold whoever asks. */
async function within(ms: number, work: Promise<unknown>): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, ms)
  try {
    await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
    // A judgement that comes too late is made again at each request.
    work.catch(() => {})
  }
}

function closeIdlePools(pools: Map<string, Pool>, wanted: number): void {
  let left = wanted
  for (const [origin, pool] of pools) {
    if (left === 0) return
    const { running, pending, queued } = pool.stats
    if (running + pending + queued > 0) continue
    pools.delete(origin)
    left -= 1
    // Nothing runs on it: closing can only fail for a socket that is broken already.
    pool.close().catch(() => pool.destroy())
  }
}

/** The URL that will be asked for; throws when it is none that may be. */
function parseOutgoingUrl(text: string, allowPlainHttp: boolean, base?: URL): URL {
  const url = URL.parse(text, base?.href)
  if (!url) throw new OutgoingError('invalid_url', 'This is not a complete web address.')
  if (url.protocol !== 'https:' && !(allowPlainHttp && url.protocol === 'http:')) {
    throw new OutgoingError(
      'invalid_url',
      `Only ${allowPlainHttp ? 'https and http' : 'https'} addresses are allowed.`,
    )
  }
  if (url.username !== '' || url.password !== '') {
    throw new OutgoingError('invalid_url', 'The address must not hold a user name or password.')
  }
  return url
}

interface Deadline {
  /** Called once, when time is up. */
  onEnd: ((error: OutgoingError) => void) | undefined
  passed(): OutgoingError | undefined
  end(): void
}

function createDeadline(timeoutMs: number): Deadline {
  let passed: OutgoingError | undefined
  const timer = setTimeout(() => {
    passed = new OutgoingError('timed_out', `There was no answer within ${timeoutMs / 1000} s.`)
    deadline.onEnd?.(passed)
  }, timeoutMs)
  const deadline: Deadline = { onEnd: undefined, passed: () => passed, end: () => clearTimeout(timer) }
  return deadline
}

/** One request and its answer, by undici's lowest door: a stream for each answer would cost more than the rest. */
function exchange(
  pool: Pool,
  url: URL,
  request: OutgoingRequest,
  deadline: Deadline,
): Promise<OutgoingAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<OutgoingAnswer>()
  let controller: Dispatcher.DispatchController | undefined
  let answer: OutgoingAnswer | undefined
  /** The answer's body is held once, in memory that is taken when its first bytes come. */
  let body: Buffer | undefined
  let sizeBytes = 0
  let over: Error | undefined
  // Ends the exchange early; what comes from the connection afterwards is of no interest.
  const stop = (error: OutgoingError): void => {
    over = error
    if (answer && request.discardBody) resolve(answer)
    else reject(error)
    controller?.abort(error)
  }
  deadline.onEnd = stop
  const late = deadline.passed()
  if (late) {
    stop(late)
    return promise
  }
  const handler: Dispatcher.DispatchHandler = {
    onRequestStart(started) {
      controller = started
      if (over) started.abort(over)
    },
    onResponseStart(_controller, status, headers) {
      if (status < 200) return
      answer = { status, headers, body: NO_BYTES }
      // Not a byte of it is read when it says itself that it is too much.
      if (!request.discardBody && (declaredLength(answer) ?? 0) > request.limitBytes) {
        stop(new OutgoingError('too_large', `The answer is larger than ${request.limitBytes} bytes.`))
      }
    },
    onResponseData(_controller, chunk) {
      const before = sizeBytes
      sizeBytes += chunk.length
      if (sizeBytes > request.limitBytes) {
        body = undefined
        stop(new OutgoingError('too_large', `The answer is larger than ${request.limitBytes} bytes.`))
      } else if (!request.discardBody) {
        body ??= Buffer.allocUnsafeSlow(Math.min(declaredLength(answer) ?? Infinity, request.limitBytes))
        if (chunk.copy(body, before) < chunk.length) {
          stop(new OutgoingError('connection_lost', 'The answer was longer than it said.'))
        }
      }
    },
    onResponseEnd() {
      if (!answer) return reject(new OutgoingError('connection_lost', 'The answer was empty.'))
      if (body) answer.body = body.subarray(0, sizeBytes)
      resolve(answer)
    },
    onResponseError(_controller, error) {
      if (answer && request.discardBody) resolve(answer)
      else reject(error instanceof OutgoingError ? error : connectionLost(error))
    },
  }
  const { method, headers } = request
  pool.dispatch({ path: url.pathname + url.search, method, headers, body: request.body }, handler)
  return promise
}

/** What the answer says of its length; the connection holds it to that. */
function declaredLength(answer: OutgoingAnswer | undefined): number | undefined {
  const length = Number(answer?.headers['content-length'])
  return Number.isSafeInteger(length) ? length : undefined
}

function connectionLost(cause: Error): OutgoingError {
  const code = (cause as NodeJS.ErrnoException).code ?? cause.name
  return new OutgoingError(
    'connection_lost',
    `The connection broke before the answer was complete (${code}).`,
    { cause },
  )
}
