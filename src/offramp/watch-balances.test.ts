import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { sql } from 'kysely'
import { type Address, getAddress, type Hex, keccak256 } from 'viem'
import { type DepositRow, type DepositWorld, openDepositWorld } from '../../test/support/deposits.ts'
import { type InsidePayer, openInsidePayer } from '../../test/support/inside.ts'
import { createRandom } from '../../test/support/random.ts'
import { openSweepWorld } from '../../test/support/sweeps.ts'
import { createMnemonicCustody } from '../providers/custody/local-mnemonic.ts'
import { openTestChain, TEST_MNEMONIC, type TestChain } from '../sandbox/chain/fixture.ts'
import { findScan } from './scan-store.ts'
import { createBalanceWatch } from './watch-balances.ts'
import type { WatchedChain } from './watch-deposits.ts'

const CONFIRMATIONS = 4
const KEY = "m/44'/60'/0'/0/7"

describe('native coins that contracts send, on a real node', () => {
  const custody = createMnemonicCustody(TEST_MNEMONIC)
  let world: DepositWorld
  let chain: TestChain
  let watched: WatchedChain
  let inside: InsidePayer
  let payer: Address

  before(async () => {
    world = await openDepositWorld()
    chain = await openTestChain()
    inside = await openInsidePayer(chain)
    payer = await custody.address(KEY)
    await chain.treasury.topUp(payer, [{ symbol: 'POL', units: 10n ** 21n }])
    watched = {
      chain: 'polygon',
      confirmations: CONFIRMATIONS,
      tokens: chain.treasury.tokens,
      provider: chain.provider,
      witness: chain.provider,
      isLocal: true,
    }
    await world.register('polygon', chain.node().genesisHash)
    await world.watch(watched)
  })
  after(async () => {
    await world.close()
    await chain.close()
  })

  async function payDirectly(to: Address, value: bigint): Promise<{ raw: Hex; hash: Hex }> {
    const { pending } = await chain.provider.nonces(payer)
    const raw = await custody.signTransaction(KEY, {
      chainId: chain.chainId,
      nonce: pending,
      to,
      value,
      data: '0x',
      gas: 21_000n,
      maxFeePerGas: 10n ** 12n,
      maxPriorityFeePerGas: 10n ** 9n,
    })
    await chain.provider.send([raw])
    return { raw, hash: keccak256(raw) }
  }

  /** The chain is read to its end, and nobody has looked at balances there. */
  const readUpTo = async (): Promise<void> => {
    const nothing = async (): Promise<bigint[]> => []
    const refuse = { ...chain.provider, nativeBalancesAt: nothing }
    await world.watch({ ...watched, provider: refuse })
  }

  const addSale = async () => (await world.addSales('polygon', 1, 'POL'))[0]!
  const reorganise = (depth: number): Promise<unknown> => chain.node().rpc.call('anvil_reorg', depth, [])

  const of = async (sale: { id: string }): Promise<DepositRow[]> =>
    (await world.deposits()).filter(({ saleId }) => saleId === sale.id)
  const unitsOf = async (sale: { id: string }, state: string): Promise<bigint[]> =>
    (await of(sale)).filter((row) => row.state === state).map(({ units }) => units)

  test('one transaction of a contract to two sales, and a direct one, in the same blocks: each is seen once', async () => {
    const [one, two] = [await addSale(), await addSale()]
    await inside.send({ address: one.address, units: 5n }, { address: two.address, units: 6n })
    const direct = await payDirectly(one.address, 7n)
    await chain.mine(2)
    await world.watch(watched)
    const { latest } = await chain.provider.heads()
    const [below] = await chain.provider.blocks([latest.height - 1])
    const [first, second] = (await of(one)).sort((a, b) => Number(a.units - b.units))
    assert.deepEqual(
      [first!.units, first!.fromAddress, first!.txHash, first!.blockHash, first!.asset, first!.state],
      [5n, null, `balance:${below!.hash}:${one.address}`, below!.hash, 'polygon:POL', 'seen'],
    )
    assert.deepEqual(
      [second!.units, second!.fromAddress, second!.txHash, second!.state],
      [7n, getAddress(payer), direct.hash, 'seen'],
    )
    await world.watch(watched)
    assert.deepEqual(await unitsOf(two, 'seen'), [6n])
    await chain.mine(CONFIRMATIONS)
    await Promise.all([world.watch(watched), world.watch(watched)])
    assert.deepEqual((await unitsOf(one, 'final')).sort(), [5n, 7n])
    assert.deepEqual(await unitsOf(two, 'final'), [6n])
    await inside.send({ address: two.address, units: 1n })
    await chain.mine(1 + CONFIRMATIONS)
    await world.watch(watched)
    await chain.mine(CONFIRMATIONS)
    await world.watch(watched)
    assert.deepEqual((await unitsOf(two, 'final')).sort(), [1n, 6n])
    assert.equal((await of(one)).length, 2)
  })

  test('a reorganisation takes them back; mined again they are another deposit, and count once', async () => {
    const sale = await addSale()
    const paid = await inside.send({ address: sale.address, units: 9n })
    await chain.mine(2)
    await world.watch(watched)
    assert.deepEqual(await unitsOf(sale, 'seen'), [9n])
    await reorganise(2)
    await chain.node().rpc.call('anvil_dropAllTransactions')
    await chain.mine()
    await world.watch(watched)
    assert.deepEqual(
      (await of(sale)).map(({ state }) => state),
      ['vanished'],
    )
    await chain.provider.send([paid.raw])
    await chain.mine(2)
    await world.watch(watched)
    await chain.mine(CONFIRMATIONS)
    await world.watch(watched)
    assert.deepEqual([await unitsOf(sale, 'final'), await unitsOf(sale, 'seen')], [[9n], []])
  })

  test('sales of tokens, ended sales, and chains where nobody waits for the native coin ask the node nothing', async () => {
    await sql`update sales set state = 'finished', due_at = null where symbol = 'POL'`.execute(world.db)
    await world.addSales('polygon', 2, 'USDC')
    const refuse = async (): Promise<never> => assert.fail('asked')
    const look = createBalanceWatch(world.needs, {
      ...watched,
      provider: { ...chain.provider, nativeBalancesAt: refuse, transactionCounts: refuse },
    })
    const scan = (await findScan(world.db, 'polygon'))!
    assert.deepEqual(await look(scan), { found: 0, isDone: true })
  })

  test('what the newest block alone says is looked at again: nothing is seen, and nothing is called read', async () => {
    const sale = await addSale()
    await inside.send({ address: sale.address, units: 2n })
    await chain.mine()
    const look = createBalanceWatch(world.needs, watched)
    await readUpTo()
    assert.deepEqual(await look((await findScan(world.db, 'polygon'))!), { found: 0, isDone: false })
    assert.deepEqual(await of(sale), [])
    await chain.mine()
    world.pass(1_000)
    await readUpTo()
    assert.deepEqual(await look((await findScan(world.db, 'polygon'))!), { found: 1, isDone: true })
    assert.deepEqual(await unitsOf(sale, 'seen'), [2n])
  })

  test('a node that answers for its newest block from the one it is writing: coins count once', async () => {
    const sale = await addSale()
    const direct = await payDirectly(sale.address, 8n)
    const hasty: WatchedChain = {
      ...watched,
      witness: null,
      provider: {
        ...chain.provider,
        async nativeBalancesAt(addresses, hash) {
          const { latest } = await chain.provider.heads()
          if (hash !== latest.hash) return chain.provider.nativeBalancesAt(addresses, hash)
          await chain.mine()
          const { latest: written } = await chain.provider.heads()
          return chain.provider.nativeBalancesAt(addresses, written.hash)
        },
      },
    }
    for (let look = 0; look < 1 + CONFIRMATIONS; look += 1) {
      await world.watch(hasty)
      world.pass(1_000)
    }
    assert.deepEqual(
      (await of(sale)).map(({ units, txHash, state }) => ({ units, txHash, state })),
      [{ units: 8n, txHash: direct.hash, state: 'final' }],
    )
  })

  test('coins of both kinds, the direct ones in the newest block: both are seen whole', async () => {
    const sale = await addSale()
    await inside.send({ address: sale.address, units: 100n })
    await chain.mine()
    await payDirectly(sale.address, 30n)
    await chain.mine()
    await world.watch(watched)
    assert.deepEqual(await unitsOf(sale, 'seen'), [30n])
    await chain.mine()
    await world.watch(watched)
    assert.deepEqual((await unitsOf(sale, 'seen')).sort(), [100n, 30n])
  })

  test('an expired sale is looked at for a week', async () => {
    const sale = await addSale()
    const end = (days: number) =>
      sql`
      update sales set state = 'expired', due_at = null, updated_at = ${world.clock.now()}::timestamptz - ${days} * interval '1 day'
       where id = ${sale.id}`.execute(world.db)
    await inside.send({ address: sale.address, units: 3n })
    await chain.mine(2)
    await end(8)
    await world.watch(watched)
    assert.deepEqual(await of(sale), [])
    await end(6)
    await world.watch(watched)
    assert.deepEqual(await unitsOf(sale, 'seen'), [3n])
  })

  test('a second node that has another balance, or not yet the block: nothing is seen', async () => {
    const sale = await addSale()
    await inside.send({ address: sale.address, units: 4n })
    await chain.mine(2)
    const { blocks, receipts, nativeBalancesAt } = chain.provider
    const behind = { blocks: async () => [null], receipts, nativeBalancesAt }
    const other = { blocks, receipts, nativeBalancesAt: async () => [3n] }
    for (const witness of [behind, other]) {
      await world.watch({ ...watched, witness })
      assert.deepEqual(await of(sale), [])
    }
    await world.watch(watched)
    assert.deepEqual(await unitsOf(sale, 'seen'), [4n])
  })

  for (const seed of [1, 2]) {
    test(`a random history, seed ${seed}: what is final of the native coin is what the addresses hold`, async () => {
      const random = createRandom(seed)
      const sales = await world.addSales('polygon', 3, 'POL')
      let waiting: { raw: Hex; hash: Hex }[] = []
      for (let step = 0; step < 25; step += 1) {
        const kind = random.next()
        if (kind < 0.6) {
          const coins = () => ({ address: random.pick(sales).address, units: BigInt(1 + random.below(9)) })
          const { address, units } = coins()
          waiting.push(
            random.chance(0.6)
              ? await inside.send(...Array.from({ length: 1 + random.below(3) }, coins))
              : await payDirectly(address, units),
          )
          if (random.chance(0.7)) await chain.mine()
        } else if (kind < 0.8) await chain.mine(1 + random.below(2))
        else {
          await chain.mine()
          await reorganise(1 + random.below(CONFIRMATIONS - 1))
          await chain.provider.send(waiting.map(({ raw }) => raw))
        }
        if (random.chance(0.7)) await Promise.all([world.watch(watched), world.watch(watched)])
        const receipts = await chain.provider.receipts(waiting.map(({ hash }) => hash))
        const { latest } = await chain.provider.heads()
        waiting = waiting.filter((_, place) => {
          const height = receipts[place]?.height
          return height === undefined || latest.height - height < CONFIRMATIONS
        })
      }
      await chain.mine(2)
      await world.watch(watched)
      await chain.mine(CONFIRMATIONS)
      await world.watch(watched)
      const { latest } = await chain.provider.heads()
      const held = await chain.provider.nativeBalancesAt(
        sales.map(({ address }) => address),
        latest.hash,
      )
      for (const [place, sale] of sales.entries()) {
        const final = await unitsOf(sale, 'final')
        assert.equal(
          final.reduce((sum, units) => sum + units, 0n),
          held[place],
        )
        assert.deepEqual(await unitsOf(sale, 'seen'), [])
      }
    })
  }
})

for (const symbol of ['POL', 'USDC']) {
  test(`while ${symbol} are swept, gas comes and goes, and nothing is found; what a contract sends later is`, async () => {
    const w = await openSweepWorld()
    const { db } = w.needs
    const { chain, setup } = w.effects
    try {
      const address = await w.addAddress()
      await sql`update sales set symbol = 'POL', state = 'started', due_at = now()`.execute(db)
      const look = async () => {
        const { latest } = await chain.provider.heads()
        await sql`update chain_scans set height = ${latest.height}, hash = ${latest.hash}`.execute(db)
        const watch = createBalanceWatch(w.needs, { ...setup, witness: null, isLocal: true })
        return (await watch((await findScan(db, chain.chain))!)).found
      }
      await w.arrive({ address, symbol, units: 7n * 10n ** 18n })
      const steps = w.steps()
      for (let round = 0; round < 15; round += 1) {
        for (const step of Object.values(steps)) {
          await step()
          assert.equal(await look(), 0)
        }
        await chain.mine()
        assert.equal(await look(), 0)
        w.effects.pass(5_500)
      }
      assert.deepEqual(
        (await w.sweeps()).map(({ state }) => state),
        ['done'],
      )
      const inside = await openInsidePayer(chain)
      await inside.send({ address, units: 11n })
      await chain.mine(2)
      assert.deepEqual([await look(), await look()], [1, 0])
      const found = await db.selectFrom('deposits').selectAll().where('state', '=', 'seen').execute()
      assert.deepEqual(
        found.map(({ units }) => units),
        [11n],
      )
    } finally {
      await w.close()
    }
  })
}
