import { sql } from 'kysely'
import type { Db } from '../../../db/database.ts'
import type { Lane } from '../../../kernel/lanes.ts'
import { takeFault } from '../../faults.ts'
import { notificationHeads } from '../../simulated/outbox.ts'
import { CALLBACKS_LANE, type RunningSimulator } from '../../simulated/simulator.ts'

const BATCH = 100

/** What happens at the card provider by itself: sessions expire, refunds end, cards are charged back. */
export function simulatedCardLane(simulator: RunningSimulator): Lane {
  const { db, clock } = simulator
  return {
    name: 'simulated-card',
    async step() {
      const now = clock.now()
      const rows =
        (await expire(db, now)) +
        (await settleRefunds(db, now)) +
        (await chargeBack(db, now)) +
        (await winDisputes(db, now))
      if (rows > 0) simulator.wake(CALLBACKS_LANE)
      return rows
    },
    async nextDue() {
      const { rows } = await sql<{ due: Date | null }>`
        select least(
          (select min(expires_at) from simulated.card_sessions where state = 'open'),
          (select min(due_at) from simulated.card_refunds where state = 'pending'),
          (select min(chargeback_due_at) from simulated.card_sessions where chargeback_due_at is not null),
          (select min(dispute_due_at) from simulated.card_sessions where dispute_due_at is not null)) due`.execute(
        db,
      )
      return rows[0]?.due ?? null
    },
  }
}

async function expire(db: Db, now: Date): Promise<number> {
  const { rows } = await sql<{ id: string }>`
    with expired as (
      update simulated.card_sessions set state = 'expired', updated_at = ${now}
       where id in (select id from simulated.card_sessions where state = 'open' and expires_at <= ${now}
                     order by expires_at limit ${BATCH} for update skip locked)
      returning *),
    told as (
      insert into simulated.callbacks (provider, notification, due_at)
      select 'card', jsonb_build_object(${notificationHeads(sql`'session.expired'`, now)}, 'providerRef', id,
               'reference', reference), ${now}::timestamptz
        from expired)
    select id from expired`.execute(db)
  return rows.length
}

/** Each fault `return` that was ordered lets one refund fail: the card's account is closed. */
async function settleRefunds(db: Db, now: Date): Promise<number> {
  return db.transaction().execute(async (trx) => {
    const due = await sql<{ id: string }>`
      select id from simulated.card_refunds where state = 'pending' and due_at <= ${now}
       order by due_at, id limit ${BATCH} for update skip locked`.execute(trx)
    const failing: string[] = []
    for (const { id } of due.rows) {
      if ((await takeFault(trx, 'card', ['return'])) === undefined) break
      failing.push(id)
    }
    if (due.rows.length === 0) return 0
    await sql`
      with ended as (
        update simulated.card_refunds
           set state = case when id = any(${failing}::text[]) then 'failed' else 'done' end,
               reason = case when id = any(${failing}::text[]) then 'card_account_closed' end, updated_at = ${now}
         where id = any(${due.rows.map(({ id }) => id)}::text[])
        returning *),
      given_back as (
        update simulated.card_sessions s set refunded_units = s.refunded_units - failed.units
          from (select session_id, sum(units) units from ended where state = 'failed' group by session_id) failed
         where s.id = failed.session_id)
      insert into simulated.callbacks (provider, notification, due_at)
      select 'card', jsonb_build_object(${notificationHeads(sql`'refund.' || ended.state`, now)},
               'providerRef', session_id, 'reference', reference, 'refundRef', ended.id,
               'idempotencyKey', ended.idempotency_key, 'units', ended.units::text, 'reason', ended.reason), ${now}::timestamptz
        from ended join simulated.card_sessions s on s.id = ended.session_id`.execute(trx)
    return due.rows.length
  })
}

/** What was refunded already is not charged back too. */
async function chargeBack(db: Db, now: Date): Promise<number> {
  const { rows } = await sql<{ id: string }>`
    with due as (
      select id from simulated.card_sessions where chargeback_due_at <= ${now}
       order by chargeback_due_at limit ${BATCH} for update skip locked),
    charged_back as (
      update simulated.card_sessions s
         set chargeback_due_at = null, updated_at = ${now},
             charged_back_at = case when refunded_units < units then ${now}::timestamptz end
        from due where s.id = due.id returning s.*),
    told as (
      insert into simulated.callbacks (provider, notification, due_at)
      select 'card', jsonb_build_object(${notificationHeads(sql`'chargeback'`, now)}, 'providerRef', id,
               'reference', reference, 'units', (units - refunded_units)::text, 'currency', currency,
               'reason', 'fraudulent'), ${now}::timestamptz
        from charged_back where charged_back_at is not null)
    select id from charged_back`.execute(db)
  return rows.length
}

/** A dispute that is won gives back what was charged back; where nothing was, there was no dispute. */
async function winDisputes(db: Db, now: Date): Promise<number> {
  const { rows } = await sql<{ id: string }>`
    with due as (
      select id from simulated.card_sessions where dispute_due_at <= ${now} and chargeback_due_at is null
       order by dispute_due_at limit ${BATCH} for update skip locked),
    won as (
      update simulated.card_sessions s
         set dispute_due_at = null, updated_at = ${now},
             dispute_won_at = case when charged_back_at is not null then ${now}::timestamptz end
        from due where s.id = due.id returning s.*),
    told as (
      insert into simulated.callbacks (provider, notification, due_at)
      select 'card', jsonb_build_object(${notificationHeads(sql`'chargeback.won'`, now)}, 'providerRef', id,
               'reference', reference, 'units', (units - refunded_units)::text, 'currency', currency), ${now}::timestamptz
        from won where dispute_won_at is not null)
    select id from won`.execute(db)
  return rows.length
}
