import { sql } from 'kysely'
import type { App } from '../app.ts'
import type { Trx } from '../db/database.ts'
import type { EffectsTable } from '../db/schema.ts'
import { randomText } from '../kernel/ids.ts'
import { coinsPurpose } from './payment.ts'

/** Money of a payment that is to go out. */
export interface NewPaymentEffect {
  integrationId: number
  /** `card_refund`: back through the provider that took it, whichever the method. */
  kind: 'coin_transfer' | 'bank_transfer' | 'card_refund'
  purpose: string
  reference: string
  /** `bank:<iban>`, or `card:<provider>` and the like; coins leave by the hot wallet that is chosen when they are planned. */
  door: string | null
  asset: string
  units: bigint
  destination: Record<string, unknown>
}

/**
 * Writes what is to go out, in one statement. Of several hot wallets of a chain each gets its share, and none that is
 * halted while another is open.
 */
export async function planEffects(
  trx: Trx,
  effects: readonly NewPaymentEffect[],
  { clock, secrets }: Pick<App, 'clock' | 'secrets'>,
): Promise<void> {
  if (effects.length === 0) return
  const now = clock.now()
  await sql`
    insert into effects (id, integration_id, kind, purpose, reference, door, asset, units, destination_sealed, state,
                         idempotency_key, due_at, created_at, updated_at)
    select given.id, given.integration_id, given.kind, given.purpose, given.reference,
           coalesce(given.door, (
             select hot.door
               from (select 'wallet:' || chain || ':' || address as door from wallets
                      where role = 'hot' and chain = split_part(given.asset, ':', 1)) hot
               left join doors on doors.door = hot.door
              order by doors.halted_at is not null, doors.paused_at is not null, md5(hot.door || given.id) limit 1)),
           given.asset, given.units, given.destination_sealed, 'planned', given.id, ${now}, ${now}, ${now}
      from unnest(${effects.map(() => randomText(25))}::text[],
                  ${effects.map(({ integrationId }) => integrationId)}::integer[],
                  ${effects.map(({ kind }) => kind)}::text[],
                  ${effects.map(({ purpose }) => purpose)}::text[],
                  ${effects.map(({ reference }) => reference)}::text[],
                  ${effects.map(({ door }) => door)}::text[],
                  ${effects.map(({ asset }) => asset)}::text[],
                  ${effects.map(({ units }) => units.toString())}::numeric[],
                  ${effects.map(({ destination }) => secrets.seal('effect', JSON.stringify(destination)))}::bytea[])
           given (id, integration_id, kind, purpose, reference, door, asset, units, destination_sealed)`.execute(
    trx,
  )
}

export interface CoinsEffect {
  id: string
  state: EffectsTable['state']
}

/**
 * The payment's transfer of coins, locked: before its payment, as everywhere. Undefined when none was ever planned.
 * While it is locked nothing can dispatch it.
 */
export function lockCoins(trx: Trx, paymentId: string): Promise<CoinsEffect | undefined> {
  return trx
    .selectFrom('effects')
    .select(['id', 'state'])
    .where('purpose', '=', coinsPurpose(paymentId))
    .forUpdate()
    .executeTakeFirst()
}

/** Not a coin has left, and none is about to: it waits for its turn, or was given up for good. */
export const isUndispatched = (coins: CoinsEffect | undefined): boolean =>
  coins === undefined || coins.state === 'planned' || coins.state === 'failed' || coins.state === 'cancelled'

/** Gives a locked, undispatched transfer up, so that nobody can have it tried again. */
export async function cancelCoins(trx: Trx, coins: CoinsEffect, now: Date): Promise<void> {
  await trx
    .updateTable('effects')
    .set({ state: 'cancelled', dueAt: null, leaseUntil: null, updatedAt: now })
    .where('id', '=', coins.id)
    .where('state', 'in', ['planned', 'failed', 'cancelled'])
    .execute()
}
