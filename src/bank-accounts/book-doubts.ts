import { type Selectable, sql } from 'kysely'
import type { App } from '../app.ts'
import type { Trx } from '../db/database.ts'
import type { BankDoubtsTable } from '../db/schema.ts'
import { bookSelected } from '../ledger/book.ts'
import { bankLineJournals } from './record-lines.ts'
import { askAboutTaken, lockDoubtedOrders, markGivenUpDoubts, reviewGivenUp } from './unexpected-debits.ts'

export type Doubt = Selectable<BankDoubtsTable>

export type BookingNeeds = Pick<App, 'clock' | 'config' | 'secrets' | 'wake' | 'log' | 'pageNews'>

interface Booking {
  iban: string
  currency: string
  ids: readonly string[]
  /** The line that they are the transfers of; null: of none. */
  partOf: string | null
}

/**
 * Books doubts as lines of their own. An order is taken from the account once: what is taken again for it waits for a
 * person, as a debit without an order; so does what was taken for an order that nobody waits for any more, as its effect
 * was tried again in another, and for one that was given up, which is told as such. Answers what to do after the commit.
 */
export async function bookDoubts(
  app: BookingNeeds,
  trx: Trx,
  { iban, currency, ids, partOf }: Booking,
): Promise<() => void> {
  const now = app.clock.now()
  const taken = await lockDoubtedOrders(trx, { iban, currency, ids })
  const givenUp = taken.filter(({ state }) => state === 'cancelled')
  await sql`
    with given as (
      select d.*, case when d.direction = 'debit' and d.transfer_ref is not null and (
                         d.id = any(${givenUp.flatMap(({ doubts }) => doubts)}::text[])
                         or e.id is null
                         or exists (select from bank_transactions t
                                  where t.iban = d.iban and t.direction = 'debit'
                                    and t.transfer_ref in (d.transfer_ref, e.provider_ref, e.idempotency_key))
                         or exists (select from file_orders o
                                     where o.idempotency_key = e.idempotency_key and o.state in ('booked', 'returned'))
                         or row_number() over (partition by d.direction, e.id order by d.created_at, d.number) > 1)
                      then null else d.transfer_ref end as order_ref
        from bank_doubts d
        -- Whose order it is now: since the doubt came up its effect may have been tried again, under another key.
        left join lateral (
          select e.* from effects e
           where e.kind = 'bank_transfer' and e.door = 'bank:' || d.iban and e.asset = d.currency and e.units = d.units
             and e.state <> 'cancelled' and d.direction = 'debit'
             and (e.idempotency_key = d.transfer_ref or e.provider_ref = d.transfer_ref
                  -- The bank's own reference, of an order whose answer was lost.
                  or (e.provider_ref is null and d.transfer_ref is not null and e.idempotency_key = d.end_to_end_id))
           order by e.id limit 1) e on true
       where d.iban = ${iban} and d.id = any(${[...ids]}::text[]))
    insert into bank_transactions (iban, id, bank_ref, booked_at, booked_on, value_date, direction, units, currency,
                                   counterparty_sealed, payer_index, concept, end_to_end_id, transfer_ref, return_code,
                                   return_text, reversal_refs, reversal, import_id, import_line, part_of, state, due_at, created_at)
    select iban, id, case when import_id is null then bank_ref else import_id || '/' || position || '/' || number end,
           booked_at, booked_on, value_date, direction, units, currency, counterparty_sealed, payer_index, concept,
           end_to_end_id, order_ref, return_code, return_text, reversal_refs,
           case when reversal_refs is not null and order_ref is null then 'waits' end, import_id, import_line, ${partOf},
           case when direction = 'debit' and order_ref is not null then 'matched' else 'unmatched' end,
           case when direction = 'credit' then ${now}::timestamptz end, ${now}
      from given order by created_at, number`.execute(trx)
  await bookSelected(
    trx,
    sql`select ${bankLineJournals({ iban, currency }, now)}
          from (select bank_ref as ref, direction, units, transfer_ref from bank_transactions
                 where iban = ${iban} and id = any(${[...ids]}::text[]) order by bank_ref) l`,
  )
  await askAboutTaken(trx, taken, now)
  await markGivenUpDoubts(trx, iban, givenUp)
  return reviewGivenUp(app, trx, givenUp)
}

interface Closing {
  iban: string
  ids: readonly string[]
  state: 'same' | 'new'
  /** The line that they are; their own where they are new. */
  transactionId?: string
  now: Date
}

/** Ends doubts, with those that told the same again: all that told of them told of that line. */
export async function closeDoubts(
  trx: Trx,
  { iban, ids, state, transactionId, now }: Closing,
): Promise<void> {
  const line = transactionId ?? null
  await sql`
    with closed as (
      update bank_doubts
         set state = ${state}, transaction_id = coalesce(${line}::text, same_as, id), decided_at = ${now}
       where iban = ${iban} and (id = any(${[...ids]}::text[]) or (same_as = any(${[...ids]}::text[]) and state = 'again'))
      returning *
    ), named as (
      insert into bank_line_refs (iban, ref, transaction_id)
      select iban, bank_ref, transaction_id from closed
       where import_id is null and bank_ref is not null and state = 'same'
    ), reversing as (
      update bank_transactions t set reversal_refs = closed.reversal_refs, reversal = 'waits' from closed
       where closed.state = 'same' and closed.reversal_refs is not null and t.iban = closed.iban
         and t.id = closed.transaction_id and t.reversal is null and t.direction = 'debit'
         and t.transfer_ref is null and t.state = 'unmatched' and t.matched_units = 0
    )
    insert into statement_lines (import_id, position, number, iban, transaction_id, ref, print, told_on)
    select import_id, position, number, iban, transaction_id, bank_ref, print,
           (select closed.booked_on from bank_transactions t
             where t.iban = closed.iban and t.id = transaction_id and t.booked_on <> closed.booked_on)
      from closed where import_id is not null`.execute(trx)
}
