import type { App } from '../../app.ts'
import type { Lane } from '../../kernel/lanes.ts'
import { lockBooks } from '../lock-books.ts'
import { BANK_LINE_LANE } from '../record-lines.ts'
import { bookReadOrders } from './book-orders.ts'
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
      // Single debits before sums, so that nothing of a sum is open that was read by itself.
      const settled = (await settleOrders(app)) + (await settleBatches(app)) + (await takeEarlierDebits(app))
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
function settleOrders({ db, clock }: Needs): Promise<number> {
  return db.transaction().execute(async (trx) => {
    await lockBooks(trx, 'shared')
    return bookReadOrders(trx, clock.now())
  })
}
