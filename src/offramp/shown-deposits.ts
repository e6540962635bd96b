import { type Selectable, sql } from 'kysely'
import { Type } from 'typebox'
import type { Db, Trx } from '../db/database.ts'
import type { DepositsTable } from '../db/schema.ts'
import { wireTime } from '../kernel/clock.ts'
import { assetOf } from '../money/asset.ts'
import { nullable, WireTime } from '../server/fields.ts'
import type { Sale } from './sale.ts'

/** Anybody can throw dust at an address: more than this is not shown. */
const SHOWN = 100

/** A deposit as a sale shows it. */
export type ShownDeposit = Pick<
  Selectable<DepositsTable>,
  'txHash' | 'asset' | 'units' | 'state' | 'outcome' | 'settledAt' | 'returnRound' | 'firstSeenAt'
>

const STATES = ['confirming', 'counted', 'held', 'returning', 'returned', 'kept'] as const
const REASONS = ['wrong_asset', 'blocked_sender', 'dust'] as const

/** Coins that came to a sale's address, whether they count for it or not. */
export const DepositObject = Type.Object({
  txid: nullable(
    Type.String({ description: 'Null where only the balance of the address tells of the coins.' }),
  ),
  crypto: Type.String({ description: 'The symbol of the coin that came.' }),
  amount: Type.String({ description: 'In base units of that coin.', examples: ['5000000000'] }),
  decimals: Type.Integer({ description: 'Decimals of that coin on this chain.' }),
  state: Type.String({
    enum: STATES,
    description:
      '`confirming`: not final yet. `counted`: part of `received_amount`, and not on its way back. `held`: not counted, and a person decides. `returning`, `returned`: goes back, went back; of a counted one only when all of it does. `kept`: not counted, and stays with us.',
  }),
  reason: nullable(Type.String({ enum: REASONS, description: 'Why it was not counted.' })),
  created_at: WireTime,
})

/** What a sale shows of its deposits. */
export interface ShownDeposits {
  deposits: ShownDeposit[]
  /** When one of them changed last, or vanished; null when nothing ever came. */
  changedAt: Date | null
}

export const NOTHING_SHOWN: ShownDeposits = { deposits: [], changedAt: null }

/**
 * The deposits of sales, those that vanished from the chain left out: at most a hundred of each sale, the oldest first,
 * dust last.
 */
export async function loadShownDeposits(
  db: Db | Trx,
  sales: readonly Pick<Sale, 'integrationId' | 'id'>[],
): Promise<Map<string, ShownDeposits>> {
  const shown = new Map<string, ShownDeposits>()
  if (sales.length === 0) return shown
  const { rows } = await sql<ShownDeposit & { ofSale: string; changedAt: Date | null; isDeposit: boolean }>`
    select given.sale_id as of_sale, latest.changed_at, d.sale_id is not null as is_deposit, d.*
      from unnest(${sales.map(({ integrationId }) => integrationId)}::integer[],
                           ${sales.map(({ id }) => id)}::text[]) given (integration_id, sale_id)
     cross join lateral (
       select max(updated_at) as changed_at from deposits
        where deposits.integration_id = given.integration_id and deposits.sale_id = given.sale_id) latest
      left join lateral (
       select sale_id, tx_hash, asset, units, state, outcome, settled_at, return_round, first_seen_at from deposits
        where deposits.integration_id = given.integration_id and deposits.sale_id = given.sale_id and state <> 'vanished'
        order by outcome is not distinct from 'dust', first_seen_at, block_height, ordinal, id limit ${SHOWN}) d on true`.execute(
    db,
  )
  for (const { ofSale, changedAt, isDeposit, ...deposit } of rows) {
    if (!shown.has(ofSale)) shown.set(ofSale, { deposits: [], changedAt })
    if (isDeposit) shown.get(ofSale)!.deposits.push(deposit)
  }
  return shown
}

/** What of a sale's object is about its deposits: coins that come move its time even where they move nothing else. */
export function wireDeposits({ updatedAt }: Pick<Sale, 'updatedAt'>, { deposits, changedAt }: ShownDeposits) {
  return {
    deposits: deposits.map(wireDeposit),
    updated_at: wireTime(changedAt !== null && changedAt > updatedAt ? changedAt : updatedAt),
  }
}

function wireDeposit(deposit: ShownDeposit) {
  const { txHash, asset, units, outcome, firstSeenAt } = deposit
  const coin = assetOf(asset)
  return {
    txid: /^0x[0-9a-f]{64}$/i.test(txHash) ? txHash : null,
    crypto: coin.symbol,
    amount: units.toString(),
    decimals: coin.decimals,
    state: stateOf(deposit),
    reason: outcome === null || outcome === 'credited' ? null : REASON_OF[outcome],
    created_at: wireTime(firstSeenAt),
  }
}

const REASON_OF = { wrong_asset: 'wrong_asset', blocked: 'blocked_sender', dust: 'dust' } as const

/** What became of a deposit. */
export function stateOf({
  outcome,
  settledAt,
  returnRound,
}: Pick<ShownDeposit, 'outcome' | 'settledAt' | 'returnRound'>): (typeof STATES)[number] {
  switch (outcome) {
    case null:
      return 'confirming'
    case 'credited':
      if (returnRound === null) return 'counted'
      return settledAt === null ? 'returning' : 'returned'
    case 'dust':
      return 'kept'
    case 'wrong_asset':
    case 'blocked':
      if (returnRound === null) return settledAt === null ? 'held' : 'kept'
      return settledAt === null ? 'returning' : 'returned'
  }
}
