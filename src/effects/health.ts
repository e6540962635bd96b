import { sql } from 'kysely'
import type { Db } from '../db/database.ts'
import type { Metrics } from '../kernel/metrics.ts'
import { balanceOf } from '../ledger/book.ts'
import { formatDecimal } from '../money/amount.ts'
import { assetOf, COIN_ASSETS } from '../money/asset.ts'
import { walletDoor } from './model.ts'
import { ASKED_FOR_A_DAY } from './payouts.ts'

/** What keeps money from leaving, as `/readyz` says it. */
export async function findWaitingMoney(db: Db): Promise<{ what: string; why: string; mend: string }[]> {
  const closed = await sql<{ door: string; reason: string | null; halted: boolean; by: string | null }>`
    select door, coalesce(halted_reason, paused_reason) as reason, halted_at is not null as halted, paused_by as by
      from doors where halted_at is not null or paused_at is not null order by door`.execute(db)
  const short = await sql<{ door: string; asset: string; kind: string; count: number }>`
    select door, asset, split_part(reason, ':', 1) as kind, count(*)::int as count from effects
     where state = 'planned' and split_part(reason, ':', 1) in ('coins_short', 'gas_short', 'funds_short', 'daily_cap')
       and not ${isSweep}
     group by 1, 2, 3 order by 1, 2, 3`.execute(db)
  const undecided = await sql<{ door: string; asset: string; count: number }>`
    select door, asset, count(*)::int as count from effects
     where state in ('sent', 'unknown') and kind in ('bank_transfer', 'card_refund') and attempts >= ${ASKED_FOR_A_DAY}
       -- What leaves in files takes its bank days, and has rules of its own for how long.
       and not exists (select from file_orders o where o.idempotency_key = effects.idempotency_key)
     group by 1, 2 order by 1, 2`.execute(db)
  return [
    ...closed.rows.map(({ door, reason, halted, by }) => ({
      what: `door ${door}`,
      why: halted ? `It is halted: ${reason}` : `It was paused by ${by}: ${reason}`,
      mend: halted
        ? 'Find out what happened, then resolve it with the command line.'
        : 'Resume it with the command line.',
    })),
    ...short.rows.map(({ door, asset, kind, count }) => ({
      what: `door ${door}`,
      why: `${count} transfers of ${asset} wait: ${kind}.`,
      mend: MENDS[kind]!,
    })),
    ...undecided.rows.map(({ door, asset, count }) => ({
      what: `door ${door}`,
      why: `${count} orders in ${asset} were given a day ago and more, and nobody knows their end.`,
      mend: 'Ask the bank or provider what became of them; "effects list" names them, "effects settle <id> --bank-says booked|rejected|not-received" records its word.',
    })),
  ]
}

const MENDS: Readonly<Record<string, string>> = {
  coins_short: 'Send coins to the wallet and record the funding.',
  gas_short: 'Send native coins for gas to the wallet and record the funding.',
  funds_short: 'Send money to the account; they go by themselves when it is booked.',
  daily_cap: 'They go on the next day; raise the cap if it is too low.',
}

/** Coins out of a sale's address: of these there are many, and what they lack is brought to them. */
const isSweep = sql<boolean>`(starts_with(reference, 'sweep:') and split_part(purpose, ':', 3) = 'coins')`

/** Sets the gauges of money on its way and of the hot wallets' balances in the books. */
export async function measureMoneyOut(
  db: Db,
  metrics: Pick<Metrics, 'effects' | 'walletUnits'>,
): Promise<void> {
  const open = await sql<{ door: string; state: string; count: number }>`
    select case when ${isSweep} then 'sweeps:' || split_part(asset, ':', 1) else door end as door, state,
           count(*)::int as count
      from effects where state in ('planned', 'reserved', 'prepared', 'sent', 'unknown') group by 1, 2
    union all
    select door, state, count(*)::int from effects where state = 'failed' group by door, state`.execute(db)
  metrics.effects.reset()
  for (const { door, state, count } of open.rows) metrics.effects.set({ door, state }, count)
  const wallets = await db
    .selectFrom('wallets')
    .select(['chain', 'address'])
    .where('role', '=', 'hot')
    .execute()
  metrics.walletUnits.reset()
  for (const { chain, address } of wallets) {
    const wallet = walletDoor(chain, address)
    for (const { id } of COIN_ASSETS.filter((asset) => asset.chain === chain)) {
      const units = await balanceOf(db, wallet, id)
      metrics.walletUnits.set({ wallet, asset: id }, Number(formatDecimal(units, assetOf(id).decimals)))
    }
  }
}
