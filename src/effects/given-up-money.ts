import { type RawBuilder, sql } from 'kysely'
import type { Trx } from '../db/database.ts'
import { RefusedOperation } from './operate-effects.ts'

/** An order that was given up: its effect, and the ids by which the bank's lines may name it. */
export interface GivenUpOrder {
  id: string
  idempotencyKey: string
  providerRef: string | null
}

/**
 * The orders that were given up and were to pay the same money as an effect with this reference and purpose, as rows of
 * `GivenUpOrder` in snake case: those of the same payment, sale or line, and those by which a line's money went back
 * otherwise, before a person moved it: as a line's own refund (`bank-line:<iban>:<id>`), or as the refund of a payment
 * that it was matched to (whose purpose ends in `:bank:<iban>:<id>`). With `purpose` null all lines of a payment count.
 */
export const givenUpInPlaceOf = ({
  reference,
  purpose,
}: {
  reference: RawBuilder<unknown>
  purpose: RawBuilder<unknown>
}): RawBuilder<GivenUpOrder> => sql<GivenUpOrder>`
  with sources as (
    select split_part(${reference}, ':', 2) as iban, split_part(${reference}, ':', 3) as id, null::timestamptz as since
     where starts_with(${reference}, 'bank-line:')
    union all
    select m.iban, m.transaction_id, m.created_at from bank_matches m
     where starts_with(${reference}, 'payment:') and m.payment_id = split_part(${reference}, ':', 2) and m.units > 0
       and (${purpose} is null or ${endsIn(purpose, sql`':bank:' || m.iban || ':' || m.transaction_id`)}))
  select g.id, g.idempotency_key, g.provider_ref from effects g
   where g.reference = ${reference} and ${isGivenUp}
  union
  -- What was refunded of a line beside its payment was never that payment's money.
  select g.id, g.idempotency_key, g.provider_ref from sources s
    join effects g on g.reference = 'bank-line:' || s.iban || ':' || s.id
   where ${isGivenUp} and (s.since is null or g.created_at <= s.since)
  union
  -- Nor is what another payment still has of it.
  select g.id, g.idempotency_key, g.provider_ref from sources s
    join bank_matches m on m.iban = s.iban and m.transaction_id = s.id and (m.units = 0 or m.round > 1)
    join effects g on g.reference = 'payment:' || m.payment_id
   where ${isGivenUp} and ${endsIn(sql`g.purpose`, sql`':bank:' || s.iban || ':' || s.id`)}`

const isGivenUp = sql<boolean>`(g.kind = 'bank_transfer' and g.state = 'cancelled')`

function endsIn(text: RawBuilder<unknown>, end: RawBuilder<unknown>): RawBuilder<boolean> {
  return sql<boolean>`right(${text}, length(${end})) = ${end}`
}

/** Money left by an order that was given up, and nobody has settled that. */
export class MoneyTaken extends RefusedOperation {}

/**
 * The debit of an order that was given up, which nobody has settled: another order for the same money may be one too
 * many. `reference` is `sale:<id>`, `payment:<id>` or `bank-line:<iban>:<id>`. Undefined when there is none.
 */
export async function findTaken(trx: Trx, reference: string): Promise<MoneyTaken | undefined> {
  const asked = { reference: sql`${reference}::text`, purpose: sql`null::text` }
  const { rows } = await sql<{ id: string; iban: string; line: string; open: boolean | null }>`
    select e.id, t.iban, t.id as line,
           (select l.matched_units = 0 from bank_transactions l
             where starts_with(${reference}, 'bank-line:')
               and l.iban = split_part(${reference}, ':', 2) and l.id = split_part(${reference}, ':', 3)) as open
      from (${givenUpInPlaceOf(asked)}) e join effects using (id)
      join bank_transactions t on t.iban = split_part(effects.door, ':', 2)
       and t.transfer_ref in (e.provider_ref, e.idempotency_key)
     where t.direction = 'debit' and t.state = 'unmatched'
     order by t.booked_at, t.id limit 1`.execute(trx)
  const [taken] = rows
  return (
    taken &&
    new MoneyTaken(
      `The bank took the money of effect ${taken.id}, which was given up. Settle that first: "accounts claim ${taken.iban} ${taken.line}".${taken.open ? mendLine(reference) : ''}`,
    )
  )
}

/** A line that was paid back that way is nobody's any more: what it brought bears what left. */
function mendLine(reference: string): string {
  const [, iban, line] = reference.split(':')
  return ` If that paid line ${line} back, both are named: "accounts claim ${iban} ${line} --as cost" likewise.`
}

/** Throws `MoneyTaken` while there is such a debit: the one check before anything is ordered or given anew. */
export async function refuseTaken(trx: Trx, reference: string): Promise<void> {
  const taken = await findTaken(trx, reference)
  if (taken) throw taken
}
