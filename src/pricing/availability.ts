import { sql } from 'kysely'
import type { Logger } from 'pino'
import type { Db } from '../db/database.ts'
import type { Clock } from '../kernel/clock.ts'
import { UNSEALED_POSTINGS } from '../ledger/book.ts'
import type { Asset } from '../money/asset.ts'

/** Whether the hot wallets can deliver. */
export interface Availability {
  /** Whether one hot wallet holds that many base units of the coin beyond what is on its way out. */
  available(asset: Asset, units: bigint): boolean
  /** What the fullest hot wallet has to give, in base units; 0 when nothing is known. */
  freeUnits(asset: Asset): bigint
  /** Reads the wallets now. */
  refresh(): Promise<void>
  start(): void
  stop(): Promise<void>
}

export interface AvailabilityOptions {
  db: Db
  clock: Clock
  log: Logger
}

const EVERY_MS = 1_000
/** What was read longer ago says nothing: without the database nobody could deliver either. */
const FORGET_AFTER_MS = 30_000

/**
 * Knows, to the second, what can be bought, so that a quote asks no database. Wrong for a second it does no harm:
 * the coins of a payment are reserved by the effect that sends them.
 */
export function createAvailability({ db, clock, log }: AvailabilityOptions): Availability {
  let free = new Map<string, bigint>()
  let readAtMs = -Infinity
  let failing = false
  let stopped = false
  let running: Promise<void> | undefined
  let timer: NodeJS.Timeout | undefined

  async function read(): Promise<void> {
    try {
      free = await readFreeUnits(db)
      readAtMs = clock.real().getTime()
      failing = false
    } catch (error) {
      if (!failing)
        log.warn({ err: error }, 'The hot wallets could not be read; their last balances are used.')
      failing = true
    }
  }

  function refresh(): Promise<void> {
    running ??= read().finally(() => {
      running = undefined
    })
    return running
  }

  async function goOn(): Promise<void> {
    await refresh()
    if (!stopped) timer = setTimeout(goOn, EVERY_MS).unref()
  }

  function freeUnits(asset: Asset): bigint {
    if (clock.real().getTime() - readAtMs > FORGET_AFTER_MS) return 0n
    return free.get(asset.id) ?? 0n
  }

  return {
    freeUnits,
    available: (asset, units) => freeUnits(asset) >= units,
    refresh,
    start() {
      stopped = false
      void goOn()
    },
    async stop() {
      stopped = true
      clearTimeout(timer)
      await running
    },
  }
}

/**
 * By asset: the balance of each hot wallet (sealed checkpoint and what is not sealed yet) less the effects that will still leave it; the fullest wallet counts,
 * as one transfer leaves one wallet. A halted door gives nothing.
 */
async function readFreeUnits(db: Db): Promise<Map<string, bigint>> {
  const { rows } = await sql<{ asset: string; units: bigint }>`
    with hot as (
      select 'wallet:' || chain || ':' || address as door from wallets where role = 'hot'
    ), held as (
      select account as door, asset, units from balance_checkpoints where account in (select door from hot)
      union all
      select account, asset, units from ${UNSEALED_POSTINGS} p where account in (select door from hot)
    ), leaving as (
      select door, asset, -sum(units) as units from effects
       where state in ('planned', 'reserved', 'prepared', 'sent', 'unknown') group by door, asset
    ), free as (
      select door, asset, sum(units) as units
        from (select * from held union all select * from leaving) as everything
       group by door, asset
    )
    select asset, max(free.units) as units
      from free join hot using (door) left join doors using (door)
     where doors.halted_at is null
     group by asset`.execute(db)
  return new Map(rows.map(({ asset, units }) => [asset, units]))
}
