import { type Selectable, sql } from 'kysely'
import type { Db } from '../../../db/database.ts'
import type { SimulatedDatabase } from '../../../db/simulated-schema.ts'
import { randomText } from '../../../kernel/ids.ts'
import { notificationHead } from '../../simulated/outbox.ts'
import type { OpenBankingSession } from '../port.ts'
import type { DebtorAccount } from './banks.ts'

export type OpenBankingSessionRow = Selectable<SimulatedDatabase['simulated.openBankingSessions']>

/** From the customer's consent to the money on our account, on the platform's clock. */
const SETTLEMENT_MS = 3_000

export function findSession(db: Db, id: string): Promise<OpenBankingSessionRow | undefined> {
  return db.selectFrom('simulated.openBankingSessions').selectAll().where('id', '=', id).executeTakeFirst()
}

/** The state at a time: a session whose time is over is expired, whether or not the lane has been there. */
export function stateAt(row: OpenBankingSessionRow, now: Date): OpenBankingSession['state'] {
  return row.state === 'open' && row.expiresAt <= now ? 'expired' : row.state
}

/** Chooses a bank, or none to choose again. Each step answers undefined when the session is past it. */
export function chooseBank(db: Db, id: string, bankId: string | null, now: Date) {
  return db
    .updateTable('simulated.openBankingSessions')
    .set({ bankId, loggedIn: false, updatedAt: now })
    .where('id', '=', id)
    .where('state', '=', 'open')
    .where('expiresAt', '>', now)
    .returningAll()
    .executeTakeFirst()
}

export function logIn(db: Db, id: string, now: Date) {
  return db
    .updateTable('simulated.openBankingSessions')
    .set({ loggedIn: true, updatedAt: now })
    .where('id', '=', id)
    .where('state', '=', 'open')
    .where('bankId', 'is not', null)
    .where('expiresAt', '>', now)
    .returningAll()
    .executeTakeFirst()
}

/**
 * The customer says yes with one of the accounts. Covered: the payment is initiated and the transfer is on its way
 * to our account, both in one statement. Not covered: refused. The session must have a logged-in customer.
 */
export async function consent(
  db: Db,
  row: OpenBankingSessionRow,
  account: DebtorAccount,
  now: Date,
): Promise<OpenBankingSessionRow | undefined> {
  if (account.balanceUnits < row.units) return refuse(db, row.id, 'insufficient_funds', now)
  const { rows } = await sql<OpenBankingSessionRow>`
    with initiated as (
      update simulated.open_banking_sessions
         set state = 'initiated', debtor_name = ${account.holder}, debtor_iban = ${account.iban}, updated_at = ${now}
       where id = ${row.id} and state = 'open' and logged_in and expires_at > ${now} returning *),
    sent as (
      insert into simulated.bank_transfers (id, iban, direction, units, currency, counterparty_name, counterparty_iban,
             concept, end_to_end_id, due_at, created_at, updated_at)
      select ${`tr_${randomText(24)}`}, creditor_iban, 'in', units, currency, debtor_name, debtor_iban, concept, id,
             ${new Date(now.getTime() + SETTLEMENT_MS)}::timestamptz, ${now}::timestamptz, ${now}::timestamptz
        from initiated),
    told as (
      insert into simulated.callbacks (provider, notification, due_at)
      select 'open_banking', jsonb_build_object(${notificationHead('payment.initiated', now)}, 'providerRef', id,
               'reference', reference, 'units', units::text, 'currency', currency,
               'debtor', jsonb_build_object('name', debtor_name, 'iban', debtor_iban)), ${now}::timestamptz
        from initiated)
    select * from initiated`.execute(db)
  return rows[0]
}

/** The customer, or the customer's bank, says no. */
export async function refuse(
  db: Db,
  id: string,
  refusal: 'refused_by_customer' | 'insufficient_funds',
  now: Date,
): Promise<OpenBankingSessionRow | undefined> {
  const { rows } = await sql<OpenBankingSessionRow>`
    with refused as (
      update simulated.open_banking_sessions set state = 'refused', refusal = ${refusal}, updated_at = ${now}
       where id = ${id} and state = 'open' and logged_in and expires_at > ${now} returning *),
    told as (
      insert into simulated.callbacks (provider, notification, due_at)
      select 'open_banking', jsonb_build_object(${notificationHead('payment.refused', now)}, 'providerRef', id,
               'reference', reference, 'code', refusal), ${now}::timestamptz
        from refused)
    select * from refused`.execute(db)
  return rows[0]
}

/** The customer goes back without asking a bank for anything. */
export async function cancelSession(
  db: Db,
  id: string,
  now: Date,
): Promise<OpenBankingSessionRow | undefined> {
  const { rows } = await sql<OpenBankingSessionRow>`
    with given_up as (
      update simulated.open_banking_sessions set state = 'cancelled', updated_at = ${now}
       where id = ${id} and state = 'open' and expires_at > ${now} returning *),
    told as (
      insert into simulated.callbacks (provider, notification, due_at)
      select 'open_banking', jsonb_build_object(${notificationHead('session.cancelled', now)}, 'providerRef', id,
               'reference', reference), ${now}::timestamptz
        from given_up)
    select * from given_up`.execute(db)
  return rows[0]
}
