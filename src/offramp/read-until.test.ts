import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { sql } from 'kysely'
import { type DepositWorld, openDepositWorld } from '../../test/support/deposits.ts'
import { createMemoryChain, type MemoryChain, type MemoryNode } from '../../test/support/memory-chain.ts'
import { findUnreadDeadline } from './scan-store.ts'
import type { WatchedChain } from './watch-deposits.ts'

describe('how far a chain was read, for sales that are past their window', () => {
  let world: DepositWorld
  let chain: MemoryChain
  let node: MemoryNode
  let blockTime: Date
  let watched: WatchedChain
  let deadlineMs: number
  let made = 0

  before(async () => {
    world = await openDepositWorld()
  })
  after(() => world.close())
  beforeEach(async () => {
    await sql`truncate deposits, sales, chain_scans, chain_blocks, wallets, chains, doors cascade`.execute(
      world.db,
    )
    chain = createMemoryChain(`read ${made++}`)
    node = chain.node()
    blockTime = new Date(0)
    const heads = async () => {
      const { latest, finalized } = await node.reader.heads()
      return { latest: { ...latest, time: blockTime }, finalized }
    }
    watched = {
      chain: 'polygon',
      confirmations: 3,
      tokens: {},
      provider: { ...node.reader, heads },
      witness: null,
      isLocal: false,
    }
    chain.mine()
    await world.register('polygon', chain.blocks()[0]!.hash)
    await world.watch(watched)
    await world.addSales('polygon', 1)
    deadlineMs = world.clock.now().getTime() + 3_600_000
    await sql`update sales set expires_at = ${deadline()}, due_at = ${deadline()}`.execute(world.db)
    world.woken.length = 0
  })

  const deadline = () => new Date(deadlineMs)
  const at = (ms: number) => new Date(deadline().getTime() + ms)
  const readUntil = async () =>
    (await world.db.selectFrom('chainScans').selectAll().executeTakeFirst())!.readUntil
  const passTo = (time: Date) => world.pass(time.getTime() - world.clock.now().getTime())

  test('a real chain: as far as its newest block, however late it is', async () => {
    passTo(at(60_000))
    assert.deepEqual(await findUnreadDeadline(world.db, 'polygon', world.clock.now()), deadline())
    blockTime = at(-1)
    chain.mine()
    await world.watch(watched)
    assert.deepEqual([await readUntil(), world.woken], [null, []], 'the node is behind its chain')
    blockTime = at(0)
    chain.mine()
    await world.watch(watched)
    assert.deepEqual([await readUntil(), world.woken], [at(0), ['sale-deadlines']])
    assert.equal(await findUnreadDeadline(world.db, 'polygon', world.clock.now()), null)
  })

  test('our own chain, which makes no block unasked: as of the moment in which it was asked', async () => {
    watched.isLocal = true
    await world.watch(watched)
    assert.equal(await readUntil(), null, 'no sale waits for it')
    node.failCalls(1)
    passTo(at(5_000))
    await assert.rejects(world.watch(watched))
    assert.equal(await readUntil(), null, 'the node is down')
    await world.watch(watched)
    assert.deepEqual([await readUntil(), world.woken], [at(5_000), ['sale-deadlines']])
    await world.watch(watched)
    assert.equal(world.woken.length, 1, 'once is enough')
  })

  test('blocks that were replaced must be read again first', async () => {
    passTo(at(9_000))
    blockTime = at(8_000)
    chain.mine()
    await world.watch(watched)
    assert.deepEqual(await readUntil(), at(8_000))
    chain.reorganise(1, [[], []])
    blockTime = at(-1)
    await world.watch(watched)
    assert.equal(await readUntil(), null)
  })
})
