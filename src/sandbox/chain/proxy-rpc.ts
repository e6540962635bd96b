import type { JsonRpc } from '../../providers/chain/json-rpc.ts'
import { ProviderError } from '../../providers/provider-error.ts'

/** What a client of the sandbox may ask a local node: to read, and to take signed transactions. Nothing else passes. */
const ALLOWED = new Set([
  'eth_blockNumber',
  'eth_call',
  'eth_chainId',
  'eth_estimateGas',
  'eth_feeHistory',
  'eth_gasPrice',
  'eth_getBalance',
  'eth_getBlockByHash',
  'eth_getBlockByNumber',
  'eth_getBlockReceipts',
  'eth_getBlockTransactionCountByHash',
  'eth_getBlockTransactionCountByNumber',
  'eth_getCode',
  'eth_getLogs',
  'eth_getStorageAt',
  'eth_getTransactionByBlockHashAndIndex',
  'eth_getTransactionByBlockNumberAndIndex',
  'eth_getTransactionByHash',
  'eth_getTransactionCount',
  'eth_getTransactionReceipt',
  'eth_maxPriorityFeePerGas',
  'eth_sendRawTransaction',
  'eth_syncing',
  'net_version',
  'web3_clientVersion',
])
/** Most calls in one request. */
export const MAX_BATCH = 50
/** Most bytes of one call's parameters as JSON: a signed transaction may carry 128 KiB of data, as hex. */
export const MAX_PARAMS_BYTES = 300_000
/** Most bytes of one answer's result as JSON. */
export const MAX_RESULT_BYTES = 4_000_000

type Id = string | number | null
type Answer = { jsonrpc: '2.0'; id: Id } & (
  | { result: unknown }
  | { error: { code: number; message: string; data?: unknown } }
)

interface Request {
  id: Id
  method: string
  params: unknown[]
}

/**
 * Answers a JSON-RPC request, single or batch, that came over HTTP as parsed JSON. Null when there is nothing to
 * answer (only notifications). Never throws for what the client sent or for what the node said.
 */
export async function proxyRpc(node: JsonRpc, body: unknown): Promise<Answer | Answer[] | null> {
  if (!Array.isArray(body)) {
    const [answer] = await answerAll(node, [body])
    return answer ?? null
  }
  if (body.length === 0) return failed(null, -32600, 'The batch is empty.')
  if (body.length > MAX_BATCH)
    return failed(null, -32005, `A batch may hold ${MAX_BATCH} calls; this one holds ${body.length}.`)
  const answers = await answerAll(node, body)
  return answers.length > 0 ? answers : null
}

async function answerAll(node: JsonRpc, entries: unknown[]): Promise<Answer[]> {
  const checked = entries.map(checkRequest)
  const passed = checked.filter((entry): entry is Request => 'method' in entry)
  const results = await ask(node, passed)
  let next = 0
  return checked
    .map((entry) => ('method' in entry ? results[next++]! : entry))
    .filter((_, index) => !isNotification(entries[index]))
}

async function ask(node: JsonRpc, requests: Request[]): Promise<Answer[]> {
  if (requests.length === 0) return []
  try {
    const answers = await node.batch(requests.map(({ method, params }) => ({ method, params })))
    return answers.map((answer, index) => {
      const { id } = requests[index]!
      if (!answer.ok) return failed(id, answer.code, answer.message, answer.data)
      const tooLong = JSON.stringify(answer.result ?? null).length > MAX_RESULT_BYTES
      if (tooLong) return failed(id, -32005, 'The result is too long; ask for less at once.')
      return { jsonrpc: '2.0', id, result: answer.result ?? null }
    })
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error
    return requests.map(({ id }) => failed(id, -32603, 'The local node did not answer; try again.'))
  }
}

function checkRequest(entry: unknown): Request | Answer {
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) {
    return failed(null, -32600, 'A call is an object with jsonrpc, id, method and params.')
  }
  const { jsonrpc, id = null, method, params = [] } = entry as Record<string, unknown>
  if (!isId(id) || jsonrpc !== '2.0' || typeof method !== 'string') {
    return failed(
      isId(id) ? id : null,
      -32600,
      'A call is an object with jsonrpc "2.0", id, method and params.',
    )
  }
  if (!ALLOWED.has(method))
    return failed(id, -32601, `The sandbox does not offer the method ${method.slice(0, 64)}.`)
  if (!Array.isArray(params)) return failed(id, -32602, 'params must be an array.')
  if (JSON.stringify(params).length > MAX_PARAMS_BYTES)
    return failed(id, -32005, 'The parameters are too long.')
  return { id, method, params }
}

const isId = (id: unknown): id is Id => id === null || typeof id === 'string' || typeof id === 'number'

/** A call without an id wants no answer. */
function isNotification(entry: unknown): boolean {
  return (
    typeof entry === 'object' &&
    entry !== null &&
    !Array.isArray(entry) &&
    'method' in entry &&
    !('id' in entry)
  )
}

function failed(id: Id, code: number, message: string, data?: unknown): Answer {
  return { jsonrpc: '2.0', id, error: { code, message, ...(data === undefined ? {} : { data }) } }
}
