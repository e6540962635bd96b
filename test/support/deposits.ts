import { randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import { pino } from 'pino'
import { type Address, getAddress } from 'viem'
import { type Db, openDatabase } from '../../src/db/database.ts'
import { createClock, type MovableClock } from '../../src/kernel/clock.ts'
import { createMetrics } from '../../src/kernel/metrics.ts'
import { createDepositWatch, type WatchedChain, type WatchNeeds } from '../../src/offramp/watch-deposits.ts'
import { createTestDatabase } from './database.ts'

export interface DepositRow {
  saleId: string
  asset: string
  units: bigint
  fromAddress: string | null
  txHash: string
  ordinal: number
  blockHeight: number
  blockHash: string
  state: 'seen' | 'vanished' | 'final'
  epoch: number
  firstSeenAt: Date
}

/** A database of its own on which chains are watched by hand: no lane runs, time stands still. */
export interface DepositWorld {
  needs: WatchNeeds
  db: Db
  clock: MovableClock
  woken: string[]
  /** Writes the chain down with its first block, as far as deposits need it; the first step begins to read it. */
  register(chain: string, genesisHash: string): Promise<void>
  /** So many sales that wait for coins, each with an address of its own. */
  addSales(chain: string, count: number, symbol?: string): Promise<{ id: string; address: Address }[]>
  /** Steps until nothing is left to do. */
  watch(watched: WatchedChain): Promise<void>
  deposits(chain?: string): Promise<DepositRow[]>
  scan(chain?: string): Promise<{ height: number; hash: string; heldReason: string | null; epoch: number }>
  /** Moves real time, and the platform's with it. */
  pass(ms: number): void
  close(): Promise<void>
}

const BEGIN_MS = Date.UTC(2030, 0, 15, 12)
const MOST_STEPS = 300

export async function openDepositWorld(
  pairs: readonly string[] = ['polygon:USDC', 'polygon:POL'],
): Promise<DepositWorld> {
  const database = await createTestDatabase()
  const { db } = openDatabase({ url: database.url, poolSize: 6, onPoolError: () => {} })
  let nowMs = BEGIN_MS
  const clock = createClock(() => nowMs)
  const woken: string[] = []
  const needs: WatchNeeds = {
    db,
    clock,
    log: pino({ level: 'silent' }),
    metrics: createMetrics(),
    wake: (...lanes) => woken.push(...lanes),
  }
  await addSeller(db, pairs)
  return {
    needs,
    db,
    clock,
    woken,
    async register(chain, genesisHash) {
      await db
        .insertInto('chains')
        .values({ chain, genesisHash, checkpointHash: genesisHash, updatedAt: clock.now() })
        .execute()
    },
    addSales: (chain, count, symbol = 'USDC') => addSales(db, chain, count, symbol),
    async watch(watched) {
      const step = createDepositWatch(needs, watched)
      for (let steps = 0; steps < MOST_STEPS; steps += 1) if ((await step()) === 0) return
      throw new Error(`The watcher of ${watched.chain} is still at work after ${MOST_STEPS} steps.`)
    },
    async deposits(chain = 'polygon') {
      const rows = await db
        .selectFrom('deposits')
        .selectAll()
        .where('chain', '=', chain)
        .orderBy('blockHeight')
        .orderBy('txHash')
        .orderBy('ordinal')
        .execute()
      return rows
    },
    scan: (chain = 'polygon') =>
      db.selectFrom('chainScans').selectAll().where('chain', '=', chain).executeTakeFirstOrThrow(),
    pass(ms) {
      nowMs += ms
    },
    async close() {
      await db.destroy()
      await database.drop()
    },
  }
}

/** An integration that sells these pairs, and a customer of it. */
export async function addSeller(db: Db, pairs: readonly string[]): Promise<void> {
  await sql`
    with given as (
      insert into integrations (name, settings, created_at, updated_at)
      values ('Sellers', ${JSON.stringify({ pairs })}, now(), now()) returning id
    )
    insert into customers (integration_id, uuid, type, personal_sealed, email_index, kyc_updated_at, created_at, updated_at)
    select id, gen_random_uuid(), 'individual', '\\x00', '\\x00', now(), now(), now() from given`.execute(db)
}

/** Sales straight into the database, of any customer there is. */
export async function addSales(
  db: Db,
  chain: string,
  count: number,
  symbol = 'USDC',
): Promise<{ id: string; address: Address }[]> {
  const sales = Array.from({ length: count }, () => ({
    id: randomBytes(16).toString('hex').slice(0, 25),
    address: getAddress(`0x${randomBytes(20).toString('hex')}`),
  }))
  const ids = sales.map(({ id }) => id)
  const addresses = sales.map(({ address }) => address)
  await sql`
    insert into wallets (chain, address, key_ref, role, epoch)
    select ${chain}::text, address, 'test:' || address, 'deposit', 1
      from unnest(${addresses}::text[]) given (address)`.execute(db)
  await sql`
    insert into sales (integration_id, id, customer_id, request_hash, state, chain, symbol, asked_units, fiat, fiat_units,
                       fee_units, price, terms, address, payee_sealed, expires_at, due_at, created_at, updated_at)
    select c.integration_id, given.id, c.id, '\\x00', 'started', ${chain}::text, ${symbol}::text, 1000000, 'EUR', 100, 1, '1',
           '{}', given.address, '\\x00', now(), now(), now(), now()
      from unnest(${ids}::text[], ${addresses}::text[]) given (id, address),
           (select integration_id, id from customers order by integration_id, id limit 1) c`.execute(db)
  return sales
}
