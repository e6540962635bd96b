import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { sql } from 'kysely'
import type { Address } from 'viem'
import { createDepositWatch, type WatchedChain } from '../../src/offramp/watch-deposits.ts'
import { ProviderError } from '../../src/providers/provider-error.ts'
import { type DepositWorld, openDepositWorld } from '../support/deposits.ts'
import {
  createMemoryChain,
  type MemoryChain,
  type MemoryNode,
  type MemoryTransaction,
  memoryHash,
} from '../support/memory-chain.ts'
import { createRandom, type Random } from '../support/random.ts'

/** These once failed, or walk through what chance seldom finds; they always run. */
const KEPT_SEEDS = [1, 2, 3, 5, 8, 13, 21, 34, 10_014]
/** More of them in the long runs. */
const RUNS = Number(process.env.HISTORY_RUNS ?? 40)
const FIRST_SEED = Number(process.env.HISTORY_SEED ?? 10_100)

const STEPS = 60
const TOKENS: Readonly<Record<string, Address>> = {
  USDC: '0x00000000000000000000000000000000000000A1',
  USDT: '0x00000000000000000000000000000000000000A2',
}
const UNKNOWN_TOKEN: Address = '0x00000000000000000000000000000000000000A9'
const SOMEBODY: Address = '0x00000000000000000000000000000000000C0fFE'

let world: DepositWorld
let sales: { id: string; address: Address }[]
/** Those that wait for the chain's own coin, which contracts may send as well. */
let native: typeof sales

before(async () => {
  world = await openDepositWorld()
  await world.register('polygon', memoryHash('none'))
  sales = [...(await world.addSales('polygon', 3)), ...(await world.addSales('polygon', 3, 'POL'))]
  native = sales.slice(3)
})
after(() => world.close())

for (const seed of [...KEPT_SEEDS, ...Array.from({ length: RUNS }, (_, run) => FIRST_SEED + run)]) {
  test(`deposits, reorganisations, restarts and faults of nodes, seed ${seed}: what is final is what the chain holds`, () =>
    live(seed))
}

interface History {
  random: Random
  chain: MemoryChain
  node: MemoryNode
  witness: MemoryNode | null
  watched: WatchedChain
  /** Each process that watches: its memory is lost with a restart. */
  steps: (() => Promise<number>)[]
  /** Left a block and in none yet. */
  waiting: MemoryTransaction[]
  made: number
}

async function live(seed: number): Promise<void> {
  const history = await begin(seed)
  for (let step = 0; step < STEPS; step += 1) {
    act(history)
    world.pass(500)
    await look(history)
    if (history.random.chance(0.1)) await checkOnTheWay(history)
  }
  await comeToAnEnd(history)
}

async function begin(seed: number): Promise<History> {
  const random = createRandom(seed)
  const chain = createMemoryChain(`seed ${seed}`)
  for (let blocks = random.below(4); blocks > 0; blocks -= 1) chain.mine()
  const node = chain.node()
  const witness = random.chance(0.4) ? chain.node() : null
  const watched: WatchedChain = {
    chain: 'polygon',
    confirmations: 2 + random.below(7),
    tokens: TOKENS,
    provider: node.reader,
    witness: witness?.reader ?? null,
    isLocal: false,
  }
  await sql`truncate deposits, chain_scans, chain_blocks`.execute(world.db)
  await sql`update chains set genesis_hash = ${chain.blocks()[0]!.hash}, checkpoint_height = 0`.execute(
    world.db,
  )
  await world.watch(watched)
  const steps = [createDepositWatch(world.needs, watched)]
  if (random.chance(0.3)) steps.push(createDepositWatch(world.needs, watched))
  return { random, chain, node, witness, watched, steps, waiting: [], made: 0 }
}

/** Something happens to the chain, to its nodes, or to us. */
function act(history: History): void {
  const { random, chain, node, witness, watched } = history
  const kind = random.next()
  if (kind < 0.5) chain.mine(takeTransactions(history))
  else if (kind < 0.56) for (let blocks = random.below(300); blocks > 0; blocks -= 1) chain.mine()
  else if (kind < 0.74) reorganise(history)
  else if (kind < 0.8) node.failCalls(1 + random.below(8))
  else if (kind < 0.86) node.lag(random.below(6))
  else if (kind < 0.9) random.pick([node, witness ?? node]).freeze()
  else if (kind < 0.95) history.steps = history.steps.map(() => createDepositWatch(world.needs, watched))
  else if (kind < 0.97) witness?.failCalls(1 + random.below(4))
  if (random.chance(0.25)) {
    node.heal()
    witness?.heal()
  }
}

/** New ones, and some that a reorganisation had put back, in any order. */
function takeTransactions(history: History): MemoryTransaction[] {
  const { random } = history
  const back = history.waiting.filter(() => random.chance(0.6))
  history.waiting = history.waiting.filter((one) => !back.includes(one))
  const fresh = Array.from({ length: random.below(3) }, () => newTransaction(history))
  return random.chance(0.5) ? [...back, ...fresh] : [...fresh, ...back]
}

function newTransaction(history: History): MemoryTransaction {
  const { random } = history
  const to = (): Address => (random.chance(0.75) ? random.pick(sales).address : SOMEBODY)
  const tokens = [TOKENS.USDC!, TOKENS.USDC!, TOKENS.USDT!]
  const moves = Array.from({ length: 1 + random.below(3) }, () => ({
    token: random.pick(tokens),
    from: random.chance(0.1) ? UNKNOWN_TOKEN : SOMEBODY,
    to: to(),
    units: BigInt(random.below(5)),
  }))
  const value = { token: null, from: SOMEBODY, to: to(), units: BigInt(1 + random.below(9)) }
  const hash = memoryHash(`transaction ${history.chain.blocks()[0]!.hash} ${history.made++}`)
  const inside = random.chance(0.25)
    ? [{ to: random.pick(native).address, units: BigInt(1 + random.below(9)) }]
    : []
  if (random.chance(0.3)) return { hash, moves: [value, ...moves], inside, reverted: random.chance(0.3) }
  return { hash, moves, inside }
}

/** Never so deep that what is final goes: that is another story, and not one of counting. */
function reorganise(history: History): void {
  const { random, chain, watched } = history
  const deepest = Math.min(watched.confirmations - 1, chain.blocks().length - 1)
  if (deepest < 1) return
  const depth = 1 + random.below(deepest)
  const gone = chain.blocks().slice(-depth)
  history.waiting.push(...gone.flatMap(({ transactions }) => transactions))
  const length = depth + random.below(3)
  chain.reorganise(
    depth,
    Array.from({ length }, () => takeTransactions(history)),
  )
}

/** The processes look, now one after the other, now at once; a node that fails is no reason to fall. */
async function look({ random, steps }: History): Promise<void> {
  for (let looks = random.below(3); looks > 0; looks -= 1) {
    const results = await Promise.allSettled(steps.map((step) => step()))
    for (const result of results)
      if (result.status === 'rejected' && !(result.reason instanceof ProviderError)) throw result.reason
  }
}

interface Held {
  txHash: string
  ordinal: number
  units: bigint
  asset: string
  address: string
}

const placeOf = ({ txHash, ordinal, units, asset, address }: Held): string =>
  `${txHash} ${ordinal} ${units} ${asset} ${address}`

/** The model: what the chain holds of ours, of successful transactions, not counting what is worth nothing. */
function heldOnChain(chain: MemoryChain): string[] {
  const ours = new Set(sales.map(({ address }) => address))
  const symbols = new Map(Object.entries(TOKENS).map(([symbol, token]) => [token, symbol]))
  return chain
    .blocks()
    .flatMap(({ transactions }) => transactions)
    .flatMap(({ hash, moves, reverted }) => {
      const hits = moves.filter(({ to, units }) => ours.has(to) && units > 0n)
      return hits.map(({ token, units, to }, ordinal) => ({
        txHash: hash,
        ordinal,
        units,
        asset: `polygon:${token === null ? 'POL' : symbols.get(token)}`,
        address: to,
        counts: !reverted,
      }))
    })
    .filter(({ counts }) => counts)
    .map(placeOf)
    .sort()
}

/** At no time is anything final that the chain does not hold, or twice. */
async function checkOnTheWay({ chain }: History): Promise<void> {
  const held = new Set(heldOnChain(chain))
  const final = await list('final')
  assert.equal(new Set(final).size, final.length)
  for (const place of final) assert.ok(held.has(place), `${place} is final and not on the chain`)
  const balances = nativeOnChain(chain)
  for (const [address, units] of await nativeFinal())
    assert.ok(units <= balances.get(address)!, `${units} are final at ${address}, which has less`)
}

/** The other half of the model: what came inside of contracts has no place, but all of the native coin has its sum. */
function nativeOnChain(chain: MemoryChain): Map<string, bigint> {
  const balances = new Map<string, bigint>(native.map(({ address }) => [address, 0n]))
  const add = ({ to, units }: { to: string; units: bigint }): void => {
    const before = balances.get(to)
    if (before !== undefined) balances.set(to, before + units)
  }
  for (const { transactions } of chain.blocks())
    for (const { moves, inside = [], reverted } of transactions) {
      if (reverted) continue
      for (const move of moves) if (move.token === null) add(move)
      for (const move of inside) add(move)
    }
  return balances
}

async function nativeFinal(): Promise<Map<string, bigint>> {
  const { rows } = await sql<{ address: string; units: bigint }>`
    select s.address, coalesce(sum(d.units), 0) as units
      from sales s left join deposits d
        on d.address = s.address and d.asset = 'polygon:POL' and d.state = 'final'
     where s.symbol = 'POL' group by s.address`.execute(world.db)
  return new Map(rows.map(({ address, units }) => [address, units]))
}

async function list(state: string): Promise<string[]> {
  const rows = await world.db
    .selectFrom('deposits')
    .selectAll()
    .where('state', '=', state as 'seen')
    .where('txHash', 'like', '0x%')
    .execute()
  return rows.map(placeOf).sort()
}

async function comeToAnEnd(history: History): Promise<void> {
  const { chain, node, witness, watched } = history
  node.heal()
  witness?.heal()
  // What only balances tell of is first seen at the block below the newest.
  chain.mine()
  await world.watch(watched)
  for (let blocks = 0; blocks < watched.confirmations; blocks += 1) chain.mine()
  await world.watch(watched)
  const [final, held] = [await list('final'), heldOnChain(chain)]
  const missing = held.filter((place) => !final.includes(place))
  const foreign = final.filter((place) => !held.includes(place))
  assert.deepEqual(
    { missing, foreign, count: final.length },
    { missing: [], foreign: [], count: held.length },
  )
  assert.deepEqual(await nativeFinal(), nativeOnChain(chain))
  const seen = await world.deposits()
  assert.deepEqual(
    seen.filter(({ state }) => state === 'seen'),
    [],
  )
  const scan = await world.scan()
  assert.deepEqual(
    [scan.height, scan.hash, scan.heldReason],
    [chain.blocks().length - 1, chain.blocks().at(-1)!.hash, null],
  )
}
