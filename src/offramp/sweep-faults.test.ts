import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { type Address, type Hex, numberToHex } from 'viem'
import { openSweepWorld, type Steps, type SweepWorld } from '../../test/support/sweeps.ts'
import type { WorldOptions } from '../effects/fixture.ts'
import { walletDoor } from '../effects/model.ts'
import { pauseDoors, resumeDoors } from '../effects/operate-doors.ts'
import { cancelEffect } from '../effects/operate-effects.ts'
import { ProviderError } from '../providers/provider-error.ts'
import { listSweeps, retrySweep } from './operate-sweeps.ts'
import { findParkedSweeps } from './sweep-health.ts'

const UNITS = 5_000_000n
const CHANGE = { who: 'operator', why: 'test' }

let world: SweepWorld | undefined
afterEach(async () => {
  await world?.close()
  world = undefined
})

/** An address with coins to move. */
async function open(options?: WorldOptions): Promise<{ w: SweepWorld; address: Address; before: bigint }> {
  world = await openSweepWorld(options)
  const address = await world.addAddress()
  const before = await world.effects.balance(world.effects.wallet)
  await world.arrive({ address, units: UNITS })
  return { w: world, address, before }
}

async function assertSweptOnce({ w, address, before }: Awaited<ReturnType<typeof open>>): Promise<void> {
  assert.equal(await w.effects.balance(w.effects.wallet), before + UNITS)
  assert.equal(await w.effects.balance(address), 0n)
  assert.deepEqual(
    (await w.sweeps()).map(({ state }) => state),
    ['done'],
  )
  await w.check()
}

const rpc = ({ effects }: SweepWorld, method: string, ...params: unknown[]): Promise<unknown> =>
  effects.chain.node().rpc.call(method, ...params)

const stateOf = async (w: SweepWorld): Promise<string> => (await w.sweeps())[0]!.state

const effectsOf = ({ needs }: SweepWorld) =>
  needs.db.selectFrom('effects').select(['id', 'purpose', 'state', 'reason']).orderBy('createdAt').execute()

/** One round of the steps, until the sweep's coins are planned. */
async function untilCoinsPlanned(w: SweepWorld): Promise<Steps> {
  const steps = w.steps()
  for (let round = 0; (await stateOf(w).catch(() => '')) !== 'coins'; round += 1) {
    assert.ok(round < 30)
    await steps.sweep()
    await steps.reserveHot()
    await steps.prepare()
    await steps.send()
    await w.effects.chain.mine()
    w.effects.pass(2_500)
    await steps.watch()
  }
  return steps
}

/** The next block asks so much more for gas. */
async function raiseFees(w: SweepWorld, times: bigint): Promise<void> {
  const { baseFeePerGas } = await w.effects.chain.provider.fees()
  await rpc(w, 'anvil_setNextBlockBaseFeePerGas', numberToHex(baseFeePerGas * times))
  await w.effects.chain.mine()
}

test('a program that is killed between any two steps goes on where it was', async () => {
  const o = await open()
  const { w } = o
  for (let turn = 0; (await stateOf(w).catch(() => '')) !== 'done'; turn += 1) {
    assert.ok(turn < 60)
    for (const step of ['sweep', 'reserveHot', 'reserveDeposits', 'prepare', 'send', 'watch'] as const) {
      // Nothing in memory outlives a step; each is done twice, as by two processes.
      await Promise.all([w.steps()[step](), w.steps()[step]()])
    }
    await w.effects.chain.mine()
    w.effects.pass(2_500)
  }
  await assertSweptOnce(o)
  assert.equal((await effectsOf(w)).length, 2)
})

test('fees rise between the gas and the coins: the coins wait, more gas comes, and they go', async () => {
  const o = await open()
  const { w } = o
  const steps = await untilCoinsPlanned(w)
  await raiseFees(w, 4n)
  await steps.reserveDeposits()
  const waiting = (await effectsOf(w)).find(({ purpose }) => purpose.includes(':coins:'))!
  assert.match(waiting.reason!, /^gas_short/)
  await w.drain()
  await assertSweptOnce(o)
  const purposes = (await effectsOf(w)).map(({ purpose, state }) => [purpose.split(':')[2], state])
  assert.deepEqual(
    purposes.filter(([what, state]) => what === 'gas' && state === 'confirmed').length >= 2,
    true,
    JSON.stringify(purposes),
  )
  assert.equal(purposes.filter(([what, state]) => what === 'coins' && state === 'confirmed').length, 1)
})

test('fees rise when the coins are signed already: the address gets the gas that its transaction lacks', async () => {
  const o = await open()
  const { w } = o
  const steps = await untilCoinsPlanned(w)
  await steps.reserveDeposits()
  await raiseFees(w, 8n)
  // Signed at the new fee, which the address can't pay: the node refuses it.
  await steps.prepare()
  await steps.send()
  const [carrier] = await w.needs.db
    .selectFrom('chainTransactions')
    .selectAll()
    .where('wallet', '=', o.address)
    .execute()
  assert.match(carrier!.reason!, /rejected/)
  await w.drain()
  await assertSweptOnce(o)
  assert.equal((await effectsOf(w)).filter(({ state }) => state === 'confirmed').length, 3)
})

test('a reorganisation takes the gas and the coins out of their blocks: both come back, once', async () => {
  const o = await open()
  const { w } = o
  const steps = w.steps()
  await steps.sweep()
  for (let round = 0; (await stateOf(w)) !== 'done'; round += 1) {
    assert.ok(round < 40)
    await steps.reserveHot()
    await steps.reserveDeposits()
    await steps.prepare()
    await steps.send()
    await w.effects.chain.mine()
    await steps.watch()
    if (round === 1 || round === 6) await rpc(w, 'anvil_reorg', 1, [])
    w.effects.pass(2_500)
    await steps.watch()
    await steps.sweep()
  }
  await assertSweptOnce(o)
})

test('a transaction out of an address that the node forgot is sent again', async () => {
  const o = await open()
  const { w } = o
  const steps = await untilCoinsPlanned(w)
  await steps.reserveDeposits()
  await steps.prepare()
  await steps.send()
  const [carrier] = await w.needs.db
    .selectFrom('chainTransactions')
    .selectAll()
    .where('wallet', '=', o.address)
    .execute()
  await rpc(w, 'anvil_dropTransaction', carrier!.hash)
  assert.deepEqual(await w.effects.chain.provider.transactions([carrier!.hash as Hex]), [null])
  await w.drain()
  await assertSweptOnce(o)
})

test('a node that is down changes nothing, whichever step meets it', async () => {
  let isDown = false
  const o = await open({
    wrap: (provider) =>
      new Proxy(provider, {
        get: (target, name) => {
          const own = Reflect.get(target, name)
          if (typeof own !== 'function') return own
          return async (...args: unknown[]) => {
            if (isDown) throw new ProviderError('polygon', 'not_sent', 'refused')
            return own.apply(target, args)
          }
        },
      }),
  })
  const { w } = o
  const steps = w.steps()
  for (let round = 0; (await stateOf(w).catch(() => '')) !== 'done'; round += 1) {
    assert.ok(round < 60)
    for (const step of [
      steps.sweep,
      steps.reserveHot,
      steps.reserveDeposits,
      steps.prepare,
      steps.send,
      steps.watch,
    ]) {
      isDown = true
      await step().catch((error) => assert.ok(error instanceof ProviderError, String(error)))
      isDown = false
      await step()
    }
    await w.effects.chain.mine()
    w.effects.pass(2_500)
  }
  await assertSweptOnce(o)
})

test('coins that the token refuses to move: tried again, then parked with the reason, and moved by a person', async () => {
  const o = await open()
  const { w } = o
  const { effects } = w
  const code = await rpc(w, 'eth_getCode', effects.setup.tokens.USDC, 'latest')
  await rpc(w, 'anvil_setCode', effects.setup.tokens.USDC, refusingToken(UNITS))
  for (let round = 0; (await w.sweeps())[0]?.state !== 'failed'; round += 1) {
    assert.ok(round < 10)
    await w.steps().sweep()
    effects.pass(3_600_000)
  }
  const [parked] = await listSweeps(w.needs.db, { state: 'failed', limit: 10 })
  assert.match(parked!.reason!, /refused by the chain/)
  assert.match((await findParkedSweeps(w.needs.db))[0]!.why, /1 of polygon:USDC/)
  await rpc(w, 'anvil_setCode', effects.setup.tokens.USDC, code)
  await w.steps().sweep()
  assert.equal(await stateOf(w), 'failed')
  await retrySweep(w.needs, parked!.id, CHANGE)
  await w.drain()
  await assertSweptOnce(o)
  assert.deepEqual(await findParkedSweeps(w.needs.db), [])
})

test('a sweep that an operator gave up stays, and goes on when it is tried again', async () => {
  const o = await open()
  const { w } = o
  await untilCoinsPlanned(w)
  const coins = (await effectsOf(w)).find(({ purpose }) => purpose.includes(':coins:'))!
  await cancelEffect(w.needs, coins.id, { ...CHANGE, become: 'cancelled' })
  assert.equal(await stateOf(w), 'failed')
  await w.steps().sweep()
  assert.equal(await stateOf(w), 'failed')
  await retrySweep(w.needs, (await w.sweeps())[0]!.id, CHANGE)
  await w.drain()
  await assertSweptOnce(o)
})

test('a key that can not be used holds up no other sweep', async () => {
  const { w, address } = await open()
  const other = await w.addAddress()
  await w.needs.db.updateTable('wallets').set({ keyRef: 'lost' }).where('address', '=', other).execute()
  await w.arrive({ address: other, units: UNITS })
  const steps = w.steps()
  const isDone = async () =>
    (await w.sweeps()).some((sweep) => sweep.address === address && sweep.state === 'done')
  let failures = 0
  for (let round = 0; !(await isDone()); round += 1) {
    assert.ok(round < 40)
    await steps.sweep()
    await steps.reserveHot()
    await steps.reserveDeposits()
    await steps.prepare().catch((error) => {
      assert.ok(error instanceof ProviderError)
      failures += 1
    })
    await steps.send()
    await w.effects.chain.mine()
    w.effects.pass(2_500)
    await steps.watch()
  }
  assert.ok(failures > 0)
  assert.equal(await w.effects.balance(other), UNITS)
  await w.check()
})

test('while the hot wallet is shut nothing leaves an address; a shut address waits alone', async () => {
  const o = await open()
  const { w, address } = o
  const steps = await untilCoinsPlanned(w)
  await pauseDoors(w.needs, { door: w.effects.door }, CHANGE)
  assert.equal(await steps.reserveDeposits(), 0)
  await resumeDoors(w.needs, { door: w.effects.door }, CHANGE)
  await pauseDoors(w.needs, { door: walletDoor('polygon', address) }, CHANGE)
  assert.equal(await steps.reserveDeposits(), 0)
  await resumeDoors(w.needs, { door: walletDoor('polygon', address) }, CHANGE)
  await w.drain()
  await assertSweptOnce(o)
})

/** The code of a contract that answers every call with `units`, but refuses those of 68 bytes and more, as `transfer` is. */
function refusingToken(units: bigint): Hex {
  // CALLDATASIZE, PUSH1 67, LT, PUSH1 48, JUMPI; then what is answered; at 48 JUMPDEST and REVERT.
  const answer = `7f${units.toString(16).padStart(64, '0')}60005260206000f3`
  return `0x36604310603057${answer}5b60006000fd`
}
