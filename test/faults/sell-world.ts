import type { TestContext } from 'node:test'
import pg from 'pg'
import { eventually } from '../support/app.ts'
import { checkSales } from './sell-invariants.ts'
import { createSellers, SALE_EVENTS, type SaleCase, type Sellers } from './sellers.ts'
import { createSenders, type Senders } from './senders.ts'
import { type FaultWorld, inWorld } from './world.ts'

export interface SellWorld extends FaultWorld {
  sellers: Sellers
  senders: Senders
  /** Straight into the program's database, and the simulated bank's. */
  database: pg.Pool
  /** Sells all of these at once, and waits until the coins that come in time are final on the chain. */
  sellAll(kinds: readonly SaleCase[]): Promise<void>
  /** Lets every window pass once all that came is seen, and has the late coins sent. */
  closeWindows(): Promise<void>
  /** Every sale in its right end, every deposit counted once, no payout twice, the books and webhooks right. */
  checkSales(withinMs?: number): Promise<void>
}

type Options = Parameters<typeof inWorld>[1] & { sellers?: number }

/** More than the sale's window, which is a day. */
const WINDOW_SECONDS = 25 * 3600
/** What our account starts with, so that the customers can be paid before anybody has bought. */
const FLOAT = '1000000.00'

/** `inWorld` with customers who sell. */
export function inSellWorld(
  context: TestContext,
  { sellers: customers = 4, ...options }: Options,
  run: (world: SellWorld) => Promise<void>,
): Promise<void> {
  return inWorld(context, { customers: 0, ...options }, async (world) => {
    const { buyers, program, random, receiver, say } = world
    for (const type of SALE_EVENTS) {
      const answer = await buyers.api('POST', '/api/subscribeToWebhook', { type, url: receiver.url })
      if (answer.status !== 'ok') throw new Error(`${type}: ${answer.error}: ${answer.message}`)
    }
    const { data: sandbox } = await buyers.api('GET', '/api/sandbox')
    await fillAccount(world, sandbox.bank_accounts)
    const senders = createSenders(program, sandbox.chains)
    const sellers = createSellers(buyers, senders, random)
    await sellers.prepare(customers)
    // What fails while a database restarts is asked again by its caller.
    const database = new pg.Pool({ connectionString: program.databaseUrl, max: 2 })
    database.on('error', (error) => say(`the test lost its connection: ${error.message}`))
    const sellWorld: SellWorld = {
      ...world,
      sellers,
      senders,
      database,
      async sellAll(kinds) {
        await Promise.all(kinds.map((kind) => sellers.sell({ kind })))
      },
      async closeWindows() {
        await seesEverything(sellWorld)
        await world.pass(WINDOW_SECONDS)
        await sellers.sendLate()
      },
      async checkSales(withinMs) {
        await checkSales(sellWorld, withinMs)
        say(`${sellers.sold.length} sales checked`)
      },
    }
    try {
      say(`${customers} customers can sell`)
      await run(sellWorld)
    } finally {
      await database.end()
    }
  })
}

/** Coins are in time when they are seen in time: a clock that jumps leaves no time to look. */
async function seesEverything({ database, sellers }: SellWorld): Promise<void> {
  const hashes = sellers.sold.flatMap(({ sent }) => sent.map(({ hash }) => hash))
  await eventually(
    'every deposit to be seen',
    async () => {
      const { rowCount } = await database.query(
        "select from deposits where tx_hash = any($1) and state in ('seen', 'final')",
        [hashes],
      )
      return rowCount === hashes.length
    },
    120_000,
  )
}

async function fillAccount(
  { buyers }: FaultWorld,
  accounts: readonly { iban: string; currency: string }[],
): Promise<void> {
  const { iban } = accounts.find(({ currency }) => currency === 'EUR')!
  const transfer = { iban, amount: FLOAT, concept: 'float', name: 'Sandbox Remittances' }
  const answer = await buyers.api('POST', '/api/sandbox/bank/transfer', transfer)
  if (answer.status !== 'ok') throw new Error(`The float: ${answer.error}: ${answer.message}`)
}
