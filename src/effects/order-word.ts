import { sql } from 'kysely'
import type { Trx } from '../db/database.ts'
import type { EffectsTable } from '../db/schema.ts'
import { ProviderError } from '../providers/provider-error.ts'
import type { EffectNeeds } from './model.ts'
import { findPayoutPort, type PayoutProgress } from './payout-ports.ts'

/** An order at a bank or card provider, as it is judged by. */
export interface OpenOrder {
  id: string
  kind: EffectsTable['kind']
  door: string
  idempotencyKey: string
}

/** What the provider says of an order right now. */
export type ProviderWord =
  | PayoutProgress
  /** It knows no such order; one that was sent a moment ago may still come to it. */
  | { state: 'not_known' }
  | { state: 'no_answer'; problem: string }
  /** Nobody is configured whom one could ask. */
  | { state: 'nobody' }

/** Asks the provider about an order by its key, outside of any transaction. Never throws for what the provider does. */
export async function askProvider(
  needs: Pick<EffectNeeds, 'db' | 'clock' | 'secrets' | 'bank' | 'cards' | 'redirects'>,
  { door, idempotencyKey }: OpenOrder,
): Promise<ProviderWord> {
  const port = findPayoutPort(needs, door)
  if (!port) return { state: 'nobody' }
  try {
    return (await port.find({ idempotencyKey, door })) ?? { state: 'not_known' }
  } catch (error) {
    if (error instanceof ProviderError) return { state: 'no_answer', problem: error.message }
    throw error
  }
}

/**
 * Whether the line of the bank was read that takes a locked order's money off our account. By the bank's reference, or
 * by our key, as a statement may name it before the bank told its own; an order whose answer was lost is known by the id
 * that it carries.
 */
export async function isDebitRead(trx: Trx, id: string): Promise<boolean> {
  const { rows } = await sql`
    select from effects e
     where e.id = ${id} and e.kind = 'bank_transfer' and ${DEBIT_READ}`.execute(trx)
  return rows.length > 0
}

/** The same, of an effect `e` in a statement. */
export const DEBIT_READ = sql<boolean>`(
  exists (select from bank_transactions t
           where t.iban = split_part(e.door, ':', 2) and t.direction = 'debit'
             and t.transfer_ref in (e.provider_ref, e.idempotency_key))
  or (e.provider_ref is null and exists (
      select from bank_transactions t
       where t.iban = split_part(e.door, ':', 2) and t.direction = 'debit' and t.transfer_ref is not null
         and t.end_to_end_id = e.idempotency_key)))`

/** Somebody asks the provider about the locked order at this moment, and may send it anew. */
export async function isBeingAsked(trx: Trx, id: string): Promise<boolean> {
  const { rows } = await sql`
    select from effects where id = ${id} and lease_until > clock_timestamp()`.execute(trx)
  return rows.length > 0
}
