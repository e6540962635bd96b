import { type RawBuilder, sql } from 'kysely'

/** Of a row of batches: what it says may be one of several transfers of a sum, and what it says may be a sum. */
export const mayBePart = (batch: 'b' | 'g'): RawBuilder<boolean> =>
  sql<boolean>`coalesce(${sql.ref(`${batch}.transfers`)}, 1) = 1`
export const maybeSum = (batch: 't' | 'said' | 'own'): RawBuilder<boolean> =>
  sql<boolean>`${sql.ref(`${batch}.transfers`)} is distinct from 1`

/** Whether somebody told of the row `t` as a sum under one of these names (a `text[]`). */
export const isNamed = (refs: RawBuilder<unknown>): RawBuilder<boolean> => sql<boolean>`
  (exists (select from statement_lines named
            where named.iban = t.iban and named.transaction_id = t.id and 'entry:' || named.ref = any(${refs}))
   or (t.import_id is null and 'entry:' || t.bank_ref = any(${refs}))
   or exists (select from bank_line_refs named
               where named.iban = t.iban and named.transaction_id = t.id and 'entry:' || named.ref = any(${refs}))
   or exists (select from statement_lines named join statement_batches said
                on said.import_id = named.import_id and said.position = named.position and said.entry = named.number
               where named.iban = t.iban and named.transaction_id = t.id and cardinality(said.numbers) = 1
                 and ${maybeSum('said')} and said.refs && ${refs}))`

/** Of how many transfers the row `t` is by what statements say of it; null where none says it. */
export const transfersOf: RawBuilder<number | null> = sql<number | null>`
  (select max(said.transfers)
     from statement_lines named join statement_batches said
       on said.import_id = named.import_id and said.position = named.position and said.entry = named.number
    where named.iban = t.iban and named.transaction_id = t.id and cardinality(said.numbers) = 1)`

/** Nobody has done anything with the row `t` yet: it can be divided. */
export const isUntouched: RawBuilder<boolean> = sql<boolean>`
  (t.matched_units = 0 and t.transfer_ref is null and t.state in ('unmatched', 'suggested'))`
