import { sql } from 'kysely'
import type { Db, Trx } from '../../../db/database.ts'
import { randomText } from '../../../kernel/ids.ts'
import { ibanOf } from '../iban.ts'

/** The most that a SEPA transfer carries: 999,999,999.99. */
export const MOST_UNITS = 99_999_999_999n
export const TOO_MUCH = 'must be at most 999999999.99, the most that a bank transfer carries'

export interface IncomingTransfer {
  /** The account it goes to. */
  iban: string
  units: bigint
  currency: string
  fromName: string
  fromIban: string
  concept: string
  endToEndId?: string
  /** When it is booked, on the platform's clock. */
  dueAt: Date
  now: Date
}

/** Somebody's bank sends money to an account at ours. False: there is no such account in that currency. */
export async function receiveTransfer(db: Db | Trx, transfer: IncomingTransfer): Promise<boolean> {
  const { numAffectedRows } = await sql`
    insert into simulated.bank_transfers (id, iban, direction, units, currency, counterparty_name, counterparty_iban,
           concept, end_to_end_id, due_at, created_at, updated_at)
    select ${`tr_${randomText(24)}`}, iban, 'in', ${transfer.units}, currency, ${transfer.fromName}, ${transfer.fromIban},
           ${transfer.concept}, ${transfer.endToEndId ?? null}, ${transfer.dueAt}::timestamptz,
           ${transfer.now}::timestamptz, ${transfer.now}::timestamptz
      from simulated.bank_accounts where iban = ${transfer.iban} and currency = ${transfer.currency}`.execute(
    db,
  )
  return numAffectedRows === 1n
}

/** The account of a simulated payer at another bank: the same for the same name, with check digits that fit. */
export function payerIban(name: string): string {
  let hash = 0n
  for (const character of name) hash = (hash * 1_000_003n + BigInt(character.codePointAt(0)!)) % 10n ** 10n
  // Germany's numbers have no check digits of their own; 00000000 is no bank.
  return ibanOf('DE', `00000000${String(hash).padStart(10, '0')}`)
}
