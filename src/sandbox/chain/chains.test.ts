import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { type Address, numberToHex } from 'viem'
import type { Checkpoint } from './chains.ts'
import { openTestChain, type TestChain } from './fixture.ts'
import { becomes, isNodeAlive } from './node-process.ts'

const SOMEBODY: Address = '0x00000000000000000000000000000000000c0ffe'
const folders: string[] = []
after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'cryptopocket-chains-'))
  folders.push(folder)
  return folder
}

async function balance(chain: TestChain, symbol: string): Promise<bigint> {
  const token = chain.treasury.tokens[symbol] ?? null
  return (await chain.provider.balances([{ address: SOMEBODY, token }]))[0]!
}

async function checkpointOf(chain: TestChain): Promise<Checkpoint> {
  const { latest } = await chain.provider.heads()
  return { genesisHash: chain.node().genesisHash, height: latest.height, hash: latest.hash }
}

const pidOf = (dataDir: string): number =>
  JSON.parse(readFileSync(join(dataDir, 'chains/polygon/node.json'), 'utf8')).pid

test('both chains start with their tokens, at the same addresses each time, and ids no real chain has', async () => {
  const [polygon, bsc] = await Promise.all([openTestChain('polygon'), openTestChain('bsc')])
  try {
    assert.deepEqual([polygon.chainId, bsc.chainId], [1_337_137, 1_337_056])
    assert.deepEqual(Object.keys(polygon.treasury.tokens), ['USDC', 'USDT', 'ETH'])
    assert.deepEqual(Object.keys(bsc.treasury.tokens), ['USDC', 'BUSD'])
    for (const chain of [polygon, bsc]) {
      for (const contract of [chain.treasury.disperse, ...Object.values(chain.treasury.tokens)]) {
        const code = (await chain.node().rpc.call('eth_getCode', contract, 'latest')) as string
        assert.ok(code.length > 1000)
      }
    }
    const decimals = (chain: TestChain, symbol: string) =>
      chain.node().rpc.call('eth_call', { to: chain.treasury.tokens[symbol], data: '0x313ce567' }, 'latest')
    assert.deepEqual(
      (await Promise.all([decimals(polygon, 'USDC'), decimals(bsc, 'USDC')])).map(Number),
      [6, 18],
    )
  } finally {
    await Promise.all([polygon.close(), bsc.close()])
  }
})

test('the treasury sends by real transactions, and tops up only what is missing', async () => {
  const chain = await openTestChain()
  try {
    const targets = [
      { symbol: 'USDC', units: 500n },
      { symbol: 'POL', units: 7n },
    ]
    const added = await chain.treasury.topUp(SOMEBODY, targets)
    assert.deepEqual(
      added.map(({ symbol, units }) => ({ symbol, units })),
      targets,
    )
    assert.deepEqual(await chain.treasury.topUp(SOMEBODY, targets), [])
    const hashes = await Promise.all(
      [1n, 2n, 3n].map((units) => chain.treasury.send({ symbol: 'USDC', to: SOMEBODY, units })),
    )
    assert.equal(new Set(hashes).size, 3)
    await chain.mine()
    assert.equal(await balance(chain, 'USDC'), 506n)
    await assert.rejects(
      chain.treasury.send({ symbol: 'BUSD', to: SOMEBODY, units: 1n }),
      /no BUSD.*USDC, USDT, ETH, POL/,
    )
  } finally {
    await chain.close()
  }
})

test('any number of deposits from a blocked address and from customers at once, from two processes', async () => {
  const dataDir = newFolder()
  const first = await openTestChain('polygon', { dataDir })
  const second = await openTestChain('polygon', { dataDir })
  try {
    const one = { symbol: 'USDC', to: SOMEBODY, units: 1_000_000n }
    const native = { symbol: 'POL', to: SOMEBODY, units: 3n * 10n ** 18n }
    const hashes = await Promise.all(
      [first, second].flatMap((chain) =>
        Array.from({ length: 6 }, () => [
          // The same twice, too.
          chain.sendFromBlocked(one),
          chain.sendFromBlocked(native),
          chain.treasury.send(one),
          chain.treasury.send(native),
        ]).flat(),
      ),
    )
    assert.equal(new Set(hashes).size, 48)
    await first.mine()
    const receipts = await first.provider.receipts(hashes)
    assert.ok(receipts.every((receipt) => receipt?.ok))
    assert.equal(await balance(first, 'USDC'), 24_000_000n)
    assert.equal(await balance(first, 'POL'), 72n * 10n ** 18n)
  } finally {
    await second.leave()
    await first.close()
  }
})

test('a node that was left running is adopted, transactions still waiting in it', async () => {
  const dataDir = newFolder()
  const first = await openTestChain('polygon', { dataDir })
  await first.treasury.send({ symbol: 'USDC', to: SOMEBODY, units: 9n })
  const pid = pidOf(dataDir)
  await first.leave()
  const second = await openTestChain('polygon', { dataDir })
  try {
    assert.deepEqual([second.node().origin, pidOf(dataDir)], ['adopted', pid])
    await second.mine()
    assert.equal(await balance(second, 'USDC'), 9n)
  } finally {
    await second.close()
  }
})

test('a stopped node goes on where it was: blocks, receipts, balances', async () => {
  const dataDir = newFolder()
  const first = await openTestChain('polygon', { dataDir })
  const hash = await first.treasury.send({ symbol: 'USDC', to: SOMEBODY, units: 9n })
  await first.mine(3)
  const checkpoint = await checkpointOf(first)
  await first.stop()
  // Once more than once: what a resumed node saves must be as good as what it was given.
  for (const _stop of [1, 2]) {
    const between = await openTestChain('polygon', { dataDir, checkpointOf: async () => checkpoint })
    assert.equal(between.node().origin, 'resumed')
    await between.stop()
  }
  const second = await openTestChain('polygon', { dataDir, checkpointOf: async () => checkpoint })
  try {
    assert.equal(second.node().origin, 'resumed')
    assert.equal(second.node().genesisHash, checkpoint.genesisHash)
    assert.deepEqual(await checkpointOf(second), checkpoint)
    assert.equal((await second.provider.receipts([hash]))[0]?.ok, true)
    assert.equal(await balance(second, 'USDC'), 9n)
    await second.mine()
    assert.equal((await second.provider.heads()).latest.height, checkpoint.height + 1)
    const { timestamp } = (await second.node().rpc.call('eth_getBlockByNumber', 'latest', false)) as {
      timestamp: string
    }
    assert.ok(Math.abs(Number(timestamp) - Date.now() / 1000) < 60, 'its blocks are of today')
  } finally {
    await second.close()
  }
})

test('a block holds all that a wallet may have in flight, on a chain that goes on from its saved state too', async () => {
  const dataDir = newFolder()
  for (const origin of ['fresh', 'resumed']) {
    const chain = await openTestChain('polygon', { dataDir })
    try {
      assert.equal(chain.node().origin, origin)
      const { rpc } = chain.node()
      await rpc.call('anvil_setBalance', SOMEBODY, numberToHex(10n ** 24n))
      await rpc.call('anvil_impersonateAccount', SOMEBODY)
      const before = (await chain.provider.nonces(SOMEBODY)).latest
      // As batches and their allowances come: small and large in turn. A byte costs 40 gas.
      for (let place = 0; place < 48; place += 1) {
        const data = `0x${'ff'.repeat(place % 2 === 0 ? 1_000 : 60_000)}`
        await rpc.call('eth_sendTransaction', {
          from: SOMEBODY,
          to: SOMEBODY,
          data,
          gas: numberToHex(2_800_000),
        })
      }
      await chain.mine()
      assert.equal((await chain.provider.nonces(SOMEBODY)).latest, before + 48)
    } finally {
      await chain.stop()
    }
  }
})

test('a chain that lost the checkpoint block is begun anew, with another first block and the same token addresses', async () => {
  const dataDir = newFolder()
  const first = await openTestChain('polygon', { dataDir })
  await first.stop()
  const resumed = await openTestChain('polygon', { dataDir })
  await resumed.mine(5)
  const checkpoint = await checkpointOf(resumed)
  process.kill(pidOf(dataDir), 'SIGKILL')
  assert.ok(await becomes(() => !resumed.node().isAlive(), 5_000))
  const options = { dataDir, checkpointOf: async () => checkpoint }
  const second = await openTestChain('polygon', options)
  assert.equal(second.node().origin, 'fresh')
  assert.notEqual(second.node().genesisHash, checkpoint.genesisHash)
  assert.deepEqual(second.treasury.tokens, first.treasury.tokens)
  assert.equal(await balance(second, 'USDC'), 0n)
  // Until the platform has recorded the new chain, whoever opens it again must not begin yet another.
  const third = await openTestChain('polygon', options)
  try {
    assert.deepEqual([third.node().origin, third.node().genesisHash], ['adopted', second.node().genesisHash])
  } finally {
    await third.close()
  }
})

test('a chain whose folder is gone is begun anew, once', async () => {
  const dataDir = newFolder()
  const lost: Checkpoint = { genesisHash: `0x${'11'.repeat(32)}`, height: 3, hash: `0x${'22'.repeat(32)}` }
  const first = await openTestChain('polygon', { dataDir, checkpointOf: async () => lost })
  const second = await openTestChain('polygon', { dataDir, checkpointOf: async () => lost })
  try {
    assert.equal(first.node().origin, 'fresh')
    assert.deepEqual([second.node().origin, second.node().genesisHash], ['adopted', first.node().genesisHash])
  } finally {
    await second.close()
  }
})

test('a saved state that can not be read gives a new chain', async () => {
  const dataDir = newFolder()
  const first = await openTestChain('polygon', { dataDir })
  await first.stop()
  writeFileSync(join(dataDir, 'chains/polygon/state.json'), '{"cut off')
  const second = await openTestChain('polygon', { dataDir })
  try {
    assert.equal(second.node().origin, 'fresh')
    assert.notEqual(second.node().genesisHash, first.node().genesisHash)
  } finally {
    await second.close()
  }
})

test('a process that is killed leaves the node to the next one', async () => {
  const dataDir = newFolder()
  const script = `
    const { openTestChain } = await import(${JSON.stringify(join(import.meta.dirname, 'fixture.ts'))})
    const chain = await openTestChain('polygon', { dataDir: ${JSON.stringify(dataDir)} })
    chain.startMining()
    process.stdout.write('running')
    setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await new Promise((resolve) => child.stdout.once('data', resolve))
  const pid = pidOf(dataDir)
  child.kill('SIGKILL')
  await new Promise((resolve) => child.once('exit', resolve))
  const next = await openTestChain('polygon', { dataDir })
  try {
    assert.ok(isNodeAlive(pid))
    assert.deepEqual([next.node().origin, pidOf(dataDir)], ['adopted', pid])
  } finally {
    await next.close()
  }
})

test('the miner mines while somebody waits, and rests after; a node that dies is brought back', async () => {
  const dataDir = newFolder()
  const chain = await openTestChain('polygon', { dataDir })
  const height = async () => (await chain.provider.heads()).latest.height
  try {
    const seen: number[] = []
    chain.startMining(async () => seen.push(await height()))
    const hash = await chain.treasury.send({ symbol: 'USDC', to: SOMEBODY, units: 1n })
    const isFinal = async () => {
      const [receipt] = await chain.provider.receipts([hash])
      return receipt != null && (await height()) - receipt.height + 1 >= chain.confirmations
    }
    assert.ok(await becomes(isFinal, 10_000))
    assert.ok(await becomes(async () => seen.includes(await height()), 10_000), 'told of each block')
    // Three looks of the miner later nothing has grown.
    const rested = await height()
    const looks = await countMinerLooks(chain, 3)
    assert.ok(looks >= 3)
    assert.equal(await height(), rested)
    const pid = pidOf(dataDir)
    process.kill(pid, 'SIGTERM')
    assert.ok(await becomes(() => pidOf(dataDir) !== pid && chain.node().isAlive(), 15_000))
    assert.equal(await balance(chain, 'USDC'), 1n)
  } finally {
    await chain.close()
  }
})

/** Waits until the miner has asked the node's pool that often. */
async function countMinerLooks(chain: TestChain, count: number): Promise<number> {
  const { rpc } = chain.node()
  const original = rpc.batch
  let looks = 0
  rpc.batch = (calls) => {
    if (calls.some(({ method }) => method === 'txpool_status')) looks += 1
    return original(calls)
  }
  await becomes(() => looks >= count, 10_000)
  rpc.batch = original
  return looks
}

test('two processes that open one folder at once share one node', async () => {
  const dataDir = newFolder()
  const [one, two] = await Promise.all([
    openTestChain('polygon', { dataDir }),
    openTestChain('polygon', { dataDir }),
  ])
  try {
    assert.deepEqual([one.node().origin, two.node().origin].sort(), ['adopted', 'fresh'])
    assert.equal(one.url(), two.url())
  } finally {
    await one.close()
  }
})

test('no node is left behind', () => {
  const processes = execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' })
  assert.equal(
    processes.split('\n').filter((line) => folders.some((folder) => line.includes(folder))).length,
    0,
  )
})
