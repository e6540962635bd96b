import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { type Hex, keccak256, numberToHex, pad } from 'viem'
import { openTestChain, TEST_MNEMONIC } from '../../sandbox/chain/fixture.ts'
import { findFreePort } from '../../sandbox/chain/node-process.ts'
import { createMnemonicCustody } from '../custody/local-mnemonic.ts'
import { ProviderError } from '../provider-error.ts'
import { chainProviderSuite } from './contract-suite.ts'
import { createEvmProvider } from './evm.ts'
import type { BlockRef, ChainProvider } from './port.ts'

const KEY = "m/44'/60'/0'/0/0"

chainProviderSuite('evm over a local node', async () => {
  const chain = await openTestChain()
  const custody = createMnemonicCustody(TEST_MNEMONIC)
  await chain.treasury.topUp(await custody.address(KEY), [
    { symbol: 'POL', units: 10n ** 21n },
    { symbol: 'USDC', units: 10n ** 12n },
  ])
  const world = {
    chainId: chain.chainId,
    token: chain.treasury.tokens.USDC!,
    disperse: chain.treasury.disperse,
    custody,
    keyRef: KEY,
    mine: () => chain.mine(),
    close: () => chain.close(),
  }
  // Small batches, so that chunking is walked through as well.
  return { provider: createEvmProvider({ chain: 'polygon', url: chain.url(), batchSize: 2 }), world }
})

type Answer = (
  request: IncomingMessage,
  body: { id: number; method: string }[],
  response: ServerResponse,
) => void

/** A node that answers as told. */
async function withNode(answer: Answer, work: (url: string) => Promise<void>): Promise<void> {
  const server = createServer((request, response) => {
    let text = ''
    request.on('data', (chunk) => {
      text += chunk
    })
    request.on('end', () => answer(request, JSON.parse(text), response))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  try {
    await work(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  } finally {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
}

async function failureOf(url: string): Promise<ProviderError> {
  const provider = createEvmProvider({ chain: 'polygon', url, timeoutMs: 200 })
  const error = await provider.receipts(['0x01', '0x02']).then(
    () => null,
    (caught) => caught,
  )
  assert.ok(error instanceof ProviderError, String(error))
  return error
}

test('not_sent: nobody listens', async () => {
  const error = await failureOf(`http://127.0.0.1:${await findFreePort()}`)
  assert.equal(error.outcome, 'not_sent')
})

test('not_sent: the gateway asks for a slower pace', () =>
  withNode(
    (_request, _body, response) => response.writeHead(429).end('slower'),
    async (url) => assert.equal((await failureOf(url)).outcome, 'not_sent'),
  ))

test('unknown: the connection is lost after the request was read', () =>
  withNode(
    (request) => request.socket.destroy(),
    async (url) => assert.equal((await failureOf(url)).outcome, 'unknown'),
  ))

test('unknown: no answer in time, and the address with its key stays out of the text', () =>
  withNode(
    () => {},
    async (url) => {
      const error = await failureOf(`${url}/v3/secret-key`)
      assert.equal(error.outcome, 'unknown')
      assert.match(error.message, /did not answer in time/)
      assert.doesNotMatch(error.message, /secret-key/)
    },
  ))

test('unknown: half of a batch is answered', () =>
  withNode(
    (_request, body, response) => response.end(JSON.stringify([{ id: body[0]!.id, result: null }])),
    async (url) => assert.match((await failureOf(url)).message, /1 of 2/),
  ))

test('rejected: one error for the whole batch', () =>
  withNode(
    (_request, _body, response) =>
      response.end(JSON.stringify({ id: null, error: { code: -32005, message: 'too many' } })),
    async (url) => {
      const error = await failureOf(url)
      assert.deepEqual([error.outcome, error.code], ['rejected', '-32005'])
    },
  ))

test('answers in another order still meet their calls', () =>
  withNode(
    (_request, body, response) =>
      response.end(JSON.stringify(body.map(({ id }) => ({ id, result: `0x${id + 1}` })).reverse())),
    async (url) => {
      const provider = createEvmProvider({ chain: 'polygon', url })
      const address = '0x00000000000000000000000000000000000c0ffe'
      assert.deepEqual(await provider.balances([1, 2, 3].map(() => ({ address, token: null }))), [1n, 2n, 3n])
    },
  ))

test('a node that fails while simulating is a failure, not a verdict on the transfer', () =>
  withNode(
    (_request, body, response) =>
      response.end(
        JSON.stringify(body.map(({ id }) => ({ id, error: { code: -32000, message: 'header not found' } }))),
      ),
    async (url) => {
      const address = '0x00000000000000000000000000000000000c0ffe'
      const provider = createEvmProvider({ chain: 'polygon', url })
      await assert.rejects(
        provider.simulate([{ from: address, to: address, data: '0x', value: 0n }]),
        ProviderError,
      )
    },
  ))

const TOKEN = '0x00000000000000000000000000000000000000A1'
const LAST: BlockRef = {
  height: 5_000,
  hash: keccak256('0x05'),
  parentHash: keccak256('0x04'),
  time: new Date(0),
}

const logAt = (height: number, changes: Record<string, unknown> = {}) => ({
  address: TOKEN.toLowerCase(),
  topics: [
    '0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef',
    pad('0x0b', { size: 32 }),
    pad('0x0c', { size: 32 }),
  ],
  data: pad('0x07', { size: 32 }),
  blockNumber: numberToHex(height),
  blockHash: keccak256(numberToHex(height)),
  transactionHash: keccak256('0x99'),
  logIndex: '0x0',
  removed: false,
  ...changes,
})

/** A node whose blocks are all `LAST`, and which answers logs as told; notes the ranges it was asked for. */
function withLogs(
  answerLogs: (
    from: number,
    to: number,
  ) => { result: unknown } | { error: { code: number; message: string } },
  work: (provider: ChainProvider, asked: [number, number][]) => Promise<void>,
  headers: () => Hex = () => LAST.hash,
): Promise<void> {
  const asked: [number, number][] = []
  return withNode(
    (_request, body, response) => {
      const calls = body as { id: number; method: string; params: [{ fromBlock: Hex; toBlock: Hex }] }[]
      const answers = calls.map(({ id, method, params }) => {
        if (method !== 'eth_getLogs')
          return { id, result: { hash: headers(), number: '0x1', timestamp: '0x0' } }
        const range: [number, number] = [Number(params[0].fromBlock), Number(params[0].toBlock)]
        asked.push(range)
        return { id, ...answerLogs(...range) }
      })
      response.end(JSON.stringify(answers))
    },
    (url) => work(createEvmProvider({ chain: 'polygon', url }), asked),
  )
}

const TOKENS_ONLY = { tokens: [TOKEN], native: false } as const

test('a range that the node finds too large is divided until it is taken, and nothing of it is left out', () =>
  withLogs(
    (from, to) =>
      to - from >= 600
        ? { error: { code: -32005, message: 'query returned more than 10000 results' } }
        : { result: Array.from({ length: to - from + 1 }, (_, place) => logAt(from + place)) },
    async (provider, asked) => {
      const found = await provider.transfersBetween(1_001, LAST, TOKENS_ONLY)
      found.sort((a, b) => a.height - b.height)
      assert.deepEqual(
        found.map(({ height }) => height),
        Array.from({ length: 4_000 }, (_, place) => 1_001 + place),
      )
      assert.deepEqual(found[0], {
        hash: keccak256('0x99'),
        height: 1_001,
        blockHash: keccak256(numberToHex(1_001)),
        index: 0,
        token: TOKEN,
        from: pad('0x0b', { size: 20 }),
        to: pad('0x0c', { size: 20 }),
        units: 7n,
      })
      assert.deepEqual(asked[0], [1_001, 2_000])
      assert.ok(asked.length < 20)
      // What was learnt is not asked for again.
      const before = asked.length
      await provider.transfersBetween(1_001, LAST, TOKENS_ONLY)
      assert.ok(asked.slice(before).every(([from, to]) => to - from < 600))
    },
  ))

test('a node that is asked too often is left alone, not asked for less', () =>
  withLogs(
    () => ({ error: { code: -32005, message: 'rate limit exceeded' } }),
    async (provider, asked) => {
      await assert.rejects(
        provider.transfersBetween(1_001, LAST, TOKENS_ONLY),
        (error) => error instanceof ProviderError && error.outcome === 'rejected',
      )
      assert.ok(asked.length <= 3)
      assert.ok(asked.every(([from, to]) => to - from === 999))
    },
  ))

test('logs while the chain changed are not believed', () => {
  let looks = 0
  return withLogs(
    () => ({ result: [] }),
    (provider) => assert.rejects(provider.transfersBetween(1_001, LAST, TOKENS_ONLY), /became/),
    () => (looks++ % 2 === 0 ? LAST.hash : keccak256('0x06')),
  )
})

for (const [what, logs] of [
  ['of another token', [logAt(4_000, { address: pad('0x0e', { size: 20 }) })]],
  ['of a block outside the range', [logAt(5_001)]],
  ['that was removed', [logAt(4_000, { removed: true })]],
  ['of another event', [logAt(4_000, { topics: [keccak256('0x0e')] })]],
  ['without its amount', [logAt(4_000, { data: '0x' })]],
  ['that comes twice', [logAt(4_000), logAt(4_000)]],
  ['of two blocks at one height', [logAt(4_000), logAt(4_000, { logIndex: '0x1', blockHash: LAST.hash })]],
  ['that is none', [null]],
] as const) {
  test(`a log ${what} makes the whole answer doubtful`, () =>
    withLogs(
      () => ({ result: logs }),
      (provider) => assert.rejects(provider.transfersBetween(3_500, LAST, TOKENS_ONLY), ProviderError),
    ))
}
