import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { pino } from 'pino'
import { type Address, type Hex, numberToHex } from 'viem'
import { type Db, openDatabase } from '../src/db/database.ts'
import { migrate } from '../src/db/migrate.ts'
import { createClock } from '../src/kernel/clock.ts'
import { createMetrics } from '../src/kernel/metrics.ts'
import { createDepositWatch, type WatchedChain } from '../src/offramp/watch-deposits.ts'
import { createJsonRpc, type JsonRpc } from '../src/providers/chain/json-rpc.ts'
import { approveData, disperseData } from '../src/providers/chain/tokens.ts'
import { createMnemonicCustody } from '../src/providers/custody/local-mnemonic.ts'
import { openTestChain, TEST_MNEMONIC, type TestChain } from '../src/sandbox/chain/fixture.ts'
import { addSales, addSeller } from '../test/support/deposits.ts'
import { type Benchmark, type Figure, interleave, median } from './measure.ts'
import { openWorld, type World } from './world.ts'

const FEW = 10
const MANY = 10_000
/** Blocks read one by one, so many to a round; the first round warms up. */
const ROUNDS = 15
const BLOCKS_A_ROUND = 40
/** What is caught up with. */
const BEHIND = 10_000
const BLOCKS_A_BATCH = 10
const TRANSFERS_A_BATCH = 100
const CATCH_UPS = 5
/** As many blocks as the watcher asks for at once. */
const BARE_RANGE = 2_000
const PAYER = "m/44'/60'/0'/0/7"

export const deposits: Benchmark = {
  name: 'deposits',
  about: `reading blocks with ${MANY} open deposit addresses against ${FEW}; catching up ${BEHIND} blocks against bare eth_getLogs`,
  async run(tell) {
    const world = await openWorld()
    const chain = await openTestChain()
    const opened: Watcher[] = []
    try {
      const few = await openWatcher(world, chain, 'few', FEW, ['polygon:USDC'])
      opened.push(few)
      const many = await openWatcher(world, chain, 'many', MANY, ['polygon:USDC'])
      opened.push(many)
      const native = await openWatcher(world, chain, 'native', MANY, ['polygon:USDC', 'polygon:POL'])
      opened.push(native)
      const payer = await openPayer(chain)
      const addresses = await compareAddresses(few, many, payer, tell)
      tell(`${BEHIND} blocks are made`)
      const range = await fallBehind(payer, many)
      return [
        addresses,
        await compareCatchUp('tokens alone', many, range, payer, tell),
        await compareCatchUp(
          'the native coin as well, for which blocks are read whole',
          native,
          range,
          payer,
          tell,
        ),
      ]
    } finally {
      for (const { close } of opened) await close()
      await chain.close()
      await world.stop()
    }
  },
}

interface Watcher {
  db: Db
  /** One look at the chain. */
  step(): Promise<number>
  /** The scan stands at this block, and nothing was ever seen. */
  rewind(height: number, hash: Hex): Promise<void>
  addresses: Address[]
  close(): Promise<void>
}

async function openWatcher(
  world: World,
  chain: TestChain,
  name: string,
  sales: number,
  pairs: readonly string[],
): Promise<Watcher> {
  const url = new URL(world.databaseUrl)
  url.pathname = `/${name}`
  const client = new pg.Client({ connectionString: world.databaseUrl })
  await client.connect()
  await client.query(`create database ${name}`)
  await client.end()
  await migrate(url.href)
  const { db } = openDatabase({
    url: url.href,
    poolSize: 4,
    onPoolError(error) {
      throw error
    },
  })
  const { chain: chainName, provider, treasury, confirmations } = chain
  const { genesisHash } = chain.node()
  await db
    .insertInto('chains')
    .values({ chain: chainName, genesisHash, checkpointHash: genesisHash, updatedAt: createClock().now() })
    .execute()
  await addSeller(db, pairs)
  const added = await addSales(db, chainName, sales)
  const watched: WatchedChain = {
    chain: chainName,
    confirmations,
    tokens: treasury.tokens,
    provider,
    witness: null,
    isLocal: true,
  }
  const needs = {
    db,
    clock: createClock(),
    log: pino({ level: 'silent' }),
    metrics: createMetrics(),
    wake: () => {},
  }
  return {
    db,
    step: createDepositWatch(needs, watched),
    async rewind(height, hash) {
      await db.deleteFrom('deposits').execute()
      await db.deleteFrom('chainBlocks').execute()
      await db.updateTable('chainScans').set({ height, hash }).execute()
    },
    addresses: added.map(({ address }) => address),
    close: () => db.destroy(),
  }
}

/** Somebody who pays many at once. */
interface Payer {
  rpc: JsonRpc
  chain: TestChain
  /** Sends one transaction with so many transfers, one of them to each of `ours`. */
  pay(transfers: number, ours: readonly Address[]): Promise<void>
}

async function openPayer(chain: TestChain): Promise<Payer> {
  const custody = createMnemonicCustody(TEST_MNEMONIC)
  const { treasury } = chain
  const address = await custody.address(PAYER)
  await treasury.topUp(address, [
    { symbol: 'POL', units: 10n ** 24n },
    { symbol: 'USDC', units: 10n ** 15n },
  ])
  const rpc = createJsonRpc({ name: 'bench', url: () => chain.url(), timeoutMs: 120_000, batchSize: 100 })
  const token = treasury.tokens.USDC!
  let nonce = (await chain.provider.nonces(address)).pending
  async function send(to: Address, data: Hex): Promise<void> {
    const raw = await custody.signTransaction(PAYER, {
      chainId: chain.chainId,
      nonce: nonce++,
      to,
      value: 0n,
      data,
      gas: 20_000_000n,
      maxFeePerGas: 10n ** 12n,
      maxPriorityFeePerGas: 10n ** 9n,
    })
    await rpc.call('eth_sendRawTransaction', raw)
  }
  await send(token, approveData(treasury.disperse, 10n ** 15n))
  await chain.mine()
  const strangers = Array.from({ length: 1_000 }, (): Address => `0x${randomBytes(20).toString('hex')}`)
  let next = 0
  return {
    rpc,
    chain,
    async pay(transfers, ours) {
      const to = Array.from({ length: transfers }, (_, place) => ours[place] ?? strangers[next++ % 1_000]!)
      const units = to.map(() => 1n)
      await send(treasury.disperse, disperseData(token, to, units))
    },
  }
}

/** The same blocks, each read by both, in turn first. */
async function compareAddresses(
  few: Watcher,
  many: Watcher,
  payer: Payer,
  tell: (line: string) => void,
): Promise<Figure> {
  for (const watcher of [few, many]) while ((await watcher.step()) > 0);
  const ratios: number[] = []
  const msOf = new Map<Watcher, number[]>([
    [few, []],
    [many, []],
  ])
  for (let round = 0; round <= ROUNDS; round += 1) {
    const took = new Map<Watcher, number[]>([
      [few, []],
      [many, []],
    ])
    for (let block = 0; block < BLOCKS_A_ROUND; block += 1) {
      await payer.pay(TRANSFERS_A_BATCH, [few.addresses[block % FEW]!, many.addresses[(block * 97) % MANY]!])
      await payer.chain.mine()
      for (const watcher of block % 2 === 0 ? [few, many] : [many, few]) {
        const beganMs = performance.now()
        await watcher.step()
        took.get(watcher)!.push(performance.now() - beganMs)
      }
    }
    const [ofFew, ofMany] = [median(took.get(few)!), median(took.get(many)!)]
    tell(
      `round ${round}${round === 0 ? ' (warming up)' : ''}: ${ofMany.toFixed(2)} against ${ofFew.toFixed(2)} ms`,
    )
    if (round === 0) continue
    ratios.push(ofMany / ofFew)
    msOf.get(few)!.push(ofFew)
    msOf.get(many)!.push(ofMany)
  }
  return {
    what: `reading a block with ${MANY} open deposit addresses`,
    measured: `${median(msOf.get(many)!).toFixed(2)} ms`,
    baseline: `${median(msOf.get(few)!).toFixed(2)} ms with ${FEW}`,
    ratio: median(ratios),
    required: { atMost: 1.05 },
  }
}

interface Range {
  from: number
  to: number
  base: { height: number; hash: Hex }
}

/** Makes the blocks that nobody read: ten transfers each, and in every tenth one of ours. */
async function fallBehind(payer: Payer, { addresses }: Watcher): Promise<Range> {
  const { provider } = payer.chain
  const { latest: base } = await provider.heads()
  for (let made = 0; made < BEHIND; made += BLOCKS_A_BATCH) {
    await payer.pay(TRANSFERS_A_BATCH, [addresses[made % MANY]!])
    await payer.rpc.call('anvil_mine', numberToHex(BLOCKS_A_BATCH))
  }
  const { latest } = await provider.heads()
  return { from: base.height + 1, to: latest.height, base }
}

async function compareCatchUp(
  what: string,
  watcher: Watcher,
  range: Range,
  payer: Payer,
  tell: (line: string) => void,
): Promise<Figure> {
  await watcher.step()
  const blocks = range.to - range.from + 1
  const { a, b, ratio } = await interleave(
    CATCH_UPS,
    async () => {
      await watcher.rewind(range.base.height, range.base.hash)
      const beganMs = performance.now()
      while ((await watcher.step()) > 0);
      return blocks / ((performance.now() - beganMs) / 1000)
    },
    async () => {
      const beganMs = performance.now()
      await readBarely(payer, range)
      return blocks / ((performance.now() - beganMs) / 1000)
    },
    tell,
  )
  return {
    what: `catching up ${blocks} blocks, ${what}`,
    measured: `${Math.round(a)} blocks/s`,
    baseline: `${Math.round(b)} blocks/s by bare eth_getLogs`,
    ratio,
    required: { atLeast: 0.5 },
  }
}

async function readBarely({ rpc, chain }: Payer, { from, to }: Range): Promise<void> {
  const address = Object.values(chain.treasury.tokens)
  let count = 0
  for (let start = from; start <= to; start += BARE_RANGE) {
    const range = {
      fromBlock: numberToHex(start),
      toBlock: numberToHex(Math.min(to, start + BARE_RANGE - 1)),
    }
    const logs = await rpc.call('eth_getLogs', { ...range, address, topics: [TRANSFER] })
    count += (logs as unknown[]).length
  }
  if (count < (BEHIND / BLOCKS_A_BATCH) * TRANSFERS_A_BATCH) throw new Error(`Only ${count} logs were read.`)
}

const TRANSFER = '0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef'
