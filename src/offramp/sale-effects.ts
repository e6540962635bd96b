import { sql } from 'kysely'
import type { Trx } from '../db/database.ts'
import type { EffectsTable } from '../db/schema.ts'
import { RefusedOperation } from '../effects/operate-effects.ts'
import { DEBIT_READ } from '../effects/order-word.ts'
import { loadOpenDeposits } from './deposit-store.ts'
import { takeMoneyBack } from './pay-out.ts'
import { changedReturn, type Sale, saleReference } from './sale.ts'
import { type SaleChanges, setSaleFields } from './sale-changes.ts'
import { holdCoinsAgain, roundOf } from './sale-room.ts'

/** Money or coins of a sale that are to go out, or could not. */
export interface SaleEffect {
  id: string
  reference: string
  kind: EffectsTable['kind']
  purpose: string
  door: string
  asset: string
  units: bigint
  state: EffectsTable['state']
  /** The bank took the money off our account: it comes back by a line of the bank alone. */
  booked: boolean
}

/** The effects of a sale that are not over, locked: before the sale, as everywhere. While they are locked none leaves. */
export const lockSaleEffects = (trx: Trx, saleId: string): Promise<SaleEffect[]> =>
  lockEffectsOfSales(trx, [saleId])

/** The same of several sales. */
export async function lockEffectsOfSales(trx: Trx, saleIds: readonly string[]): Promise<SaleEffect[]> {
  if (saleIds.length === 0) return []
  const { rows } = await sql<SaleEffect>`
    select e.id, e.reference, e.kind, e.purpose, e.door, e.asset, e.units, e.state,
           e.kind = 'bank_transfer' and (coalesce(e.reason, '') like 'returned%' or ${DEBIT_READ}) as booked
      from effects e
     where e.reference = any(${saleIds.map(saleReference)}::text[]) and e.state not in ('confirmed', 'cancelled')
     order by e.id for update of e`.execute(trx)
  return rows
}

/** It never left and nothing is about to: it waits for its turn, or was refused. */
export const isStoppable = ({ state, booked }: SaleEffect): boolean =>
  (state === 'planned' || state === 'failed') && !booked

/**
 * Throws when something was planned for the sale after its effects were read, and before it was locked: another person
 * decided at the same moment.
 */
export async function refuseOvertaken(
  trx: Trx,
  saleId: string,
  effects: readonly SaleEffect[],
): Promise<void> {
  const { rows } = await sql<{ purpose: string }>`
    select purpose from effects
     where reference = ${saleReference(saleId)} and state not in ('confirmed', 'cancelled')
       and id <> all(${effects.map(({ id }) => id)}::text[])`.execute(trx)
  if (rows.length > 0)
    throw new RefusedOperation(
      `Sale ${saleId} has just moved on: ${rows[0]!.purpose} was ordered. Look again with "sale show".`,
    )
}

/** Throws when something of the sale is on its way, and names it. */
export function refuseMoving(effects: readonly SaleEffect[]): void {
  const returning = effects.find(({ kind, state }) => kind === 'coin_transfer' && state === 'planned')
  if (returning)
    throw new RefusedOperation(
      `${returning.purpose} is ordered: coins are about to go back. "effects cancel ${returning.id}" stops that.`,
    )
  const moving = effects.find((effect) => !isStoppable(effect))
  if (!moving) return
  const { purpose, id, state, booked } = moving
  throw new RefusedOperation(
    booked
      ? `The bank booked ${purpose} (effect ${id}); its money is not back on our account yet.`
      : `${purpose} (effect ${id}) is ${state}: it may be on its way.`,
  )
}

/**
 * Gives locked effects up that never left, so that nobody can have them tried again: their money and coins are held.
 * `why` is said of a payout that nothing else is said of.
 */
export async function stopEffects(
  trx: Trx,
  changes: SaleChanges,
  sale: Sale,
  effects: readonly SaleEffect[],
  why: string | null = null,
): Promise<void> {
  if (effects.length === 0) return
  await sql`
    update effects set state = 'cancelled', due_at = null, lease_until = null, updated_at = ${changes.now}
     where id = any(${effects.map(({ id }) => id)}::text[])`.execute(trx)
  const open = (await loadOpenDeposits(trx, [sale])).get(sale.id)!
  for (const effect of effects) {
    const { kind, door, asset, units } = effect
    const round = roundOf(effect)
    if (kind === 'bank_transfer') {
      const from = `transit:out:${door.slice('bank:'.length)}`
      takeMoneyBack(changes, sale, { round, units, from, reason: sale.payout?.reason ?? why })
    } else {
      const deposits = open.filter(({ returnRound }) => returnRound === round)
      await holdCoinsAgain(trx, changes, sale, { round, asset, units, deposits })
      setSaleFields(changes, sale, changedReturn(sale, round, 'cancelled'))
    }
  }
}
