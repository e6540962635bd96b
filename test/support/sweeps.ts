import assert from 'node:assert/strict'
import { sql } from 'kysely'
import type { Address } from 'viem'
import { type EffectsWorld, openEffectsWorld, type WorldOptions } from '../../src/effects/fixture.ts'
import { type EffectNeeds, walletDoor } from '../../src/effects/model.ts'
import { prepareTransactions } from '../../src/effects/prepare.ts'
import { reserveSweeps, reserveTransfers } from '../../src/effects/reserve.ts'
import { sendTransactions } from '../../src/effects/send.ts'
import { readWalletBalances } from '../../src/effects/wallet-balances.ts'
import { createWatch } from '../../src/effects/watch.ts'
import { randomText } from '../../src/kernel/ids.ts'
import { book } from '../../src/ledger/book.ts'
import { depositKeyRef } from '../../src/offramp/deposit-address.ts'
import { sweepRoom } from '../../src/offramp/sweep-room.ts'
import type { Sweep } from '../../src/offramp/sweep-store.ts'
import { createSweeps, type SweepNeeds } from '../../src/offramp/sweeps.ts'
import { addSeller } from './deposits.ts'

/** Sales whose addresses are emptied by hand on a local chain: no lane runs, nobody mines, time stands still. */
export interface SweepWorld {
  effects: EffectsWorld
  needs: SweepNeeds
  /** An address of a new sale. */
  addAddress(): Promise<Address>
  /** Coins arrive by a real transaction, are final, and were worked off; in one block when there are several. */
  arrive(...deposits: Arrival[]): Promise<void>
  /** The steps of a fresh program, as one that was killed after any of them comes back. */
  steps(): Steps
  /** All steps, mining between them, until no sweep is open and none is to begin. */
  drain(): Promise<void>
  sweeps(): Promise<Sweep[]>
  /** The ledger equals the chain on every wallet, and nobody is owed more or less than what arrived. */
  check(): Promise<void>
  close(): Promise<void>
}

export interface Arrival {
  address: Address
  symbol?: string
  units: bigint
  outcome?: 'credited' | 'wrong_asset' | 'dust' | 'blocked'
}

export interface Steps {
  sweep(): Promise<number>
  reserveHot(): Promise<number>
  reserveDeposits(): Promise<number>
  prepare(): Promise<number>
  send(): Promise<number>
  watch(): Promise<number>
}

const MOST_ROUNDS = 60
/** Every asset has the same: less than this stays. */
export const MINIMUM = 1_000n

export async function openSweepWorld(options: WorldOptions = {}): Promise<SweepWorld> {
  const effects = await openEffectsWorld({
    ...options,
    rooms: (clock) => ({ sweep: sweepRoom({ clock }) }),
  })
  const { db } = effects.needs
  const { setup, chain } = effects
  const needs: SweepNeeds = { ...effects.needs, sweepMinimum: () => MINIMUM }
  await addSeller(db, [`${chain.chain}:USDC`])
  let index = 0
  const owed = new Map<string, bigint>()

  const world: SweepWorld = {
    effects,
    needs,
    async addAddress() {
      index += 1
      const keyRef = depositKeyRef({ second: 0, index })
      const address = await needs.custody.address(keyRef)
      await addSale(needs, chain.chain, { address, keyRef })
      return address
    },
    async arrive(...deposits) {
      const hashes = []
      for (const { address, symbol = 'USDC', units } of deposits)
        hashes.push(await chain.treasury.send({ symbol, to: address, units }))
      await chain.mine(chain.confirmations)
      for (const [place, deposit] of deposits.entries())
        await recordArrival(needs, chain.chain, { ...deposit, hash: hashes[place]! })
      for (const { symbol = 'USDC', units } of deposits) owed.set(symbol, (owed.get(symbol) ?? 0n) + units)
      await readUpToNow()
    },
    steps() {
      return {
        sweep: createSweeps(needs, setup),
        reserveHot: () => reserveTransfers(needs, setup),
        reserveDeposits: () => reserveSweeps(needs, setup),
        prepare: () => prepareTransactions(needs, setup),
        send: () => sendTransactions(needs, setup),
        watch: createWatch(needs, setup),
      }
    },
    async drain() {
      const steps = world.steps()
      for (let round = 0; round < MOST_ROUNDS; round += 1) {
        await steps.sweep()
        await steps.reserveHot()
        await steps.reserveDeposits()
        await steps.prepare()
        await steps.send()
        await chain.mine()
        effects.pass(5_500)
        await steps.watch()
        const open = (await world.sweeps()).some(({ state }) => state === 'gas' || state === 'coins')
        if (!open && (await steps.sweep()) === 0) return readUpToNow()
      }
      throw new Error(`Sweeps are still open after ${MOST_ROUNDS} rounds.`)
    },
    sweeps: () => db.selectFrom('sweeps').selectAll().orderBy('createdAt').orderBy('id').execute(),
    async check() {
      for (const { door, asset, differenceUnits } of await readWalletBalances(needs, setup))
        assert.equal(differenceUnits, 0n, `${door} ${asset}`)
      for (const [symbol, units] of owed)
        assert.equal(await effects.ledger('customer:sales:coin', symbol), -units, symbol)
    },
    close: () => effects.close(),
  }

  /** As if deposits were watched: what is on the addresses beyond the books is a difference. */
  async function readUpToNow(): Promise<void> {
    const { latest } = await chain.provider.heads()
    await sql`update chain_scans set height = ${latest.height}, hash = ${latest.hash}`.execute(db)
  }

  return world
}

async function addSale(
  { db }: Pick<EffectNeeds, 'db'>,
  chain: string,
  { address, keyRef }: { address: Address; keyRef: string },
): Promise<void> {
  await sql`
    with wallet as (
      insert into wallets (chain, address, key_ref, role, epoch)
      select chain, ${address}, ${keyRef}, 'deposit', epoch from chains where chain = ${chain}
    )
    insert into sales (integration_id, id, customer_id, request_hash, state, chain, symbol, asked_units, fiat, fiat_units,
                       fee_units, price, terms, address, payee_sealed, created_at, updated_at)
    select integration_id, ${randomText(25)}, id, '\\x00', 'processing', ${chain}, 'USDC', 1, 'EUR', 1, 0, '1',
           '{}', ${address}, '\\x00', now(), now() from customers limit 1`.execute(db)
}

/** The deposit as the watcher and the sale leave it: final, counted, and booked. */
async function recordArrival(
  { db, clock }: Pick<EffectNeeds, 'db' | 'clock'>,
  chain: string,
  { address, symbol = 'USDC', units, outcome = 'credited', hash }: Arrival & { hash: string },
): Promise<void> {
  const id = randomText(25)
  const asset = `${chain}:${symbol}`
  const now = clock.now()
  await db.transaction().execute(async (trx) => {
    await sql`
      insert into deposits (integration_id, id, sale_id, chain, epoch, address, asset, units, from_address, tx_hash, ordinal,
                            block_height, block_hash, state, outcome, first_seen_at, final_at, updated_at)
      select s.integration_id, ${id}, s.id, ${chain}, c.epoch, ${address}, ${asset}, ${units.toString()}::numeric, '0x01',
             ${hash}, 0, 1, '0x01', 'final', ${outcome}, ${now}, ${now}, ${now}
        from sales s join chains c on c.chain = s.chain where s.chain = ${chain} and s.address = ${address}`.execute(
      trx,
    )
    await book(trx, {
      kind: 'deposit',
      purpose: `deposit:${id}`,
      integrationId: null,
      reference: null,
      at: now,
      postings: [
        { account: walletDoor(chain, address), asset, units },
        { account: 'customer:sales:coin', asset, units: -units },
      ],
    })
  })
}
