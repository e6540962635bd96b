import { sql } from 'kysely'
import type { Lane } from '../../../kernel/lanes.ts'
import { notificationHeads } from '../../simulated/outbox.ts'
import { CALLBACKS_LANE, type RunningSimulator } from '../../simulated/simulator.ts'

const BATCH = 100

/** What happens at the open-banking provider by itself: sessions that nobody used expire. */
export function simulatedOpenBankingLane(simulator: RunningSimulator): Lane {
  const { db, clock } = simulator
  return {
    name: 'simulated-open-banking',
    async step() {
      const now = clock.now()
      const { rows } = await sql<{ id: string }>`
        with expired as (
          update simulated.open_banking_sessions set state = 'expired', updated_at = ${now}
           where id in (select id from simulated.open_banking_sessions where state = 'open' and expires_at <= ${now}
                         order by expires_at limit ${BATCH} for update skip locked)
          returning *),
        told as (
          insert into simulated.callbacks (provider, notification, due_at)
          select 'open_banking', jsonb_build_object(${notificationHeads(sql`'session.expired'`, now)},
                   'providerRef', id, 'reference', reference), ${now}::timestamptz
            from expired)
        select id from expired`.execute(db)
      if (rows.length > 0) simulator.wake(CALLBACKS_LANE)
      return rows.length
    },
    async nextDue() {
      const row = await db
        .selectFrom('simulated.openBankingSessions')
        .select('expiresAt')
        .where('state', '=', 'open')
        .orderBy('expiresAt')
        .limit(1)
        .executeTakeFirst()
      return row?.expiresAt ?? null
    },
  }
}
