import { sql } from 'kysely'
import type { Db, Trx } from '../db/database.ts'
import { isOwnDebit } from '../effects/held-orders.ts'
import type { BankProvider } from '../providers/bank/port.ts'
import type { Problem } from './verify.ts'

const MOST_NAMED = 1_000

/**
 * Whether each amount that the bank took for an order of ours is of one order, of its amount, and taken once. An order
 * that was given up may only have been taken when it came back.
 */
export async function findDebitProblems(trx: Trx): Promise<Problem[]> {
  const { rows } = await sql<{
    iban: string
    bankRef: string
    units: bigint
    effect: string | null
    ordered: bigint | null
    times: number
    lost: boolean
  }>`
    with debits as (
      select iban, bank_ref, units, currency, transfer_ref, end_to_end_id,
             count(*) over (partition by iban, transfer_ref) as times
        from bank_transactions
       -- What was taken for an order that was given up has no owner until a person names it, and then all of it has.
       where direction = 'debit' and transfer_ref is not null and state = 'matched' and matched_units = 0)
    select d.iban, d.bank_ref, d.units, e.id as effect, e.units as ordered, d.times::int as times,
           e.state = 'cancelled' and not exists (
             select from bank_transactions back
              where back.iban = d.iban and back.transfer_ref = d.transfer_ref and back.state = 'returned') as lost
      from debits d left join effects e
        on e.kind = 'bank_transfer' and e.door = 'bank:' || d.iban and e.asset = d.currency
           and (d.transfer_ref in (e.provider_ref, e.idempotency_key)
                or (e.provider_ref is null and e.idempotency_key = d.end_to_end_id))
     where e.id is null or e.units <> d.units or d.times > 1 or e.state = 'cancelled'
     order by d.iban, d.bank_ref limit ${MOST_NAMED}`.execute(trx)
  return rows.flatMap(({ iban, bankRef, units, effect, ordered, times, lost }) => {
    const where = `bank line ${bankRef} of ${iban}`
    if (effect === null) return [{ where, what: `took ${units} for an order that we don't know` }]
    if (times > 1)
      return [{ where, what: `took ${units} for effect ${effect}, which was taken ${times} times` }]
    if (ordered !== units)
      return [{ where, what: `took ${units} for effect ${effect}, which is of ${ordered}` }]
    return lost ? [{ where, what: `took ${units} for effect ${effect}, which was given up` }] : []
  })
}

/** Whether each line that took a whole file of orders is what its orders come to. */
export async function findBatchProblems(trx: Trx): Promise<Problem[]> {
  const { rows } = await sql<{
    fileId: string
    iban: string
    line: string
    units: bigint | null
    booked: bigint
  }>`
    select f.id as file_id, f.iban, f.batch_line as line, t.units,
           (select coalesce(sum(o.units), 0) from file_orders o
             where o.file_id = f.id and o.state in ('booked', 'returned')
               and not exists (select from bank_transactions t
                                where t.iban = o.iban and t.transfer_ref = o.idempotency_key and ${isOwnDebit})) as booked
      from order_files f left join bank_transactions t
        on t.iban = f.iban and t.id = f.batch_line and t.direction = 'debit' and t.matched_units = t.units
     where f.batch_line is not null order by f.id`.execute(trx)
  return rows
    .filter(({ units, booked }) => units !== booked)
    .slice(0, MOST_NAMED)
    .map(({ fileId, iban, line, units, booked }) => ({
      where: `file of orders ${fileId}`,
      what: `was taken by line ${line} of ${iban} with ${units ?? 'nothing'}, but its orders come to ${booked}`,
    }))
}

/** Whether the bank says of our orders what we think of them, but for those whose line on the statement tells it. */
export async function findOrderProblems(
  db: Db,
  bank: Pick<BankProvider, 'findTransfer'>,
): Promise<Problem[]> {
  const { rows } = await sql<{ id: string; idempotencyKey: string; state: string; units: bigint }>`
    select id, idempotency_key, state, units from effects e
     where kind = 'bank_transfer' and state in ('sent', 'confirmed', 'failed')
       and not exists (select from file_orders o where o.idempotency_key = e.idempotency_key)
       and not exists (select from bank_transactions t
                        where t.iban = split_part(e.door, ':', 2) and t.direction = 'debit'
                          and t.transfer_ref in (e.provider_ref, e.idempotency_key))
     order by created_at desc limit ${MOST_NAMED}`.execute(db)
  const problems: Problem[] = []
  for (const { id, idempotencyKey, state, units } of rows) {
    const transfer = await bank.findTransfer(idempotencyKey)
    const where = `effect ${id}`
    const taken = transfer?.state === 'booked' || transfer?.state === 'returned'
    if (!transfer && state !== 'failed')
      problems.push({ where, what: `is ${state}, but the bank doesn't know it` })
    else if (transfer && transfer.units !== units)
      problems.push({ where, what: `is of ${units}, but of ${transfer.units} by the bank` })
    else if (state === 'confirmed' && !taken)
      problems.push({ where, what: `is confirmed, but ${transfer!.state} by the bank` })
    else if (state === 'failed' && taken)
      problems.push({ where, what: `has failed, but is ${transfer!.state} by the bank` })
  }
  return problems
}
