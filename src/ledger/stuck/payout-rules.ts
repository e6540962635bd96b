import { type RawBuilder, sql } from 'kysely'
import { heldOrders } from '../../effects/held-orders.ts'
import type { StuckRule } from './rule.ts'

/** Of the effect `e`: a line took its money, or the one line of the file that it was in. */
const isOnStatement: RawBuilder<unknown> = sql`
  (exists (select from bank_transactions t
            where t.iban = split_part(e.door, ':', 2) and t.direction = 'debit'
              and t.transfer_ref in (e.provider_ref, e.idempotency_key))
   or exists (select from file_orders o where o.idempotency_key = e.idempotency_key and o.state in ('booked', 'returned')))`

const IS_IN_A_FILE = sql`exists (select from file_orders o where o.idempotency_key = e.idempotency_key)`

/** Money that is to leave by a bank or a card provider and doesn't, or of which nobody says that it did. */
export const PAYOUT_RULES: readonly StuckRule[] = [
  {
    code: 'payout_waiting',
    severity: 'high',
    says: 'A bank transfer or a card refund is due, and was not ordered.',
    mend: 'Its reason says what it waits for: money on the account, the next day’s cap, a door that is closed, a provider that doesn’t answer.',
    rows: (cutoff) => sql`
      select e.reference, e.asset, e.units, e.created_at as since, e.reason as why from effects e
       where e.state in ('planned', 'prepared') and e.kind in ('bank_transfer', 'card_refund') and e.created_at <= ${cutoff}`,
  },
  {
    code: 'payout_unknown',
    severity: 'high',
    says: 'Nobody knows whether an order to a bank or card provider was carried out.',
    mend: 'Ask the bank or provider; "effects retry" asks again, and never orders twice.',
    rows: (cutoff) => sql`
      select e.reference, e.asset, e.units, e.created_at as since, e.reason as why from effects e
       where e.state = 'unknown' and e.kind in ('bank_transfer', 'card_refund')
         and e.created_at <= ${cutoff}`,
  },
  {
    code: 'payout_not_on_statement',
    severity: 'high',
    says: 'A transfer was ordered, or is done by the bank’s word, and no line of the account shows it.',
    mend: 'Read the account’s statement ("bank close"); if it has no such line, ask the bank what became of the order.',
    rows: (cutoff) => sql`
      select e.reference, e.asset, e.units, e.confirmed_at as since, 'the bank said that it was booked' as why from effects e
       where e.kind = 'bank_transfer' and e.state = 'confirmed' and not e.line_read and e.confirmed_at <= ${cutoff}
         and not ${isOnStatement}
      union all
      select e.reference, e.asset, e.units, e.created_at, e.reason from effects e
       where e.state = 'sent' and e.kind = 'bank_transfer'
         and e.created_at <= ${cutoff} and not ${IS_IN_A_FILE} and not ${isOnStatement}`,
  },
  {
    code: 'order_not_exported',
    severity: 'high',
    says: 'An order waits for a file to the bank.',
    mend: '"bank orders export <iban>" writes all that wait; give the file to the bank.',
    rows: (cutoff) => sql`
      select coalesce(e.reference, 'order:' || o.idempotency_key) as reference, o.currency as asset, o.units, o.created_at as since,
             'account ' || o.iban as why
        from file_orders o left join effects e on e.idempotency_key = o.idempotency_key
       where o.file_id is null and o.state = 'accepted' and o.created_at <= ${cutoff}
         -- These are looked for as order_held.
         and o.idempotency_key not in (select end_to_end_id from (${heldOrders()}) held)`,
  },
  {
    code: 'order_held',
    severity: 'high',
    says: 'An order goes into no file: the bank may have taken its money already, by an earlier order in its place.',
    mend: '"bank orders <iban>" names the debit and what to do: "effects settle" or "bank orders settle" where it paid, else "effects cancel" or "accounts claim".',
    rows: (cutoff) => sql`
      select reference, currency as asset, units, created_at as since,
             'order ' || end_to_end_id || ' by ' || coalesce('line ' || line_id, '') || ' of ' || line_iban as why
        from (${heldOrders(sql`o.created_at <= ${cutoff}`)}) held`,
  },
  {
    code: 'order_unanswered',
    severity: 'high',
    says: 'An order left in a file, and neither the bank’s answer nor a statement says what became of it.',
    mend: 'Ask the bank for its answer (pain.002) to the file, and import the statement of these days.',
    rows: (cutoff) => sql`
      select coalesce(e.reference, 'order:' || o.idempotency_key) as reference, o.currency as asset, o.units, f.created_at as since,
             'file ' || f.message_id as why
        from file_orders o join order_files f on f.id = o.file_id
        left join effects e on e.idempotency_key = o.idempotency_key
       where o.file_id is not null and o.state = 'accepted' and f.created_at <= ${cutoff}
         -- What is done by the bank's word is looked for as payout_not_on_statement.
         and e.state is distinct from 'confirmed'`,
  },
]
