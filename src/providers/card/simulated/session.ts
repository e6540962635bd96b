import { type Selectable, sql } from 'kysely'
import type { Db } from '../../../db/database.ts'
import type { SimulatedDatabase } from '../../../db/simulated-schema.ts'
import { notificationHead } from '../../simulated/outbox.ts'
import type { CardSession } from '../port.ts'
import type { Card } from './card-rules.ts'

export type CardSessionRow = Selectable<SimulatedDatabase['simulated.cardSessions']>

/** Cards a customer may try in one session. */
export const MAX_TRIES = 5
/** Wrong 3-D Secure codes before the bank says no. */
const MAX_WRONG_CODES = 3
/** After a payment with the card that is charged back, on the platform's clock. */
const CHARGEBACK_DELAY_MS = 120_000
/** From the payment to a dispute that is won. */
const DISPUTE_DELAY_MS = 240_000

export function findSession(db: Db, id: string): Promise<CardSessionRow | undefined> {
  return db.selectFrom('simulated.cardSessions').selectAll().where('id', '=', id).executeTakeFirst()
}

/** The state at a time: a session whose time is over is expired, whether or not the lane has been there. */
export function stateAt(row: CardSessionRow, now: Date): CardSession['state'] {
  return row.state === 'open' && row.expiresAt <= now ? 'expired' : row.state
}

/**
 * Tries a card on an open session, as its page does: charged, declined, or 3-D Secure asked for. Each is one
 * statement that only an open session lets through, so that a form sent twice charges once. Undefined: the session
 * did not take it, because it is over or waits for 3-D Secure.
 */
export function tryCard(db: Db, id: string, card: Card, now: Date): Promise<CardSessionRow | undefined> {
  const { behaviour } = card
  switch (behaviour.does) {
    case 'paid':
      return charge(db, id, card, now, {})
    case 'charged_back':
      return charge(db, id, card, now, { chargebackDueAt: new Date(now.getTime() + CHARGEBACK_DELAY_MS) })
    case 'dispute_won':
      return charge(db, id, card, now, {
        chargebackDueAt: new Date(now.getTime() + CHARGEBACK_DELAY_MS),
        disputeDueAt: new Date(now.getTime() + DISPUTE_DELAY_MS),
      })
    case 'declined':
      return decline(db, id, behaviour.code, card, now)
    case 'three_d_secure':
      return askThreeDSecure(db, id, card, now)
  }
}

/** The customer's bank said yes (`passed`) or no to the card that waits for it. Undefined: no card waits. */
export async function answerThreeDSecure(
  db: Db,
  id: string,
  passed: boolean,
  now: Date,
): Promise<CardSessionRow | undefined> {
  if (passed)
    return recordPaid(
      db,
      sql`id = ${id} and three_d_secure = 'required'`,
      sql`three_d_secure = 'passed'`,
      now,
    )
  return recordDeclined(
    db,
    sql`id = ${id} and three_d_secure = 'required'`,
    sql`three_d_secure = 'failed', wrong_codes = 0`,
    'three_d_secure_failed',
    now,
  )
}

/** A wrong 3-D Secure code: counted, and with the third the bank says no. */
export async function countWrongCode(db: Db, id: string, now: Date): Promise<CardSessionRow | undefined> {
  const { rows } = await sql<CardSessionRow>`
    update simulated.card_sessions set wrong_codes = wrong_codes + 1, updated_at = ${now}
     where id = ${id} and state = 'open' and expires_at > ${now} and three_d_secure = 'required'
       and wrong_codes < ${MAX_WRONG_CODES}
    returning *`.execute(db)
  if (rows[0] && rows[0].wrongCodes >= MAX_WRONG_CODES) return answerThreeDSecure(db, id, false, now)
  return rows[0]
}

/** The customer gives up on the provider's page. */
export async function cancelSession(db: Db, id: string, now: Date): Promise<CardSessionRow | undefined> {
  const { rows } = await sql<CardSessionRow>`
    with given_up as (
      update simulated.card_sessions set state = 'cancelled', updated_at = ${now}
       where id = ${id} and state = 'open' and expires_at > ${now} returning *),
    told as (
      insert into simulated.callbacks (provider, notification, due_at)
      select 'card', jsonb_build_object(${notificationHead('session.cancelled', now)}, 'providerRef', id, 'reference', reference), ${now}::timestamptz
        from given_up)
    select * from given_up`.execute(db)
  return rows[0]
}

function charge(
  db: Db,
  id: string,
  card: Card,
  now: Date,
  {
    chargebackDueAt = null,
    disputeDueAt = null,
  }: { chargebackDueAt?: Date | null; disputeDueAt?: Date | null },
) {
  return recordPaid(
    db,
    sql`id = ${id} and three_d_secure <> 'required'`,
    sql`three_d_secure = 'none', chargeback_due_at = ${chargebackDueAt}, dispute_due_at = ${disputeDueAt}, ${cardColumns(card)}`,
    now,
  )
}

function decline(db: Db, id: string, code: string, card: Card, now: Date) {
  return recordDeclined(
    db,
    sql`id = ${id} and three_d_secure <> 'required'`,
    sql`three_d_secure = 'none', ${cardColumns(card)}`,
    code,
    now,
  )
}

async function askThreeDSecure(
  db: Db,
  id: string,
  card: Card,
  now: Date,
): Promise<CardSessionRow | undefined> {
  const { rows } = await sql<CardSessionRow>`
    update simulated.card_sessions
       set three_d_secure = 'required', wrong_codes = 0, ${cardColumns(card)}, updated_at = ${now}
     where id = ${id} and state = 'open' and expires_at > ${now} and three_d_secure <> 'required'
    returning *`.execute(db)
  return rows[0]
}

type Fragment = ReturnType<typeof sql>

const cardColumns = (card: Card): Fragment =>
  sql`card_last4 = ${card.last4}, card_brand = ${card.brand}, holder_name = coalesce(${card.holder}, customer_name, 'Card Holder')`

async function recordPaid(
  db: Db,
  which: Fragment,
  columns: Fragment,
  now: Date,
): Promise<CardSessionRow | undefined> {
  const { rows } = await sql<CardSessionRow>`
    with paid as (
      update simulated.card_sessions set state = 'paid', ${columns}, updated_at = ${now}
       where ${which} and state = 'open' and expires_at > ${now} returning *),
    told as (
      insert into simulated.callbacks (provider, notification, due_at)
      select 'card', jsonb_build_object(${notificationHead('payment.paid', now)}, 'providerRef', id,
               'reference', reference, 'units', units::text, 'currency', currency, 'last4', card_last4,
               'holder', holder_name, 'threeDSecure', three_d_secure), ${now}::timestamptz
        from paid)
    select * from paid`.execute(db)
  return rows[0]
}

async function recordDeclined(
  db: Db,
  which: Fragment,
  columns: Fragment,
  code: string,
  now: Date,
): Promise<CardSessionRow | undefined> {
  const { rows } = await sql<CardSessionRow>`
    with declined as (
      update simulated.card_sessions
         set ${columns}, declines = declines + 1, decline_code = ${code}, updated_at = ${now},
             state = case when declines + 1 >= ${MAX_TRIES} then 'declined' else 'open' end
       where ${which} and state = 'open' and expires_at > ${now} returning *),
    told as (
      insert into simulated.callbacks (provider, notification, due_at)
      select 'card', jsonb_build_object(${notificationHead('payment.declined', now)}, 'providerRef', id,
               'reference', reference, 'code', decline_code, 'declines', declines, 'final', state = 'declined',
               'last4', card_last4, 'holder', holder_name), ${now}::timestamptz
        from declined)
    select * from declined`.execute(db)
  return rows[0]
}
