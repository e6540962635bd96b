import { HttpRequestError, TimeoutError } from 'viem'
import { getHttpRpcClient } from 'viem/utils'
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
  url: string
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

export function createJsonRpc({ name, url, timeoutMs, batchSize }: JsonRpcOptions): JsonRpc {
  const client = getHttpRpcClient(url, { timeout: timeoutMs, maxResponseBodySize: 32 * 1024 * 1024 })

  async function request(calls: readonly RpcCall[]): Promise<RpcAnswer[]> {
    const body = calls.map((call, id) => ({ jsonrpc: '2.0', id, ...call }))
    let response: unknown
    try {
      response = await client.request({ body })
    } catch (error) {
      throw new ProviderError(name, outcomeOf(error), reasonOf(error), { cause: error })
    }
    return sortAnswers(name, response, calls.length)
  }

  async function batch(calls: readonly RpcCall[]): Promise<RpcAnswer[]> {
    const answers: RpcAnswer[] = []
    for (let start = 0; start < calls.length; start += batchSize) {
      answers.push(...(await request(calls.slice(start, start + batchSize))))
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
  throw new ProviderError(name, 'rejected', `${method} failed: ${answer.message}`, { code: String(answer.code) })
}

interface RawAnswer {
  id?: unknown
  result?: unknown
  error?: { code?: unknown; message?: unknown; data?: unknown }
}

/** A node may answer a batch in any order, or the whole of it with one error. */
function sortAnswers(name: string, response: unknown, count: number): RpcAnswer[] {
  if (!Array.isArray(response)) {
    const whole = toAnswer(response)
    if (whole.ok) throw new ProviderError(name, 'unknown', 'a batch was answered by something else than a batch')
    return new Array(count).fill(whole)
  }
  const byId = new Map<unknown, unknown>()
  for (const entry of response) byId.set((entry as RawAnswer | null)?.id, entry)
  return Array.from({ length: count }, (_, id) => {
    if (!byId.has(id)) throw new ProviderError(name, 'unknown', `only ${byId.size} of ${count} calls were answered`)
    return toAnswer(byId.get(id))
  })
}

function toAnswer(raw: unknown): RpcAnswer {
  const { result, error } = (raw ?? {}) as RawAnswer
  if (!error) return { ok: true, result }
  return { ok: false, code: Number(error.code ?? 0), message: String(error.message ?? 'no reason given'), data: error.data }
}

/** System and undici codes of a request that did not leave this machine. */
const NOT_SENT = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'UND_ERR_CONNECT_TIMEOUT'])
/** The gateway before the node refused it unread. */
const REFUSED_UNREAD = new Set([401, 403, 404, 405, 413, 429])

function outcomeOf(error: unknown): Outcome {
  if (error instanceof HttpRequestError && error.status && REFUSED_UNREAD.has(error.status)) return 'not_sent'
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const causes = cause instanceof AggregateError ? cause.errors : [cause]
    if (causes.some((one) => NOT_SENT.has(String((one as { code?: unknown }).code)))) return 'not_sent'
  }
  return 'unknown'
}

/** Viem's own text repeats URL and body; the operator needs neither, and the URL may hold a key. */
function reasonOf(error: unknown): string {
  if (error instanceof TimeoutError) return 'the node did not answer in time'
  if (error instanceof HttpRequestError && error.status) return `the node answered HTTP ${error.status}`
  let last = error
  while (last instanceof Error && last.cause instanceof Error) last = last.cause
  if (last instanceof HttpRequestError) return `the connection to the node failed: ${last.details}`
  return `the connection to the node failed: ${last instanceof Error ? last.message || (last as { code?: string }).code : String(last)}`
}
