import { sql } from 'kysely'
import type { App } from '../../app.ts'
import type { Lane } from '../../kernel/lanes.ts'
import { BANK_LINE_LANE } from '../record-lines.ts'
import { lookAtEffects } from './look-at-effects.ts'
import { nameFileSums, nameOddDebits } from './name-debits.ts'
import { settleBatches } from './settle-file.ts'
import { takeEarlierDebits } from './take-over.ts'

export const ORDER_LANE = 'bank-orders'

type Needs = Pick<App, 'db' | 'clock' | 'wake' | 'log'>

/**
 * Follows orders that left in files by what the statements say: an order whose debit was read is booked. A bank that
 * books a whole file as one line is understood when the line names the file: in its text, as its reference, or as the
 * batch that it is the sum of (camt `PmtInfId`, `MsgId`).
 */
export function orderLane(app: Needs): Lane {
  return {
    name: ORDER_LANE,
    pollMs: 5_000,
    async step() {
      const settled = (await settleBatches(app)) + (await takeEarlierDebits(app)) + (await settleOrders(app))
      // After the sums of whole files: these carry a file's name where single orders have theirs.
      await nameFileSums(app)
      await nameOddDebits(app)
      if (settled > 0) app.wake('payouts', BANK_LINE_LANE)
      return settled
    },
    // It follows statements, whenever they come.
    nextDue: async () => null,
  }
}

/** Orders whose debit was read. Answers how many. */
async function settleOrders({ db, clock }: Needs): Promise<number> {
  return db.transaction().execute(async (trx) => {
    const now = clock.now()
    const { rows } = await sql<{ idempotencyKey: string }>`
      update file_orders o set state = 'booked', reason = null, reason_text = null, updated_at = ${now}
        from bank_transactions t
       where o.state in ('accepted', 'rejected') and o.file_id is not null
         and t.iban = o.iban and t.transfer_ref = o.idempotency_key and t.direction = 'debit'
      returning o.idempotency_key`.execute(trx)
    await lookAtEffects(
      trx,
      rows.map(({ idempotencyKey }) => idempotencyKey),
      now,
    )
    return rows.length
  })
}
