import { sql } from 'kysely'
import type { StuckRule } from './rule.ts'

/** Purchases that are paid for and get no further. */
export const PAYMENT_RULES: readonly StuckRule[] = [
  {
    code: 'payment_without_transfer',
    severity: 'high',
    says: 'A payment has its money, and its coins have not left.',
    mend: 'See why with "effects list --payment <id>": coins or gas that are short, a door that is closed. Of one that is unknown find out whether it left: "effects confirm" names its transaction, else "effects retry".',
    rows: (cutoff) => sql`
      select 'payment:' || p.id as reference, p.fiat as asset, p.received_units as units, p.received_at as since, e.reason as why
        from integrations i join payments p on p.integration_id = i.id and p.state = 'payment_received'
        left join effects e on e.purpose = 'payment:' || p.id || ':coins'
       where p.received_at <= ${cutoff}
         and (e.id is null or e.state in ('planned', 'failed', 'cancelled', 'unknown'))
         -- What goes back instead is looked for as a payout.
         and not coalesce((p.refund->>'whole')::boolean, false)`,
  },
  {
    code: 'transfer_unconfirmed',
    severity: 'high',
    says: 'Coins were sent, and the chain has not confirmed them.',
    mend: 'Look the transaction up ("effects list" has its txid). It is sent again with a higher fee by itself; a nonce before it may be missing.',
    rows: (cutoff) => sql`
      select e.reference, e.asset, e.units, coalesce(t.created_at, e.updated_at) as since, coalesce(t.reason, e.reason) as why
        from effects e left join chain_transactions t on t.id = e.transaction_id
       where e.state in ('reserved', 'prepared', 'sent') and e.kind = 'coin_transfer'
         and coalesce(t.created_at, e.updated_at) <= ${cutoff} and not starts_with(e.reference, 'sweep:')`,
  },
  {
    code: 'transfer_unknown',
    severity: 'high',
    says: 'Nobody knows whether coins left: their wallet sent what the platform doesn’t know of.',
    mend: 'Find out on the chain: "effects confirm" names the transaction that moved them, "effects retry" sends what never left.',
    rows: (cutoff) => sql`
      select e.reference, e.asset, e.units, e.updated_at as since, e.reason as why from effects e
       where e.state = 'unknown' and e.kind = 'coin_transfer' and e.updated_at <= ${cutoff}
         -- These are looked for as payment_without_transfer.
         and not exists (select from payments p
                          where e.purpose = 'payment:' || p.id || ':coins' and p.id = split_part(e.purpose, ':', 2)
                            and p.state = 'payment_received')`,
  },
  {
    code: 'payment_in_review',
    severity: 'medium',
    says: 'A payment waits for a person to look at it.',
    mend: '"review list" says why; "review release" or "review refuse" decides. It is refunded by itself in the end.',
    rows: (cutoff) => sql`
      select 'payment:' || id as reference, fiat as asset, received_units as units, updated_at as since, review_reason as why
        from payments where state = 'in_review' and updated_at <= ${cutoff}`,
  },
  {
    code: 'refund_failed',
    severity: 'high',
    says: 'A refund was refused or came back: the customer’s money waits for a person.',
    mend: '"review refuse <payment> --to-iban …" sends it to another account; "effects list --state failed" says what was refused.',
    rows: (cutoff) => sql`
      select 'payment:' || id as reference, fiat as asset, (refund->>'units')::numeric as units, updated_at as since,
             'refund failed' as why
        from payments where refund->>'state' = 'failed' and updated_at <= ${cutoff}`,
  },
  {
    code: 'card_refund_not_ended',
    severity: 'high',
    says: 'A card refund was ordered, and its provider says neither that it was carried out nor that it failed.',
    mend: 'Ask the provider; "effects retry" asks it again and never orders twice, "effects settle" records what it said.',
    rows: (cutoff) => sql`
      select e.reference, e.asset, e.units, e.created_at as since, e.reason as why from effects e
       where e.state = 'sent' and e.kind = 'card_refund' and e.created_at <= ${cutoff}`,
  },
]
