import { type Selectable, sql } from 'kysely'
import type { Db } from '../../../db/database.ts'
import type { SimulatedDatabase } from '../../../db/simulated-schema.ts'
import { notificationHead } from '../../simulated/outbox.ts'
import type { RedirectSessionState } from '../port.ts'

export type RedirectSessionRow = Selectable<SimulatedDatabase['simulated.redirectSessions']>
export type RedirectKind = RedirectSessionRow['kind']

export function findSession(db: Db, kind: RedirectKind, id: string): Promise<RedirectSessionRow | undefined> {
  return db
    .selectFrom('simulated.redirectSessions')
    .selectAll()
    .where('kind', '=', kind)
    .where('id', '=', id)
    .executeTakeFirst()
}

/** The state at a time: a session whose time is over is expired, whether or not the lane has been there. */
export function stateAt(row: RedirectSessionRow, now: Date): RedirectSessionState {
  return row.state === 'open' && row.expiresAt <= now ? 'expired' : row.state
}

/** Of the simulated PayPal's every dispute. */
export const DISPUTE_REASON = 'not_received'

/** From the approval of a buyer who then disputes it to the dispute, on the platform's clock. */
const DISPUTE_DELAY_MS = 120_000

/** The customer pays on the page. Undefined: the session is over; a form sent twice pays once. */
export async function approve(db: Db, id: string, now: Date): Promise<RedirectSessionRow | undefined> {
  return pay(db, openAt(id, now), now)
}

/** The customer pays on the page, and disputes the payment two minutes later. PayPal alone knows disputes. */
export async function approveAndDispute(
  db: Db,
  id: string,
  now: Date,
): Promise<RedirectSessionRow | undefined> {
  const dueAt = new Date(now.getTime() + DISPUTE_DELAY_MS)
  return pay(db, sql`kind = 'paypal' and ${openAt(id, now)}`, now, dueAt)
}

const openAt = (id: string, now: Date) => sql`id = ${id} and state = 'open' and expires_at > ${now}`

/**
 * Somebody pays with the code at a bank or a shop: it is taken whatever has become of the session, and as often as it
 * is paid. Undefined where there is no code.
 */
export async function payByCode(db: Db, id: string, now: Date): Promise<RedirectSessionRow | undefined> {
  return pay(db, sql`id = ${id} and code is not null`, now)
}

/** The code that was to be paid by now is paid, once. */
export async function payWhenDue(db: Db, id: string, now: Date): Promise<RedirectSessionRow | undefined> {
  return pay(db, sql`id = ${id} and pay_due_at <= ${now}`, now)
}

/** The code will be paid at that time, by itself. */
export async function payLater(db: Db, id: string, dueAt: Date): Promise<RedirectSessionRow | undefined> {
  return db
    .updateTable('simulated.redirectSessions')
    .set({ payDueAt: dueAt })
    .where('id', '=', id)
    .where('code', 'is not', null)
    .returningAll()
    .executeTakeFirst()
}

async function pay(
  db: Db,
  which: ReturnType<typeof sql>,
  now: Date,
  disputeDueAt: Date | null = null,
): Promise<RedirectSessionRow | undefined> {
  const { rows } = await sql<RedirectSessionRow>`
    with paid as (
      update simulated.redirect_sessions
         set state = 'paid', paid_units = paid_units + units, pay_due_at = null, dispute_due_at = ${disputeDueAt},
             payer_name = coalesce(customer_name, 'Demo Customer'), updated_at = ${now}
       where ${which} returning *),
    told as (
      insert into simulated.callbacks (provider, notification, due_at)
      select kind, jsonb_build_object(${notificationHead('payment.paid', now)}, 'providerRef', id,
               'reference', reference, 'paidUnits', paid_units::text, 'currency', currency, 'payer', payer_name),
             ${now}::timestamptz
        from paid)
    select * from paid`.execute(db)
  return rows[0]
}

/** The customer's account or bank says no; another session may be begun. */
export async function decline(
  db: Db,
  id: string,
  code: string,
  now: Date,
): Promise<RedirectSessionRow | undefined> {
  const { rows } = await sql<RedirectSessionRow>`
    with declined as (
      update simulated.redirect_sessions set state = 'declined', decline_code = ${code}, updated_at = ${now}
       where id = ${id} and state = 'open' and expires_at > ${now} returning *),
    told as (
      insert into simulated.callbacks (provider, notification, due_at)
      select kind, jsonb_build_object(${notificationHead('payment.declined', now)}, 'providerRef', id,
               'reference', reference, 'code', decline_code), ${now}::timestamptz
        from declined)
    select * from declined`.execute(db)
  return rows[0]
}

/** The customer goes back without paying. */
export async function cancelSession(db: Db, id: string, now: Date): Promise<RedirectSessionRow | undefined> {
  const { rows } = await sql<RedirectSessionRow>`
    with given_up as (
      update simulated.redirect_sessions set state = 'cancelled', updated_at = ${now}
       where id = ${id} and state = 'open' and expires_at > ${now} returning *),
    told as (
      insert into simulated.callbacks (provider, notification, due_at)
      select kind, jsonb_build_object(${notificationHead('session.cancelled', now)}, 'providerRef', id,
               'reference', reference), ${now}::timestamptz
        from given_up)
    select * from given_up`.execute(db)
  return rows[0]
}
