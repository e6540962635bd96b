import type { Logger } from 'pino'
import type { Address, Hex } from 'viem'
import type { Db, Trx } from '../db/database.ts'
import type { EffectsTable } from '../db/schema.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Secrets } from '../kernel/secrets.ts'
import type { BankProvider } from '../providers/bank/port.ts'
import type { CardProvider } from '../providers/card/port.ts'
import type { ChainSetup } from '../providers/chain/setup.ts'
import type { Custody } from '../providers/custody/port.ts'
import type { RedirectProvider } from '../providers/redirect/port.ts'

/** What everything that sends money needs. */
export interface EffectNeeds {
  db: Db
  clock: Clock
  log: Logger
  secrets: Pick<Secrets, 'seal' | 'open'>
  custody: Custody
  chains: ReadonlyMap<string, ChainSetup>
  /** Who planned the effects, by what their references begin with: `payment` for `payment:<id>`. */
  rooms: Readonly<Record<string, EffectRoom>>
  settings: DispatchSettings
  /** Who moves money that isn't coins; a door whose provider isn't configured lets nothing out. */
  bank: BankProvider | undefined
  cards: readonly CardProvider[]
  /** By the first part of their doors: `paypal:<name>`, `local:<name>`. */
  redirects: Readonly<Record<'paypal' | 'local', RedirectProvider | undefined>>
  /** Wakes lanes once their work is committed. */
  wake(...lanes: string[]): void
  /** Local chains may be lost and begun anew; null where chains are real. */
  sandbox: SandboxFunding | null
}

export interface SandboxFunding {
  /** Whether the chain is a local one. */
  has(chain: string): boolean
  /**
   * Makes a hot wallet of a new local chain usable: its count of transactions goes on at `nonce`, so that what was
   * signed for the lost chain can never be executed, and it gets coins. Harmless when done again.
   */
  prepareWallet(chain: string, address: Address, nonce: number): Promise<void>
  /** Has a new local chain count at least so many transactions of an address, without giving it coins. */
  raiseNonce(chain: string, address: Address, nonce: number): Promise<void>
}

/** The room that planned an effect hears of it in the transaction that records it, and names the lanes to wake then. */
export interface EffectRoom {
  /** Final: the coins are as deep as asked, the bank booked it. The ledger's entries are made. */
  onConfirmed(trx: Trx, effects: readonly EndedEffect[]): Promise<readonly string[]>
  /** It did not go out and will not by itself; or an operator gave it up (`cancelled`). */
  onFailed(trx: Trx, effects: readonly EndedEffect[]): Promise<readonly string[]>
  /** A bank or card provider took the order. */
  onSent?(trx: Trx, effects: readonly EndedEffect[]): Promise<readonly string[]>
  /** Asked right before coins leave, outside of any transaction, whether they still may; all may where nobody judges. */
  judge?(transfers: readonly PlannedTransfer[]): Promise<Judgement>
}

/** Coins that are about to leave. */
export interface PlannedTransfer {
  id: string
  purpose: string
  chain: string
  to: Address
}

/** Transfers that must not go, which fail, and those that can't be judged now, which wait. */
export interface Judgement {
  refused: { id: string; reason: string }[]
  waiting: { id: string; reason: string }[]
}

export interface EndedEffect {
  id: string
  integrationId: number
  kind: EffectsTable['kind']
  purpose: string
  reference: string
  door: string
  asset: string
  units: bigint
  state: 'sent' | 'confirmed' | 'failed' | 'cancelled'
  txid: string | null
  reason: string | null
}

export interface DispatchSettings {
  /** How long the first planned transfer waits for others to share its transaction, on the platform's clock. */
  gatherMs: number
  /** Most transfers in one transaction. */
  batchSize: number
  /** Fewer than this go singly: the allowance of a batch costs a transaction of its own. */
  minBatch: number
  /** Most transactions of one wallet that are in no block yet; nodes keep few of one sender. */
  maxInFlight: number
  /** After how long in no block a transaction gets a higher fee, in real time. */
  stuckAfterMs: number
  /** After how long a nonce that somebody else used halts the wallet, in real time: nodes may lag behind each other. */
  foreignAfterMs: number
  /** The most base units of an asset that may leave one wallet on one day; null: no cap. */
  dailyCapUnits: (asset: string) => bigint | null
}

export const DISPATCH_DEFAULTS: DispatchSettings = {
  gatherMs: 250,
  batchSize: 100,
  minBatch: 4,
  maxInFlight: 48,
  stuckAfterMs: 30_000,
  foreignAfterMs: 15_000,
  dailyCapUnits: () => null,
}

/** What a chain transaction does, as its row keeps it: amounts and gas as decimal text. */
export interface StoredRequest {
  to: Address
  data: Hex
  value: string
  gas: string
}

export const walletDoor = (chain: string, address: string): string => `wallet:${chain}:${address}`

/** `bank:<iban>`, `card:<provider>`, `paypal:<provider>`, `local:<provider>`, `wallet:<chain>:<address>`: what a door leads through. */
export const doorKind = (door: string): string => door.slice(0, door.indexOf(':'))

export const lanesOfChain = (chain: string) =>
  ({
    dispatch: `coins-dispatch:${chain}`,
    /** The same out of addresses for deposits: slow ones hold up no customer's coins. */
    collect: `coins-collect:${chain}`,
    prepare: `coins-prepare:${chain}`,
    send: `coins-send:${chain}`,
    watch: `coins-watch:${chain}`,
    chain: `chain:${chain}`,
  }) as const

/** The lane that works off planned money of this kind and asset. */
export function laneOfEffect(kind: EffectsTable['kind'], asset: string): string {
  return kind === 'coin_transfer' ? lanesOfChain(asset.slice(0, asset.indexOf(':'))).dispatch : 'payouts'
}
