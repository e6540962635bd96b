import { sql } from 'kysely'
import type { Trx } from '../db/database.ts'
import { randomTexts } from '../kernel/ids.ts'
import type { EffectNeeds } from './model.ts'

/** Money that is to go out. */
export interface NewEffect {
  integrationId: number
  /** `card_refund`: back through the provider that took it, whichever the method. */
  kind: 'coin_transfer' | 'bank_transfer' | 'card_refund'
  purpose: string
  reference: string
  /** `bank:<iban>`, or `card:<provider>` and the like; coins leave by the hot wallet that is chosen when they are planned. */
  door: string | null
  asset: string
  units: bigint
  /** What the ledger is debited once coins have left; null for banks and cards, whose rooms book by themselves. */
  account: string | null
  destination: Record<string, unknown>
}

/** Of a hash's bits all but the sign. */
const MOST_HASH = 0x7fffffff

/**
 * Writes what is to go out, in one statement. Of several hot wallets of a chain each gets its share, and none that is
 * halted while another is open.
 */
export async function planEffects(
  trx: Trx,
  effects: readonly NewEffect[],
  { clock, secrets }: Pick<EffectNeeds, 'clock' | 'secrets'>,
): Promise<void> {
  if (effects.length === 0) return
  const now = clock.now()
  await sql`
    with ranked as (
      select chain, door, rank() over (partition by chain order by halted_at is not null, paused_at is not null) as rank
        from (select chain, 'wallet:' || chain || ':' || address as door from wallets where role = 'hot') wallet
        left join doors using (door)
    ), hot as materialized (
      select chain, door, row_number() over (partition by chain order by door) - 1 as place,
             count(*) over (partition by chain) as places
        from ranked where rank = 1
    )
    insert into effects (id, integration_id, kind, purpose, reference, door, asset, units, account, destination_sealed, state,
                         idempotency_key, due_at, created_at, updated_at)
    select given.id, given.integration_id, given.kind, given.purpose, given.reference, coalesce(given.door, hot.door),
           given.asset, given.units, given.account, given.destination_sealed, 'planned', given.id, ${now}, ${now}, ${now}
      from unnest(${randomTexts(effects.length, 25)}::text[],
                  ${effects.map(({ integrationId }) => integrationId)}::integer[],
                  ${effects.map(({ kind }) => kind)}::text[],
                  ${effects.map(({ purpose }) => purpose)}::text[],
                  ${effects.map(({ reference }) => reference)}::text[],
                  ${effects.map(({ door }) => door)}::text[],
                  ${effects.map(({ asset }) => asset)}::text[],
                  ${effects.map(({ units }) => units.toString())}::numeric[],
                  ${effects.map(({ account }) => account)}::text[],
                  ${effects.map(({ destination }) => secrets.seal('effect', JSON.stringify(destination)))}::bytea[])
           given (id, integration_id, kind, purpose, reference, door, asset, units, account, destination_sealed)
      left join hot on given.door is null and hot.chain = split_part(given.asset, ':', 1)
                   and hot.place = (hashtext(given.id) & ${MOST_HASH}) % hot.places`.execute(trx)
}
