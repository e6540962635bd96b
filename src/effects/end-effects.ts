import { sql } from 'kysely'
import type { Trx } from '../db/database.ts'
import { bookAll } from '../ledger/book.ts'
import type { EffectNeeds, EffectRoom, EndedEffect } from './model.ts'

export interface EffectEnd {
  id: string
  state: 'confirmed' | 'failed' | 'cancelled'
  txid: string | null
  reason: string | null
  /** Its share of the gas, in units of the native coin. */
  gasUnits: bigint | null
}

/**
 * Records the end of effects, which the caller has locked: their rows, the entries of coins that left, and what the
 * rooms that planned them do about it, all in this transaction. Answers the lanes to wake after it.
 */
export async function endEffects(
  trx: Trx,
  needs: Pick<EffectNeeds, 'clock' | 'rooms'>,
  ends: readonly EffectEnd[],
): Promise<string[]> {
  if (ends.length === 0) return []
  const now = needs.clock.now()
  const { rows } = await sql<EndedEffect & { account: string | null }>`
    update effects
       set state = given.state, txid = given.txid, reason = given.reason, gas_units = given.gas_units,
           given_up = null, due_at = null, lease_until = null, updated_at = ${now},
           confirmed_at = case when given.state = 'confirmed' then ${now}::timestamptz end
      from unnest(${ends.map(({ id }) => id)}::text[], ${ends.map(({ state }) => state)}::text[],
                  ${ends.map(({ txid }) => txid)}::text[], ${ends.map(({ reason }) => reason)}::text[],
                  ${ends.map(({ gasUnits }) => gasUnits?.toString() ?? null)}::numeric[])
           given (id, state, txid, reason, gas_units)
     where effects.id = given.id
    returning effects.id, integration_id, kind, purpose, reference, door, asset, units, account, effects.state,
              effects.txid, effects.reason`.execute(trx)
  const left = rows.filter(({ kind, state }) => kind === 'coin_transfer' && state === 'confirmed')
  await bookAll(
    trx,
    left.map(({ id, integrationId, reference, asset, units, door, account }) => ({
      kind: 'dispatch',
      purpose: `effect:${id}`,
      integrationId,
      reference,
      at: now,
      postings: [
        { account: account!, asset, units },
        { account: door, asset, units: -units },
      ],
    })),
  )
  return tellRooms(trx, needs.rooms, rows)
}

/** Tells each room of its own effects. Answers the lanes to wake. */
export async function tellRooms(
  trx: Trx,
  rooms: Readonly<Record<string, EffectRoom>>,
  effects: readonly EndedEffect[],
): Promise<string[]> {
  const lanes = new Set<string>()
  for (const [name, own] of Map.groupBy(effects, ({ reference }) =>
    reference.slice(0, reference.indexOf(':')),
  )) {
    const room = rooms[name]
    if (!room) throw new Error(`No room answers for effects of ${name}, such as ${own[0]!.id}.`)
    for (const [state, same] of Map.groupBy(own, (effect) => effect.state)) {
      for (const lane of await tell(trx, room, state, same)) lanes.add(lane)
    }
  }
  return [...lanes]
}

async function tell(
  trx: Trx,
  room: EffectRoom,
  state: EndedEffect['state'],
  effects: readonly EndedEffect[],
): Promise<readonly string[]> {
  switch (state) {
    case 'confirmed':
      return room.onConfirmed(trx, effects)
    case 'sent':
      return (await room.onSent?.(trx, effects)) ?? []
    case 'failed':
    case 'cancelled':
      return room.onFailed(trx, effects)
  }
}
