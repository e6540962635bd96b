import { sql } from 'kysely'
import type { Trx } from '../db/database.ts'

/**
 * Lines that came back before their debits, and were left for a person, are looked at again: these debits are read now.
 * `names` are references of the bank and keys of ours.
 */
export async function recallEarlyReturns(trx: Trx, names: readonly string[], now: Date): Promise<void> {
  if (names.length === 0) return
  await sql`
    update bank_transactions set due_at = ${now}, lease_until = null
     where transfer_ref = any(${[...names]}::text[]) and iban in (select iban from bank_accounts)
       and direction = 'credit' and matched_units = 0 and due_at is null
       and starts_with(match_reasons->>0, 'return:early')`.execute(trx)
}
