import { type RawBuilder, sql } from 'kysely'
import type { Trx } from '../db/database.ts'
import { CUSTOMER_ACCOUNTS, IS_INDEXED } from './book.ts'
import type { Problem } from './verify.ts'
import { findBatchProblems, findDebitProblems } from './verify-payouts.ts'
import { findStatementProblems } from './verify-statements.ts'

const MOST_NAMED = 1_000

/** Whether the books add up, and say of every account what the tables say that they are about. */
export async function findAccountProblems(trx: Trx): Promise<Problem[]> {
  return [
    ...(await findUnbalanced(trx)),
    ...(await findWrongCheckpoints(trx)),
    ...(await findDifferences(trx, sql`starts_with(account, ${CUSTOMER_ACCOUNTS})`, EXPECTED_CUSTOMERS)),
    ...(await findDifferences(trx, sql`starts_with(account, 'suspense:')`, EXPECTED_SUSPENSE)),
    ...(await findDifferences(trx, sql`starts_with(account, 'transit:')`, EXPECTED_TRANSIT)),
    ...(await findUnfinished(trx)),
    ...(await findDebitProblems(trx)),
    ...(await findStatementProblems(trx)),
    ...(await findBatchProblems(trx)),
  ]
}

async function findUnbalanced(trx: Trx): Promise<Problem[]> {
  const { rows } = await sql<{ journalId: number; asset: string; total: bigint }>`
    select journal_id, asset, sum(units) as total from postings
     group by journal_id, asset having sum(units) <> 0 order by journal_id, asset limit ${MOST_NAMED}`.execute(
    trx,
  )
  return rows.map(({ journalId, asset, total }) => ({
    where: `journal ${journalId}`,
    what: `sums to ${total} in ${asset}, not to zero`,
  }))
}

async function findWrongCheckpoints(trx: Trx): Promise<Problem[]> {
  const { rows } = await sql<{ account: string; asset: string; carried: bigint; booked: bigint }>`
    with booked as (
      select account, asset, sum(units) as units from postings p join journal_seals s on s.journal_id = p.journal_id
       where not starts_with(account, ${CUSTOMER_ACCOUNTS}) group by account, asset
    )
    select account, asset, coalesce(c.units, 0) as carried, coalesce(b.units, 0) as booked
      from balance_checkpoints c full join booked b using (account, asset)
     where coalesce(c.units, 0) <> coalesce(b.units, 0) order by account, asset limit ${MOST_NAMED}`.execute(
    trx,
  )
  return rows.map(({ account, asset, carried, booked }) => ({
    where: `checkpoint of account ${account} (${asset})`,
    what: `carries ${carried}, but the sealed entries sum to ${booked}`,
  }))
}

/** What we owe a customer: money and coins that are held, and coins that are to arrive. */
const EXPECTED_CUSTOMERS = sql`
  select account, asset, sum(units) as units from (
    select ${CUSTOMER_ACCOUNTS} || id || ':fiat' as account, fiat as asset,
           -(received_units - converted_units - refunded_units) as units
      from payments
    union all
    select ${CUSTOMER_ACCOUNTS} || p.id || ':coin', e.asset, -e.units
      from effects e join payments p on e.purpose = 'payment:' || p.id || ':coins'
     where e.state <> 'confirmed' and p.converted_units > 0
       -- With the money on its way back the conversion was reversed; what stays converted are fees that were kept.
       and not coalesce((p.refund->>'whole')::boolean, false)
    union all
    -- Of a sale: money that no payout takes, and coins that were counted and wait.
    select ${CUSTOMER_ACCOUNTS} || s.id || ':fiat', s.fiat, -(conversion->>'fiatUnits')::numeric
      from sales s cross join jsonb_array_elements(s.conversions) conversion
     where conversion->>'round' is null
    union all
    select ${CUSTOMER_ACCOUNTS} || id || ':coin', chain || ':' || symbol,
           -(received_units - converted_units - returned_units - kept_units)
      from sales
    union all
    -- Counted coins on their way back, and deposits that were not counted until they are back.
    select ${CUSTOMER_ACCOUNTS} || s.id || ':coin', e.asset, -e.units
      from effects e join sales s on e.reference = 'sale:' || s.id
     where e.kind = 'coin_transfer' and e.state not in ('confirmed', 'cancelled')
       and not exists (select from deposits d
                        where d.integration_id = s.integration_id and d.sale_id = s.id
                          and d.outcome in ('wrong_asset', 'blocked')
                          and d.return_round = split_part(e.purpose, ':', 4)::integer)
    union all
    select ${CUSTOMER_ACCOUNTS} || sale_id || ':coin', asset, -units
      from deposits where outcome in ('wrong_asset', 'blocked') and settled_at is null
  ) owed group by account, asset`

/** What came to an account and has no owner yet, less what the bank took without our order, or for one that was given up. */
const EXPECTED_SUSPENSE = sql`
  select 'suspense:' || iban as account, currency as asset,
         sum(case when direction = 'credit' then -(units - matched_units) else units - matched_units end) as units
    from bank_transactions where direction = 'credit' or transfer_ref is null or state = 'unmatched'
   group by iban, currency`

/** What we ordered to go out of an account and the bank has not booked. */
const EXPECTED_TRANSIT = sql`
  select 'transit:out:' || split_part(e.door, ':', 2) as account, e.asset, -sum(e.units) as units
    from effects e
   where e.kind = 'bank_transfer' and e.state <> 'cancelled'
     and not exists (select from bank_transactions t
                      where t.iban = split_part(e.door, ':', 2) and t.direction = 'debit'
                        and t.transfer_ref in (e.provider_ref, e.idempotency_key))
     -- One whose answer was lost is known by the id that it carries.
     and not exists (select from bank_transactions t
                      where e.provider_ref is null and t.iban = split_part(e.door, ':', 2) and t.direction = 'debit'
                        and t.transfer_ref is not null and t.end_to_end_id = e.idempotency_key)
     -- One that left in a file which the bank booked as one sum.
     and not exists (select from file_orders o join order_files f on f.id = o.file_id
                      where o.idempotency_key = e.idempotency_key and o.state in ('booked', 'returned')
                        and f.batch_line is not null)
   group by e.door, e.asset`

async function findDifferences(
  trx: Trx,
  which: RawBuilder<unknown>,
  expected: RawBuilder<unknown>,
): Promise<Problem[]> {
  const { rows } = await sql<{ account: string; asset: string; booked: bigint; expected: bigint }>`
    with booked as (
      select account, asset, sum(units) as units from postings where ${which} group by account, asset
    ), expected as (${expected})
    select account, asset, coalesce(b.units, 0) as booked, coalesce(e.units, 0) as expected
      from booked b full join expected e using (account, asset)
     where coalesce(b.units, 0) <> coalesce(e.units, 0) order by account, asset limit ${MOST_NAMED}`.execute(
    trx,
  )
  return rows.map((row) => ({
    where: `account ${row.account} (${row.asset})`,
    what: `has ${row.booked}, but should have ${row.expected} by its payments, sales, bank lines and effects`,
  }))
}

/**
 * A payment or sale that is over holds nothing, unless a refund of it came back and waits for a person, or coins are on
 * their way back.
 */
async function findUnfinished(trx: Trx): Promise<Problem[]> {
  const { rows } = await sql<{ account: string; asset: string; units: bigint; what: string }>`
    select booked.account, booked.asset, booked.units, ended.what
      from (
        select id, 'payment is ' || state as what from payments
         where state in ('coins_sent', 'expired', 'cancelled', 'payment_rejected', 'refunded')
           and coalesce(refund->>'state', '') <> 'failed'
        union all
        select id, 'sale is ' || state from sales
         where state in ('finished', 'expired', 'refunded', 'failed')
           and not exists (select from effects e
                            where e.reference = 'sale:' || sales.id and e.kind = 'coin_transfer'
                              and e.state not in ('confirmed', 'cancelled'))
      ) ended cross join lateral (
        select account, asset, sum(units) as units from postings
         where account in (${CUSTOMER_ACCOUNTS} || ended.id || ':fiat', ${CUSTOMER_ACCOUNTS} || ended.id || ':coin') and ${IS_INDEXED}
         group by account, asset having sum(units) <> 0
      ) booked
     order by booked.account limit ${MOST_NAMED}`.execute(trx)
  return rows.map(({ account, asset, units, what }) => ({
    where: `account ${account} (${asset})`,
    what: `still has ${units}, though its ${what}`,
  }))
}
