import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { openSweepWorld, type SweepWorld } from '../../test/support/sweeps.ts'
import { walletDoor } from '../effects/model.ts'
import { readWalletBalances } from '../effects/wallet-balances.ts'
import { findWalletProblems } from '../ledger/verify-outside.ts'
import { ProviderError } from '../providers/provider-error.ts'
import type { Checkpoint } from '../sandbox/chain/chains.ts'
import { openTestChain } from '../sandbox/chain/fixture.ts'
import { becomes } from '../sandbox/chain/node-process.ts'

test('the local chain is lost: open sweeps end with it, books are closed, and addresses work on the new chain', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'cryptopocket-sweep-epoch-'))
  let world: SweepWorld | undefined
  const checkpointOf = async (chain: string): Promise<Checkpoint | null> => {
    const row = await world?.needs.db
      .selectFrom('chains')
      .selectAll()
      .where('chain', '=', chain)
      .executeTakeFirst()
    return row
      ? { genesisHash: row.genesisHash, height: row.checkpointHeight, hash: row.checkpointHash }
      : null
  }
  const chain = await openTestChain('polygon', { dataDir, checkpointOf })
  world = await openSweepWorld({ chain })
  const w = world
  try {
    const [swept, open] = [await w.addAddress(), await w.addAddress()]
    await w.arrive({ address: swept, units: 5_000n })
    await w.drain()
    await w.arrive({ address: open, units: 6_000n })
    const steps = w.steps()
    await steps.sweep()
    await steps.reserveHot()
    await steps.prepare()

    const { pid } = JSON.parse(readFileSync(join(dataDir, 'chains/polygon/node.json'), 'utf8'))
    process.kill(pid, 'SIGKILL')
    chain.startMining()
    assert.ok(await becomes(() => chain.node().origin === 'fresh' && chain.node().replaces !== null, 20_000))
    // Until we have noticed, nothing is planned or sent on the wrong chain.
    assert.equal(await w.steps().sweep(), 0)
    await assert.rejects(w.steps().send(), ProviderError)
    assert.ok(await becomes(async () => (await w.effects.check().catch(() => 0)) === 1, 20_000))

    assert.deepEqual(
      (await w.sweeps()).map(({ state }) => state),
      ['done', 'lost'],
    )
    const left = await w.needs.db
      .selectFrom('effects')
      .select('purpose')
      .where('state', 'in', ['planned', 'reserved'])
      .execute()
    assert.deepEqual(left, [])
    assert.equal(await w.effects.ledger(walletDoor('polygon', open)), 0n)
    assert.equal(await w.effects.ledger('customer:sales:coin'), -11_000n)
    assert.equal(await w.steps().sweep(), 0)
    await w.check()

    // The address that was emptied before counts from zero on the new chain; its line goes on.
    await w.arrive({ address: swept, units: 7_000n }, { address: open, units: 8_000n })
    await w.drain()
    assert.deepEqual([await w.effects.balance(swept), await w.effects.balance(open)], [0n, 0n])
    assert.deepEqual((await w.sweeps()).map(({ state }) => state).sort(), ['done', 'done', 'done', 'lost'])
    await w.check()
  } finally {
    await w.close()
    rmSync(dataDir, { recursive: true, force: true })
  }
})

test('coins that came to or left an address behind our back are named', async () => {
  const w = await openSweepWorld()
  try {
    const address = await w.addAddress()
    await w.arrive({ address, units: 6_000n })
    await w.drain()
    const { treasury, mine } = w.effects.chain
    await treasury.send({ symbol: 'USDT', to: address, units: 12n })
    await mine()
    const problems = async () => findWalletProblems(await readWalletBalances(w.needs, w.effects.setup))
    // The block may hold a deposit that is not read yet; once it was read there is none.
    assert.deepEqual(await problems(), [])
    await w.drain()
    const [one, ...others] = await problems()
    assert.deepEqual(others, [])
    assert.equal(one!.where, `account ${walletDoor('polygon', address)} (polygon:USDT)`)
    assert.match(one!.what, /has 0, but the chain says 12/)
    await w.effects.chain.node().rpc.call('anvil_setBalance', address, '0x0')
    assert.equal((await problems()).length, 2)
  } finally {
    await w.close()
  }
})
