import { type Address, type Hex, hexToNumber, numberToHex } from 'viem'
import { ProviderError } from '../provider-error.ts'
import { type JsonRpc, type RpcAnswer, type RpcCall, resultOf } from './json-rpc.ts'
import type { BlockRef, BlockTransfer, TransferReader, WatchedCoins } from './port.ts'

/** `Transfer(address,address,uint256)`. */
const TRANSFER = '0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef'
/** Most blocks of one question for logs, until a node says that it is too much. */
const MOST_BLOCKS = 1_000
/** Answers in a row after which a node that refused is asked for more at once again. */
const GROW_AFTER = 20
/** A place before every log of its transaction: value moves before the code runs. */
const BEFORE_LOGS = -1

/** Nodes word it differently: geth and its kin, Erigon, Alchemy, QuickNode, Infura, Ankr. */
const TOO_MUCH =
  /more than \d+ (results|logs)|too many (results|logs|blocks)|range|response size|result size|log response|query timeout|limit(ed)? (to|exceeded)|exceed/i
/** Asking slower is what these want, not asking for less. */
const TOO_OFTEN = /rate|per second|too many requests|credits|capacity/i

/**
 * Reads what moved in blocks. `rpc` takes a few small calls at once; `wide` the same node with fewer calls a request,
 * for blocks with all their transactions.
 */
export function createTransferReader(chain: string, rpc: JsonRpc, wide: JsonRpc): TransferReader {
  let span = MOST_BLOCKS
  let answered = 0
  const doubted = (what: string): ProviderError => new ProviderError(chain, 'unknown', what)

  async function readLogs(from: number, last: BlockRef, coins: Coins): Promise<BlockTransfer[]> {
    const found: BlockTransfer[] = []
    const ranges = divide(from, last.height, span)
    await atOnce(RANGES_AT_ONCE, ranges, async ([start, end]) => {
      const logs = await askLogs(start, end, last, coins)
      if (logs === 'too_much') {
        if (start === end) throw doubted(`the node does not answer the logs of the single block ${start}`)
        span = Math.min(span, (end - start + 1) >> 1)
        answered = 0
        ranges.unshift(...divide(start, end, span))
        return
      }
      for (const transfer of checkLogs(chain, logs, { from: start, to: end }, coins)) found.push(transfer)
      answered += 1
      if (answered % GROW_AFTER === 0) span = Math.min(MOST_BLOCKS, span * 2)
    })
    return found
  }

  /** The last block is looked at before and after, by the same request: the logs between are of the chain it ends. */
  async function askLogs(
    start: number,
    end: number,
    last: BlockRef,
    coins: Coins,
  ): Promise<unknown[] | 'too_much'> {
    const head: RpcCall = { method: 'eth_getBlockByNumber', params: [numberToHex(last.height), false] }
    const range = { fromBlock: numberToHex(start), toBlock: numberToHex(end), ...coins.filter }
    let answers: RpcAnswer[]
    try {
      answers = await rpc.batch([head, { method: 'eth_getLogs', params: [range] }, head])
    } catch (error) {
      if (isTooLarge(error)) return 'too_much'
      if (isLate(error)) span = Math.max(1, span >> 2)
      throw error
    }
    const logs = answers[1]!
    if (!logs.ok && TOO_MUCH.test(logs.message) && !TOO_OFTEN.test(logs.message)) return 'too_much'
    for (const answer of [answers[0]!, answers[2]!]) {
      const block = resultOf(chain, head.method, answer) as { hash?: Hex } | null
      if (block?.hash !== last.hash)
        throw doubted(`block ${last.height} was ${last.hash} and became ${block?.hash} while logs were read`)
    }
    return listOf(chain, resultOf(chain, 'eth_getLogs', logs))
  }

  return {
    async transfersIn(blocks, watched) {
      const coins = coinsOf(watched)
      const calls = blocks.flatMap(({ hash }): RpcCall[] => [
        { method: 'eth_getBlockByHash', params: [hash, watched.native] },
        ...(coins.filter ? [{ method: 'eth_getLogs', params: [{ blockHash: hash, ...coins.filter }] }] : []),
      ])
      const answers = await (watched.native ? wide : rpc).batch(calls)
      const step = coins.filter ? 2 : 1
      return blocks.flatMap((block, place) => {
        const raw = resultOf(chain, 'eth_getBlockByHash', answers[place * step]) as RawFullBlock | null
        // Some nodes answer no logs at all for a block that they don't have.
        if (raw?.hash !== block.hash)
          throw doubted(`the node no longer has block ${block.height} ${block.hash}`)
        const range = { from: block.height, to: block.height, hash: block.hash }
        const logs = coins.filter
          ? listOf(chain, resultOf(chain, 'eth_getLogs', answers[place * step + 1]))
          : []
        return [...(watched.native ? paymentsIn(raw) : []), ...checkLogs(chain, logs, range, coins)]
      })
    },

    async transfersBetween(from, last, watched) {
      const coins = coinsOf(watched)
      const [logs, payments] = await Promise.all([
        coins.filter ? readLogs(from, last, coins) : [],
        watched.native ? readPayments(from, last) : [],
      ])
      return [...payments, ...logs]
    },
  }

  /** Each block names the one before it, up to the last, which is known: none is missing, none from another fork. */
  async function readPayments(from: number, last: BlockRef): Promise<BlockTransfer[]> {
    const found: BlockTransfer[] = []
    const hashes = new Map<number, { hash: Hex; parentHash: Hex }>()
    await atOnce(RANGES_AT_ONCE, divide(from, last.height, FULL_BLOCKS), async ([start, end]) => {
      const calls = Array.from(
        { length: end - start + 1 },
        (_, place): RpcCall => ({
          method: 'eth_getBlockByNumber',
          params: [numberToHex(start + place), true],
        }),
      )
      for (const [place, answer] of (await wide.batch(calls)).entries()) {
        const raw = resultOf(chain, 'eth_getBlockByNumber', answer) as RawFullBlock | null
        if (!raw) throw doubted(`the node has no block ${start + place}`)
        hashes.set(start + place, { hash: raw.hash, parentHash: raw.parentHash })
        for (const transfer of paymentsIn(raw)) found.push(transfer)
      }
    })
    for (let height = last.height, wanted = last.hash; height >= from; height -= 1) {
      const block = hashes.get(height)!
      if (block.hash !== wanted)
        throw doubted(`the blocks before ${last.height} ${last.hash} don't follow each other`)
      wanted = block.parentHash
    }
    return found
  }
}

/** Requests under way at once, so that the node reads on while its answers are worked off. */
const RANGES_AT_ONCE = 3
/** Blocks with all their transactions of one request; a busy chain's are some hundred kilobytes each. */
const FULL_BLOCKS = 20

const divide = (from: number, to: number, span: number): [number, number][] =>
  Array.from({ length: Math.ceil((to - from + 1) / span) }, (_, place) => [
    from + place * span,
    Math.min(to, from + (place + 1) * span - 1),
  ])

/** Works off what is waiting, also what is put back meanwhile; ends with the first failure. */
async function atOnce<T>(many: number, waiting: T[], work: (one: T) => Promise<void>): Promise<void> {
  let failed = false
  const worker = async (): Promise<void> => {
    for (let one = waiting.shift(); one !== undefined && !failed; one = waiting.shift()) {
      try {
        await work(one)
      } catch (error) {
        failed = true
        throw error
      }
    }
  }
  await Promise.all(Array.from({ length: many }, worker))
}

interface Coins {
  /** What is asked of every log; undefined when no token is watched. */
  filter: { address: Address[]; topics: Hex[] } | undefined
  /** By the address in lower case. */
  tokens: ReadonlyMap<string, Address>
}

const coinsOf = ({ tokens }: WatchedCoins): Coins => ({
  filter: tokens.length > 0 ? { address: [...tokens], topics: [TRANSFER] } : undefined,
  tokens: new Map(tokens.map((token) => [token.toLowerCase(), token])),
})

interface RawFullBlock {
  hash: Hex
  parentHash: Hex
  number: Hex
  transactions: { hash: Hex; from: Address; to: Address | null; value: Hex }[]
}

function paymentsIn(block: RawFullBlock): BlockTransfer[] {
  const height = hexToNumber(block.number)
  return block.transactions.flatMap(({ hash, from, to, value }) =>
    to === null || value === '0x0'
      ? []
      : {
          hash,
          height,
          blockHash: block.hash,
          index: BEFORE_LOGS,
          token: null,
          from: from.toLowerCase() as Address,
          to: to.toLowerCase() as Address,
          units: BigInt(value),
        },
  )
}

/** More than the logs of any block. */
const MOST_LOGS = 1_000_000

interface RawLog {
  address: string
  topics: string[]
  data: string
  blockNumber: Hex
  blockHash: Hex
  transactionHash: Hex
  logIndex: Hex
  removed?: boolean
}

/** What was asked, of these blocks, each once and one fork's: a node that answers otherwise is not believed. */
function checkLogs(
  chain: string,
  logs: readonly unknown[],
  { from, to, hash }: { from: number; to: number; hash?: Hex },
  { tokens }: Coins,
): BlockTransfer[] {
  const seen = new Set<number>()
  const hashes = new Map<number, Hex>()
  return (logs as (Partial<RawLog> | null)[]).map((given) => {
    const refuse = (why: string): never => {
      const shown = JSON.stringify(given).slice(0, 1_000)
      throw new ProviderError(chain, 'unknown', `the node answered a log that ${why}: ${shown}`)
    }
    const address = String(given?.address)
    const token = tokens.get(address) ?? tokens.get(address.toLowerCase())
    if (!token || !isTransfer(given)) return refuse(token ? 'is no transfer' : 'was not asked for')
    const log = given
    const height = Number(log.blockNumber)
    const index = Number(log.logIndex)
    if (!(height >= from && height <= to)) return refuse('is of another block')
    if (log.removed === true) return refuse('was removed')
    const { topics, data } = log
    const blockHash = hashes.get(height) ?? hash ?? log.blockHash
    if (blockHash !== log.blockHash) return refuse(`is of another block than ${blockHash}`)
    hashes.set(height, blockHash)
    const place = height * MOST_LOGS + index
    if (seen.has(place)) return refuse('came twice')
    seen.add(place)
    return {
      hash: log.transactionHash,
      height,
      blockHash,
      index,
      token,
      from: `0x${topics[1]!.slice(26).toLowerCase()}` as Address,
      to: `0x${topics[2]!.slice(26).toLowerCase()}` as Address,
      units: BigInt(data),
    }
  })
}

/** Its two addresses are topics, its amount is the data. */
function isTransfer(log: Partial<RawLog> | null): log is RawLog {
  const { topics, data, logIndex, transactionHash } = log ?? {}
  return (
    Array.isArray(topics) &&
    topics.length === 3 &&
    topics[0] === TRANSFER &&
    topics.every((topic) => typeof topic === 'string' && topic.length === 66) &&
    typeof data === 'string' &&
    data.length === 66 &&
    typeof transactionHash === 'string' &&
    Number(logIndex) >= 0 &&
    Number(logIndex) < MOST_LOGS
  )
}

function listOf(chain: string, result: unknown): unknown[] {
  if (Array.isArray(result)) return result
  throw new ProviderError(chain, 'unknown', 'the node answered no list of logs')
}

/** The answer was longer than we read, or a gateway says that it is too long. */
function isTooLarge(error: unknown): boolean {
  if (!(error instanceof ProviderError)) return false
  const { code } = (error.cause ?? {}) as { code?: unknown }
  return code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE' || error.message.endsWith('HTTP 413')
}

const isLate = (error: unknown): boolean =>
  error instanceof ProviderError && (error.cause as { name?: unknown } | undefined)?.name === 'TimeoutError'
