import type { Trx } from '../db/database.ts'
import type { Posting } from '../ledger/book.ts'
import { conversionPurpose } from './conversion.ts'
import { customerFiat, type Payment } from './payment.ts'
import { bookFor, type PaymentChanges, setFields } from './payment-changes.ts'

/** What the house earned by the work it did; delivery that never happened is not among it. */
const EARNED: ReadonlySet<string> = new Set(['fee:percent', 'fee:fixed', 'fee:spread'])

/**
 * Takes a conversion back at its booked figures: the money is held again, no coin is owed. With `keepFees` the house
 * keeps what it earned. Answers what was kept.
 */
export async function reverseConversion(
  trx: Trx,
  changes: PaymentChanges,
  payment: Payment,
  { keepFees }: { keepFees: boolean },
): Promise<bigint> {
  if (payment.convertedUnits === 0n) return 0n
  const booked = await findPostings(trx, conversionPurpose(payment))
  const kept = keepFees ? booked.filter(({ account }) => EARNED.has(account)) : []
  // Fees were credited, so their entries are negative.
  const keptUnits = -kept.reduce((sum, { units }) => sum + units, 0n)
  const account = customerFiat(payment.id)
  const postings = booked
    .filter((posting) => !kept.includes(posting))
    .map((posting) => ({
      ...posting,
      units: posting.account === account ? keptUnits - posting.units : -posting.units,
    }))
  bookFor(changes, payment, {
    kind: 'conversion_reversed',
    purpose: `${conversionPurpose(payment)}-reversed`,
    postings,
  })
  setFields(changes, payment, { convertedUnits: keptUnits })
  return keptUnits
}

async function findPostings(trx: Trx, purpose: string): Promise<Posting[]> {
  const postings = await trx
    .selectFrom('postings')
    .innerJoin('journals', 'journals.id', 'postings.journalId')
    .select(['account', 'asset', 'units'])
    .where('journals.purpose', '=', purpose)
    .orderBy('line')
    .execute()
  if (postings.length === 0) throw new Error(`There is no journal ${purpose} to reverse.`)
  return postings
}
