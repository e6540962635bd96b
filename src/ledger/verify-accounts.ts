import { type RawBuilder, sql } from 'kysely'
import type { Trx } from '../db/database.ts'
import { CUSTOMER_ACCOUNTS } from './book.ts'
import type { Problem } from './verify.ts'

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

/** What we owe a customer: money that is held, and coins that were bought and have not arrived. */
const EXPECTED_CUSTOMERS = sql`
  select ${CUSTOMER_ACCOUNTS} || id || ':fiat' as account, fiat as asset,
         -(received_units - converted_units - refunded_units) as units
    from payments
  union all
  select ${CUSTOMER_ACCOUNTS} || p.id || ':coin', e.asset, -e.units
    from effects e join payments p on e.purpose = 'payment:' || p.id || ':coins'
   where e.state <> 'confirmed' and p.converted_units > 0
     -- With the money on its way back the conversion was reversed; what stays converted are fees that were kept.
     and not coalesce((p.refund->>'whole')::boolean, false)`

/** What came to an account and has no owner yet, less what the bank took without our order. */
const EXPECTED_SUSPENSE = sql`
  select 'suspense:' || iban as account, currency as asset,
         sum(case when direction = 'credit' then -(units - matched_units) else units - matched_units end) as units
    from bank_transactions where direction = 'credit' or transfer_ref is null
   group by iban, currency`

/** What we ordered to go out of an account and the bank has not booked. */
const EXPECTED_TRANSIT = sql`
  select 'transit:out:' || split_part(e.door, ':', 2) as account, e.asset, -sum(e.units) as units
    from effects e
   where e.kind = 'bank_transfer' and e.state <> 'cancelled'
     and not exists (select from bank_transactions t
                      where t.iban = split_part(e.door, ':', 2) and t.direction = 'debit' and t.transfer_ref = e.provider_ref)
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
    what: `has ${row.booked}, but should have ${row.expected} by its payments, bank lines and effects`,
  }))
}

/** A payment that is over holds nothing, unless a refund of it came back and waits for a person. */
async function findUnfinished(trx: Trx): Promise<Problem[]> {
  const { rows } = await sql<{ account: string; asset: string; units: bigint; state: string }>`
    select booked.account, booked.asset, booked.units, p.state
      from payments p
           cross join lateral (
             select account, asset, sum(units) as units from postings
              where account in (${CUSTOMER_ACCOUNTS} || p.id || ':fiat', ${CUSTOMER_ACCOUNTS} || p.id || ':coin')
              group by account, asset having sum(units) <> 0
           ) booked
     where p.state in ('coins_sent', 'expired', 'cancelled', 'payment_rejected', 'refunded')
       and coalesce(p.refund->>'state', '') <> 'failed'
     order by booked.account limit ${MOST_NAMED}`.execute(trx)
  return rows.map(({ account, asset, units, state }) => ({
    where: `account ${account} (${asset})`,
    what: `still has ${units}, though its payment is ${state}`,
  }))
}
