import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import type { Hex } from 'viem'
import { createFaultyChain } from '../providers/chain/faulty.ts'
import { createMnemonicCustody } from '../providers/custody/local-mnemonic.ts'
import { ProviderError } from '../providers/provider-error.ts'
import { TEST_MNEMONIC } from '../sandbox/chain/fixture.ts'
import { HOT_WALLET_KEY_REF } from './chain-register.ts'
import { type EffectsWorld, openEffectsWorld, somebody, type WorldOptions } from './fixture.ts'
import { listEffects } from './list-effects.ts'
import { resolveDoor } from './operate-doors.ts'
import { cancelEffect, confirmEffect, RefusedOperation, retryEffect } from './operate-effects.ts'
import { readWalletBalances } from './wallet-balances.ts'

const CHANGE = { who: 'operator', why: 'test' }
let world: EffectsWorld | undefined
afterEach(async () => {
  await world?.close()
  world = undefined
})

async function open(options?: WorldOptions): Promise<EffectsWorld> {
  world = await openEffectsWorld(options)
  return world
}

async function assertBooksMatch({ needs, setup }: EffectsWorld): Promise<void> {
  for (const { asset, differenceUnits } of await readWalletBalances(needs, setup)) {
    assert.equal(differenceUnits, 0n, asset)
  }
}

const transactions = ({ needs }: EffectsWorld) =>
  needs.db.selectFrom('chainTransactions').selectAll().orderBy('nonce').execute()
const attempts = ({ needs }: EffectsWorld) =>
  needs.db.selectFrom('chainAttempts').selectAll().orderBy('transactionId').orderBy('attempt').execute()
const door = ({ needs }: EffectsWorld) => needs.db.selectFrom('doors').selectAll().executeTakeFirst()

async function sendOne(w: EffectsWorld, units = 4n): Promise<string> {
  const [id] = await w.plan([{ to: somebody(1), units }])
  await w.reserve()
  await w.prepare()
  await w.send()
  return id!
}

test('a connection lost after the node took the transaction: it is found, not paid twice', async () => {
  let lose = true
  const w = await open({
    wrap: (provider) =>
      createFaultyChain(provider, {
        takeFault: async (kinds) => {
          const fault = lose && kinds.includes('lost_answer') ? ('lost_answer' as const) : undefined
          if (fault) lose = false
          return fault
        },
        wait: async () => {},
      }),
  })
  const id = await sendOne(w)
  assert.match((await transactions(w))[0]!.reason!, /connection broke/)
  await w.drain()
  assert.equal((await w.effect(id)).state, 'confirmed')
  assert.equal(await w.balance(somebody(1)), 4n)
  assert.equal((await attempts(w)).length, 1)
})

test('a node that takes everything twice changes nothing', async () => {
  const w = await open({
    wrap: (provider) =>
      createFaultyChain(provider, {
        takeFault: async (kinds) => (kinds.includes('twice') ? 'twice' : undefined),
        wait: async () => {},
      }),
  })
  await w.plan(Array.from({ length: 12 }, (_, index) => ({ to: somebody(index), units: 4n })))
  await w.drain()
  for (let index = 0; index < 12; index += 1) assert.equal(await w.balance(somebody(index)), 4n)
  await assertBooksMatch(w)
})

test('a node that refuses is asked again later with the same bytes', async () => {
  let refusals = 2
  const w = await open({
    wrap: (provider) => ({
      ...provider,
      send: async (raws) => {
        if (refusals-- > 0)
          return raws.map(() => ({ state: 'rejected', hash: '0x', reason: 'txpool is full' }))
        return provider.send(raws)
      },
    }),
  })
  const id = await sendOne(w)
  assert.deepEqual(
    (await listEffects(w.needs.db, { id, limit: 1 })).map(({ state, reason }) => [state, reason]),
    [['prepared', 'rejected: txpool is full']],
  )
  assert.equal(await w.send(), 0)
  await w.drain()
  assert.equal((await w.effect(id)).state, 'confirmed')
  assert.equal((await attempts(w)).length, 1)
})

test('a node that can not be reached leaves everything as it was', async () => {
  let dead = false
  const w = await open({
    wrap: (provider) => ({
      ...provider,
      send: async (raws) => {
        if (dead) throw new ProviderError('polygon', 'not_sent', 'refused')
        return provider.send(raws)
      },
    }),
  })
  const [id] = await w.plan([{ to: somebody(1), units: 4n }])
  await w.reserve()
  await w.prepare()
  dead = true
  await assert.rejects(w.send(), ProviderError)
  assert.equal((await transactions(w))[0]!.state, 'prepared')
  dead = false
  await w.drain()
  assert.equal((await w.effect(id!)).state, 'confirmed')
})

test('a reorganisation before finality: the same bytes go out again and are mined again', async () => {
  const w = await open()
  const id = await sendOne(w)
  await w.chain.mine()
  await w.watch()
  const before = (await transactions(w))[0]!
  assert.ok(before.blockHash)
  await w.chain.node().rpc.call('anvil_reorg', 1, [])
  await w.watch()
  const after = (await transactions(w))[0]!
  assert.deepEqual([after.state, after.blockHash], ['prepared', null])
  assert.match(after.reason!, /reorganised/)
  await w.drain()
  assert.deepEqual([(await w.effect(id)).state, (await w.effect(id)).txid], ['confirmed', before.hash])
  assert.equal(await w.balance(somebody(1)), 4n)
  assert.equal((await attempts(w)).length, 1)
  await assertBooksMatch(w)
})

test('a transaction that the node forgot is sent again', async () => {
  const w = await open()
  const id = await sendOne(w)
  const [{ hash }] = (await transactions(w)) as unknown as [{ hash: string }]
  await w.chain.node().rpc.call('anvil_dropTransaction', hash)
  w.pass(3_000)
  await w.watch()
  assert.match((await transactions(w))[0]!.reason!, /^dropped/)
  await w.drain()
  assert.deepEqual([(await w.effect(id)).state, (await w.effect(id)).txid], ['confirmed', hash])
})

test('a stuck transaction is replaced under its nonce with a higher fee, every attempt stored', async () => {
  const w = await open()
  const id = await sendOne(w)
  await w.chain.node().rpc.call('anvil_setNextBlockBaseFeePerGas', '0x174876e800')
  await w.chain.mine()
  w.pass(31_000)
  await w.watch()
  assert.equal((await transactions(w))[0]!.wantedAttempts, 2)
  assert.equal(await w.prepare(), 1)
  await w.send()
  const [first, second] = await attempts(w)
  assert.ok(second!.maxFeePerGas >= (first!.maxFeePerGas * 125n) / 100n)
  await w.drain()
  assert.deepEqual([(await w.effect(id)).state, (await w.effect(id)).txid], ['confirmed', second!.hash])
  assert.deepEqual(
    (await transactions(w)).map(({ nonce, attempts }) => [nonce, attempts]),
    [[0, 2]],
  )
  assert.equal(await w.balance(somebody(1)), 4n)
  await assertBooksMatch(w)
})

test('the first attempt may still win after it was replaced', async () => {
  const w = await open()
  const id = await sendOne(w)
  w.pass(200_000)
  await w.watch()
  await w.prepare()
  await w.chain.mine(2)
  await w.send()
  await w.watch()
  const [first, second] = await attempts(w)
  assert.ok(second)
  assert.deepEqual([(await w.effect(id)).state, (await w.effect(id)).txid], ['confirmed', first!.hash])
  assert.equal(await w.balance(somebody(1)), 4n)
})

test('a transfer given up: its nonce is consumed by an empty transfer, and only then it is over', async () => {
  const w = await open()
  const id = await sendOne(w)
  assert.deepEqual(await cancelEffect(w.needs, id, { become: 'cancelled', ...CHANGE }), { over: false })
  await w.prepare()
  await w.send()
  await w.chain.mine()
  await w.watch()
  assert.equal((await w.effect(id)).state, 'reserved')
  await w.chain.mine()
  await w.watch()
  assert.equal((await w.effect(id)).state, 'cancelled')
  assert.equal((await transactions(w))[0]!.state, 'abandoned')
  assert.deepEqual(
    w.heard.map(({ id, state }) => [id, state]),
    [[id, 'cancelled']],
  )
  assert.equal(await w.balance(somebody(1)), 0n)
  assert.equal((await w.needs.db.selectFrom('outflows').selectAll().execute())[0]!.units, 0n)
  await assert.rejects(retryEffect(w.needs, id, CHANGE), RefusedOperation)
  await assertBooksMatch(w)
})

test('one of a batch given up: the others are planned anew and paid', async () => {
  const w = await open()
  const ids = await w.plan(Array.from({ length: 5 }, (_, index) => ({ to: somebody(index), units: 4n })))
  await w.reserve()
  await w.prepare()
  await cancelEffect(w.needs, ids[2]!, { become: 'cancelled', ...CHANGE })
  await w.drain()
  assert.deepEqual(await Promise.all(ids.map(async (id) => (await w.effect(id)).state)), [
    'confirmed',
    'confirmed',
    'cancelled',
    'confirmed',
    'confirmed',
  ])
  assert.deepEqual(await Promise.all([1, 2].map((index) => w.balance(somebody(index)))), [4n, 0n])
  await assertBooksMatch(w)
})

test('given up too late: the coins were faster and stay confirmed; in a block it is refused', async () => {
  const w = await open()
  const id = await sendOne(w)
  await cancelEffect(w.needs, id, { become: 'planned', ...CHANGE })
  await w.chain.mine()
  await w.watch()
  await assert.rejects(cancelEffect(w.needs, id, { become: 'cancelled', ...CHANGE }), /in block/)
  await w.prepare()
  await w.send()
  await w.drain()
  assert.equal((await w.effect(id)).state, 'confirmed')
  assert.equal(await w.balance(somebody(1)), 4n)
})

test('a planned transfer is given up at once', async () => {
  const w = await open()
  const [id] = await w.plan([{ to: somebody(1), units: 4n }])
  assert.deepEqual(await cancelEffect(w.needs, id!, { become: 'cancelled', ...CHANGE }), { over: true })
  await w.drain()
  assert.equal(await w.balance(somebody(1)), 0n)
  const audited = await w.needs.db
    .selectFrom('auditLog')
    .selectAll()
    .where('target', '=', `effect:${id}`)
    .execute()
  assert.deepEqual(
    audited.map(({ who, why, action }) => [who, why, action]),
    [['operator', 'test', 'effect.cancel']],
  )
})

/** A transaction of the wallet's own key that our books know nothing of. */
async function sendBehindOurBack(w: EffectsWorld, request: { to: Hex; data: Hex }): Promise<Hex> {
  const { latest } = await w.chain.provider.nonces(w.wallet)
  const raw = await createMnemonicCustody(TEST_MNEMONIC).signTransaction(HOT_WALLET_KEY_REF, {
    chainId: w.setup.chainId,
    nonce: latest,
    ...request,
    value: 0n,
    gas: 100_000n,
    maxFeePerGas: 10n ** 12n,
    maxPriorityFeePerGas: 10n ** 10n,
  })
  const [result] = await w.chain.provider.send([raw])
  assert.equal(result!.state, 'taken')
  return result!.hash
}

test('a restored backup: the wallet halts, names the difference, and nothing is sent twice', async () => {
  const w = await open()
  const ids = await w.plan([
    { to: somebody(1), units: 11n },
    { to: somebody(2), units: 22n },
  ])
  // What the lost days did: the first was paid, and the database knows nothing of it.
  const { transferData } = await import('../providers/chain/tokens.ts')
  const txid = await sendBehindOurBack(w, { to: w.setup.tokens.USDC!, data: transferData(somebody(1), 11n) })
  await w.chain.mine(2)
  assert.equal(await w.reserve(), 0)
  assert.match(
    (await door(w))!.haltedReason!,
    /nonce_ahead: the chain counts 1 transactions .* we know of 0; 1 were/,
  )
  await w.chain.mine(3)
  for (let round = 0; round < 3; round += 1)
    assert.equal((await w.reserve()) + (await w.prepare()) + (await w.send()), 0)

  const [later] = await w.plan([{ to: somebody(3), units: 33n }])
  await w.needs.db
    .updateTable('effects')
    .set({ createdAt: new Date(w.clock.now().getTime() + 1) })
    .where('id', '=', later!)
    .execute()
  const resolution = await resolveDoor(w.needs, w.door, CHANGE)
  assert.deepEqual([resolution.nextNonce, resolution.unknown.sort()], [1, ids])
  await assert.rejects(confirmEffect(w.needs, ids[1]!, txid, CHANGE), /did not move 22 units/)
  await confirmEffect(w.needs, ids[0]!, txid, CHANGE)
  await retryEffect(w.needs, ids[1]!, CHANGE)
  await w.drain()
  assert.deepEqual(await Promise.all([1, 2, 3].map((number) => w.balance(somebody(number)))), [11n, 22n, 33n])
  assert.deepEqual(await Promise.all([...ids, later!].map(async (id) => (await w.effect(id)).state)), [
    'confirmed',
    'confirmed',
    'confirmed',
  ])
  await assertBooksMatch(w)
})

test('a nonce used by a foreign transaction halts the wallet, after patience', async () => {
  const w = await open()
  const [id] = await w.plan([{ to: somebody(1), units: 4n }])
  await w.reserve()
  await w.prepare()
  await sendBehindOurBack(w, { to: somebody(9), data: '0x' })
  await w.chain.mine(3)
  await w.send()
  await w.watch()
  assert.equal(await door(w), undefined)
  w.pass(16_000)
  await w.watch()
  assert.match((await door(w))!.haltedReason!, /foreign_transaction: nonce 0/)
  const resolution = await resolveDoor(w.needs, w.door, CHANGE)
  assert.deepEqual(resolution.unknown, [id])
  await retryEffect(w.needs, id!, CHANGE)
  await w.drain()
  assert.equal(await w.balance(somebody(1)), 4n)
  assert.deepEqual(
    (await transactions(w)).map(({ state }) => state),
    ['abandoned', 'confirmed'],
  )
})

test('a chain check finds a wallet that is ahead though nothing is planned', async () => {
  const w = await open()
  await sendBehindOurBack(w, { to: somebody(9), data: '0x' })
  await w.chain.mine()
  await w.check()
  assert.match((await door(w))!.haltedReason!, /nonce_ahead/)
})

test('a final block that is gone halts the wallets of the chain', async () => {
  const w = await open()
  await w.plan([{ to: somebody(1), units: 4n }])
  await w.drain()
  await w.chain.node().rpc.call('anvil_reorg', 3, [])
  await w.check()
  assert.equal(await door(w), undefined)
  w.pass(5_000)
  await w.check()
  assert.match((await door(w))!.haltedReason!, /deep_reorganisation/)
  assert.deepEqual(
    w.heard.map(({ state }) => state),
    ['confirmed'],
  )
})

test('two processes at once: each transfer leaves once', async () => {
  const w = await open()
  const ids = await w.plan(
    Array.from({ length: 120 }, (_, index) => ({ to: somebody(index), units: 4n + BigInt(index) })),
  )
  const { createWatch } = await import('./watch.ts')
  const otherWatch = createWatch(w.needs, w.setup)
  for (let round = 0; round < 12; round += 1) {
    await Promise.all([w.reserve(), w.reserve(), w.prepare(), w.send()])
    await Promise.all([w.prepare(), w.prepare(), w.send(), w.reserve()])
    await Promise.all([w.send(), w.send(), w.watch(), otherWatch()])
    await w.chain.mine()
    w.pass(2_500)
    await Promise.all([w.watch(), otherWatch(), w.watch()])
  }
  assert.deepEqual(
    new Set(await Promise.all(ids.map(async (id) => (await w.effect(id)).state))),
    new Set(['confirmed']),
  )
  for (let index = 0; index < 120; index += 1)
    assert.equal(await w.balance(somebody(index)), 4n + BigInt(index))
  assert.equal(w.heard.length, 120)
  await assertBooksMatch(w)
})
