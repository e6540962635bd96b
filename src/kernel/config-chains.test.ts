import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { mainnetSetup } from '../providers/chain/mainnets.ts'
import { ConfigError, type Environment, loadConfig } from './config.ts'

const DATA_DIR = mkdtempSync(join(tmpdir(), 'config-chains-test-'))
after(() => rmSync(DATA_DIR, { recursive: true }))

const load = (env: Environment) => loadConfig({ DATA_DIR, ...env })

function problemsOf(env: Environment): string[] {
  try {
    load(env)
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error))
    return error.problems.map(({ variable, problem }) => `${variable}: ${problem}`)
  }
  return []
}

const NODE = 'https://polygon.example.com/rpc'

test('a second node and how deep is final are each chain’s own', () => {
  const config = load({
    POLYGON_RPC_URL: NODE,
    POLYGON_SECOND_RPC_URL: 'https://other.example.com/rpc',
    POLYGON_CONFIRMATIONS: '128',
  })
  assert.deepEqual(config.chainSecondRpcUrls, { polygon: 'https://other.example.com/rpc', bsc: undefined })
  assert.deepEqual(config.chainConfirmations, { polygon: 128, bsc: undefined })
})

test('a second node without a first, or with a wrong address, is refused', () => {
  assert.deepEqual(problemsOf({ POLYGON_SECOND_RPC_URL: NODE }), [
    'POLYGON_SECOND_RPC_URL: POLYGON_SECOND_RPC_URL is set, but POLYGON_RPC_URL is not.',
  ])
  assert.equal(problemsOf({ BSC_RPC_URL: NODE, BSC_SECOND_RPC_URL: 'ws://x' }).length, 1)
})

for (const wrong of ['0', '-1', '1.5', 'many', '10001']) {
  test(`${wrong} is no number of confirmations`, () =>
    assert.match(problemsOf({ BSC_CONFIRMATIONS: wrong })[0]!, /^BSC_CONFIRMATIONS: /))
}

test('a real chain is as deep as told, else as is usual on it, with a second node only where one is named', () => {
  const setup = (changes: { confirmations?: number; secondUrl?: string }) =>
    mainnetSetup('polygon', {
      url: NODE,
      secondUrl: undefined,
      confirmations: undefined,
      disperse: null,
      ...changes,
    })
  assert.equal(setup({}).confirmations, 64)
  assert.equal(setup({}).witness, null)
  assert.equal(setup({ confirmations: 200 }).confirmations, 200)
  assert.equal(setup({ secondUrl: NODE }).witness?.chain, 'polygon (second node)')
})
