import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { ProviderError } from '../providers/provider-error.ts'
import type { Checkpoint } from '../sandbox/chain/chains.ts'
import { openTestChain } from '../sandbox/chain/fixture.ts'
import { becomes } from '../sandbox/chain/node-process.ts'
import { type EffectsWorld, openEffectsWorld, somebody } from './fixture.ts'
import { readWalletBalances } from './wallet-balances.ts'

async function assertBooksMatch({ needs, setup }: EffectsWorld): Promise<void> {
  for (const { asset, differenceUnits } of await readWalletBalances(needs, setup)) {
    assert.equal(differenceUnits, 0n, asset)
  }
}

test('the local chain is lost: a new epoch begins, nothing is stuck, nothing old is ever executed', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'cryptopocket-epoch-'))
  let world: EffectsWorld | undefined
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
  world = await openEffectsWorld({ chain })
  const w = world
  try {
    const [paid] = await w.plan([{ to: somebody(1), units: 4n }])
    await w.drain()
    const [signed] = await w.plan([{ to: somebody(2), units: 5n }])
    await w.reserve()
    await w.prepare()
    await w.send()
    const [reserved] = await w.plan([{ to: somebody(3), units: 6n }])
    await w.reserve()
    const raws = (await w.needs.db.selectFrom('chainAttempts').select('raw').execute()).map(
      ({ raw }) => raw as `0x${string}`,
    )
    const walletBefore = await w.ledger(w.door)

    const { pid } = JSON.parse(readFileSync(join(dataDir, 'chains/polygon/node.json'), 'utf8'))
    process.kill(pid, 'SIGKILL')
    chain.startMining()
    const isBack = () => chain.node().origin === 'fresh' && chain.node().replaces !== null
    assert.ok(await becomes(isBack, 20_000))
    // Between the node's return and our noticing it, nothing is sent to the wrong chain.
    assert.equal(await w.reserve(), 0)
    await assert.rejects(async () => {
      await w.prepare()
      await w.send()
    }, ProviderError)

    assert.ok(await becomes(async () => (await w.check().catch(() => 0)) === 1, 20_000))
    for (const raw of raws) {
      const [result] = await chain.provider.send([raw])
      assert.notEqual(result!.state, 'taken')
    }
    const { epoch } = await w.needs.db.selectFrom('chains').select('epoch').executeTakeFirstOrThrow()
    assert.equal(epoch, 2)
    assert.equal((await w.effect(paid!)).state, 'confirmed')
    for (const id of [signed!, reserved!]) {
      const { state, transactionId, reason } = await w.effect(id)
      assert.deepEqual([state, transactionId], ['planned', null])
      assert.match(reason!, /epoch 2/)
    }
    assert.equal(await w.ledger('equity:sandbox-reset'), walletBefore)
    await assertBooksMatch(w)
    await w.drain()
    assert.deepEqual(await Promise.all([1, 2, 3].map((number) => w.balance(somebody(number)))), [0n, 5n, 6n])
    assert.equal(w.heard.filter(({ state }) => state === 'confirmed').length, 3)
    await assertBooksMatch(w)
  } finally {
    await w.close()
    rmSync(dataDir, { recursive: true, force: true })
  }
})

test('two processes that see the new chain begin one epoch', async () => {
  const w = await openEffectsWorld()
  try {
    await w.needs.db
      .updateTable('chains')
      .set({ genesisHash: `0x${'11'.repeat(32)}` })
      .execute()
    const { createChainCheck } = await import('./chain-check.ts')
    await Promise.all([w.check(), createChainCheck(w.needs, w.setup)()])
    await w.check()
    assert.deepEqual(await w.needs.db.selectFrom('chains').select('epoch').execute(), [{ epoch: 2 }])
    await assertBooksMatch(w)
    await w.plan([{ to: somebody(1), units: 4n }])
    await w.drain()
    assert.equal(await w.balance(somebody(1)), 4n)
  } finally {
    await w.close()
  }
})

test('a real node with another chain halts the wallets instead', async () => {
  const w = await openEffectsWorld()
  try {
    const real = { ...w.needs, sandbox: null }
    const { createChainCheck } = await import('./chain-check.ts')
    await w.needs.db
      .updateTable('chains')
      .set({ genesisHash: `0x${'11'.repeat(32)}` })
      .execute()
    await createChainCheck(real, w.setup)()
    const door = await w.needs.db.selectFrom('doors').selectAll().executeTakeFirstOrThrow()
    assert.match(door.haltedReason!, /^other_chain/)
    assert.deepEqual(await w.needs.db.selectFrom('chains').select('epoch').execute(), [{ epoch: 1 }])
  } finally {
    await w.close()
  }
})
