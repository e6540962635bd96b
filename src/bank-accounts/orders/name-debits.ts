import { sql } from 'kysely'
import type { App } from '../../app.ts'
import { isUnsettledDebit, namesFile } from '../../effects/held-orders.ts'

/** How the reason of a debit begins that carries the id of an order of ours and is not that order's. */
export const ODD_DEBIT = 'debit:'

/** The same of one that names a file of orders, but is not the sum of what is open of it. */
export const ODD_SUM = 'debit:order_file:'

/**
 * Says of debits without an owner that name a file of orders, and fit nothing that is open of it, which file that is
 * (`debit:order_file:<file>`), and in words how many orders it has, what they come to, and what the bank refused of it,
 * in euros, as files carry SEPA transfers alone: a bank that refuses an order may book the whole file all the
 * same. They wait in suspense; each is logged once. Answers how many it named anew.
 */
export async function nameFileSums({ db, log }: Pick<App, 'db' | 'log'>): Promise<number> {
  const { rows } = await sql<{ iban: string; id: string; reasons: string[]; isFirst: boolean }>`
    with odd as (
      select distinct on (t.iban, t.id) t.iban, t.id, t.match_reasons = '[]' as is_first,
             jsonb_build_array(${ODD_SUM}::text || f.id, 'The file has ' || sums.orders || ' orders, ' || round(sums.units / 100, 2) || ' EUR; refused of it: ' ||
                               sums.refused || ', ' || round(sums.refused_units / 100, 2) || ' EUR.') as reasons
        from bank_transactions t join order_files f on f.iban = t.iban
        join lateral (
          select count(*) as orders, sum(o.units) as units, count(*) filter (where o.state = 'rejected') as refused,
                 coalesce(sum(o.units) filter (where o.state = 'rejected'), 0) as refused_units
            from file_orders o where o.file_id = f.id) sums on true
       where ${isUnsettledDebit} and t.transfer_ref is null
         and (t.match_reasons = '[]' or starts_with(t.match_reasons->>0, ${ODD_SUM}))
         and t.booked_on >= f.created_at::date - 1 and ${namesFile}
       order by t.iban, t.id, f.created_at desc)
    update bank_transactions t set match_reasons = odd.reasons
      from odd where t.iban = odd.iban and t.id = odd.id and t.match_reasons <> odd.reasons and ${isUnsettledDebit}
    returning t.iban, t.id, odd.reasons, odd.is_first`.execute(db)
  for (const { iban, id, reasons } of rows.filter(({ isFirst }) => isFirst)) {
    log.error(
      { iban, line: id, reasons },
      'The bank took money under the name of a file of orders, but not what is open of it; it waits in suspense.',
    )
  }
  return rows.length
}

interface OddDebit {
  iban: string
  id: string
  reason: string
  reference: string | null
}

/**
 * Says of debits without an owner that carry the id of an order of ours why they are not that order's:
 * `debit:amount_differs:<effect>`; `debit:again:<effect>`, of an order whose debit was read before;
 * `debit:earlier_order:<effect>`, of an order that was refused and then tried again under another id, so that its
 * receiver may be paid twice (`<id>` where nobody knows the effect any more). They wait in suspense; each is logged
 * once. Answers how many it named.
 */
export async function nameOddDebits({ db, log }: Pick<App, 'db' | 'log'>): Promise<number> {
  const { rows } = await sql<OddDebit>`
    with odd as (
      select t.iban, t.id, e.reference,
             case when e.units = t.units and e.asset = t.currency
                  then coalesce(e.provider_ref, e.idempotency_key) end as taken_as,
             case when e.id is null then 'earlier_order:' || coalesce(
                         (select substr(target, 8) from audit_log
                           where action = 'effect.retry' and before->>'order' = t.end_to_end_id limit 1), t.end_to_end_id)
                  when e.units <> t.units or e.asset <> t.currency then 'amount_differs:' || e.id
                  else 'again:' || e.id end as what
        from bank_transactions t
        left join effects e
          on e.kind = 'bank_transfer' and e.door = 'bank:' || t.iban and e.idempotency_key = t.end_to_end_id
        left join file_orders o on o.idempotency_key = t.end_to_end_id and o.iban = t.iban
       where t.matched_units < t.units and (t.direction = 'credit' or t.transfer_ref is null) and t.due_at is null
         and t.direction = 'debit' and t.matched_units = 0 and t.match_reasons = '[]'
         and case when e.id is null then o.file_id is not null
                  when e.units <> t.units or e.asset <> t.currency then true
                  else o.state in ('booked', 'returned') or exists (
                    select from bank_transactions first
                     where first.iban = t.iban and first.direction = 'debit'
                       and first.transfer_ref in (e.provider_ref, e.idempotency_key)) end)
    update bank_transactions t
       set match_reasons = jsonb_build_array(${ODD_DEBIT}::text || odd.what),
           -- What the bank gives back of it is not the order's own money, see take-back-transfer.ts.
           transfer_ref = coalesce(odd.taken_as, t.transfer_ref)
      from odd where t.iban = odd.iban and t.id = odd.id and t.match_reasons = '[]' and t.matched_units = 0
    returning t.iban, t.id, t.match_reasons->>0 as reason, odd.reference`.execute(db)
  for (const { iban, id, reason, reference } of rows) {
    log.error(
      { iban, line: id, reason, reference },
      'The bank took money under the id of an order of ours, but not as ordered; it waits in suspense.',
    )
  }
  return rows.length
}
