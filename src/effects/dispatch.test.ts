import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { toFunctionSelector } from 'viem'
import { type EffectsWorld, openEffectsWorld, somebody, type WorldOptions } from './fixture.ts'
import { readWalletBalances } from './wallet-balances.ts'

let world: EffectsWorld | undefined
afterEach(async () => {
  await world?.close()
  world = undefined
})

async function open(options?: WorldOptions): Promise<EffectsWorld> {
  world = await openEffectsWorld(options)
  return world
}

/** The books and the chain agree on every wallet. */
async function assertBooksMatch({ needs, setup }: EffectsWorld): Promise<void> {
  for (const { asset, differenceUnits } of await readWalletBalances(needs, setup)) {
    assert.equal(differenceUnits, 0n, asset)
  }
}

const transactions = ({ needs }: EffectsWorld) =>
  needs.db.selectFrom('chainTransactions').selectAll().orderBy('nonce').execute()

test('a single transfer goes from planned to confirmed, with its entries and its gas', async () => {
  const w = await open()
  const [id] = await w.plan([{ to: somebody(1), units: 1_500_000n }])
  assert.equal(await w.reserve(), 1)
  assert.equal((await w.effect(id!)).state, 'reserved')
  assert.equal(await w.prepare(), 1)
  assert.equal(await w.balance(somebody(1)), 0n)
  assert.equal(await w.send(), 1)
  await w.chain.mine()
  assert.equal(await w.watch(), 0)
  assert.equal((await w.effect(id!)).state, 'reserved')
  await w.chain.mine()
  assert.equal(await w.watch(), 1)
  const effect = await w.effect(id!)
  const [transaction] = await transactions(w)
  assert.deepEqual([effect.state, effect.txid], ['confirmed', transaction!.hash])
  assert.equal(transaction!.state, 'confirmed')
  assert.equal(effect.gasUnits, transaction!.gasUnits)
  assert.equal(await w.balance(somebody(1)), 1_500_000n)
  assert.equal(await w.ledger(`customer:${id}:coin`), 1_500_000n)
  assert.equal(await w.ledger('gas:polygon', 'POL'), transaction!.gasUnits)
  assert.deepEqual(
    w.heard.map(({ id, state }) => [id, state]),
    [[id, 'confirmed']],
  )
  assert.ok(w.woken.has('test-lane'))
  await assertBooksMatch(w)
})

test('many transfers of a token share transactions; native ones and few go singly', async () => {
  const w = await open()
  const many = Array.from({ length: 230 }, (_, index) => ({
    to: somebody(index),
    units: 1000n + BigInt(index),
  }))
  const natives = [1, 2].map((number) => ({ symbol: 'POL', to: somebody(1000 + number), units: 5n }))
  const few = [1, 2].map((number) => ({ symbol: 'ETH', to: somebody(2000 + number), units: 7n }))
  await w.plan([...many, ...natives, ...few])
  await w.drain()
  for (const { to, units } of many) assert.equal(await w.balance(to), units)
  for (const { to, units } of natives) assert.equal(await w.balance(to, 'POL'), units)
  for (const { to, units } of few) assert.equal(await w.balance(to, 'ETH'), units)
  const kinds = Map.groupBy(await transactions(w), ({ kind }) => kind)
  assert.deepEqual(
    [kinds.get('approve')?.length, kinds.get('batch')?.length, kinds.get('single')?.length],
    [3, 3, 4],
  )
  assert.equal(w.heard.length, 234)
  await assertBooksMatch(w)
})

test('gas per payout in a batch of a hundred is at most 60 % of a single one', async (t) => {
  const w = await open()
  await w.plan([{ to: somebody(1), units: 9n }])
  await w.drain()
  const single = await w.ledger('gas:polygon', 'POL')
  await w.plan(Array.from({ length: 100 }, (_, index) => ({ to: somebody(10 + index), units: 9n })))
  await w.drain()
  const rows = await transactions(w)
  const usedOf = async (hash: string) =>
    Number(
      ((await w.chain.node().rpc.call('eth_getTransactionReceipt', hash)) as { gasUsed: string }).gasUsed,
    )
  const [first, ...batch] = await Promise.all(rows.map(({ hash }) => usedOf(hash!)))
  const perPayout = batch.reduce((sum, gas) => sum + gas, 0) / 100
  assert.ok(single > 0n)
  assert.ok(perPayout <= first! * 0.6, `${perPayout} of ${first}`)
  t.diagnostic(`${perPayout} gas per payout in a batch, ${first} singly`)
})

test('a token that wants its allowance taken back first gets that', async () => {
  const approve = toFunctionSelector('approve(address,uint256)')
  const w = await open({
    wrap: (provider) => ({
      ...provider,
      async simulate(calls) {
        const results = await provider.simulate(calls)
        const refused = { ok: false, reason: 'the allowance is not zero' } as const
        return results.map((result, index) => (calls[index]!.data.startsWith(approve) ? refused : result))
      },
    }),
  })
  await w.plan(Array.from({ length: 5 }, (_, index) => ({ to: somebody(index), units: 3n })))
  await w.drain()
  const rows = await transactions(w)
  assert.deepEqual(
    rows.map(({ kind, request }) => (kind === 'approve' ? BigInt(`0x${request.data.slice(-64)}`) : kind)),
    [0n, 15n, 'batch'],
  )
  assert.equal(await w.balance(somebody(4)), 3n)
  await assertBooksMatch(w)
})

test('without a disperse contract everything goes singly', async () => {
  const w = await open({ withoutDisperse: true })
  await w.plan(Array.from({ length: 10 }, (_, index) => ({ to: somebody(index), units: 3n })))
  await w.drain()
  assert.deepEqual([...new Set((await transactions(w)).map(({ kind }) => kind))], ['single'])
  assert.equal(await w.balance(somebody(9)), 3n)
})

test('the first planned transfer waits for others to come, not for ever', async () => {
  const w = await open({ settings: { gatherMs: 400 } })
  await w.plan([{ to: somebody(1), units: 3n }])
  assert.equal(await w.reserve(), 0)
  w.pass(400)
  assert.equal(await w.reserve(), 1)
})

test('what the wallet does not hold waits with its reason and goes when coins came; smaller ones pass', async () => {
  const w = await open()
  const held = await w.balance(w.wallet)
  const [large, small] = await w.plan([
    { to: somebody(1), units: held + 1n },
    { to: somebody(2), units: 10n },
  ])
  assert.equal(await w.reserve(), 1)
  assert.match((await w.effect(large!)).reason!, /^coins_short/)
  assert.equal((await w.effect(small!)).state, 'reserved')
  await w.chain.treasury.send({ symbol: 'USDC', to: w.wallet, units: 1000n })
  await w.chain.mine()
  await w.drain()
  assert.deepEqual([(await w.effect(large!)).state, (await w.effect(large!)).reason], ['confirmed', null])
  assert.equal(await w.balance(somebody(1)), held + 1n)
})

test('what is on its way is not promised twice, mined or not', async () => {
  const w = await open()
  const held = await w.balance(w.wallet)
  await w.plan([{ to: somebody(1), units: held - 5n }])
  await w.reserve()
  const [second] = await w.plan([{ to: somebody(2), units: 6n }])
  assert.equal(await w.reserve(), 0)
  assert.match((await w.effect(second!)).reason!, /can give 5 units/)
  await w.prepare()
  await w.send()
  await w.chain.mine()
  w.pass(6_000)
  // In a block that nobody has looked at yet: the balance already lacks it, so it counts twice, never not at all.
  assert.equal(await w.reserve(), 0)
  await w.watch()
  w.pass(6_000)
  assert.equal(await w.reserve(), 0)
  assert.match((await w.effect(second!)).reason!, /can give 5 units/)
})

test('no coins for gas: transfers wait and say so', async () => {
  const w = await open()
  await w.chain.node().rpc.call('anvil_setBalance', w.wallet, '0x1000')
  const [id] = await w.plan([{ to: somebody(1), units: 5n }])
  assert.equal(await w.reserve(), 0)
  assert.match((await w.effect(id!)).reason!, /^gas_short/)
})

test('the daily cap holds across transfers, and a new day begins anew', async () => {
  const w = await open({ settings: { dailyCapUnits: (asset) => (asset === 'polygon:USDC' ? 100n : null) } })
  const [first, second] = await w.plan([
    { to: somebody(1), units: 60n },
    { to: somebody(2), units: 60n },
  ])
  await w.reserve()
  assert.deepEqual([(await w.effect(first!)).state, (await w.effect(second!)).state], ['reserved', 'planned'])
  assert.match((await w.effect(second!)).reason!, /^daily_cap: 40 units/)
  w.clock.setOffsetMs(24 * 3_600_000)
  await w.drain()
  assert.equal(await w.balance(somebody(2)), 60n)
})

test('a member that the token refuses leaves its batch, is tried again by itself, and fails in the end', async () => {
  const w = await open()
  const nobody = '0x0000000000000000000000000000000000000000'
  const ids = await w.plan([
    ...Array.from({ length: 6 }, (_, index) => ({ to: somebody(index), units: 4n })),
    { to: nobody, units: 4n },
  ])
  await w.reserve()
  const refused = await w.effect(ids.at(-1)!)
  assert.deepEqual([refused.state, refused.single], ['planned', true])
  assert.match(refused.reason!, /ERC20InvalidReceiver/)
  for (let tries = 0; tries < 6; tries += 1) {
    w.pass(400_000)
    await w.drain().catch(() => {})
  }
  assert.equal((await w.effect(ids.at(-1)!)).state, 'failed')
  assert.equal(await w.balance(somebody(5)), 4n)
  assert.deepEqual(
    w.heard
      .filter(({ state }) => state === 'failed')
      .map(({ id, reason }) => [id, /ERC20InvalidReceiver/.test(reason!)]),
    [[ids.at(-1), true]],
  )
  await assertBooksMatch(w)
})

test('a batch that is reverted on the chain goes out singly once that is final', async () => {
  const w = await open()
  const ids = await w.plan(Array.from({ length: 5 }, (_, index) => ({ to: somebody(index), units: 4n })))
  await w.reserve()
  await w.prepare()
  await w.send()
  await w.chain.node().rpc.call('anvil_setCode', w.setup.disperse!, '0xfd')
  await w.chain.mine(1)
  await w.watch()
  assert.equal((await w.effect(ids[0]!)).state, 'reserved')
  await w.chain.mine(1)
  await w.watch()
  for (const id of ids) {
    const effect = await w.effect(id)
    assert.deepEqual([effect.state, effect.single, effect.transactionId], ['planned', true, null])
    assert.match(effect.reason!, /reverted/)
  }
  assert.equal(w.heard.length, 0)
  await w.drain()
  for (let index = 0; index < 5; index += 1) assert.equal(await w.balance(somebody(index)), 4n)
  assert.deepEqual(
    w.heard.map(({ state }) => state),
    new Array(5).fill('confirmed'),
  )
  await assertBooksMatch(w)
})
test('a single transfer that is reverted fails with its reason, its gas booked', async () => {
  const w = await open()
  const [id] = await w.plan([{ to: somebody(1), units: 4n }])
  await w.reserve()
  await w.prepare()
  await w.send()
  const code = await w.chain.node().rpc.call('eth_getCode', w.setup.tokens.USDC, 'latest')
  await w.chain.node().rpc.call('anvil_setCode', w.setup.tokens.USDC, '0xfd')
  await w.chain.mine(2)
  await w.chain.node().rpc.call('anvil_setCode', w.setup.tokens.USDC, code)
  await w.watch()
  assert.equal((await w.effect(id!)).state, 'failed')
  assert.match((await w.effect(id!)).reason!, /reverted/)
  assert.deepEqual(
    w.heard.map(({ id, state }) => [id, state]),
    [[id, 'failed']],
  )
  assert.ok((await w.ledger('gas:polygon', 'POL')) > 0n)
  await assertBooksMatch(w)
})

test('a door that is paused or halted lets nothing out', async () => {
  const w = await open()
  await w.plan([{ to: somebody(1), units: 4n }])
  await w.needs.db
    .insertInto('doors')
    .values({ door: w.door, pausedAt: w.clock.now(), pausedBy: 'x', pausedReason: 'y' })
    .execute()
  assert.equal(await w.reserve(), 0)
  await w.needs.db.updateTable('doors').set({ pausedAt: null }).execute()
  assert.equal(await w.reserve(), 1)
  await w.needs.db.updateTable('doors').set({ haltedAt: w.clock.now(), haltedReason: 'z' }).execute()
  assert.equal(await w.prepare(), 0)
  await w.needs.db.updateTable('doors').set({ haltedAt: null }).execute()
  assert.equal(await w.prepare(), 1)
  await w.needs.db.updateTable('doors').set({ pausedAt: w.clock.now() }).execute()
  assert.equal(await w.send(), 0)
  await w.needs.db.updateTable('doors').set({ pausedAt: null }).execute()
  assert.equal(await w.send(), 1)
})

test('a transfer that its room refuses right before it would leave fails; the others go', async () => {
  const asked: string[] = []
  const w = await open({
    rooms: () => ({
      test: {
        onConfirmed: async () => [],
        onFailed: async (_trx, effects) => effects.map(({ id, reason }) => `${id} ${reason}`),
        async judge(transfers) {
          asked.push(...transfers.map(({ chain, purpose }) => `${chain} ${purpose}`))
          const refused = transfers.filter(({ to }) => to === somebody(2))
          return { refused: refused.map(({ id }) => ({ id, reason: 'listed' })), waiting: [] }
        },
      },
    }),
  })
  const [good, bad] = await w.plan([
    { to: somebody(1), units: 1_000n },
    { to: somebody(2), units: 2_000n },
  ])
  assert.equal(await w.reserve(), 2)
  const [went, stayed] = [await w.effect(good!), await w.effect(bad!)]
  assert.deepEqual([went.state, stayed.state, stayed.reason], ['reserved', 'failed', 'listed'])
  assert.deepEqual(asked, [`polygon test:${good}:coins`, `polygon test:${bad}:coins`])
  assert.ok(w.woken.has(`${bad} listed`))
  assert.equal(await w.reserve(), 0)
})
