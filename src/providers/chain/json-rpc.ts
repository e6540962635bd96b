import { Agent, request as undiciRequest } from 'undici'
import { type Outcome, ProviderError } from '../provider-error.ts'

export interface RpcCall {
  method: string
  params: unknown[]
}

export type RpcAnswer =
  | { ok: true; result: unknown }
  | { ok: false; code: number; message: string; data?: unknown }

export interface JsonRpcOptions {
  /** What the operator knows it by; begins every error's text. The URL may hold a key and is never shown. */
  name: string
  /** Asked before each request: a local node may come back on another port. */
  url: () => string
  timeoutMs: number
  /** Most calls in one HTTP request; public nodes refuse large batches. */
  batchSize: number
}

export interface JsonRpc {
  /**
   * Each call's answer, in the order of the calls. Throws `ProviderError` when the node was not reached
   * (`not_sent`) or its answer was not received (`unknown`); chunks already answered are lost with it.
   */
  batch(calls: readonly RpcCall[]): Promise<RpcAnswer[]>
  /** One call's result; an error answer throws `rejected` with the node's code and text. */
  call(method: string, ...params: unknown[]): Promise<unknown>
}

/** One for all nodes: connections are kept open and do not keep the process alive. */
const agent = new Agent({ maxResponseSize: 32 * 1024 * 1024, connect: { timeout: 5_000 } })

export function createJsonRpc({ name, url, timeoutMs, batchSize }: JsonRpcOptions): JsonRpc {
  async function request(calls: readonly RpcCall[], earlierSent: boolean): Promise<RpcAnswer[]> {
    const text = await post(calls, earlierSent)
    return sortAnswers(name, parseAnswer(name, text), calls.length)
  }

  async function post(calls: readonly RpcCall[], earlierSent: boolean): Promise<string> {
    const failed = (outcome: Outcome, why: string, cause?: unknown): ProviderError =>
      new ProviderError(name, earlierSent ? 'unknown' : outcome, why, { cause })
    const body = JSON.stringify(calls.map((call, id) => ({ jsonrpc: '2.0', id, ...call })))
    let status: number
    let text: string
    try {
      const response = await undiciRequest(url(), {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
        dispatcher: agent,
        signal: AbortSignal.timeout(timeoutMs),
      })
      status = response.statusCode
      text = await response.body.text()
    } catch (error) {
      throw failed(outcomeOf(error), reasonOf(error), error)
    }
    // Some nodes answer errors of JSON-RPC under a status of their own; the body then says more than the status.
    if (status >= 200 && status < 300) return text
    if (status === 400 || status === 500) {
      if (text.includes('"jsonrpc"')) return text
    }
    throw failed(REFUSED_UNREAD.has(status) ? 'not_sent' : 'unknown', `the node answered HTTP ${status}`)
  }

  async function batch(calls: readonly RpcCall[]): Promise<RpcAnswer[]> {
    const answers: RpcAnswer[] = []
    for (let start = 0; start < calls.length; start += batchSize) {
      answers.push(...(await request(calls.slice(start, start + batchSize), start > 0)))
    }
    return answers
  }

  return {
    batch,
    async call(method, ...params) {
      const [answer] = await batch([{ method, params }])
      return resultOf(name, method, answer)
    },
  }
}

/** The result of an answer, or the error it was. */
export function resultOf(name: string, method: string, answer: RpcAnswer | undefined): unknown {
  if (!answer) throw new ProviderError(name, 'unknown', `${method} was not answered`)
  if (answer.ok) return answer.result
  throw new ProviderError(name, 'rejected', `${method} failed: ${answer.message}`, {
    code: String(answer.code),
  })
}

interface RawAnswer {
  id?: unknown
  result?: unknown
  error?: { code?: unknown; message?: unknown; data?: unknown }
}

function parseAnswer(name: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new ProviderError(name, 'unknown', 'the node answered something else than JSON', { cause: error })
  }
}

/** A node may answer a batch in any order, or the whole of it with one error. */
function sortAnswers(name: string, response: unknown, count: number): RpcAnswer[] {
  if (!Array.isArray(response)) {
    const whole = toAnswer(response)
    if (whole.ok)
      throw new ProviderError(name, 'unknown', 'a batch was answered by something else than a batch')
    return new Array(count).fill(whole)
  }
  const byId = new Map<unknown, unknown>()
  for (const entry of response) byId.set((entry as RawAnswer | null)?.id, entry)
  return Array.from({ length: count }, (_, id) => {
    if (!byId.has(id))
      throw new ProviderError(name, 'unknown', `only ${byId.size} of ${count} calls were answered`)
    return toAnswer(byId.get(id))
  })
}

function toAnswer(raw: unknown): RpcAnswer {
  const { result, error } = (raw ?? {}) as RawAnswer
  if (!error) return { ok: true, result }
  return {
    ok: false,
    code: Number(error.code ?? 0),
    message: String(error.message ?? 'no reason given'),
    data: error.data,
  }
}

/** System and undici codes of a request that did not leave this machine. */
const NOT_SENT = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
])
/** The gateway before the node refused it unread. */
const REFUSED_UNREAD = new Set([401, 403, 404, 405, 413, 429])

function outcomeOf(error: unknown): Outcome {
  const errors = error instanceof AggregateError ? error.errors : [error]
  return errors.every((one) => NOT_SENT.has(String((one as { code?: unknown }).code)))
    ? 'not_sent'
    : 'unknown'
}

/** The operator needs what went wrong; the URL may hold a key and stays out. */
function reasonOf(error: unknown): string {
  if (error instanceof DOMException && error.name === 'TimeoutError') return 'the node did not answer in time'
  const { code, message } = error as { code?: string; message?: string }
  return `the connection to the node failed: ${code ?? message ?? 'no reason given'}`
}
