import type { App } from '../app.ts'
import { recordAudit } from '../common/integration-store.ts'
import { isUniqueViolation } from '../db/unique-violation.ts'
import { type Change, RefusedOperation } from '../effects/operate-effects.ts'
import { book } from '../ledger/book.ts'
import { bankOf } from './record-lines.ts'

/**
 * Books what an account held before its first line in the books, as money of the treasury; once for each account.
 * `units` are base units of its currency, negative when it was overdrawn. Throws `RefusedOperation`.
 */
export async function bookOpening(
  { db, clock }: Pick<App, 'db' | 'clock'>,
  { iban, units }: { iban: string; units: bigint },
  { who, why }: Change,
): Promise<void> {
  if (units === 0n) throw new RefusedOperation('An account that began with nothing has no opening to book.')
  const now = clock.now()
  try {
    await db.transaction().execute(async (trx) => {
      const account = await trx
        .selectFrom('bankAccounts')
        .select('currency')
        .where('iban', '=', iban)
        .executeTakeFirst()
      if (!account) throw new RefusedOperation(`We have no account ${iban}. "accounts list" shows them.`)
      await book(trx, {
        kind: 'treasury',
        purpose: `treasury:bank:${iban}`,
        integrationId: null,
        reference: iban,
        at: now,
        postings: [
          { account: bankOf(iban), asset: account.currency, units },
          { account: 'equity:treasury', asset: account.currency, units: -units },
        ],
      })
      const target = `bank-account:${iban}`
      await recordAudit(trx, now, {
        who,
        why,
        action: 'bank-account.opening',
        target,
        after: { units: units.toString() },
      })
    })
  } catch (error) {
    if (isUniqueViolation(error)) throw new RefusedOperation(`The opening of ${iban} is booked already.`)
    throw error
  }
}
