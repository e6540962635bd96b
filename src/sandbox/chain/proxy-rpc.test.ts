import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { openTestChain, type TestChain } from './fixture.ts'
import { MAX_BATCH, MAX_PARAMS_BYTES, proxyRpc } from './proxy-rpc.ts'

let chain: TestChain
before(async () => {
  chain = await openTestChain()
})
after(() => chain.close())

const ask = (body: unknown) => proxyRpc(chain.node().rpc, body)
const call = (method: string, params: unknown[] = [], id: unknown = 1) => ({
  jsonrpc: '2.0',
  id,
  method,
  params,
})

test('reads the chain, one call or many, each under its own id', async () => {
  assert.deepEqual(await ask(call('eth_chainId')), { jsonrpc: '2.0', id: 1, result: '0x146731' })
  const answers = await ask([
    call('eth_chainId', [], 'a'),
    call('evm_mine', [], 'b'),
    call('net_version', [], null),
  ])
  assert.deepEqual(
    (answers as { id: unknown; error?: { code: number } }[]).map(({ id, error }) => [id, error?.code]),
    [
      ['a', undefined],
      ['b', -32601],
      [null, undefined],
    ],
  )
})

test("the node's cheats and unlocked accounts stay closed", async () => {
  const { latest } = await chain.provider.heads()
  const methods = [
    'anvil_setBalance',
    'evm_mine',
    'hardhat_mine',
    'debug_traceTransaction',
    'personal_sign',
    'eth_sendTransaction',
    'eth_sign',
    'eth_accounts',
    'txpool_content',
    'anvil_dumpState',
    'constructor',
    '',
  ]
  for (const method of methods) {
    const answer = (await ask(call(method, ['0x1']))) as { error?: { code: number } }
    assert.equal(answer.error?.code, -32601, method)
  }
  assert.deepEqual((await chain.provider.heads()).latest, latest)
})

test('what is no JSON-RPC is answered as the standard says', async () => {
  for (const body of [
    null,
    'x',
    7,
    {},
    { id: 1, method: 'eth_chainId' },
    { jsonrpc: '2.0', id: {}, method: 'eth_chainId' },
    [],
  ]) {
    const answer = (await ask(body)) as { error: { code: number } }
    assert.equal(answer.error.code, -32600, JSON.stringify(body))
  }
  assert.equal(
    ((await ask(call('eth_call', {} as unknown[]))) as { error: { code: number } }).error.code,
    -32602,
  )
})

test('a notification gets no answer', async () => {
  assert.equal(await ask({ jsonrpc: '2.0', method: 'eth_chainId' }), null)
  assert.equal(await ask([{ jsonrpc: '2.0', method: 'eth_chainId' }]), null)
})

test('size is bounded', async () => {
  const many = Array.from({ length: MAX_BATCH + 1 }, () => call('eth_chainId'))
  assert.equal(((await ask(many)) as { error: { code: number } }).error.code, -32005)
  const long = call('eth_sendRawTransaction', [`0x${'00'.repeat(MAX_PARAMS_BYTES / 2)}`])
  assert.equal(((await ask(long)) as { error: { code: number } }).error.code, -32005)
})

test("the node's own objection comes through", async () => {
  const answer = (await ask(call('eth_sendRawTransaction', ['0x00']))) as { error: { message: string } }
  assert.ok(answer.error.message.length > 0)
})

test('a node that is gone is an error answer', async () => {
  const gone = {
    ...chain.node().rpc,
    batch: async () =>
      Promise.reject(
        new (await import('../../providers/provider-error.ts')).ProviderError('polygon', 'not_sent', 'gone'),
      ),
  }
  assert.deepEqual(await proxyRpc(gone, call('eth_chainId')), {
    jsonrpc: '2.0',
    id: 1,
    error: { code: -32603, message: 'The local node did not answer; try again.' },
  })
})
