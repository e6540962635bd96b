import { sql } from 'kysely'
import type { Trx } from '../../../db/database.ts'
import type { Lane } from '../../../kernel/lanes.ts'
import { notificationHeads } from '../../simulated/outbox.ts'
import { CALLBACKS_LANE, type RunningSimulator } from '../../simulated/simulator.ts'

export const BANK_LANE = 'simulated-bank'

const BATCH = 200
/** One process books at a time: lines have an order. The number means nothing. */
const LOCK = 7_264_003
/** Books what is due on the simulated bank's accounts and tells of every line. */
export function simulatedBankLane(simulator: RunningSimulator): Lane {
  const { db, clock } = simulator
  return {
    name: BANK_LANE,
    async step() {
      const rows = await db.transaction().execute((trx) => book(trx, clock.now()))
      if (rows > 0) simulator.wake(CALLBACKS_LANE)
      return rows
    },
    async nextDue() {
      const row = await db
        .selectFrom('simulated.bankTransfers')
        .select('dueAt')
        .where('dueAt', 'is not', null)
        .orderBy('dueAt')
        .limit(1)
        .executeTakeFirst()
      return row?.dueAt ?? null
    },
  }
}

/**
 * One statement for a batch: lines with their running balance, the accounts' balances, the transfers' states, and
 * what is told of them. A transfer to another account of this bank arrives there in the next step.
 */
async function book(trx: Trx, now: Date): Promise<number> {
  const { rows: locks } = await sql<{
    free: boolean
  }>`select pg_try_advisory_xact_lock(${LOCK}) as free`.execute(trx)
  if (!locks[0]?.free) return 0
  const { rows } = await sql<{ id: string }>`
    with due as materialized (
      select * from simulated.bank_transfers where due_at <= ${now} order by due_at, id limit ${BATCH} for update),
    moves as (
      select *, (state = 'accepted' and fate = 'reject') as refused,
             case when direction = 'in' then units when state = 'booked' then coalesce(return_units, units)
                  else -units end as signed
        from due),
    placed as (
      select *, sum(signed) over w as running, row_number() over w as place
        from moves where not refused window w as (partition by iban order by due_at, id)),
    totals as (
      select iban, coalesce(sum(signed) filter (where not refused), 0) as total, count(*) filter (where not refused) as places,
             coalesce(sum(units) filter (where direction = 'out' and state = 'accepted'), 0) as released
        from moves group by iban),
    accounts as (
      update simulated.bank_accounts a
         set balance_units = a.balance_units + total, held_units = a.held_units - released, next_line = a.next_line + places
        from totals where a.iban = totals.iban
      returning a.iban, a.balance_units - total as before_units, a.next_line - places as first_line),
    lines as (
      insert into simulated.bank_lines (iban, line, transfer_id, booked_at, direction, units, balance_units)
      select p.iban, first_line + place - 1, p.id, ${now}::timestamptz, case when signed > 0 then 'credit' else 'debit' end,
             abs(signed), before_units + running
        from placed p join accounts a on a.iban = p.iban
      returning *),
    ended as (
      update simulated.bank_transfers t
         set state = case when refused then 'rejected' when m.state = 'booked' then 'returned' else 'booked' end,
             reason = case when refused or m.state = 'booked' then m.fate_code end,
             due_at = case when not refused and m.state = 'accepted' and m.fate = 'return'
                           then ${now}::timestamptz + m.return_after_ms * interval '1 millisecond' end,
             updated_at = ${now}
        from moves m where m.id = t.id
      returning t.*),
    passed_on as (
      insert into simulated.bank_transfers (id, iban, direction, units, currency, counterparty_name, counterparty_iban,
             concept, end_to_end_id, due_at, created_at, updated_at)
      select 'tr_' || replace(gen_random_uuid()::text, '-', ''), other.iban, 'in', e.units, e.currency, mine.holder_name,
             mine.iban, e.concept, e.end_to_end_id, ${now}::timestamptz, ${now}::timestamptz, ${now}::timestamptz
        from ended e
        join simulated.bank_accounts mine on mine.iban = e.iban
        join simulated.bank_accounts other on other.iban = e.counterparty_iban and other.currency = e.currency
       where e.direction = 'out' and e.state = 'booked' and e.fate = 'book'),
    told_lines as (
      insert into simulated.callbacks (provider, notification, due_at)
      select 'bank', jsonb_build_object(${notificationHeads(sql`'line.booked'`, now)}, 'line', jsonb_build_object(
               'ref', 'L' || lpad(line::text, 10, '0'), 'iban', l.iban, 'bookedAt', ${now.toISOString()}::text,
               'valueDate', ${now.toISOString().slice(0, 10)}::text, 'direction', l.direction, 'units', l.units::text,
               'balanceUnits', l.balance_units::text, 'currency', m.currency, 'counterpartyName', counterparty_name,
               'counterpartyIban', counterparty_iban, 'concept', concept, 'endToEndId', end_to_end_id,
               'transferRef', case when m.direction = 'out' then m.id end,
               'returnCode', case when m.direction = 'out' and m.state = 'booked' then m.fate_code end,
               'returnText', case when m.direction = 'out' and m.state = 'booked' then m.fate_text end)), ${now}::timestamptz
        from lines l join moves m on m.id = l.transfer_id
       where not exists (select from simulated.bank_accounts a where a.iban = l.iban and a.files_only)),
    told_transfers as (
      insert into simulated.callbacks (provider, notification, due_at)
      select 'bank', jsonb_build_object(${notificationHeads(sql`'transfer.' || state`, now)}, 'providerRef', id,
               'idempotencyKey', idempotency_key, 'iban', iban, 'units', units::text, 'reason', reason,
               'reasonText', case when reason is not null then fate_text end), ${now}::timestamptz
        from ended
       where direction = 'out'
         and not exists (select from simulated.bank_accounts a where a.iban = ended.iban and a.files_only))
    select id from moves`.execute(trx)
  return rows.length
}
