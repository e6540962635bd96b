import { sql } from 'kysely'
import type { App } from '../../app.ts'
import { recordAudit } from '../../common/integration-store.ts'
import type { Db } from '../../db/database.ts'
import { type Change, RefusedOperation } from '../../effects/operate-effects.ts'
import { formatAmount } from '../../money/amount.ts'
import { assetOf } from '../../money/asset.ts'
import { lineReference } from '../refund-line.ts'

/** A debit that took back what had left, and at which nobody has looked. */
export interface LostReversal {
  iban: string
  id: string
  /** Base units of `currency`. */
  units: bigint
  currency: string
  bookedAt: Date
  /** Names what had left: the payment, or the transfer that paid it back. */
  reason: string
}

const MOST = 200

/** Oldest first. */
export async function listLost(db: Db): Promise<LostReversal[]> {
  const { rows } = await sql<LostReversal>`
    select iban, id, units, currency, booked_at, match_reasons->>0 as reason from bank_transactions
     where reversal = 'lost' order by booked_at, id limit ${MOST}`.execute(db)
  return rows
}

/** The same as `/readyz` says it. */
export async function findLost(db: Db): Promise<{ what: string; why: string; mend: string }[]> {
  return (await listLost(db)).slice(0, 20).map(({ iban, id, units, currency, reason }) => ({
    what: `line ${id} of ${iban}`,
    why: `The bank took ${formatAmount(units, assetOf(currency))} ${currency} back. ${reason}`,
    mend: `Ask the bank why, and the customer for the money; then "bank seen ${iban} ${id}".`,
  }))
}

/** An operator knows of it: it is told no more. Throws `RefusedOperation` where nothing of the line was lost. */
export async function sawLost(
  { db, clock }: Pick<App, 'db' | 'clock'>,
  { iban, id }: { iban: string; id: string },
  { who, why }: Change,
): Promise<void> {
  await db.transaction().execute(async (trx) => {
    const { rows } = await sql`
      update bank_transactions set reversal = 'seen' where iban = ${iban} and id = ${id} and reversal = 'lost'
      returning id`.execute(trx)
    if (rows.length === 0)
      throw new RefusedOperation(`Line ${id} of ${iban} took nothing back that was lost and nobody saw.`)
    const target = lineReference(iban, id)
    await recordAudit(trx, clock.now(), { who, why, action: 'bank-line.seen', target })
  })
}
