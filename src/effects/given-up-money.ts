import { sql } from 'kysely'
import type { Trx } from '../db/database.ts'
import { RefusedOperation } from './operate-effects.ts'

/**
 * Throws while money left by an order of a sale or payment that was given up, and nobody has settled that: another may
 * be one too many. `reference` is `sale:<id>` or `payment:<id>`.
 */
export async function refuseTaken(trx: Trx, reference: string): Promise<void> {
  const { rows } = await sql<{ id: string; iban: string; line: string }>`
    select e.id, t.iban, t.id as line
      from effects e
      join bank_transactions t on t.iban = split_part(e.door, ':', 2) and t.transfer_ref in (e.provider_ref, e.idempotency_key)
     where e.reference = ${reference} and e.kind = 'bank_transfer' and e.state = 'cancelled'
       and t.direction = 'debit' and t.state = 'unmatched'`.execute(trx)
  const [taken] = rows
  if (taken)
    throw new RefusedOperation(
      `The bank took the money of effect ${taken.id}, which was given up. Settle that first: "accounts claim ${taken.iban} ${taken.line}".`,
    )
}
