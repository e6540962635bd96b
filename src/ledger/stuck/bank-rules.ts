import { sql } from 'kysely'
import type { StuckRule } from './rule.ts'

/** How the reasons of debits begin that say for which order of ours the bank took them, and that it should not have. */
const UNEXPECTED_DEBIT = '^(given_up|debit):'

/** Bank lines, so that those that wait for a person and those that are to be looked at are each found by their own index. */
export const LINES_BY_DUE = sql`
  (select * from bank_transactions where due_at is null
   union all select * from bank_transactions where due_at is not null)`

/** What came to our accounts and has no owner, and accounts of which nobody tells. */
export const BANK_RULES: readonly StuckRule[] = [
  {
    code: 'suspense_line',
    severity: 'medium',
    says: 'Money on an account of ours belongs to nobody.',
    mend: '"bank lines" names it: "bank match" it with its payment, "bank refund-line" pays it back, "accounts claim" says whose else it is.',
    rows: (cutoff) => sql`
      select 'bank-line:' || iban || ':' || id as reference, currency as asset, units - matched_units as units, created_at as since,
             coalesce(match_reasons->>0, return_code) as why
        from ${LINES_BY_DUE} lines
       where matched_units < units and (direction = 'credit' or transfer_ref is null) and state <> 'suggested'
         and created_at <= ${cutoff}
         -- These are looked for as debit_unexpected.
         and not (direction = 'debit' and coalesce(match_reasons->>0, '') ~ ${UNEXPECTED_DEBIT})`,
  },
  {
    code: 'suggested_line',
    severity: 'medium',
    says: 'Money that came may be for a payment, and a person is to say whether it is.',
    mend: '"bank lines" shows the payments that it may be for, "bank match" says which it is.',
    rows: (cutoff) => sql`
      select 'bank-line:' || iban || ':' || id as reference, currency as asset, units - matched_units as units, created_at as since,
             coalesce(match_reasons->>0, 'proposed') as why
        from ${LINES_BY_DUE} lines
       where matched_units < units and (direction = 'credit' or transfer_ref is null) and state = 'suggested'
         and created_at <= ${cutoff}`,
  },
  {
    code: 'doubtful_line',
    severity: 'medium',
    says: 'A bank told of what may be a known line or another: it is not in the books.',
    mend: '"bank doubts" shows what it may be, "bank doubts decide" says what it is.',
    rows: (cutoff) => sql`
      select 'bank-doubt:' || iban || ':' || id as reference, currency as asset, units, created_at as since, reason as why
        from bank_doubts where state = 'open' and created_at <= ${cutoff}`,
  },
  {
    code: 'debit_unexpected',
    severity: 'high',
    says: 'The bank took money for an order of ours that was given up, taken before, or of another amount, or took back what isn’t known to have come.',
    mend: 'Recover it from the bank or the receiver; then "accounts claim <iban> <line> --as cost" names the line, and what comes back likewise. One that names a file (debit:order_file) is that file’s: "bank orders settle <file> <line>".',
    rows: (cutoff) => sql`
      select 'bank-line:' || iban || ':' || id as reference, currency as asset, units - matched_units as units, created_at as since,
             match_reasons->>0 as why
        from bank_transactions
       where direction = 'debit' and state = 'unmatched' and matched_units < units
         and match_reasons->>0 ~ ${UNEXPECTED_DEBIT} and created_at <= ${cutoff}`,
  },
  {
    code: 'transfer_taken_back',
    severity: 'high',
    says: 'The bank took a transfer back whose coins or money had left: it is lost.',
    mend: 'Ask the bank why, and the customer for the money; then "bank seen <iban> <line>" says that it is known.',
    rows: (cutoff) => sql`
      select 'bank-line:' || iban || ':' || id as reference, currency as asset, units, created_at as since,
             match_reasons->>0 as why
        from bank_transactions where reversal = 'lost' and created_at <= ${cutoff}`,
  },
  {
    code: 'statement_missing',
    severity: 'medium',
    says: 'An account that is told of by statements has had none of late.',
    mend: 'Fetch the bank’s statement and "bank import" it.',
    rows: (cutoff) => sql`
      select 'bank:' || iban as reference, currency as asset, null::numeric as units, since,
             coalesce('the last one ends on ' || to_on, 'there was never one') as why
        from (select a.iban, a.currency, last.to_on,
                     coalesce(((last.to_on + 1)::timestamp at time zone 'UTC'), a.created_at) as since, a.due_at
                from bank_accounts a
                left join lateral (select to_on from statements s
                                    where s.iban = a.iban and s.complete and s.to_on is not null
                                    order by s.to_on desc limit 1) last on true
               where a.status = 'active') accounts
       where since <= ${cutoff}
         -- What the bank's interface tells of needs no statement, unless somebody imports them.
         and (due_at is null or since > ${cutoff}::timestamptz - interval '30 days' and to_on is not null)`,
  },
]
