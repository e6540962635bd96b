import { pino } from 'pino'
import type { Address } from 'viem'
import { createTestDatabase } from '../../test/support/database.ts'
import { openDatabase } from '../db/database.ts'
import { type Clock, createClock, type MovableClock } from '../kernel/clock.ts'
import { createSecrets } from '../kernel/secrets.ts'
import { balanceOf } from '../ledger/book.ts'
import type { ChainProvider } from '../providers/chain/port.ts'
import type { ChainSetup } from '../providers/chain/setup.ts'
import { createMnemonicCustody } from '../providers/custody/local-mnemonic.ts'
import { openTestChain, TEST_MNEMONIC, type TestChain } from '../sandbox/chain/fixture.ts'
import { createSandboxFunding } from '../sandbox/chain/funding.ts'
import { createChainCheck } from './chain-check.ts'
import { HOT_WALLET_KEY_REF, registerChain } from './chain-register.ts'
import {
  DISPATCH_DEFAULTS,
  type DispatchSettings,
  type EffectNeeds,
  type EndedEffect,
  walletDoor,
} from './model.ts'
import { prepareTransactions } from './prepare.ts'
import { reserveTransfers } from './reserve.ts'
import { sendTransactions } from './send.ts'
import { createWatch } from './watch.ts'

/** Effects on a database and a local chain of their own, moved by hand: no lane runs, nobody mines, time stands still. */
export interface EffectsWorld {
  needs: EffectNeeds
  setup: ChainSetup
  chain: TestChain
  clock: MovableClock
  wallet: Address
  door: string
  /** What the room that planned the effects heard. */
  heard: EndedEffect[]
  woken: Set<string>
  /** Plans transfers for a room called `test`; answers their ids, in order. */
  plan(transfers: { symbol?: string; to: Address; units: bigint }[]): Promise<string[]>
  reserve(): Promise<number>
  prepare(): Promise<number>
  send(): Promise<number>
  watch(): Promise<number>
  check(): Promise<number>
  /** Reserve, sign, send, mine, watch, until no effect is open. */
  drain(): Promise<void>
  /** Moves real time. */
  pass(ms: number): void
  effect(id: string): Promise<{
    state: string
    reason: string | null
    txid: string | null
    transactionId: number | null
    single: boolean
    gasUnits: bigint | null
  }>
  balance(address: Address, symbol?: string): Promise<bigint>
  ledger(account: string, symbol?: string): Promise<bigint>
  close(): Promise<void>
}

export interface WorldOptions {
  settings?: Partial<DispatchSettings>
  /** Stands between the effects and the chain. */
  wrap?: (provider: ChainProvider) => ChainProvider
  /** No contract pays many at once. */
  withoutDisperse?: boolean
  chain?: TestChain
  /** Who hears of effects beside the room called `test`. */
  rooms?: (clock: Clock) => EffectNeeds['rooms']
}

const BEGIN_MS = Date.UTC(2030, 0, 15, 12)
const MOST_ROUNDS = 60

export async function openEffectsWorld({
  settings,
  wrap,
  withoutDisperse,
  chain: given,
  rooms,
}: WorldOptions = {}): Promise<EffectsWorld> {
  const database = await createTestDatabase()
  const chain = given ?? (await openTestChain())
  const { db } = openDatabase({ url: database.url, poolSize: 6, onPoolError: () => {} })
  let nowMs = BEGIN_MS
  const clock = createClock(() => nowMs)
  const custody = createMnemonicCustody(TEST_MNEMONIC)
  const secrets = createSecrets(Buffer.alloc(32, 7))
  const setup: ChainSetup = {
    chain: chain.chain,
    chainId: chain.chainId,
    confirmations: chain.confirmations,
    provider: wrap ? wrap(chain.provider) : chain.provider,
    tokens: chain.treasury.tokens,
    disperse: withoutDisperse ? null : chain.treasury.disperse,
    explorerUrl: () => null,
  }
  const heard: EndedEffect[] = []
  const woken = new Set<string>()
  const hear = async (_trx: unknown, effects: readonly EndedEffect[]): Promise<string[]> => {
    heard.push(...effects)
    return ['test-lane']
  }
  const needs: EffectNeeds = {
    db,
    clock,
    log: pino({ level: 'silent' }),
    secrets,
    custody,
    chains: new Map([[chain.chain, setup]]),
    rooms: { test: { onConfirmed: hear, onFailed: hear, onSent: hear }, ...rooms?.(clock) },
    bank: undefined,
    cards: [],
    redirects: { paypal: undefined, local: undefined },
    settings: { ...DISPATCH_DEFAULTS, gatherMs: 0, ...settings },
    wake: (...lanes) => {
      for (const lane of lanes) woken.add(lane)
    },
    sandbox: createSandboxFunding([chain]),
  }
  await registerChain(needs, setup)
  const wallet = await custody.address(HOT_WALLET_KEY_REF)
  const watch = createWatch(needs, setup)
  const check = createChainCheck(needs, setup)
  let planned = 0

  const world: EffectsWorld = {
    needs,
    setup,
    chain,
    clock,
    wallet,
    door: walletDoor(chain.chain, wallet),
    heard,
    woken,
    async plan(transfers) {
      const ids = transfers.map(() => `effect${String(++planned).padStart(6, '0')}`)
      const rows = transfers.map(({ symbol = 'USDC', to, units }, index) => ({
        id: ids[index]!,
        integrationId: 1,
        kind: 'coin_transfer' as const,
        purpose: `test:${ids[index]}:coins`,
        reference: `test:${ids[index]}`,
        door: world.door,
        asset: `${chain.chain}:${symbol}`,
        units,
        account: `customer:${ids[index]}:coin`,
        destinationSealed: secrets.seal('effect', JSON.stringify({ address: to })),
        state: 'planned' as const,
        idempotencyKey: ids[index]!,
        dueAt: clock.now(),
        createdAt: clock.now(),
        updatedAt: clock.now(),
      }))
      await db.insertInto('effects').values(rows).execute()
      return ids
    },
    reserve: () => reserveTransfers(needs, setup),
    prepare: () => prepareTransactions(needs, setup),
    send: () => sendTransactions(needs, setup),
    watch,
    check,
    async drain() {
      for (let round = 0; round < MOST_ROUNDS; round += 1) {
        await world.reserve()
        await world.prepare()
        await world.send()
        await chain.mine()
        world.pass(2_500)
        await world.watch()
        const open = await db
          .selectFrom('effects')
          .select('id')
          .where('state', 'in', ['planned', 'reserved'])
          .execute()
        if (open.length === 0) return
      }
      throw new Error(`Effects are still open after ${MOST_ROUNDS} rounds.`)
    },
    pass(ms) {
      nowMs += ms
    },
    effect: (id) =>
      db
        .selectFrom('effects')
        .select(['state', 'reason', 'txid', 'transactionId', 'single', 'gasUnits'])
        .where('id', '=', id)
        .executeTakeFirstOrThrow(),
    async balance(address, symbol = 'USDC') {
      const [units] = await chain.provider.balances([{ address, token: setup.tokens[symbol] ?? null }])
      return units!
    },
    ledger: (account, symbol = 'USDC') => balanceOf(db, account, `${chain.chain}:${symbol}`),
    async close() {
      await db.destroy()
      await Promise.all([database.drop(), chain.close()])
    },
  }
  return world
}

/** Somebody's address, another one for each number. */
export const somebody = (number: number): Address =>
  `0x${(0xc0ffee0000n + BigInt(number)).toString(16).padStart(40, '0')}`
