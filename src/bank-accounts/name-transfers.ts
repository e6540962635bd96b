import { sql } from 'kysely'
import type { Trx } from '../db/database.ts'
import { bookAll } from '../ledger/book.ts'
import { suspenseOf, transitOutOf } from './record-lines.ts'
import { isHeld } from './reversals/find-taker.ts'
import type { StagedStatement } from './settle-statement.ts'

/**
 * Finds the orders of ours that staged lines book or give back: an order carries its key to the other end and back
 * (`EndToEndId`). A debit must be of the order's amount, and the first for it; what gives money back with a reason, and
 * is of no order that is known, is named all the same, so that nobody takes it for a customer's money.
 */
export async function nameTransfers(trx: Trx, { iban, currency }: StagedStatement): Promise<void> {
  await sql`
    update told_lines l set transfer_ref = coalesce(e.provider_ref, e.idempotency_key)
      from effects e
     where e.kind = 'bank_transfer' and e.door = ${`bank:${iban}`} and e.asset = ${currency}
       and e.idempotency_key = l.end_to_end_id and (l.found <> 'known' or ${isUnowned(iban)})
       and (l.direction = 'credit' or (
             -- What was given up has no order any more; see unexpected-debits.ts.
             e.state <> 'cancelled' and e.units = l.units
             and not exists (select from told_lines first
                              where first.direction = 'debit' and first.number < l.number
                                and first.end_to_end_id = l.end_to_end_id and first.units = l.units)
             -- Booked with its whole file, it has no line of its own.
             and not exists (select from file_orders o
                              where o.idempotency_key = e.idempotency_key and o.state in ('booked', 'returned'))
             and not exists (select from bank_transactions t
                              where t.iban = ${iban} and t.direction = 'debit'
                                and t.transfer_ref in (e.provider_ref, e.idempotency_key))))`.execute(trx)
  await sql`
    update told_lines l set transfer_ref = coalesce(nullif(end_to_end_id, ''), ref, id)
     where direction = 'credit' and return_code is not null and transfer_ref is null
       and (found <> 'known' or ${isUnowned(iban)})`.execute(trx)
}

const isUnowned = (iban: string) => sql`
  exists (select from bank_transactions t
           where t.iban = ${iban} and t.id = l.known_id and t.transfer_ref is null and t.matched_units = 0)`

interface NamedDebit {
  id: string
  bankRef: string
  units: bigint
}

/**
 * What a statement says of known lines without an owner beyond what was known: with what words, which order it was. They
 * are matched again; the bank's day counts from now on. Who paid is `completeTold`'s.
 */
export async function addToKnown(trx: Trx, { iban, currency }: StagedStatement, now: Date): Promise<void> {
  await sql`
    update bank_transactions t set booked_on = l.booked_on from told_lines l
     where l.found = 'known' and t.iban = ${iban} and t.id = l.known_id and t.import_id is null
       and t.booked_on <> l.booked_on`.execute(trx)
  const { rows } = await sql<NamedDebit & { direction: string; transferRef: string | null }>`
    with more as (
      select t.id, l.end_to_end_id, l.concept, l.transfer_ref, l.return_code, l.return_text
        from told_lines l join bank_transactions t on t.iban = ${iban} and t.id = l.known_id
       where l.found = 'known' and t.matched_units = 0 and t.transfer_ref is null
         and (l.transfer_ref is not null or (t.direction = 'credit' and (
               (t.end_to_end_id is null and l.end_to_end_id is not null) or (t.concept = '' and l.concept <> ''))))
       order by t.booked_at, t.id for update of t)
    update bank_transactions t
       set end_to_end_id = coalesce(t.end_to_end_id, more.end_to_end_id),
           concept = case when t.concept = '' then more.concept else t.concept end,
           transfer_ref = more.transfer_ref, return_code = coalesce(t.return_code, more.return_code),
           return_text = coalesce(t.return_text, more.return_text),
           state = case when direction = 'debit' then 'matched' else t.state end,
           due_at = case when direction = 'credit' and (more.transfer_ref is not null or not ${isHeld})
                         then ${now}::timestamptz end
      from more where t.iban = ${iban} and t.id = more.id
    returning t.id, t.bank_ref, t.direction, t.units, t.transfer_ref`.execute(trx)
  await bookAll(
    trx,
    rows
      .filter(({ direction }) => direction === 'debit')
      .map(({ bankRef, units }) => ({
        kind: 'bank_debit_named',
        purpose: `bank-line:${iban}:${bankRef}:named`,
        integrationId: null,
        reference: bankRef,
        at: now,
        postings: [
          { account: transitOutOf(iban), asset: currency, units },
          { account: suspenseOf(iban), asset: currency, units: -units },
        ],
      })),
  )
}
