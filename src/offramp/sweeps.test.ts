import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import type { Address } from 'viem'
import { MINIMUM, openSweepWorld, type SweepWorld } from '../../test/support/sweeps.ts'
import type { WorldOptions } from '../effects/fixture.ts'
import { walletDoor } from '../effects/model.ts'
import { openTestChain } from '../sandbox/chain/fixture.ts'

let world: SweepWorld | undefined
afterEach(async () => {
  await world?.close()
  world = undefined
})

async function open(options?: WorldOptions): Promise<SweepWorld> {
  world = await openSweepWorld(options)
  return world
}

/** The hot wallet is filled by the treasury: what came since. */
async function hotGain(w: SweepWorld, symbol = 'USDC'): Promise<() => Promise<bigint>> {
  const before = await w.effects.balance(w.effects.wallet, symbol)
  return async () => (await w.effects.balance(w.effects.wallet, symbol)) - before
}

const statesOf = async (w: SweepWorld) => (await w.sweeps()).map(({ state, units }) => [state, units])

const effectsOf = ({ needs }: SweepWorld) =>
  needs.db
    .selectFrom('effects')
    .select(['purpose', 'state', 'units', 'door', 'account', 'asset', 'gasUnits'])
    .orderBy('createdAt')
    .orderBy('purpose')
    .execute()

test('tokens: gas comes first, then the coins go to the hot wallet, and the books say so', async () => {
  const w = await open()
  const { wallet, chain } = w.effects
  const gain = await hotGain(w)
  const address = await w.addAddress()
  await w.arrive({ address, units: 5_000_000n })
  await w.drain()
  assert.equal(await gain(), 5_000_000n)
  assert.equal(await w.effects.balance(address), 0n)
  assert.deepEqual(await statesOf(w), [['done', 5_000_000n]])
  const [gas, coins] = await effectsOf(w)
  const [sweep] = await w.sweeps()
  assert.ok(gas && coins && sweep)
  const [hot, own] = [walletDoor(chain.chain, wallet), walletDoor(chain.chain, address)]
  assert.deepEqual([gas.purpose, gas.door, gas.account], [`sweep:${sweep.id}:gas:1`, hot, own])
  assert.deepEqual([coins.purpose, coins.door, coins.account], [`sweep:${sweep.id}:coins:2`, own, hot])
  const left = await w.effects.balance(address, 'POL')
  assert.equal(await w.effects.ledger(own, 'POL'), left)
  assert.equal(left, gas.units - coins.gasUnits!)
  await w.check()
})

test('native coins: all but the most that their gas can cost, and what is left stays in the books', async () => {
  const w = await open()
  const gain = await hotGain(w, 'POL')
  const address = await w.addAddress()
  await w.arrive({ address, symbol: 'POL', units: 7n * 10n ** 18n })
  await w.drain()
  const { units } = (await w.sweeps())[0]!
  assert.equal(await gain(), units)
  assert.ok(units > 69n * 10n ** 17n && units < 7n * 10n ** 18n, String(units))
  assert.equal((await effectsOf(w)).length, 1)
  await w.check()
})

test('18 decimals on another chain', async () => {
  const w = await open({ chain: await openTestChain('bsc') })
  const gain = await hotGain(w)
  const address = await w.addAddress()
  await w.arrive({ address, units: 123_456_789_012_345_678_901n })
  await w.drain()
  assert.equal(await gain(), 123_456_789_012_345_678_901n)
  await w.check()
})

test('less than the minimum stays; it goes with what comes later', async () => {
  const w = await open()
  const address = await w.addAddress()
  await w.arrive({ address, units: MINIMUM - 1n, outcome: 'dust' })
  await w.drain()
  assert.deepEqual(await w.sweeps(), [])
  const gain = await hotGain(w)
  await w.arrive({ address, units: 1n })
  await w.drain()
  assert.equal(await gain(), MINIMUM)
  await w.check()
})

test('several coins on one address go one after the other', async () => {
  const w = await open()
  const address = await w.addAddress()
  const [usdc, usdt] = [await hotGain(w), await hotGain(w, 'USDT')]
  await w.arrive(
    { address, units: 4_000n },
    { address, symbol: 'USDT', units: 6_000n, outcome: 'wrong_asset' },
  )
  await w.drain()
  assert.deepEqual([await usdc(), await usdt()], [4_000n, 6_000n])
  assert.deepEqual(
    (await w.sweeps()).map(({ state }) => state),
    ['done', 'done'],
  )
  await w.check()
})

test('what came from a blocked address stays until a person has decided', async () => {
  const w = await open()
  const { db, clock } = w.needs
  const gain = await hotGain(w)
  const address = await w.addAddress()
  await w.arrive({ address, units: 4_000n, outcome: 'blocked' })
  await w.drain()
  assert.deepEqual(await w.sweeps(), [])
  await w.arrive({ address, units: 5_000n })
  await w.drain()
  assert.equal(await gain(), 5_000n)
  assert.equal(await w.effects.balance(address), 4_000n)
  await w.check()
  await db.updateTable('deposits').set({ settledAt: clock.now() }).where('outcome', '=', 'blocked').execute()
  await w.drain()
  assert.equal(await gain(), 9_000n)
  await w.check()
})

test('coins that come while the address is emptied are moved afterwards', async () => {
  const w = await open()
  const gain = await hotGain(w)
  const address = await w.addAddress()
  await w.arrive({ address, units: 5_000n })
  await w.steps().sweep()
  await w.arrive({ address, units: 6_000n })
  await w.drain()
  assert.equal(await gain(), 11_000n)
  await w.check()
})

test('a hundred addresses at once: each is emptied once, and the books agree with the chain', async () => {
  const w = await open()
  const gain = await hotGain(w)
  const addresses: Address[] = []
  for (let count = 0; count < 100; count += 1) addresses.push(await w.addAddress())
  await w.arrive(...addresses.map((address, index) => ({ address, units: 10_000n + BigInt(index) })))
  await w.drain()
  assert.equal(await gain(), 1_004_950n)
  const states = await w.sweeps()
  assert.deepEqual([states.length, new Set(states.map(({ state }) => state))], [100, new Set(['done'])])
  await w.check()
})
