import { sql } from 'kysely'
import type { Db } from '../src/db/database.ts'
import type { Secrets } from '../src/kernel/secrets.ts'
import { COUNTERPARTY_PURPOSE } from '../src/onramp/refund-sources.ts'

/** An account of the first integration's own, which the bank has booked so many lines on. */
export const FULL_IBAN = 'ES7921000813610123456789'
const AT_ONCE = 100_000

/**
 * Fills the account as the matching leaves it: nine in ten lines came, each for a payment, but one in a hundred that
 * waits for a person; the others are transfers of ours.
 */
export async function fillAccount(
  { db, secrets }: { db: Db; secrets: Secrets },
  lines: number,
  tell: (line: string) => void,
): Promise<void> {
  const sealed = secrets.seal(COUNTERPARTY_PURPOSE, JSON.stringify({ name: 'Ana García López', iban: null }))
  await db
    .insertInto('bankAccounts')
    .values({
      iban: FULL_IBAN,
      integrationId: 1,
      bic: 'SIMBESMMXXX',
      bankName: 'Banco Simulado',
      holderName: 'Sandbox Remittances',
      currency: 'EUR',
      createdAt: sql<Date>`now()`,
    })
    .execute()
  await db.connection().execute(async (one) => {
    await sql`set synchronous_commit = off`.execute(one)
    await sql`set session_replication_role = replica`.execute(one)
    for (let first = 1; first <= lines; first += AT_ONCE) {
      await fillPart(one, sealed, first, Math.min(lines, first + AT_ONCE - 1))
      if (lines > AT_ONCE) tell(`${Math.min(lines, first + AT_ONCE - 1)} bank lines are in`)
    }
    await sql`reset session_replication_role`.execute(one)
    await sql`reset synchronous_commit`.execute(one)
    await sql`vacuum analyze bank_transactions, bank_matches, bank_accounts`.execute(one)
  })
}

async function fillPart(db: Db, sealed: Buffer, first: number, last: number): Promise<void> {
  const range = sql`generate_series(${first}::integer, ${last}::integer) n`
  const id = sql`'line' || lpad(n::text, 21, '0')`
  const at = sql`now() - n * interval '10 seconds'`
  const went = sql`n % 10 = 0`
  const waits = sql`n % 100 = 1`
  await sql`
    insert into bank_transactions (iban, id, bank_ref, booked_at, booked_on, value_date, direction, units, matched_units,
                                   currency, counterparty_sealed, concept, transfer_ref, state, match_reasons, created_at)
    select ${FULL_IBAN}, ${id}, 'ref-' || n, ${at}, (${at})::date, (${at})::date,
           case when ${went} then 'debit' else 'credit' end, 15050, case when ${went} or ${waits} then 0 else 15050 end,
           'EUR', ${sealed}, n::text, case when ${went} then 'transfer-' || n end,
           case when ${waits} then 'unmatched' else 'matched' end, '["The text is the payment''s number."]', ${at}
      from ${range}`.execute(db)
  await sql`
    insert into bank_matches (iban, transaction_id, integration_id, payment_id, units, matched_by, booked_at, created_at)
    select ${FULL_IBAN}, ${id}, 1, 'payment' || lpad(n::text, 18, '0'), 15050, 'automatic', ${at}, ${at}
      from ${range} where not (${went} or ${waits})`.execute(db)
}
