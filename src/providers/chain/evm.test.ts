import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { openTestChain, TEST_MNEMONIC } from '../../sandbox/chain/fixture.ts'
import { findFreePort } from '../../sandbox/chain/node-process.ts'
import { createMnemonicCustody } from '../custody/local-mnemonic.ts'
import { ProviderError } from '../provider-error.ts'
import { chainProviderSuite } from './contract-suite.ts'
import { createEvmProvider } from './evm.ts'

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
