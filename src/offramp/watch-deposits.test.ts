import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { sql } from 'kysely'
import { type Address, getAddress, type Hex } from 'viem'
import { type DepositWorld, openDepositWorld } from '../../test/support/deposits.ts'
import {
  createMemoryChain,
  type MemoryChain,
  type MemoryNode,
  memoryHash,
} from '../../test/support/memory-chain.ts'
import { beginScanAnew } from '../effects/chain-scans.ts'
import { RefusedOperation } from '../effects/operate-effects.ts'
import { acceptReorganisation } from './accept-reorganisation.ts'
import { findHeldScans } from './scan-health.ts'
import { createDepositWatch, type WatchedChain } from './watch-deposits.ts'

const USDC: Address = '0x00000000000000000000000000000000000000A1'
const SOMEBODY: Address = getAddress('0x00000000000000000000000000000000000c0ffe')
const CONFIRMATIONS = 4

describe('a chain in memory is watched', () => {
  let world: DepositWorld
  let chain: MemoryChain
  let node: MemoryNode
  let watched: WatchedChain
  let sales: { id: string; address: Address }[]
  let made = 0

  before(async () => {
    world = await openDepositWorld()
  })
  after(() => world.close())
  beforeEach(async () => {
    chain = createMemoryChain(`chain ${made++}`)
    node = chain.node()
    watched = {
      chain: 'polygon',
      confirmations: CONFIRMATIONS,
      tokens: { USDC },
      provider: node.reader,
      witness: null,
      isLocal: false,
    }
    chain.mine()
    await world.register('polygon', chain.blocks()[0]!.hash)
    sales = await world.addSales('polygon', 3)
    await world.watch(watched)
  })
  afterEach(async () => {
    await sql`truncate deposits, sales, chain_scans, chain_blocks, wallets, chains, doors cascade`.execute(
      world.db,
    )
    world.woken.length = 0
  })

  const pay = (
    name: string,
    ...moves: { to: Address; units: bigint; token?: Address | null; from?: Address }[]
  ) => ({
    hash: memoryHash(name),
    moves: moves.map(({ token = USDC, from = SOMEBODY, ...move }) => ({ token, from, ...move })),
  })
  const mine = (blocks: number): void => {
    for (let block = 0; block < blocks; block += 1) chain.mine()
  }
  const states = async () =>
    (await world.deposits()).map(({ txHash, ordinal, units, state }) => [
      txHash.slice(0, 6),
      ordinal,
      units,
      state,
    ])
  const short = (name: string): string => memoryHash(name).slice(0, 6)

  test('seen in its block, final as deep as asked, once, and who works it off is woken', async () => {
    chain.mine([pay('a', { to: sales[0]!.address, units: 5n }), pay('b', { to: SOMEBODY, units: 5n })])
    await world.watch(watched)
    assert.deepEqual(await states(), [[short('a'), 0, 5n, 'seen']])
    mine(CONFIRMATIONS - 2)
    await world.watch(watched)
    assert.deepEqual(await states(), [[short('a'), 0, 5n, 'seen']])
    assert.deepEqual(world.woken, [])
    mine(1)
    await world.watch(watched)
    assert.deepEqual(await states(), [[short('a'), 0, 5n, 'final']])
    assert.deepEqual(world.woken, ['sale-deposits'])
    const [deposit] = await world.deposits()
    assert.deepEqual(
      [deposit!.saleId, deposit!.asset, deposit!.fromAddress],
      [sales[0]!.id, 'polygon:USDC', SOMEBODY],
    )
    const { checkpointHeight } = await world.db.selectFrom('chains').selectAll().executeTakeFirstOrThrow()
    assert.equal(checkpointHeight, deposit!.blockHeight)
  })

  test('what one transaction moves to several sales, twice to one of them, native coins too, is each a deposit', async () => {
    chain.mine([
      pay(
        'a',
        { to: sales[2]!.address, units: 1n, token: null },
        { to: sales[0]!.address, units: 2n },
        { to: SOMEBODY, units: 3n },
        { to: sales[1]!.address, units: 4n },
        { to: sales[0]!.address, units: 5n },
        { to: sales[0]!.address, units: 0n },
      ),
      { ...pay('failed', { to: sales[0]!.address, units: 6n, token: null }), reverted: true },
    ])
    await world.watch(watched)
    assert.deepEqual(
      (await world.deposits()).map(({ ordinal, units, asset, saleId }) => [
        ordinal,
        units,
        asset,
        sales.findIndex(({ id }) => id === saleId),
      ]),
      [
        [0, 1n, 'polygon:POL', 2],
        [1, 2n, 'polygon:USDC', 0],
        [2, 4n, 'polygon:USDC', 1],
        [3, 5n, 'polygon:USDC', 0],
      ],
    )
  })

  test('gas and sweeps from wallets of ours are nobody’s deposit', async () => {
    await sql`
      insert into wallets (chain, address, key_ref, role, epoch) values ('polygon', ${SOMEBODY}, 'test', 'hot', 1)`.execute(
      world.db,
    )
    chain.mine([
      pay('gas', { to: sales[0]!.address, units: 1n, token: null }),
      pay('own', { to: sales[1]!.address, units: 1n, from: sales[0]!.address }),
      pay('customer', { to: sales[0]!.address, units: 1n, from: USDC }),
    ])
    await world.watch(watched)
    assert.deepEqual(await states(), [[short('customer'), 0, 1n, 'seen']])
  })

  test('a native coin that nobody sells is not read, one that is still waited for is', async () => {
    await sql`update integrations set settings = '{"pairs": ["polygon:USDC"]}'`.execute(world.db)
    try {
      chain.mine([pay('a', { to: sales[0]!.address, units: 1n, token: null })])
      await world.watch(watched)
      assert.deepEqual(await states(), [])
      const [waiting] = await world.addSales('polygon', 1, 'POL')
      chain.mine([pay('b', { to: waiting!.address, units: 1n, token: null })])
      await world.watch(watched)
      assert.deepEqual(await states(), [[short('b'), 0, 1n, 'seen']])
    } finally {
      await sql`update integrations set settings = '{"pairs": ["polygon:USDC", "polygon:POL"]}'`.execute(
        world.db,
      )
    }
  })

  test('a reorganisation takes back what is gone, and what comes back is the same deposit, first seen when it was', async () => {
    const kept = pay('kept', { to: sales[0]!.address, units: 1n })
    const dropped = pay('dropped', { to: sales[1]!.address, units: 2n })
    mine(1)
    chain.mine([kept])
    chain.mine([dropped])
    await world.watch(watched)
    const [before] = await world.deposits()
    world.pass(60_000)
    chain.reorganise(2, [[], [], [kept]])
    await world.watch(watched)
    assert.deepEqual(
      (await states()).sort(),
      [
        [short('dropped'), 0, 2n, 'vanished'],
        [short('kept'), 0, 1n, 'seen'],
      ].sort(),
    )
    const now = (await world.deposits()).find(({ txHash }) => txHash === kept.hash)!
    assert.deepEqual(now.firstSeenAt, before!.firstSeenAt)
    assert.equal(now.blockHash, chain.blocks().at(-1)!.hash)
    chain.mine([dropped])
    mine(CONFIRMATIONS)
    await world.watch(watched)
    assert.deepEqual(
      (await states()).map(([, , units, state]) => [units, state]),
      [
        [1n, 'final'],
        [2n, 'final'],
      ],
    )
  })

  test('a reorganisation right after the start, below the block the reading began at', async () => {
    chain.reorganise(1, [[], [pay('a', { to: sales[0]!.address, units: 1n })]])
    await world.watch(watched)
    assert.deepEqual(await states(), [[short('a'), 0, 1n, 'seen']])
    assert.equal((await world.scan()).heldReason, null)
  })

  test('a reorganisation below what was final holds everything, takes nothing back, and halts the wallets', async () => {
    await sql`
      insert into wallets (chain, address, key_ref, role, epoch) values ('polygon', ${SOMEBODY}, 'test', 'hot', 1)`.execute(
      world.db,
    )
    chain.mine([pay('a', { to: sales[0]!.address, units: 1n, from: USDC })])
    mine(CONFIRMATIONS)
    chain.mine([pay('b', { to: sales[0]!.address, units: 2n, from: USDC })])
    await world.watch(watched)
    const before = await world.scan()
    chain.reorganise(
      CONFIRMATIONS + 3,
      Array.from({ length: CONFIRMATIONS + 4 }, () => []),
    )
    await world.watch(watched)
    const held = await world.scan()
    assert.match(held.heldReason!, /^deep_reorganisation: block 2 /)
    assert.deepEqual([held.height, held.hash], [before.height, before.hash])
    assert.deepEqual(
      (await states()).map(([, , , state]) => state),
      ['final', 'seen'],
    )
    const door = await world.db.selectFrom('doors').selectAll().executeTakeFirstOrThrow()
    assert.match(door.haltedReason!, /^deep_reorganisation/)
    const [told] = await findHeldScans(world.db)
    assert.equal(told?.what, 'deposits on polygon')
    const who = { who: 'an operator', why: 'the loss is booked' }
    assert.equal(await acceptReorganisation(world.needs, watched, who), 0)
    await assert.rejects(acceptReorganisation(world.needs, watched, who), RefusedOperation)
    assert.deepEqual(world.woken, ['sale-deposits', 'deposits:polygon'])
    // The lost transaction is mined again: it stays the deposit that it was.
    chain.mine([pay('a', { to: sales[0]!.address, units: 1n, from: USDC })])
    mine(CONFIRMATIONS)
    await world.watch(watched)
    const { height: read, heldReason } = await world.scan()
    assert.deepEqual([read, heldReason], [chain.blocks().length - 1, null])
    assert.deepEqual(
      (await states()).map(([, , units, state]) => [units, state]),
      [
        [1n, 'final'],
        [2n, 'vanished'],
      ],
    )
    const audit = await world.db.selectFrom('auditLog').selectAll().executeTakeFirstOrThrow()
    assert.deepEqual([audit.who, audit.action], ['an operator', 'deposits.accept'])
  })

  test('the reading goes on by itself when the block that was final is back', async () => {
    chain.mine([pay('a', { to: sales[0]!.address, units: 1n })])
    mine(CONFIRMATIONS)
    await world.watch(watched)
    const other = createMemoryChain('another')
    for (const _ of chain.blocks()) other.mine()
    mine(1)
    const lying = { ...watched.provider, blocks: other.node().reader.blocks }
    await world.watch({ ...watched, provider: lying })
    assert.match((await world.scan()).heldReason!, /^deep_reorganisation/)
    // A node that has not all blocks yet says less of what a person must look at.
    node.lag(3)
    const step = createDepositWatch(world.needs, watched)
    await step()
    world.pass(61_000)
    await step()
    assert.match((await world.scan()).heldReason!, /^deep_reorganisation/)
    node.heal()
    await world.watch(watched)
    const scan = await world.scan()
    assert.deepEqual([scan.heldReason, scan.height], [null, chain.blocks().length - 1])
  })

  test('a node that lags behind what was read is waited for: nothing is unseen', async () => {
    chain.mine([pay('a', { to: sales[0]!.address, units: 1n })])
    mine(1)
    await world.watch(watched)
    const before = await world.scan()
    node.lag(2)
    await world.watch(watched)
    assert.deepEqual(await world.scan(), before)
    assert.deepEqual(await states(), [[short('a'), 0, 1n, 'seen']])
    node.heal()
    mine(CONFIRMATIONS)
    await world.watch(watched)
    assert.deepEqual(await states(), [[short('a'), 0, 1n, 'final']])
  })

  test('a node that lacks a block, read before or between others, is told of after a minute and waited for', async () => {
    chain.mine([pay('a', { to: sales[0]!.address, units: 1n })])
    mine(1)
    let missing = -1
    const holed = {
      ...watched.provider,
      blocks: async (heights: readonly number[]) =>
        (await watched.provider.blocks(heights)).map((block) => (block?.height === missing ? null : block)),
    }
    const step = createDepositWatch(world.needs, { ...watched, provider: holed })
    const rest = async () => {
      for (let look = 0; look < 5; look += 1) await step()
      return (await world.scan()).heldReason
    }
    assert.equal(await rest(), null)
    node.lag(2)
    assert.equal(await rest(), null)
    world.pass(61_000)
    assert.match((await rest())!, /^node_behind: it has no block 3$/)
    assert.equal((await findHeldScans(world.db))[0]!.what, 'deposits on polygon')
    // At the very block that was read last.
    node.heal()
    assert.equal(await rest(), null)
    missing = 5
    mine(CONFIRMATIONS + 2)
    assert.equal(await rest(), null)
    world.pass(61_000)
    assert.match((await rest())!, /^node_behind: it has no block 5$/)
    assert.deepEqual(await states(), [[short('a'), 0, 1n, 'seen']])
    missing = -1
    assert.equal(await rest(), null)
    assert.deepEqual(await states(), [[short('a'), 0, 1n, 'final']])
  })

  test('a node that was down for 10,000 blocks is caught up with, nothing of them is missed', async () => {
    node.failCalls(1)
    await assert.rejects(world.watch(watched), /down/)
    for (let block = 0; block < 10_000; block += 1) {
      const hit = block % 997 === 0
      chain.mine(hit ? [pay(`p${block}`, { to: sales[block % 3]!.address, units: BigInt(block + 1) })] : [])
    }
    await world.watch(watched)
    const rows = await world.deposits()
    assert.equal(rows.length, 11)
    assert.equal(rows.filter(({ state }) => state === 'final').length, 11)
    assert.equal((await world.scan()).height, chain.blocks().length - 1)
    // And a fork is still found.
    const late = pay('late', { to: sales[0]!.address, units: 7n })
    chain.reorganise(3, [[], [], [late], []])
    await world.watch(watched)
    assert.deepEqual((await states()).at(-1), [short('late'), 0, 7n, 'seen'])
  })

  test('logs of another block than the header says are not believed, and read again', async () => {
    const paid = pay('a', { to: sales[0]!.address, units: 1n })
    mine(9)
    chain.mine([paid])
    mine(400)
    node.freezeLogs()
    chain.reorganise(405, [
      ...Array.from({ length: 4 }, () => []),
      [paid],
      ...Array.from({ length: 402 }, () => []),
    ])
    await assert.rejects(world.watch(watched), /is said to be in block/)
    assert.deepEqual(await states(), [])
    node.heal()
    await world.watch(watched)
    assert.deepEqual(await states(), [[short('a'), 0, 1n, 'final']])
  })

  test('a step that breaks off at any of its calls is done again, with the same end', async () => {
    mine(1)
    chain.mine([
      pay('a', { to: sales[0]!.address, units: 1n, token: null }),
      pay('b', { to: sales[1]!.address, units: 2n }),
    ])
    mine(CONFIRMATIONS)
    chain.reorganise(2, [[pay('c', { to: sales[2]!.address, units: 3n })], [], []])
    let broken = 0
    for (let calls = 0; ; calls += 1) {
      let left = calls
      const provider = Object.fromEntries(
        Object.entries(node.reader).map(([name, call]) => [
          name,
          async (...given: unknown[]) => {
            left -= 1
            if (left < 0) throw new Error('killed')
            return (call as (...given: unknown[]) => unknown)(...given)
          },
        ]),
      ) as unknown as WatchedChain['provider']
      const ended = await createDepositWatch(world.needs, { ...watched, provider })().then(
        (rows) => rows === 0,
        (error: Error) => {
          assert.equal(error.message, 'killed')
          broken += 1
          return false
        },
      )
      if (ended) break
    }
    assert.ok(broken > 3)
    assert.deepEqual((await states()).map(([, , units, state]) => [units, state]).sort(), [
      [1n, 'final'],
      [2n, 'final'],
      [3n, 'seen'],
    ])
  })

  test('two processes at once write each deposit once, and neither fails', async () => {
    for (let round = 0; round < 12; round += 1) {
      chain.mine([pay(`r${round}`, { to: sales[round % 3]!.address, units: 1n })])
      if (round % 4 === 3)
        chain.reorganise(2, [[], [pay(`r${round}`, { to: sales[round % 3]!.address, units: 1n })]])
      await Promise.all([world.watch(watched), world.watch(watched), world.watch(watched)])
    }
    mine(CONFIRMATIONS)
    await Promise.all([world.watch(watched), world.watch(watched)])
    const paid = chain.blocks().flatMap(({ transactions }) => transactions.map(({ hash }) => hash))
    const final = (await world.deposits()).filter(({ state }) => state === 'final')
    assert.deepEqual(final.map(({ txHash }) => txHash).sort(), [...paid].sort())
    assert.equal(world.woken.length >= 1, true)
  })

  test('a process that was slow writes nothing of the fork it read, once another has gone on', async () => {
    mine(1)
    await world.watch(watched)
    chain.mine([pay('old', { to: sales[0]!.address, units: 1n })])
    let reached = (): void => {}
    let goOn = (): void => {}
    const isReading = new Promise<void>((resolve) => {
      reached = resolve
    })
    const isLetGo = new Promise<void>((resolve) => {
      goOn = resolve
    })
    const slow: WatchedChain['provider'] = {
      ...node.reader,
      async transfersIn(blocks, coins) {
        const found = await node.reader.transfersIn(blocks, coins)
        reached()
        await isLetGo
        return found
      },
    }
    const late = createDepositWatch(world.needs, { ...watched, provider: slow })()
    await isReading
    chain.reorganise(1, [[], [pay('new', { to: sales[1]!.address, units: 2n })]])
    await world.watch(watched)
    const before = await world.scan()
    goOn()
    await late
    assert.deepEqual(await world.scan(), before)
    assert.deepEqual(await states(), [[short('new'), 0, 2n, 'seen']])
  })

  test('headers that don’t follow what was read are no ground to read on from', async () => {
    chain.mine([pay('a', { to: sales[0]!.address, units: 1n })])
    await world.watch(watched)
    const before = await world.scan()
    mine(1)
    let looks = 0
    const turning: WatchedChain['provider'] = {
      ...node.reader,
      async blocks(heights) {
        const found = await node.reader.blocks(heights)
        looks += 1
        // Right after it showed the block that was read last.
        if (looks === 1) chain.reorganise(2, [[], [], []])
        return found
      },
    }
    await createDepositWatch(world.needs, { ...watched, provider: turning })()
    assert.ok(looks > 1)
    assert.deepEqual(await world.scan(), before)
    await world.watch(watched)
    assert.deepEqual(await states(), [[short('a'), 0, 1n, 'vanished']])
  })

  test('nothing is final whose block is another one at a fresh look', async () => {
    chain.mine([pay('a', { to: sales[0]!.address, units: 1n })])
    await world.watch(watched)
    const { height } = await world.scan()
    mine(CONFIRMATIONS)
    const other = createMemoryChain('other')
    for (const _ of chain.blocks()) other.mine()
    const turned: WatchedChain['provider'] = {
      ...node.reader,
      async blocks(heights) {
        const isFreshLook =
          heights.length === 1 && heights[0] === height && (await world.scan()).height > height
        return (isFreshLook ? other.node() : node).reader.blocks(heights)
      },
    }
    await createDepositWatch(world.needs, { ...watched, provider: turned })()
    assert.deepEqual(await states(), [[short('a'), 0, 1n, 'seen']])
    assert.ok((await world.scan()).height > height)
    await world.watch(watched)
    assert.deepEqual(await states(), [[short('a'), 0, 1n, 'final']])
  })

  test('a second node must agree: while it does not, nothing is final and it is said why; then it goes on', async () => {
    const second = chain.node()
    const both = { ...watched, witness: second.reader }
    chain.mine([pay('a', { to: sales[0]!.address, units: 1n })])
    mine(CONFIRMATIONS)
    const other = createMemoryChain('other')
    for (const _ of chain.blocks()) other.mine()
    await world.watch({ ...both, witness: other.node().reader })
    assert.match((await world.scan()).heldReason!, /^nodes_disagree: block 2 is 0x/)
    assert.deepEqual(await states(), [[short('a'), 0, 1n, 'seen']])
    assert.equal((await findHeldScans(world.db)).length, 1)
    // The same block, and yet not the transaction.
    const forgetful = { ...second.reader, receipts: async (hashes: readonly Hex[]) => hashes.map(() => null) }
    await world.watch({ ...both, witness: forgetful })
    assert.match((await world.scan()).heldReason!, /^nodes_disagree: transaction 0x/)
    await world.watch(both)
    assert.deepEqual(await states(), [[short('a'), 0, 1n, 'final']])
    assert.equal((await world.scan()).heldReason, null)
    assert.deepEqual(world.woken, ['sale-deposits'])
  })

  test('a second node that is behind is waited for, and told of after a minute; one that is down keeps nothing from being seen', async () => {
    const second = chain.node()
    const step = createDepositWatch(world.needs, { ...watched, witness: second.reader })
    chain.mine([pay('a', { to: sales[0]!.address, units: 1n })])
    mine(CONFIRMATIONS)
    second.lag(CONFIRMATIONS + 1)
    await step()
    await step()
    assert.deepEqual(await states(), [[short('a'), 0, 1n, 'seen']])
    assert.equal((await world.scan()).heldReason, null)
    world.pass(61_000)
    await step()
    assert.match((await world.scan()).heldReason!, /^second_node_behind/)
    second.heal()
    second.failCalls(1)
    chain.mine([pay('b', { to: sales[0]!.address, units: 2n })])
    await assert.rejects(step(), /down/)
    assert.deepEqual(
      (await states()).map(([, , units, state]) => [units, state]),
      [
        [1n, 'seen'],
        [2n, 'seen'],
      ],
    )
    await step()
    assert.deepEqual(
      (await states()).map(([, , , state]) => state),
      ['final', 'seen'],
    )
    assert.equal((await world.scan()).heldReason, null)
  })

  test('our own node that came back with less is believed: it can’t lag behind itself', async () => {
    mine(5)
    chain.mine([pay('a', { to: sales[0]!.address, units: 1n })])
    await world.watch(watched)
    chain.reorganise(4, [[pay('b', { to: sales[1]!.address, units: 2n })]])
    await world.watch(watched)
    assert.deepEqual(
      (await states()).map(([, , , state]) => state),
      ['seen'],
    )
    await world.watch({ ...watched, isLocal: true })
    assert.deepEqual((await states()).map(([, , units, state]) => [units, state]).sort(), [
      [1n, 'vanished'],
      [2n, 'seen'],
    ])
  })

  test('a local chain that was lost is read anew from its first block; what was not counted on the old one is gone', async () => {
    chain.mine([pay('counted', { to: sales[0]!.address, units: 1n })])
    mine(CONFIRMATIONS)
    chain.mine([pay('seen', { to: sales[1]!.address, units: 2n })])
    await world.watch(watched)
    await world.db.updateTable('deposits').set({ outcome: 'credited' }).where('state', '=', 'final').execute()
    const fresh = createMemoryChain('fresh')
    fresh.mine([pay('new', { to: sales[1]!.address, units: 3n })])
    const genesisHash = fresh.blocks()[0]!.hash
    await world.db.transaction().execute(async (trx) => {
      await trx.updateTable('chains').set({ epoch: 2, genesisHash }).execute()
      await beginScanAnew(trx, { chain: 'polygon', epoch: 2, genesisHash }, world.clock.now())
    })
    await world.watch({ ...watched, provider: fresh.node().reader, isLocal: true })
    assert.deepEqual(
      (await world.deposits()).map(({ epoch, units, state }) => [epoch, units, state]).sort(),
      [
        [1, 1n, 'final'],
        [1, 2n, 'vanished'],
        [2, 3n, 'seen'],
      ],
    )
    const { epoch, height } = await world.scan()
    assert.deepEqual([epoch, height], [2, 1])
  })

  test('another chain altogether is left to the chain’s own check', async () => {
    chain.mine([pay('a', { to: sales[0]!.address, units: 1n })])
    await world.watch(watched)
    const before = await world.scan()
    const other = createMemoryChain('other')
    for (let block = 0; block < 9; block += 1) other.mine()
    await world.watch({ ...watched, provider: other.node().reader })
    assert.deepEqual(await world.scan(), before)
    assert.deepEqual(await states(), [[short('a'), 0, 1n, 'seen']])
  })
})
