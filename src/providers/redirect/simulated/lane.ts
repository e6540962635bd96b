import { sql } from 'kysely'
import type { Db } from '../../../db/database.ts'
import type { Lane } from '../../../kernel/lanes.ts'
import { takeFault } from '../../faults.ts'
import { notificationHeads } from '../../simulated/outbox.ts'
import { CALLBACKS_LANE, type RunningSimulator } from '../../simulated/simulator.ts'
import { DISPUTE_REASON, payWhenDue, type RedirectKind } from './session.ts'

const BATCH = 100

/**
 * What happens at PayPal and at the local methods' provider by itself: sessions expire, codes are paid, refunds end, and buyers
 * dispute what they paid.
 */
export function simulatedRedirectLane(simulator: RunningSimulator): Lane {
  const { db, clock } = simulator
  return {
    name: 'simulated-redirect',
    async step() {
      const now = clock.now()
      // Expired before it is paid late, as it happens in the world.
      const rows =
        (await expire(db, now)) +
        (await payDue(db, now)) +
        (await settleRefunds(db, now)) +
        (await chargeBack(db, now))
      if (rows > 0) simulator.wake(CALLBACKS_LANE)
      return rows
    },
    async nextDue() {
      const { rows } = await sql<{ due: Date | null }>`
        select least(
          (select min(expires_at) from simulated.redirect_sessions where state = 'open'),
          (select min(pay_due_at) from simulated.redirect_sessions where pay_due_at is not null),
          (select min(dispute_due_at) from simulated.redirect_sessions where dispute_due_at is not null),
          (select min(due_at) from simulated.redirect_refunds where state = 'pending')) due`.execute(db)
      return rows[0]?.due ?? null
    },
  }
}

async function expire(db: Db, now: Date): Promise<number> {
  const { rows } = await sql<{ id: string }>`
    with expired as (
      update simulated.redirect_sessions set state = 'expired', updated_at = ${now}
       where id in (select id from simulated.redirect_sessions where state = 'open' and expires_at <= ${now}
                     order by expires_at limit ${BATCH} for update skip locked)
      returning *),
    told as (
      insert into simulated.callbacks (provider, notification, due_at)
      select kind, jsonb_build_object(${notificationHeads(sql`'session.expired'`, now)}, 'providerRef', id,
               'reference', reference), ${now}::timestamptz
        from expired)
    select id from expired`.execute(db)
  return rows.length
}

async function payDue(db: Db, now: Date): Promise<number> {
  const due = await db
    .selectFrom('simulated.redirectSessions')
    .select('id')
    .where('payDueAt', '<=', now)
    .orderBy('payDueAt')
    .limit(BATCH)
    .execute()
  for (const { id } of due) await payWhenDue(db, id, now)
  return due.length
}

/** Each fault `return` that was ordered lets one refund fail: the payer's account is closed. */
async function settleRefunds(db: Db, now: Date): Promise<number> {
  return db.transaction().execute(async (trx) => {
    const due = await sql<{ id: string; kind: RedirectKind }>`
      select r.id, s.kind from simulated.redirect_refunds r join simulated.redirect_sessions s on s.id = r.session_id
       where r.state = 'pending' and r.due_at <= ${now}
       order by r.due_at, r.id limit ${BATCH} for update of r skip locked`.execute(trx)
    if (due.rows.length === 0) return 0
    const failing: string[] = []
    for (const { id, kind } of due.rows) {
      if (await takeFault(trx, kind, ['return'])) failing.push(id)
    }
    await sql`
      with ended as (
        update simulated.redirect_refunds
           set state = case when id = any(${failing}::text[]) then 'failed' else 'done' end,
               reason = case when id = any(${failing}::text[]) then 'account_closed' end, updated_at = ${now}
         where id = any(${due.rows.map(({ id }) => id)}::text[])
        returning *),
      given_back as (
        update simulated.redirect_sessions s set refunded_units = s.refunded_units - failed.units
          from (select session_id, sum(units) units from ended where state = 'failed' group by session_id) failed
         where s.id = failed.session_id)
      insert into simulated.callbacks (provider, notification, due_at)
      select s.kind, jsonb_build_object(${notificationHeads(sql`'refund.' || ended.state`, now)},
               'providerRef', session_id, 'reference', reference, 'refundRef', ended.id,
               'idempotencyKey', ended.idempotency_key, 'units', ended.units::text, 'reason', ended.reason), ${now}::timestamptz
        from ended join simulated.redirect_sessions s on s.id = ended.session_id`.execute(trx)
    return due.rows.length
  })
}

/** What was refunded already is not taken back too. */
async function chargeBack(db: Db, now: Date): Promise<number> {
  const { rows } = await sql<{ id: string }>`
    with due as (
      select id from simulated.redirect_sessions where dispute_due_at <= ${now}
       order by dispute_due_at limit ${BATCH} for update skip locked),
    charged_back as (
      update simulated.redirect_sessions s
         set dispute_due_at = null, disputed_units = paid_units - refunded_units, updated_at = ${now}
        from due where s.id = due.id returning s.*),
    told as (
      insert into simulated.callbacks (provider, notification, due_at)
      select kind, jsonb_build_object(${notificationHeads(sql`'chargeback'`, now)}, 'providerRef', id,
               'reference', reference, 'units', disputed_units::text, 'paidUnits', paid_units::text,
               'currency', currency, 'reason', ${DISPUTE_REASON}::text), ${now}::timestamptz
        from charged_back where disputed_units > 0)
    select id from charged_back`.execute(db)
  return rows.length
}
