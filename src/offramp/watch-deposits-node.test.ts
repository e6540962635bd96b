import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { sql } from 'kysely'
import { type Address, getAddress, type Hex, keccak256, numberToHex } from 'viem'
import { type DepositWorld, openDepositWorld } from '../../test/support/deposits.ts'
import { createRandom } from '../../test/support/random.ts'
import { approveData, disperseData, transferData } from '../providers/chain/tokens.ts'
import { createMnemonicCustody } from '../providers/custody/local-mnemonic.ts'
import { openTestChain, TEST_MNEMONIC, type TestChain } from '../sandbox/chain/fixture.ts'
import type { WatchedChain } from './watch-deposits.ts'

const CONFIRMATIONS = 4
const KEY = "m/44'/60'/0'/0/7"

let world: DepositWorld
let chain: TestChain
let watched: WatchedChain
let payer: Address
let sales: { id: string; address: Address }[]
const custody = createMnemonicCustody(TEST_MNEMONIC)

before(async () => {
  world = await openDepositWorld()
  chain = await openTestChain()
  payer = await custody.address(KEY)
  await chain.treasury.topUp(payer, [
    { symbol: 'POL', units: 10n ** 21n },
    { symbol: 'USDC', units: 10n ** 12n },
  ])
  watched = {
    chain: 'polygon',
    confirmations: CONFIRMATIONS,
    tokens: chain.treasury.tokens,
    provider: chain.provider,
    witness: chain.provider,
    isLocal: true,
  }
  await world.register('polygon', chain.node().genesisHash)
  sales = await world.addSales('polygon', 4)
  await world.watch(watched)
})
after(async () => {
  await world.close()
  await chain.close()
})

/** Signs and sends; the next transaction of the payer's that the node doesn't know yet. */
async function send(transaction: {
  to: Address
  value?: bigint
  data?: Hex
}): Promise<{ raw: Hex; hash: Hex }> {
  const { pending } = await chain.provider.nonces(payer)
  const raw = await custody.signTransaction(KEY, {
    chainId: chain.chainId,
    nonce: pending,
    value: 0n,
    data: '0x',
    gas: 400_000n,
    maxFeePerGas: 10n ** 12n,
    maxPriorityFeePerGas: 10n ** 9n,
    ...transaction,
  })
  const [result] = await chain.provider.send([raw])
  assert.equal(result!.state, 'taken')
  return { raw, hash: keccak256(raw) }
}

const usdc = (): Address => chain.treasury.tokens.USDC!
const pay = (sale: number, units: bigint) =>
  send({ to: usdc(), data: transferData(sales[sale]!.address, units) })

/** Replaces the newest blocks by empty ones; what was in them is in no block. */
const reorganise = (depth: number): Promise<unknown> => chain.node().rpc.call('anvil_reorg', depth, [])

async function statesOf(...hashes: Hex[]): Promise<(readonly [number, number, bigint, string, string])[]> {
  const rows = await world.deposits()
  return rows
    .filter(({ txHash }) => hashes.includes(txHash as Hex))
    .map(
      ({ txHash, ordinal, units, asset, state }) =>
        [hashes.indexOf(txHash as Hex), ordinal, units, asset, state] as const,
    )
    .sort((a, b) => a[0] - b[0] || a[1] - b[1])
}

test('tokens, the native coin, and several transfers of one transaction, on a real node', async () => {
  const token = await pay(0, 5n)
  const native = await send({ to: sales[1]!.address, value: 6n })
  await send({ to: usdc(), data: approveData(chain.treasury.disperse, 60n) })
  const to = [sales[2]!.address, payer, sales[3]!.address, sales[2]!.address]
  const batch = await send({
    to: chain.treasury.disperse,
    data: disperseData(usdc(), to, [10n, 20n, 10n, 20n]),
  })
  const failed = await send({ to: usdc(), data: transferData(sales[0]!.address, 10n ** 30n) })
  const refused = await send({ to: usdc(), value: 3n })
  await chain.mine()
  await world.watch(watched)
  const all = [token.hash, native.hash, batch.hash, failed.hash, refused.hash]
  const expect = (state: string) => [
    [0, 0, 5n, 'polygon:USDC', state],
    [1, 0, 6n, 'polygon:POL', state],
    [2, 0, 10n, 'polygon:USDC', state],
    [2, 1, 10n, 'polygon:USDC', state],
    [2, 2, 20n, 'polygon:USDC', state],
  ]
  assert.deepEqual(await statesOf(...all), expect('seen'))
  const [first] = await world.deposits()
  assert.equal(first!.fromAddress, getAddress(payer))
  await chain.mine(CONFIRMATIONS - 1)
  await world.watch(watched)
  assert.deepEqual(await statesOf(...all), expect('final'))
})

test('a reorganisation drops one and another is mined again, later: the same deposit, once', async () => {
  const back = await pay(0, 7n)
  const gone = await pay(1, 8n)
  await chain.mine(2)
  await world.watch(watched)
  const seen = (await world.deposits()).find(({ txHash }) => txHash === back.hash)!
  assert.equal(seen.state, 'seen')
  world.pass(5_000)
  await reorganise(2)
  await chain.node().rpc.call('anvil_dropAllTransactions')
  await world.watch(watched)
  assert.deepEqual(
    (await statesOf(back.hash, gone.hash)).map(([, , , , state]) => state),
    ['vanished', 'vanished'],
  )
  await chain.mine()
  await chain.provider.send([back.raw])
  await chain.mine()
  await world.watch(watched)
  const again = (await world.deposits()).find(({ txHash }) => txHash === back.hash)!
  assert.deepEqual([again.state, again.firstSeenAt, again.saleId], ['seen', seen.firstSeenAt, seen.saleId])
  assert.notEqual(again.blockHash, seen.blockHash)
  await chain.mine(CONFIRMATIONS)
  await world.watch(watched)
  assert.deepEqual(
    (await statesOf(back.hash, gone.hash)).map(([, , , , state]) => state),
    ['final', 'vanished'],
  )
})

test('far behind, the range is read in one go, and each block near the newest by itself', async () => {
  const paid: Hex[] = []
  for (let place = 0; place < 8; place += 1) {
    paid.push((await pay(place % 4, BigInt(100 + place))).hash)
    paid.push((await send({ to: sales[place % 4]!.address, value: BigInt(200 + place) })).hash)
    await chain.node().rpc.call('anvil_mine', numberToHex(40))
  }
  await world.watch(watched)
  const { latest } = await chain.provider.heads()
  assert.equal((await world.scan()).height, latest.height)
  assert.deepEqual(
    (await statesOf(...paid)).map(([place, , units]) => [place, units]),
    paid.map((_, place) => [place, BigInt((place % 2 === 0 ? 100 : 200) + (place >> 1))]),
  )
})

for (const seed of [3, 4]) {
  test(`a random history on a real node, seed ${seed}: what is final is what the chain holds`, async () => {
    const random = createRandom(seed)
    const mine = new Set<Hex>()
    let waiting: { raw: Hex; hash: Hex }[] = []
    for (let step = 0; step < 25; step += 1) {
      const kind = random.next()
      if (kind < 0.5) {
        const paid = random.chance(0.7)
          ? await pay(random.below(4), BigInt(1 + random.below(50)))
          : await send({ to: sales[random.below(4)]!.address, value: BigInt(1 + random.below(50)) })
        mine.add(paid.hash)
        waiting.push(paid)
        await chain.mine()
      } else if (kind < 0.75) await chain.mine(1 + random.below(2))
      else {
        await reorganise(1 + random.below(CONFIRMATIONS - 1))
        // Wallets send again what they see gone.
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
    await chain.mine(CONFIRMATIONS)
    await world.watch(watched)
    const receipts = await chain.provider.receipts([...mine])
    const held = [...mine].filter((_, place) => receipts[place]?.ok).sort()
    assert.ok(held.length > 4)
    const rows = await world.deposits()
    const final = rows.filter(({ txHash, state }) => state === 'final' && mine.has(txHash as Hex))
    assert.deepEqual(final.map(({ txHash }) => txHash).sort(), held)
    assert.deepEqual(
      rows.filter(({ state }) => state === 'seen'),
      [],
    )
  })
}

test('10,000 addresses that are waited for change nothing but the answer of one question', async () => {
  await world.addSales('polygon', 10_000)
  await sql`analyze wallets`.execute(world.db)
  const paid = await pay(3, 77n)
  await chain.mine(CONFIRMATIONS)
  await world.watch(watched)
  assert.deepEqual(await statesOf(paid.hash), [[0, 0, 77n, 'polygon:USDC', 'final']])
})
