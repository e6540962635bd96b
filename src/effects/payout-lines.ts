import { sql } from 'kysely'
import type { App } from '../app.ts'
import type { Db } from '../db/database.ts'
import type { Lane } from '../kernel/lanes.ts'

const BATCH = 500

/**
 * Notes of confirmed bank transfers that the line which took them was read, so that those without one are found among
 * few. The line and the bank's word come in any order.
 */
export function payoutLineLane({ db }: Pick<App, 'db'>): Lane {
  return {
    name: 'payout-lines',
    pollMs: 10_000,
    step: () => noteReadLines(db),
    // It follows lines and confirmations, whenever they come.
    nextDue: async () => null,
  }
}

export async function noteReadLines(db: Db): Promise<number> {
  const { rows } = await sql`
    with read as (
      select e.id from effects e
       where e.kind = 'bank_transfer' and e.state = 'confirmed' and not e.line_read
         and (exists (select from bank_transactions t
                       where t.iban = split_part(e.door, ':', 2) and t.direction = 'debit'
                         and t.transfer_ref in (e.provider_ref, e.idempotency_key))
              or exists (select from file_orders o
                          where o.idempotency_key = e.idempotency_key and o.state in ('booked', 'returned')))
       limit ${BATCH} for update skip locked)
    update effects e set line_read = true from read where e.id = read.id returning e.id`.execute(db)
  return rows.length
}
